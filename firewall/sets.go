package firewall

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/google/nftables"

	"lastresort/netblock"
)

// setKind is one of the sets of our table: what it is for, of which family, and whether it holds ranges or addresses.
type setKind struct {
	name     string
	is4      bool
	interval bool
	allow    bool
}

// kinds are all our sets. Single addresses have a hash set of their own beside the ranges: it costs the packets that are
// not in it less, and has none of the traps of intervals.
var kinds = []setKind{
	{name: "allow4", is4: true, interval: true, allow: true},
	{name: "allow6", interval: true, allow: true},
	{name: "address4", is4: true},
	{name: "address6"},
	{name: "range4", is4: true, interval: true},
	{name: "range6", interval: true},
}

// holds tells whether a range belongs into a set of this kind.
func (k setKind) holds(r netblock.Range, allow bool) bool {
	return k.is4 == r.Is4() && k.allow == allow && k.interval == (allow || r.First() != r.Last())
}

// set is the library's form of one of our sets.
func (k setKind) set(t *nftables.Table) *nftables.Set {
	s := &nftables.Set{Table: t, Name: k.name, KeyType: nftables.TypeIP6Addr, Interval: k.interval, HasTimeout: !k.allow, Counter: !k.allow}
	if k.is4 {
		s.KeyType = nftables.TypeIPAddr
	}
	return s
}

// elements returns what the kernel takes for a range: an address, or the first address and the one behind the last. A range
// that ends with the last address of its family has nothing behind it, and none is sent.
func (k setKind) elements(s Step) []nftables.SetElement {
	first := nftables.SetElement{Key: s.Range.First().AsSlice(), Timeout: s.Timeout}
	if !k.interval {
		return []nftables.SetElement{first}
	}
	behind := s.Range.Last().Next()
	if !behind.IsValid() {
		return []nftables.SetElement{first}
	}
	return []nftables.SetElement{first, {Key: behind.AsSlice(), IntervalEnd: true}}
}

// read turns what the kernel holds in a set into elements by address. It comes in any order; the end of a range whose start
// has expired may still be there.
func (k setKind) read(raw []nftables.SetElement) []Element {
	slices.SortFunc(raw, func(a, b nftables.SetElement) int {
		if c := bytes.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		switch { // an end comes before the start of the next range at the same key
		case a.IntervalEnd == b.IntervalEnd:
			return 0
		case a.IntervalEnd:
			return -1
		}
		return 1
	})
	var out []Element
	for i, e := range raw {
		if e.IntervalEnd {
			continue
		}
		first, ok := netip.AddrFromSlice(e.Key)
		if !ok {
			continue
		}
		r := netblock.Single(first)
		if k.interval {
			r = k.upTo(first, raw[i+1:])
		}
		x := Element{Range: r, Timeout: e.Timeout, Expires: e.Expires}
		if e.Counter != nil {
			x.Packets, x.Bytes = e.Counter.Packets, e.Counter.Bytes
		}
		out = append(out, x)
	}
	return out
}

// upTo returns the range from first to before the next end or start, or to the last address of the family.
func (k setKind) upTo(first netip.Addr, rest []nftables.SetElement) netblock.Range {
	last := netblock.OfPrefix(netip.PrefixFrom(first, 0)).Last()
	if len(rest) > 0 {
		if behind, ok := netip.AddrFromSlice(rest[0].Key); ok {
			last = behind.Prev()
		}
	}
	r, err := netblock.Between(first, last)
	if err != nil {
		return netblock.Single(first)
	}
	return r
}
