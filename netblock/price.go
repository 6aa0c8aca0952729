package netblock

// Price returns what the given ranges cost, whatever they hold, wherever they lie. An address that several touch is lost
// once; of what lies outside the border nothing is known.
func (p Problem) Price(ranges []Range) Solution {
	g := p.ground()
	w := weighing{ground: g}
	foreign := 0.0
	for _, r := range SetOf(ranges...).ranges {
		x := span{UnitKey(r.first), UnitKey(r.last)}
		switch n := len(w.covered) - 1; {
		case r.Is4() != g.is4:
			foreign += p.Prior * r.Units()
		case n >= 0 && w.covered[n].last == x.first:
			w.covered[n].last = x.last
		default:
			w.covered = append(w.covered, x)
		}
	}
	left := g.outside(w.covered)
	s := w.weigh()
	s.Ranges = ranges
	s.Loss += foreign
	s.Cost += foreign + left + p.EntryCost*float64(len(ranges))
	return s
}

// PriceEach returns what each of a solution's ranges costs by itself: what it loses and its entry, less its gain.
func (p Problem) PriceEach(s Solution) []float64 {
	w := weighing{ground: p.ground(), each: make([]float64, 0, len(s.Ranges))}
	w.covered = make([]span, len(s.Ranges))
	for i, r := range s.Ranges {
		w.covered[i] = span{UnitKey(r.first), UnitKey(r.last)}
	}
	w.weigh()
	return w.each
}

// outside returns the danger of the named offenders that disjoint spans leave outside.
func (g *ground) outside(covered []span) float64 {
	danger := 0.0
	for i := range g.Points {
		x := &g.Points[i]
		if !x.Named {
			continue
		}
		key, at := UnitKey(x.Addr), x.Addr.Is4() == g.is4
		for at && len(covered) > 0 && covered[0].last < key {
			covered = covered[1:]
		}
		if !at || len(covered) == 0 || key < covered[0].first {
			danger += x.Danger
		}
	}
	return danger
}

// weighing adds up what disjoint spans lose and gain, in address order.
type weighing struct {
	*ground
	covered    []span // the one at hand and those behind
	next       uint64 // the first key of the one at hand that isn't counted yet
	loss, gain float64
	sum        Solution
	each       []float64 // where it isn't nil, what each span costs with its entry
}

func (w *weighing) weigh() Solution {
	if len(w.covered) == 0 {
		return Solution{}
	}
	w.next = w.covered[0].first
	w.groups(func() {
		for _, x := range w.pieces {
			w.add(x)
		}
	})
	for len(w.covered) > 0 {
		w.finish()
	}
	return w.sum
}

// finish counts the rest of the span at hand, which is unseen, and goes on to the next.
func (w *weighing) finish() {
	w.unseen(w.next, w.covered[0].last)
	w.close()
}

func (w *weighing) unseen(first, last uint64) { w.loss += float64(count(first, last)) * w.Prior }

func (w *weighing) close() {
	w.sum.Loss += w.loss
	w.sum.Cost += w.loss - w.gain
	if w.each != nil {
		w.each = append(w.each, w.loss-w.gain+w.EntryCost)
	}
	w.loss, w.gain = 0, 0
	if w.covered = w.covered[1:]; len(w.covered) > 0 {
		w.next = w.covered[0].first
	}
}

// add counts what of a piece lies in the spans. Pieces come in address order.
func (w *weighing) add(x piece) {
	for len(w.covered) > 0 && w.covered[0].last < x.first {
		w.finish()
	}
	for len(w.covered) > 0 && w.covered[0].first <= x.last {
		from, to := max(x.first, w.covered[0].first), min(x.last, w.covered[0].last)
		if from > w.next {
			w.unseen(w.next, from-1)
		}
		if x.point >= 0 {
			w.loss += w.Points[x.point].Loss
		}
		if x.point < 0 || !w.Points[x.point].seen() {
			w.unseen(from, to)
			w.gain += float64(count(from, to)) * x.gain
		}
		if to < w.covered[0].last {
			w.next = to + 1
			return
		}
		w.close()
	}
}
