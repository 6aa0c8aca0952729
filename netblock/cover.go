package netblock

import (
	"math"
	"net/netip"
	"slices"
)

// Shape is what form the ranges of a cover may take.
type Shape string

// The shapes: prefixes, portable to any router, or any interval.
const (
	CIDR     Shape = "cidr"
	Interval Shape = "range"
)

// Point is a source of which something is known, in the sense of judging: an IPv4 address, or the first address of a /64.
type Point struct {
	Addr     netip.Addr
	Offender bool
	Named    bool    // by the rule that blocks; only these count as danger
	Danger   float64 // per day, if it is left outside
	Loss     float64 // honest value per day, if it is inside
	Honest   bool    // it had honest traffic, so that its group isn't grown into
}

// Problem is one case whose offenders are to be covered. Costs are per day.
type Problem struct {
	Shape      Shape
	Border     Range
	Walls      Set // no range may cover any of it; a wall that touches a /64 walls all of it
	Widest     int // prefix length; 0 is no limit. An interval may hold as many addresses as a prefix of that length
	Prior      float64
	EntryCost  float64
	Neighbours float64
	GrowMin    int
	Points     []Point // sorted by address, each once
}

// Solution is a set of ranges and what it costs.
type Solution struct {
	Ranges []Range
	Cost   float64 // what is minimised: loss and entries, less the gain of the unseen, and the danger left outside
	Loss   float64 // honest value lost in the ranges
}

// Cover returns the ranges that cost least, each of which holds a named offender: exactly, over all sets of ranges that
// the walls, the border and the widest prefix allow. Of equal costs those with fewer addresses win, then fewer ranges, then
// the lowest.
func Cover(p Problem) Solution {
	g := p.ground()
	if p.Shape == Interval {
		return p.Price(g.coverIntervals())
	}
	return p.Price(g.coverPrefixes())
}

// Price returns what ranges cost, whatever they hold. They must be disjoint and sorted.
func (p Problem) Price(ranges []Range) Solution {
	s := Solution{Ranges: ranges}
	g := p.ground()
	in := SetOf(ranges...)
	for _, r := range ranges {
		a := g.amount(UnitKey(r.First()), UnitKey(r.Last()), r.Is4())
		s.Loss += a.loss
		s.Cost += a.loss + p.EntryCost - a.gain
	}
	for _, x := range p.Points {
		if x.Named && !in.Overlaps(UnitRange(x.Addr)) {
			s.Cost += x.Danger
		}
	}
	return s
}

// equal tells whether two costs count as the same: within 1e-9, relative, and absolute below 1.
func equal(a, b float64) bool {
	return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b))
}

// ground is a case's border cut into pieces that price evenly: each known point by itself, and the unseen between them in
// prefixes within which every address gains the same. Keys are those of UnitKey.
type ground struct {
	p      Problem
	is4    bool
	bits   int // of a key: 32 or 64
	root   block
	pieces []piece // in address order, all of the root
}

// block is a prefix in the space of keys.
type block struct {
	first uint64
	bits  int
}

func (g *ground) size(b block) float64 { return math.Ldexp(1, g.bits-b.bits) }

func (g *ground) last(b block) uint64 {
	if b.bits == 0 {
		return ^uint64(0) >> (64 - g.bits)
	}
	return b.first | (uint64(1)<<(g.bits-b.bits) - 1)
}

func (g *ground) halves(b block) (low, high block) {
	return block{b.first, b.bits + 1}, block{b.first | 1<<(g.bits-b.bits-1), b.bits + 1}
}

func (g *ground) rangeOf(first, last uint64) Range {
	lo, hi := g.addr(first), g.addr(last)
	return Range{lo, lastOf(netip.PrefixFrom(hi, UnitBits(hi)))}
}

func (g *ground) addr(key uint64) netip.Addr {
	if g.is4 {
		return fromHalves([2]uint64{0, key}, true)
	}
	return fromHalves([2]uint64{key, 0}, false)
}

// piece is a stretch of the ground that prices evenly.
type piece struct {
	first, last uint64
	point       int     // index of the known point that it is; -1 for unseen addresses
	gain        float64 // of each unseen address
}

