package netblock

import (
	"cmp"
	"slices"
)

// split cuts cells where an interval of the greatest width may have to begin or end inside one.
//
// Elsewhere no best cover cuts a cell. Where its unseen keys cost, or come to nothing, an interval that ends in it can be
// shortened. Where they pay, it can be lengthened, unless it is as wide as it may be or touches the next one:
//
//	edge                            edge
//	[-- widest --][-- widest --][----]
//
// If the touching ones moved to the left as a whole, or the cut between two of them did, the cover would be as good and
// lower, or better. What holds them is an edge of a cell, as many times the greatest width away as there are intervals
// between, each of which holds a named offender.
func (c *intervalCover) split() {
	x := splitter{intervalCover: c, width: c.widest + 1, first: c.cells[0].first, last: c.cells[len(c.cells)-1].last, named: c.rooms[0][:0], cuts: c.rooms[1][:0]}
	for i := range c.cells {
		if y := &c.cells[i]; c.ground.named(&y.piece) {
			x.named = append(x.named, y.first)
		}
	}
	for i := range c.cells {
		if y := &c.cells[i]; y.last > y.first {
			x.endsIn(y.first, y.last)
			x.beginsIn(y.first, y.last)
		}
	}
	slices.Sort(x.cuts)
	c.cutAt(slices.Compact(x.cuts))
	c.rooms = [2][]uint64{x.named, x.cuts}
}

// splitter looks for the cuts of some cells.
type splitter struct {
	*intervalCover
	width       uint64 // the greatest
	first, last uint64 // of the cells
	named       []uint64
	cuts        []uint64 // keys behind a cut
}

// endsIn finds the intervals that begin at an edge and end inside the cell from one key to another, and those that follow.
func (x *splitter) endsIn(from, to uint64) {
	if to-x.first < x.width {
		return
	}
	for i := x.search(max(from+1, x.first+x.width) - x.width); i < len(x.cells) && x.cells[i].first <= to-x.width; i++ {
		for at := x.cells[i].first; x.last-at >= x.width && x.holds(at, at+x.width-1) && x.inside(at+x.width); {
			at += x.width
			x.cuts = append(x.cuts, at)
		}
	}
}

// beginsIn finds the intervals that end at an edge and begin inside the cell from one key to another, and those before.
func (x *splitter) beginsIn(from, to uint64) {
	if x.last-from < x.width {
		return
	}
	for i := max(x.search(from+x.width)-1, 0); i < len(x.cells); i++ {
		end := x.cells[i].last
		if end-from < x.width || end < from {
			continue
		}
		if end-to >= x.width && end > to {
			return
		}
		for end-x.first >= x.width && x.holds(end-x.width+1, end) && x.inside(end-x.width+1) {
			x.cuts = append(x.cuts, end-x.width+1)
			end -= x.width
		}
	}
}

// search returns the first cell that doesn't begin before a key.
func (x *splitter) search(key uint64) int {
	i, _ := slices.BinarySearchFunc(x.cells, key, func(y cell, key uint64) int { return cmp.Compare(y.first, key) })
	return i
}

// holds tells whether a named offender lies from one key to another.
func (x *splitter) holds(from, to uint64) bool {
	i, _ := slices.BinarySearch(x.named, from)
	return i < len(x.named) && x.named[i] <= to
}

// inside tells whether a key lies in a cell, behind its first.
func (x *splitter) inside(key uint64) bool {
	i := x.search(key)
	return i > 0 && key <= x.cells[i-1].last && (i == len(x.cells) || x.cells[i].first != key)
}

// cutAt cuts cells in two at each of some keys, which lie inside of them.
func (c *intervalCover) cutAt(keys []uint64) {
	i, k := len(c.cells), len(keys)
	c.cells = slices.Grow(c.cells, k)[:i+k]
	for to := i + k; k > 0; to-- {
		y := c.cells[i-1]
		if y.first > keys[k-1] {
			c.cells[to-1] = y
			i--
			continue
		}
		low := y
		low.last = keys[k-1] - 1
		high := y
		high.first, high.before = keys[k-1], y.before.plus(c.net(&low.piece))
		c.cells[to-1], c.cells[i-1] = high, low
		k--
	}
}
