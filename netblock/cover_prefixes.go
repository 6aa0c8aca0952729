package netblock

// choice is how well a part of the ground can be covered, and where its ranges stand in the list of those chosen.
type choice struct {
	cost   float64
	units  float64 // addresses in ranges
	ranges int
}

// beats tells whether c is better than o: cheaper, or as cheap with fewer addresses, or these too with fewer ranges.
func (c choice) beats(o choice) bool {
	switch {
	case !equal(c.cost, o.cost):
		return c.cost < o.cost
	case c.units != o.units:
		return c.units < o.units
	}
	return c.ranges < o.ranges
}

// coverPrefixes goes through the tree of prefixes from the leaves up: a prefix is taken whole, or each half is covered as
// well as it can be. That is exact, for no two prefixes overlap but one inside the other.
func (g *ground) coverPrefixes() []Range {
	var chosen []Range
	if len(g.pieces) > 0 {
		g.best(g.root, g.pieces, &chosen)
	}
	return chosen
}

// best appends the best ranges of a block to chosen, and returns what they cost and what all of the block holds.
func (g *ground) best(b block, pieces []piece, chosen *[]Range) (choice, amount) {
	mark := len(*chosen)
	if len(pieces) == 1 {
		all := g.of(pieces[0], g.size(b))
		return g.whole(b, all, choice{cost: all.danger}, mark, chosen), all
	}
	low, high := g.halves(b)
	mid := 0
	for pieces[mid].first < high.first {
		mid++
	}
	left, inLeft := g.best(low, pieces[:mid], chosen)
	right, inRight := g.best(high, pieces[mid:], chosen)
	apart := choice{left.cost + right.cost, left.units + right.units, left.ranges + right.ranges}
	all := inLeft.plus(inRight)
	return g.whole(b, all, apart, mark, chosen), all
}

// whole takes a block as one range if that is allowed and beats what its parts come to.
func (g *ground) whole(b block, all amount, apart choice, mark int, chosen *[]Range) choice {
	if all.named == 0 || b.bits < g.p.Widest {
		return apart
	}
	one := choice{all.loss + g.p.EntryCost - all.gain, g.size(b), 1}
	if !one.beats(apart) {
		return apart
	}
	r := g.rangeOf(b.first, g.last(b))
	if g.p.Walls.Overlaps(r) || !g.p.Border.Covers(r) {
		return apart
	}
	*chosen = append((*chosen)[:mark], r)
	return one
}
