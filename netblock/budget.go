package netblock

import (
	"cmp"
	"math"
	"slices"
)

// Budgeted is covers of several problems that hold a limit on their ranges together.
type Budgeted struct {
	Solutions []Solution // of each problem
	Ranges    int        // in all of them
	Cost      float64    // of all of them, per day
	Gap       float64    // no covers with so few ranges cost less than Cost - Gap
	Toll      float64    // about what one range more would save, per day
}

// Within covers several problems with at most so many ranges in all, at the least cost that it finds, and tells how far from
// the least of all that can be.
//
// A toll on every range makes the covers take fewer. What is best with the toll is best for its number of ranges; that is
// Lagrangian relaxation, and the cost with the toll, less the toll times the limit, is a bound that no covers within the
// limit get below. Where the number jumps across the limit, the covers with the higher toll are refined, as far as the limit
// goes, by parts of those with the lower.
func Within(problems []Problem, most int) Budgeted {
	high, low := tolls(problems, most)
	out := covers(problems, high)
	for step := 1e-9; out.Ranges > most; step *= 2 { // the tolls are floats, the covers aren't
		low, high = high, high*(1+step)+1e-12
		out = covers(problems, high)
	}
	if high == 0 {
		return out
	}
	bound := out.Cost - high*float64(most)
	out.Cost -= high * float64(out.Ranges)
	for i := range problems {
		out.Solutions[i].Cost -= high * float64(len(out.Solutions[i].Ranges))
	}
	if out.Ranges < most {
		out.refine(problems, covers(problems, low).Solutions, most)
	}
	out.Gap, out.Toll = max(out.Cost-bound, 0), high
	out.exactly(problems, most)
	return out
}

// covers covers every problem, with a toll on each range that the costs include.
func covers(problems []Problem, toll float64) Budgeted {
	out := Budgeted{Solutions: make([]Solution, len(problems))}
	for i, p := range problems {
		p.EntryCost += toll
		out.Solutions[i] = Cover(p)
		out.Ranges += len(out.Solutions[i].Ranges)
		out.Cost += out.Solutions[i].Cost
	}
	return out
}

// spare is how many ranges more than the limit the finer covers should have: from these the rest of it is filled.
func spare(most int) int { return most + max(64, most/32) }

// tolls returns a toll with which the covers have no more ranges than the limit, 0 or hardly above the least such, and a
// lower one with which they have somewhat more.
func tolls(problems []Problem, most int) (high, low float64) {
	var bends []bend
	for i := range problems {
		if problems[i].Shape == Interval {
			return bisect(problems, most)
		}
		bends = problems[i].bends(bends)
	}
	if high = tollFor(bends, most); high > 0 {
		high = high*(1+1e-9) + 1e-12
	}
	return high, tollFor(bends, spare(most)) * (1 - 1e-9)
}

// bisect finds tolls by trying.
func bisect(problems []Problem, most int) (high, low float64) {
	if covers(problems, 0).Ranges <= most {
		return 0, 0
	}
	for i := range problems {
		for _, x := range problems[i].Points {
			high += x.Danger
		}
	}
	fewer := covers(problems, high).Ranges
	more := 0.0                                                 // the highest toll known with which there are too many
	for ; fewer > most; fewer = covers(problems, high).Ranges { // what is unseen gains too
		more, high = high, 2*high+1
	}
	for fewer < most && high-more > 1e-12*max(1, high) {
		mid := (more + high) / 2
		if more < high/16 {
			mid = math.Sqrt(max(more, high*1e-12) * high)
		}
		switch n := covers(problems, mid).Ranges; {
		case n <= most:
			high, fewer = mid, n
		default:
			more = mid
			if n >= spare(most) {
				low = mid
			}
		}
	}
	return high, low
}

// refinement is a part of one cover that finer ranges can take the place of.
type refinement struct {
	problem       int
	coarse, finer []Range
	saved         float64 // per day
}

func (x refinement) more() int { return len(x.finer) - len(x.coarse) }

// refinements returns where the ranges of one cover differ from those of a finer one, which lie in them or between them.
func refinements(p *Problem, problem int, coarse, finer []Range) []refinement {
	var out []refinement
	for len(coarse) > 0 || len(finer) > 0 {
		var x refinement
		switch {
		case len(coarse) == 0 || len(finer) > 0 && finer[0].last.Less(coarse[0].first):
			x.finer, finer = finer[:1], finer[1:]
		default:
			x.coarse, coarse = coarse[:1], coarse[1:]
			for len(finer) > 0 && !x.coarse[len(x.coarse)-1].last.Less(finer[0].first) {
				x.finer, finer = append(x.finer, finer[0]), finer[1:]
				for len(coarse) > 0 && !x.finer[len(x.finer)-1].last.Less(coarse[0].first) {
					x.coarse, coarse = append(slices.Clip(x.coarse), coarse[0]), coarse[1:]
				}
			}
		}
		if x.problem = problem; x.more() > 0 && !slices.Equal(x.coarse, x.finer) {
			x.saved = p.saved(x.coarse, x.finer)
			out = append(out, x)
		}
	}
	return out
}

