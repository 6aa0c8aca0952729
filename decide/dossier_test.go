package decide_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

func explained(t *testing.T, policyText string, records ...any) decide.Dossier {
	t.Helper()
	d, ok := decide.Explain(gather(records...), policy(t, policyText), clock(now), netip.MustParsePrefix("203.0.113.0/24"))
	if !ok {
		t.Fatal("203.0.113.0/24 is no case")
	}
	return d
}

func TestDossierPath(t *testing.T) {
	steps := func(d decide.Dossier) string {
		var out []string
		for _, s := range d.Path {
			text := s.Step + " " + string(s.Status)
			if s.Due != "" {
				text += " " + s.Due[5:]
			}
			for _, x := range s.Sent {
				text += " " + x.Report
				for _, got := range x.Received {
					text += fmt.Sprintf(" %s/%v", got.Stance, got.Counts)
				}
			}
			out = append(out, text)
		}
		return strings.Join(out, "; ")
	}
	hits := daily("203.0.113.7", "10-28", "11-01", 20)
	for _, c := range []struct {
		name    string
		policy  string
		records []any
		want    string
	}{
		{"nothing sent", "", []any{hosting("203.0.113.0/24"), hits},
			"report due 11-02; follow-up later 11-09; report-upstream later 11-16; report-cert later 11-23; report-law-enforcement skipped"},
		{"waiting for the follow-up", "", []any{hosting("203.0.113.0/24"), hits, report("R1", "10-30 09:00", "203.0.113.7"), response("R1", "10-30 09:01", history.Automatic)},
			"report done R1 automatic/false; follow-up waits 11-06; report-upstream later 11-13; report-cert later 11-20; report-law-enforcement skipped"},
		{"helping", "", []any{hosting("203.0.113.0/24"), hits, report("R1", "10-30 09:00", "203.0.113.7"), response("R1", "10-31 09:01", history.Helping)},
			"report done R1 helping/true; follow-up waits 11-14; report-upstream later 11-21; report-cert later 11-28; report-law-enforcement skipped"},
		{"asked: the ball is ours, so no date is known", "", []any{hosting("203.0.113.0/24"), hits, report("R1", "10-30 09:00", "203.0.113.7"), response("R1", "10-31 09:01", history.Asked)},
			"report done R1 asked/true; follow-up later; report-upstream later; report-cert later; report-law-enforcement skipped"},
		{"the upstream stands for the steps before it", "", []any{hosting("203.0.113.0/24"), hits, reportTo("R1", "10-20 09:00", "203.0.113.7", history.Upstream, "abuse@carrier.example")},
			"report skipped; follow-up skipped; report-upstream done R1; report-cert due 10-27; report-law-enforcement skipped"},
		{"an untrusted contact isn't written to, and the police may be", "", []any{hosting("203.0.113.0/24"), hits,
			history.Contact{Address: "abuse@example.net", Trust: history.Untrusted}},
			"report skipped; follow-up skipped; report-upstream due 11-02; report-cert later 11-09; report-law-enforcement due 11-02"},
		{"everyone asked, the police told", "", []any{hosting("203.0.113.0/24"), hits, asked("203.0.113.7"), reportTo("R5", "10-25 09:00", "203.0.113.7", history.LawEnforcement, "police@example.org")},
			"report done R1; follow-up done R2; report-upstream done R3; report-cert done R4; report-law-enforcement done R5"},
		{"waived", waived, []any{hosting("203.0.113.0/24"), hits},
			"report skipped; follow-up skipped; report-upstream skipped; report-cert skipped; report-law-enforcement skipped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := steps(explained(t, c.policy, c.records...)); got != c.want {
				t.Errorf("%s; expected %s", got, c.want)
			}
		})
	}
}

func TestStaleReportsAreCounted(t *testing.T) {
	d := explained(t, "", hosting("203.0.113.0/24"), daily("203.0.113.7", "10-28", "11-01", 20), report("R1", "2026-01-01T00:00:00Z", "203.0.113.7"),
		report("R2", "2026-01-09T00:00:00Z", "203.0.113.7"))
	if d.Stale != 2 {
		t.Errorf("%d stale reports; expected 2", d.Stale)
	}
}

func TestParts(t *testing.T) {
	d := explained(t, waived, hosting("203.0.113.0/24"), daily("203.0.113.7", "10-30", "11-01", 20), daily("203.0.113.9", "10-30", "11-01", 60),
		ofKind(hit("203.0.113.9", "11-01", 2), "spam"), honest("203.0.113.8", "10-30", "imap", 4), honest("203.0.113.8", "10-31", "imap", 3),
		honest("203.0.113.8", "10-31", "web", 1), honest("203.0.113.9", "10-31", "web", 50))
	var danger, loss []string
	share := 0.0
	for _, x := range d.Danger {
		danger = append(danger, fmt.Sprintf("%s %v %d %s", x.Source, x.Events, x.Days, x.Last.Format("01-02 15:04")))
		share += x.Share
	}
	for _, x := range d.Loss {
		loss = append(loss, fmt.Sprintf("%s %s %d %s %v %v", x.Source, x.Service, x.Events, x.Last[5:], x.Offender, x.Lost))
	}
	if got, want := strings.Join(danger, "; "), "203.0.113.9 map[spam:2 ssh-login:180] 3 11-01 05:00; 203.0.113.7 map[ssh-login:60] 3 11-01 05:00"; got != want {
		t.Errorf("danger is of %s; expected %s", got, want)
	}
	if share < 1-1e-9 || share > 1+1e-9 {
		t.Errorf("the shares add up to %v; expected 1", share)
	}
	if got, want := strings.Join(loss, "; "), "203.0.113.8 imap 7 10-31 false false; 203.0.113.8 web 1 10-31 false false; 203.0.113.9 web 50 10-31 true true"; got != want {
		t.Errorf("loss is of %s; expected %s", got, want)
	}
	if x := d.Loss[2]; x.PerDay >= d.Loss[1].PerDay*1.01 {
		t.Errorf("an offender's 50 pages are worth %v; expected no more than one page, %v", x.PerDay, d.Loss[1].PerDay)
	}
}

