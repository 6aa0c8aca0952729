package backtest_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lastresort"
	"lastresort/decide"
	"lastresort/decide/backtest"
	"lastresort/decide/history"
	"lastresort/netblock"
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

// TestAnEndTellsNothing holds that of two events that began together, when each ended doesn't matter until then.
func TestAnEndTellsNothing(t *testing.T) {
	few, many := attack("203.0.113.7", "10-01 10:00", 5), attack("203.0.113.7", "10-01 10:00", 100)
	stopped := func(few, many time.Duration, a, b backtest.Event) int64 {
		a.Last, b.Last = a.First.Add(few), b.First.Add(many)
		return scores(run(t, &history.History{}, []backtest.Event{a, b}, policy(t, ""), "10-01 00:00", "10-03 00:00", 24*time.Hour))["fail2ban"][0]
	}
	want := stopped(20*time.Hour, 30*time.Hour, few, many)
	if got := stopped(30*time.Hour, 20*time.Hour, few, many); got != want || want == 0 {
		t.Errorf("fail2ban stopped %d where the one event ended first, %d where the other did; expected the same", want, got)
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
		{"an empty history", nil, "10-01 00:00", "10-05 00:00", "no line of the logs shows anything"},
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
		e := attack(drawnSource(t), "10-01 00:00", rapid.Int64Range(1, 300).Draw(t, "count"))
		e.First = drawnMoment(t)
		e.Last = e.First.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 5, 20}).Draw(t, "hours")) * time.Hour)
		if rapid.IntRange(0, 4).Draw(t, "honest") == 0 {
			e.Kind, e.Proof, e.Reporter, e.Service = "", "", "", "imap"
		}
		out = append(out, e)
	}
	return out
}

func drawnSource(t *rapid.T) string {
	return rapid.SampledFrom([]string{"203.0.113.7", "203.0.113.9", "203.0.113.200", "198.51.100.9", "2001:db8::7"}).Draw(t, "source")
}

func drawnMoment(t *rapid.T) time.Time {
	return at("10-01 00:00").Add(time.Duration(rapid.IntRange(0, 24*40).Draw(t, "hour")) * time.Hour)
}

// drawnRecords is records beside them, some of each kind.
func drawnRecords(t *rapid.T) *history.History {
	h := &history.History{}
	n := func(of string) int { return rapid.IntRange(0, 3).Draw(t, of) }
	prefix := func() netip.Prefix {
		return netip.MustParsePrefix(rapid.SampledFrom([]string{"203.0.113.0/24", "203.0.113.0/28", "198.51.100.0/24", "2001:db8::/32"}).Draw(t, "prefix"))
	}
	for range n("netblocks") {
		h.Netblocks = append(h.Netblocks, history.Netblock{Prefix: prefix(), Kind: history.Hosting, Abuse: "abuse@example.net", At: drawnMoment(t),
			Assignment: rapid.SampledFrom([]history.Assignment{history.Static, history.Dynamic}).Draw(t, "assignment")})
	}
	for range n("contacts") {
		h.Contacts = append(h.Contacts, history.Contact{Address: "abuse@example.net", At: drawnMoment(t), Trust: rapid.SampledFrom([]history.Trust{history.Trusted, history.Untrusted}).Draw(t, "trust")})
	}
	for i := range n("reports") {
		h.Reports = append(h.Reports, history.Report{ID: string(rune('A' + i)), At: drawnMoment(t), Source: netip.MustParseAddr(drawnSource(t)), To: "abuse@example.net",
			Role: rapid.SampledFrom([]history.Role{history.Contacted, history.Cert}).Draw(t, "role")})
		h.Responses = append(h.Responses, history.Response{Report: string(rune('A' + i)), At: drawnMoment(t),
			Stance: rapid.SampledFrom([]history.Stance{history.Fixed, history.Bounced, history.Hostile, history.Helping}).Draw(t, "stance")})
	}
	for range n("answers") {
		q := rapid.SampledFrom([]history.Question{history.HostileQuestion, history.OthersQuestion, history.DurationQuestion}).Draw(t, "question")
		h.Answers = append(h.Answers, history.Answer{Netblock: prefix(), Question: q, At: drawnMoment(t), By: "ops", Answer: rapid.SampledFrom([]string{"no", "yes", "permanent"}).Draw(t, "answer")})
	}
	for range n("holds") {
		from := drawnMoment(t)
		h.Holds = append(h.Holds, history.Hold{Range: netblock.UnitRange(netip.MustParseAddr(drawnSource(t))), At: from, Until: from.Add(10 * decide.Day), By: "ops"})
		h.Protects = append(h.Protects, history.Protect{Range: netblock.UnitRange(netip.MustParseAddr(drawnSource(t))), At: drawnMoment(t), By: "ops"})
	}
	return h
}

