package whatif_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lastresort"
	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/decide/whatif"
)

var (
	now = time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	key = netip.MustParsePrefix("203.0.113.0/24")
)

const registered = `{"type":"netblock","prefix":"203.0.113.0/24","holder":"Example Hosting","kind":"hosting","assignment":"static","abuse":"abuse@example.net","upstream":"abuse@carrier.example","cert":"cert@cert.example"}`

// hits is a line for each of some days on which a source tried logins.
func hits(source string, count int, days ...string) []string {
	var out []string
	for _, day := range days {
		out = append(out, fmt.Sprintf(`{"type":"sighting","source":%q,"first":"2026-%sT01:00:00Z","last":"2026-%sT05:00:00Z","kind":"ssh-login","count":%d,"proof":"two-way","reporter":"local"}`,
			source, day, day, count))
	}
	return out
}

func report(id, day, role, to, follows string) string {
	more := ""
	if follows != "" {
		more = `,"follows":"` + follows + `"`
	}
	return fmt.Sprintf(`{"type":"report","id":%q,"at":"2026-%sT09:00:00Z","source":"203.0.113.7","to":%q,"role":%q%s}`, id, day, to, role, more)
}

func read(t testing.TB, lines ...string) *history.History {
	t.Helper()
	var h history.History
	for _, line := range lines {
		r, err := history.Decode([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		h.Append(r)
	}
	return &h
}

func policy(t testing.TB, text string) *decide.Policy {
	t.Helper()
	p, err := decide.ParsePolicy(lastresort.DefaultPolicy, "test.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

func nearest(t testing.TB, h *history.History, p *decide.Policy) (decide.Case, []whatif.Change) {
	t.Helper()
	d, ok := decide.Explain(h, p, now, key)
	if !ok {
		t.Fatalf("%s is no case", key)
	}
	all, err := whatif.Nearest(t.Context(), h, p, now, &d, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.Case, all
}

// told is a change as a test expects it: kind, words and what comes of it.
func told(c whatif.Change) string {
	out := fmt.Sprintf("%s %s: %s %s: %s", c.Kind, c.Effect, c.What, c.Verdict, c.Rule)
	for _, r := range c.Ranges {
		out += " " + r.String()
	}
	return out
}

func TestNearest(t *testing.T) {
	seen := hits("203.0.113.7", 20, "10-25", "10-31", "11-01")
	asked := []string{registered, report("R1", "10-01", "contact", "abuse@example.net", ""), report("R2", "10-09", "contact", "abuse@example.net", "R1")}
	for _, c := range []struct {
		name   string
		policy string
		lines  []string
		want   []string
		never  []string // words of changes that would have no effect
	}{
		{"waiting for the upstream", "", slices.Concat(asked, []string{report("R3", "10-30", "upstream", "abuse@carrier.example", "")}, seen), []string{
			"time verdict: nothing new until 2026-11-08 00:00 watch: quiet",
			"fact verdict: one more report-cert to cert@cert.example by 2026-10-26 02:00 block: exhausted 203.0.113.7",
			"fact verdict: the answer hostile = no, now watch: not-hostile",
			"measure verdict: danger 3.16013 → 15.8007 a day, 5 times block: immediate 203.0.113.7",
			"fact verdict: abuse@carrier.example: fixed to R3, now watch: fixed",
			"fact verdict: without what 203.0.113.7 did none: ",
			"policy verdict: path.required = false instead of true block: exhausted 203.0.113.7",
			`policy verdict: hostile.recent = "1d" instead of "7d" watch: quiet`,
			"policy verdict: hostile.days = 4 instead of 2 watch: not-hostile",
			"policy verdict: offender.events = 61 instead of 5 watch: not-hostile",
		}, []string{"without report R1", "answer range"}},
		{"a day too few", "", slices.Concat([]string{registered}, hits("203.0.113.7", 8, "11-01")), []string{
			"fact verdict: one more ssh-login by 203.0.113.7 now pursue: path-open",
			"fact verdict: the answer hostile = yes, now pursue: path-open",
			"fact verdict: a break-in by 203.0.113.7 now block: immediate 203.0.113.7",
			"policy verdict: hostile.days = 1 instead of 2 pursue: path-open",
			"policy verdict: danger.severity.ssh-login = 12.5 instead of 1 block: immediate 203.0.113.7",
			"policy verdict: danger.immediate = 8 instead of 100 block: immediate 203.0.113.7",
		}, nil},
		{"everyone was asked", "", slices.Concat(asked, []string{report("R3", "10-17", "upstream", "abuse@carrier.example", ""), report("R4", "10-24", "cert", "cert@cert.example", ""),
			`{"type":"traffic","source":"203.0.113.6","first":"2026-10-20T08:00:00Z","last":"2026-10-20T09:00:00Z","service":"imap","count":31}`}, seen), []string{
			"fact verdict: without report R4 of 2026-10-24 to cert@cert.example pursue: path-open",
			"fact verdict: cert@cert.example: asked or helping to R4, now pursue: path-open",
			"fact length: if its addresses were dynamic block: exhausted 203.0.113.7",
			"fact verdict: if abuse@example.net were unknown pursue: path-open",
			`policy verdict: path.cert = "8d18h" instead of "7d" pursue: path-open`,
		}, nil},
		{"kept narrow by an honest neighbour", "[path]\nrequired = false\n", slices.Concat([]string{registered,
			`{"type":"traffic","source":"203.0.113.200","first":"2026-10-20T08:00:00Z","last":"2026-10-20T09:00:00Z","service":"imap","count":31}`},
			hits("203.0.113.7", 90, "10-30", "10-31", "11-01"), hits("203.0.113.9", 90, "10-30", "10-31", "11-01"), hits("203.0.113.40", 90, "10-30", "10-31", "11-01")), []string{
			"fact ranges: without 203.0.113.200's 31 honest imap events block: exhausted 203.0.113.0/24",
			`policy ranges: loss.quiet = "13d" instead of "90d" block: exhausted 203.0.113.0/24`,
		}, nil},
		{"exempt", "[path]\nrequired = false\n[protect]\nranges = [\"203.0.113.0/28\"]\n", slices.Concat([]string{registered,
			`{"type":"hold","range":"203.0.113.7","until":"2026-12-01T00:00:00Z","at":"2026-11-01T10:00:00Z","by":"ops","reason":"customer"}`}, seen), []string{
			"fact rule: without the hold on 203.0.113.7 exempt: protected",
		}, []string{"protect.ranges"}},
		{"in force", "", slices.Concat(asked, []string{`{"type":"block","range":"203.0.113.7","from":"2026-10-28T02:00:00Z","until":"2026-11-11T02:00:00Z","case":"203.0.113.0/24","by":"review"}`}, seen), []string{
			"time verdict: nothing new until 2026-11-11 02:00 release: expired",
			"fact verdict: without the block that stands pursue: path-open",
			"fact verdict: the answer hostile = no, now release: not-hostile",
		}, nil},
		{"unregistered", "", seen, []string{
			"fact verdict: the answer others = no, now block: exhausted 203.0.113.7",
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, all := nearest(t, read(t, c.lines...), policy(t, c.policy))
			var got []string
			for _, x := range all {
				got = append(got, told(x))
			}
			for _, want := range c.want {
				if !slices.Contains(got, want) {
					t.Errorf("nothing says %q; expected it in\n%s", want, strings.Join(got, "\n"))
				}
			}
			for _, line := range got {
				for _, words := range c.never {
					if strings.Contains(line, words) {
						t.Errorf("%q; expected nothing with %q", line, words)
					}
				}
			}
		})
	}
}

// The pool from which random cases are drawn.
var pool = slices.Concat([]string{registered,
	`{"type":"netblock","prefix":"203.0.113.0/24","holder":"Buyer","kind":"unknown","assignment":"dynamic","abuse":"me@gmail.com","at":"2026-10-29T00:00:00Z"}`,
	`{"type":"netblock","prefix":"203.0.113.64/26","holder":"Customer","kind":"business"}`,
	report("R1", "10-01", "contact", "abuse@example.net", ""), report("R2", "10-09", "contact", "abuse@example.net", "R1"),
	report("R3", "10-17", "upstream", "abuse@carrier.example", ""), report("R4", "10-24", "cert", "cert@cert.example", ""),
	`{"type":"response","report":"R1","at":"2026-10-02T09:00:00Z","stance":"helping"}`,
	`{"type":"response","report":"R3","at":"2026-10-20T09:00:00Z","stance":"asked"}`,
	`{"type":"response","report":"R2","at":"2026-10-30T09:00:00Z","stance":"fixed"}`,
	`{"type":"response","report":"R2","at":"2026-10-12T09:00:00Z","stance":"hostile"}`,
	`{"type":"contact","address":"abuse@example.net","trust":"trusted","at":"2026-10-15T00:00:00Z"}`,
	`{"type":"traffic","source":"203.0.113.200","first":"2026-10-20T08:00:00Z","last":"2026-10-20T09:00:00Z","service":"imap","count":31}`,
	`{"type":"traffic","source":"203.0.113.7","first":"2026-10-20T08:00:00Z","last":"2026-10-20T09:00:00Z","service":"web","count":3}`,
	`{"type":"hold","range":"203.0.113.9","until":"2026-11-20T00:00:00Z","at":"2026-10-20T08:00:00Z","by":"ops"}`,
	`{"type":"protect","range":"203.0.113.0/29","at":"2026-10-20T08:00:00Z","by":"ops"}`,
	`{"type":"block","range":"203.0.113.7","from":"2026-08-01T02:00:00Z","until":"2026-08-15T02:00:00Z","by":"review"}`,
	`{"type":"block","range":"203.0.113.7","from":"2026-09-10T02:00:00Z","until":"2026-10-10T02:00:00Z","by":"review"}`,
	`{"type":"block","range":"203.0.113.8/30","from":"2026-10-20T02:00:00Z","until":"2026-11-19T02:00:00Z","by":"review"}`,
	`{"type":"answer","netblock":"203.0.113.0/24","question":"others","answer":"no","at":"2026-10-25T00:00:00Z","by":"ops"}`,
	`{"type":"answer","netblock":"203.0.113.0/24","question":"duration","answer":"permanent","at":"2026-10-25T00:00:00Z","by":"ops"}`,
}, hits("203.0.113.7", 20, "10-25", "10-31", "11-01"), hits("203.0.113.9", 4, "10-12", "10-31"), hits("203.0.113.10", 40, "11-01"), hits("203.0.113.70", 9, "10-30"))

var policies = []string{"", "[path]\nrequired = false\n", "[range]\nshape = \"range\"\nentry_cost = 1.5\n", "[permanent]\nrelapses = 1\nspan = \"10d\"\n"}

// draw draws a history in which 203.0.113.0/24 is a case.
func draw(t *rapid.T, tb testing.TB) (*history.History, string) {
	lines := hits("203.0.113.7", 3, "10-30", "11-01")
	for i, line := range pool {
		if rapid.Bool().Draw(t, strconv.Itoa(i)) {
			lines = append(lines, line)
		}
	}
	return read(tb, lines...), rapid.SampledFrom(policies).Draw(t, "policy")
}

// judged judges the case again by a policy's text, so that a policy change can be checked as an operator would make it.
func judged(h *history.History, p *decide.Policy, at time.Time) (decide.Case, bool) {
	for _, c := range decide.Judge(h, p, at).Cases {
		if c.Netblock == key {
			return c, true
		}
	}
	return decide.Case{}, false
}

func same(c *whatif.Change, got decide.Case, ok bool) bool {
	if !ok {
		return c.Verdict == "none"
	}
	sameEnd := c.Until == nil && got.Until == nil || c.Until != nil && got.Until != nil && c.Until.Equal(*got.Until)
	return c.Verdict == string(got.Verdict) && c.Rule == got.Rule && sameEnd && slices.Equal(c.Ranges, got.Ranges) && c.Approval == got.Approval && c.Permanent == got.Permanent
}

// with is a policy's text with one key set.
func with(text, name, value string) string {
	i := strings.LastIndexByte(name, '.')
	table, last := name[:i], name[i+1:]
	head := "[" + table + "]\n"
	if !strings.Contains(text, head) {
		return text + head + last + " = " + value + "\n"
	}
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, last+" = ") {
			continue
		}
		out = append(out, line)
		if line+"\n" == head {
			out = append(out, last+" = "+value)
		}
	}
	return strings.Join(out, "\n")
}

// TestEveryChangeHolds draws cases and holds what is told of them to what judging says.
func TestEveryChangeHolds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, text := draw(r, t)
		p := policy(t, text)
		records := fmt.Sprint(*h)
		before, all := nearest(t, h, p)
		for _, c := range all {
			if same(&c, before, true) {
				r.Fatalf("%s changes nothing", c.What)
			}
			switch c.Kind {
			case whatif.Policy:
				policyHolds(t, r, h, text, before, c)
			case whatif.Time:
				timeHolds(r, h, p, before, c)
			}
		}
		_, again := nearest(t, h, p)
		a, err1 := json.Marshal(all)
		b, err2 := json.Marshal(again)
		if err1 != nil || err2 != nil || string(a) != string(b) {
			r.Fatalf("the same case, other changes: %s\n%s %v %v", a, b, err1, err2)
		}
		if fmt.Sprint(*h) != records || fmt.Sprint(*p) != fmt.Sprint(*policy(t, text)) {
			r.Fatal("trying changes changed the records or the policy")
		}
	})
}

