package netblock

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// leastWithin returns the least cost of covering a problem with at most k ranges, for every k up to most, by trying every
// range at every address.
func (o *oracle) leastWithin(most int) []float64 {
	n := len(o.cells)
	least := make([][]float64, n+1) // by cell from which on, by ranges
	least[n] = make([]float64, most+1)
	for i := n - 1; i >= 0; i-- {
		least[i] = make([]float64, most+1)
		for k := range least[i] {
			least[i][k] = o.cells[i].outside + least[i+1][k]
		}
		inside, named := o.p.EntryCost, false
		for j := i; j < n && !o.cells[j].wall; j++ {
			inside += o.cells[j].inside
			named = named || o.cells[j].named
			if !named || !o.fits(i, j) {
				continue
			}
			for k := 1; k <= most; k++ {
				least[i][k] = min(least[i][k], inside+least[j+1][k-1])
			}
		}
	}
	beyond := o.solution(&plan{}).Cost
	for k := range least[0] {
		least[0][k] += beyond
	}
	return least[0]
}

// leastOfAll is leastWithin for several problems together.
func leastOfAll(problems []Problem, most int) float64 {
	sum := make([]float64, most+1)
	for _, p := range problems {
		one := newOracle(p).leastWithin(most)
		next := make([]float64, most+1)
		for k := range next {
			next[k] = math.Inf(1)
			for i := 0; i <= k; i++ {
				next[k] = min(next[k], sum[k-i]+one[i])
			}
		}
		sum = next
	}
	return sum[most]
}

func TestWithinBoundsTheLeast(t *testing.T) {
	exact, tried := map[Shape]int{}, map[Shape]int{}
	for seed := range uint64(cases(400, 10000)) {
		r := rand.New(rand.NewPCG(seed, 5))
		shape := oneOf(r, CIDR, Interval)
		var problems []Problem
		for range 1 + r.IntN(3) {
			p := randomProblem(r, 3+r.IntN(4))
			p.Shape = shape
			problems = append(problems, p)
		}
		free := covers(problems, 0)
		for most := 0; most <= free.Ranges; most++ {
			got := Within(problems, most)
			want := leastOfAll(problems, most)
			what := fmt.Sprintf("seed %d, at most %d of %d", seed, most, free.Ranges)
			cost, ranges := 0.0, 0
			for i, s := range got.Solutions {
				problem := problems[i]
				priced := problem.Price(s.Ranges)
				if !alike(priced.Cost, s.Cost) || !alike(priced.Loss, s.Loss) {
					t.Fatalf("%s: %v of %s costs %v and loses %v; said %v, %v", what, s.Ranges, describe(problem), priced.Cost, priced.Loss, s.Cost, s.Loss)
				}
				cost += priced.Cost
				ranges += len(s.Ranges)
				allowed(t, what, problem, s.Ranges)
			}
			if ranges > most || ranges != got.Ranges || !alike(cost, got.Cost) {
				t.Fatalf("%s: %d ranges for %v; said %d for %v", what, ranges, cost, got.Ranges, got.Cost)
			}
			if want > cost+1e-9 || want < cost-got.Gap-1e-9 {
				t.Fatalf("%s: the least is %v; said %v within %v, of %s", what, want, cost, got.Gap, describe(problems[0]))
			}
			tried[shape]++
			if alike(want, cost) {
				exact[shape]++
			} else if shape == Interval {
				t.Errorf("%s: %v, least %v, gap %v", what, cost, want, got.Gap)
			}
		}
	}
	t.Logf("the least was found: %v of %v", exact, tried)
}

// allowed holds that ranges lie in the border and outside the walls, no wider than allowed.
func allowed(t *testing.T, what string, p Problem, ranges []Range) {
	t.Helper()
	o := newOracle(p)
	last := -1
	for _, r := range ranges {
		i, j := int(UnitKey(r.First())-o.first), int(UnitKey(r.Last())-o.first)
		named := false
		for k := i; k <= j; k++ {
			if o.cells[k].wall {
				t.Fatalf("%s: %s crosses a wall of %s", what, r, describe(p))
			}
			named = named || o.cells[k].named
		}
		if !o.fits(i, j) || i <= last || !named {
			t.Fatalf("%s: %v isn't allowed in %s", what, ranges, describe(p))
		}
		last = j
	}
}

// TestTheExactSearchIsBounded has many stretches of few cells, whose shares of a high limit would be too much to try.
func TestTheExactSearchIsBounded(t *testing.T) {
	p := Problem{Shape: Interval, Border: OfPrefix(netip.MustParsePrefix("10.0.0.0/8")), Prior: 1}
	var walls []Range
	for i := range uint64(5000) {
		at := addrOf(10<<24+i*16, true)
		p.Points = append(p.Points, Point{Addr: at, Offender: true, Named: true, Danger: 1})
		walls = append(walls, Single(addrOf(10<<24+i*16+8, true)))
	}
	p.Walls = SetOf(walls...)
	if _, ok := exactWithin([]Problem{p}, 4000); ok {
		t.Error("5000 stretches and 4000 ranges are searched; expected that to be too much")
	}
	p.Points, p.Walls = p.Points[:200], SetOf(walls[:200]...)
	if b, ok := exactWithin([]Problem{p}, 150); !ok || b.Ranges != 150 || b.Cost != 50 {
		t.Errorf("%v, %d ranges, cost %v; expected 150 ranges and 50 left", ok, b.Ranges, b.Cost)
	}
}
