package netblock

import (
	"math"
	"slices"
)

// intervalCover finds the best intervals of one stretch between walls after the other, each from its end to its beginning.
type intervalCover struct {
	*ground
	entry   cost
	widest  uint64 // most keys of an interval, less 1
	cells   []cell
	open    []ending // where an interval that begins here may end, the farthest first, each worse than those before
	near    int      // index in open of the farthest in reach
	pending []ending // behind the last named offender, so that no interval that ends there would hold one
	take    []int32  // by cell: at which the best interval that begins here ends; -1 for none
	chosen  []span
	rooms   [2][]uint64 // that the splitting of one island leaves to the next
}

// cell is a stretch of keys that no interval needs to be cut in. It reaches to the next cell.
type cell struct {
	first uint64
	piece int32 // index; -1 for unseen keys that gain nothing
}

// ending is a cell at whose end an interval may end.
type ending struct {
	rest choice // what lies behind, less the cost of all cells behind; in units the end itself is counted in
	last uint64
	cell int32
}

func (g *ground) coverIntervals() []span {
	c := intervalCover{ground: g, entry: costOf(g.EntryCost), widest: math.MaxUint64, cells: make([]cell, 0, 2*len(g.pieces)+1)}
	if g.Widest > 0 {
		c.widest = g.mask(min(g.Widest, g.bits))
	}
	for _, x := range g.free() {
		c.island(x.first, x.last)
	}
	return c.chosen
}

// island covers what lies from one key to another, between walls.
func (c *intervalCover) island(first, last uint64) {
	if !c.fill(first, last) {
		return
	}
	if c.pays && last-first > c.widest {
		c.split(last)
	}
	c.solve(last)
	for i := int32(0); int(i) < len(c.cells); i++ {
		if end := c.take[i]; end >= 0 {
			c.chosen = append(c.chosen, span{c.cells[i].first, c.lastOf(end, last)})
			i = end
		}
	}
}

// fill sets the cells of an island, and tells whether a named offender is in it.
func (c *intervalCover) fill(first, last uint64) bool {
	c.cells = c.cells[:0]
	named := false
	i, _ := slices.BinarySearchFunc(c.ground.pieces, first, func(x piece, key uint64) int {
		if x.last < key {
			return -1
		}
		return 1
	})
	next := first
	for ; i < len(c.ground.pieces) && c.ground.pieces[i].first <= last; i++ {
		x := c.ground.pieces[i]
		if x.first > next {
			c.cells = append(c.cells, cell{next, -1})
		}
		c.cells = append(c.cells, cell{max(x.first, first), int32(i)})
		named = named || c.named(int32(i))
		if x.last >= last {
			return named
		}
		next = x.last + 1
	}
	c.cells = append(c.cells, cell{next, -1})
	return named
}

func (c *intervalCover) named(piece int32) bool {
	return piece >= 0 && c.ground.pieces[piece].point >= 0 && c.Points[c.ground.pieces[piece].point].Named
}

// lastOf returns the last key of a cell of an island that ends at last.
func (c *intervalCover) lastOf(i int32, last uint64) uint64 {
	if int(i)+1 < len(c.cells) {
		return c.cells[i+1].first - 1
	}
	return last
}

// content returns what a cell holds.
func (c *intervalCover) content(x cell, last uint64) content {
	if x.piece < 0 {
		return content{net: costOfEach(c.Prior, count(x.first, last))}
	}
	p := c.ground.pieces[x.piece]
	p.first, p.last = x.first, last
	return c.ground.content(p)
}

// solve goes through the cells from the last to the first. What is best from a cell on is to leave it outside, or to begin
// an interval with it that ends where that comes to least: at the front of the queue of open endings.
func (c *intervalCover) solve(last uint64) {
	c.open, c.near, c.pending = c.open[:0], 0, c.pending[:0]
	c.take = slices.Grow(c.take[:0], len(c.cells))[:len(c.cells)]
	var best choice // from the cell behind on
	var behind cost // net cost of all cells behind
	base := c.cells[0].first
	end := last
	for i := int32(len(c.cells)) - 1; i >= 0; i-- {
		x := c.cells[i]
		in := c.content(x, end)
		c.pending = append(c.pending, ending{choice{best.cost.minus(behind), best.units + (end - base), best.ranges}, end, i})
		if in.named {
			c.release()
		}
		for c.near < len(c.open) && c.open[c.near].last-x.first > c.widest {
			c.near++
		}
		behind = behind.plus(in.net)
		best.cost = best.cost.plus(in.danger)
		c.take[i] = -1
		if c.near < len(c.open) {
			e := c.open[c.near]
			begun := choice{e.rest.cost.plus(behind).plus(c.entry), e.rest.units - (x.first - base) + 1, e.rest.ranges + 1}
			if begun.compare(best) <= 0 { // of equals the range that begins here is the lower
				best, c.take[i] = begun, e.cell
			}
		}
		end = x.first - 1
	}
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
