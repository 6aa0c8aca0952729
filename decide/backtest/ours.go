package backtest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

// ours judges each night as review does, and applies what no guard holds back.
type ours struct {
	policy   *decide.Policy
	h        history.History // what a night sees; its blocks are those of the replay
	rows     map[rowKey]int  // index in h.Sightings or h.Traffic
	heldBack int
}

type rowKey struct {
	source              netip.Addr
	what, proof, report string
	day                 int64
	honest              bool
}

func newOurs(h *history.History, p *decide.Policy) *ours {
	o := &ours{policy: p, h: *h, rows: map[rowKey]int{}}
	o.h.Sightings, o.h.Traffic, o.h.Blocks, o.h.Releases = nil, nil, nil, nil
	return o
}

func (o *ours) name() string { return "lastresort" }

func (o *ours) night(at time.Time, seen []Event) []decide.Standing {
	for i := range seen {
		o.observe(&seen[i])
	}
	review := decide.Judge(&o.h, o.policy, at)
	if len(review.Guards) > 0 {
		o.heldBack++
	}
	p := review.Proposed(nil)
	o.h.Blocks = append(o.h.Blocks, p.Blocks...)
	for _, r := range p.Releases {
		if r.By != history.ByExpiry { // a block that ran out has its end on record
			o.h.Releases = append(o.h.Releases, r)
		}
	}
	return decide.InForce(&o.h, o.policy, at)
}

// observe adds an event to the row of its source, kind and day, as reading a log does.
func (o *ours) observe(e *Event) {
	k := rowKey{e.Source, e.Kind + e.Service, string(e.Proof), e.Reporter, e.Last.Unix() / 86400, e.Kind == ""}
	i, ok := o.rows[k]
	switch {
	case k.honest && ok:
		t := &o.h.Traffic[i]
		t.Count, t.Last = t.Count+e.Count, laterOf(t.Last, e.Last)
	case k.honest:
		o.rows[k] = len(o.h.Traffic)
		o.h.Traffic = append(o.h.Traffic, history.Traffic{Source: e.Source, First: e.First, Last: e.Last, Service: e.Service, Count: e.Count})
	case ok:
		s := &o.h.Sightings[i]
		s.Count, s.Last = s.Count+e.Count, laterOf(s.Last, e.Last)
	default:
		o.rows[k] = len(o.h.Sightings)
		o.h.Sightings = append(o.h.Sightings, history.Sighting{Source: e.Source, First: e.First, Last: e.Last, Kind: e.Kind, Count: e.Count, Proof: e.Proof, Reporter: e.Reporter})
	}
}

func laterOf(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// addresses is the most that any nightly tool could have stopped address by address: whoever was seen once is blocked from
// the next night on, for good.
type addresses struct{ known []decide.Standing }

func (a *addresses) name() string { return "each address seen, at most" }

func (a *addresses) night(at time.Time, seen []Event) []decide.Standing {
	for i := range seen {
		if seen[i].twoWay() {
			a.known = append(a.known, decide.Standing{Range: netblock.UnitRange(seen[i].Source), From: at})
		}
	}
	a.known = distinct(a.known)
	return a.known
}

// distinct keeps one of each range, the one that ends last.
func distinct(list []decide.Standing) []decide.Standing {
	slices.SortStableFunc(list, func(a, b decide.Standing) int {
		return cmp.Or(a.Range.Compare(b.Range), b.Until.Compare(a.Until))
	})
	return slices.CompactFunc(list, func(a, b decide.Standing) bool { return a.Range == b.Range })
}

// whole24 blocks for 30 days the whole /24, or for IPv6 the /48, around whoever came on two days of the last 30.
type whole24 struct {
	days map[netip.Addr]map[int64]bool
	list []decide.Standing
}

func (w *whole24) name() string { return "/24 of repeat offenders" }

func (w *whole24) night(at time.Time, seen []Event) []decide.Standing {
	if w.days == nil {
		w.days = map[netip.Addr]map[int64]bool{}
	}
	today := at.Unix() / 86400
	for i := range seen {
		if e := &seen[i]; e.twoWay() {
			if w.days[e.Source] == nil {
				w.days[e.Source] = map[int64]bool{}
			}
			w.days[e.Source][e.Last.Unix()/86400] = true
		}
	}
	for a, days := range w.days {
		recent := 0
		for d := range days {
			if today-d < 30 {
				recent++
			} else {
				delete(days, d)
			}
		}
		if recent >= 2 {
			w.list = append(w.list, decide.Standing{Range: netblock.OfPrefix(netblock.Group(a)), From: at, Until: at.Add(30 * decide.Day)})
			delete(w.days, a)
		}
	}
	w.list = slices.DeleteFunc(distinct(w.list), func(s decide.Standing) bool { return !s.Until.After(at) })
	return w.list
}

// topList blocks for a day the addresses with most events in the last 30 days, as lists that people download do.
type topList struct {
	most int
	rows []Event
}

func (t *topList) name() string { return fmt.Sprintf("top %d addresses", t.most) }

func (t *topList) night(at time.Time, seen []Event) []decide.Standing {
	for i := range seen {
		if seen[i].twoWay() {
			t.rows = append(t.rows, seen[i])
		}
	}
	t.rows = slices.DeleteFunc(t.rows, func(e Event) bool { return at.Sub(e.Last) >= 30*decide.Day })
	counts := map[netip.Addr]int64{}
	for i := range t.rows {
		counts[t.rows[i].Source] += t.rows[i].Count
	}
	var list []netip.Addr
	for a := range counts {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b netip.Addr) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), a.Compare(b)) })
	var out []decide.Standing
	for _, a := range list[:min(len(list), t.most)] {
		out = append(out, decide.Standing{Range: netblock.UnitRange(a), From: at})
	}
	return distinct(out)
}
