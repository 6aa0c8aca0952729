package netblock

import "slices"

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
	net         cost   // of its pieces inside a range
	units       uint64 // in its pieces
	named       bool   // an offender that the rule names is in it
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
	// Field by field: a million times, making a limb and copying it shows.
	l.first, l.last, l.fork, l.mark = x.first, x.last, fork, len(c.chosen)
	l.net, l.units, l.named = c.net(x), count(x.first, x.last), c.ground.named(x)
	l.best.cost, l.best.units, l.best.ranges = cost{}, 0, 0
	if l.named {
		l.best.cost = costOf(c.Points[x.point].Danger)
		c.whole(l, c.join(x.first, x.last))
	}
}

// merge makes one limb of the last two.
func (c *prefixCover) merge() {
	n := len(c.branch) - 1
	l, right := &c.branch[n-1], &c.branch[n]
	l.last = right.last
	l.net = l.net.plus(right.net)
	l.units += right.units
	if right.named {
		l.named = true
		l.best.cost = l.best.cost.plus(right.best.cost)
		l.best.units += right.best.units
		l.best.ranges += right.best.ranges
	}
	c.branch = c.branch[:n]
	if l.named {
		c.whole(l, c.around(l.first, right.fork))
	}
}

// whole takes the smallest prefix around a limb as one range if that is allowed and better than what is chosen in it.
func (c *prefixCover) whole(l *limb, b block) {
	if b.bits < min(c.Widest, c.bits) {
		return
	}
	all := span{b.first, c.last(b)}
	one := choice{l.net.plus(c.entry), count(all.first, all.last), 1}
	if one.units > l.units {
		one.cost = one.cost.plus(costOfEach(c.Prior, one.units-l.units))
	}
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
