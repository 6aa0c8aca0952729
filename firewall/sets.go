package firewall

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables"

	"lastresort/netblock"
)

// setKind is one of the sets of our table: what it is for, of which family, and whether it holds ranges or addresses.
type setKind struct {
	name     string
	is4      bool
	interval bool
	allow    bool
	part     netblock.Range // of the family's addresses that it is for; the zero Range where it is for all
}

// kinds are the sets of a list that isn't spread over parts. Single addresses have a hash set of their own beside the
// ranges: it costs the packets that are not in it less, and has none of the traps of intervals.
var kinds = []setKind{
	{name: "allow4", is4: true, interval: true, allow: true},
	{name: "allow6", interval: true, allow: true},
	{name: "address4", is4: true},
	{name: "address6"},
	{name: "range4", is4: true, interval: true},
	{name: "range6", interval: true},
}

// single are the kinds of which every table has exactly one, and spread those that may be in parts.
var single, spread = kinds[:4], kinds[4:]

// holds tells whether a range belongs into a set of this kind, among those for blocks or those for what is allowed.
func (k setKind) holds(r netblock.Range) bool {
	return k.is4 == r.Is4() && k.interval == (k.allow || r.First() != r.Last()) && (!k.part.IsValid() || k.part.Covers(r))
}

// set is the library's form of one of our sets.
func (k setKind) set(t *nftables.Table) *nftables.Set {
	s := &nftables.Set{Table: t, Name: k.name, KeyType: keyType(k.is4), Interval: k.interval, HasTimeout: !k.allow, Counter: !k.allow}
	return s
}

func keyType(is4 bool) nftables.SetDatatype {
	if is4 {
		return nftables.TypeIPAddr
	}
	return nftables.TypeIP6Addr
}

// layout is how ranges are spread over sets: for each family the first addresses of its parts, ascending from its lowest
// address; none is one set for all. A packet's source leads through a map of the parts to the one set that it could be in.
//
// The kernel reads a set of intervals in time that grows with the square of its size, and a change to it costs by its size:
// a million ranges in one take minutes to read, in parts a second.
type layout struct{ from4, from6 []netip.Addr }

// Sizes of a list of ranges, of one family.
const (
	spreadAt = 16384 // above so many ranges one set isn't enough; nor is a part that grew to as many
	partSize = 4096  // ranges in a part of a new layout
)

func (l layout) from(is4 bool) []netip.Addr {
	if is4 {
		return l.from4
	}
	return l.from6
}

// kinds are the sets of a layout: those of which there is one, then IPv4's ranges and IPv6's by address.
func (l layout) kinds() []setKind {
	out := slices.Clone(single)
	for _, k := range spread {
		from := l.from(k.is4)
		if len(from) == 0 {
			out = append(out, k)
		}
		for i, first := range from {
			last := netblock.OfPrefix(netip.PrefixFrom(first, 0)).Last()
			if i+1 < len(from) {
				last = from[i+1].Prev()
			}
			part := k
			part.part, _ = netblock.Between(first, last) // ascending, or layoutOf and layoutFor wouldn't have made it
			part.name = partName(k.name, first)
			out = append(out, part)
		}
	}
	return out
}

// partName names the set, and the chain before it, of the part from an address on. nft takes no colon in a name.
func partName(of string, from netip.Addr) string {
	return of + "_" + strings.ReplaceAll(from.StringExpanded(), ":", ".")
}

// partIn reads such a name.
func partIn(name string) (is4 bool, from netip.Addr, ok bool) {
	for _, k := range spread {
		rest, found := strings.CutPrefix(name, k.name+"_")
		if !found {
			continue
		}
		if !k.is4 {
			rest = strings.ReplaceAll(rest, ".", ":")
		}
		a, err := netip.ParseAddr(rest)
		return k.is4, a, err == nil && a.Is4() == k.is4 && partName(k.name, a) == name
	}
	return false, netip.Addr{}, false
}

// mapName names the map from a packet's source to its part.
func mapName(is4 bool) string {
	if is4 {
		return "parts4"
	}
	return "parts6"
}

// layoutOf reads a layout from the names of sets.
func layoutOf(names []string) layout {
	var l layout
	for _, name := range names {
		switch is4, from, ok := partIn(name); {
		case ok && is4:
			l.from4 = append(l.from4, from)
		case ok:
			l.from6 = append(l.from6, from)
		}
	}
	slices.SortFunc(l.from4, netip.Addr.Compare)
	slices.SortFunc(l.from6, netip.Addr.Compare)
	return l
}

// layoutFor returns the layout of a new table for what is wanted, which is sorted.
func layoutFor(wants []Want) layout {
	return layout{partsFor(wants, true), partsFor(wants, false)}
}

// partsFor divides the ranges of a family into parts of equal number. They begin where a /24 or /48 does, if no range
// crosses that: none that the policy's widest allows ever will, so that the layout lasts.
func partsFor(wants []Want, is4 bool) []netip.Addr {
	n := 0
	for _, w := range wants {
		if inSpread(w.Range, is4) {
			n++
		}
	}
	if n <= spreadAt/2 {
		return nil
	}
	parts := (n + partSize - 1) / partSize
	var out []netip.Addr
	var before netblock.Range
	i := 0
	for _, w := range wants {
		if !inSpread(w.Range, is4) {
			continue
		}
		if i == 0 {
			out = append(out, netblock.OfPrefix(netip.PrefixFrom(w.Range.First(), 0)).First())
		} else if i*parts/n >= len(out) {
			at := netblock.Group(w.Range.First()).Addr()
			if !before.Last().Less(at) {
				at = w.Range.First()
			}
			out = append(out, at)
		}
		before = w.Range
		i++
	}
	return out
}

func inSpread(r netblock.Range, is4 bool) bool { return r.Is4() == is4 && r.First() != r.Last() }

// fits tells whether a layout serves what is wanted: no range in two parts, no part too large, and no parts for a few.
func (l layout) fits(wants []Want) bool {
	for _, is4 := range []bool{true, false} {
		from, part, n, inPart := l.from(is4), 0, 0, 0
		for _, w := range wants {
			if !inSpread(w.Range, is4) {
				continue
			}
			for part+1 < len(from) && !w.Range.First().Less(from[part+1]) {
				part, inPart = part+1, 0
			}
			n++
			inPart++
			if inPart > spreadAt || part+1 < len(from) && !w.Range.Last().Less(from[part+1]) {
				return false
			}
		}
		if len(from) > 0 && n < spreadAt/4 {
			return false
		}
	}
	return true
}
