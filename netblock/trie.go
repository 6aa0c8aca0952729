package netblock

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/yl2chen/cidranger"
)

// Trie answers which of a fixed set of prefixes lies closest around an address. The zero Trie holds none. It isn't safe for
// concurrent use.
type Trie struct {
	ranger cidranger.Ranger // of up to mostInRanger prefixes
	nest   nest             // of more
	sorted []netip.Prefix   // by address, then the wider first
}

// mostInRanger is how many prefixes go into cidranger, which takes 14 s and half a gigabyte for a million.
const mostInRanger = 100_000

// entry carries a prefix through the trie, so that no answer is parsed back.
type entry struct {
	net    net.IPNet
	prefix netip.Prefix
}

// Network implements cidranger.RangerEntry.
func (e entry) Network() net.IPNet { return e.net }

// NewTrie returns the trie of prefixes, which must be masked and not IPv4-mapped.
func NewTrie(prefixes []netip.Prefix) Trie { return newTrie(prefixes, mostInRanger) }

func newTrie(prefixes []netip.Prefix, most int) Trie {
	t := Trie{sorted: slices.Clone(prefixes)}
	slices.SortFunc(t.sorted, comparePrefixes)
	t.sorted = slices.Compact(t.sorted)
	if len(t.sorted) > most {
		t.nest = newNest(t.sorted)
		return t
	}
	t.ranger = cidranger.NewPCTrieRanger()
	for _, p := range t.sorted {
		e := entry{net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}, p}
		if err := t.ranger.Insert(e); err != nil {
			panic(fmt.Sprintf("prefix %s doesn't go into the trie: %v", p, err)) // it takes any valid network
		}
	}
	return t
}

func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// Around returns the most specific prefix around a, which must be a plain address, and false where none is.
func (t Trie) Around(a netip.Addr) (netip.Prefix, bool) { return t.AroundRange(Single(a)) }

// AroundRange returns the most specific prefix that covers all of r, and false where none does.
func (t Trie) AroundRange(r Range) (netip.Prefix, bool) {
	if len(t.sorted) == 0 || !r.IsValid() {
		return netip.Prefix{}, false
	}
	if t.ranger == nil {
		return t.nest.aroundRange(r)
	}
	around, err := t.ranger.ContainingNetworks(r.first.AsSlice())
	if err != nil {
		return netip.Prefix{}, false
	}
	for i := len(around) - 1; i >= 0; i-- {
		if p := around[i].(entry).prefix; OfPrefix(p).Covers(r) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// Inside returns the prefixes that lie inside p, which must be masked, and are not p itself, by address, the wider first.
func (t Trie) Inside(p netip.Prefix) []netip.Prefix {
	from, _ := slices.BinarySearchFunc(t.sorted, p, comparePrefixes)
	var out []netip.Prefix
	for _, q := range t.sorted[from:] {
		if !p.Contains(q.Addr()) {
			break
		}
		if q != p && q.Bits() > p.Bits() {
			out = append(out, q)
		}
	}
	return out
}
