package netblock

import (
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
)

// Shape is what form the ranges of a cover may take.
type Shape string

// The shapes: prefixes, portable to any router, or any interval.
const (
	CIDR     Shape = "cidr"
	Interval Shape = "range"
)

// Point is a source of which something is known, in the sense of judging: an IPv4 address, or the first address of a /64.
// One that is neither offender nor honest counts as unseen, whatever its loss.
type Point struct {
	Addr     netip.Addr
	Offender bool
	Named    bool    // an offender that the blocking rule names; only these count as danger
	Honest   bool    // it had honest traffic, so that its group isn't grown into
	Danger   float64 // per day
	Loss     float64 // honest value per day, if it is inside a range
}

// seen tells whether a point is no unseen address.
func (x Point) seen() bool { return x.Offender || x.Named || x.Honest }

// Problem is one case whose offenders are to be covered. Costs are per day; prior and entry cost aren't negative.
type Problem struct {
	Shape Shape
	// Border holds every range. Groups, the /24 or for IPv6 the /48, are cut to the smallest prefix around it.
	Border Range
	// Walls hold what no range may cover. A wall that touches a /64 walls all of it.
	Walls Set
	// Widest is the length of the widest prefix, 0 for no limit. An interval may lie across the borders of prefixes, but
	// holds at most as many addresses as a prefix of that length. An address in the sense of judging is always allowed.
	Widest     int
	Prior      float64 // loss of an unseen address
	EntryCost  float64 // of one range
	Neighbours float64 // new offenders per known one and its share of a prefix
	GrowMin    int     // offenders in a prefix before its unseen addresses gain
	Points     []Point // by address, each once
}

// Solution is a set of ranges and what it costs a day.
type Solution struct {
	Ranges []Range // sorted and disjoint; in the interval shape two may touch, where one would be too wide
	Cost   float64 // what is minimised: losses and entries, less the gain of the unseen, and the danger left outside
	Loss   float64 // honest value lost in the ranges: that of the known, and the prior of the unseen
}

// Cover returns the ranges that cost least, each with a named offender in it: exactly, over all sets of ranges that the
// border, the walls and the widest prefix allow. Of sets that cost the same the one with fewer addresses wins, then with
// fewer ranges, then the lowest: the one whose first range that differs begins, or else ends, at a lower address.
//
// That costs are the same within a billionth can't be asked pair by pair: it isn't transitive, and the answer would hang on
// the order of asking. Amounts are rounded to whole steps far below that first (see cost), and sums of these are exact.
func Cover(p Problem) Solution {
	parts := []Problem{p}
	if len(p.Points) >= many {
		parts = p.Parts(many / 4)
	}
	found := make([]found, len(parts))
	onAll(len(parts), func(i int) { found[i] = parts[i].cover() })
	n := 0
	var out Solution
	for i := range found { // in order, so that the sums are the same however many processors there are
		found[i].at = n
		n += len(found[i].chosen)
		out.Cost += found[i].cost
		out.Loss += found[i].loss
	}
	out.Ranges = make([]Range, n)
	onAll(len(parts), func(i int) {
		for k, x := range found[i].chosen {
			out.Ranges[found[i].at+k] = found[i].rangeOf(x)
		}
	})
	return out
}

// many is how many points are worth more than one processor.
const many = 1 << 17

// onAll does something n times, on all processors.
func onAll(n int, do func(i int)) {
	if n == 1 {
		do(0)
		return
	}
	var all sync.WaitGroup
	var next atomic.Int64
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// found is the best cover of a problem, before its ranges are made.
type found struct {
	*ground
	chosen     []span
	cost, loss float64
	at         int // where its ranges come
}

func (p Problem) cover() found {
	g := p.ground()
	var chosen []span
	var paid cost
	if p.Shape == Interval {
		chosen, paid = g.coverIntervals()
	} else {
		chosen, paid = g.coverPrefixes()
	}
	out := found{ground: g, chosen: chosen, cost: paid.perDay(), loss: g.lost(chosen)}
	out.cost += p.beyond(g)
	return out
}

// beyond returns the danger of the named offenders outside the border, where nothing can be covered.
func (p *Problem) beyond(g *ground) float64 {
	danger := 0.0
	for _, outside := range [][]Point{p.Points[:g.from], p.Points[g.to:]} {
		for i := range outside {
			if x := &outside[i]; x.Named {
				danger += x.Danger
			}
		}
	}
	return danger
}

// solution makes the ranges.
func (f *found) solution(p *Problem) Solution {
	out := Solution{Ranges: make([]Range, len(f.chosen)), Cost: f.cost + p.beyond(f.ground), Loss: f.loss}
	for i, x := range f.chosen {
		out.Ranges[i] = f.rangeOf(x)
	}
	return out
}

// lost returns the honest value lost in disjoint spans: that of the known, and the prior of the unseen.
func (g *ground) lost(covered []span) float64 {
	sum, i, seen := 0.0, 0, uint64(0)
	for p := g.from; p < g.to; p++ {
		x := &g.Points[p]
		key := UnitKey(x.Addr)
		for ; i < len(covered) && covered[i].last < key; i, seen = i+1, 0 {
			sum += float64(count(covered[i].first, covered[i].last)-seen) * g.Prior
		}
		if i < len(covered) && covered[i].first <= key {
			sum += x.Loss
			if x.seen() {
				seen++
			}
		}
	}
	for ; i < len(covered); i, seen = i+1, 0 {
		sum += float64(count(covered[i].first, covered[i].last)-seen) * g.Prior
	}
	return sum
}
