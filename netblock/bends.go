package netblock

import "slices"

// bend is a toll on every range at which the best cover of a problem comes to have fewer of them.
type bend struct {
	toll   float64 // per day
	ranges int32   // so many fewer
}

// bends adds the bends of a problem in the cidr shape.
//
// What the best cover under a prefix costs, as a function of the toll, is concave and made of straight pieces, each as steep
// as the cover has ranges: two halves beside each other add up, and the prefix taken whole is a line that is one steep. That
// line is below what its halves come to only between two tolls, and above the second nothing is taken at all. So a prefix
// takes away all bends of its halves above some toll, and adds one or two.
func (p Problem) bends(out []bend) []bend {
	g := p.ground()
	c := bendCover{ground: g, free: g.free()}
	g.groups(func() {
		for i := range g.pieces {
			c.grow(&g.pieces[i])
		}
	})
	for len(c.branch) > 1 {
		c.merge()
	}
	if len(c.branch) == 1 {
		out = c.heaps.all(c.branch[0].heap, out)
	}
	return out
}

// bendCover goes through the tree as prefixCover does.
type bendCover struct {
	*ground
	free   []span
	branch []bendLimb
	heaps  heaps
}

type bendLimb struct {
	first, last uint64
	fork        int
	net, danger float64
	units       uint64
	heap        int32 // of its bends, the highest toll on top; -1 for none
	named       bool
}

func (c *bendCover) grow(x *piece) {
	fork := -1
	if n := len(c.branch); n > 0 {
		fork = c.join(c.branch[n-1].last, x.first).bits
		for len(c.branch) > 1 && c.branch[len(c.branch)-1].fork > fork {
			c.merge()
		}
	}
	l := bendLimb{first: x.first, last: x.last, fork: fork, units: count(x.first, x.last), heap: -1, named: c.ground.named(x)}
	if x.point >= 0 {
		l.net, l.danger = c.Points[x.point].Loss, c.Points[x.point].Danger
	}
	if x.point < 0 || !c.Points[x.point].seen() {
		l.net += (c.Prior - x.gain) * float64(l.units)
	}
	if !l.named {
		l.danger = 0
	} else {
		c.whole(&l, c.join(x.first, x.last))
	}
	c.branch = append(c.branch, l)
}

func (c *bendCover) merge() {
	n := len(c.branch) - 1
	l, right := &c.branch[n-1], &c.branch[n]
	l.last = right.last
	l.net += right.net
	l.danger += right.danger
	l.units += right.units
	l.heap = c.heaps.meld(l.heap, right.heap)
	l.named = l.named || right.named
	fork := right.fork
	c.branch = c.branch[:n]
	if l.named {
		c.whole(l, c.around(l.first, fork))
	}
}

// whole takes a prefix whole between the tolls where that is best.
func (c *bendCover) whole(l *bendLimb, b block) {
	if b.bits < min(c.Widest, c.bits) {
		return
	}
	all := span{b.first, c.last(b)}
	none := l.danger - (l.net + c.Prior*float64(count(all.first, all.last)-l.units) + c.EntryCost) // the toll above which nothing is taken
	if none <= 0 || l.heap >= 0 && c.heaps.nodes[l.heap].toll >= none {
		return
	}
	for len(c.free) > 0 && c.free[0].last < all.last {
		c.free = c.free[1:]
	}
	if len(c.free) == 0 || all.first < c.free[0].first {
		return
	}
	ranges, toll, better := 0, none, 0.0 // of the halves, going down from there; and how much less the whole costs than they
	for l.heap >= 0 {
		top := c.heaps.nodes[l.heap].bend
		next := better + float64(1-ranges)*(toll-top.toll)
		if ranges > 1 && next <= 0 {
			break
		}
		better, toll, ranges = next, top.toll, ranges+int(top.ranges)
		l.heap = c.heaps.pop(l.heap)
	}
	if ranges > 1 {
		if toll -= better / float64(ranges-1); toll > 0 {
			l.heap = c.heaps.push(l.heap, bend{toll, int32(ranges - 1)})
		}
	}
	l.heap = c.heaps.push(l.heap, bend{none, 1})
}

// heaps are pairing heaps of bends in one arena, each named by its top.
//
// Fredman, Sedgewick, Sleator, Tarjan: The pairing heap, Algorithmica 1, 1986.
type heaps struct {
	nodes []heapNode
	room  int32 // a list of nodes to use again: its first, plus 1; 0 for none
	pairs []int32
}

type heapNode struct {
	bend
	child, next int32 // -1 for none
}

func (h *heaps) push(top int32, b bend) int32 {
	i := h.room - 1
	if i >= 0 {
		h.room = h.nodes[i].next
		h.nodes[i] = heapNode{b, -1, -1}
	} else {
		i = int32(len(h.nodes))
		h.nodes = append(h.nodes, heapNode{b, -1, -1})
	}
	return h.meld(top, i)
}

// meld makes one heap of two.
func (h *heaps) meld(a, b int32) int32 {
	switch {
	case a < 0:
		return b
	case b < 0:
		return a
	case h.nodes[a].toll < h.nodes[b].toll:
		a, b = b, a
	}
	h.nodes[b].next = h.nodes[a].child
	h.nodes[a].child = b
	return a
}

// pop takes the top away; it can still be read until the next push.
func (h *heaps) pop(top int32) int32 {
	h.pairs = h.pairs[:0]
	for i := h.nodes[top].child; i >= 0; {
		next := h.nodes[i].next
		h.nodes[i].next = -1
		pair := i
		if next >= 0 {
			i = h.nodes[next].next
			h.nodes[next].next = -1
			pair = h.meld(pair, next)
		} else {
			i = -1
		}
		h.pairs = append(h.pairs, pair)
	}
	out := int32(-1)
	for i := len(h.pairs) - 1; i >= 0; i-- {
		out = h.meld(out, h.pairs[i])
	}
	h.nodes[top].next, h.room = h.room, top+1
	return out
}

// all adds the bends of a heap, in no order.
func (h *heaps) all(top int32, out []bend) []bend {
	open := h.pairs[:0]
	if top >= 0 {
		open = append(open, top)
	}
	out = slices.Grow(out, len(h.nodes))
	for len(open) > 0 {
		x := h.nodes[open[len(open)-1]]
		open = open[:len(open)-1]
		out = append(out, x.bend)
		for _, i := range []int32{x.child, x.next} {
			if i >= 0 {
				open = append(open, i)
			}
		}
	}
	return out
}

// tollFor returns the least toll with which no more ranges are left than the limit: 0, or that of a bend. Their order
// changes.
func tollFor(bends []bend, most int) float64 {
	toll := 0.0
	// Of all above the part that is still looked at it is known that most of them can stay.
	for len(bends) > 0 {
		pivot := bends[len(bends)/2].toll
		above, same, sum, equal := 0, 0, 0, 0
		for i := range bends {
			switch x := bends[i]; {
			case x.toll > pivot:
				bends[i], bends[above+same] = bends[above+same], x
				bends[above], bends[above+same] = bends[above+same], bends[above]
				above++
				sum += int(x.ranges)
			case x.toll == pivot:
				bends[i], bends[above+same] = bends[above+same], x
				same++
				equal += int(x.ranges)
			}
		}
		switch {
		case sum > most:
			bends = bends[:above]
		case sum+equal > most:
			return pivot
		default:
			most -= sum + equal
			bends = bends[above+same:]
		}
	}
	return toll
}
