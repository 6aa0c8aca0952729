package netblock

import (
	"net/netip"
	"slices"
)

// Set is a set of addresses, of both families, that never changes once made. The zero Set is empty.
type Set struct {
	// Normal form: sorted, IPv4 first, disjoint, and no two touching, so that equal sets have equal slices.
	ranges []Range
}

// SetOf returns the set of all addresses in any of ranges, which may overlap and come in any order.
func SetOf(ranges ...Range) Set {
	sorted := slices.DeleteFunc(slices.Clone(ranges), func(r Range) bool { return !r.IsValid() })
	slices.SortFunc(sorted, Range.Compare)
	var out []Range
	for _, r := range sorted {
		if n := len(out) - 1; n >= 0 && touches(out[n], r) {
			if out[n].last.Less(r.last) {
				out[n].last = r.last
			}
			continue
		}
		out = append(out, r)
	}
	return Set{out}
}

// touches tells whether r, which doesn't begin before a, overlaps a or begins right behind it.
func touches(a, r Range) bool {
	return a.Overlaps(r) || a.last.Next() == r.first
}

// Ranges returns the ranges of s, sorted, disjoint, none touching another.
func (s Set) Ranges() []Range { return slices.Clone(s.ranges) }

// IsEmpty tells whether s holds nothing.
func (s Set) IsEmpty() bool { return len(s.ranges) == 0 }

// search returns the index of the first range of s that doesn't end before a.
func (s Set) search(a netip.Addr) int {
	i, _ := slices.BinarySearchFunc(s.ranges, a, func(r Range, a netip.Addr) int {
		if r.last.Less(a) {
			return -1
		}
		return 1
	})
	return i
}

// Contains tells whether a is in s.
func (s Set) Contains(a netip.Addr) bool {
	i := s.search(a)
	return i < len(s.ranges) && s.ranges[i].Contains(a)
}

// Overlaps tells whether s and r share an address.
func (s Set) Overlaps(r Range) bool {
	i := s.search(r.first)
	return i < len(s.ranges) && s.ranges[i].Overlaps(r)
}

// Covers tells whether all of r is in s.
func (s Set) Covers(r Range) bool {
	i := s.search(r.first)
	return i < len(s.ranges) && s.ranges[i].Covers(r)
}

// Union returns what is in s, or in o, or in both.
func (s Set) Union(o Set) Set { return SetOf(append(s.Ranges(), o.ranges...)...) }

// Minus returns what is in s and not in o.
func (s Set) Minus(o Set) Set {
	var out []Range
	for _, r := range s.ranges {
		out = append(out, o.cutFrom(r)...)
	}
	return Set{out}
}

// Within returns what of s lies in border.
func (s Set) Within(border Range) Set {
	return SetOf(border).Minus(SetOf(border).Minus(s))
}

// Intersect returns what is in both s and o.
func (s Set) Intersect(o Set) Set { return s.Minus(s.Minus(o)) }

// Addresses returns how many addresses s holds; above 2^53 the nearest float64.
func (s Set) Addresses() float64 {
	n := 0.0
	for _, r := range s.ranges {
		n += r.Addresses()
	}
	return n
}

// cutFrom returns the parts of r that aren't in s, in order.
//
//	r    [------------------]
//	s  [---]   [---]   [-]
//	out     [-]     [-]   [-]
func (s Set) cutFrom(r Range) []Range {
	var out []Range
	for i := s.search(r.first); i < len(s.ranges) && s.ranges[i].Overlaps(r); i++ {
		w := s.ranges[i]
		if r.first.Less(w.first) {
			out = append(out, Range{r.first, w.first.Prev()})
		}
		if !w.last.Less(r.last) {
			return out
		}
		r.first = w.last.Next()
	}
	return append(out, r)
}
