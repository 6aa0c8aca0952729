package decide_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
)

// evidence returns what is said for a question's answer in the case of 203.0.113.0/24, with the answer.
func evidence(t *testing.T, policyText string, q history.Question, records ...any) string {
	t.Helper()
	for _, c := range decide.Judge(gather(records...), policy(t, policyText), clock(now)).Cases {
		for _, a := range c.Checklist {
			if c.Netblock.String() == "203.0.113.0/24" && a.Question == q {
				return strings.TrimPrefix(a.Answer+". "+a.Evidence, ". ")
			}
		}
	}
	t.Fatal("203.0.113.0/24 is no case")
	return ""
}

func TestLettersAreWrittenToSomebody(t *testing.T) {
	for action, want := range map[string]bool{decide.ReportContact: true, decide.FollowUp: true, decide.AnswerThem: true, decide.Approve: false, decide.CheckBreakIn: false} {
		if got := decide.IsLetter(action); got != want {
			t.Errorf("%s is a letter: %t", action, got)
		}
	}
}

func TestWhatChanges(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []any
		want    bool
	}{
		{"a new range", attack(), true},
		{"what stands", with(attack(), block("203.0.113.7", "10-20 02:00", "11-20 02:00")), false},
		{"a release", with(attack(), block("203.0.113.7", "10-20 02:00", "11-20 02:00"), answer("203.0.113.0/24", history.HostileQuestion, "11-01 00:00", "no")), true},
		{"another end", with(attack(), asked("203.0.113.7"), block("203.0.113.7", "10-20 02:00", ""), answer("203.0.113.0/24", history.DurationQuestion, "11-01 00:00", "temporary")), true},
		{"nothing to block", []any{hosting("203.0.113.0/24"), hit("203.0.113.7", "11-01", 5)}, false},
	} {
		r := decide.Judge(gather(c.records...), policy(t, waived), clock(now))
		if got := r.Cases[0].Changed.Any(); got != c.want {
			t.Errorf("%s: something changes: %t", c.name, got)
		}
	}
}

