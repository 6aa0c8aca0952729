package firewall

import (
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

// own returns the steps that belong into the set, in ascending order, which the kernel takes faster.
func (k setKind) own(list []Step) []Step {
	var mine []Step
	for _, s := range list {
		if k.holds(s.Range) {
			mine = append(mine, s)
		}
	}
	slices.SortFunc(mine, func(a, b Step) int { return a.Range.Compare(b.Range) })
	return mine
}

// holds tells whether a range belongs into a set of this kind, among those for blocks or those for what is allowed.
func (k setKind) holds(r netblock.Range) bool {
	return k.is4 == r.Is4() && k.interval == (k.allow || r.First() != r.Last())
}

// set is the library's form of one of our sets.
func (k setKind) set(t *nftables.Table) *nftables.Set {
	s := &nftables.Set{Table: t, Name: k.name, KeyType: nftables.TypeIP6Addr, Interval: k.interval, HasTimeout: !k.allow, Counter: !k.allow}
	if k.is4 {
		s.KeyType = nftables.TypeIPAddr
	}
	return s
}
