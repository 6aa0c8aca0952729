package decide

import (
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// Standing is one range that is blocked at a moment. Case, By and Reason are those of its block record; they are empty where
// it is only decided yet.
type Standing struct {
	Range  netblock.Range `json:"range"`
	From   time.Time      `json:"from"`
	Until  time.Time      `json:"until,omitzero"` // zero for good
	Case   netip.Prefix   `json:"-"`
	By     string         `json:"-"`
	Reason string         `json:"-"`
}

// standing returns what of pieces stands, less what has come to be protected or held, disjoint and sorted. Where blocks lie
// over each other the one that lasts longest counts, then the wider.
func standing(all []piece, l *limits, shape netblock.Shape) []Standing {
	up := make([]piece, 0, len(all))
	for _, p := range all {
		if p.stands() {
			up = append(up, p)
		}
	}
	slices.SortStableFunc(up, func(a, b piece) int { return a.where.Compare(b.where) })
	out := make([]Standing, 0, len(up))
	for len(up) > 0 {
		n, last := 1, up[0].where.Last()
		for n < len(up) && !last.Less(up[n].where.First()) {
			if last.Less(up[n].where.Last()) {
				last = up[n].where.Last()
			}
			n++
		}
		out = append(out, disjoint(up[:n], l, shape)...)
		up = up[n:]
	}
	slices.SortFunc(out, func(a, b Standing) int { return a.Range.Compare(b.Range) })
	return out
}

// disjoint is standing for pieces that lie over each other.
func disjoint(up []piece, l *limits, shape netblock.Shape) []Standing {
	slices.SortStableFunc(up, longest)
	var out []Standing
	var taken netblock.Set
	for _, p := range up {
		left := []netblock.Range{p.where}
		if len(up) > 1 || l.both.Overlaps(wholeUnits(p.where)) {
			left = netblock.SetOf(p.where).Minus(taken).Minus(widened(l.both, p.where)).Ranges()
			taken = taken.Union(netblock.SetOf(p.where))
		}
		for _, r := range left {
			for _, x := range shaped(r, shape) {
				out = append(out, Standing{x, p.from, p.until, p.block.Case, p.block.By, p.block.Reason})
			}
		}
	}
	return out
}

// longest orders pieces by which counts where they lie over each other.
func longest(a, b piece) int {
	switch {
	case a.permanent() != b.permanent():
		if a.permanent() {
			return -1
		}
		return 1
	case !a.until.Equal(b.until):
		return b.until.Compare(a.until)
	case a.where.Addresses() != b.where.Addresses():
		if a.where.Addresses() > b.where.Addresses() {
			return -1
		}
		return 1
	}
	return a.from.Compare(b.from)
}

// widened returns what of limits touches r, widened to whole units: a wall that touches a /64 walls all of it.
func widened(l netblock.Set, r netblock.Range) netblock.Set {
	var out []netblock.Range
	for _, x := range l.Within(wholeUnits(r)).Ranges() {
		out = append(out, wholeUnits(x))
	}
	return netblock.SetOf(out...)
}

// wholeUnits returns the range of every unit that r touches: r itself for IPv4, whole /64s for IPv6.
func wholeUnits(r netblock.Range) netblock.Range {
	whole, err := netblock.Between(netblock.UnitRange(r.First()).First(), netblock.UnitRange(r.Last()).Last())
	if err != nil {
		return r // no range at all
	}
	return whole
}

// shaped returns r in the pieces that a shape allows: prefixes for cidr, else r itself.
func shaped(r netblock.Range, shape netblock.Shape) []netblock.Range {
	if shape != netblock.CIDR {
		return []netblock.Range{r}
	}
	var out []netblock.Range
	for _, p := range r.Prefixes() {
		out = append(out, netblock.OfPrefix(p))
	}
	return out
}

// InForce returns every range that the history's blocks keep blocked at a moment, less what is protected or held then,
// disjoint and by address.
func InForce(h *history.History, p *Policy, now time.Time) []Standing {
	known := history.History{Blocks: h.Blocks, Releases: h.Releases, Holds: h.Holds, Protects: h.Protects}
	h = upTo(&known, now)
	l := newLimits(p, h, now)
	return standing(pieces(h, now), &l, p.Range.Shape)
}

// Exempted returns what must not be blocked at a moment by policy, protect records and holds, for the allow set; ranges
// that are never blocked by nature are left out, for no packet of theirs needs to be let in.
func Exempted(h *history.History, p *Policy, now time.Time) []netblock.Range {
	known := history.History{Holds: h.Holds, Protects: h.Protects}
	l := newLimits(p, upTo(&known, now), now)
	var out []netblock.Range
	for _, x := range l.reasons {
		if !x.natural {
			out = append(out, x.where)
		}
	}
	return netblock.SetOf(out...).Ranges()
}
