package backtest

import (
	"net/netip"
	"slices"
	"time"

	"lastresort/netblock"
)

// bound is the most that fail2ban could have stopped, where only rows of a day are known: in the order that suits it best,
// all events of a row but those that it needs to see come within its bans. With increment the first ban may never end.
func bound(name string, list *timeline, increment bool) Score {
	out := Score{Name: name, LostBy: []Loser{}, AtMost: true, Series: make([]NightScore, len(list.nights))}
	bans, again := make([]possible, list.sources), make([]possible, list.sources)
	for i := range list.starts[len(list.nights)] { // those that began before the end
		if e := list.event(i); e.twoWay() {
			bans[e.source].see(e, increment)
		}
	}
	lost := map[netip.Addr]int64{}
	for i := range list.starts[len(list.nights)] {
		e := list.event(i)
		x := *e
		if e.twoWay() {
			x.Count = again[e.source].see(e, increment)
		} else if !bans[e.source].during(e) {
			continue
		}
		if e.First.Before(list.from) || x.Count == 0 {
			continue
		}
		out.Stopped.add(&x)
		out.Series[list.night(e.First)].Stopped.add(&x)
		if e.Kind == "" {
			lost[netblock.Unit(e.Source)] += e.Count
		}
	}
	out.lose(lost)
	return out
}

// possible is when an address may have been banned.
type possible struct {
	spans []span
	last  time.Time // when its last failure may have been
	seen  int64     // failures that may still count
}

type span struct{ from, until time.Time } // zero for without end

// see returns how many events of a row may have been stopped, and notes the bans that it may have led to.
func (p *possible) see(e *Event, increment bool) int64 {
	if e.First.Sub(p.last) >= findTime {
		p.seen = 0
	}
	need := maxRetry - p.seen
	banned := p.at(e.First)
	if e.Last.After(p.last) {
		p.last = e.Last
	}
	p.seen = min(maxRetry-1, p.seen+e.Count)
	if !banned && e.Count < need {
		return 0
	}
	s := span{from: e.First}
	if !increment {
		s.until = e.Last.Add(banTime)
	}
	p.spans = append(p.spans, s)
	if banned {
		return e.Count
	}
	return e.Count - need
}

// at tells whether an address may have been banned at a moment, which is none before the last ban.
func (p *possible) at(t time.Time) bool {
	last := len(p.spans) - 1
	return last >= 0 && (p.spans[last].until.IsZero() || t.Before(p.spans[last].until))
}

// during tells whether an address may have been banned at some moment of a row.
func (p *possible) during(e *Event) bool {
	for _, s := range p.spans {
		if !e.Last.Before(s.from) && (s.until.IsZero() || e.First.Before(s.until)) {
			return true
		}
	}
	return false
}

// night returns the night from which on a moment is counted.
func (t *timeline) night(at time.Time) int {
	i, found := slices.BinarySearchFunc(t.nights, at, time.Time.Compare)
	if !found {
		i--
	}
	return max(i, 0)
}
