package decide_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"lastresort/decide"
	"lastresort/decide/history"
)

// refusals judges a block by hand and prints what speaks against it.
func refusals(t *testing.T, policyText, where string, records ...any) (string, string) {
	t.Helper()
	key, list := decide.CheckBlock(gather(records...), policy(t, policyText), clock(now), rng(where))
	var out []string
	for _, r := range list {
		text := r.Guard + ": " + r.Why + " | " + r.Way
		if r.Risk {
			text += " (risk)"
		}
		out = append(out, text)
	}
	return key.String(), strings.Join(out, "; ")
}

func TestCheckBlock(t *testing.T) {
	inner := hosting("203.0.113.64/26")
	wideYes := answer("203.0.112.0/23", history.RangeQuestion, "10-20 00:00", "yes")
	for _, c := range []struct {
		name, policy, where string
		records             []any
		key, want           string
	}{
		{"nothing speaks against it", "", "203.0.113.0/28", []any{hosting("203.0.113.0/24")}, "203.0.113.0/24", ""},
		{"unregistered: its group", "", "203.0.113.0/28", nil, "203.0.113.0/24", ""},
		{"protected by policy", "[protect]\nranges = [\"203.0.113.8/29\"]\n", "203.0.113.0/28", nil, "203.0.113.0/24",
			"protected: 203.0.113.8/29 is protected by the policy's 203.0.113.8/29 | take it out of the policy's protect.ranges, or lastresort protect --lift 203.0.113.8/29"},
		{"on hold", "", "203.0.113.0/28", []any{hold("203.0.113.9", "10-20 00:00", "12-01 00:00")}, "203.0.113.0/24",
			"protected: 203.0.113.9 is on hold as 203.0.113.9 until 2026-12-01 (customer) | lastresort unblock --lift-hold 203.0.113.9"},
		{"never blocked by nature", "", "127.0.0.1", nil, "127.0.0.0/24",
			"protected: 127.0.0.0/8 is loopback (RFC 1122) | range.private opens private and shared ranges; the others are never blocked"},
		{"across the border of its group", "[range]\nwidest4 = 8\n", "203.0.112.0/23", nil, "203.0.112.0/24",
			"border: 203.0.112.0/23 lies across the border of 203.0.112.0/24 | block the part in each netblock by itself"},
		{"over a netblock inside its own", "", "203.0.113.0/24", []any{hosting("203.0.113.0/24"), inner}, "203.0.113.0/24",
			"border: 203.0.113.0/24 covers some of 203.0.113.64/26, a netblock inside 203.0.113.0/24 | block the part in each netblock by itself"},
		{"beside a netblock inside its own", "", "203.0.113.0/26", []any{hosting("203.0.113.0/24"), inner}, "203.0.113.0/24", ""},
		{"as wide as the policy allows", "", "203.0.113.0/24", []any{hosting("203.0.112.0/23")}, "203.0.112.0/23", ""},
		{"wider", "", "203.0.112.0/23", []any{hosting("203.0.112.0/23")}, "203.0.112.0/23",
			"widest: 203.0.112.0/23 holds 512 addresses; the policy's widest range holds 256 | lastresort answer range=yes 203.0.112.0/23"},
		{"wider by an answer", "", "203.0.112.0/23", []any{hosting("203.0.112.0/23"), wideYes}, "203.0.112.0/23", ""},
		{"wider by an answer, of a case", "", "203.0.112.0/23", []any{hosting("203.0.112.0/23"), wideYes, hit("203.0.113.7", "11-01", 9)}, "203.0.112.0/23", ""},
		{"an answer for another netblock", "", "203.0.112.0/23", []any{hosting("203.0.112.0/23"), answer("203.0.112.0/22", history.RangeQuestion, "10-20 00:00", "yes")}, "203.0.112.0/23",
			"widest: 203.0.112.0/23 holds 512 addresses; the policy's widest range holds 256 | lastresort answer range=yes 203.0.112.0/23"},
		{"an answer to another question", "", "203.0.112.0/23", []any{hosting("203.0.112.0/23"), answer("203.0.112.0/23", history.HostileQuestion, "10-20 00:00", "yes")}, "203.0.112.0/23",
			"widest: 203.0.112.0/23 holds 512 addresses; the policy's widest range holds 256 | lastresort answer range=yes 203.0.112.0/23"},
		{"a later no", "", "203.0.112.0/23", []any{hosting("203.0.112.0/23"), wideYes, answer("203.0.112.0/23", history.RangeQuestion, "10-21 00:00", "no")}, "203.0.112.0/23",
			"widest: 203.0.112.0/23 holds 512 addresses; the policy's widest range holds 256 | lastresort answer range=yes 203.0.112.0/23"},
		{"an earlier no, recorded later", "", "203.0.112.0/23", []any{hosting("203.0.112.0/23"), wideYes, answer("203.0.112.0/23", history.RangeQuestion, "10-19 00:00", "no")}, "203.0.112.0/23", ""},
		{"as many addresses as the guard allows", "[guard]\nnew_addresses = 256\n", "203.0.113.0/24", nil, "203.0.113.0/24", ""},
		{"one more", "[guard]\nnew_addresses = 255\n", "203.0.113.0/24", nil, "203.0.113.0/24",
			"new_addresses: 203.0.113.0/24 holds 256 addresses; guard.new_addresses is 255 |  (risk)"},
		{"an IPv6 customer is one address", "[guard]\nnew_addresses = 1\n", "2001:db8::/64", nil, "2001:db8::/48", ""},
		{"an IPv6 range is counted in customers", "", "2001:db8::/63", nil, "2001:db8::/48",
			"widest: 2001:db8::/63 holds 2 addresses; the policy's widest range holds 1 | lastresort answer range=yes 2001:db8::/48"},
		{"all of the honest traffic that is known", "", "203.0.113.8", []any{honest("203.0.113.8", "10-30", "imap", 10)}, "203.0.113.0/24",
			"lost: 203.0.113.8 loses 1 of all known honest traffic; guard.lost is 0.01 |  (risk)"},
		{"a share of it", "", "203.0.113.8", []any{honest("203.0.113.8", "10-30", "imap", 1), honest("198.51.100.8", "10-30", "imap", 3)}, "203.0.113.0/24",
			"lost: 203.0.113.8 loses 0.25 of all known honest traffic; guard.lost is 0.01 |  (risk)"},
		{"no more than the guard allows", "[guard]\nlost = 0.25\n", "203.0.113.8", []any{honest("203.0.113.8", "10-30", "imap", 1), honest("198.51.100.8", "10-30", "imap", 3)}, "203.0.113.0/24", ""},
		{"an offender's own doesn't count", "", "203.0.113.8", []any{hit("203.0.113.8", "11-01", 9), honest("203.0.113.8", "10-30", "imap", 10), honest("198.51.100.8", "10-30", "imap", 3)},
			"203.0.113.0/24", ""},
		{"nothing honest is known", "[guard]\nlost = 0.0\n", "203.0.113.8", nil, "203.0.113.0/24", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, got := refusals(t, c.policy, c.where, c.records...)
			if key != c.key || got != c.want {
				t.Errorf("%s: %s; expected %s: %s", key, got, c.key, c.want)
			}
		})
	}
}

