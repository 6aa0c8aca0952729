package backtest_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lastresort"
	"lastresort/decide"
	"lastresort/decide/backtest"
	"lastresort/decide/history"
)

func at(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", "2026-"+s)
	if err != nil {
		panic(err)
	}
	return t
}

func policy(t testing.TB, text string) *decide.Policy {
	t.Helper()
	p, err := decide.ParsePolicy(lastresort.DefaultPolicy, "test", []byte("[path]\nrequired = false\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

// attack is login attempts at one moment.
func attack(source, when string, count int64) backtest.Event {
	return backtest.Event{Source: netip.MustParseAddr(source), First: at(when), Last: at(when), Kind: "ssh-login", Proof: history.TwoWay, Reporter: "local", Count: count}
}

func login(source, when string) backtest.Event {
	return backtest.Event{Source: netip.MustParseAddr(source), First: at(when), Last: at(when), Service: "ssh", Count: 1}
}

func run(t testing.TB, h *history.History, events []backtest.Event, p *decide.Policy, from, to string, every time.Duration) backtest.Result {
	t.Helper()
	r, err := backtest.Run(context.Background(), h, events, p, backtest.Options{From: at(from), To: at(to), Every: every}, true)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// scores prints what each way stopped of the hostile with proof, and lost of the honest.
func scores(r backtest.Result) map[string][2]int64 {
	out := map[string][2]int64{}
	for _, s := range r.Scores {
		out[s.Name] = [2]int64{s.Stopped.TwoWay, s.Stopped.Honest}
	}
	return out
}

func TestScores(t *testing.T) {
	events := []backtest.Event{
		attack("203.0.113.7", "10-01 10:00", 40), attack("203.0.113.7", "10-02 10:00", 40), // positive after the first, for it came the day before too
		attack("203.0.113.7", "10-03 10:00", 30), attack("203.0.113.7", "10-04 10:00", 20),
		attack("198.51.100.9", "10-02 12:00", 3), attack("198.51.100.9", "10-04 12:00", 4), // no offender
		login("203.0.113.20", "10-03 11:00"), login("198.51.100.9", "10-04 13:00"),
		attack("203.0.113.7", "09-30 23:59", 1), attack("203.0.113.7", "10-05 00:00", 99), // the first isn't in the period, nor is the second
	}
	r := run(t, &history.History{}, events, policy(t, ""), "10-01 00:00", "10-05 00:00", 24*time.Hour)
	if diff := cmp.Diff(backtest.Sum{TwoWay: 137, Honest: 2}, r.Seen); diff != "" {
		t.Error(diff)
	}
	want := map[string][2]int64{
		"lastresort":                 {90, 0},  // from the second night on, for the day before the period counts; the address alone
		"each address seen, at most": {134, 1}, // all but the first visit of the second source, which the honest login is of too
		"top 100 addresses":          {134, 1},
		"/24 of repeat offenders":    {90, 1}, // with 203.0.113.20; its own second day is the last
		"top 1000 addresses":         {134, 1},
		"fail2ban":                   {0, 0}, // a ban of ten minutes is over long before the next attempt
		"fail2ban, longer each time": {0, 0},
		"fail2ban and lastresort":    {90, 0},
		"longer bans and lastresort": {90, 0},
		"no block":                   {0, 0},
	}
	if diff := cmp.Diff(want, scores(r)); diff != "" {
		t.Error(diff)
	}
}

// What is blocked isn't seen: a first block runs out, and what came meanwhile neither lengthens nor renews it.
func TestBlockedIsInvisible(t *testing.T) {
	var events []backtest.Event
	for d := range 25 {
		e := attack("203.0.113.7", "10-01 10:00", 9)
		e.First = e.First.Add(time.Duration(d) * decide.Day)
		e.Last = e.First
		events = append(events, e)
	}
	r := run(t, &history.History{}, events, policy(t, ""), "10-01 00:00", "10-26 00:00", 24*time.Hour)
	// Two days until it is positive, 14 blocked, one to be seen again, then a relapse to the end.
	if got, want := r.Scores[0].Stopped.TwoWay, int64(9*(14+8)); got != want {
		t.Errorf("%d events stopped; expected %d", got, want)
	}
}

func TestHoursStopMore(t *testing.T) {
	var events []backtest.Event
	for h := range 20 {
		e := attack("203.0.113.7", "10-02 00:30", 20)
		e.First = e.First.Add(time.Duration(h) * time.Hour)
		e.Last = e.First
		events = append(events, e)
	}
	events = append(events, attack("203.0.113.7", "10-01 10:00", 5))
	p := policy(t, "")
	nightly := run(t, &history.History{}, events, p, "10-01 00:00", "10-03 00:00", 24*time.Hour).Scores[0].Stopped.TwoWay
	hourly := run(t, &history.History{}, events, p, "10-01 00:00", "10-03 00:00", time.Hour).Scores[0].Stopped.TwoWay
	if nightly >= hourly || hourly < 300 {
		t.Errorf("%d stopped nightly, %d hourly", nightly, hourly)
	}
}

func TestFail2ban(t *testing.T) {
	var events []backtest.Event
	for i := range 30 { // one a minute
		e := attack("203.0.113.7", "10-01 10:00", 1)
		e.First = e.First.Add(time.Duration(i) * time.Minute)
		e.Last = e.First
		events = append(events, e)
	}
	events = append(events, attack("198.51.100.9", "10-01 10:00", 4), attack("198.51.100.9", "10-01 10:11", 4)) // too slow for it
	r := scores(run(t, &history.History{}, events, policy(t, ""), "10-01 00:00", "10-02 00:00", 24*time.Hour))
	// Five seen, until ten minutes after the fifth nine more come; then again. A failure of one that was banned before counts
	// twice, so the second time three are enough, for twenty minutes.
	if r["fail2ban"][0] != 9+9 || r["fail2ban, longer each time"][0] != 9+13 {
		t.Errorf("%v; expected 18 and 22 of 30 stopped", r)
	}
}

func TestReportsPlayTheirPart(t *testing.T) {
	p, err := decide.ParsePolicy(lastresort.DefaultPolicy, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	var events []backtest.Event
	for d := range 40 {
		e := attack("203.0.113.7", "09-01 10:00", 9)
		e.First = e.First.Add(time.Duration(d) * decide.Day)
		e.Last = e.First
		events = append(events, e)
	}
	h := &history.History{Netblocks: []history.Netblock{{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Kind: history.Hosting, Abuse: "abuse@example.net", Upstream: "noc@carrier.example", Cert: "cert@cert.example"}}}
	report := func(id, when, to, follows string, role history.Role) {
		h.Reports = append(h.Reports, history.Report{ID: id, At: at(when), Source: netip.MustParseAddr("203.0.113.7"), To: to, Role: role, Follows: follows})
	}
	stopped := func() int64 {
		return run(t, h, events, &p, "09-03 00:00", "10-11 00:00", 24*time.Hour).Scores[0].Stopped.TwoWay
	}
	if got := stopped(); got != 0 {
		t.Errorf("%d events stopped while nobody was asked", got)
	}
	report("R1", "09-03 12:00", "abuse@example.net", "", history.Contacted)
	report("R2", "09-10 12:00", "abuse@example.net", "R1", history.Contacted)
	report("R3", "09-17 12:00", "noc@carrier.example", "", history.Upstream)
	report("R4", "09-24 12:00", "cert@cert.example", "", history.Cert)
	if got, want := stopped(), int64(9*9); got != want { // from the night of 10-02 on
		t.Errorf("%d events stopped after everybody was asked; expected %d", got, want)
	}
}

func TestNotes(t *testing.T) {
	many := []backtest.Event{attack("203.0.113.7", "10-01 10:00", 9), attack("203.0.113.7", "11-20 10:00", 9)}
	for _, c := range []struct {
		name     string
		events   []backtest.Event
		from, to string
		want     string
	}{
		{"an empty history", nil, "10-01 00:00", "10-05 00:00", "the history is empty"},
		{"before the first record", many, "08-01 00:00", "08-05 00:00", "the period ends before the first record, of 2026-10-01"},
		{"after the last", many, "12-01 00:00", "12-05 00:00", "the period begins after the last record, of 2026-11-20"},
		{"one day", many, "10-01 00:00", "10-02 00:00", "one night only"},
		{"a gap of a month", many, "10-01 00:00", "11-21 00:00", "no record for 50 days from 2026-10-01 on"},
		{"some nights before", many, "09-25 00:00", "10-03 00:00", "the first record is of 2026-10-01: the nights before it saw nothing"},
		{"nothing hostile", []backtest.Event{login("203.0.113.20", "10-01 11:00")}, "10-01 00:00", "10-03 00:00", "nothing could be stopped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, &history.History{}, c.events, policy(t, ""), c.from, c.to, 24*time.Hour)
			if got := strings.Join(r.Notes, "; "); !strings.Contains(got, c.want) {
				t.Errorf("notes are %q; expected %q among them", got, c.want)
			}
		})
	}
}

// drawn is a few weeks of a small world.
func drawn(t *rapid.T) []backtest.Event {
	var out []backtest.Event
	for range rapid.IntRange(1, 60).Draw(t, "events") {
		source := rapid.SampledFrom([]string{"203.0.113.7", "203.0.113.9", "203.0.113.200", "198.51.100.9", "2001:db8::7"}).Draw(t, "source")
		e := attack(source, "10-01 00:00", rapid.Int64Range(1, 300).Draw(t, "count"))
		e.First = e.First.Add(time.Duration(rapid.IntRange(0, 24*40).Draw(t, "hour")) * time.Hour)
		e.Last = e.First.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 5, 20}).Draw(t, "hours")) * time.Hour)
		if rapid.IntRange(0, 4).Draw(t, "honest") == 0 {
			e.Kind, e.Proof, e.Reporter, e.Service = "", "", "", "imap"
		}
		out = append(out, e)
	}
	return out
}

