package decide_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lastresort/decide"
	"lastresort/decide/history"
)

// TestReplayIsJudging holds that replaying night after night, which judges only what may change, decides each night what
// judging everything from scratch does.
func TestReplayIsJudging(t *testing.T) {
	budget := "[range]\nbudget = 2\n"
	rapid.Check(t, func(r *rapid.T) {
		h, text := drawWorld(r), rapid.SampledFrom(append(slices.Clone(worldPolicies), waived+budget, waived+"[guard]\nlost = 0.2\nnew_ranges = 2\n")).Draw(r, "policy")
		p := policy(t, text)
		dayRow := rapid.Bool().Draw(r, "day rows")
		every := rapid.SampledFrom([]time.Duration{decide.Day, 7 * time.Hour, 3 * decide.Day}).Draw(r, "every")
		for range rapid.IntRange(0, 30).Draw(r, "more") {
			h.Sightings = append(h.Sightings, (&world{t: r}).sighting())
		}
		scratch := copied(h)
		scratch.Sightings, scratch.Traffic, scratch.Blocks, scratch.Releases = nil, nil, nil, nil
		replay := decide.NewReplay(h, p)
		before := time.Time{}
		for at := clock(now).Add(-45 * decide.Day); !at.After(clock(now).Add(20 * decide.Day)); at = at.Add(every) {
			for _, s := range h.Sightings {
				if s.Last.After(before) && !s.Last.After(at) {
					replay.Sight(s, dayRow)
					scratch.Sightings = entered(scratch.Sightings, s, dayRow)
				}
			}
			for _, s := range h.Traffic {
				if s.Last.After(before) && !s.Last.After(at) {
					replay.Trade(s, dayRow)
					scratch.Traffic = entered(scratch.Traffic, s, dayRow)
				}
			}
			before = at
			got, force := replay.Night(at)
			review := decide.Judge(scratch, p, at)
			want := review.Proposed(nil)
			want.Releases = slices.DeleteFunc(want.Releases, func(x history.Release) bool { return x.By == history.ByExpiry })
			scratch.Blocks, scratch.Releases = append(scratch.Blocks, want.Blocks...), append(scratch.Releases, want.Releases...)
			if g, w := fmt.Sprint(got.Blocks, got.Releases, got.HeldBack), fmt.Sprint(want.Blocks, want.Releases, want.HeldBack); g != w {
				r.Fatalf("night of %s\n got %s\nwant %s", at, g, w)
			}
			if d := cmp.Diff(fmt.Sprint(decide.InForce(scratch, p, at)), fmt.Sprint(force)); d != "" {
				r.Fatalf("in force from %s: %s", at, d)
			}
		}
	})
}

// entered adds a record, in a day's row to what is there of that day.
func entered[R history.Record](list []R, x R, dayRow bool) []R {
	for i := range list {
		if dayRow && sameDay(&list[i], &x) {
			return list
		}
	}
	return append(list, x)
}

// sameDay grows a row by a record of the same day.
func sameDay(into, x any) bool {
	day := func(t time.Time) int64 { return t.Unix() / 86400 }
	grow := func(first, last *time.Time, count *int64, f, l time.Time, n int64) bool {
		if f.Before(*first) {
			*first = f
		}
		if l.After(*last) {
			*last = l
		}
		*count += n
		return true
	}
	switch a := into.(type) {
	case *history.Sighting:
		b := x.(*history.Sighting)
		return a.Source == b.Source && a.Kind == b.Kind && a.Proof == b.Proof && a.Reporter == b.Reporter && day(a.First) == day(b.First) &&
			grow(&a.First, &a.Last, &a.Count, b.First, b.Last, b.Count)
	case *history.Traffic:
		b := x.(*history.Traffic)
		return a.Source == b.Source && a.Service == b.Service && day(a.First) == day(b.First) &&
			grow(&a.First, &a.Last, &a.Count, b.First, b.Last, b.Count)
	}
	return false
}
