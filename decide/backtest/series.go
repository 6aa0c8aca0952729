package backtest

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"lastresort/netblock"
)

// Night is what came from one night to the next, whoever would have stopped it.
type Night struct {
	At   time.Time `json:"at"`
	Seen Sum       `json:"seen"`
}

// NightScore is what one way of blocking came to from one night to the next.
type NightScore struct {
	Stopped   Sum     `json:"stopped"`
	Ranges    int     `json:"ranges"`
	Addresses float64 `json:"addresses"`
	Changes   int     `json:"changes"` // ranges that came or went
}

// Loser is whose honest events were lost, and how many.
type Loser struct {
	Source string `json:"source"`
	Honest int64  `json:"honest"`
}

// nightOf returns in which night's time a moment of the replay lies.
func (o Options) nightOf(t time.Time) int { return int(t.Sub(o.From) / o.Every) }

// losers names whose honest events were lost, most first.
func losers(lost map[netip.Addr]int64) []Loser {
	out := []Loser{}
	for a, n := range lost {
		out = append(out, Loser{netblock.UnitRange(a).String(), n})
	}
	slices.SortFunc(out, func(a, b Loser) int { return cmp.Or(cmp.Compare(b.Honest, a.Honest), cmp.Compare(a.Source, b.Source)) })
	return out
}

// less returns what of s isn't in t.
func (s Sum) less(t Sum) Sum {
	return Sum{s.TwoWay - t.TwoWay, s.OneWay - t.OneWay, s.Honest - t.Honest}
}
