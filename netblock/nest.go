package netblock

import (
	"net/netip"
	"slices"
)

// nest is prefixes that lie in each other, as sorted arrays: for tables of whole registries, for which the trie is too slow
// to build and too large. Every prefix knows the one around it.
type nest struct {
	sorted []netip.Prefix // by address, then the wider first
	around []int32        // by index: of the closest prefix around, -1 for none
	begin  [2][]int32     // by family and first 16 bits of an address: the index of the first prefix at or behind them
}

// newNest returns the nest of sorted prefixes, each once.
func newNest(sorted []netip.Prefix) nest {
	n := nest{sorted: sorted, around: make([]int32, len(sorted))}
	var open []int32 // those around the one that is looked at
	for i, p := range sorted {
		for len(open) > 0 && !sorted[open[len(open)-1]].Contains(p.Addr()) {
			open = open[:len(open)-1]
		}
		n.around[i] = -1
		if len(open) > 0 {
			n.around[i] = open[len(open)-1]
		}
		open = append(open, int32(i))
	}
	six, _ := slices.BinarySearchFunc(sorted, netip.IPv6Unspecified(), func(p netip.Prefix, a netip.Addr) int { return p.Addr().Compare(a) })
	n.begin = [2][]int32{firstBits(sorted[:six], 0), firstBits(sorted[six:], int32(six))}
	return n
}

// firstBits returns for every first 16 bits of an address the index of the first of one family's prefixes at or behind
// them, the first prefix having index from; and one more, behind all.
func firstBits(sorted []netip.Prefix, from int32) []int32 {
	if len(sorted) == 0 {
		return nil
	}
	out := make([]int32, 1<<16+1)
	next := 0
	for i := range out {
		for next < len(sorted) && int(top(sorted[next].Addr())) < i {
			next++
		}
		out[i] = from + int32(next)
	}
	return out
}

// top returns the first 16 bits of an address.
func top(a netip.Addr) uint16 {
	if a.Is4() {
		b := a.As4()
		return uint16(b[0])<<8 | uint16(b[1])
	}
	b := a.As16()
	return uint16(b[0])<<8 | uint16(b[1])
}

// aroundRange returns the most specific prefix that covers all of r.
func (n nest) aroundRange(r Range) (netip.Prefix, bool) {
	begin := n.begin[0]
	if !r.Is4() {
		begin = n.begin[1]
	}
	if begin == nil {
		return netip.Prefix{}, false
	}
	// The closest around lies, or lies around, what begins last at or before r.
	lo, hi := int(begin[top(r.first)]), int(begin[int(top(r.first))+1])
	for lo < hi {
		if mid := int(uint(lo+hi) / 2); r.first.Less(n.sorted[mid].Addr()) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	for i := int32(lo) - 1; i >= 0; i = n.around[i] {
		if p := n.sorted[i]; p.Contains(r.first) && p.Contains(r.last) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}
