package backtest

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lastresort/netblock"
)

// timeline is events in the order in which they began, and the nights among them.
type timeline struct {
	events   []Event // as they were given
	order    []int32 // of these
	nights   []time.Time
	from, to time.Time
	starts   []int // beside nights, the first event that began at it or after; and at the end
	sources  int   // how many there are
}

// newTimeline sorts events. It numbers their sources in them, and leaves them as they are otherwise.
func newTimeline(events []Event, o Options) *timeline {
	t := &timeline{events: events, order: make([]int32, len(events)), from: o.From, to: o.To}
	sources, units := map[netip.Addr]int{}, map[netip.Addr]int{}
	for i := range t.order {
		t.order[i] = int32(i)
		e := &events[i]
		e.source = number(sources, e.Source)
		e.unit = number(units, netblock.Unit(e.Source))
	}
	t.sources = len(sources)
	slices.SortFunc(t.order, func(x, y int32) int {
		a, b := &events[x], &events[y]
		if c := a.First.Compare(b.First); c != 0 {
			return c
		}
		// When they ended comes last: what begins together must not change places for what is known only later.
		return cmp.Or(a.Source.Compare(b.Source), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Service, b.Service),
			strings.Compare(string(a.Proof), string(b.Proof)), strings.Compare(a.Reporter, b.Reporter), cmp.Compare(a.Count, b.Count), a.Last.Compare(b.Last))
	})
	for at := o.From; at.Before(o.To); at = at.Add(o.Every) {
		t.nights = append(t.nights, at)
	}
	for _, at := range append(slices.Clone(t.nights), o.To) {
		t.starts = append(t.starts, t.firstAt(at))
	}
	return t
}

// number returns that of an address, the next one where it has none.
func number(of map[netip.Addr]int, a netip.Addr) int {
	n, ok := of[a]
	if !ok {
		n = len(of)
		of[a] = n
	}
	return n
}

// event returns the i-th event.
func (t *timeline) event(i int) *Event { return &t.events[t.order[i]] }

// firstAt returns the first event that began at a moment or after it.
func (t *timeline) firstAt(at time.Time) int {
	i, _ := slices.BinarySearchFunc(t.order, at, func(x int32, at time.Time) int {
		if t.events[x].First.Before(at) {
			return -1
		}
		return 1
	})
	return i
}

// end returns when the next night is.
func (t *timeline) end(night int) time.Time {
	if night+1 < len(t.nights) {
		return t.nights[night+1]
	}
	return t.to
}
