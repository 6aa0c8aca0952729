package netblock

import (
	"math"
	"slices"
)

// coverIntervals goes through the places where an interval may begin or end, from the highest down. An end inside an even
// stretch of the unseen could move either way and be no worse, so ends lie at the edges of pieces, or, where an interval is
// as wide as it may be, that width away from one.
func (g *ground) coverIntervals() []Range {
	var chosen []Range
	for _, island := range g.islands() {
		chosen = append(chosen, g.coverIsland(island)...)
	}
	return chosen
}

// islands returns the pieces between the walls, cut at them.
func (g *ground) islands() [][]piece {
	free := SetOf(g.p.Border).Minus(widen(g.p.Walls.Within(g.p.Border)))
	var out [][]piece
	for _, r := range free.ranges {
		first, last := UnitKey(r.first), UnitKey(r.last)
		var island []piece
		named := false
		for _, x := range g.pieces {
			if x.last < first || x.first > last {
				continue
			}
			x.first, x.last = max(x.first, first), min(x.last, last)
			island = append(island, x)
			named = named || x.point >= 0 && g.p.Points[x.point].Named
		}
		if named {
			out = append(out, island)
		}
	}
	return out
}

// widen returns s with every address that it touches, in the sense of judging, whole.
func widen(s Set) Set {
	var out []Range
	for _, r := range s.ranges {
		out = append(out, Range{UnitRange(r.first).first, UnitRange(r.last).last})
	}
	return SetOf(out...)
}

// stop is the best way to cover all that lies at or above a place.
type stop struct {
	at   uint64 // the key of the first address above the place, less the island's first
	best choice
	take int // index of the stop at which the range that begins here ends; 0 for no range
}

func (g *ground) coverIsland(island []piece) []Range {
	base := island[0].first
	stops := g.stops(island, base)
	amounts := make([]amount, len(stops)) // between each stop and the next
	k := 0
	for i := 0; i+1 < len(stops); i++ {
		for island[k].last-base < stops[i].at {
			k++
		}
		amounts[i] = g.of(island[k], float64(stops[i+1].at-stops[i].at))
	}
	widest := g.widestInterval()
	for i := len(stops) - 2; i >= 0; i-- {
		s := &stops[i]
		s.best = stops[i+1].best
		s.best.cost += amounts[i].danger
		var all amount
		for j := i + 1; j < len(stops) && stops[j].at-s.at <= widest; j++ {
			all = all.plus(amounts[j-1])
			if all.named == 0 {
				continue
			}
			rest := stops[j].best
			c := choice{all.loss + g.p.EntryCost - all.gain + rest.cost, float64(stops[j].at-s.at) + rest.units, rest.ranges + 1}
			// Of equals the range that begins here is the lowest, and the first end that is found the lower one.
			if c.beats(s.best) || s.take == 0 && !s.best.beats(c) {
				s.best, s.take = c, j
			}
		}
	}
	var out []Range
	for i := 0; i < len(stops)-1; {
		if j := stops[i].take; j > 0 {
			out = append(out, g.rangeOf(base+stops[i].at, base+stops[j].at-1))
			i = j
			continue
		}
		i++
	}
	return out
}

// widestInterval returns how many addresses an interval may hold.
func (g *ground) widestInterval() uint64 {
	if g.p.Widest <= 0 || g.bits-g.p.Widest >= 64 {
		return math.MaxUint64
	}
	return 1 << (g.bits - g.p.Widest)
}

// stops returns the places where an interval may begin or end, lowest first.
func (g *ground) stops(island []piece, base uint64) []stop {
	end := island[len(island)-1].last - base + 1
	places := []uint64{0, end}
	for _, x := range island {
		places = append(places, x.first-base)
	}
	slices.Sort(places)
	places = slices.Compact(places)
	if widest := g.widestInterval(); widest < end {
		for _, p := range slices.Clone(places) {
			for q := p; q >= widest && g.pays(island, base+q-widest); q -= widest {
				places = append(places, q-widest)
			}
			for q := p; end-q > widest && g.pays(island, base+q+widest); q += widest {
				places = append(places, q+widest)
			}
		}
		slices.Sort(places)
		places = slices.Compact(places)
	}
	out := make([]stop, len(places))
	for i, p := range places {
		out[i].at = p
	}
	return out
}

// pays tells whether a key lies among the unseen that gain more than they cost; elsewhere no interval ends inside a piece.
func (g *ground) pays(island []piece, key uint64) bool {
	i, _ := slices.BinarySearchFunc(island, key, func(x piece, key uint64) int {
		if x.last < key {
			return -1
		}
		return 1
	})
	return i < len(island) && island[i].point < 0 && island[i].gain > g.p.Prior
}