// policyHolds makes a policy change in the policy's text, and expects the verdict that was told; and of a whole number that
// a step less gives no other verdict.
func policyHolds(t *testing.T, r *rapid.T, h *history.History, text string, before decide.Case, c whatif.Change) {
	got, ok := judged(h, policy(t, with(text, c.Key, c.To)), now)
	if !same(&c, got, ok) {
		r.Fatalf("%s: told %s, found %s %s %v", c.What, told(c), got.Verdict, got.Rule, got.Ranges)
	}
	from, err1 := strconv.Atoi(c.From)
	to, err2 := strconv.Atoi(c.To)
	whole := []string{"offender.events", "offender.group", "offender.guessed", "hostile.days", "range.grow_min", "permanent.relapses"}
	if err1 != nil || err2 != nil || !slices.Contains(whole, c.Key) || c.Effect != whatif.OtherVerdict {
		return
	}
	step := 1
	if to > from {
		step = -1
	}
	if got, ok := judged(h, policy(t, with(text, c.Key, strconv.Itoa(to+step))), now); !ok || got.Verdict != before.Verdict {
		r.Fatalf("%s: a step less gives %s too", c.What, got.Verdict)
	}
}

// timeHolds expects a case to be judged otherwise from the minute that is told, and not a minute before.
func timeHolds(r *rapid.T, h *history.History, p *decide.Policy, before decide.Case, c whatif.Change) {
	at, err := time.Parse("2006-01-02 15:04", strings.TrimPrefix(c.What, "nothing new until "))
	if err != nil {
		r.Fatal(err)
	}
	if got, _ := judged(h, p, at.Add(-time.Minute)); got.Verdict != before.Verdict || got.Rule != before.Rule {
		r.Fatalf("a minute before %s it is %s %s; expected %s %s", at, got.Verdict, got.Rule, before.Verdict, before.Rule)
	}
	if got, ok := judged(h, p, at.Add(time.Minute)); ok && got.Verdict == before.Verdict && got.Rule == before.Rule {
		r.Fatalf("after %s it is still %s %s", at, got.Verdict, got.Rule)
	}
}

func TestNearestStops(t *testing.T) {
	h, p := read(t, append(hits("203.0.113.7", 20, "10-25", "11-01"), registered)...), policy(t, "")
	d, ok := decide.Explain(h, p, now, key)
	if !ok {
		t.Fatal("no case")
	}
	ctx, cancel := context.WithCancel(t.Context())
	last := 0
	_, err := whatif.Nearest(ctx, h, p, now, &d, func(n int) {
		if last = n; n == 10 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || last != 10 {
		t.Fatalf("%v after %d judgements; expected to be cancelled after 10", err, last)
	}
}

func BenchmarkNearest(b *testing.B) {
	lines := []string{registered}
	for i := 1; i <= 100; i++ {
		lines = append(lines, hits(fmt.Sprintf("203.0.113.%d", i), 20, "10-25", "10-28", "10-31", "11-01")...)
	}
	h, p := read(b, lines...), policy(b, "")
	d, ok := decide.Explain(h, p, now, key)
	if !ok {
		b.Fatal("no case")
	}
	for b.Loop() {
		n := 0
		if _, err := whatif.Nearest(b.Context(), h, p, now, &d, func(k int) { n = k }); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n), "judgements/op")
	}
}