func TestEvidence(t *testing.T) {
	block24 := hosting("203.0.113.0/24")
	one := hit("203.0.113.7", "11-01", 20)
	days := daily("203.0.113.7", "10-30", "11-01", 20)
	broke := func(n int) (out []history.Record) {
		for i := range n {
			out = append(out, ofKind(hit(fmt.Sprintf("203.0.113.%d", i+1), "11-01", 1), "break-in"))
		}
		return out
	}
	honestOnes := func(n int) (out []history.Record) {
		for i := range n {
			out = append(out, honest(fmt.Sprintf("203.0.113.%d", i*32+7), "11-01", "web", int64(10-i)))
			out = append(out, daily(fmt.Sprintf("203.0.113.%d", i*32+7), "10-30", "11-01", 90)...)
		}
		return out
	}
	spread := func(n int) (out []history.Record) {
		for i := range n {
			out = append(out, daily(fmt.Sprintf("203.0.113.%d", i*32+7), "10-30", "11-01", 20)...)
		}
		return out
	}
	unsigned := answer("203.0.113.0/24", history.HostileQuestion, "10-31 00:00", "yes")
	unsigned.By = ""
	noted := answer("203.0.113.0/24", history.HostileQuestion, "10-31 00:00", "yes")
	noted.Note = "looked"
	for _, c := range []struct {
		name, policy string
		q            history.Question
		records      []any
		want         string
	}{
		{"one day", "", history.HostileQuestion, []any{one}, "1 seen two-way on 1 day, the last 2026-11-01"},
		{"three days", "", history.HostileQuestion, []any{days}, "yes. 1 seen two-way on 3 days, the last 2026-11-01"},
		{"an answer that nobody signed", "", history.HostileQuestion, []any{one, unsigned}, "yes. answered by the operator on 2026-10-31"},
		{"an answer with its note", "", history.HostileQuestion, []any{one, noted}, "yes. answered by ops on 2026-10-31 (looked)"},
		{"no offender", "", history.HostileQuestion, []any{hit("203.0.113.7", "11-01", 1), report("R1", "10-30 00:00", "203.0.113.7")}, "no two-way sighting of ours makes an offender"},
		{"danger of nobody", "", history.DangerQuestion, []any{hit("203.0.113.7", "11-01", 1), report("R1", "10-30 00:00", "203.0.113.7")}, "low. 0.0 a day, no offender"},
		{"danger of two", "", history.DangerQuestion, []any{days, daily("203.0.113.9", "10-30", "11-01", 40), ofKind(hit("203.0.113.9", "11-01", 3), "spam")},
			"medium. 10.5 a day from 2 offenders (180 ssh-login, 3 spam in 30d), most by 203.0.113.9 with 7.1 a day"},
		{"of two as dangerous the lower address", "", history.DangerQuestion, []any{days, daily("203.0.113.9", "10-30", "11-01", 20)},
			"low. 6.8 a day from 2 offenders (120 ssh-login in 30d), most by 203.0.113.7 with 3.4 a day"},
		{"of two kinds as many by name", "", history.DangerQuestion, []any{one, ofKind(hit("203.0.113.7", "11-01", 20), "mail-login")},
			"low. 2.4 a day from 1 offender (20 mail-login, 20 ssh-login in 30d), most by 203.0.113.7 with 2.4 a day"},
		{"no break-in", "", history.LawEnforcementQuestion, []any{block24, days}, "not warranted. no two-way break-in in the window"},
		{"one break-in", "", history.LawEnforcementQuestion, []any{block24, broke(1)}, "break-in by 203.0.113.1"},
		{"three", "", history.LawEnforcementQuestion, []any{block24, broke(3)}, "break-in by 203.0.113.1, 203.0.113.2, 203.0.113.3"},
		{"five", "", history.LawEnforcementQuestion, []any{block24, broke(5)}, "break-in by 203.0.113.1, 203.0.113.2, 203.0.113.3, 2 more"},
		{"untrusted", "", history.LawEnforcementQuestion, []any{block24, days, history.Contact{Address: "abuse@example.net", Trust: history.Untrusted}}, "the contact is untrusted: the operator's record"},
		{"nobody is lost", waived, history.LossQuestion, []any{block24, days}, "0.000 a day. no honest traffic known there in 90d"},
		{"one is lost", waived, history.LossQuestion, []any{block24, honestOnes(1)}, "0.026 a day. honest traffic of 203.0.113.7 (web, 0.0 a day)"},
		{"three are", waived, history.LossQuestion, []any{block24, honestOnes(3)},
			"0.583 a day. honest traffic of 203.0.113.7 (web, 0.0 a day), 203.0.113.39 (web, 0.0 a day), 203.0.113.71 (web, 0.0 a day)"},
		{"five are", waived, history.LossQuestion, []any{block24, honestOnes(5)},
			"0.630 a day. honest traffic of 203.0.113.7 (web, 0.0 a day), 203.0.113.39 (web, 0.0 a day), 203.0.113.71 (web, 0.0 a day), 2 more"},
		{"nothing to block", "", history.DurationQuestion, []any{block24, days}, "nothing to block. by rule path-open"},
		{"a length and why", waived, history.DurationQuestion, []any{block24, days}, "temporary, until 2026-11-16 02:00. 14d: level low"},
		{"as decided before", waived, history.DurationQuestion, []any{block24, days, block("203.0.113.7", "10-28 00:00", "11-11 00:00")}, "temporary, until 2026-11-11 00:00. as decided when it began"},
		{"for good", waived, history.DurationQuestion, []any{block24, days, block("203.0.113.7", "10-28 00:00", "")}, "permanent. as decided when it began"},
		{"one range", waived, history.RangeQuestion, []any{block24, days}, "203.0.113.7. costs 0.001 a day; 203.0.113.6/31 would cost 0.003 and block 1 more"},
		{"five ranges", waived + "[range]\ngrow_min = 9\n", history.RangeQuestion, []any{block24, spread(5)},
			"203.0.113.7, 203.0.113.39, 203.0.113.71, 203.0.113.103, 203.0.113.135. costs 0.005 a day; 203.0.113.6/31 would cost 0.007 and block 1 more"},
		{"seven ranges", waived + "[range]\ngrow_min = 9\n", history.RangeQuestion, []any{block24, spread(7)},
			"203.0.113.7, 203.0.113.39, 203.0.113.71, 203.0.113.103, 203.0.113.135, 2 more. costs 0.007 a day; 203.0.113.6/31 would cost 0.009 and block 1 more"},
		{"a prefix, beside each alone", waived, history.RangeQuestion, []any{block24, daily("203.0.113.6", "10-30", "11-01", 20), days},
			"203.0.113.6/31. costs 0.001 a day; each offender alone 0.002; 203.0.113.4/30 would cost 0.005 and block 2 more"},
		{"losing costs more", waived, history.RangeQuestion, []any{block24, one, hit("203.0.113.7", "10-31", 5), honest("203.0.113.7", "11-01", "imap", 99)},
			"203.0.113.7. costs 50.504 a day; 203.0.113.6/31 would cost 50.506 and block 1 more"},
		{"no report", "", history.ContactQuestion, []any{block24, days}, "no report yet"},
		{"reports", "", history.ContactQuestion, []any{block24, days, report("R1", "10-20 00:00", "203.0.113.7"), followUp("R2", "10-28 00:00", "203.0.113.7", "R1")},
			"R1 2026-10-20 to contact, follow-up R2 2026-10-28 to contact, no useful response"},
		{"and what came back", "", history.ContactQuestion, []any{block24, days, report("R1", "10-20 00:00", "203.0.113.7"), response("R1", "10-21 00:00", history.Asked)},
			"trying. R1 2026-10-20 to contact; abuse@example.net asked on 2026-10-21"},
		{"everyone was asked", "", history.OthersQuestion, []any{block24, days, asked("203.0.113.7")}, "no. everyone was asked"},
		{"nobody else to ask", "", history.OthersQuestion, []any{block24, days, report("R1", "10-10 00:00", "203.0.113.7"), followUp("R2", "10-18 00:00", "203.0.113.7", "R1"),
			answer("203.0.113.0/24", history.OthersQuestion, "10-20 00:00", "no")}, "no. answered no: nobody else to ask"},
		{"waived", waived, history.OthersQuestion, []any{block24, days}, "waived. waived by path.required = false"},
		{"waiting", "", history.OthersQuestion, []any{block24, days, report("R1", "10-30 00:00", "203.0.113.7")}, "waiting for abuse@example.net until 2026-11-06"},
		{"due", "", history.OthersQuestion, []any{block24, days, report("R1", "10-20 00:00", "203.0.113.7")}, "follow-up to abuse@example.net due 2026-10-27"},
		{"the first step is due, and nobody is waited for", "", history.OthersQuestion, []any{block24, days}, "report to abuse@example.net due 2026-11-02"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := evidence(t, c.policy, c.q, c.records...); got != c.want {
				t.Errorf("%s; expected %s", got, c.want)
			}
		})
	}
}

