package backtest

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"lastresort/netblock"
)

// blocked is a range that is blocked from one night on, for good where Until is zero.
type blocked struct {
	where netblock.Range
	until time.Time
}

// strategy decides each night.
type strategy interface {
	// night decides at a moment what is blocked from then on, disjoint and by address; seen are the events that are known
	// since the last night, which weren't stopped. Until the next night the caller may read what is returned.
	night(at time.Time, seen []*Event) []blocked
}

// nothing blocks nothing.
type nothing struct{}

func (nothing) night(time.Time, []*Event) []blocked { return nil }

// replay plays one way of blocking. What it stops the nights after can't see. Before the first night nothing is stopped;
// a banner has run since ever, and what it would have dropped then is seen all the same.
func replay(ctx context.Context, w way, list *timeline, tell func()) (Score, error) {
	out := Score{Name: w.name, LostBy: []Loser{}, Series: []NightScore{}}
	lost := map[netip.Addr]int64{}
	var waiting, seen []*Event
	var before []blocked
	for i := range list.starts[0] {
		e := list.event(i)
		waiting = append(waiting, e)
		if w.banner != nil {
			w.banner.drops(e)
		}
	}
	ranges := 0
	for i, at := range list.nights {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		seen = seen[:0]
		waiting = slices.DeleteFunc(waiting, func(e *Event) bool {
			known := !e.Last.After(at)
			if known {
				seen = append(seen, e)
			}
			return known
		})
		f := forceOf(w.strategy.night(at, seen))
		n := NightScore{Ranges: len(f.list), Addresses: f.addresses, Changes: differ(before, f.list)}
		ranges += n.Ranges
		before = append(before[:0], f.list...)
		if w.banner != nil {
			w.banner.begin(at, list.end(i))
		}
		for k := list.starts[i]; k < list.starts[i+1]; k++ {
			e := list.event(k)
			if !f.stops(e) && (w.banner == nil || !w.banner.drops(e)) {
				waiting = append(waiting, e)
				continue
			}
			n.Stopped.add(e)
			out.Stopped.add(e)
			if e.Kind == "" {
				lost[netblock.Unit(e.Source)] += e.Count
			}
		}
		if w.banner != nil {
			n.Ranges, n.Addresses, n.Changes = n.Ranges+w.banner.most, n.Addresses+float64(w.banner.most), n.Changes+2*w.banner.began
		}
		out.Most, out.Addresses, out.Changes = max(out.Most, n.Ranges), max(out.Addresses, n.Addresses), out.Changes+float64(n.Changes)
		out.Series = append(out.Series, n)
		if tell != nil {
			tell()
		}
	}
	out.Mean, out.Changes = float64(ranges)/float64(len(list.nights)), out.Changes/float64(len(list.nights))
	if w.banner != nil {
		out.Mean += float64(w.banner.banned) / float64(list.to.Sub(list.from))
	}
	if mine, ok := w.strategy.(*ours); ok {
		out.HeldBack, out.Guards = mine.heldBack, mine.guards
	}
	out.lose(lost)
	return out, nil
}

// lose names whose honest events were lost.
func (s *Score) lose(lost map[netip.Addr]int64) {
	for a, n := range lost {
		s.LostBy = append(s.LostBy, Loser{netblock.UnitRange(a).String(), n})
	}
	slices.SortFunc(s.LostBy, func(a, b Loser) int { return cmp.Or(cmp.Compare(b.Honest, a.Honest), cmp.Compare(a.Source, b.Source)) })
}

// differ counts the ranges that are in one of two lists by address and not in the other.
func differ(a, b []blocked) int {
	n := 0
	for len(a) > 0 && len(b) > 0 {
		switch c := a[0].where.Compare(b[0].where); {
		case c == 0:
			a, b = a[1:], b[1:]
		case c < 0:
			n, a = n+1, a[1:]
		default:
			n, b = n+1, b[1:]
		}
	}
	return n + len(a) + len(b)
}

// force is the ranges in force from one night to the next.
type force struct {
	list      []blocked
	addresses float64
}

func forceOf(list []blocked) force {
	f := force{list: list}
	for i := range list {
		f.addresses += list[i].where.Units()
	}
	return f
}

// stops tells whether an event comes from a range that is blocked when it begins.
func (f *force) stops(e *Event) bool {
	i, _ := slices.BinarySearchFunc(f.list, e.Source, func(s blocked, a netip.Addr) int {
		if s.where.Last().Less(a) {
			return -1
		}
		return 1
	})
	return i < len(f.list) && f.list[i].where.Contains(e.Source) && (f.list[i].until.IsZero() || e.First.Before(f.list[i].until))
}