func TestWhatIsNeverBlocked(t *testing.T) {
	for _, c := range []struct {
		addr    string
		why     string // "" where it may be blocked
		private bool   // whether range.private opens it
	}{
		{"0.0.0.0", "this network (RFC 791)", false}, {"0.255.255.255", "this network (RFC 791)", false}, {"1.0.0.0", "", false},
		{"126.255.255.255", "", false}, {"127.0.0.0", "loopback (RFC 1122)", false}, {"127.255.255.255", "loopback (RFC 1122)", false}, {"128.0.0.0", "", false},
		{"169.253.255.255", "", false}, {"169.254.0.0", "link local (RFC 3927)", false}, {"169.254.255.255", "link local (RFC 3927)", false}, {"169.255.0.0", "", false},
		{"223.255.255.255", "", false}, {"224.0.0.0", "multicast and reserved (RFC 5771, RFC 1112)", false}, {"255.255.255.255", "multicast and reserved (RFC 5771, RFC 1112)", false},
		{"9.255.255.255", "", false}, {"10.0.0.0", "private (RFC 1918)", true}, {"10.255.255.255", "private (RFC 1918)", true}, {"11.0.0.0", "", false},
		{"172.15.255.255", "", false}, {"172.16.0.0", "private (RFC 1918)", true}, {"172.31.255.255", "private (RFC 1918)", true}, {"172.32.0.0", "", false},
		{"192.167.255.255", "", false}, {"192.168.0.0", "private (RFC 1918)", true}, {"192.168.255.255", "private (RFC 1918)", true}, {"192.169.0.0", "", false},
		{"100.63.255.255", "", false}, {"100.64.0.0", "shared (RFC 6598)", true}, {"100.127.255.255", "shared (RFC 6598)", true}, {"100.128.0.0", "", false},
		{"::1", "outside 2000::/3, no global unicast (RFC 4291)", false}, {"1fff:ffff::", "outside 2000::/3, no global unicast (RFC 4291)", false},
		{"2000::", "", false}, {"3fff:ffff::", "", false}, {"4000::", "outside 2000::/3, no global unicast (RFC 4291)", false},
		{"fc00::", "unique local (RFC 4193)", true}, {"fdff:ffff::", "unique local (RFC 4193)", true}, {"fe80::1", "outside 2000::/3, no global unicast (RFC 4291)", false},
		{"ff02::1", "outside 2000::/3, no global unicast (RFC 4291)", false}, {"203.0.113.7", "", false}, {"2001:db8::1", "", false},
	} {
		for _, open := range []bool{false, true} {
			text := fmt.Sprintf("[range]\nprivate = %v\n", open)
			got := decide.LimitOn(gather(), policy(t, text), clock(now), rng(netip.MustParseAddr(c.addr).String()))
			want := c.why != "" && !(open && c.private)
			if (got != "") != want || want && !strings.HasSuffix(got, " is "+c.why) {
				t.Errorf("%s with range.private = %v: %q; expected %q: %v", c.addr, open, got, c.why, want)
			}
		}
		// What is never blocked by nature needs no place in the allow set.
		if list := decide.Exempted(gather(), policy(t, ""), clock(now)); len(list) != 0 {
			t.Fatalf("%v is let in", list)
		}
	}
}

