package backtest_test

import (
	"net/netip"
	"testing"
	"time"

	"lastresort/decide"
	"lastresort/decide/backtest"
	"lastresort/decide/history"
)

// TestNightsAddUp holds the nights of a replay to its totals.
func TestNightsAddUp(t *testing.T) {
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	events := []backtest.Event{}
	for d := range 40 {
		for k, source := range []string{"203.0.113.7", "203.0.113.9", "198.51.100.20"} {
			at := from.AddDate(0, 0, d-3).Add(time.Duration(k+1) * 11 * time.Minute)
			e := backtest.Event{Source: netip.MustParseAddr(source), First: at, Last: at, Kind: "ssh-login", Proof: history.TwoWay, Reporter: history.Local, Count: int64(6 + d%4)}
			if k == 2 {
				e = backtest.Event{Source: e.Source, First: at, Last: at, Service: "imap", Count: 1}
			}
			events = append(events, e)
		}
	}
	p := policy(t, "")
	for _, c := range []struct {
		every  time.Duration
		nights int
	}{{decide.Day, 33}, {time.Hour, 792}, {7 * time.Hour, 114}} {
		o := backtest.Options{From: from, To: from.AddDate(0, 0, 33), Every: c.every}
		r, err := backtest.Run(t.Context(), &history.History{}, events, p, o, true)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Series) != c.nights {
			t.Errorf("every %s: %d nights; wanted %d", c.every, len(r.Series), c.nights)
		}
		var seen backtest.Sum
		for _, s := range r.Series {
			seen.TwoWay, seen.Honest = seen.TwoWay+s.Seen.TwoWay, seen.Honest+s.Seen.Honest
		}
		if seen != r.Seen || len(r.Series) != r.Nights {
			t.Errorf("every %s: %+v by %d nights, %+v in %d in all", c.every, seen, len(r.Series), r.Seen, r.Nights)
		}
		for _, s := range r.Scores {
			var stopped backtest.Sum
			most, changes := 0, 0.0
			for _, x := range s.Series {
				stopped.TwoWay, stopped.Honest = stopped.TwoWay+x.Stopped.TwoWay, stopped.Honest+x.Stopped.Honest
				most, changes = max(most, x.Ranges), changes+float64(x.Changes)
			}
			if len(s.Series) != c.nights || stopped != s.Stopped || most != s.Most {
				t.Errorf("every %s, %s: %+v and at most %d by %d nights, %+v and %d in all", c.every, s.Name, stopped, most, len(s.Series), s.Stopped, s.Most)
			}
			lost := int64(0)
			for _, x := range s.LostBy {
				lost += x.Honest
			}
			if lost != s.Stopped.Honest || s.Through.TwoWay+s.Stopped.TwoWay != r.Seen.TwoWay {
				t.Errorf("every %s, %s: %+v lost by %v of %+v", c.every, s.Name, s.Stopped, s.LostBy, r.Seen)
			}
			if changes == 0 && s.Changes > 0 {
				t.Errorf("every %s, %s: no change by nights, %g a night in all", c.every, s.Name, s.Changes)
			}
		}
	}
}
