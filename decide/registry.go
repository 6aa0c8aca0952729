package decide

import (
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// registry is the registered netblocks as known at one moment.
type registry struct {
	trie     netblock.Trie
	byPrefix map[netip.Prefix]history.Netblock
	all      []history.Netblock // every registration known, also those that a later one replaced
}

func newRegistry(all []history.Netblock) registry {
	r := registry{byPrefix: make(map[netip.Prefix]history.Netblock, len(all)), all: all}
	for _, n := range all {
		if tooNarrow(n.Prefix) {
			continue
		}
		if old, ok := r.byPrefix[n.Prefix]; !ok || !n.At.Before(old.At) {
			r.byPrefix[n.Prefix] = n
		}
	}
	prefixes := make([]netip.Prefix, 0, len(r.byPrefix))
	for p := range r.byPrefix {
		prefixes = append(prefixes, p)
	}
	r.trie = netblock.NewTrie(prefixes)
	return r
}

// tooNarrow tells whether a registration is narrower than what counts as one address.
func tooNarrow(p netip.Prefix) bool { return p.Bits() > netblock.UnitBits(p.Addr()) }

// caseOf returns the netblock of the case in which a lies: the most specific registered one around it, else its group.
func (r *registry) caseOf(a netip.Addr) netip.Prefix {
	if p, ok := r.trie.Around(a); ok {
		return p
	}
	return netblock.Group(a)
}

// caseOfRange is caseOf for the netblock around all of a range, or the group of its first address.
func (r *registry) caseOfRange(x netblock.Range) netip.Prefix {
	if p, ok := r.trie.AroundRange(x); ok {
		return p
	}
	return netblock.Group(x.First())
}

// groupWithin returns the group of a within its case's netblock.
func groupWithin(netblockOf netip.Prefix, a netip.Addr) netip.Prefix {
	if g := netblock.Group(a); g.Bits() > netblockOf.Bits() {
		return g
	}
	return netblockOf
}

// holders returns who held a netblock at a moment, who does now, and since when; the same twice where it wasn't registered
// then.
func (r *registry) holders(p netip.Prefix, at time.Time) (then, now string, since time.Time) {
	var list []history.Netblock
	for _, n := range r.all {
		if n.Prefix == p {
			list = append(list, n)
		}
	}
	slices.SortStableFunc(list, func(a, b history.Netblock) int { return a.At.Compare(b.At) })
	known := false
	for _, n := range list {
		if !n.At.After(at) {
			then, known = n.Holder, true
		}
		if n.Holder != now {
			now, since = n.Holder, n.At
		}
	}
	if !known {
		then = now
	}
	return then, now, since
}
