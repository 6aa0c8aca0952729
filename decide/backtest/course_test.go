package backtest_test

import (
	"net/netip"
	"testing"
	"time"

	"lastresort/decide"
	"lastresort/decide/backtest"
	"lastresort/decide/history"
)

// TestCourseAddsUp holds the stretches of a replay to its totals, with a night each and with several.
func TestCourseAddsUp(t *testing.T) {
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
		every     time.Duration
		stretches int
	}{{decide.Day, 33}, {time.Hour, 396}, {7 * time.Hour, 114}} {
		o := backtest.Options{From: from, To: from.AddDate(0, 0, 33), Every: c.every}
		r, err := backtest.Run(t.Context(), &history.History{}, events, p, o, true)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Course) != c.stretches {
			t.Errorf("every %s: %d stretches; wanted %d", c.every, len(r.Course), c.stretches)
		}
		var seen backtest.Sum
		nights := 0
		for _, s := range r.Course {
			seen.TwoWay, seen.Honest, nights = seen.TwoWay+s.Seen.TwoWay, seen.Honest+s.Seen.Honest, nights+s.Nights
		}
		if seen != r.Seen || nights != r.Nights {
			t.Errorf("every %s: %+v in %d nights by stretches, %+v in %d in all", c.every, seen, nights, r.Seen, r.Nights)
		}
		for _, s := range r.Scores {
			var stopped backtest.Sum
			most, changes := 0, 0.0
			for _, x := range s.Course {
				stopped.TwoWay, stopped.Honest = stopped.TwoWay+x.Stopped.TwoWay, stopped.Honest+x.Stopped.Honest
				most, changes = max(most, x.Ranges), changes+float64(x.Changes)
			}
			if len(s.Course) != c.stretches || stopped != s.Stopped || most != s.Most {
				t.Errorf("every %s, %s: %+v and at most %d by %d stretches, %+v and %d in all", c.every, s.Name, stopped, most, len(s.Course), s.Stopped, s.Most)
			}
			if changes == 0 && s.Changes > 0 {
				t.Errorf("every %s, %s: no change by stretches, %g a night in all", c.every, s.Name, s.Changes)
			}
		}
	}
}