func (x piece) count() float64 { return float64(x.last-x.first) + 1 }

// ground cuts the border into pieces.
func (p Problem) ground() *ground {
	g := &ground{p: p, is4: p.Border.Is4(), bits: 64}
	bits := min(commonBits(p.Border.first, p.Border.last), UnitBits(p.Border.first))
	if g.is4 {
		g.bits = 32
	}
	root, err := p.Border.first.Prefix(bits)
	if err != nil {
		return g
	}
	g.root = block{UnitKey(root.Addr()), bits}
	from, to := 0, len(p.Points)
	for from < to && !p.Border.Overlaps(UnitRange(p.Points[from].Addr)) {
		from++
	}
	for to > from && !p.Border.Overlaps(UnitRange(p.Points[to-1].Addr)) {
		to--
	}
	g.cut(g.root, from, to, growth{})
	return g
}

// growth is what the prefixes around a block promise of the unseen inside.
type growth struct {
	inGroup bool
	barred  bool // the group had honest traffic
	gain    float64
}

// cut adds the pieces of a block, which holds the points from..to.
func (g *ground) cut(b block, from, to int, up growth) {
	groupBits := 48
	if g.is4 {
		groupBits = 24
	}
	if b.bits == groupBits || b == g.root && b.bits > groupBits {
		up = growth{inGroup: true, barred: slices.ContainsFunc(g.p.Points[from:to], func(x Point) bool { return x.Honest })}
	}
	if up.inGroup && !up.barred {
		up.gain = max(up.gain, g.promise(b, g.p.Points[from:to]))
	}
	switch {
	case from == to:
		g.pieces = append(g.pieces, piece{b.first, g.last(b), -1, up.gain})
	case b.bits == g.bits:
		g.pieces = append(g.pieces, piece{b.first, b.first, from, 0})
	default:
		low, high := g.halves(b)
		mid := from
		for mid < to && UnitKey(g.p.Points[mid].Addr) < high.first {
			mid++
		}
		g.cut(low, from, mid, up)
		g.cut(high, mid, to, up)
	}
}

// promise is what each unseen address of a block gains a day from the offenders in the block: new ones turn up near known
// ones, and weigh as much as their median.
func (g *ground) promise(b block, points []Point) float64 {
	var dangers []float64
	for _, x := range points {
		if x.Offender {
			dangers = append(dangers, x.Danger)
		}
	}
	if len(dangers) < g.p.GrowMin {
		return 0
	}
	return g.p.Neighbours * float64(len(dangers)) / g.size(b) * median(dangers)
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}

// amount is what a stretch of addresses holds.
type amount struct {
	loss   float64 // honest value
	gain   float64 // of the unseen
	danger float64 // of named offenders
	named  int
}

func (a amount) plus(b amount) amount {
	return amount{a.loss + b.loss, a.gain + b.gain, a.danger + b.danger, a.named + b.named}
}

// of returns what n addresses of a piece hold.
func (g *ground) of(x piece, n float64) amount {
	if x.point < 0 {
		return amount{loss: n * g.p.Prior, gain: n * x.gain}
	}
	k := g.p.Points[x.point]
	a := amount{loss: k.Loss}
	if !k.Offender && !k.Honest {
		a.loss += g.p.Prior
	}
	if k.Named {
		a.danger, a.named = k.Danger, 1
	}
	return a
}

// amount adds up what lies between two keys; of what is outside the border nothing is known.
func (g *ground) amount(first, last uint64, is4 bool) amount {
	var sum amount
	seen := 0.0
	if is4 == g.is4 {
		i, _ := slices.BinarySearchFunc(g.pieces, first, func(x piece, key uint64) int {
			if x.last < key {
				return -1
			}
			return 1
		})
		for ; i < len(g.pieces) && g.pieces[i].first <= last; i++ {
			x := g.pieces[i]
			n := float64(min(x.last, last)-max(x.first, first)) + 1
			sum = sum.plus(g.of(x, n))
			seen += n
		}
	}
	sum.loss += (float64(last-first) + 1 - seen) * g.p.Prior
	return sum
}
