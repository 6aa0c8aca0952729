package backtest

import (
	"cmp"
	"container/heap"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide"
	"lastresort/netblock"
)

// addresses is the most that any nightly tool could have stopped address by address: whoever was seen once is blocked from
// the next night on, for good.
type addresses struct{ known []blocked }

func (a *addresses) night(_ time.Time, seen []*Event) []blocked {
	var fresh []blocked
	for _, e := range seen {
		if e.twoWay() {
			fresh = append(fresh, blocked{where: netblock.UnitRange(e.Source)})
		}
	}
	a.known = merged(a.known, fresh)
	return a.known
}

// merged adds ranges to a list by address that holds each once.
func merged(list, fresh []blocked) []blocked {
	slices.SortFunc(fresh, func(a, b blocked) int { return a.where.Compare(b.where) })
	fresh = slices.CompactFunc(fresh, func(a, b blocked) bool { return a.where == b.where })
	out := make([]blocked, 0, len(list)+len(fresh))
	for len(list) > 0 && len(fresh) > 0 {
		switch c := list[0].where.Compare(fresh[0].where); {
		case c < 0:
			out, list = append(out, list[0]), list[1:]
		case c > 0:
			out, fresh = append(out, fresh[0]), fresh[1:]
		default:
			list = list[1:] // the fresh one ends later
		}
	}
	return append(append(out, list...), fresh...)
}

// whole24 blocks for 30 days the whole /24, or for IPv6 the /48, around whoever came on two days of the last 30.
type whole24 struct {
	days map[netip.Addr]twoDays
	list []blocked
}

// twoDays is the newest day and the newest other one on which a source came; 0 for none.
type twoDays struct{ newest, other int64 }

func (d twoDays) with(day int64) twoDays {
	switch {
	case day > d.newest:
		return twoDays{day, d.newest}
	case day < d.newest:
		return twoDays{d.newest, max(d.other, day)}
	}
	return d
}

const listed = 30 * decide.Day // how long lists look back, and the whole /24 is blocked

// oldestListed is the first day of those that lists look back to.
func oldestListed(at time.Time) int64 { return at.Add(-listed).Unix()/86400 + 1 }

func (w *whole24) night(at time.Time, seen []*Event) []blocked {
	if w.days == nil {
		w.days = map[netip.Addr]twoDays{}
	}
	oldest := oldestListed(at)
	var fresh []blocked
	for _, e := range seen {
		if !e.twoWay() {
			continue
		}
		a := netblock.Unit(e.Source)
		d := w.days[a].with(e.Last.Unix() / 86400)
		if w.days[a] = d; d.other >= oldest {
			fresh = append(fresh, blocked{netblock.OfPrefix(netblock.Group(a)), at.Add(listed)})
			delete(w.days, a)
		}
	}
	w.list = slices.DeleteFunc(w.list, func(b blocked) bool { return !b.until.After(at) })
	w.list = merged(w.list, fresh)
	return w.list
}

// topList blocks until the next night the addresses with most events on the last 30 days, as lists that people download do.
type topList struct {
	most   int
	days   map[int64][]*Event // by the day on which they count
	counts []tally            // by number
}

type tally struct {
	addr  netip.Addr
	count int64
}

func (t *topList) night(at time.Time, seen []*Event) []blocked {
	if t.days == nil {
		t.days = map[int64][]*Event{}
	}
	for _, e := range seen {
		if e.twoWay() {
			day := e.Last.Unix() / 86400
			t.days[day] = append(t.days[day], e)
			t.count(e, e.Count)
		}
	}
	oldest := oldestListed(at)
	for day, rows := range t.days {
		if day >= oldest {
			continue
		}
		for _, e := range rows {
			t.count(e, -e.Count)
		}
		delete(t.days, day)
	}
	var best tallies
	for _, c := range t.counts {
		switch {
		case c.count <= 0:
		case len(best) < t.most:
			heap.Push(&best, c)
		case best[0].before(c):
			best[0] = c
			heap.Fix(&best, 0)
		}
	}
	var out []blocked
	for _, c := range best {
		out = append(out, blocked{where: netblock.UnitRange(c.addr)})
	}
	return merged(nil, out)
}

func (t *topList) count(e *Event, n int64) {
	for len(t.counts) <= e.unit {
		t.counts = append(t.counts, tally{})
	}
	c := &t.counts[e.unit]
	c.addr, c.count = netblock.Unit(e.Source), c.count+n
}

// before orders tallies, the one that goes first from a list first.
func (c tally) before(d tally) bool {
	return cmp.Or(cmp.Compare(c.count, d.count), d.addr.Compare(c.addr)) < 0
}

// tallies is a heap of the best, the least of them on top.
type tallies []tally

// Len implements heap.Interface, as the others do.
func (t tallies) Len() int           { return len(t) }
func (t tallies) Less(i, j int) bool { return t[i].before(t[j]) }
func (t tallies) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *tallies) Push(x any)        { *t = append(*t, x.(tally)) }
func (t *tallies) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	*t = (*t)[:last]
	return x
}