// saved returns what one set of ranges costs less than another near it.
func (p *Problem) saved(than, by []Range) float64 {
	g := p.near(slices.Concat(than, by))
	return g.Price(than).Cost - g.Price(by).Cost
}

// near returns the part of a problem in the groups that ranges touch: what they cost there is what they cost in all of it,
// but for what lies outside of the part anyway.
func (p *Problem) near(ranges []Range) Problem {
	out := *p
	around := Range{ranges[0].first, ranges[0].last}
	for _, r := range ranges {
		if r.first.Less(around.first) {
			around.first = r.first
		}
		if around.last.Less(r.last) {
			around.last = r.last
		}
	}
	around = Range{Group(around.first).Addr(), lastOf(Group(around.last))}
	if around.first.Less(p.Border.first) {
		around.first = p.Border.first
	}
	if p.Border.last.Less(around.last) {
		around.last = p.Border.last
	}
	out.Border = around
	g := ground{Problem: out}
	from, to := g.inside()
	out.Points = p.Points[from:to]
	return out
}

// refine fills what is left of the limit with parts of finer covers: those that save most a range, and what of another fits.
func (b *Budgeted) refine(problems []Problem, finer []Solution, most int) {
	var parts []refinement
	for i := range problems {
		parts = append(parts, refinements(&problems[i], i, slices.Clone(b.Solutions[i].Ranges), finer[i].Ranges)...)
	}
	slices.SortStableFunc(parts, func(x, y refinement) int {
		return cmp.Compare(y.saved*float64(x.more()), x.saved*float64(y.more()))
	})
	took := map[int]bool{}
	take := func(x refinement) {
		b.Ranges += x.more()
		b.Cost -= x.saved
		s := &b.Solutions[x.problem]
		s.Cost -= x.saved
		s.Ranges = append(slices.DeleteFunc(s.Ranges, func(r Range) bool { return slices.Contains(x.coarse, r) }), x.finer...)
		took[x.problem] = true
	}
	var over []refinement
	for _, x := range parts {
		if x.saved > 0 && x.more() <= most-b.Ranges {
			take(x)
			continue
		}
		over = append(over, x)
	}
	for _, x := range over {
		if left := most - b.Ranges; left > 0 && x.more() > left && x.more() <= left+mostThinned {
			if x = thinned(&problems[x.problem], x, left); x.saved > 0 {
				take(x)
			}
		}
	}
	for i := range took {
		s := &b.Solutions[i]
		slices.SortFunc(s.Ranges, Range.Compare)
		s.Loss = problems[i].Price(s.Ranges).Loss
	}
}

// mostThinned is how many ranges a refinement is thinned out by, for each is priced against all others.
const mostThinned = 64

// thinned drops or joins the finer ranges of a refinement, each time where that costs least, until no more than left are
// added.
func thinned(p *Problem, x refinement, left int) refinement {
	near := p.near(slices.Concat(x.coarse, x.finer))
	p = &near
	x.finer = slices.Clone(x.finer)
	before := p.Price(x.coarse).Cost
	for x.more() > left {
		var best []Range
		least := math.Inf(1)
		for i := range x.finer {
			tries := [][]Range{slices.Delete(slices.Clone(x.finer), i, i+1)}
			if joined, ok := p.joined(x.finer, i); ok {
				tries = append(tries, joined)
			}
			for _, try := range tries {
				if c := p.Price(try).Cost; c < least {
					best, least = try, c
				}
			}
		}
		x.finer, x.saved = best, before-least
	}
	return x
}

// joined returns ranges with one and the next made one, where that is allowed.
func (p *Problem) joined(ranges []Range, i int) ([]Range, bool) {
	if p.Shape != Interval || i+1 == len(ranges) {
		return nil, false
	}
	one := Range{ranges[i].first, ranges[i+1].last}
	widest := math.Inf(1)
	if p.Widest > 0 {
		widest = math.Exp2(float64(UnitBits(one.first) - min(p.Widest, UnitBits(one.first))))
	}
	if one.Units() > widest || widen(p.Walls).Overlaps(one) {
		return nil, false
	}
	out := slices.Delete(slices.Clone(ranges), i+1, i+2)
	out[i] = one
	return out, true
}
