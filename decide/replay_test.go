package decide_test

import (
	"fmt"
	"net/netip"
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
		h, text := drawWorld(r), rapid.SampledFrom(append(slices.Clone(worldPolicies), waived+budget, waived+"[guard]\nlost = 0.3\nnew_ranges = 2\n", waived+"[guard]\nlost = 0.6\n[hostile]\ndays = 1\n")).Draw(r, "policy")
		p := policy(t, text)
		dayRow := rapid.Bool().Draw(r, "day rows")
		every := rapid.SampledFrom([]time.Duration{decide.Day, 7 * time.Hour, 3 * decide.Day}).Draw(r, "every")
		for range rapid.IntRange(0, 30).Draw(r, "more") {
			h.Sightings = append(h.Sightings, (&world{t: r}).sighting())
		}
		for range rapid.IntRange(0, 10).Draw(r, "more traffic") {
			h.Traffic = append(h.Traffic, (&world{t: r}).traffic())
		}
		if why, _ := unlike(h, p, clock(now).Add(-45*decide.Day), clock(now).Add(20*decide.Day), every, dayRow); why != "" {
			r.Fatal(why)
		}
	})
}

// TestReplayForGood holds the same where an answer makes a block permanent, which looks back to when it began.
func TestReplayForGood(t *testing.T) {
	h := gather(hosting("203.0.113.0/24"), asked("203.0.113.7"), daily("203.0.113.7", "09-25", "11-28", 20),
		history.Answer{Netblock: netip.MustParsePrefix("203.0.113.0/24"), Question: history.DurationQuestion, Answer: "permanent", At: clock("11-15 12:00"), By: "ops"})
	p := policy(t, "[permanent]\nrelapses = 1\nspan = \"2d\"\n[length]\nladder = [\"4d\", \"5d\", \"6d\"]\n")
	why, forGood := unlike(h, p, clock("09-25 00:00"), clock("11-28 00:00"), decide.Day, false)
	if why != "" || !forGood {
		t.Errorf("%s; a block became permanent: %t", why, forGood)
	}
}

// TestReplayGuardsHonestTraffic holds that the share of honest traffic lost is of all of it, offenders' own left out.
func TestReplayGuardsHonestTraffic(t *testing.T) {
	h := gather(daily("203.0.113.6", "10-10", "10-20", 500), daily("203.0.113.8", "10-10", "10-20", 500), honest("203.0.113.7", "10-12", "web", 1),
		daily("198.51.100.1", "10-10", "10-20", 20), honest("198.51.100.1", "10-01", "imap", 500))
	p := policy(t, waived+"[range]\nentry_cost = 100.0\n[guard]\nlost = 0.5\n")
	if why, _ := unlike(h, p, clock("10-08 00:00"), clock("10-24 00:00"), decide.Day, false); why != "" {
		t.Error(why)
	}
	replay := decide.NewReplay(h, p)
	for _, s := range h.Sightings {
		replay.Sight(s, false)
	}
	for _, x := range h.Traffic {
		replay.Trade(x, false)
	}
	if got, _ := replay.Night(clock("10-21 00:00")); len(got.HeldBack[decide.GuardLost]) == 0 {
		t.Errorf("%v is held back; expected what loses all that isn't an offender's own", got.HeldBack)
	}
}

// unlike replays nights, and judges each from scratch. It returns where the two part, and whether a block is for good at the
// end.
func unlike(h *history.History, p *decide.Policy, from, to time.Time, every time.Duration, dayRow bool) (string, bool) {
	scratch := copied(h)
	scratch.Sightings, scratch.Traffic, scratch.Blocks, scratch.Releases = nil, nil, nil, nil
	replay := decide.NewReplay(h, p)
	before, forGood := time.Time{}, false
	for at := from; !at.After(to); at = at.Add(every) {
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
			return fmt.Sprintf("night of %s\n got %s\nwant %s", at, g, w), false
		}
		if d := cmp.Diff(fmt.Sprint(decide.InForce(scratch, p, at)), fmt.Sprint(force)); d != "" {
			return fmt.Sprintf("in force from %s: %s", at, d), false
		}
		forGood = slices.ContainsFunc(force, func(s decide.Standing) bool { return s.Until.IsZero() })
	}
	return "", forGood
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