func TestChoices(t *testing.T) {
	show := func(d decide.Dossier) string {
		var out []string
		for _, c := range d.Choices {
			out = append(out, fmt.Sprintf("%s %s %.0f: %s", c.What, joined(c.Ranges), c.Addresses, c.Why))
		}
		return strings.Join(out, "; ")
	}
	three := [][]history.Record{daily("203.0.113.1", "10-20", "11-01", 5), daily("203.0.113.9", "10-20", "11-01", 5), daily("203.0.113.70", "10-20", "11-01", 5)}
	for _, c := range []struct {
		name    string
		policy  string
		records []any
		want    string
	}{
		{"one address", waived, []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-30", "11-01", 20)},
			"chosen 203.0.113.7 1: costs least; narrower  0: leaves more danger than it spares; wider 203.0.113.6/31 2: loses more than the neighbours in it are worth"},
		{"a whole /24", waived, []any{hosting("203.0.112.0/22"), hosting("203.0.113.0/24"), three[0], three[1], three[2]},
			"chosen 203.0.113.0/24 256: costs least; neighbours of so many offenders are likely to be next; " +
				"narrower 203.0.113.0/25 128: spares less than the entries and neighbours are worth"},
		{"a wall beside it", waived, []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-30", "11-01", 20), protect("203.0.113.6", "10-01 00:00")},
			"chosen 203.0.113.7 1: costs least; narrower  0: leaves more danger than it spares"},
		{"wider than the policy allows", waived + "[range]\nwidest4 = 32\n", []any{hosting("203.0.113.0/24"), daily("203.0.113.6", "10-30", "11-01", 20), daily("203.0.113.7", "10-30", "11-01", 30)},
			"chosen 203.0.113.6 203.0.113.7 2: costs least; narrower 203.0.113.7 1: leaves more danger than it spares; wider 203.0.113.6/31 2: wider than the policy's widest range"},
		{"neither more lost nor more gained", waived + "[range]\nprior = 0.0\n", []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-30", "11-01", 20)},
			"chosen 203.0.113.7 1: costs least; narrower  0: leaves more danger than it spares; wider 203.0.113.6/31 2: is no cheaper, and wider"},
		{"nothing is blocked yet", "", []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-30", "11-01", 20)},
			"chosen 203.0.113.7 1: what would be blocked; narrower  0: leaves more danger than it spares; wider 203.0.113.6/31 2: loses more than the neighbours in it are worth"},
		{"as it was chosen when it began", waived, []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-30", "11-01", 20), block("203.0.113.0/28", "10-20 00:00", "11-20 00:00")},
			"chosen 203.0.113.0/28 16: as it was chosen when it began; narrower 203.0.113.7 1: would cost less by now; wider 203.0.113.0/27 32: loses more than the neighbours in it are worth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := show(explained(t, c.policy, c.records...)); got != c.want {
				t.Errorf("%s; expected %s", got, c.want)
			}
		})
	}
}

// TestNoChoiceIsCheaper holds for random worlds that of what is newly blocked neither the narrower nor the wider choice
// that walls and the policy allow costs less, and that a dossier is of the same case as the review.
func TestNoChoiceIsCheaper(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		for _, c := range decide.Judge(h, p, clock(now)).Cases {
			d, ok := decide.Explain(h, p, clock(now), c.Netblock)
			if !ok || asJSON(r, d.Case) != asJSON(r, c) {
				r.Fatalf("the dossier of %s is of another case", c.Netblock)
			}
			if c.Verdict != decide.BlockVerdict || !slices.Contains([]decide.Rule{decide.RuleExhausted, decide.RuleImmediate, decide.RuleRelapse}, c.Rule) {
				continue
			}
			for _, x := range d.Choices {
				if allowed := !strings.Contains(x.Why, "wider than the policy"); allowed && x.Cost < d.Choices[0].Cost-1e-9 {
					r.Fatalf("%s %s costs %v, chosen %s %v", x.What, joined(x.Ranges), x.Cost, joined(d.Choices[0].Ranges), d.Choices[0].Cost)
				}
				if x.What == decide.Wider && netblock.SetOf(x.Ranges...).Minus(netblock.SetOf(d.Choices[0].Ranges...)).IsEmpty() {
					r.Fatalf("%s is no wider than %s", joined(x.Ranges), joined(d.Choices[0].Ranges))
				}
			}
		}
	})
}
