// Package netblock holds the values that the rest of the house speaks in: ranges of addresses, disjoint sets of them, the
// trie of registered netblocks, and the smallest cover of a case's offenders. IPv4 and IPv6 take the same path; the family
// is data.
package netblock

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"strings"
)

// Range is the interval of addresses from its first to its last, both included, all of one family. The zero Range is no
// range at all; every other value has first <= last and holds neither zones nor IPv4-mapped IPv6 addresses.
type Range struct {
	first, last netip.Addr
}

// Between returns the range from first to last. Both must be plain addresses of one family, in order.
func Between(first, last netip.Addr) (Range, error) {
	for _, a := range [...]netip.Addr{first, last} {
		if !plainAddr(a) {
			return Range{}, checkAddr(a, a.String())
		}
	}
	if first.BitLen() != last.BitLen() {
		return Range{}, fmt.Errorf("%q mixes two address families; expected both ends of one", first.String()+"-"+last.String())
	}
	if last.Less(first) {
		return Range{}, fmt.Errorf("%q runs backwards; expected %s-%s", first.String()+"-"+last.String(), last, first)
	}
	return Range{first, last}, nil
}

// Single returns the range that holds a alone. a must be a plain address: valid, unmapped, without a zone.
func Single(a netip.Addr) Range { return Range{a, a} }

// OfPrefix returns the range of all addresses of p, its host bits ignored. p must be valid and not IPv4-mapped.
func OfPrefix(p netip.Prefix) Range {
	p = p.Masked()
	return Range{p.Addr(), lastOf(p)}
}

// First returns the lowest address of r.
func (r Range) First() netip.Addr { return r.first }

// Last returns the highest address of r.
func (r Range) Last() netip.Addr { return r.last }

// IsValid tells whether r is a range; only the zero Range isn't.
func (r Range) IsValid() bool { return r.first.IsValid() }

// Is4 tells whether r is a range of IPv4 addresses.
func (r Range) Is4() bool { return r.first.Is4() }

// Contains tells whether a lies in r.
func (r Range) Contains(a netip.Addr) bool {
	return r.IsValid() && a.BitLen() == r.first.BitLen() && !a.Less(r.first) && !r.last.Less(a)
}

// Covers tells whether all of o lies in r.
//
//	r  [----------]
//	o    [-----]
func (r Range) Covers(o Range) bool { return o.IsValid() && r.Contains(o.first) && r.Contains(o.last) }

// Overlaps tells whether r and o share an address.
//
//	r  [------]
//	o      [------]
func (r Range) Overlaps(o Range) bool {
	return r.IsValid() && o.IsValid() && r.first.BitLen() == o.first.BitLen() && !r.last.Less(o.first) && !o.last.Less(r.first)
}

// Compare orders ranges by first address, IPv4 before IPv6, then by last.
func (r Range) Compare(o Range) int {
	return cmp.Or(r.first.Compare(o.first), r.last.Compare(o.last))
}

// Addresses returns how many addresses r holds; above 2^53 the nearest float64.
func (r Range) Addresses() float64 {
	if !r.IsValid() {
		return 0
	}
	first, last := halves(r.first), halves(r.last)
	lo, borrow := bits.Sub64(last[1], first[1], 0)
	hi, _ := bits.Sub64(last[0], first[0], borrow)
	return float64(hi)*0x1p64 + float64(lo) + 1
}

// Prefix returns r as a prefix, and false where r isn't one.
func (r Range) Prefix() (netip.Prefix, bool) {
	if !r.IsValid() {
		return netip.Prefix{}, false
	}
	p, err := r.first.Prefix(commonBits(r.first, r.last))
	if err != nil || p.Addr() != r.first || lastOf(p) != r.last {
		return netip.Prefix{}, false
	}
	return p, true
}

// Prefixes returns the fewest prefixes that together hold exactly r, in address order.
func (r Range) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for a := r.first; r.IsValid(); {
		n := commonBits(a, r.last)
		p := netip.PrefixFrom(a, a.BitLen())
		for ; n <= a.BitLen(); n++ {
			if p = netip.PrefixFrom(a, n); p.Masked() == p && !r.last.Less(lastOf(p)) {
				break
			}
		}
		out = append(out, p)
		end := lastOf(p)
		if end == r.last {
			break
		}
		a = end.Next()
	}
	return out
}

// String prints r as an address where it is one, as a prefix where it is one, else as first-last.
func (r Range) String() string { return string(r.AppendTo(nil)) }

// AppendTo adds what String prints to b.
func (r Range) AppendTo(b []byte) []byte {
	switch {
	case !r.IsValid():
		return append(b, "no range"...)
	case r.first == r.last:
		return r.first.AppendTo(b)
	}
	if p, ok := r.Prefix(); ok {
		return p.AppendTo(b)
	}
	return r.last.AppendTo(append(r.first.AppendTo(b), '-'))
}

// MarshalText prints r as String does.
func (r Range) MarshalText() ([]byte, error) {
	if !r.IsValid() {
		return nil, fmt.Errorf("no range; expected an address, a prefix or FIRST-LAST")
	}
	return []byte(r.String()), nil
}

