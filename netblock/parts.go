package netblock

// Parts cuts a problem into ones that can be covered each by itself, with about size points each: where a gap lies between
// groups that no range can cross. Together their covers are the cover of the problem, and their costs its cost. Only the
// problem as a whole knows of named offenders outside its border.
func (p Problem) Parts(size int) []Problem {
	g := p.ground()
	length := min(g.group, g.bits)
	if p.Widest > 0 {
		length = min(length, p.Widest)
	} else if !p.lossless() {
		return []Problem{p}
	}
	if _, ok := p.Border.Prefix(); !ok || g.from == g.to || length == 0 { // groups at the ends of another would be cut anew
		return []Problem{p}
	}
	var out []Problem
	width := g.mask(length) // of the widest range, less 1
	border := span{UnitKey(p.Border.first), UnitKey(p.Border.last)}
	cut := func(from, to int, last uint64, end bool) {
		part := p
		part.Points = p.Points[from:to]
		part.Border = g.rangeOf(span{border.first, last})
		if len(out) == 0 {
			part.Points, part.Border.first = p.Points[:to], p.Border.first
		}
		if end {
			part.Points, part.Border.last = p.Points[from:], p.Border.last
			if len(out) == 0 {
				part.Points = p.Points
			}
		}
		part.Walls = p.Walls.Within(part.Border)
		out = append(out, part)
		border.first = last + 1
	}
	from := g.from
	for i := g.from + size; i < g.to; i++ {
		last, key := g.key(i-1), g.key(i)
		edge := last | g.mask(min(length, g.group)) // the end of the group, or of the widest prefix, around the point before
		if key-last > width+1 && edge < key {
			cut(from, i, edge, false)
			from, i = i, i+size
		}
	}
	cut(from, g.to, border.last, true)
	return out
}

// lossless tells whether an unseen address costs so much that no range takes one in.
func (p Problem) lossless() bool { return p.Neighbours <= 0 && p.Prior >= mostCost }
