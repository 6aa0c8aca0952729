package decide

import (
	"cmp"
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
	Record int64          `json:"-"` // its number in the store, where it is of a Packed
}

// standing returns what of pieces stands, less what has come to be protected or held, disjoint and sorted. Where blocks lie
// over each other the one that lasts longest counts, then the wider.
func standing(all []piece, l *limits, shape netblock.Shape) []Standing {
	up := make([]Standing, 0, len(all))
	for _, p := range all {
		if p.stands() {
			up = append(up, Standing{Range: p.where, From: p.from, Until: p.until, Case: p.block.Case, By: p.block.By, Reason: p.block.Reason})
		}
	}
	return apart(up, l, shape)
}

// apart is standing for what stands, which it may change.
func apart(up []Standing, l *limits, shape netblock.Shape) []Standing {
	up = byAddress(up)
	for i := range up { // nearly always all of it is as it should be
		if p := up[i].Range; i+1 < len(up) && p.Overlaps(up[i+1].Range) || l.both.Overlaps(wholeUnits(p)) || !allows(shape, p) {
			return slices.Concat(up[:i:i], disjointGroups(up[i:], l, shape))
		}
	}
	return up
}

// byAddress sorts by range, what is the same in the order in which it came.
func byAddress(list []Standing) []Standing {
	compare := func(a, b Standing) int { return a.Range.Compare(b.Range) }
	if slices.IsSortedFunc(list, compare) {
		return list
	}
	order := make([]int32, len(list)) // of which less is moved about
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(list[a].Range.Compare(list[b].Range), cmp.Compare(a, b)) })
	out := make([]Standing, len(list))
	for to, from := range order {
		out[to] = list[from]
	}
	return out
}

// disjointGroups is disjoint for each group of pieces, which are sorted, that lie over each other.
func disjointGroups(up []Standing, l *limits, shape netblock.Shape) []Standing {
	out := make([]Standing, 0, len(up))
	for len(up) > 0 {
		n, last := 1, up[0].Range.Last()
		for n < len(up) && !last.Less(up[n].Range.First()) {
			if last.Less(up[n].Range.Last()) {
				last = up[n].Range.Last()
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
func disjoint(up []Standing, l *limits, shape netblock.Shape) []Standing {
	slices.SortStableFunc(up, longest)
	var out []Standing
	var taken netblock.Set
	for _, p := range up {
		left := []netblock.Range{p.Range}
		if len(up) > 1 || l.both.Overlaps(wholeUnits(p.Range)) {
			left = netblock.SetOf(p.Range).Minus(taken).Minus(widened(l.both, p.Range)).Ranges()
			taken = taken.Union(netblock.SetOf(p.Range))
		}
		for _, r := range left {
			for _, p.Range = range shaped(r, shape) {
				out = append(out, p)
			}
		}
	}
	return out
}

// longest orders pieces by which counts where they lie over each other.
func longest(a, b Standing) int {
	switch {
	case a.Until.IsZero() != b.Until.IsZero():
		if a.Until.IsZero() {
			return -1
		}
		return 1
	case !a.Until.Equal(b.Until):
		return b.Until.Compare(a.Until)
	case a.Range.Addresses() != b.Range.Addresses():
		if a.Range.Addresses() > b.Range.Addresses() {
			return -1
		}
		return 1
	}
	return a.From.Compare(b.From)
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
	if r.Is4() {
		return r
	}
	whole, err := netblock.Between(netblock.UnitRange(r.First()).First(), netblock.UnitRange(r.Last()).Last())
	if err != nil {
		return r // no range at all
	}
	return whole
}

// allows tells whether a shape allows r as it is.
func allows(shape netblock.Shape, r netblock.Range) bool {
	if shape != netblock.CIDR {
		return true
	}
	_, ok := r.Prefix()
	return ok
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
	var up []Standing
	for i := range h.Blocks {
		if b := &h.Blocks[i]; standsAt(b, now) {
			up = append(history.WithRoom(up, i, len(h.Blocks)), Standing{Range: b.Range, From: plain(b.From), Until: plain(b.Until), Case: b.Case, By: b.By, Reason: b.Reason})
		}
	}
	known := upTo(&history.History{Releases: h.Releases, Holds: h.Holds, Protects: h.Protects}, now)
	l := newLimits(p, known, now)
	return apart(released(up, newReleaseIndex(known.Releases)), &l, p.Range.Shape)
}

func standsAt(b *history.Block, now time.Time) bool {
	return !b.From.After(now) && (b.Until.IsZero() || b.Until.After(now))
}

// released returns what is left of blocks by the releases that came since each began.
func released(list []Standing, releases releaseIndex) []Standing {
	out, same := list, true // until a release cuts something
	for i, x := range list {
		ended := releases.on(&history.Block{Range: x.Range, From: x.From, Until: x.Until})
		if same && len(ended) > 0 {
			out, same = slices.Clone(list[:i]), false
		}
		if same {
			continue
		}
		left := []netblock.Range{x.Range}
		if len(ended) > 0 {
			set := netblock.SetOf(x.Range)
			for _, r := range ended {
				set = set.Minus(netblock.SetOf(r.Range))
			}
			left = set.Ranges()
		}
		for _, x.Range = range left {
			out = append(out, x)
		}
	}
	return out
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
