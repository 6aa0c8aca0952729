package netblock

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"testing"
)

// cases returns how many random problems to solve: more with LASTRESORT_LONG=1.
func cases(short, long int) int {
	if os.Getenv("LASTRESORT_LONG") == "1" {
		return long
	}
	return short
}

func oneOf[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// randomProblem makes a case with a border of up to 1<<bits addresses. Costs are round figures, so that many are equal and
// none nearly so.
func randomProblem(r *rand.Rand, bits int) Problem {
	p := Problem{
		Shape:      oneOf(r, CIDR, Interval),
		Prior:      oneOf(r, 0, 0.002, 0.01, 0.05),
		EntryCost:  oneOf(r, 0, 0.001, 0.02, 0.3),
		Neighbours: oneOf(r, 0, 0.1, 0.5, 1),
		GrowMin:    1 + r.IntN(4),
	}
	base := netip.MustParseAddr("198.51.100.0")
	if r.IntN(2) == 0 {
		base = netip.MustParseAddr("2001:db8:1::")
	}
	o := oracle{p: Problem{Border: Single(base)}}
	size := uint64(1) << bits
	first := UnitKey(base)
	if bits <= 8 {
		first += r.Uint64N(256/size) * size
	}
	last := first + size - 1
	at := func() netip.Addr { return o.addr(first + r.Uint64N(size)) }
	p.Border = Range{o.addr(first), UnitRange(o.addr(last)).Last()}
	if r.IntN(4) == 0 {
		a, b := at(), at()
		if b.Less(a) {
			a, b = b, a
		}
		p.Border = Range{a, UnitRange(b).Last()}
		if !base.Is4() && a != b && r.IntN(2) == 0 { // it may cut a /64
			p.Border = Range{a.Next(), b}
		}
	}
	if r.IntN(2) == 0 {
		p.Widest = UnitBits(base) - r.IntN(bits+1)
	}
	var walls []Range
	for range oneOf(r, 0, 0, 1, 3) {
		w := Single(at())
		switch {
		case r.IntN(2) == 0:
			w = UnitRange(w.First())
		case !base.Is4():
			w = Single(fromHalves([2]uint64{UnitKey(w.First()), r.Uint64()}, false))
		}
		walls = append(walls, w)
	}
	p.Walls = SetOf(walls...)
	honest := oneOf(r, 0, 0, 0.05, 0.3)
	for range 1 + r.IntN(int(min(size, 12))) {
		x := Point{Addr: at(), Loss: oneOf(r, 0, 0, 0, 0.01, 0.3, 2)}
		if r.Float64() < honest {
			x.Honest = true
		}
		if r.IntN(5) > 0 {
			x.Offender, x.Named, x.Danger = true, r.IntN(4) > 0, oneOf(r, 0, 0.001, 0.01, 0.02, 0.31, 1, 1, 2.5)
		}
		p.Points = append(p.Points, x)
	}
	slices.SortFunc(p.Points, func(a, b Point) int { return a.Addr.Compare(b.Addr) })
	p.Points = slices.CompactFunc(p.Points, func(a, b Point) bool { return a.Addr == b.Addr })
	return p
}

func alike(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

func describe(p Problem) string {
	text := fmt.Sprintf("%s in %s, walls %v, widest %d, prior %v, entry %v, neighbours %v, grow_min %d",
		p.Shape, p.Border, p.Walls.Ranges(), p.Widest, p.Prior, p.EntryCost, p.Neighbours, p.GrowMin)
	for _, x := range p.Points {
		text += fmt.Sprintf("\n\t%s offender %v named %v danger %v loss %v honest %v", x.Addr, x.Offender, x.Named, x.Danger, x.Loss, x.Honest)
	}
	return text
}

func compareSolutions(t *testing.T, what string, p Problem, got, want Solution) {
	t.Helper()
	if !slices.Equal(got.Ranges, want.Ranges) || !alike(got.Cost, want.Cost) || !alike(got.Loss, want.Loss) {
		t.Fatalf("%s of %s\n got %v cost %v loss %v\nwant %v cost %v loss %v", what, describe(p),
			got.Ranges, got.Cost, got.Loss, want.Ranges, want.Cost, want.Loss)
	}
}

// Every set of ranges is tried, which only the smallest borders allow.
func TestCoverIsTheBestOfAllSets(t *testing.T) {
	for seed := range uint64(cases(1000, 20000)) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := randomProblem(r, 1+r.IntN(3))
		o := newOracle(p)
		compareSolutions(t, fmt.Sprintf("cover, seed %d", seed), p, Cover(p), o.solution(o.bestOfAll()))
	}
}

func TestCoverAgreesWithTheOracle(t *testing.T) {
	for seed := range uint64(cases(2000, 100000)) {
		r := rand.New(rand.NewPCG(seed, 2))
		p := randomProblem(r, 3+r.IntN(5))
		o := newOracle(p)
		compareSolutions(t, fmt.Sprintf("cover, seed %d", seed), p, Cover(p), o.solution(o.best()))
	}
}

// A /23 has two groups.
func TestCoverAgreesWithTheOracleOverTwoGroups(t *testing.T) {
	for seed := range uint64(cases(60, 3000)) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := randomProblem(r, 9)
		o := newOracle(p)
		compareSolutions(t, fmt.Sprintf("cover, seed %d", seed), p, Cover(p), o.solution(o.best()))
	}
}

func TestPriceAgreesWithAWalk(t *testing.T) {
	for seed := range uint64(cases(2000, 20000)) {
		r := rand.New(rand.NewPCG(seed, 4))
		p := randomProblem(r, 1+r.IntN(7))
		o := newOracle(p)
		want := Solution{}
		for i := 0; i < len(o.cells); {
			if r.IntN(3) > 0 {
				want.Cost += o.cells[i].outside
				i++
				continue
			}
			j := min(i+r.IntN(5), len(o.cells)-1)
			want.Ranges = append(want.Ranges, Range{UnitRange(o.addr(o.first + uint64(i))).First(), UnitRange(o.addr(o.first + uint64(j))).Last()})
			want.Cost += p.EntryCost
			for ; i <= j; i++ {
				want.Cost += o.cells[i].inside
				want.Loss += o.cells[i].loss
			}
		}
		for _, x := range p.Points {
			if x.Named && !p.Border.Overlaps(UnitRange(x.Addr)) {
				want.Cost += x.Danger
			}
		}
		compareSolutions(t, fmt.Sprintf("price, seed %d", seed), p, p.Price(want.Ranges), want)
	}
}
