package firewall

import (
	"net/netip"
	"slices"

	"lastresort/netblock"
)

// layout is how what is blocked is spread over sets.
//
// A packet's look into a set of intervals costs by the logarithm of its size, and nearly all of it are reads of memory that
// is far away: prefixes of which there are many go into a hash set for each length.
//
// The kernel lists a set in time that grows with the square of its size, and a change to one of intervals costs by its size: a
// million ranges in one take minutes to read, in parts a second. So a large set is divided by address, and a packet's source
// leads through a map to the one part that it could be in.
type layout struct {
	lengths [2][]int                // of the prefixes in hash sets of their own, ascending: IPv4's, then IPv6's
	parts   map[string][]netip.Addr // of kinds by name: the first addresses of their parts, ascending from the family's lowest
}

// limits of a kind: up to whole a new layout has one set of it, above most that one, or a part, is too large, and a part of a
// new layout gets size. To a packet the map before the parts of a hash set costs as much as its look into the set, so
// addresses stay whole as long as reading them takes no more than a second or two.
func (k setKind) limits() (whole, most, size int) {
	switch {
	case k.interval():
		return 8192, 16384, 4096
	case k.bits == width(k.is4):
		return 131072, 163840, 8192
	}
	return 32768, 65536, 8192
}

// share of a family's ranges that prefixes of one length must have for a set of their own: each set costs every packet.
const share = 10

// spread are the kinds that may be in parts, each whole.
func (l layout) spread() (out []setKind) {
	for f, p := range protocols {
		out = append(out, hashKind(p.is4, width(p.is4)))
		for _, bits := range l.lengths[f] {
			out = append(out, hashKind(p.is4, bits))
		}
		out = append(out, rangeKind(p.is4, l.lengths[f]))
	}
	return out
}

// kinds are the sets of a layout: those of which there is one, then the others by family, kind and address.
func (l layout) kinds() []setKind {
	out := slices.Clone(single)
	for _, k := range l.spread() {
		from := l.parts[k.name]
		if len(from) == 0 {
			out = append(out, k)
		}
		out = append(out, k.parts(from)...)
	}
	return out
}

// index finds the kind, among those in spread, that ranges belong to.
type index [2]struct {
	kind  [129]int // by length
	alike bool     // but for addresses, whatever the length
}

func (l layout) index() (x index) {
	for i, k := range l.spread() {
		f := &x[familyOf(k.is4)]
		if !k.interval() {
			f.kind[k.bits] = i
			continue
		}
		f.alike = len(k.except) == 0
		for bits := range width(k.is4) {
			if !slices.Contains(k.except, bits) {
				f.kind[bits] = i
			}
		}
	}
	return x
}

func (x *index) of(r netblock.Range) int {
	f := &x[familyOf(r.Is4())]
	if f.alike && r.First() != r.Last() {
		return f.kind[0]
	}
	return f.kind[length(r)]
}

// layoutOf reads a layout from the names of sets.
func layoutOf(names []string) layout {
	l := layout{parts: map[string][]netip.Addr{}}
	for _, name := range names {
		k, from, ok := kindOf(name)
		if !ok {
			continue
		}
		if from.IsValid() {
			l.parts[k.name] = append(l.parts[k.name], from)
		}
		f := familyOf(k.is4)
		if !k.interval() && k.bits < width(k.is4) && !slices.Contains(l.lengths[f], k.bits) {
			l.lengths[f] = append(l.lengths[f], k.bits)
		}
	}
	for f := range l.lengths {
		slices.Sort(l.lengths[f])
	}
	for _, from := range l.parts {
		slices.SortFunc(from, netip.Addr.Compare)
	}
	return l
}

// layoutFor returns the layout of a new table for what is wanted, which is sorted.
func (c Config) layoutFor(wants Wants) layout {
	of := lengthsOf(wants)
	l := layout{lengths: c.lengthsFor(of), parts: map[string][]netip.Addr{}}
	kinds, x := l.spread(), l.index()
	count := make([]int, len(kinds))
	for f := range of {
		for bits, n := range of[f] {
			count[x[f].kind[bits]] += n
		}
	}
	// Parts are of equal number. They begin where a /24 or /48 does, if no range crosses that: none that the policy's widest
	// allows ever will, so that the layout lasts.
	before := make([]netblock.Range, len(kinds))
	held := make([]int, len(kinds))
	for i := range wants.Len() {
		r := wants.Range(i)
		at := x.of(r)
		k := &kinds[at]
		whole, _, size := k.limits()
		if count[at] <= whole {
			continue
		}
		from, parts := l.parts[k.name], (count[at]+size-1)/size
		if held[at] == 0 {
			l.parts[k.name] = append(from, k.lowest())
		} else if held[at]*parts/count[at] >= len(from) {
			first := netblock.Group(r.First()).Addr()
			if !before[at].Last().Less(first) {
				first = r.First()
			}
			l.parts[k.name] = append(from, first)
		}
		before[at] = r
		held[at]++
	}
	return l
}

// lengthsOf counts the ranges of each family by length.
func lengthsOf(wants Wants) (count [2][129]int) {
	for i := range wants.Len() {
		r := wants.Range(i)
		count[familyOf(r.Is4())][length(r)]++
	}
	return count
}

// lengthsFor returns the lengths of prefixes that get sets of their own: none of a family that one set of intervals serves.
func (c Config) lengthsFor(count [2][129]int) (out [2][]int) {
	for f, p := range protocols {
		sum := 0
		for _, n := range count[f][:width(p.is4)] {
			sum += n
		}
		k := rangeKind(p.is4, nil)
		if whole, _, _ := k.limits(); sum <= whole && !c.byLength {
			continue
		}
		for bits := 1; bits < width(p.is4); bits++ {
			if n := count[f][bits]; n > 0 && (n*share >= sum || c.byLength) {
				out[f] = append(out[f], bits)
			}
		}
	}
	return out
}

// fits tells whether a layout serves what is wanted: no range in two parts, no part too large, and no parts, nor sets for
// lengths, for a few.
func (c Config) fits(l layout, wants Wants) bool {
	kinds, x := l.spread(), l.index()
	type filled struct{ part, all, inPart int }
	count := make([]filled, len(kinds))
	var ranges [2]int
	for i := range wants.Len() {
		r := wants.Range(i)
		at := x.of(r)
		k, n := &kinds[at], &count[at]
		from := l.parts[k.name]
		for n.part+1 < len(from) && !r.First().Less(from[n.part+1]) {
			n.part, n.inPart = n.part+1, 0
		}
		n.all++
		n.inPart++
		if k.bits < width(k.is4) {
			ranges[familyOf(k.is4)]++
		}
		if _, most, _ := k.limits(); n.inPart > most || n.part+1 < len(from) && !r.Last().Less(from[n.part+1]) {
			return false
		}
	}
	for i, k := range kinds {
		if _, most, _ := k.limits(); len(l.parts[k.name]) > 0 && count[i].all < most/4 {
			return false
		}
	}
	for f, p := range protocols {
		k := rangeKind(p.is4, nil)
		if _, most, _ := k.limits(); len(l.lengths[f]) > 0 && ranges[f] < most/4 && !c.byLength {
			return false
		}
	}
	return true
}