func TestAHoldGoesBeforeAProtectedRange(t *testing.T) {
	wall := func(records ...any) string {
		return decide.LimitOn(gather(records...), policy(t, "[protect]\nranges = [\"203.0.113.0/30\"]\n"), clock(now), rng("203.0.113.0/28"))
	}
	held, protected := hold("203.0.113.8", "10-20 00:00", "12-01 00:00"), protect("203.0.113.12", "10-20 00:00")
	unexplained := protected
	unexplained.Range, unexplained.Reason = rng("203.0.113.0/31"), ""
	for _, c := range []struct {
		records []any
		want    string
	}{
		{nil, "203.0.113.0/30 is protected by the policy's 203.0.113.0/30"},
		{[]any{held}, "203.0.113.8 is on hold as 203.0.113.8 until 2026-12-01 (customer)"},
		{[]any{held, hold("203.0.113.9", "10-20 00:00", "12-02 00:00")}, "203.0.113.8 is on hold as 203.0.113.8 until 2026-12-01 (customer)"},
		{[]any{protected}, "203.0.113.0/30 is protected by the policy's 203.0.113.0/30"},
		{[]any{unexplained}, "203.0.113.0/31 is protected as 203.0.113.0/31"},
		{[]any{hold("203.0.113.64", "10-20 00:00", "12-01 00:00")}, "203.0.113.0/30 is protected by the policy's 203.0.113.0/30"},
	} {
		if got := wall(c.records...); got != c.want {
			t.Errorf("%q; expected %q", got, c.want)
		}
	}
}
