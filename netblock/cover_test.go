package netblock

import (
	"math"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// named are offenders that the rule names, at a danger each.
func named(danger float64, addrs ...string) []Point {
	var out []Point
	for _, s := range addrs {
		out = append(out, Point{Addr: netip.MustParseAddr(s), Offender: true, Named: true, Danger: danger})
	}
	return out
}

// others are offenders that the rule doesn't name.
func others(danger float64, addrs ...string) []Point {
	out := named(danger, addrs...)
	for i := range out {
		out[i].Named = false
	}
	return out
}

// honest are honest sources, at a value each.
func honest(loss float64, addrs ...string) []Point {
	var out []Point
	for _, s := range addrs {
		out = append(out, Point{Addr: netip.MustParseAddr(s), Loss: loss, Honest: true})
	}
	return out
}

// coverCase is a problem at the policy's defaults, but for what change does to it.
type coverCase struct {
	name   string
	shape  Shape // empty for both
	border string
	walls  []string
	change func(*Problem)
	points [][]Point
	want   []string
}

func (c coverCase) problem(t *testing.T, shape Shape) Problem {
	t.Helper()
	p := Problem{Shape: shape, Border: mustRange(t, c.border), Walls: setOf(t, c.walls...), Prior: 0.002, EntryCost: 0.001,
		Neighbours: 0.1, GrowMin: 3, Points: slices.Concat(c.points...)}
	p.Widest = 64
	if p.Border.Is4() {
		p.Widest = 24
	}
	slices.SortFunc(p.Points, func(a, b Point) int { return a.Addr.Compare(b.Addr) })
	if c.change != nil {
		c.change(&p)
	}
	return p
}

func entryCost(x float64) func(*Problem) { return func(p *Problem) { p.EntryCost = x } }

// Nothing unseen gains here.
func TestCover(t *testing.T) {
	thirty := 0.0 // tenths: a little more than 3
	for range 30 {
		thirty += 0.1
	}
	groups := func(of ...[]Point) [][]Point { return of }
	for _, c := range []coverCase{
		{name: "nobody", border: "192.0.2.0/24", want: []string{}},
		{name: "one", border: "192.0.2.0/24", points: groups(named(1, "192.0.2.7")), want: []string{"192.0.2.7"}},
		{name: "enduring costs less than losing", border: "192.0.2.0/24",
			points: groups([]Point{{Addr: netip.MustParseAddr("192.0.2.7"), Offender: true, Named: true, Danger: 40, Loss: 4000}}), want: []string{}},
		{name: "costs as much as it saves", border: "192.0.2.0/24", points: groups(named(0.001, "192.0.2.7")), want: []string{}},
		{name: "as much but for what floats lose", border: "192.0.2.0/24", change: entryCost(0.3), points: groups(named(0.1+0.2, "192.0.2.7")), want: []string{}},
		{name: "as much but for what many sums lose", border: "192.0.2.0/24", change: entryCost(3), points: groups(named(thirty, "192.0.2.7")), want: []string{}},
		{name: "saves a little more", border: "192.0.2.0/24", points: groups(named(0.00100001, "192.0.2.7")), want: []string{"192.0.2.7"}},
		{name: "neighbours share an entry", border: "192.0.2.0/24", points: groups(named(1, "192.0.2.6", "192.0.2.7")), want: []string{"192.0.2.6/31"}},
		{name: "neighbours that are no prefix", shape: CIDR, border: "192.0.2.0/24", points: groups(named(1, "192.0.2.7", "192.0.2.8")),
			want: []string{"192.0.2.7", "192.0.2.8"}},
		{name: "neighbours that are an interval", shape: Interval, border: "192.0.2.0/24", points: groups(named(1, "192.0.2.7", "192.0.2.8")),
			want: []string{"192.0.2.7-192.0.2.8"}},
		{name: "an unseen address costs more than an entry", border: "192.0.2.0/24", points: groups(named(1, "192.0.2.4", "192.0.2.6")),
			want: []string{"192.0.2.4", "192.0.2.6"}},
		{name: "as much as an entry", border: "192.0.2.0/24", change: entryCost(0.002), points: groups(named(1, "192.0.2.4", "192.0.2.6")),
			want: []string{"192.0.2.4", "192.0.2.6"}},
		{name: "less than an entry", shape: Interval, border: "192.0.2.0/24", change: entryCost(0.003), points: groups(named(1, "192.0.2.4", "192.0.2.6")),
			want: []string{"192.0.2.4-192.0.2.6"}},
		{name: "an offender not named costs nothing on the way", shape: Interval, border: "192.0.2.0/24",
			points: groups(named(1, "192.0.2.4", "192.0.2.6"), others(9, "192.0.2.5")), want: []string{"192.0.2.4-192.0.2.6"}},
		{name: "nobody is taken who isn't named", border: "192.0.2.0/24", points: groups(named(1, "192.0.2.4"), others(9, "192.0.2.5", "192.0.2.200")),
			want: []string{"192.0.2.4"}},
		{name: "a wall beside offenders", border: "203.0.113.0/24", walls: []string{"203.0.113.7"},
			change: entryCost(1), shape: CIDR,
			points: groups(named(9, "203.0.113.4", "203.0.113.5", "203.0.113.6")), want: []string{"203.0.113.4/31", "203.0.113.6"}},
		{name: "a wall between", shape: Interval, border: "198.18.0.0/24", walls: []string{"198.18.0.16/28"}, change: entryCost(1),
			points: groups(named(40, "198.18.0.14", "198.18.0.15", "198.18.0.32", "198.18.0.33")), want: []string{"198.18.0.14/31", "198.18.0.32/31"}},
		{name: "no wall between", shape: Interval, border: "198.18.0.0/24", change: entryCost(1),
			points: groups(named(40, "198.18.0.14", "198.18.0.15", "198.18.0.32", "198.18.0.33")), want: []string{"198.18.0.14-198.18.0.33"}},
		{name: "all behind walls", border: "192.0.2.0/24", walls: []string{"192.0.2.0/25", "192.0.2.200"},
			points: groups(named(1, "192.0.2.7", "192.0.2.200")), want: []string{}},
		{name: "no wider than allowed", shape: CIDR, border: "198.18.0.0/16", change: entryCost(5),
			points: groups(named(40, "198.18.1.9", "198.18.2.9", "198.18.3.9")), want: []string{"198.18.1.9", "198.18.2.9", "198.18.3.9"}},
		{name: "as wide as pays without a limit", shape: CIDR, border: "198.18.0.0/16", change: func(p *Problem) { p.EntryCost, p.Widest = 5, 0 },
			points: groups(named(40, "198.18.1.9", "198.18.2.9", "198.18.3.9")), want: []string{"198.18.0.0/22"}},
		{name: "a limit narrower than a /64", border: "2001:db8::/48", change: func(p *Problem) { p.Widest = 96 },
			points: groups(named(1, "2001:db8::")), want: []string{"2001:db8::/64"}},
		{name: "a wall that touches a /64", border: "2001:db8::/48", walls: []string{"2001:db8:0:1::99"},
			points: groups(named(1, "2001:db8::", "2001:db8:0:1::")), want: []string{"2001:db8::/64"}},
		{name: "outside the border", border: "192.0.2.0/25", points: groups(named(1, "192.0.2.7", "192.0.2.130", "2001:db8::")), want: []string{"192.0.2.7"}},
	} {
		for _, shape := range []Shape{CIDR, Interval} {
			if c.shape != "" && c.shape != shape {
				continue
			}
			t.Run(c.name+"/"+string(shape), func(t *testing.T) {
				p := c.problem(t, shape)
				p.Neighbours = 0
				if diff := cmp.Diff(c.want, texts(Cover(p).Ranges)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// At the defaults an unseen address of a /24 pays once 0.1 × offenders / 256 × their median danger passes 0.002: at 5.12 a
// day. A whole /24 also saves entries, and so is taken a little sooner.
func TestCoverGrows(t *testing.T) {
	three := []string{"198.18.0.4", "198.18.0.100", "198.18.0.200"}
	groups := func(of ...[]Point) [][]Point { return of }
	unseen := func(loss float64, addr string) []Point { return []Point{{Addr: netip.MustParseAddr(addr), Loss: loss}} }
	for _, c := range []coverCase{
		{name: "under 5.1 a day", border: "198.18.0.0/24", points: groups(named(1.69, three...)), want: three},
		{name: "over 5.1 a day", border: "198.18.0.0/24", points: groups(named(1.71, three...)), want: []string{"198.18.0.0/24"}},
		{name: "neither costs nor gains", shape: CIDR, border: "198.18.0.0/24", points: groups(named(1.28, three...), others(1.28, "198.18.0.201")),
			want: []string{"198.18.0.0/24"}},
		{name: "neither costs nor gains", shape: Interval, border: "198.18.0.0/24", points: groups(named(1.28, three...), others(1.28, "198.18.0.201")),
			want: []string{"198.18.0.4-198.18.0.200"}},
		{name: "the median counts", border: "198.18.0.0/24", points: groups(named(1.69, three[:2]...), named(1e6, three[2])), want: three},
		{name: "of an even number the mean of the middle two", border: "198.18.0.0/24",
			points: groups(named(0.1, three[0]), named(1.27, three[1]), named(1.30, three[2]), named(9, "198.18.0.222")), want: []string{"198.18.0.0/24"}},
		{name: "of an even number just under", border: "198.18.0.0/24",
			points: groups(named(0.1, three[0]), named(1.20, three[1]), named(1.28, three[2]), named(9, "198.18.0.222")), want: append(slices.Clone(three), "198.18.0.222")},
		{name: "two are too few", border: "198.18.0.0/24", points: groups(named(1000, three[:2]...)), want: three[:2]},
		{name: "any offender counts", border: "198.18.0.0/24", points: groups(named(1.71, three[0]), others(1.71, three[1:]...)), want: []string{"198.18.0.0/24"}},
		{name: "somebody honest in the group", border: "198.18.0.0/24", points: groups(named(100, three...), honest(0, "198.18.0.250")), want: three},
		{name: "somebody honest in the next group", border: "198.18.0.0/23", points: groups(named(100, three...), honest(0, "198.18.1.250")), want: []string{"198.18.0.0/24"}},
		{name: "an offender with honest traffic", border: "198.18.0.0/24", change: func(p *Problem) { p.Points[1].Honest = true },
			points: groups(named(100, three...)), want: three},
		{name: "a loss of nobody in particular", border: "198.18.0.0/24", points: groups(named(100, three...), unseen(0.01, "198.18.0.250")), want: []string{"198.18.0.0/24"}},
		{name: "each group by itself", border: "198.18.0.0/23",
			points: groups(named(1.71, "198.18.0.4", "198.18.0.100", "198.18.1.200")), want: []string{"198.18.0.4", "198.18.0.100", "198.18.1.200"}},
		{name: "a border in the group", border: "198.18.0.0/25", points: groups(named(0.86, "198.18.0.4", "198.18.0.50", "198.18.0.100")), want: []string{"198.18.0.0/25"}},
		{name: "no unseen range without one who is named", shape: CIDR, border: "198.18.0.0/23",
			points: groups(named(5, "198.18.0.9"), others(100, "198.18.1.4", "198.18.1.100", "198.18.1.200")), want: []string{"198.18.0.9"}},
		{name: "the range they hop in", shape: CIDR, border: "203.0.113.0/24",
			points: groups(named(0.15, "203.0.113.65", "203.0.113.70", "203.0.113.77", "203.0.113.81", "203.0.113.90", "203.0.113.95",
				"203.0.113.99", "203.0.113.104", "203.0.113.110", "203.0.113.117", "203.0.113.121", "203.0.113.126"), named(0.1, "203.0.113.200")),
			want: []string{"203.0.113.64/26", "203.0.113.200"}},
		{name: "a /48", border: "2001:db8:1::/48", change: func(p *Problem) { p.Widest = 0 },
			points: groups(named(437, "2001:db8:1:4::", "2001:db8:1:8000::", "2001:db8:1:ffff::")), want: []string{"2001:db8:1::/48"}},
		{name: "a /48 just under", border: "2001:db8:1::/48", change: func(p *Problem) { p.Widest = 0 },
			points: groups(named(436, "2001:db8:1:4::", "2001:db8:1:8000::", "2001:db8:1:ffff::")),
			want:   []string{"2001:db8:1:4::/64", "2001:db8:1:8000::/64", "2001:db8:1:ffff::/64"}},
	} {
		for _, shape := range []Shape{CIDR, Interval} {
			if c.shape != "" && c.shape != shape {
				continue
			}
			t.Run(c.name+"/"+string(shape), func(t *testing.T) {
				if diff := cmp.Diff(c.want, texts(Cover(c.problem(t, shape)).Ranges)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// Where all that is unseen pays, an interval is as wide as it may be, and where it lies is settled by what lies lowest.
func TestCoverPlacesWideIntervals(t *testing.T) {
	hot := func(p *Problem) { p.Widest, p.GrowMin, p.Neighbours = 30, 1, 100 }
	all := []Point{}
	for _, s := range []string{"192.0.2.1", "192.0.2.5", "192.0.2.9"} {
		all = append(all, named(1, s)...)
	}
	for _, c := range []coverCase{
		{name: "around the only one, where most is gained", border: "192.0.2.0/27", points: [][]Point{named(1, "192.0.2.9")}, want: []string{"192.0.2.8/30"}},
		{name: "over two groups, where more is gained", border: "192.0.2.240-192.0.3.15", points: [][]Point{named(1, "192.0.2.255"), others(9, "192.0.3.0", "192.0.3.3")},
			want: []string{"192.0.2.255-192.0.3.2"}},
		{name: "not below the border", border: "192.0.2.8/29", points: [][]Point{named(1, "192.0.2.9")}, want: []string{"192.0.2.8/30"}},
		{name: "not into a wall", border: "192.0.2.0/27", walls: []string{"192.0.2.10"}, points: [][]Point{named(1, "192.0.2.9")}, want: []string{"192.0.2.6-192.0.2.9"}},
		{name: "two that touch, the cut as low as can be", border: "192.0.2.0/29", points: [][]Point{named(1, "192.0.2.1", "192.0.2.6")},
			want: []string{"192.0.2.0/30", "192.0.2.4/30"}},
		{name: "three before a wall, cut from behind", border: "192.0.2.0/28", walls: []string{"192.0.2.10/31", "192.0.2.12/30"},
			points: [][]Point{all}, want: []string{"192.0.2.0/31", "192.0.2.2-192.0.2.5", "192.0.2.6-192.0.2.9"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.problem(t, Interval)
			hot(&p)
			got := Cover(p)
			if diff := cmp.Diff(c.want, texts(got.Ranges)); diff != "" {
				t.Error(diff)
			}
			o := newOracle(p)
			compareSolutions(t, "cover", p, got, o.solution(o.best()))
		})
	}
}

func TestCoverOfAllThereIs(t *testing.T) {
	for _, border := range []string{"0.0.0.0/0", "::/0"} {
		for _, shape := range []Shape{CIDR, Interval} {
			r := mustRange(t, border)
			last := Unit(r.Last())
			p := Problem{Shape: shape, Border: r, Prior: 100, EntryCost: 0.001, Neighbours: 0.1, GrowMin: 3,
				Points: named(1, r.First().String(), last.String())}
			want := []Range{UnitRange(r.First()), UnitRange(last)}
			if got := Cover(p).Ranges; !slices.Equal(got, want) {
				t.Errorf("%s of %s is %v", shape, border, got)
			}
			p.Prior, p.EntryCost = 0, 1
			if got := Cover(p).Ranges; !slices.Equal(got, want) && !slices.Equal(got, []Range{r}) {
				t.Errorf("%s of %s with nothing to lose is %v", shape, border, got)
			}
		}
	}
	if got := Cover(Problem{Points: named(1, "192.0.2.1")}); len(got.Ranges) != 0 || got.Cost != 1 {
		t.Errorf("without a border %v are covered at %v", got.Ranges, got.Cost)
	}
}

func TestCoverBeyondWhatCostsCount(t *testing.T) {
	p := Problem{Shape: Interval, Border: mustRange(t, "192.0.2.0/24"), Prior: 0.002, EntryCost: 0.001, GrowMin: 3,
		Points: slices.Concat(named(math.MaxFloat64, "192.0.2.1"), honest(math.MaxFloat64, "192.0.2.2"), named(1e11, "192.0.2.3"))}
	want := []string{"192.0.2.1", "192.0.2.3"}
	if got := texts(Cover(p).Ranges); !slices.Equal(got, want) {
		t.Errorf("covers %v", got)
	}
}

func TestPrice(t *testing.T) {
	p := coverCase{border: "192.0.2.0/24", points: [][]Point{named(2, "192.0.2.1", "192.0.2.200"), others(7, "192.0.2.2"), honest(3, "192.0.2.3")}}.problem(t, CIDR)
	six := coverCase{border: "2001:db8::/48", points: [][]Point{honest(3, "2001:db8::")}}.problem(t, CIDR)
	for _, c := range []struct {
		name       string
		p          Problem
		in         []string
		loss, cost float64
	}{
		{"nothing", p, nil, 0, 4},
		{"its own address", p, []string{"192.0.2.1"}, 0, 2.001},
		{"unseen and honest ones", p, []string{"192.0.2.0/29"}, 3.01, 3.011 + 2},
		{"two that overlap", p, []string{"192.0.2.0/30", "192.0.2.0/29"}, 3.01, 3.012 + 2},
		{"outside the border", p, []string{"198.51.100.0/30"}, 0.008, 4.009},
		{"of another family", p, []string{"2001:db8::/63"}, 0.004, 4.005},
		{"all", p, []string{"192.0.2.0/24"}, 3 + 252*0.002, 3.001 + 252*0.002},
		{"parts of a /64", six, []string{"2001:db8::-2001:db8::6", "2001:db8::8-2001:db8::ff", "2001:db8:0:1::1"}, 3.002, 3.005},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ranges []Range
			for _, s := range c.in {
				ranges = append(ranges, mustRange(t, s))
			}
			got := c.p.Price(ranges)
			if !alike(got.Loss, c.loss) || !alike(got.Cost, c.cost) || !slices.Equal(got.Ranges, ranges) {
				t.Errorf("loss %v and cost %v of %v, not %v and %v", got.Loss, got.Cost, got.Ranges, c.loss, c.cost)
			}
		})
	}
}

func TestCoverLeavesItsProblemAlone(t *testing.T) {
	p := coverCase{border: "198.18.0.0/24", points: [][]Point{named(3, "198.18.0.200"), named(1, "198.18.0.4"), named(2, "198.18.0.100")}}.problem(t, CIDR)
	before := slices.Clone(p.Points)
	first := Cover(p)
	if second := Cover(p); !slices.Equal(first.Ranges, second.Ranges) || first.Cost != second.Cost || !slices.Equal(p.Points, before) {
		t.Errorf("the second time it is %v at %v, not %v at %v", second.Ranges, second.Cost, first.Ranges, first.Cost)
	}
}
