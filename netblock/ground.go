package netblock

import (
	"cmp"
	"math"
	"math/bits"
	"net/netip"
	"slices"
)

// ground is a case's border as a cover sees it. Its addresses are the keys of UnitKey. It is looked at one group after the
// other, so that a million points need no more room than the fullest group.
type ground struct {
	Problem
	is4      bool
	bits     int // of a key: 32 or 64
	group    int // length of a group
	from, to int // the points in the border

	// Of the group at hand: its known points and, where anything unseen in it gains, also all that is unseen, in address
	// order. What lies between pieces is unseen and costs the prior, nothing less: it is never walked through.
	pieces []piece
	first  int      // point of the group that comes first
	keys   []uint64 // of its points
	// Room that is used again, group by group.
	ranking, aside []ranked
}

// piece is a known point, or a prefix of unseen addresses that all gain the same.
type piece struct {
	first, last uint64
	gain        float64 // per day, of an unseen address
	point       int32   // index of the point; -1 for none
}

// span is what lies from one key to another, both included.
type span struct {
	first, last uint64
}

// block is a prefix of keys.
type block struct {
	first uint64
	bits  int
}

func (p Problem) ground() *ground {
	g := &ground{Problem: p, is4: p.Border.Is4(), bits: 64, group: 48}
	if g.is4 {
		g.bits, g.group = 32, 24
	}
	if p.Border.IsValid() {
		g.group = max(g.group, min(commonBits(p.Border.first, p.Border.last), g.bits))
		g.from, g.to = g.inside()
	}
	return g
}

// groups goes through the groups that hold points, each with its pieces.
func (g *ground) groups(each func()) {
	if g.from == g.to {
		return
	}
	g.first, g.keys = g.from, append(g.keys[:0], g.key(g.from))
	at := g.around(g.keys[0], g.group)
	for i := g.from + 1; i < g.to; i++ {
		key := g.key(i)
		if key > g.last(at) {
			g.lay(at)
			each()
			g.first, g.keys = i, g.keys[:0]
			at = g.around(key, g.group)
		}
		g.keys = append(g.keys, key)
	}
	g.lay(at)
	each()
}

// inside returns which points the border touches.
func (g *ground) inside() (from, to int) {
	compare := func(x Point, a netip.Addr) int { return x.Addr.Compare(a) }
	from, _ = slices.BinarySearchFunc(g.Points, Unit(g.Border.first), compare)
	to, found := slices.BinarySearchFunc(g.Points, g.Border.last, compare)
	if found {
		to++
	}
	return from, to
}

// free returns what lies in the border and outside all walls, in whole keys.
func (g *ground) free() []span {
	var out []span
	for _, r := range SetOf(g.Border).Minus(widen(g.Walls)).ranges {
		x := span{UnitKey(r.first), UnitKey(r.last)}
		whole := g.rangeOf(x)
		if whole.first != r.first {
			x.first++
		}
		if whole.last != r.last {
			x.last--
		}
		if x.first <= x.last && r.Covers(g.rangeOf(x)) { // an end that wrapped around is none
			out = append(out, x)
		}
	}
	return out
}

// widen returns s with every address that it touches, in the sense of judging, whole.
func widen(s Set) Set {
	if len(s.ranges) == 0 || s.ranges[len(s.ranges)-1].Is4() {
		return s
	}
	out := make([]Range, len(s.ranges))
	for i, r := range s.ranges {
		out[i] = Range{UnitRange(r.first).first, UnitRange(r.last).last}
	}
	return SetOf(out...)
}

func (g *ground) key(point int) uint64 { return UnitKey(g.Points[point].Addr) }

// around returns the prefix of a length around a key.
func (g *ground) around(key uint64, length int) block {
	return block{key &^ g.mask(length), length}
}

// mask returns the bits of a key behind a prefix of a length. Shifting by 64 gives 0.
func (g *ground) mask(length int) uint64 { return uint64(1)<<(g.bits-length) - 1 }

func (g *ground) last(b block) uint64 { return b.first | g.mask(b.bits) }

// join returns the smallest prefix around two keys.
func (g *ground) join(first, last uint64) block {
	return g.around(first, bits.LeadingZeros64(first^last)-(64-g.bits))
}

