// Package backtest replays the nights of a history: what would have been decided each night from what was known then, and
// what of the following day it would have stopped and lost; and beside it, under the same rules, what people run today. It
// knows no files, clock or network.
package backtest

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

// Options say what is replayed: the moments from From on, Every apart, before To.
type Options struct {
	From, To time.Time
	Every    time.Duration
	Progress func(nights int) // told after each night of each strategy; may be nil
}

// Event is hostile or honest traffic from one source: a row of a store's day, or one line of a log.
type Event struct {
	Source      netip.Addr
	First, Last time.Time
	Kind        string // of a sighting; empty for honest traffic
	Service     string // of honest traffic
	Proof       history.Proof
	Reporter    string // of a sighting
	Count       int64
}

// hostile tells whether an event is a sighting of our own; others' decide nothing and are no part of a score.
func (e *Event) hostile() bool {
	return e.Kind != "" && history.IsLocal(e.Reporter)
}

func (e *Event) twoWay() bool { return e.hostile() && e.Proof == history.TwoWay }

// Sum counts events.
type Sum struct {
	TwoWay int64 `json:"two_way"` // hostile, ours, with proof
	OneWay int64 `json:"one_way"` // hostile, ours, without
	Honest int64 `json:"honest"`
}

func (s *Sum) add(e *Event) {
	switch {
	case e.twoWay():
		s.TwoWay += e.Count
	case e.hostile():
		s.OneWay += e.Count
	case e.Kind == "":
		s.Honest += e.Count
	}
}

// Result is what a replay came to.
type Result struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Every  string    `json:"every"`
	Nights int       `json:"nights"`
	Seen   Sum       `json:"seen"` // from the first night to the end
	Scores []Score   `json:"scores"`
	Notes  []string  `json:"notes"`
	Series []Night   `json:"series"` // of all nights
}

// Score is what one way of blocking came to.
type Score struct {
	Name      string       `json:"name"`
	Stopped   Sum          `json:"stopped"` // Honest is what it lost
	Lost      []string     `json:"lost_sources"`
	Mean      float64      `json:"ranges_mean"`
	Most      int          `json:"ranges_most"`
	Addresses float64      `json:"addresses_most"`
	Changes   float64      `json:"changes_a_night"` // ranges that came or went
	HeldBack  int          `json:"nights_held_back"`
	Through   Sum          `json:"through"` // what it didn't stop
	LostBy    []Loser      `json:"lost_by"` // whose honest events it lost, most first
	AtMost    bool         `json:"at_most"` // a bound
	Series    []NightScore `json:"series"`  // beside the result's
}

// strategy is one way of blocking.
type strategy interface {
	name() string
	// night decides at a moment; seen are the events that came since the last night and weren't stopped.
	night(at time.Time, seen []Event) []decide.Standing
}

// EventsOf returns the events of a history's rows.
func EventsOf(h *history.History) []Event {
	out := make([]Event, 0, len(h.Sightings)+len(h.Traffic))
	for _, s := range h.Sightings {
		out = append(out, Event{Source: s.Source, First: s.First, Last: s.Last, Kind: s.Kind, Proof: s.Proof, Reporter: s.Reporter, Count: s.Count})
	}
	for _, t := range h.Traffic {
		out = append(out, Event{Source: t.Source, First: t.First, Last: t.Last, Service: t.Service, Count: t.Count})
	}
	return out
}

// Run replays events with the records of a history beside them: netblocks, contacts, reports and what came back, answers,
// holds and protected ranges, each known from its moment on. The history's own blocks and rows are left out. exact says that
// each event is one moment.
func Run(ctx context.Context, h *history.History, events []Event, p *decide.Policy, o Options, exact bool) (Result, error) {
	events = sortedEvents(events)
	r := Result{From: o.From, To: o.To, Every: decide.Duration(o.Every).String(), Scores: []Score{}, Notes: []string{}}
	nights := o.nights()
	r.Nights, r.Series = len(nights), []Night{}
	for _, at := range nights {
		r.Series = append(r.Series, Night{At: at})
	}
	for i := range events {
		if e := &events[i]; !e.First.Before(o.From) && e.First.Before(o.To) {
			r.Seen.add(e)
			r.Series[o.nightOf(e.First)].Seen.add(e)
		}
	}
	r.note(h, events, p, exact)
	mine := newOurs(h, p)
	for _, s := range []strategy{mine, &addresses{}, &whole24{}, &topList{most: 1000}} {
		x, _, err := replay(ctx, s, events, nights, o)
		if err != nil {
			return r, err
		}
		r.Scores = append(r.Scores, x)
	}
	r.Scores[0].HeldBack = mine.heldBack
	if exact {
		r.Scores = append(r.Scores, fail2ban(events, o, false), fail2ban(events, o, true))
	}
	for i := range r.Scores {
		r.Scores[i].Through = r.Seen.less(r.Scores[i].Stopped)
	}
	return r, nil
}

// sortedEvents returns events in the order in which they began.
func sortedEvents(events []Event) []Event {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(a.First.Compare(b.First), a.Last.Compare(b.Last), a.Source.Compare(b.Source), cmp.Compare(a.Kind+a.Service, b.Kind+b.Service))
	})
	return events
}

// nights returns the moments that are replayed.
func (o Options) nights() []time.Time {
	var out []time.Time
	for at := o.From; at.Before(o.To); at = at.Add(o.Every) {
		out = append(out, at)
	}
	return out
}

const week = 7 * decide.Day