// withFuture keeps the records known at a moment, and adds another future to them: what of h comes later is gone, and what
// of others is moved behind it stands in its place.
func withFuture(then time.Time, h, others *history.History) *history.History {
	by := then.Sub(at("10-01 00:00")) + time.Second
	return &history.History{
		Netblocks: futureOf(then, h.Netblocks, others.Netblocks, func(x *history.Netblock) { x.At = x.At.Add(by) }),
		Contacts:  futureOf(then, h.Contacts, others.Contacts, func(x *history.Contact) { x.At = x.At.Add(by) }),
		Reports:   futureOf(then, h.Reports, others.Reports, func(x *history.Report) { x.At = x.At.Add(by) }),
		Responses: futureOf(then, h.Responses, others.Responses, func(x *history.Response) { x.At = x.At.Add(by) }),
		Answers:   futureOf(then, h.Answers, others.Answers, func(x *history.Answer) { x.At = x.At.Add(by) }),
		Holds:     futureOf(then, h.Holds, others.Holds, func(x *history.Hold) { x.At, x.Until = x.At.Add(by), x.Until.Add(by) }),
		Protects:  futureOf(then, h.Protects, others.Protects, func(x *history.Protect) { x.At = x.At.Add(by) }),
	}
}

func futureOf[R history.Record](then time.Time, mine, others []R, move func(*R)) []R {
	var out []R
	for _, x := range mine {
		if !x.Known().After(then) {
			out = append(out, x)
		}
	}
	for _, x := range others {
		move(&x)
		out = append(out, x)
	}
	return out
}

// TestNothingLeaks holds that shifting, deleting or forging whatever comes after a night's moment changes no decision of that
// night nor of those before, nor what they stopped until then; and that the same replay gives the same bytes.
func TestNothingLeaks(t *testing.T) {
	o := backtest.Options{From: at("10-01 00:00"), To: at("11-10 00:00"), Every: decide.Day}
	rapid.Check(t, func(r *rapid.T) {
		events, h := drawn(r), drawnRecords(r)
		p := policy(t, "")
		if rapid.Bool().Draw(r, "asking first") {
			p.Path.Required = true
		}
		exact, night := rapid.Bool().Draw(r, "exact"), rapid.IntRange(0, 39).Draw(r, "night")
		then := o.From.Add(time.Duration(night) * decide.Day)
		decided := func(h *history.History, list []backtest.Event) string {
			got, err := backtest.Run(context.Background(), h, list, p, o, exact)
			if err != nil {
				r.Fatal(err)
			}
			return decisions(r, got, night)
		}
		want := decided(h, events)
		if again := decided(h, events); again != want {
			r.Fatalf("%s\nand again\n%s", want, again)
		}
		var forged []backtest.Event
		for _, e := range events {
			switch {
			case e.First.After(then): // deleted
			case e.Last.After(then): // it began before, but what it comes to isn't known yet
				e.Last = e.Last.Add(time.Duration(rapid.IntRange(0, 99).Draw(r, "longer")) * time.Hour)
				forged = append(forged, e)
			default:
				forged = append(forged, e)
			}
		}
		for _, e := range drawn(r) {
			by := then.Sub(o.From) + time.Second
			e.First, e.Last = e.First.Add(by), e.Last.Add(by)
			forged = append(forged, e)
		}
		if got := decided(withFuture(then, h, drawnRecords(r)), rapid.Permutation(forged).Draw(r, "order")); got != want {
			r.Fatalf("%s\nwith another future\n%s", want, got)
		}
	})
}

