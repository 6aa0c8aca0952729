package netblock

import (
	"math"
	"slices"
)

// intervalCover finds the best intervals of one stretch between walls after the other, each from its end to its beginning.
//
// An interval begins and ends with a key that is better inside: a named offender, or an unseen one that gains more than it
// costs. With any other at its end it could be shortened. So only stretches of such keys are looked at, the cells.
type intervalCover struct {
	*ground
	entry   cost
	widest  uint64 // most keys of an interval, less 1
	island  span   // the stretch at hand
	cells   []cell
	wanted  bool     // a named offender is in one of the cells
	sum     cost     // net cost of the keys of the island before next
	next    uint64   // the first key of the island that isn't summed up yet
	open    []ending // where an interval that begins here may end, the farthest first, each worse than those before
	near    int      // index in open of the farthest in reach
	pending []ending // behind the last named offender, so that no interval that ends there would hold one
	take    []int32  // by cell: at which the best interval that begins here ends; -1 for none
	chosen  []span
	paid    cost
	rooms   [2][]uint64 // that the splitting of one island leaves to the next
}

// cell is a stretch of keys that no interval needs to be cut in.
type cell struct {
	piece
	before cost // net cost of all keys of the island before it
}

// ending is a cell at whose end an interval may end.
type ending struct {
	rest choice // what lies behind, and the net cost of all keys up to there; in units the end itself is counted in
	last uint64
	cell int32
}

func (g *ground) coverIntervals() ([]span, cost) {
	c := intervalCover{ground: g, entry: costOf(g.EntryCost), widest: math.MaxUint64}
	if g.Widest > 0 {
		c.widest = g.mask(min(g.Widest, g.bits))
	}
	free := g.free()
	land := func() {
		if len(free) > 0 {
			c.land(free[0])
		}
	}
	land()
	g.groups(func() {
		for i := range g.pieces {
			x := &g.pieces[i]
			for len(free) > 0 && free[0].last < x.first {
				c.leave()
				free = free[1:]
				land()
			}
			walled := g.named(x)
			for len(free) > 0 && free[0].first <= x.last {
				walled = false
				part := *x
				part.first, part.last = max(x.first, free[0].first), min(x.last, free[0].last)
				c.add(&part)
				if x.last <= free[0].last {
					break
				}
				c.leave()
				free = free[1:]
				land()
			}
			if walled {
				c.paid = c.paid.plus(costOf(g.Points[x.point].Danger))
			}
		}
	})
	if len(free) > 0 {
		c.leave()
	}
	return c.chosen, c.paid
}

// land begins an island.
func (c *intervalCover) land(island span) {
	c.island, c.next, c.sum, c.cells, c.wanted = island, island.first, cost{}, c.cells[:0], false
}

// add adds a piece of the island, behind those added before.
func (c *intervalCover) add(x *piece) {
	if x.first > c.next {
		c.sum = c.sum.plus(costOfEach(c.Prior, x.first-c.next))
	}
	net := c.net(x)
	if named := c.named(x); named || net.compare(cost{}) < 0 {
		if len(c.cells) == cap(c.cells) { // append would grow by a quarter at a time
			c.cells = slices.Grow(c.cells, max(len(c.cells), 64))
		}
		c.cells = append(c.cells, cell{*x, c.sum})
		c.wanted = c.wanted || named
	}
	c.sum = c.sum.plus(net)
	c.next = x.last + 1
}

// leave covers the island, all of whose pieces are known.
func (c *intervalCover) leave() {
	if !c.wanted {
		return
	}
	if c.island.last-c.island.first > c.widest {
		c.split()
	}
	c.solve()
	for i := int32(0); int(i) < len(c.cells); i++ {
		if end := c.take[i]; end >= 0 {
			c.chosen = append(c.chosen, span{c.cells[i].first, c.cells[end].last})
			i = end
		}
	}
}

// solve goes through the cells from the last to the first. What is best from a cell on is to leave it outside, or to begin
// an interval with it that ends where that comes to least: at the front of the queue of open endings.
func (c *intervalCover) solve() {
	c.open, c.near, c.pending = c.open[:0], 0, c.pending[:0]
	c.take = slices.Grow(c.take[:0], len(c.cells))[:len(c.cells)]
	var best choice // from the cell behind on
	base := c.island.first
	for i := int32(len(c.cells)) - 1; i >= 0; i-- {
		x := &c.cells[i]
		upTo := best.cost.plus(x.before).plus(c.net(&x.piece))
		c.pending = append(c.pending, ending{choice{upTo, best.units + (x.last - base), best.ranges}, x.last, i})
		if c.named(&x.piece) {
			c.release()
			best.cost = best.cost.plus(costOf(c.Points[x.point].Danger))
		}
		for c.near < len(c.open) && c.open[c.near].last-x.first > c.widest {
			c.near++
		}
		c.take[i] = -1
		if c.near < len(c.open) {
			e := &c.open[c.near]
			begun := choice{e.rest.cost.minus(x.before).plus(c.entry), e.rest.units - (x.first - base) + 1, e.rest.ranges + 1}
			if begun.compare(best) <= 0 { // of equals the range that begins here is the lower
				best, c.take[i] = begun, e.cell
			}
		}
	}
	c.paid = c.paid.plus(best.cost)
}

// release opens the pending endings. One that is no better than a nearer one goes: it will be out of reach sooner, and of
// equals the nearer is the lower.
func (c *intervalCover) release() {
	for _, e := range c.pending {
		for n := len(c.open) - 1; n >= c.near && e.rest.compare(c.open[n].rest) <= 0; n-- {
			c.open = c.open[:n]
		}
		if c.near == len(c.open) {
			c.open, c.near = c.open[:0], 0
		}
		c.open = append(c.open, e)
	}
	c.pending = c.pending[:0]
}
