package htmlpage

import (
	"net/netip"

	"lastresort/netblock"
)

// Hilbert's curve through a square: addresses that follow each other lie next to each other, a prefix of even length is a
// square, and one of odd length two squares side by side.

// cell returns the place of the d-th cell of 4^order on Hilbert's curve. The curve begins at the top left and ends at the
// top right; the first digits of d, two bits each, say in which quarter, whatever the order.
func cell(order int, d uint64) (x, y uint64) {
	swap, flip := uint64(0), uint64(0)
	for level := order - 1; level >= 0; level-- {
		digit := d >> (2 * level) & 3
		a, b := digit>>1, (digit>>1)^(digit&1) // the quarters in turn: top left, bottom left, bottom right, top right
		if swap == 1 {
			a, b = b, a
		}
		x, y = x<<1|(a^flip), y<<1|(b^flip)
		if digit == 0 || digit == 3 {
			swap ^= 1
		}
		if digit == 3 {
			flip ^= 1
		}
	}
	return x, y
}

// box is a rectangle, in parts of the side of the square that it lies in.
type box struct{ x, y, w, h float64 }

// boxOf returns where a prefix lies in the square of a prefix of even length that holds it, turned as it is in the square of
// all addresses: zooming keeps every place. Both are cut off at what counts as one address.
func boxOf(square, p netip.Prefix) box {
	in, b := absolute(square), absolute(p)
	return box{(b.x - in.x) / in.w, (b.y - in.y) / in.h, b.w / in.w, b.h / in.h}
}

// absolute returns where a prefix lies in the square of all addresses of its family.
func absolute(p netip.Prefix) box {
	unit := netblock.UnitBits(p.Addr())
	bits := min(p.Bits(), unit)
	order := (bits + 1) / 2
	side := 1 / float64(uint64(1)<<order)
	d := netblock.UnitKey(p.Addr()) >> (unit - 2*order)
	at := func(d uint64) box {
		x, y := cell(order, d)
		return box{float64(x) * side, float64(y) * side, side, side}
	}
	if bits%2 == 1 {
		return at(d).with(at(d + 1))
	}
	return at(d)
}

// with returns the smallest box around two.
func (b box) with(o box) box {
	x, y := min(b.x, o.x), min(b.y, o.y)
	return box{x, y, max(b.x+b.w, o.x+o.w) - x, max(b.y+b.h, o.y+o.h) - y}
}

// boxesOf returns where a range lies in a square: a box for each of the prefixes that make it up, as far as it lies there.
func boxesOf(square netip.Prefix, r netblock.Range) []box {
	whole := netblock.OfPrefix(square)
	if !whole.Overlaps(r) {
		return nil
	}
	if r.Covers(whole) {
		return []box{{0, 0, 1, 1}}
	}
	var out []box
	for _, p := range netblock.SetOf(r).Within(whole).Ranges() {
		for _, x := range p.Prefixes() {
			out = append(out, boxOf(square, x))
		}
	}
	return out
}

// squareAround returns the smallest prefix of even length that holds all of some ranges of one family, no narrower than
// least.
func squareAround(least int, ranges ...netblock.Range) netip.Prefix {
	first, last := ranges[0].First(), ranges[0].Last()
	for _, r := range ranges[1:] {
		if r.First().Less(first) {
			first = r.First()
		}
		if last.Less(r.Last()) {
			last = r.Last()
		}
	}
	for bits := least &^ 1; bits > 0; bits -= 2 {
		if p := netip.PrefixFrom(first, bits).Masked(); p.Contains(last) {
			return p
		}
	}
	return netip.PrefixFrom(first, 0).Masked()
}
