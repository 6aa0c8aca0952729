package decide_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"lastresort/decide"
	"lastresort/netblock"
)

func every(r *decide.Review) []netip.Prefix {
	var out []netip.Prefix
	for _, c := range r.Cases {
		out = append(out, c.Netblock)
	}
	return out
}

// TestStudyIsJudgeAndExplain holds a study of all cases to the review and to each case explained by itself.
func TestStudyIsJudgeAndExplain(t *testing.T) {
	same := cmp.Options{cmpopts.IgnoreUnexported(decide.Case{}), cmp.Comparer(func(a, b netblock.Range) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })}
	at := clock(now)
	rapid.Check(t, func(rt *rapid.T) {
		h, p := situation(rt, t)
		r, dossiers, err := decide.Study(h, p, at, every, func(int) error { return nil })
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(decide.Judge(h, p, at), r, same); diff != "" {
			rt.Fatalf("a study's review differs from the review:\n%s", diff)
		}
		if len(dossiers) != len(r.Cases) {
			rt.Fatalf("%d dossiers of %d cases", len(dossiers), len(r.Cases))
		}
		for i, d := range dossiers {
			alone, ok := decide.Explain(h, p, at, r.Cases[i].Netblock)
			if !ok {
				rt.Fatalf("%s is no case by itself", r.Cases[i].Netblock)
			}
			if diff := cmp.Diff(alone, d, same); diff != "" {
				rt.Fatalf("%s by itself differs:\n%s", r.Cases[i].Netblock, diff)
			}
			if diff := cmp.Diff(r.Cases[i], d.Case, same); diff != "" {
				rt.Fatalf("%s differs from the review:\n%s", r.Cases[i].Netblock, diff)
			}
		}
	})
}

func TestStudyStops(t *testing.T) {
	stop := errors.New("stop")
	h := gather(hosting("203.0.113.0/24"), daily("203.0.113.7", "10-28", "11-01", 20))
	_, dossiers, err := decide.Study(h, policy(t, ""), clock(now), func(*decide.Review) []netip.Prefix {
		return []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("203.0.113.0/24")}
	}, func(done int) error {
		if done == 1 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || dossiers != nil {
		t.Errorf("%v, %d dossiers", err, len(dossiers))
	}
}

// TestStudyKeepsToTheBudget holds the dossiers to the review where range.budget leaves ranges out.
func TestStudyKeepsToTheBudget(t *testing.T) {
	h := gather(hosting("203.0.113.0/24"), daily("203.0.113.7", "10-20", "11-01", 20), daily("203.0.113.200", "10-20", "11-01", 40))
	r, dossiers, err := decide.Study(h, policy(t, waived+"[range]\nbudget = 1\n"), clock(now), every, func(int) error { return nil })
	if err != nil || r.Budget == nil || len(dossiers) != 1 {
		t.Fatal(err, r.Budget, len(dossiers))
	}
	if len(r.Cases[0].Ranges) > 1 || !slices.Equal(r.Cases[0].Ranges, dossiers[0].Case.Ranges) {
		t.Errorf("the review blocks %v, the dossier %v", r.Cases[0].Ranges, dossiers[0].Case.Ranges)
	}
}

func TestSparedAndProtected(t *testing.T) {
	d := explained(t, waived, hosting("203.0.113.0/24"), daily("203.0.113.7", "10-20", "11-01", 20), honest("203.0.113.90", "10-30", "smtp", 5),
		protect("203.0.113.128/26", "09-01 08:00"), protect("198.51.100.0/24", "09-01 08:00"))
	if got := d.Case.Spared; !slices.Equal(got, []string{"203.0.113.90"}) {
		t.Errorf("spared %v", got)
	}
	if got := joined(d.Case.Protected); got != "203.0.113.128/26" {
		t.Errorf("protected %s", got)
	}
	for _, c := range []struct {
		name, policy string
		records      []any
		want         string
	}{
		{"near an offender of whom nothing is blocked", "", []any{daily("203.0.113.7", "10-20", "11-01", 20), honest("203.0.113.90", "10-30", "smtp", 5)}, "203.0.113.90"},
		{"near an offender whom no range is worth", waived + "[range]\nentry_cost = 1000.0\n", []any{daily("203.0.113.7", "10-20", "11-01", 20), honest("203.0.113.90", "10-30", "smtp", 5)}, "203.0.113.90"},
		{"near a range of which no offender is left", waived, []any{block("203.0.113.7", "10-01 02:00", "12-01 02:00"), honest("203.0.113.90", "10-30", "smtp", 5)}, "203.0.113.90"},
		{"in the range", waived, []any{block("203.0.113.0/25", "10-01 02:00", "12-01 02:00"), honest("203.0.113.90", "10-30", "smtp", 5), honest("203.0.113.190", "10-30", "smtp", 5)}, "203.0.113.190"},
		{"worth little", waived, []any{daily("203.0.113.7", "10-20", "11-01", 20), honest("203.0.113.90", "10-30", "web", 1)}, "203.0.113.90"},
		{"worth nothing", waived + "[loss.value]\nweb = 0.0\n", []any{daily("203.0.113.7", "10-20", "11-01", 20), honest("203.0.113.90", "10-30", "web", 1)}, ""},
	} {
		if got := strings.Join(explained(t, c.policy, append(c.records, hosting("203.0.113.0/24"))...).Case.Spared, " "); got != c.want {
			t.Errorf("%s: spared %q; expected %q", c.name, got, c.want)
		}
	}
	wide, ok := decide.Explain(gather(hosting("203.0.112.0/22"), daily("203.0.113.7", "10-20", "11-01", 20), honest("203.0.114.90", "10-30", "smtp", 5)), policy(t, waived), clock(now),
		netip.MustParsePrefix("203.0.112.0/22"))
	if !ok || wide.Case.Spared != nil {
		t.Errorf("spared %v, in another /24 than any offender", wide.Case.Spared)
	}
	beside, ok := decide.Explain(gather(hosting("203.0.112.0/22"), block("203.0.112.7", "10-20 02:00", "11-20 02:00"), hit("203.0.113.7", "11-01", 9), honest("203.0.113.90", "10-30", "smtp", 5)),
		policy(t, waived), clock(now), netip.MustParsePrefix("203.0.112.0/22"))
	if !ok || !slices.Equal(beside.Case.Spared, []string{"203.0.113.90"}) {
		t.Errorf("spared %v; expected the one near an offender outside what is blocked", beside.Case.Spared)
	}
}

func TestDossierTellsDaysAndBlocks(t *testing.T) {
	d := explained(t, waived, hosting("203.0.113.0/24"), hit("203.0.113.7", "10-30", 20), hit("203.0.113.9", "10-30", 5), hit("203.0.113.7", "11-01", 7),
		block("203.0.113.7", "10-01 02:00", "10-15 02:00"), block("203.0.113.8/30", "10-05 02:00", "10-20 02:00"), release("203.0.113.8/30", "10-18 02:00", "ops"))
	if got := fmt.Sprint(d.Seen); got != "[{2026-10-30 25} {2026-11-01 7}]" {
		t.Errorf("seen %s", got)
	}
	if len(d.Blocked) != 1 || d.Blocked[0].Step != 1 || !d.Blocked[0].From.Equal(clock("10-01 02:00")) || d.Blocked[0].End == nil || !d.Blocked[0].End.Equal(clock("10-15 02:00")) || joined(d.Blocked[0].Ranges) != "203.0.113.7" {
		t.Errorf("blocked %+v", d.Blocked)
	}
}