// UnmarshalText reads what ParseRange reads.
func (r *Range) UnmarshalText(text []byte) error {
	got, err := ParseRange(string(text))
	if err == nil {
		*r = got
	}
	return err
}

// ParseRange reads an address, a prefix without host bits, or FIRST-LAST. Zones, IPv4-mapped addresses, leading zeros and
// ends in the wrong order are errors that say what was expected.
func ParseRange(s string) (Range, error) {
	if first, last, ok := strings.Cut(s, "-"); ok {
		a, err := ParseAddr(first)
		if err != nil {
			return Range{}, err
		}
		b, err := ParseAddr(last)
		if err != nil {
			return Range{}, err
		}
		return Between(a, b)
	}
	if strings.Contains(s, "/") {
		p, err := ParsePrefix(s)
		if err != nil {
			return Range{}, err
		}
		return OfPrefix(p), nil
	}
	a, err := ParseAddr(s)
	if err != nil {
		return Range{}, err
	}
	return Single(a), nil
}

// ParsePrefix reads a prefix and refuses host bits, zones and IPv4-mapped addresses.
func ParsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no prefix; expected one like 203.0.113.0/24 or 2001:db8::/32", s)
	}
	if err := checkAddr(p.Addr(), s); err != nil {
		return netip.Prefix{}, err
	}
	if m := p.Masked(); m != p {
		return netip.Prefix{}, fmt.Errorf("%q has host bits set; expected %s", s, m)
	}
	return p, nil
}

// ParseAddr reads an address and refuses zones and IPv4-mapped IPv6.
func ParseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%q is no address; expected one like 203.0.113.7 or 2001:db8::7", s)
	}
	return a, checkAddr(a, s)
}

func plainAddr(a netip.Addr) bool { return a.IsValid() && a.Zone() == "" && !a.Is4In6() }

func checkAddr(a netip.Addr, said string) error {
	switch {
	case !a.IsValid():
		return fmt.Errorf("%q is no address; expected one like 203.0.113.7 or 2001:db8::7", said)
	case a.Zone() != "":
		return fmt.Errorf("%q has a zone; expected the address without %%%s", said, a.Zone())
	case a.Is4In6():
		return fmt.Errorf("%q is an IPv4 address in IPv6 clothing; expected %s", said, a.Unmap())
	}
	return nil
}

// UnitBits returns the prefix length of what counts as one address when judging: 32 for IPv4, and 64 for IPv6, where a /64
// is one customer.
func UnitBits(a netip.Addr) int {
	if a.Is4() {
		return 32
	}
	return 64
}

// Unit returns the address that stands for a when judging: a itself for IPv4, the first address of its /64 for IPv6.
func Unit(a netip.Addr) netip.Addr {
	p, err := a.Prefix(UnitBits(a))
	if err != nil {
		return a
	}
	return p.Addr()
}

// UnitRange returns the range that a stands for when judging: itself for IPv4, its /64 for IPv6.
func UnitRange(a netip.Addr) Range { return OfPrefix(netip.PrefixFrom(a, UnitBits(a))) }

// Group returns the prefix within which sources are judged together: the /24 or, for IPv6, the /48 around a.
func Group(a netip.Addr) netip.Prefix {
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // of no address at all
	}
	return p
}

// Units returns how many addresses in the sense of judging r touches: IPv4 addresses, or /64s.
func (r Range) Units() float64 {
	switch {
	case r.first == r.last && r.IsValid():
		return 1
	case !r.IsValid():
		return 0
	}
	return float64(UnitKey(r.last)-UnitKey(r.first)) + 1
}

// UnitKey returns the number of a's unit in its family: the address itself for IPv4, the upper 64 bits for IPv6. Neighbours
// have neighbouring keys.
func UnitKey(a netip.Addr) uint64 {
	if a.Is4() {
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8])
}

// halves returns the upper and lower 64 bits of a; an IPv4 address is in the lower half alone.
func halves(a netip.Addr) [2]uint64 {
	if a.Is4() {
		b := a.As4()
		return [2]uint64{0, uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return [2]uint64{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func fromHalves(h [2]uint64, is4 bool) netip.Addr {
	if is4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(h[1]))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], h[0])
	binary.BigEndian.PutUint64(b[8:], h[1])
	return netip.AddrFrom16(b)
}

func commonBits(a, b netip.Addr) int {
	x, y := halves(a), halves(b)
	n := bits.LeadingZeros64(x[0] ^ y[0])
	if n == 64 {
		n += bits.LeadingZeros64(x[1] ^ y[1])
	}
	return n - (128 - a.BitLen())
}

func lastOf(p netip.Prefix) netip.Addr {
	h := halves(p.Addr())
	host := p.Addr().BitLen() - p.Bits()
	switch {
	case host >= 64:
		h[1] = ^uint64(0)
		if host > 64 {
			h[0] |= ^uint64(0) >> (128 - host)
		}
	case host > 0:
		h[1] |= ^uint64(0) >> (64 - host)
	}
	return fromHalves(h, p.Addr().Is4())
}
