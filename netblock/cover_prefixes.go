package netblock

import "slices"

// content is what a stretch of the ground holds in its pieces.
type content struct {
	net    cost // of the pieces inside a range
	danger cost // of the named offenders left outside
	units  uint64
	named  bool
}

func (a content) plus(b content) content {
	return content{a.net.plus(b.net), a.danger.plus(b.danger), a.units + b.units, a.named || b.named}
}

// content returns what one piece holds.
func (g *ground) content(x *piece) content {
	c := content{net: g.net(x), units: count(x.first, x.last)}
	if x.point >= 0 && g.Points[x.point].Named {
		c.danger, c.named = costOf(g.Points[x.point].Danger), true
	}
	return c
}

// prefixCover finds the best prefixes by going through the tree of the pieces from the leaves up: a prefix is taken whole,
// or each half is covered as well as it can be. That is exact, for two prefixes overlap only where one lies in the other.
// Only the smallest prefix around each two neighbouring pieces can win: a wider one around the same pieces adds addresses
// that cost the prior and gain nothing.
//
// Pieces come in address order, so the tree is never held: only the branch to the piece at hand is, and what hangs on its
// left.
type prefixCover struct {
	*ground
	entry  cost
	free   []span // what no walls and borders forbid, from where the search is on
	branch []limb
	chosen []span
}

// limb is a part of the tree whose pieces are all known.
type limb struct {
	first, last uint64 // from its first piece to its last
	fork        int    // length of the smallest prefix around it and the limb before; -1 for the first
	mark        int    // its ranges were chosen from here on
	best        choice
	in          content
}

func (g *ground) coverPrefixes() ([]span, cost) {
	c := prefixCover{ground: g, entry: costOf(g.EntryCost), free: g.free(), chosen: make([]span, 0, g.to-g.from)}
	g.groups(func() {
		for i := range g.pieces {
			c.grow(&g.pieces[i])
		}
	})
	if len(c.branch) == 0 {
		return nil, cost{}
	}
	for len(c.branch) > 1 {
		c.merge()
	}
	return c.chosen, c.branch[0].best.cost
}

// grow adds a piece at the end of the branch.
func (c *prefixCover) grow(x *piece) {
	fork := -1
	n := len(c.branch)
	if n > 0 {
		fork = c.join(c.branch[n-1].last, x.first).bits
		for ; n > 1 && c.branch[n-1].fork > fork; n-- {
			c.merge()
		}
	}
	if n == cap(c.branch) {
		c.branch = slices.Grow(c.branch, n+1)
	}
	c.branch = c.branch[:n+1]
	l := &c.branch[n]
	l.first, l.last, l.fork, l.mark, l.in = x.first, x.last, fork, len(c.chosen), c.content(x)
	l.best = choice{cost: l.in.danger}
	if l.in.named {
		c.whole(l, c.join(x.first, x.last))
	}
}

// merge makes one limb of the last two.
func (c *prefixCover) merge() {
	n := len(c.branch)
	left, right := &c.branch[n-2], &c.branch[n-1]
	b := c.around(left.first, right.fork)
	left.last, left.best, left.in = right.last, left.best.plus(right.best), left.in.plus(right.in)
	c.branch = c.branch[:n-1]
	if left.in.named {
		c.whole(left, b)
	}
}

// whole takes the smallest prefix around a limb as one range if that is allowed and better than what is chosen in it.
func (c *prefixCover) whole(l *limb, b block) {
	if b.bits < min(c.Widest, c.bits) {
		return
	}
	all := span{b.first, c.last(b)}
	size := count(all.first, all.last)
	one := choice{l.in.net.plus(costOfEach(c.Prior, size-l.in.units)).plus(c.entry), size, 1}
	if one.compare(l.best) >= 0 {
		return
	}
	for len(c.free) > 0 && c.free[0].last < all.last { // no block that is tried later ends before this one
		c.free = c.free[1:]
	}
	if len(c.free) == 0 || all.first < c.free[0].first {
		return
	}
	c.chosen = append(c.chosen[:l.mark], all)
	l.best = one
}
