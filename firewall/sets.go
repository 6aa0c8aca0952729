package firewall

import (
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/google/nftables"

	"lastresort/netblock"
)

// setKind is one of the sets of our table: what it is for, of which family, and what it holds. Single addresses have a hash
// set beside the ranges, and in long lists so have prefixes of each length that there are many of: it costs the packets that
// are not in it less, and has none of the traps of intervals.
type setKind struct {
	name   string
	is4    bool
	allow  bool
	bits   int            // of a hash set, the length of the prefixes that it holds; of one of intervals zero
	except []int          // of intervals, the lengths of the prefixes that have sets of their own
	part   netblock.Range // of the family's addresses that it is for; the zero Range where it is for all
}

// single are the kinds of which every table has exactly one; the others may be in parts.
var single = []setKind{{name: "allow4", is4: true, allow: true}, {name: "allow6", allow: true}}

// width is the length of a family's addresses, in bits.
func width(is4 bool) int { return int(protocols[familyOf(is4)].length) * 8 }

// named names a kind of a family.
func named(what string, is4 bool) string {
	if is4 {
		return what + "4"
	}
	return what + "6"
}

// hashKind is the kind that holds a family's prefixes of a length, or its addresses.
func hashKind(is4 bool, bits int) setKind {
	name := named("address", is4)
	if bits < width(is4) {
		name = named("prefix", is4) + "_" + strconv.Itoa(bits)
	}
	return setKind{name: name, is4: is4, bits: bits}
}

// rangeKind is the kind that holds what of a family is in no hash set.
func rangeKind(is4 bool, except []int) setKind {
	return setKind{name: named("range", is4), is4: is4, except: except}
}

// interval tells whether the set holds ranges as such.
func (k *setKind) interval() bool { return k.bits == 0 }

// length returns the length of the prefix that a range is, and zero where it is none.
func length(r netblock.Range) int {
	if r.First() == r.Last() {
		return r.First().BitLen()
	}
	p, _ := r.Prefix()
	return max(0, p.Bits())
}

// holds tells whether a range belongs into a set of this kind, among those for blocks or those for what is allowed.
func (k *setKind) holds(r netblock.Range) bool { return k.takes(r) && k.inPart(r) }

// takes is holds wherever in the family the range is.
func (k *setKind) takes(r netblock.Range) bool {
	switch {
	case k.is4 != r.Is4():
		return false
	case k.allow:
		return true
	case k.interval() && len(k.except) == 0:
		return r.First() != r.Last()
	case k.interval():
		n := length(r)
		return n < width(k.is4) && !slices.Contains(k.except, n)
	}
	return length(r) == k.bits
}

func (k *setKind) inPart(r netblock.Range) bool { return !k.part.IsValid() || k.part.Covers(r) }

// of returns what a hash set drops by one of its keys. One with more bits than the set's length, which only others could put
// there, no packet matches.
func (k *setKind) of(key netip.Addr) netblock.Range {
	if p := netip.PrefixFrom(key, k.bits); p.Masked() == p {
		return netblock.OfPrefix(p)
	}
	return netblock.Single(key)
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
	return &nftables.Set{Table: t, Name: k.name, KeyType: keyType(k.is4), Interval: k.interval(), HasTimeout: !k.allow, Counter: !k.allow}
}

func keyType(is4 bool) nftables.SetDatatype {
	if is4 {
		return nftables.TypeIPAddr
	}
	return nftables.TypeIP6Addr
}

// mapName names the map from a packet's source to the part of a kind.
func (k setKind) mapName() string { return "parts_" + k.name }

// parts are the sets into which a kind is divided, by their first addresses.
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

// kindOf reads the name of a set: of a whole kind or, with its first address, of a part.
func kindOf(name string) (k setKind, from netip.Addr, ok bool) {
	if k, ok := kindsByName()[name]; ok {
		return k, from, true
	}
	at := strings.LastIndexByte(name, '_')
	if at < 0 {
		return k, from, false
	}
	if k, ok = kindsByName()[name[:at]]; !ok {
		return k, from, false
	}
	text := name[at+1:]
	if !k.is4 {
		text = strings.ReplaceAll(text, ".", ":")
	}
	from, err := netip.ParseAddr(text)
	return k, from, err == nil && from.Is4() == k.is4 && partName(k.name, from) == name
}

// kindsByName are all that may be in parts.
var kindsByName = sync.OnceValue(func() map[string]setKind {
	out := map[string]setKind{}
	for _, p := range protocols {
		k := rangeKind(p.is4, nil)
		out[k.name] = k
		for bits := 1; bits <= width(p.is4); bits++ {
			k := hashKind(p.is4, bits)
			out[k.name] = k
		}
	}
	return out
})
