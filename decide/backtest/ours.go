package backtest

import (
	"slices"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
)

// ours judges each night as review does, and applies what no guard holds back.
type ours struct {
	replay   *decide.Replay
	dayRows  bool // events add up to a row a day, as reading a log does; else each is a row
	heldBack int
	guards   []string
	list     []blocked
}

func newOurs(h *history.History, p *decide.Policy, accepted []string, exact bool) *ours {
	return &ours{replay: decide.NewReplay(h, p, accepted...), dayRows: exact}
}

func (o *ours) night(at time.Time, seen []*Event) []blocked {
	for _, e := range seen {
		if e.Kind == "" {
			o.replay.Trade(history.Traffic{Source: e.Source, First: e.First, Last: e.Last, Service: e.Service, Count: e.Count}, o.dayRows)
		} else {
			o.replay.Sight(history.Sighting{Source: e.Source, First: e.First, Last: e.Last, Kind: e.Kind, Count: e.Count, Proof: e.Proof, Reporter: e.Reporter}, o.dayRows)
		}
	}
	proposal, standing := o.replay.Night(at)
	if len(proposal.HeldBack) > 0 {
		o.heldBack++
	}
	for guard := range proposal.HeldBack {
		if i, found := slices.BinarySearch(o.guards, guard); !found {
			o.guards = slices.Insert(o.guards, i, guard)
		}
	}
	o.list = o.list[:0]
	for _, s := range standing {
		o.list = append(o.list, blocked{s.Range, s.Until})
	}
	return o.list
}
