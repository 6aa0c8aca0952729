package decide

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// source is one address, in the sense of judging, and where its records are.
type source struct {
	addr      netip.Addr
	sightings []history.Sighting // all of it that the history holds
	traffic   []history.Traffic
	events    int64 // seen by us, two-way, in window
	breakIns  int64 // of these
	brokeIn   bool  // a break-in that proves something, in window or not
	inWindow  bool  // any sighting in window, whoever reported it
	quiet     bool  // any honest traffic in quiet
}

// newSources finds every source and its records, by address. The records must be sorted by source; none is copied.
func newSources(h *history.History, p *Policy, today int) []source {
	s, t := h.Sightings, h.Traffic
	most := distinct(s, func(x *history.Sighting) netip.Addr { return x.Source }) +
		distinct(t, func(x *history.Traffic) netip.Addr { return x.Source })
	out := make([]source, 0, most)
	for len(s) > 0 || len(t) > 0 {
		var x source
		switch {
		case len(t) == 0 || len(s) > 0 && s[0].Source.Less(t[0].Source):
			x.addr = netblock.Unit(s[0].Source)
		default:
			x.addr = netblock.Unit(t[0].Source)
		}
		n, m := 0, 0
		for n < len(s) && netblock.Unit(s[n].Source) == x.addr {
			n++
		}
		for m < len(t) && netblock.Unit(t[m].Source) == x.addr {
			m++
		}
		x.sightings, x.traffic, s, t = s[:n:n], t[:m:m], s[n:], t[m:]
		x.count(p, today)
		out = append(out, x)
	}
	return out
}

// distinct counts the sources of records that are sorted by them.
func distinct[R any](list []R, of func(*R) netip.Addr) int {
	n, last := 0, netip.Addr{}
	for i := range list {
		if a := netblock.Unit(of(&list[i])); a != last {
			n, last = n+1, a
		}
	}
	return n
}

// count adds up what tells an offender from others.
func (s *source) count(p *Policy, today int) {
	window, quiet := p.Offender.Window.Days(), p.Loss.Quiet.Days()
	for i := range s.sightings {
		x := &s.sightings[i]
		s.brokeIn = s.brokeIn || x.Kind == breakIn && proves(x)
		if today-dayOf(x.Last) >= window {
			continue
		}
		s.inWindow = true
		if proves(x) {
			s.events += x.Count
			if x.Kind == breakIn {
				s.breakIns += x.Count
			}
		}
	}
	for i := range s.traffic {
		s.quiet = s.quiet || today-dayOf(s.traffic[i].Last) < quiet
	}
}

// breakIn is the kind of sighting of which one is enough.
const breakIn = "break-in"

// proves tells whether a sighting is our own and two-way; nothing else makes an offender or adds danger.
func proves(x *history.Sighting) bool {
	return x.Proof == history.TwoWay && history.IsLocal(x.Reporter)
}

// proven returns a source's sightings that prove something, in window, earliest first.
func (s *source) proven(today, window int) []*history.Sighting {
	out := make([]*history.Sighting, 0, len(s.sightings))
	for i := range s.sightings {
		if x := &s.sightings[i]; proves(x) && today-dayOf(x.Last) < window {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b *history.Sighting) int { return a.First.Compare(b.First) })
	return out
}

// lastBreakIn returns when a source's last break-in that proves something began; zero where it has none.
func (s *source) lastBreakIn() time.Time {
	var last time.Time
	for i := range s.sightings {
		if x := &s.sightings[i]; s.brokeIn && x.Kind == breakIn && proves(x) {
			last = lateOf(last, x.First)
		}
	}
	return last
}

// context counts a source's events in window that make nobody an offender.
func (s *source) context(today, window int) context {
	var c context
	for i := range s.sightings {
		x := &s.sightings[i]
		switch {
		case today-dayOf(x.Last) >= window || proves(x):
		case history.IsLocal(x.Reporter):
			c.oneWay += x.Count
		default:
			c.others += x.Count
		}
	}
	return c
}

// serviceDay is the honest events of one service on one day.
type serviceDay struct {
	service string
	day     int
	count   int64
}

// honest returns a source's honest traffic of the last quiet days, added up by service and day.
func (s *source) honest(today, quiet int) []serviceDay {
	var days []serviceDay
	for i := range s.traffic {
		x := &s.traffic[i]
		if day := dayOf(x.Last); today-day < quiet {
			days = append(days, serviceDay{x.Service, day, x.Count})
		}
	}
	slices.SortFunc(days, func(a, b serviceDay) int {
		return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(a.service, b.service))
	})
	out := days[:0]
	for _, d := range days {
		if n := len(out) - 1; n >= 0 && out[n].service == d.service && out[n].day == d.day {
			out[n].count += d.count
			continue
		}
		out = append(out, d)
	}
	return out
}

// firstOn returns the moment of a source's first honest event on a service, however long ago; false where it has none.
func (s *source) firstOn(service string) (time.Time, bool) {
	var first time.Time
	found := false
	for i := range s.traffic {
		if x := &s.traffic[i]; x.Service == service && (!found || x.First.Before(first)) {
			first, found = x.First, true
		}
	}
	return first, found
}

// failedBefore counts a source's failed logins before a moment, in the window that ends on its day.
func (s *source) failedBefore(at time.Time, window int) int64 {
	total, day := int64(0), dayOf(at)
	for i := range s.sightings {
		x := &s.sightings[i]
		age := day - dayOf(x.Last)
		if proves(x) && strings.HasSuffix(x.Kind, "-login") && x.First.Before(at) && age >= 0 && age < window {
			total += x.Count
		}
	}
	return total
}
