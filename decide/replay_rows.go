package decide

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// rows is the sightings and traffic that a replay has seen, by source and by case.
type rows struct {
	registry *registry
	sources  map[netip.Addr]*source
	cases    map[netip.Prefix]*bundle
	list     []*bundle
}

// bundle is the sources of a case.
type bundle struct {
	key     netip.Prefix
	sources []*source // by address
	seen    int       // the day of the newest sighting that proves something; none is long ago
	began   time.Time // when the one that began last did
	honest  bool      // there is traffic
	counted int       // the day count was last made for; never where rows came since
}

// never is a day before all others.
const never = math.MinInt32

// sort puts the sources into the cases of a registry.
func (r *rows) sort(reg *registry) {
	old := r.sources
	*r = rows{registry: reg, sources: make(map[netip.Addr]*source, len(old)), cases: map[netip.Prefix]*bundle{}}
	all := make([]*source, 0, len(old))
	for _, src := range old {
		all = append(all, src)
	}
	slices.SortFunc(all, func(a, b *source) int { return a.addr.Compare(b.addr) })
	for _, src := range all {
		r.sources[src.addr] = src
		b := r.bundle(src.addr)
		b.sources = append(b.sources, src)
		b.honest = b.honest || len(src.traffic) > 0
		for i := range src.sightings {
			b.saw(&src.sightings[i])
		}
	}
}

// bundle returns that of the case in which an address lies.
func (r *rows) bundle(a netip.Addr) *bundle {
	key := r.registry.caseOf(a)
	b := r.cases[key]
	if b == nil {
		b = &bundle{key: key, seen: never}
		r.cases[key], r.list = b, append(r.list, b)
	}
	b.counted = never
	return b
}

// saw notes when a sighting was.
func (b *bundle) saw(x *history.Sighting) {
	if proves(x) {
		b.seen, b.began = max(b.seen, dayOf(x.Last)), lateOf(b.began, x.First)
	}
}

// source returns an address's own, with its case.
func (r *rows) source(a netip.Addr) (*source, *bundle) {
	a = netblock.Unit(a)
	b := r.bundle(a)
	src := r.sources[a]
	if src == nil {
		src = &source{addr: a}
		r.sources[a] = src
		i, _ := slices.BinarySearchFunc(b.sources, a, func(s *source, a netip.Addr) int { return s.addr.Compare(a) })
		b.sources = slices.Insert(b.sources, i, src)
	}
	return src, b
}

// in returns the rows from a range.
func (r *rows) in(where netblock.Range) ([]history.Sighting, []history.Traffic) {
	var s []history.Sighting
	var t []history.Traffic
	for _, src := range r.sources {
		if where.Overlaps(netblock.UnitRange(src.addr)) {
			s, t = append(s, src.sightings...), append(t, src.traffic...)
		}
	}
	return s, t
}

// Sight adds a sighting to what the nights from now on know. Where it was seen before it has grown. In a day's row, as
// observing makes them, it adds to what the same source did on that day.
func (r *Replay) Sight(x history.Sighting, dayRow bool) {
	x.First, x.Last = plain(x.First), plain(x.Last)
	src, b := r.rows.source(x.Source)
	b.saw(&x)
	if dayRow {
		for i := range slices.Backward(src.sightings) {
			y := &src.sightings[i]
			if y.Source == x.Source && y.Kind == x.Kind && y.Proof == x.Proof && y.Reporter == x.Reporter && dayOf(y.First) == dayOf(x.First) {
				y.Count, y.First, y.Last = y.Count+x.Count, earlyOf(y.First, x.First), lateOf(y.Last, x.Last)
				return
			}
		}
	}
	src.sightings = enter(src.sightings, x, compareSightings, growSighting)
}

// Trade adds honest traffic as Sight does a sighting.
func (r *Replay) Trade(x history.Traffic, dayRow bool) {
	x.First, x.Last = plain(x.First), plain(x.Last)
	src, b := r.rows.source(x.Source)
	b.honest = true
	if dayRow {
		for i := range slices.Backward(src.traffic) {
			y := &src.traffic[i]
			if y.Source == x.Source && y.Service == x.Service && dayOf(y.First) == dayOf(x.First) {
				y.Count, y.First, y.Last = y.Count+x.Count, earlyOf(y.First, x.First), lateOf(y.Last, x.Last)
				return
			}
		}
	}
	src.traffic = enter(src.traffic, x, compareTraffic, growTraffic)
}

func earlyOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// enter puts a record into a sorted list, or grows the one that it is.
func enter[R any](list []R, x R, compare func(a, b *R) int, grow func(into, from *R)) []R {
	i, found := slices.BinarySearchFunc(list, x, func(a, b R) int { return compare(&a, &b) })
	if found {
		grow(&list[i], &x)
		return list
	}
	return slices.Insert(list, i, x)
}

// count adds up what tells offenders from others, where that wasn't done yet for the day of the night.
func (b *bundle) count(n *night) {
	if b.counted == n.today {
		return
	}
	for _, src := range b.sources {
		*src = source{addr: src.addr, sightings: src.sightings, traffic: src.traffic}
		src.count(n.policy, n.today)
	}
	b.counted = n.today
}

// offenders returns which of the sources are.
func (b *bundle) offenders(n *night) []*source {
	b.count(n)
	var suspects []*source
	for _, src := range b.sources {
		if n.suspect(src) {
			suspects = append(suspects, src)
		}
	}
	return n.offendersOf(b.key, suspects)
}
