package netblock

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// benchProblem scatters points over a border, the defaults of the policy in force: bursts of up to eight near each other,
// as attackers come.
func benchProblem(shape Shape, border string, n int) Problem {
	p := Problem{Shape: shape, Border: OfPrefix(netip.MustParsePrefix(border)), Prior: 0.002, EntryCost: 0.001, Neighbours: 0.1, GrowMin: 3}
	p.Widest = UnitBits(p.Border.First()) - 8
	r := rand.New(rand.NewPCG(1, uint64(n)))
	g := p.ground()
	first, last := UnitKey(p.Border.First()), UnitKey(p.Border.Last())
	for len(p.Points) < n {
		key := first + r.Uint64N(last-first-64)
		for range 1 + r.IntN(8) {
			x := Point{Addr: g.rangeOf(span{key, key}).First(), Offender: true, Named: true, Danger: 0.1 + r.ExpFloat64()}
			if r.IntN(5) == 0 {
				x = Point{Addr: x.Addr, Honest: true, Loss: r.ExpFloat64()}
			}
			p.Points = append(p.Points, x)
			key += 1 + r.Uint64N(8)
		}
	}
	slices.SortFunc(p.Points, func(a, b Point) int { return a.Addr.Compare(b.Addr) })
	p.Points = slices.CompactFunc(p.Points, func(a, b Point) bool { return a.Addr == b.Addr })
	return p
}

func walled(p Problem, n int) Problem {
	r := rand.New(rand.NewPCG(2, uint64(n)))
	g := p.ground()
	first, last := UnitKey(p.Border.First()), UnitKey(p.Border.Last())
	var walls []Range
	for range n {
		key := first + r.Uint64N(last-first)
		walls = append(walls, g.rangeOf(span{key, key}))
	}
	p.Walls = SetOf(walls...)
	return p
}

// sizes are how many points the benches take; ten million only for prefixes, to see how the cover grows.
var sizes = []struct {
	name string
	n    int
}{{"100k", 100_000}, {"1M", 1_000_000}}

func benchCover(b *testing.B, p Problem) {
	b.ReportAllocs()
	for b.Loop() {
		if s := Cover(p); len(s.Ranges) == 0 {
			b.Fatal("nothing is covered")
		}
	}
	b.ReportMetric(float64(len(p.Points)), "points")
}

func BenchmarkCover(b *testing.B) {
	for _, c := range []struct {
		name string
		of   func(n int) Problem
	}{
		{"cidr", func(n int) Problem { return benchProblem(CIDR, "198.0.0.0/7", n) }},
		{"range", func(n int) Problem { return benchProblem(Interval, "198.0.0.0/7", n) }},
		{"v6", func(n int) Problem { return benchProblem(CIDR, "2001:db8::/32", n) }},
		{"v6range", func(n int) Problem { return benchProblem(Interval, "2001:db8::/32", n) }},
		{"walls", func(n int) Problem { return walled(benchProblem(CIDR, "198.0.0.0/7", n), n/10) }},
		{"wallsrange", func(n int) Problem { return walled(benchProblem(Interval, "198.0.0.0/7", n), n/10) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for _, size := range sizes {
				b.Run(size.name, func(b *testing.B) { benchCover(b, c.of(size.n)) })
			}
		})
	}
	b.Run("10M", func(b *testing.B) { benchCover(b, benchProblem(CIDR, "192.0.0.0/3", 10_000_000)) })
}

// BenchmarkSort sorts the keys of the same points, to measure the cover against.
func BenchmarkSort(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			var keys []uint64
			for _, x := range benchProblem(CIDR, "198.0.0.0/7", size.n).Points {
				keys = append(keys, UnitKey(x.Addr))
			}
			rand.New(rand.NewPCG(3, 3)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
			work := make([]uint64, len(keys))
			for b.Loop() {
				copy(work, keys)
				slices.Sort(work)
			}
		})
	}
}

// BenchmarkBudget holds the cover of a million points to a thousand ranges.
func BenchmarkBudget(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			problems := []Problem{benchProblem(CIDR, "198.0.0.0/7", size.n)}
			b.ReportAllocs()
			var got Budgeted
			for b.Loop() {
				got = Within(problems, size.n/1000)
			}
			b.ReportMetric(100*got.Gap/got.Cost, "%gap")
		})
	}
}
