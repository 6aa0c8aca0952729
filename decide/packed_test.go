package decide_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lastresort/decide"
	"lastresort/decide/history"
)

// TestPackedIsWhatIsInForce gathers blocks one by one and holds what is left of them against the plain list, reasons included.
func TestPackedIsWhatIsInForce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		w := world{t: r}
		for range w.number("more blocks", 12) {
			w.block()
		}
		h.Blocks, h.Releases = append(h.Blocks, w.h.Blocks...), append(h.Releases, w.h.Releases...)
		if n := len(h.Blocks); n > 1 && rapid.Bool().Draw(r, "a night's") {
			h.Blocks[n-1].From, h.Blocks[n-1].Until = h.Blocks[n-2].From, h.Blocks[n-2].Until
		}
		g := decide.Gathering{Now: clock(now)}
		record := int64(0)
		reasons := map[int64]string{}
		for i := range h.Blocks {
			h.Blocks[i].Reason = fmt.Sprint("exhausted: ", i)
			record += int64(1 + w.number("others between", 2))
			reasons[record] = h.Blocks[i].Reason
			g.Add(&h.Blocks[i], record, i, len(h.Blocks))
		}
		got := g.InForce(h, p)
		want := decide.InForce(h, p, clock(now))
		var lines [2][]string
		for _, s := range want {
			lines[0] = append(lines[0], fmt.Sprint(s.Range, s.From, s.Until, s.Reason))
		}
		for i := range got.Len() {
			s := got.At(i)
			lines[1] = append(lines[1], fmt.Sprint(s.Range, s.From, s.Until, reasons[s.Record]))
			if of, ok := got.Of(s.Range); !ok || of != s || got.Range(i) != s.Range {
				r.Errorf("by its range %v is %v, and %s", s, of, got.Range(i))
			}
		}
		if d := cmp.Diff(lines[0], lines[1]); d != "" {
			r.Error(d)
		}
		if s, ok := got.Of(rng("192.0.2.0/24")); ok {
			r.Errorf("%v stands, which nobody blocked", s)
		}
	})
}

// TestPackedByHand has blocks of several nights in no order, some over each other: each with the record by which it stands.
func TestPackedByHand(t *testing.T) {
	g := decide.Gathering{Now: clock(now)}
	blocks := []history.Block{
		block("203.0.113.70", "10-20 02:00", "11-20 02:00"),
		block("203.0.113.64", "10-20 02:00", "11-21 02:00"), // of the same night, but longer
		block("203.0.113.0/29", "10-20 02:00", "11-20 02:00"),
		block("203.0.113.0/30", "10-20 02:00", "11-20 02:00"), // all inside the one before
		block("203.0.113.6", "10-20 02:00", "11-20 02:00"),
		block("203.0.113.32/29", "10-20 02:00", "11-20 02:00"),
		block("203.0.113.33", "10-20 02:00", "11-20 02:00"),
		block("203.0.113.37", "10-21 02:00", "12-01 02:00"), // over the same, and longer
		block("198.51.100.7", "10-21 02:00", ""),
		block("198.51.100.9", "10-21 02:00", "11-01 02:00"), // over
		block("2001:db8:8::1", "10-21 02:00", "11-20 02:00"),
		block("2001:db8:7:1::/64", "10-21 02:00", ""),
		block("198.51.100.32/30", "10-21 02:00", "11-21 02:00"),
		block("198.51.100.32/31", "10-21 02:00", "11-21 02:00"), // of which a release leaves the same
	}
	releases := []history.Release{release("198.51.100.33-198.51.100.35", "10-22 02:00", "ops")}
	for i := range blocks {
		g.Add(&blocks[i], int64(10*i), i, len(blocks))
	}
	all := g.InForce(&history.History{Releases: releases}, policy(t, "[range]\nshape = \"range\"\n"))
	var got []string
	for i := range all.Len() {
		s := all.At(i)
		until := "for good"
		if !s.Until.IsZero() {
			until = s.Until.Format("01-02")
		}
		got = append(got, fmt.Sprint(s.Range, " ", s.From.Format("01-02"), " ", until, " ", s.Record))
	}
	want := []string{
		"198.51.100.7 10-21 for good 80",
		"198.51.100.32 10-21 11-21 120",
		"203.0.113.0/29 10-20 11-20 20",
		"203.0.113.32-203.0.113.36 10-20 11-20 50",
		"203.0.113.37 10-21 12-01 70",
		"203.0.113.38/31 10-20 11-20 50",
		"203.0.113.64 10-20 11-21 10",
		"203.0.113.70 10-20 11-20 0",
		"2001:db8:7:1::/64 10-21 for good 110",
		"2001:db8:8::1 10-21 11-20 100",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
