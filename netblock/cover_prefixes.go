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
func (g *ground) content(x piece) content {
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
type prefixCover struct {
	*ground
	entry  cost
	free   []span // what no walls and borders forbid, from where the search is on
	chosen []span
}

func (g *ground) coverPrefixes() []span {
	c := prefixCover{ground: g, entry: costOf(g.EntryCost), free: g.free()}
	if len(g.pieces) > 0 {
		c.best(g.pieces)
	}
	return c.chosen
}

// best adds the best ranges for some pieces to those chosen, and returns what they come to and what the pieces hold.
func (c *prefixCover) best(pieces []piece) (choice, content) {
	first, last := pieces[0].first, pieces[len(pieces)-1].last
	b := c.join(first, last)
	mark := len(c.chosen)
	if len(pieces) == 1 {
		in := c.content(pieces[0])
		return c.whole(b, in, choice{cost: in.danger}, mark), in
	}
	high := c.last(block{b.first, b.bits + 1}) + 1
	mid, _ := slices.BinarySearchFunc(pieces, high, func(x piece, key uint64) int {
		if x.first < key {
			return -1
		}
		return 1
	})
	left, inLeft := c.best(pieces[:mid])
	right, inRight := c.best(pieces[mid:])
	in := inLeft.plus(inRight)
	return c.whole(b, in, left.plus(right), mark), in
}

// whole takes a block as one range if that is allowed and better than its parts, whose ranges were chosen from mark on.
func (c *prefixCover) whole(b block, in content, apart choice, mark int) choice {
	if !in.named || b.bits < min(c.Widest, c.bits) {
		return apart
	}
	all := span{b.first, c.last(b)}
	size := count(all.first, all.last)
	one := choice{in.net.plus(costOfEach(c.Prior, size-in.units)).plus(c.entry), size, 1}
	if one.compare(apart) >= 0 {
		return apart
	}
	for len(c.free) > 0 && c.free[0].last < all.last { // no block that is tried later ends before this one
		c.free = c.free[1:]
	}
	if len(c.free) == 0 || all.first < c.free[0].first {
		return apart
	}
	c.chosen = append(c.chosen[:mark], all)
	return one
}