func TestDurationEdges(t *testing.T) {
	for text, want := range map[string]time.Duration{"1s": time.Second, "106751d85636s": 106751*decide.Day + 85636*time.Second, "1d1s": decide.Day + time.Second, "9223372036s": 9223372036 * time.Second} {
		if d, err := decide.ParseDuration(text); err != nil || time.Duration(d) != want {
			t.Errorf("%q is %v, %v; expected %v", text, time.Duration(d), err, want)
		}
	}
	for _, text := range []string{"", "0s", "x", "5", "1w", "1h1d", "106752d", "9223372037s", "106751d85637s", "-1d"} {
		if d, err := decide.ParseDuration(text); err == nil || d != 0 {
			t.Errorf("%q is %v, %v; expected nothing and an error", text, d, err)
		}
	}
}

// TestDaysBefore1970 holds that days are counted right on either side of the first of them: a record may be of any moment.
func TestDaysBefore1970(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		last, at string
		want     bool
	}{
		{"1969-12-03T00:00:00Z", "1970-01-01T12:00:00Z", true}, {"1969-12-02T23:59:59Z", "1970-01-01T12:00:00Z", false},
		{"1969-12-31T23:59:59Z", "1970-01-30T00:00:00Z", false}, {"1970-01-01T00:00:00Z", "1970-01-30T23:59:59Z", true},
		{"1969-11-30T00:00:00Z", "1969-12-29T23:59:59Z", true}, {"1969-11-29T23:59:59Z", "1969-12-29T00:00:00Z", false},
		{"1969-12-02T00:00:00Z", "1969-12-31T00:00:00Z", true}, {"1969-12-01T23:59:59Z", "1969-12-31T00:00:00Z", false},
	} {
		s := hit("203.0.113.7", "11-01", 20)
		s.First, s.Last = at(c.last), at(c.last)
		r := decide.Judge(gather(s), policy(t, ""), at(c.at))
		if got := len(r.Cases) == 1 && len(r.Cases[0].Offenders) == 1; got != c.want {
			t.Errorf("seen at %s, judged at %s: an offender: %v; expected %v", c.last, c.at, got, c.want)
		}
	}
}

