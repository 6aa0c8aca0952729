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
	events    int64 // seen by us, two-way, in window
	breakIns  int64 // of these
	sightings int32 // head of its chain in sightingNext, plus one; 0 for none
	traffic   int32 // the same in trafficNext
	inWindow  bool  // any sighting in window, whoever reported it
	quiet     bool  // any honest traffic in quiet
}

// sources finds every record of a source without copying one: chains of indexes into the history.
type sources struct {
	h            *history.History
	byAddr       map[netip.Addr]int32
	list         []source
	sightingNext []int32
	trafficNext  []int32
}

func newSources(h *history.History, p *Policy, today int) *sources {
	s := &sources{
		h: h, byAddr: make(map[netip.Addr]int32, len(h.Sightings)/8+len(h.Traffic)/8),
		sightingNext: make([]int32, len(h.Sightings)), trafficNext: make([]int32, len(h.Traffic)),
	}
	window, quiet := p.Offender.Window.Days(), p.Loss.Quiet.Days()
	for i := range h.Sightings {
		x := &h.Sightings[i]
		src := s.at(x.Source)
		s.sightingNext[i], src.sightings = src.sightings, int32(i+1)
		if today-dayOf(x.Last) >= window {
			continue
		}
		src.inWindow = true
		if proves(x) {
			src.events += x.Count
			if x.Kind == breakIn {
				src.breakIns += x.Count
			}
		}
	}
	for i := range h.Traffic {
		x := &h.Traffic[i]
		src := s.at(x.Source)
		s.trafficNext[i], src.traffic = src.traffic, int32(i+1)
		src.quiet = src.quiet || today-dayOf(x.Last) < quiet
	}
	return s
}

// breakIn is the kind of sighting of which one is enough.
const breakIn = "break-in"

// proves tells whether a sighting is our own and two-way; nothing else makes an offender or adds danger.
func proves(x *history.Sighting) bool { return x.Proof == history.TwoWay && local(x.Reporter) }

func local(reporter string) bool { return reporter == "local" || strings.HasPrefix(reporter, "local/") }

func (s *sources) at(a netip.Addr) *source {
	a = netblock.Unit(a)
	i, ok := s.byAddr[a]
	if !ok {
		i = int32(len(s.list))
		s.byAddr[a] = i
		s.list = append(s.list, source{addr: a})
	}
	return &s.list[i]
}

// proven returns a source's sightings that prove something, in window, in an order of their own.
func (s *sources) proven(src *source, today, window int) []*history.Sighting {
	var out []*history.Sighting
	for i := src.sightings; i != 0; i = s.sightingNext[i-1] {
		if x := &s.h.Sightings[i-1]; proves(x) && today-dayOf(x.Last) < window {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b *history.Sighting) int {
		return cmp.Or(a.First.Compare(b.First), a.Last.Compare(b.Last), strings.Compare(a.Kind, b.Kind), cmp.Compare(a.Count, b.Count))
	})
	return out
}

// serviceDay is the honest events of one service on one day.
type serviceDay struct {
	service string
	day     int
	count   int64
}

// honest returns a source's honest traffic of the last quiet days, added up by service and day, and the moment of its first
// event on each service ever.
func (s *sources) honest(src *source, today, quiet int) ([]serviceDay, map[string]time.Time) {
	var days []serviceDay
	first := map[string]time.Time{}
	for i := src.traffic; i != 0; i = s.trafficNext[i-1] {
		x := &s.h.Traffic[i-1]
		if t, ok := first[x.Service]; !ok || x.First.Before(t) {
			first[x.Service] = x.First
		}
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
	return out, first
}
