package netblock

import (
	"math"
	"slices"
)

// intervalCover finds the best intervals of one stretch after the other, each from its end to its beginning.
//
// An interval begins and ends with a key that is better inside: a named offender, or an unseen one that gains more than it
// costs. With any other at its end it could be shortened. So only stretches of such keys are looked at, the cells.
//
// No interval crosses a wall, nor a gap between cells that costs more than an entry, and more than all that is gained from
// the last named offender before it to the gap, and from the gap to the next one: with offenders on both sides two intervals
// are better, else the side that holds none is better left out. So what lies between such gaps is covered by itself.
type intervalCover struct {
	*ground
	entry   cost
	widest  uint64   // most keys of an interval, less 1
	base    uint64   // the first key since the last wall
	cells   []cell   // since the last wall or gap
	wanted  bool     // a named offender is in one of them
	sum     cost     // net cost of the keys from base to next
	next    uint64   // the first key that isn't summed up yet
	end     cost     // net cost of the keys from base to the end of the last cell
	gained  cost     // by the cells since the last named offender
	gap     gap      // the widest since then
	open    []ending // where an interval that begins here may end, the farthest first, each worse than those before
	near    int      // index in open of the farthest in reach
	pending []ending // behind the last named offender, so that no interval that ends there would hold one
	take    []int32  // by cell: at which the best interval that begins here ends; -1 for none
	chosen  []span
	paid    cost
	rooms   [2][]uint64 // that the splitting of one stretch leaves to the next
	collect func()      // where it isn't nil, takes the cells between walls instead of covering them
}

// gap is where intervals may part.
type gap struct {
	cell   int // that begins behind it; 0 for no gap
	cost   cost
	gained cost // by the cells behind it
}

// cell is a stretch of keys that no interval needs to be cut in.
type cell struct {
	piece
	before cost // net cost of all keys before it, from base on
}

// ending is a cell at whose end an interval may end.
type ending struct {
	rest choice // what lies behind, and the net cost of all keys up to there; in units the end itself is counted in
	last uint64
	cell int32
}

func (g *ground) coverIntervals() ([]span, cost) {
	c := intervalCover{ground: g, entry: costOf(g.EntryCost), chosen: make([]span, 0, g.to-g.from)}
	c.run()
	return c.chosen, c.paid
}

// run goes through the ground, from wall to wall.
func (c *intervalCover) run() {
	g := c.ground
	c.widest = math.MaxUint64
	if g.Widest > 0 {
		c.widest = g.mask(min(g.Widest, g.bits))
	}
	free := g.free()
	land := func() {
		if len(free) > 0 {
			c.land(free[0].first)
		}
	}
	land()
	g.groups(func() {
		for i := range g.pieces {
			x := &g.pieces[i]
			for len(free) > 0 && free[0].last < x.first {
				c.cover()
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
				c.cover()
				free = free[1:]
				land()
			}
			if walled {
				c.paid = c.paid.plus(costOf(g.Points[x.point].Danger))
			}
		}
	})
	if len(free) > 0 {
		c.cover()
	}
}

// land begins anew behind a wall.
func (c *intervalCover) land(first uint64) {
	c.base, c.next, c.sum = first, first, cost{}
	c.begin(len(c.cells))
}

// begin keeps the cells from one on, for what is covered next.
func (c *intervalCover) begin(from int) {
	c.cells = append(c.cells[:0], c.cells[from:]...)
	c.wanted, c.gained, c.gap = false, cost{}, gap{}
}

// add adds a piece, behind those added before.
func (c *intervalCover) add(x *piece) {
	if x.first > c.next {
		c.sum = c.sum.plus(costOfEach(c.Prior, x.first-c.next))
	}
	net := c.net(x)
	named := c.named(x)
	if named || net.compare(cost{}) < 0 {
		c.mind(named)
		c.cells = append(c.cells, cell{*x, c.sum})
		c.wanted = c.wanted || named
		c.end = c.sum.plus(net)
		if !named {
			c.gained = c.gained.minus(net)
			c.gap.gained = c.gap.gained.minus(net)
		}
	}
	c.sum = c.sum.plus(net)
	c.next = x.last + 1
}

// mind looks at the gap before a cell that comes next, and covers what lies before the widest if no interval crosses it.
func (c *intervalCover) mind(named bool) {
	if !c.wanted || c.collect != nil {
		return
	}
	if here := c.sum.minus(c.end); here.compare(c.entry) > 0 && here.compare(c.gained) > 0 && here.compare(c.gap.cost) >= 0 {
		c.gap = gap{cell: len(c.cells), cost: here}
	}
	if !named {
		return
	}
	if c.gap.cell > 0 && c.gap.cost.compare(c.gap.gained) > 0 {
		at := c.gap.cell
		all := c.cells
		c.cells = all[:at:at] // if it is split, what follows must not be written over
		c.cover()
		c.cells = all
		c.begin(at)
	}
	c.gained, c.gap = cost{}, gap{}
}

// cover covers the cells, which no interval leaves.
func (c *intervalCover) cover() {
	if !c.wanted {
		return
	}
	if c.cells[len(c.cells)-1].last-c.cells[0].first > c.widest {
		c.split()
	}
	if c.collect != nil {
		c.collect()
		return
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
	base := c.base
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
