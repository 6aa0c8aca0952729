package decide_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"lastresort"
	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

// now is the moment at which the tests judge, if they don't say another.
const now = "2026-11-02T02:00:00Z"

// clock reads a moment: RFC 3339, or a day and hour of 2026 such as "10-20 09:00".
func clock(s string) time.Time {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t
	}
	t, err := time.Parse("2006-01-02 15:04", "2026-"+s)
	if err != nil {
		panic(err)
	}
	return t
}

func policy(t testing.TB, text string) *decide.Policy {
	t.Helper()
	p, err := decide.ParsePolicy(lastresort.DefaultPolicy, "test.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

// gather puts records, and lists of them, into a history in their order.
func gather(items ...any) *history.History {
	var h history.History
	for _, x := range items {
		switch x := x.(type) {
		case history.Record:
			h.Append(x)
		case []history.Record:
			for _, r := range x {
				h.Append(r)
			}
		default:
			panic(fmt.Sprintf("%T is no record", x))
		}
	}
	return &h
}

func list(items ...history.Record) []history.Record { return items }

// hosting is a netblock whose contact is trusted and everyone known.
func hosting(prefix string) history.Netblock {
	return history.Netblock{Prefix: netip.MustParsePrefix(prefix), Holder: "Example Hosting", Country: "NL", Kind: history.Hosting,
		Assignment: history.Static, Abuse: "abuse@example.net", Upstream: "abuse@carrier.example", Cert: "cert@cert.example"}
}

// hit is two-way login attempts that we saw between 01:00 and 05:00 of a day such as "10-20".
func hit(source, day string, count int64) history.Sighting {
	return history.Sighting{Source: netip.MustParseAddr(source), First: clock(day + " 01:00"), Last: clock(day + " 05:00"),
		Kind: "ssh-login", Count: count, Proof: history.TwoWay, Reporter: "local"}
}

// moment is two-way login attempts at one moment.
func moment(source, at string, count int64) history.Sighting {
	s := hit(source, "10-01", count)
	s.First, s.Last = clock(at), clock(at)
	return s
}

func ofKind(s history.Sighting, kind string) history.Sighting {
	s.Kind = kind
	return s
}

// daily is one hit a day, both days included.
func daily(source, from, to string, count int64) []history.Record {
	var out []history.Record
	for day := clock(from + " 00:00"); !day.After(clock(to + " 00:00")); day = day.Add(decide.Day) {
		out = append(out, hit(source, day.Format("01-02"), count))
	}
	return out
}

func honest(source, day, service string, count int64) history.Traffic {
	return history.Traffic{Source: netip.MustParseAddr(source), First: clock(day + " 08:00"), Last: clock(day + " 17:00"), Service: service, Count: count}
}

func report(id, at, source string) history.Report {
	return history.Report{ID: id, At: clock(at), Source: netip.MustParseAddr(source), To: "abuse@example.net", Role: history.Contacted}
}

func followUp(id, at, source, follows string) history.Report {
	r := report(id, at, source)
	r.Follows = follows
	return r
}

func reportTo(id, at, source string, role history.Role, to string) history.Report {
	r := report(id, at, source)
	r.Role, r.To = role, to
	return r
}

// asked is a path walked to its end for a source of hosting, the last wait over on 10-31.
func asked(source string) []history.Record {
	return list(report("R1", "10-01 09:00", source), followUp("R2", "10-09 09:00", source, "R1"),
		reportTo("R3", "10-17 09:00", source, history.Upstream, "abuse@carrier.example"),
		reportTo("R4", "10-24 09:00", source, history.Cert, "cert@cert.example"))
}

func response(report, at string, stance history.Stance) history.Response {
	return history.Response{Report: report, At: clock(at), Stance: stance}
}

func answer(block string, q history.Question, at, text string) history.Answer {
	return history.Answer{Netblock: netip.MustParsePrefix(block), Question: q, Answer: text, At: clock(at), By: "ops"}
}

func rng(s string) netblock.Range {
	r, err := netblock.ParseRange(s)
	if err != nil {
		panic(err)
	}
	return r
}

// block is a block record; an empty until is for good.
func block(where, from, until string) history.Block {
	b := history.Block{Range: rng(where), From: clock(from), By: "review", Reason: "exhausted: asked everyone"}
	if until != "" {
		b.Until = clock(until)
	}
	return b
}

func release(where, at, by string) history.Release {
	return history.Release{Range: rng(where), At: clock(at), By: by}
}

func hold(where, at, until string) history.Hold {
	return history.Hold{Range: rng(where), At: clock(at), Until: clock(until), By: "ops", Reason: "customer"}
}

func protect(where, at string) history.Protect {
	return history.Protect{Range: rng(where), At: clock(at), By: "ops", Reason: "office"}
}

// judged is one named situation and what the review must say of a case in it.
type judged struct {
	name    string
	policy  string
	at      string // now, if empty
	records []any
	of      string            // the case, 203.0.113.0/24 if empty
	want    map[string]string // by what field looks up; nil where it must be no case
}

func check(t *testing.T, cases []judged) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.at == "" {
				c.at = now
			}
			if c.of == "" {
				c.of = "203.0.113.0/24"
			}
			r := decide.Judge(gather(c.records...), policy(t, c.policy), clock(c.at))
			i := slices.IndexFunc(r.Cases, func(x decide.Case) bool { return x.Netblock.String() == c.of })
			if (i >= 0) != (c.want != nil) {
				t.Fatalf("%s is a case: %v, expected %v", c.of, i >= 0, c.want != nil)
			}
			for what, want := range c.want {
				if got := field(t, &r.Cases[i], what); got != want {
					t.Errorf("%s is %q; expected %q", what, got, want)
				}
			}
		})
	}
}

// field prints one field of a case, or the status of one of its questions.
func field(t testing.TB, c *decide.Case, what string) string {
	t.Helper()
	switch what {
	case "rule":
		return string(c.Verdict) + " " + string(c.Rule)
	case "until":
		if c.Until == nil {
			return "none"
		}
		return c.Until.Format("01-02 15:04")
	case "ranges":
		return joined(c.Ranges)
	case "offenders":
		return strings.Join(c.Offenders, " ")
	case "danger":
		return fmt.Sprintf("%.3f %s", c.Danger.PerDay, c.Danger.Level)
	case "loss":
		return fmt.Sprintf("%.3f %s", c.Loss.PerDay, strings.Join(c.Loss.Sources, " "))
	case "approval":
		return c.Approval
	case "evidence":
		return c.Evidence
	case "trust":
		return string(c.Contact.Trust)
	case "context":
		return fmt.Sprintf("%d %d", c.Context.OneWay, c.Context.Others)
	case "blocks":
		var out []string
		for _, b := range c.Blocks {
			until := "for good"
			if b.Until != nil {
				until = b.Until.Format("01-02 15:04")
			}
			out = append(out, fmt.Sprintf("%s %s %s", b.Range, b.From.Format("01-02 15:04"), until))
		}
		return strings.Join(out, "; ")
	case "actions":
		var out []string
		for _, a := range c.Actions {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", a.Due[5:], a.Action, a.To, strings.Join(a.About, ","))))
		}
		return strings.Join(out, "; ")
	}
	for _, q := range c.Checklist {
		if string(q.Question) == what {
			return strings.TrimSpace(q.Status + " " + q.Answer)
		}
	}
	t.Fatalf("%q is nothing of a case", what)
	return ""
}

func joined[S fmt.Stringer](list []S) string {
	var out []string
	for _, x := range list {
		out = append(out, x.String())
	}
	return strings.Join(out, " ")
}
