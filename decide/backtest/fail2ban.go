package backtest

import (
	"net/netip"
	"slices"
	"time"

	"lastresort/decide"
	"lastresort/netblock"
)

// fail2ban's defaults: jail.conf of 1.1. With increment each further ban of an address is twice as long as the one before.
const (
	maxRetry = 5
	findTime = 10 * time.Minute
	banTime  = 10 * time.Minute
	mostBans = 20 // doublings
)

// fail2ban plays a reactive banner event by event: five failures within ten minutes ban an address for ten. It needs no
// night; what it bans it can't see.
func fail2ban(events []Event, o Options, increment bool) Score {
	out := Score{Name: "fail2ban"}
	if increment {
		out.Name = "fail2ban, longer each time"
	}
	type state struct {
		failures []time.Time
		until    time.Time
		bans     int
	}
	of := map[netip.Addr]*state{}
	lost := map[netip.Addr]int64{}
	var running []time.Time // when the bans at hand end
	changes := 0
	out.Series = make([]NightScore, len(o.nights()))
	for i := range events {
		e := &events[i]
		if !e.First.Before(o.To) {
			break
		}
		s := of[e.Source]
		if s == nil {
			s = &state{}
			of[e.Source] = s
		}
		if e.First.Before(s.until) {
			if !e.First.Before(o.From) {
				out.Stopped.add(e)
				out.Series[o.nightOf(e.First)].Stopped.add(e)
				if e.Kind == "" {
					lost[netblock.Unit(e.Source)] += e.Count
				}
			}
			continue
		}
		if !e.twoWay() {
			continue
		}
		for range min(e.Count, maxRetry) {
			s.failures = append(s.failures, e.First)
		}
		s.failures = slices.DeleteFunc(s.failures, func(t time.Time) bool { return e.First.Sub(t) > findTime })
		if len(s.failures) >= maxRetry {
			length := banTime
			if increment {
				length <<= min(s.bans, mostBans)
			}
			s.until, s.failures = e.First.Add(length), nil
			s.bans++
			running = append(slices.DeleteFunc(running, func(t time.Time) bool { return !t.After(e.First) }), s.until)
			if !e.First.Before(o.From) {
				changes += 2
				out.Most = max(out.Most, len(running))
				now := &out.Series[o.nightOf(e.First)]
				now.Ranges, now.Changes = max(now.Ranges, len(running)), now.Changes+2
				now.Addresses = float64(now.Ranges)
			}
		}
	}
	out.Addresses = float64(out.Most)
	if nights := float64(o.To.Sub(o.From)) / float64(decide.Day); nights > 0 {
		out.Changes = float64(changes) / nights
	}
	out.Lost, out.LostBy = units(lost), losers(lost)
	return out
}