// count returns how many keys lie from first to last; for all of IPv6 one less.
func count(first, last uint64) uint64 { return max(last-first, last-first+1) }

// rangeOf returns a span as a range, its ends whole.
func (g *ground) rangeOf(x span) Range {
	if g.is4 {
		return Range{fromHalves([2]uint64{0, x.first}, true), fromHalves([2]uint64{0, x.last}, true)}
	}
	return Range{fromHalves([2]uint64{x.first, 0}, false), fromHalves([2]uint64{x.last, math.MaxUint64}, false)}
}

// lay finds the pieces of the group at hand.
func (g *ground) lay(group block) {
	g.pieces = g.pieces[:0]
	if ranked, ok := g.growing(); ok {
		g.cut(group, 0, len(g.keys), ranked, 0)
		return
	}
	for i, key := range g.keys {
		g.pieces = append(g.pieces, piece{first: key, last: key, point: int32(g.first + i)})
	}
}

// ranked is an offender in a list by danger.
type ranked struct {
	key    uint64
	danger float64
}

// growing tells whether anything unseen in the group at hand may gain, and returns the group's offenders by danger.
func (g *ground) growing() ([]ranked, bool) {
	if len(g.keys) < max(g.GrowMin, 1) || g.Neighbours <= 0 {
		return nil, false
	}
	points := g.Points[g.first : g.first+len(g.keys)]
	out := g.ranking[:0]
	for i := range points {
		x := &points[i]
		if x.Honest {
			return nil, false
		}
		if x.Offender || x.Named {
			out = append(out, ranked{g.keys[i], x.Danger})
		}
	}
	g.ranking = out
	if len(out) < max(g.GrowMin, 1) {
		return nil, false
	}
	slices.SortFunc(out, func(a, b ranked) int { return cmp.Compare(a.danger, b.danger) })
	return out, true
}

// cut adds the pieces of a block in a group that grows. The block holds the group's points from..to, of these the offenders
// by danger, and gain is the most that a prefix around the block promises an unseen address.
func (g *ground) cut(b block, from, to int, offenders []ranked, gain float64) {
	if len(offenders) >= max(g.GrowMin, 1) {
		gain = max(gain, g.promise(b, offenders))
	}
	switch {
	case from == to:
		g.pieces = append(g.pieces, piece{b.first, g.last(b), gain, -1})
		return
	case b.bits == g.bits:
		g.pieces = append(g.pieces, piece{b.first, b.first, gain, int32(g.first + from)})
		return
	}
	low := block{b.first, b.bits + 1}
	high := block{g.last(low) + 1, b.bits + 1}
	mid := from
	for mid < to && g.keys[mid] < high.first {
		mid++
	}
	n := g.part(offenders, high.first)
	g.cut(low, from, mid, offenders[:n], gain)
	g.cut(high, mid, to, offenders[n:], gain)
}

// part moves the offenders below a key to the front, and returns their number. Both parts stay by danger.
func (g *ground) part(offenders []ranked, key uint64) int {
	high := g.aside[:0]
	n := 0
	for _, x := range offenders {
		if x.key < key {
			offenders[n] = x
			n++
			continue
		}
		high = append(high, x)
	}
	copy(offenders[n:], high)
	g.aside = high
	return n
}

// promise is what each unseen address of a block gains a day from the offenders in it: new ones turn up near known ones,
// in proportion to their share of the block, and weigh as much as their median.
func (g *ground) promise(b block, offenders []ranked) float64 {
	n := len(offenders)
	median := offenders[n/2].danger
	if n%2 == 0 {
		median = (offenders[n/2-1].danger + median) / 2
	}
	return g.Neighbours * float64(n) / math.Ldexp(1, g.bits-b.bits) * median
}

// net returns what a piece costs in a range, its gain taken off.
func (g *ground) net(x *piece) cost {
	if x.point < 0 {
		return costOfEach(g.Prior-x.gain, count(x.first, x.last))
	}
	p := &g.Points[x.point]
	c := costOf(p.Loss)
	if !p.seen() {
		c = c.plus(costOfEach(g.Prior-x.gain, 1))
	}
	return c
}

// named tells whether a piece is an offender that the rule names.
func (g *ground) named(x *piece) bool { return x.point >= 0 && g.Points[x.point].Named }