// replay plays one strategy, and returns what it stopped also week by week. What it stops the nights after can't see.
func replay(ctx context.Context, s strategy, events []Event, nights []time.Time, o Options) (Score, []Sum, error) {
	out := Score{Name: s.name()}
	out.Series = make([]NightScore, len(nights))
	weekly := make([]Sum, (o.To.Sub(o.From)+week-1)/week)
	next := 0 // the first event that no night has seen or judged yet
	var waiting, seen []Event
	lost := map[netip.Addr]int64{}
	var before netblock.Set
	ranges := 0
	for i, at := range nights {
		if err := ctx.Err(); err != nil {
			return out, nil, err
		}
		for ; next < len(events) && events[next].First.Before(at); next++ { // before the first night nothing is blocked
			waiting = append(waiting, events[next])
		}
		seen = seen[:0]
		waiting = slices.DeleteFunc(waiting, func(e Event) bool {
			known := !e.Last.After(at)
			if known {
				seen = append(seen, e)
			}
			return known
		})
		standing := s.night(at, seen)
		f := forceOf(standing)
		ranges += len(standing)
		out.Most = max(out.Most, len(standing))
		out.Addresses = max(out.Addresses, f.addresses)
		changed := len(f.set.Minus(before).Ranges()) + len(before.Minus(f.set).Ranges())
		out.Changes += float64(changed)
		now := &out.Series[i]
		now.Ranges, now.Addresses, now.Changes = len(standing), f.addresses, changed
		before = f.set
		end := o.To
		if i+1 < len(nights) {
			end = nights[i+1]
		}
		for ; next < len(events) && events[next].First.Before(end); next++ {
			e := events[next]
			if !f.stops(&e) {
				waiting = append(waiting, e)
				continue
			}
			out.Stopped.add(&e)
			now.Stopped.add(&e)
			weekly[e.First.Sub(o.From)/week].add(&e)
			if e.Kind == "" {
				lost[netblock.Unit(e.Source)] += e.Count
			}
		}
		if o.Progress != nil {
			o.Progress(i + 1)
		}
	}
	if len(nights) > 0 {
		out.Mean, out.Changes = float64(ranges)/float64(len(nights)), out.Changes/float64(len(nights))
	}
	out.Lost, out.LostBy = units(lost), losers(lost)
	return out, weekly, nil
}

// units prints addresses, in the sense of judging, in order.
func units(set map[netip.Addr]int64) []string {
	out := []string{}
	for a := range set {
		out = append(out, netblock.UnitRange(a).String())
	}
	slices.Sort(out)
	return out
}

// force is the ranges in force from one night to the next.
type force struct {
	list      []decide.Standing // by address, disjoint
	set       netblock.Set
	addresses float64
}

func forceOf(list []decide.Standing) force {
	f := force{list: slices.Clone(list)}
	slices.SortFunc(f.list, func(a, b decide.Standing) int { return a.Range.Compare(b.Range) })
	var all []netblock.Range
	for _, s := range f.list {
		all = append(all, s.Range)
		f.addresses += s.Range.Units()
	}
	f.set = netblock.SetOf(all...)
	return f
}

// stops tells whether an event comes from a range that is blocked when it begins.
func (f *force) stops(e *Event) bool {
	i, _ := slices.BinarySearchFunc(f.list, e.Source, func(s decide.Standing, a netip.Addr) int {
		if s.Range.Last().Less(a) {
			return -1
		}
		return 1
	})
	return i < len(f.list) && f.list[i].Range.Contains(e.Source) && (f.list[i].Until.IsZero() || e.First.Before(f.list[i].Until))
}

// note says what must be known to read the figures.
func (r *Result) note(h *history.History, events []Event, p *decide.Policy, exact bool) {
	say := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	if len(events) == 0 {
		say("the history is empty: there is nothing to replay")
		return
	}
	first := events[0].First
	last := slices.MaxFunc(events, func(a, b Event) int { return a.Last.Compare(b.Last) }).Last
	switch {
	case !r.To.After(first):
		say("the period ends before the first record, of %s", day(first))
	case r.From.After(last):
		say("the period begins after the last record, of %s", day(last))
	case r.From.Before(first):
		say("the first record is of %s: the nights before it saw nothing", day(first))
	}
	if r.Seen.TwoWay == 0 {
		say("no hostile event with proof in the period: nothing could be stopped")
	}
	if r.Nights == 1 {
		say("one night only: a share of it says little")
	}
	if from, days := gap(events, r.From, r.To); days > 7 {
		say("no record for %d days from %s on", days, day(from))
	}
	if !p.Path.Required {
		say("path.required = false: the path is waived, and every block is temporary")
	}
	if !exact {
		say("from day rows: one that began before a block counts as not stopped, so what is stopped is a lower bound; fail2ban needs the logs themselves")
	}
	if len(h.Blocks) > 0 {
		say("%d blocks are on record: what they dropped was never seen, and can't be replayed", len(h.Blocks))
	}
}

// gap returns the longest stretch of days without an event in a period.
func gap(events []Event, from, to time.Time) (time.Time, int) {
	var longest time.Duration
	var where time.Time
	at := from
	for i := range events {
		e := &events[i]
		if e.Last.Before(from) || !e.First.Before(to) {
			continue
		}
		if e.First.Sub(at) > longest {
			longest, where = e.First.Sub(at), at
		}
		if at.Before(e.Last) {
			at = e.Last
		}
	}
	if at.Before(to) && to.Sub(at) > longest {
		longest, where = to.Sub(at), at
	}
	return where, int(longest / decide.Day)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