// decisions prints what each way decided until a night, it included, and what it stopped before it. What fail2ban bans
// after the night's moment is none of its decisions, and a bound decides nothing.
func decisions(t *rapid.T, r backtest.Result, night int) string {
	var out []any
	for _, s := range r.Scores {
		if s.AtMost {
			continue
		}
		series := slices.Clone(s.Series[:night+1])
		if series[night].Stopped = (backtest.Sum{}); strings.Contains(s.Name, "bans") || strings.Contains(s.Name, "fail2ban") {
			series = series[:night]
		}
		out = append(out, s.Name, series)
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSeries holds that the nights add up to the whole, for every way.
func TestSeries(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		events := drawn(r)
		exact := rapid.Bool().Draw(r, "exact")
		got, err := backtest.Run(context.Background(), &history.History{}, events, policy(t, ""), backtest.Options{From: at("10-03 00:00"), To: at("10-30 12:00"), Every: decide.Day}, exact)
		if err != nil {
			r.Fatal(err)
		}
		if len(got.Series) != got.Nights || got.Nights != 28 {
			r.Fatalf("%d nights, %d in the series; expected 28", got.Nights, len(got.Series))
		}
		var seen backtest.Sum
		for _, n := range got.Series {
			seen = sum(seen, n.Seen)
		}
		if seen != got.Seen {
			r.Fatalf("the nights saw %+v, all of it %+v", seen, got.Seen)
		}
		for _, s := range got.Scores {
			var stopped backtest.Sum
			var lost int64
			most, changes := 0, 0
			for i, n := range s.Series {
				stopped, most, changes = sum(stopped, n.Stopped), max(most, n.Ranges), changes+n.Changes
				if all := got.Series[i].Seen; n.Stopped.TwoWay > all.TwoWay || n.Stopped.OneWay > all.OneWay || n.Stopped.Honest > all.Honest {
					r.Fatalf("%s stopped %+v of %+v", s.Name, n.Stopped, all)
				}
			}
			for _, l := range s.LostBy {
				lost += l.Honest
			}
			if len(s.Series) != got.Nights || stopped != s.Stopped || most != s.Most || float64(changes)/28 != s.Changes || lost != s.Stopped.Honest ||
				sum(s.Stopped, s.Through) != seen || s.Mean > float64(s.Most) {
				r.Fatalf("%s: the nights come to %+v stopped, %d ranges, %d changes, %d lost; the score is %+v", s.Name, stopped, most, changes, lost, s)
			}
		}
	})
}

func sum(a, b backtest.Sum) backtest.Sum {
	return backtest.Sum{TwoWay: a.TwoWay + b.TwoWay, OneWay: a.OneWay + b.OneWay, Honest: a.Honest + b.Honest}
}

// TestBound holds that from the rows of days fail2ban is never said to stop less than it would have, event by event.
func TestBound(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		lines, row := drawnLines(r), rapid.SampledFrom([]time.Duration{decide.Day, time.Hour, 5 * time.Minute}).Draw(r, "row")
		rows := map[string]*backtest.Event{}
		var days []backtest.Event
		for _, e := range lines {
			key := e.Source.String() + e.Kind + e.Service + string(e.Proof) + e.First.Truncate(row).String()
			if x := rows[key]; x != nil {
				x.Count, x.First, x.Last = x.Count+e.Count, minOf(x.First, e.First), maxOf(x.Last, e.Last)
				continue
			}
			rows[key] = &e
		}
		for _, x := range rows {
			days = append(days, *x)
		}
		o := backtest.Options{From: at("10-01 00:00"), To: at("10-04 00:00"), Every: decide.Day}
		exact, err := backtest.Run(context.Background(), &history.History{}, lines, policy(t, ""), o, true)
		if err != nil {
			r.Fatal(err)
		}
		bounds, err := backtest.Run(context.Background(), &history.History{}, days, policy(t, ""), o, false)
		if err != nil {
			r.Fatal(err)
		}
		for _, b := range bounds.Scores {
			for _, s := range exact.Scores {
				if b.AtMost && s.Name == b.Name && (b.Stopped.TwoWay < s.Stopped.TwoWay || b.Stopped.OneWay < s.Stopped.OneWay || b.Stopped.Honest < s.Stopped.Honest) {
					r.Fatalf("%s stops %+v, by the bound at most %+v", s.Name, s.Stopped, b.Stopped)
				}
			}
		}
	})
}

// drawnLines is log lines of three days, many at a time.
func drawnLines(t *rapid.T) []backtest.Event {
	var out []backtest.Event
	when := at("10-01 00:00")
	for range rapid.IntRange(1, 120).Draw(t, "lines") {
		when = when.Add(time.Duration(rapid.SampledFrom([]int{1, 20, 60, 90, 300, 500, 3000, 20000}).Draw(t, "seconds")) * time.Second)
		e := attack(rapid.SampledFrom([]string{"203.0.113.7", "203.0.113.9"}).Draw(t, "source"), "10-01 00:00", 1)
		e.First, e.Last = when, when
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			e.Kind, e.Proof, e.Reporter, e.Service = "", "", "", "imap"
		case 1:
			e.Kind, e.Proof = "scan", history.OneWay
		}
		out = append(out, e)
	}
	return out
}

func minOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
