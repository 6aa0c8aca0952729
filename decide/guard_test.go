package decide_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

// crowd is offenders, each with an honest address beside it that is worth the same in all, in netblocks 198.51.100.0/26 and up.
func crowd() []any {
	var out []any
	for i := range 3 {
		block := fmt.Sprintf("198.51.100.%d", i*64)
		out = append(out, hosting(block+"/26"), daily(fmt.Sprintf("198.51.100.%d", i*64+2), "10-20", "11-01", 40),
			daily(fmt.Sprintf("198.51.100.%d", i*64+3), "10-20", "11-01", 40), daily(fmt.Sprintf("198.51.100.%d", i*64+1), "10-20", "11-01", 40),
			honest(fmt.Sprintf("198.51.100.%d", i*64), "11-01", "web", int64(10*(i+1))))
	}
	return append(out, honest("198.18.0.1", "11-01", "web", 40))
}

// greedy is a policy that takes the honest neighbour for the sake of one range less.
const greedy = waived + "[range]\nentry_cost = 50.0\ngrow_min = 100\n"

func TestGuards(t *testing.T) {
	type guard struct {
		policy string
		want   []decide.Guard
	}
	all := []string{"198.51.100.0/26", "198.51.100.64/26", "198.51.100.128/26"}
	for name, c := range map[string]guard{
		"all fits": {greedy + "[guard]\nlost = 0.6", []decide.Guard{}},
		"the one that loses most is held back": {greedy + "[guard]\nlost = 0.3",
			[]decide.Guard{{Guard: "lost", Value: 0.6, Limit: 0.3, HeldBack: all[2:]}}},
		"and the next": {greedy + "[guard]\nlost = 0.29",
			[]decide.Guard{{Guard: "lost", Value: 0.6, Limit: 0.29, HeldBack: all[1:]}}},
		"so many ranges": {greedy + "[guard]\nlost = 1.0\nnew_ranges = 3", []decide.Guard{}},
		"more ranges":    {greedy + "[guard]\nlost = 1.0\nnew_ranges = 2", []decide.Guard{{Guard: "new_ranges", Value: 3, Limit: 2, HeldBack: all}}},
		"so many addresses": {greedy + "[guard]\nlost = 1.0\nnew_addresses = 12",
			[]decide.Guard{}},
		"more addresses": {greedy + "[guard]\nlost = 1.0\nnew_addresses = 11", []decide.Guard{{Guard: "new_addresses", Value: 12, Limit: 11, HeldBack: all}}},
		"each is measured on all": {greedy + "[guard]\nlost = 0.0\nnew_ranges = 0\nnew_addresses = 0", []decide.Guard{
			{Guard: "lost", Value: 0.6, Limit: 0, HeldBack: all}, {Guard: "new_ranges", Value: 3, HeldBack: all}, {Guard: "new_addresses", Value: 12, HeldBack: all}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := decide.Judge(gather(crowd()...), policy(t, c.policy), clock(now))
			if diff := cmp.Diff(c.want, r.Guards, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGuardsCountWhatIsNew(t *testing.T) {
	for name, c := range map[string]struct {
		records []any
		want    int
	}{
		"what stands isn't new":           {[]any{block("203.0.113.0/24", "10-20 02:00", "11-20 02:00"), honest("203.0.113.9", "11-01", "web", 1)}, 0},
		"an offender's own doesn't count": {append(attack(), honest("203.0.113.7", "11-01", "web", 1)), 0},
		"an IPv6 /64 is one address":      {[]any{daily("2001:db8:7:1::7", "10-20", "11-01", 9)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := decide.Judge(gather(c.records...), policy(t, waived+"[guard]\nlost = 0.0\nnew_addresses = 1"), clock(now))
			if len(r.Guards) != c.want {
				t.Errorf("guards are %v; expected %d", r.Guards, c.want)
			}
		})
	}
}

func TestProposed(t *testing.T) {
	r := decide.Judge(gather(append(crowd(), block("203.0.113.9", "10-01 02:00", "10-30 02:00"), block("192.0.2.9", "10-01 02:00", "11-30 02:00"),
		answer("192.0.2.0/24", history.HostileQuestion, "10-30 00:00", "no"))...), policy(t, greedy+"[guard]\nlost = 0.3"), clock(now))
	held := r.Proposed(nil)
	var blocks []string
	for _, b := range held.Blocks {
		blocks = append(blocks, b.Range.String()+" "+b.Case.String()+" "+b.By)
		if !b.From.Equal(r.At) || b.Reason == "" {
			t.Errorf("block %v; expected it to begin with the review and to name its reason", b)
		}
	}
	if diff := cmp.Diff([]string{"198.51.100.0/30 198.51.100.0/26 review", "198.51.100.64/30 198.51.100.64/26 review"}, blocks); diff != "" {
		t.Error(diff)
	}
	var releases []string
	for _, x := range held.Releases {
		releases = append(releases, x.Range.String()+" "+x.By+" "+x.At.Format("01-02"))
	}
	if diff := cmp.Diff([]string{"192.0.2.9 ops 11-02", "203.0.113.9 expiry 10-30"}, releases); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"lost": {"198.51.100.128/26"}}, held.HeldBack); diff != "" {
		t.Error(diff)
	}
	if free := r.Proposed([]string{"lost"}); len(free.Blocks) != 3 || len(free.HeldBack) != 0 {
		t.Errorf("with the risk accepted %d blocks and %v held back; expected 3 and none", len(free.Blocks), free.HeldBack)
	}
}

// TestProposedComesInForce holds that what a review proposes is in force once it is recorded, and stays so at the next.
func TestProposedComesInForce(t *testing.T) {
	p := policy(t, waived)
	h := gather(append(attack(), daily("203.0.113.99", "10-28", "11-01", 30), block("203.0.113.99", "10-20 02:00", "11-20 02:00"), hold("203.0.113.8", "10-20 00:00", "12-01 00:00"))...)
	r := decide.Judge(h, p, clock(now))
	next := r.Proposed(nil)
	h.Blocks, h.Releases = append(h.Blocks, next.Blocks...), append(h.Releases, next.Releases...)
	var want, got []string
	for _, b := range r.Cases[0].Blocks {
		want = append(want, fmt.Sprint(b.Range, " ", b.From, " ", *b.Until))
	}
	for _, s := range decide.InForce(h, p, clock(now)) {
		got = append(got, fmt.Sprint(s.Range, " ", s.From, " ", s.Until))
		if s.Reason == "" || s.By != "review" {
			t.Errorf("%s has reason %q by %q; expected its record's", s.Range, s.Reason, s.By)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if again := decide.Judge(h, p, clock(now)); again.Cases[0].Rule != decide.RuleInForce || again.Changes.Unchanged != len(want) {
		t.Errorf("the next review says %s, %+v; expected in-force and nothing changed", again.Cases[0].Rule, again.Changes)
	}
}

func TestInForce(t *testing.T) {
	mine := block("203.0.113.0/30", "10-20 02:00", "11-20 02:00")
	mine.Case = hosting("203.0.113.0/24").Prefix
	h := gather(mine, block("198.51.100.7", "10-20 02:00", ""), block("2001:db8::/64", "10-20 02:00", "11-20 02:00"), block("192.0.2.1", "10-01 02:00", "11-02 02:00"),
		block("192.0.2.2", "11-02 02:00", ""), block("192.0.2.3", "11-02 02:01", ""), protect("203.0.113.0", "10-01 00:00"), hold("2001:db8::1", "10-01 00:00", "12-01 00:00"))
	var got []string
	for _, s := range decide.InForce(h, policy(t, ""), clock(now)) {
		got = append(got, fmt.Sprintf("%s %v %s", s.Range, s.Case.IsValid(), s.Reason))
	}
	want := []string{"192.0.2.2 false exhausted: asked everyone", "198.51.100.7 false exhausted: asked everyone",
		"203.0.113.1 true exhausted: asked everyone", "203.0.113.2/31 true exhausted: asked everyone"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestInForceInShape has a block that is no prefix, of a time when the policy's shape was another one.
func TestInForceInShape(t *testing.T) {
	h := gather(block("192.0.2.1-192.0.2.6", "10-20 02:00", ""), block("198.51.100.0/30", "10-20 02:00", ""))
	for shape, want := range map[string]string{
		"cidr":  "192.0.2.1 192.0.2.2/31 192.0.2.4/31 192.0.2.6 198.51.100.0/30",
		"range": "192.0.2.1-192.0.2.6 198.51.100.0/30",
	} {
		p := policy(t, "[range]\nshape = \""+shape+"\"\n")
		var got []netblock.Range
		for _, s := range decide.InForce(h, p, clock(now)) {
			got = append(got, s.Range)
		}
		g := decide.Gathering{Now: clock(now)}
		for i := range h.Blocks {
			g.Add(&h.Blocks[i], int64(i), i, len(h.Blocks))
		}
		packed := g.InForce(h, p)
		var same []netblock.Range
		for i := range packed.Len() {
			same = append(same, packed.Range(i))
		}
		if joined(got) != want || joined(same) != want {
			t.Errorf("shape %s: %s, packed %s; expected %s", shape, joined(got), joined(same), want)
		}
	}
}

func TestExempted(t *testing.T) {
	past := protect("192.0.2.9", "10-01 00:00")
	past.Until = clock("10-30 00:00")
	h := gather(protect("203.0.113.0/29", "10-01 00:00"), hold("203.0.113.8", "10-01 00:00", "12-01 00:00"), past, protect("192.0.2.1", "11-03 00:00"))
	got := joined(decide.Exempted(h, policy(t, "[protect]\nranges = [\"198.51.100.7\"]"), clock(now)))
	if want := "198.51.100.7 203.0.113.0-203.0.113.8"; got != want {
		t.Errorf("exempted is %q; expected %q", got, want)
	}
}
