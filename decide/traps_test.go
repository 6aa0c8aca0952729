package decide_test

import (
	"fmt"
	"net/netip"
	"testing"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

// TestTrapTwoAddressesBecomeARange has two bad addresses far apart in a netblock, one that is noisy, and several close
// together beside somebody honest: none of them takes a neighbour with it.
func TestTrapTwoAddressesBecomeARange(t *testing.T) {
	quiet := hosting("203.0.112.0/20")
	check(t, []judged{
		{name: "two of a /20", policy: waived, of: "203.0.112.0/20", records: []any{quiet, daily("203.0.113.7", "10-05", "11-01", 30), daily("203.0.120.9", "10-05", "11-01", 30)},
			want: map[string]string{"ranges": "203.0.113.7 203.0.120.9"}},
		{name: "two of a /24", policy: waived, of: "203.0.112.0/20", records: []any{quiet, daily("203.0.113.7", "10-05", "11-01", 30), daily("203.0.113.9", "10-05", "11-01", 30)},
			want: map[string]string{"ranges": "203.0.113.7 203.0.113.9"}},
		{name: "one, however noisy", policy: waived, of: "203.0.112.0/20", records: []any{quiet, daily("203.0.113.7", "10-05", "11-01", 1_000_000)},
			want: map[string]string{"ranges": "203.0.113.7"}},
		{name: "several, with somebody honest near", policy: waived, of: "203.0.112.0/20", records: []any{quiet, daily("203.0.113.4", "10-05", "11-01", 500), daily("203.0.113.6", "10-05", "11-01", 500),
			daily("203.0.113.8", "10-05", "11-01", 500), honest("203.0.113.200", "11-01", "web", 1)},
			want: map[string]string{"ranges": "203.0.113.4 203.0.113.6 203.0.113.8"}},
		{name: "several, with nobody", policy: waived, of: "203.0.112.0/20", records: []any{quiet, daily("203.0.113.4", "10-05", "11-01", 500), daily("203.0.113.6", "10-05", "11-01", 500),
			daily("203.0.113.8", "10-05", "11-01", 500)}, want: map[string]string{"ranges": "203.0.113.0/24"}},
	})
}

// TestTrapAProviderIsBannedWhole has an offender in each of 300 networks of a provider with one wide netblock, and one behind
// the shared addresses of a carrier.
func TestTrapAProviderIsBannedWhole(t *testing.T) {
	provider := hosting("198.18.0.0/15")
	records := []any{provider}
	for i := range 300 {
		records = append(records, daily(fmt.Sprintf("198.%d.%d.7", 18+i/200, i%200), "10-25", "11-01", 500))
	}
	p := policy(t, waived+"[range]\nshape = \"range\"\nprior = 0.0\nentry_cost = 100.0\n") // the price asks for one range over all
	r := decide.Judge(gather(records...), p, clock(now))
	if len(r.Cases) != 1 || len(r.Cases[0].Ranges) < 300 {
		t.Fatalf("%d cases", len(r.Cases))
	}
	for _, x := range r.Cases[0].Ranges {
		if x.Units() > 256 {
			t.Errorf("%s is wider than the policy's widest", x)
		}
	}
	_, refused := decide.CheckBlock(gather(records...), p, clock(now), rng("198.18.0.0/15"))
	if len(refused) == 0 {
		t.Error("all of it by hand isn't refused")
	}

	shared := hosting("203.0.113.0/24")
	shared.Assignment = history.CGNAT
	check(t, []judged{{name: "behind a carrier's NAT", policy: waived, records: []any{shared, daily("203.0.113.7", "10-05", "11-01", 500)},
		want: map[string]string{"ranges": "203.0.113.7", "until": "11-03 02:00"}}})
}

// TestTrapListsHoldSpecialRanges has what isn't a stranger's in lists of others and in our own logs: nobody is blocked, even
// if others say so in great number, and a private address of our own logs only where the policy opens them.
func TestTrapListsHoldSpecialRanges(t *testing.T) {
	special := []string{"127.0.0.1", "0.1.2.3", "169.254.1.1", "224.0.0.9", "255.255.255.255", "10.1.2.3", "172.16.1.1", "192.168.1.1", "100.64.1.1",
		"::1", "fe80::1", "ff02::1", "fd00::1"}
	var ours, others []any
	for _, a := range special {
		for _, x := range daily(a, "10-25", "11-01", 100_000) {
			s := x.(history.Sighting)
			ours = append(ours, s)
			others = append(others, byOthers(s))
		}
	}
	blocked := func(policyText string, records []any) (out []netblock.Range) {
		r := decide.Judge(gather(records...), policy(t, policyText), clock(now))
		for _, c := range r.Cases {
			out = append(out, c.Ranges...)
		}
		return out
	}
	if got := blocked(waived+"[range]\nprivate = true\n", others); len(got) > 0 {
		t.Errorf("for others' sake %v", got)
	}
	if got := blocked(waived, ours); len(got) > 0 {
		t.Errorf("of our own logs %v", got)
	}
	private := netblock.SetOf(rng("10.0.0.0/8"), rng("172.16.0.0/12"), rng("192.168.0.0/16"), rng("100.64.0.0/10"), rng("fc00::/7"))
	got := blocked(waived+"[range]\nprivate = true\n", ours)
	if len(got) != 5 {
		t.Errorf("with private ranges opened %v; expected five", got)
	}
	for _, r := range got {
		if !private.Covers(r) {
			t.Errorf("with private ranges opened %s", r)
		}
	}
}

// TestTrapAnUnbanComesBackAtOnce lets an offender go on attacking after it was let in by hand: no review blocks it again while
// the hold lasts.
func TestTrapAnUnbanComesBackAtOnce(t *testing.T) {
	records := []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-05", "11-01", 500), block("203.0.113.7", "10-20 02:00", "11-20 02:00"),
		release("203.0.113.7", "10-25 02:00", "ops"), hold("203.0.113.7", "10-25 02:00", "11-24 02:00")}
	check(t, []judged{
		{name: "the next night", policy: waived, at: "2026-10-26T02:00:00Z", records: records, want: map[string]string{"rule": "exempt hold", "ranges": ""}},
		{name: "a week later", policy: waived, records: records, want: map[string]string{"rule": "exempt hold", "ranges": ""}},
		{name: "an hour before its end", policy: waived, at: "2026-11-24T01:00:00Z", records: records, want: map[string]string{"rule": "exempt hold", "ranges": ""}},
		{name: "without the hold", policy: waived, records: records[:4], want: map[string]string{"ranges": "203.0.113.7"}},
	})
}

// TestTrapHistoryIsShorterThanTheLadder has the blocks on which a step of the ladder rests years back, with a policy whose
// windows reach that far: records are never dropped, so that no window can be longer than they are kept.
func TestTrapHistoryIsShorterThanTheLadder(t *testing.T) {
	old := block("203.0.113.7", "2019-01-01T02:00:00Z", "2019-01-15T02:00:00Z")
	records := []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-31", "11-01", 6), old, asked("203.0.113.7")}
	far := "[length]\nrelapse = \"3650d\"\n"
	h := gather(records...)
	with := decide.Judge(h, policy(t, far), clock(now))
	without := decide.Judge(h, policy(t, ""), clock(now))
	a, b := caseOf(&with, netip.MustParsePrefix("203.0.113.0/24")), caseOf(&without, netip.MustParsePrefix("203.0.113.0/24"))
	if got := field(t, a, "rule") + " " + field(t, a, "until"); got != "block relapse 12-02 02:00" {
		t.Errorf("with a window of ten years %s; expected the second step", got)
	}
	if got := field(t, b, "until"); got != "11-16 02:00" {
		t.Errorf("with the default's until %s; expected the first step", got)
	}
}