// TestNothingLeaks holds that what comes after a moment changes nothing of what was stopped before it, and that the same
// replay gives the same bytes.
func TestNothingLeaks(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		events, p := drawn(r), policy(t, "")
		until := at("10-01 00:00").Add(time.Duration(rapid.IntRange(1, 40).Draw(r, "nights")) * decide.Day)
		text := func(list []backtest.Event) string {
			got, err := backtest.Run(context.Background(), &history.History{}, list, p, backtest.Options{From: at("10-01 00:00"), To: until, Every: decide.Day}, true)
			if err != nil {
				r.Fatal(err)
			}
			got.Notes = nil // they tell of the whole history
			out, err := json.Marshal(got)
			if err != nil {
				r.Fatal(err)
			}
			return string(out)
		}
		want := text(events)
		if again := text(events); again != want {
			r.Fatalf("%s\nand again\n%s", want, again)
		}
		var forged []backtest.Event
		for _, e := range events {
			if e.First.Before(until) {
				if e.Last.After(until) { // what of a row came later isn't known
					e.Last = e.Last.Add(time.Duration(rapid.IntRange(0, 99).Draw(r, "longer")) * time.Hour)
				}
				forged = append(forged, e)
			}
		}
		for _, e := range drawn(r) {
			e.First, e.Last = e.First.Add(until.Sub(at("10-01 00:00"))), e.Last.Add(until.Sub(at("10-01 00:00")))
			forged = append(forged, e)
		}
		if got := text(forged); got != want {
			r.Fatalf("%s\nwith another future\n%s", want, got)
		}
	})
}