// TestLowestBounds holds that the least that a key may be is taken, and nothing below.
func TestLowestBounds(t *testing.T) {
	for _, c := range []struct{ good, bad string }{
		{"[offender]\nevents = 1", "[offender]\nevents = 0"}, {"[offender]\ngroup = 1", "[offender]\ngroup = 0"}, {"[offender]\nguessed = 1", "[offender]\nguessed = 0"},
		{"[hostile]\ndays = 1", "[hostile]\ndays = 0"}, {"[range]\ngrow_min = 1", "[range]\ngrow_min = 0"}, {"[range]\nwidest4 = 1", "[range]\nwidest4 = 0"},
		{"[range]\nwidest4 = 32", "[range]\nwidest4 = 33"}, {"[range]\nwidest6 = 1", "[range]\nwidest6 = 0"}, {"[range]\nwidest6 = 64", "[range]\nwidest6 = 65"},
		{"[permanent]\nrelapses = 1", "[permanent]\nrelapses = 0"}, {"[guard]\nnew_ranges = 0", "[guard]\nnew_ranges = -1"}, {"[guard]\nlost = 0.0", "[guard]\nlost = -0.1"},
		{"[guard]\nlost = 1.0", "[guard]\nlost = 1.01"}, {"[guard]\nnew_addresses = 0.0", "[guard]\nnew_addresses = -1.0"}, {"[danger]\nimmediate = 0.0", "[danger]\nimmediate = nan"},
		{"[range]\nprior = 0.0", "[range]\nprior = -0.1"}, {"[range]\nentry_cost = 0.0", "[range]\nentry_cost = -0.1"}, {"[range]\nneighbours = 0.0", "[range]\nneighbours = -0.1"},
		{"[length]\nladder = [\"1d\"]", "[length]\nladder = []"}, {"[length]\nladder = [\"1d\", \"1d\"]", "[length]\nladder = [\"2d\", \"1d\"]"},
		{"[loss.value]\nweb = 0.0", "[loss.value]\nweb = -1.0"}, {"[offender]\nwindow = \"1d\"", "[offender]\nwindow = \"1h\""},
	} {
		policy(t, c.good)
		if _, err := decide.ParsePolicy(nil, "p.toml", []byte(c.bad)); err == nil {
			t.Errorf("%q is taken; expected an error", c.bad)
		}
	}
}
