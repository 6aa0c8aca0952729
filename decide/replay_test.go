package decide_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
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
	if got, _ := replayed(h, p, false).Night(clock("10-21 00:00")); len(got.HeldBack[decide.GuardLost]) == 0 {
		t.Errorf("%v is held back; expected what loses all that isn't an offender's own", got.HeldBack)
	}
	registered := hosting("192.0.2.0/24")
	registered.At = clock("10-15 12:00")
	h.Traffic = append(h.Traffic, honest("192.0.2.1", "10-12", "web", 5))
	for _, h.Netblocks = range [][]history.Netblock{nil, {registered}} {
		if got, _ := replayed(h, p, false).Night(clock("10-21 00:00")); len(got.HeldBack) > 0 || len(got.Blocks) == 0 {
			t.Errorf("%v is held back and %v blocked; expected it to be little beside what others are worth", got.HeldBack, got.Blocks)
		}
	}
}

// TestReplayDayRows holds what of a day adds up to a row and what doesn't, where it makes a difference to what is blocked.
func TestReplayDayRows(t *testing.T) {
	at := func(s history.Sighting, change func(*history.Sighting)) history.Sighting {
		change(&s)
		return s
	}
	three, sixty := moment("203.0.113.7", "10-20 03:00", 3), moment("203.0.113.7", "10-20 03:00", 60)
	imap := history.Traffic{Source: three.Source, Service: "imap", First: clock("10-20 03:00"), Last: clock("10-20 03:00"), Count: 15}
	pop3, smtp, before := imap, imap, imap
	pop3.Service, before.First, before.Last = "pop3", clock("08-01 03:00"), clock("08-01 03:00")
	smtp.Source, pop3.First = netip.MustParseAddr("203.0.113.9"), clock("10-20 02:00")
	attacks := []any{daily("203.0.113.7", "10-10", "10-20", 20), honest("203.0.113.7", "08-02", "imap", 1)} // so that the later ones aren't guessed
	const atOnce = "[danger]\nimmediate = 150.0\n"
	for _, c := range []struct {
		name, policy string
		records      []any
		blocks       bool
	}{
		{"the same at the same moment", "[hostile]\ndays = 1\n", []any{three, three}, true},
		{"another kind", atOnce, []any{sixty, ofKind(sixty, "spam")}, true},
		{"another kind, the other way round", atOnce, []any{ofKind(sixty, "scan"), ofKind(sixty, "spam"), ofKind(sixty, "scan")}, false},
		{"another proof", "[hostile]\ndays = 1\n", []any{three, at(three, func(s *history.Sighting) { s.Proof = history.OneWay })}, false},
		{"another reporter", "[hostile]\ndays = 1\n", []any{three, at(three, func(s *history.Sighting) { s.Reporter = "partner" })}, false},
		{"another day", atOnce, []any{moment("203.0.113.7", "10-18 03:00", 80), moment("203.0.113.7", "10-20 03:00", 80)}, false},
		{"an earlier moment of the day", "[hostile]\ndays = 1\n", []any{three, moment("203.0.113.7", "10-20 02:00", 3)}, true},
		{"honest traffic", "", with(attacks, imap), true},
		{"honest traffic at the same moment", "", with(attacks, imap, imap), false},
		{"honest traffic on another service", "", with(attacks, imap, pop3), true},
		{"honest traffic on another day", "", with(attacks, before, imap), true},
		{"honest traffic of another source", "", with(attacks, imap, smtp), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, p := gather(c.records...), policy(t, waived+c.policy)
			if c.policy == atOnce {
				p = policy(t, c.policy)
			}
			if why, _ := unlike(h, p, clock("10-21 00:00"), clock("10-22 00:00"), 7*time.Hour, true); why != "" {
				t.Error(why)
			}
			if got, force := replayed(h, p, true).Night(clock("10-21 00:00")); len(got.Blocks) > 0 != c.blocks || len(force) > 0 != c.blocks {
				t.Errorf("%v is blocked, %v in force; expected some: %t", got.Blocks, force, c.blocks)
			}
		})
	}
}

// replayed is a replay that knows all sightings and traffic of a history.
func replayed(h *history.History, p *decide.Policy, dayRow bool) *decide.Replay {
	out := decide.NewReplay(h, p)
	for _, s := range h.Sightings {
		out.Sight(s, dayRow)
	}
	for _, x := range h.Traffic {
		out.Trade(x, dayRow)
	}
	return out
}

