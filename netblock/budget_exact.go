package netblock

import "math"

// mostExact bounds the work of an exact search, in ranges and shares of the limit that are tried.
const mostExact = 20_000_000

// exactWithin is Within for the range shape, exactly: it tries every interval between any two cells, for every number of
// ranges. False where that is too much.
//
// A toll alone finds the least cost wherever that is convex in the number of ranges. That each range must hold a named
// offender bends it now and then.
func exactWithin(problems []Problem, most int) (Budgeted, bool) {
	var stretches []stretch
	grounds := make([]*ground, len(problems))
	paid := make([]cost, len(problems)) // for the named offenders behind walls
	work := 0
	for i := range problems {
		if problems[i].Shape != Interval {
			return Budgeted{}, false
		}
		grounds[i] = problems[i].ground()
		c := intervalCover{ground: grounds[i], entry: costOf(problems[i].EntryCost)}
		c.collect = func() {
			n := len(c.cells)
			work += n*n*min(most, n) + (most+1)*(min(most, n)+1) // for the stretch, and to add it to those before
			if work <= mostExact {
				stretches = append(stretches, c.stretch(i, most))
			}
		}
		if c.run(); work > mostExact {
			return Budgeted{}, false
		}
		paid[i] = c.paid
	}
	// Of all stretches before one, the least cost with so many ranges, and how many of these are in the last of them.
	least := make([]choice, most+1)
	shares := make([][]int, len(stretches))
	for s := range stretches {
		next := make([]choice, most+1)
		shares[s] = make([]int, most+1)
		for k := range next {
			for mine := 0; mine <= min(k, stretches[s].most()); mine++ {
				if try := least[k-mine].plus(stretches[s].least[mine]); mine == 0 || try.compare(next[k]) < 0 {
					next[k], shares[s][k] = try, mine
				}
			}
		}
		least = next
	}
	out := Budgeted{Solutions: make([]Solution, len(problems))}
	chosen := make([][]span, len(problems))
	left := most
	for s := len(stretches) - 1; s >= 0; s-- {
		x := &stretches[s]
		mine := shares[s][left]
		left -= mine
		chosen[x.problem] = append(x.ranges(mine), chosen[x.problem]...)
		paid[x.problem] = paid[x.problem].plus(x.least[mine].cost)
	}
	for i, g := range grounds {
		f := found{ground: g, chosen: chosen[i], cost: paid[i].perDay(), loss: g.lost(chosen[i])}
		out.Solutions[i] = f.solution(&problems[i])
		out.Ranges += len(chosen[i])
		out.Cost += out.Solutions[i].Cost
	}
	return out, true
}

func (a choice) plus(b choice) choice {
	return choice{a.cost.plus(b.cost), a.units + b.units, a.ranges + b.ranges}
}

// stretch is the cells between two walls, and the least cost of covering them with at most so many ranges.
type stretch struct {
	problem int
	cells   []cell
	least   []choice  // by ranges
	take    [][]int32 // by ranges and cell: at which the interval that begins here ends; -1 for none
}

func (x *stretch) most() int { return len(x.least) - 1 }

// stretch covers the cells at hand with every number of ranges up to most.
func (c *intervalCover) stretch(problem, most int) stretch {
	n := len(c.cells)
	x := stretch{problem: problem, cells: append([]cell(nil), c.cells...)}
	var fewer []choice // by cell from which on, with one range less
	for k := 0; k <= min(most, n); k++ {
		best := make([]choice, n+1)
		take := make([]int32, n)
		for i := n - 1; i >= 0; i-- {
			from := &x.cells[i]
			best[i], take[i] = best[i+1], -1
			if c.named(&from.piece) {
				best[i].cost = best[i].cost.plus(costOf(c.Points[from.point].Danger))
			}
			named := false
			for j := i; k > 0 && j < n && x.cells[j].last-from.first <= c.widest; j++ {
				to := &x.cells[j]
				named = named || c.named(&to.piece)
				if !named {
					continue
				}
				try := fewer[j+1]
				try.cost = try.cost.plus(to.before).plus(c.net(&to.piece)).minus(from.before).plus(c.entry)
				try.units += count(from.first, to.last)
				try.ranges++
				if try.compare(best[i]) < 0 {
					best[i], take[i] = try, int32(j)
				}
			}
		}
		x.least, x.take, fewer = append(x.least, best[0]), append(x.take, take), best
	}
	return x
}

// ranges returns the best ranges, at most k.
func (x *stretch) ranges(k int) []span {
	var out []span
	for i := 0; i < len(x.cells); i++ {
		if end := x.take[k][i]; end >= 0 {
			out = append(out, span{x.cells[i].first, x.cells[end].last})
			i, k = int(end), k-1
		}
	}
	return out
}

// exactly takes an exact cover in place of one that may cost more, where that isn't too much to look for.
func (b *Budgeted) exactly(problems []Problem, most int) {
	if b.Gap <= 1e-9*max(1, math.Abs(b.Cost)) {
		return
	}
	if exact, ok := exactWithin(problems, most); ok && exact.Cost <= b.Cost {
		exact.Toll = b.Toll
		*b = exact
	}
}
