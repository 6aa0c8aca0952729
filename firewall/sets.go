package firewall

import (
	"net/netip"
	"slices"
	"sort"
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
var single, spread = kinds[:2], kinds[2:]

// holds tells whether a range belongs into a set of this kind, among those for blocks or those for what is allowed.
func (k *setKind) holds(r netblock.Range) bool {
	return k.is4 == r.Is4() && k.interval == (k.allow || r.First() != r.Last()) && (!k.part.IsValid() || k.part.Covers(r))
}

// family returns from which of n sorted ranges on, and up to before which, they are of the set's family.
func (k *setKind) family(n int, at func(int) netblock.Range) (from, to int) {
	six := sort.Search(n, func(i int) bool { return !at(i).Is4() })
	if k.is4 {
		return 0, six
	}
	return six, n
}

// lowest is the first address of the family.
func (k *setKind) lowest() netip.Addr {
	if k.is4 {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// set is the library's form of one of our sets.
func (k setKind) set(t *nftables.Table) *nftables.Set {
	return &nftables.Set{Table: t, Name: k.name, KeyType: keyType(k.is4), Interval: k.interval, HasTimeout: !k.allow, Counter: !k.allow}
}

func keyType(is4 bool) nftables.SetDatatype {
	if is4 {
		return nftables.TypeIPAddr
	}
	return nftables.TypeIP6Addr
}

// layout is how what is blocked is spread over sets: for each kind in spread the first addresses of its parts, ascending
// from its family's lowest address; none is one set for all. A packet's source leads through a map of the parts to the one
// set that it could be in.
//
// The kernel lists a set in time that grows with the square of its size, and a change to one of intervals costs by its size: a
// million ranges in one take minutes to read, in parts a second.
type layout [4][]netip.Addr

// limits of a kind: up to whole a new layout has one set of it, above most that one, or a part, is too large, and a part of a
// new layout gets size. To a packet the map before the parts of a hash set costs as much as its look into the set, so that
// stays whole as long as reading it takes no more than a second or two.
func (k setKind) limits() (whole, most, size int) {
	if k.interval {
		return 8192, 16384, 4096
	}
	return 131072, 163840, 8192
}

// kinds are the sets of a layout: those of which there is one, then the others by kind and address.
func (l layout) kinds() []setKind {
	out := slices.Clone(single)
	for kind, from := range l {
		k := spread[kind]
		if len(from) == 0 {
			out = append(out, k)
		}
		out = append(out, k.parts(from)...)
	}
	return out
}

// parts are the sets into which a kind is divided.
func (k setKind) parts(from []netip.Addr) (out []setKind) {
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
	return out
}

// partName names the set, and the chain before it, of the part from an address on. nft takes no colon in a name.
func partName(of string, from netip.Addr) string {
	return of + "_" + strings.ReplaceAll(from.StringExpanded(), ":", ".")
}

// partIn reads such a name: the kind's place in spread, and the address.
func partIn(name string) (kind int, from netip.Addr, ok bool) {
	for i, k := range spread {
		rest, found := strings.CutPrefix(name, k.name+"_")
		if !found {
			continue
		}
		if !k.is4 {
			rest = strings.ReplaceAll(rest, ".", ":")
		}
		a, err := netip.ParseAddr(rest)
		return i, a, err == nil && a.Is4() == k.is4 && partName(k.name, a) == name
	}
	return 0, netip.Addr{}, false
}

// mapName names the map from a packet's source to the part of a kind.
func (k setKind) mapName() string { return "parts_" + k.name }

// layoutOf reads a layout from the names of sets.
func layoutOf(names []string) (l layout) {
	for _, name := range names {
		if kind, from, ok := partIn(name); ok {
			l[kind] = append(l[kind], from)
		}
	}
	for _, from := range l {
		slices.SortFunc(from, netip.Addr.Compare)
	}
	return l
}

// layoutFor returns the layout of a new table for what is wanted, which is sorted.
func layoutFor(wants Wants) (l layout) {
	for i, k := range spread {
		l[i] = k.divide(wants)
	}
	return l
}

// divide divides what of a kind is wanted into parts of equal number. They begin where a /24 or /48 does, if no range
// crosses that: none that the policy's widest allows ever will, so that the layout lasts.
func (k setKind) divide(wants Wants) (out []netip.Addr) {
	n := 0
	from, to := k.family(wants.Len(), wants.Range)
	for i := from; i < to; i++ {
		if k.holds(wants.Range(i)) {
			n++
		}
	}
	whole, _, size := k.limits()
	if n <= whole {
		return nil
	}
	parts := (n + size - 1) / size
	var before netblock.Range
	held := 0
	for i := from; i < to; i++ {
		r := wants.Range(i)
		if !k.holds(r) {
			continue
		}
		if held == 0 {
			out = append(out, k.lowest())
		} else if held*parts/n >= len(out) {
			at := netblock.Group(r.First()).Addr()
			if !before.Last().Less(at) {
				at = r.First()
			}
			out = append(out, at)
		}
		before = r
		held++
	}
	return out
}

// fits tells whether a layout serves what is wanted: no range in two parts, no part too large, and no parts for a few.
func (l layout) fits(wants Wants) bool {
	for i, k := range spread {
		from, part, n, inPart := l[i], 0, 0, 0
		_, most, _ := k.limits()
		first, end := k.family(wants.Len(), wants.Range)
		for i := first; i < end; i++ {
			r := wants.Range(i)
			if !k.holds(r) {
				continue
			}
			for part+1 < len(from) && !r.First().Less(from[part+1]) {
				part, inPart = part+1, 0
			}
			n++
			inPart++
			if inPart > most || part+1 < len(from) && !r.Last().Less(from[part+1]) {
				return false
			}
		}
		if len(from) > 0 && n < most/4 {
			return false
		}
	}
	return true
}
