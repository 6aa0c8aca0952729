package decide_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lastresort/decide"
)

func TestBudget(t *testing.T) {
	records := []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-05", "11-01", 30), daily("203.0.113.200", "10-05", "11-01", 9),
		hosting("198.51.100.0/24"), daily("198.51.100.9", "10-05", "11-01", 20),
		hosting("192.0.2.0/24"), daily("192.0.2.9", "10-05", "11-01", 12), block("192.0.2.9", "10-20 00:00", "11-19 00:00")}
	judge := func(budget string) decide.Review {
		return decide.Judge(gather(records...), policy(t, "[path]\nrequired = false\n[range]\nbudget = "+budget), clock(now))
	}
	ranges := func(r *decide.Review) string {
		var out []string
		for _, c := range r.Cases {
			for _, x := range c.Ranges {
				out = append(out, x.String())
			}
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ budget, want string }{
		{"0", "192.0.2.9 198.51.100.9 203.0.113.7 203.0.113.200"},
		{"4", "192.0.2.9 198.51.100.9 203.0.113.7 203.0.113.200"},
		{"3", "192.0.2.9 198.51.100.9 203.0.113.0/24"}, // one for two costs less than leaving the lesser
		{"2", "192.0.2.9 203.0.113.0/24"},              // the least dangerous goes, but not what stands
		{"1", "192.0.2.9"},
	} {
		r := judge(c.budget)
		if got := ranges(&r); got != c.want {
			t.Errorf("held to %s, %s is blocked; expected %s", c.budget, got, c.want)
		}
		if full := c.budget > "0" && c.budget < "4"; full != (r.Budget != nil) {
			t.Fatalf("held to %s, the review says %+v", c.budget, r.Budget)
		}
	}
	r := judge("2")
	full := caseOf(&r, gather(records...).Netblocks[1].Prefix)
	if field(t, full, "rule") != "watch loss" || full.Evidence != "rule exhausted applies, but the list is full: range.budget is 2, and others' ranges save more" {
		t.Errorf("%s: %s", field(t, full, "rule"), full.Evidence)
	}
	endured := full.Danger.PerDay // the rest of what it costs is one wide range for two addresses
	if b := *r.Budget; b.Limit != 2 || b.Wanted != 4 || b.Ranges != 2 || b.Added <= endured || b.Added > endured+0.9 || b.Gap > 1e-6 {
		t.Errorf("the review says %+v", b)
	}
}

// TestBudgetHolds holds that no more new ranges are wanted than the budget leaves room for.
func TestBudgetHolds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		before := decide.Judge(h, p, clock(now))
		p.Range.Budget = rapid.IntRange(1, 6).Draw(r, "budget")
		after := decide.Judge(h, p, clock(now))
		standing, wanted, added := 0, 0, 0
		for _, c := range after.Cases {
			wanted += len(c.Ranges)
			added += len(c.Changed.Add)
		}
		for _, c := range before.Cases {
			standing += len(c.Ranges) - len(c.Changed.Add)
		}
		if wanted > p.Range.Budget && added > 0 && wanted > standing {
			r.Fatalf("%d ranges are wanted, %d of them new, with %d standing and a budget of %d", wanted, added, standing, p.Range.Budget)
		}
		inBudget := after.Budget == nil || after.Budget.Ranges == wanted && after.Budget.Gap >= 0
		if !inBudget {
			r.Fatalf("%+v of %d ranges", after.Budget, wanted)
		}
	})
}
