// Package backtest replays the nights of a history: what would have been decided each night from what was known then, and
// what of the following day it would have stopped and lost; and beside it, under the same rules, what people run today. It
// knows no files, clock or network.
package backtest

import (
	"context"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lastresort/decide"
	"lastresort/decide/history"
)

// Options say what is replayed: the moments from From on, Every apart, before To.
type Options struct {
	From, To time.Time
	Every    time.Duration
	Accepted []string       // guards that hold nothing back, as if a person let each night through
	Progress func(done int) // told after each night of each way, or after each policy tried; may be nil
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
	source      int // the same for the same address, counted from 0
	unit        int // of the address in the sense of judging
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

// less returns what of s isn't in t.
func (s Sum) less(t Sum) Sum {
	return Sum{s.TwoWay - t.TwoWay, s.OneWay - t.OneWay, s.Honest - t.Honest}
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

// Night is what came from one night to the next, whoever would have stopped it.
type Night struct {
	At   time.Time `json:"at"`
	Seen Sum       `json:"seen"`
}

// Score is what one way of blocking came to. Of a bound, what is stopped and lost is no more than that, and how much it
// holds isn't known.
type Score struct {
	Name      string       `json:"name"`
	Stopped   Sum          `json:"stopped"` // Honest is what it lost
	Mean      float64      `json:"ranges_mean"`
	Most      int          `json:"ranges_most"`
	Addresses float64      `json:"addresses_most"`
	Changes   float64      `json:"changes_a_night"` // ranges that came or went
	HeldBack  int          `json:"nights_held_back"`
	Guards    []string     `json:"guards,omitempty"` // that held something back
	Through   Sum          `json:"through"`          // what it didn't stop
	LostBy    []Loser      `json:"lost_by"`          // whose honest events it lost, most first
	AtMost    bool         `json:"at_most"`          // a bound
	Series    []NightScore `json:"series"`           // beside the result's
}

// Loser is whose honest events were lost, and how many.
type Loser struct {
	Source string `json:"source"`
	Honest int64  `json:"honest"`
}

// NightScore is what one way of blocking came to from one night to the next.
type NightScore struct {
	Stopped   Sum     `json:"stopped"`
	Ranges    int     `json:"ranges"`
	Addresses float64 `json:"addresses"`
	Changes   int     `json:"changes"` // ranges that came or went
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

// The ways of blocking that are compared, by the names of their scores.
const (
	Ours          = "lastresort"
	EachAddress   = "each address seen, at most"
	Whole24       = "/24 of repeat offenders"
	Top100        = "top 100 addresses"
	Top1000       = "top 1000 addresses"
	Fail2ban      = "fail2ban"
	Fail2banLong  = "fail2ban, longer each time"
	Fail2banOurs  = "fail2ban and lastresort"
	Fail2banLOurs = "longer bans and lastresort"
	NoBlock       = "no block"
)

// way is one way of blocking that is replayed: a strategy that decides each night, a banner that decides at each event, or
// both beside each other.
type way struct {
	name     string
	strategy strategy
	banner   *banner
}

// Run replays events with the records of a history beside them: netblocks, contacts, reports and what came back, answers,
// holds and protected ranges, each known from its moment on. The history's own blocks and rows are left out. exact says that
// each event is one moment; else each is a row as the store keeps it. The result's order is that of the names above.
func Run(ctx context.Context, h *history.History, events []Event, p *decide.Policy, o Options, exact bool) (Result, error) {
	list := newTimeline(events, o)
	r := Result{From: o.From, To: o.To, Every: decide.Duration(o.Every).String(), Nights: len(list.nights), Scores: []Score{}, Series: []Night{}}
	for i, at := range list.nights {
		n := Night{At: at}
		for k := list.starts[i]; k < list.starts[i+1]; k++ {
			n.Seen.add(list.event(k))
			r.Seen.add(list.event(k))
		}
		r.Series = append(r.Series, n)
	}
	r.Notes = list.notes(h, p, o, r.Seen, exact)
	ways := []way{{Ours, newOurs(h, p, o.Accepted, exact), nil}, {EachAddress, &addresses{}, nil}, {Whole24, &whole24{}, nil},
		{Top100, &topList{most: 100}, nil}, {Top1000, &topList{most: 1000}, nil}}
	if exact {
		ways = append(ways, way{Fail2ban, nothing{}, newBanner(false)}, way{Fail2banLong, nothing{}, newBanner(true)},
			way{Fail2banOurs, newOurs(h, p, o.Accepted, exact), newBanner(false)}, way{Fail2banLOurs, newOurs(h, p, o.Accepted, exact), newBanner(true)})
	}
	scores, err := all(ctx, ways, list, o.Progress)
	if err != nil {
		return r, err
	}
	if !exact {
		scores = append(scores, bound(Fail2ban, list, false), bound(Fail2banLong, list, true))
	}
	none, err := replay(ctx, way{NoBlock, nothing{}, nil}, list, nil)
	if err != nil {
		return r, err
	}
	r.Scores = append(scores, none)
	for i := range r.Scores {
		r.Scores[i].Through = r.Seen.less(r.Scores[i].Stopped)
	}
	return r, nil
}

// all replays each way, some at a time. progress is told how many nights were replayed in all.
func all(ctx context.Context, ways []way, list *timeline, progress func(int)) ([]Score, error) {
	tell := counted(progress)
	out := make([]Score, len(ways))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, w := range ways {
		g.Go(func() (err error) {
			out[i], err = replay(ctx, w, list, tell)
			return err
		})
	}
	return out, g.Wait()
}

// counted returns a function that counts its calls and tells of each; it may be called from anywhere.
func counted(progress func(int)) func() {
	var mu sync.Mutex
	done := 0
	return func() {
		mu.Lock()
		defer mu.Unlock()
		if done++; progress != nil {
			progress(done)
		}
	}
}