// TestReplayHears holds that a night knows what was recorded since the one before: with each record something changes on a day
// of its own, and nothing else does.
func TestReplayHears(t *testing.T) {
	netblock := func(prefix, at string, assignment history.Assignment) history.Netblock {
		b := hosting(prefix)
		b.At, b.Assignment = clock(at), assignment
		return b
	}
	of := func(q history.Question, at, text string) history.Answer { return answer("203.0.113.0/24", q, at, text) }
	attacks := []any{daily("203.0.113.7", "10-10", "10-11", 20), daily("203.0.113.9", "10-10", "10-11", 20), daily("203.0.113.200", "10-10", "10-11", 20)}
	late := daily("203.0.113.7", "10-27", "10-30", 20)
	const narrow = "[range]\ngrow_min = 100\n"
	for _, c := range []struct {
		name, policy string
		records      []any
		changes      string // the days on which something is blocked or released
	}{
		{"nothing else", waived + narrow, attacks, "10-12"},
		{"seen again after a relapse", waived + narrow, with(attacks, late), "10-12 10-28"},
		{"an answer", waived + narrow, with(attacks, of(history.HostileQuestion, "10-15 12:00", "no")), "10-12 10-16"},
		{"an answer taken back", waived + narrow, with(attacks, late, of(history.HostileQuestion, "10-15 12:00", "no"), of(history.HostileQuestion, "10-28 12:00", decide.AnswerOpen)), "10-12 10-16 10-29"},
		{"a response", waived + narrow, with(attacks, report("R1", "10-13 12:00", "203.0.113.7"), response("R1", "10-16 12:00", history.Fixed)), "10-12 10-17"},
		{"a response that means nothing", waived + narrow, with(attacks, report("R1", "10-13 12:00", "203.0.113.7"), response("R1", "10-16 12:00", history.Automatic)), "10-12"},
		{"a netblock of changing addresses", waived + narrow, with(attacks, late, netblock("203.0.113.0/24", "10-26 12:00", history.Dynamic)), "10-12 10-28"},
		{"netblocks inside a block", waived, with(attacks, late, netblock("203.0.113.0/25", "10-15 12:00", history.Static), netblock("203.0.113.128/25", "10-15 13:00", history.Static)), "10-12 10-16 10-31"},
		{"a hold, and its end", waived + narrow, with(attacks, late, hold("203.0.113.7", "10-20 12:00", "10-29 00:00")), "10-12 10-28 10-29"},
		{"a protected range", waived + narrow, with(attacks, late, protect("203.0.113.7", "10-13 12:00")), "10-12 10-28"},
		{"a contact", "", []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-10", "10-30", 20), report("R1", "09-20 09:00", "203.0.113.7"), reportTo("R2", "10-01 09:00", "203.0.113.7", history.Cert, "cert@cert.example"),
			response("R1", "10-10 09:00", history.Helping), history.Contact{Address: "abuse@example.net", Trust: history.Untrusted, At: clock("10-15 12:00")}}, "10-16 10-31"},
		{"a report, whose wait is over", "", []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-10", "10-30", 20), reportTo("R2", "10-11 12:00", "203.0.113.7", history.Cert, "cert@cert.example")}, "10-19"},
		{"a list that is full", waived + narrow + "budget = 2\n", []any{daily("203.0.113.7", "10-10", "10-12", 20), daily("198.51.100.7", "10-20", "10-22", 20)}, "10-12 10-22"},
		{"a list that is fuller", waived + narrow + "budget = 1\n", []any{daily("203.0.113.7", "10-10", "10-12", 20), daily("198.51.100.7", "10-20", "10-22", 20)}, "10-12 10-26"},
		{"weak ones of a group", waived + narrow, []any{daily("203.0.113.1", "10-10", "10-11", 2), daily("203.0.113.2", "10-10", "10-11", 2), daily("203.0.113.3", "10-10", "10-11", 2), daily("203.0.113.4", "10-10", "10-11", 2),
			daily("203.0.113.5", "10-10", "10-11", 2), daily("203.0.113.6", "10-10", "10-11", 2), daily("203.0.113.7", "10-10", "10-11", 2)}, "10-12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, p := gather(c.records...), policy(t, c.policy)
			if why, _ := unlike(h, p, clock("10-08 00:00"), clock("11-05 00:00"), decide.Day, false); why != "" {
				t.Error(why)
			}
			if got := strings.Join(changeDays(h, p, clock("10-08 00:00"), clock("11-05 00:00")), " "); got != c.changes {
				t.Errorf("something changes on %s; expected %s", got, c.changes)
			}
		})
	}
}

// changeDays replays nights and returns those on which something is blocked or released.
func changeDays(h *history.History, p *decide.Policy, from, to time.Time) []string {
	var out []string
	replay := decide.NewReplay(h, p)
	for at := from; !at.After(to); at = at.Add(decide.Day) {
		for _, s := range h.Sightings {
			if s.Last.After(at.Add(-decide.Day)) && !s.Last.After(at) {
				replay.Sight(s, false)
			}
		}
		if got, _ := replay.Night(at); len(got.Blocks)+len(got.Releases) > 0 {
			out = append(out, at.Format("01-02"))
		}
	}
	return out
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
