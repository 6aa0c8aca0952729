package decide_test

import (
	"testing"

	"lastresort/decide/history"
)

func TestExempt(t *testing.T) {
	standing := block("203.0.113.7", "10-20 02:00", "11-20 02:00")
	takenBack, pastHold := protect("203.0.113.7", "10-02 00:00"), hold("203.0.113.7", "10-02 00:00", "11-01 00:00")
	takenBack.Until = clock("11-01 00:00")
	check(t, []judged{
		{name: "protected", records: with(attack(), protect("203.0.113.0/28", "10-01 00:00")), want: map[string]string{"rule": "exempt protected", "ranges": "", "actions": ""}},
		{name: "by the policy", policy: "[protect]\nranges = [\"203.0.113.7\"]", records: attack(), want: map[string]string{"rule": "exempt protected"}},
		{name: "on hold", records: with(attack(), hold("203.0.113.7", "10-01 00:00", "12-01 00:00")), want: map[string]string{"rule": "exempt hold"}},
		{name: "hold where one is", records: with(attack(), hit("203.0.113.9", "11-01", 9), protect("203.0.113.7", "10-01 00:00"), hold("203.0.113.9", "10-01 00:00", "12-01 00:00")), want: map[string]string{"rule": "exempt hold"}},
		{name: "a hold ends at its until", at: "12-01 00:00", records: []any{daily("203.0.113.7", "11-20", "11-30", 9), hold("203.0.113.7", "10-01 00:00", "12-01 00:00")}, want: map[string]string{"rule": "pursue path-open"}},
		{name: "a second before it holds", at: "2026-11-30T23:59:59Z", records: []any{daily("203.0.113.7", "11-20", "11-30", 9), hold("203.0.113.7", "10-01 00:00", "12-01 00:00")}, want: map[string]string{"rule": "exempt hold"}},
		{name: "a protect taken back", records: with(attack(), protect("203.0.113.7", "10-01 00:00"), takenBack), want: map[string]string{"rule": "pursue path-open"}},
		{name: "a hold taken back", records: with(attack(), hold("203.0.113.7", "10-01 00:00", "12-01 00:00"), pastHold), want: map[string]string{"rule": "pursue path-open"}},
		{name: "one not known yet", records: with(attack(), protect("203.0.113.7", "11-02 03:00")), want: map[string]string{"rule": "pursue path-open"}},
		{name: "one of several is a wall", policy: "[path]\nrequired = false", records: with(attack(), daily("203.0.113.9", "10-20", "11-01", 9), protect("203.0.113.7", "10-01 00:00")), want: map[string]string{"rule": "block exhausted", "ranges": "203.0.113.9"}},
		{name: "a block stands elsewhere", records: with(attack(), protect("203.0.113.7", "10-01 00:00"), block("203.0.113.9", "10-20 02:00", "11-20 02:00")), want: map[string]string{"rule": "block in-force", "ranges": "203.0.113.9"}},
		{name: "what stood of it has come to be protected", records: with(attack(), standing, protect("203.0.113.7", "11-01 00:00")), want: map[string]string{"rule": "exempt protected"}},
		{name: "private by nature", records: []any{daily("10.1.2.3", "10-20", "11-01", 9)}, of: "10.1.2.0/24", want: map[string]string{"rule": "exempt protected"}},
		{name: "unless the policy opens it", policy: "[range]\nprivate = true", records: []any{daily("10.1.2.3", "10-20", "11-01", 9)}, of: "10.1.2.0/24", want: map[string]string{"rule": "pursue path-open"}},
		{name: "loopback never", policy: "[range]\nprivate = true", records: []any{daily("127.0.0.3", "10-20", "11-01", 9)}, of: "127.0.0.0/24", want: map[string]string{"rule": "exempt protected"}},
		{name: "what is no global unicast", records: []any{daily("64:ff9b::7", "10-20", "11-01", 9)}, of: "64:ff9b::/48", want: map[string]string{"rule": "exempt protected"}},
		{name: "a touched /64 is walled", records: []any{daily("2001:db8:7:1::7", "10-20", "11-01", 9), protect("2001:db8:7:1:ffff::/80", "10-01 00:00")}, of: "2001:db8:7::/48", want: map[string]string{"rule": "exempt protected"}},
	})
}

func TestStandingRules(t *testing.T) {
	standing := block("203.0.113.7", "10-20 02:00", "11-20 02:00")
	forever := block("203.0.113.7", "10-01 02:00", "")
	dur := func(at, text string) history.Answer {
		return answer("203.0.113.0/24", history.DurationQuestion, at, text)
	}
	beside := func(from string) []history.Record { return daily("203.0.113.99", from, "11-01", 40) }
	check(t, []judged{
		{name: "not hostile releases", records: with(attack(), standing, answer("203.0.113.0/24", history.HostileQuestion, "10-25 00:00", "no")), want: map[string]string{"rule": "release not-hostile", "ranges": "", "until": "none", "actions": ""}},
		{name: "fixed releases", records: with(attack()[:1], daily("203.0.113.7", "10-05", "10-20", 9), report("R1", "10-10 09:00", "203.0.113.7"), standing, response("R1", "10-21 09:00", history.Fixed)), want: map[string]string{"rule": "release fixed", "ranges": ""}},
		{name: "rejudged", records: with(attack(), forever, dur("10-01 02:00", "temporary")), want: map[string]string{"rule": "release rejudged"}},
		{name: "answered before it began", records: with(attack(), forever, dur("2026-10-01T01:59:59Z", "temporary")), want: map[string]string{"rule": "block in-force", "until": "none", "blocks": "203.0.113.7 10-01 02:00 for good"}},
		{name: "in force", records: with(attack(), standing), want: map[string]string{"rule": "block in-force", "ranges": "203.0.113.7", "until": "11-20 02:00", "blocks": "203.0.113.7 10-20 02:00 11-20 02:00",
			"actions": "11-02 report abuse@example.net 203.0.113.7"}},
		{name: "it has run out at its until", at: "11-20 02:00", records: []any{standing}, want: map[string]string{"rule": "release expired"}},
		{name: "released in part", records: []any{block("203.0.113.0/30", "10-20 02:00", "11-20 02:00"), release("203.0.113.2", "10-25 00:00", "ops")}, want: map[string]string{"ranges": "203.0.113.0/31 203.0.113.3"}},
		{name: "a release before it began is another's", records: []any{standing, release("203.0.113.7", "2026-10-20T01:59:59Z", "ops")}, want: map[string]string{"rule": "block in-force"}},
		{name: "a release by expiry ends nothing before the until", records: []any{standing, release("203.0.113.7", "10-25 00:00", history.ByExpiry)}, want: map[string]string{"rule": "block in-force"}},
		{name: "held in part, in prefixes", records: []any{block("203.0.113.0/29", "10-20 02:00", "11-20 02:00"), hold("203.0.113.3", "10-25 00:00", "12-01 00:00")}, want: map[string]string{"ranges": "203.0.113.0/31 203.0.113.2 203.0.113.4/30"}},
		{name: "held in part, in ranges", policy: "[range]\nshape = \"range\"", records: []any{block("203.0.113.0/29", "10-20 02:00", "11-20 02:00"), hold("203.0.113.3", "10-25 00:00", "12-01 00:00")}, want: map[string]string{"ranges": "203.0.113.0-203.0.113.2 203.0.113.4/30"}},
		{name: "of two over each other the longer", records: []any{block("203.0.113.0/30", "10-20 02:00", "11-10 02:00"), block("203.0.113.2", "10-21 02:00", "11-20 02:00")}, want: map[string]string{
			"blocks": "203.0.113.0/31 10-20 02:00 11-10 02:00; 203.0.113.2 10-21 02:00 11-20 02:00; 203.0.113.3 10-20 02:00 11-10 02:00", "until": "11-20 02:00"}},
		{name: "the same block twice is one", records: []any{standing, standing}, want: map[string]string{"ranges": "203.0.113.7"}},
		{name: "spread beside it ends with it", policy: "[path]\nrequired = false", records: with(attack(), standing, beside("10-20")), want: map[string]string{"rule": "block spread", "ranges": "203.0.113.7 203.0.113.99", "until": "11-20 02:00",
			"blocks": "203.0.113.7 10-20 02:00 11-20 02:00; 203.0.113.99 11-02 02:00 11-20 02:00", "actions": "11-02 give-alternate-contact abuse@example.net 203.0.113.99"}},
		{name: "taken alone the path is open", records: with(attack(), standing, hit("203.0.113.99", "11-01", 9)), want: map[string]string{"rule": "block in-force"}},
		{name: "seen before it began", policy: "[path]\nrequired = false", records: with(attack(), standing, daily("203.0.113.99", "10-05", "10-19", 40)), want: map[string]string{"rule": "block in-force"}},
		{name: "seen the moment it began", policy: "[path]\nrequired = false\n[hostile]\nrecent = \"30d\"", records: with(attack(), standing, daily("203.0.113.99", "10-05", "10-19", 40), moment("203.0.113.99", "10-20 02:00", 1)), want: map[string]string{"rule": "block spread"}},
		{name: "taken alone on one day we aren't positive", policy: "[path]\nrequired = false", records: with(attack(), standing, hit("203.0.113.99", "11-01", 9)), want: map[string]string{"rule": "block in-force"}},
		{name: "a standing range in an added one goes into it", policy: "[path]\nrequired = false", records: with(attack(), standing, daily("203.0.113.4", "10-20", "11-01", 30), daily("203.0.113.100", "10-20", "11-01", 30), daily("203.0.113.200", "10-20", "11-01", 30)),
			want: map[string]string{"rule": "block spread", "blocks": "203.0.113.0/24 11-02 02:00 11-20 02:00"}},
		{name: "beside a permanent one by the ladder", policy: "[path]\nrequired = false", records: with(attack(), forever, daily("203.0.113.99", "10-31", "11-01", 9)), want: map[string]string{"rule": "block spread", "until": "11-16 02:00",
			"blocks": "203.0.113.7 10-01 02:00 for good; 203.0.113.99 11-02 02:00 11-16 02:00"}},
		{name: "a permanent one is a wall for it", policy: "[path]\nrequired = false", records: with(attack(), forever, daily("203.0.113.4", "10-20", "11-01", 30), daily("203.0.113.100", "10-20", "11-01", 30), daily("203.0.113.200", "10-20", "11-01", 30)),
			want: map[string]string{"rule": "block spread", "ranges": "203.0.113.4/31 203.0.113.7 203.0.113.64/26 203.0.113.128/25"}},
	})
}

func TestFreshRules(t *testing.T) {
	waived := "[path]\nrequired = false\n"
	past := block("203.0.113.7", "10-06 02:00", "10-20 02:00")
	check(t, []judged{
		{name: "relapse on the moment it ran out", records: []any{hosting("203.0.113.0/24"), past, moment("203.0.113.7", "10-20 02:00", 9)}, at: "10-20 02:00", want: map[string]string{"rule": "block relapse", "until": "11-19 02:00"}},
		{name: "not before it", records: []any{hosting("203.0.113.0/24"), past, moment("203.0.113.7", "2026-10-20T01:59:59Z", 9)}, at: "10-20 02:00", want: map[string]string{"rule": "release expired"}},
		{name: "one by one only inside", records: []any{hosting("203.0.113.0/24"), past, hit("203.0.113.9", "11-01", 9)}, want: map[string]string{"rule": "watch not-hostile"}},
		{name: "on two days in its groups", records: []any{hosting("203.0.113.0/24"), past, hit("203.0.113.9", "11-01", 9), hit("203.0.113.10", "10-31", 9)}, want: map[string]string{"rule": "block relapse", "ranges": "203.0.113.9 203.0.113.10"}},
		{name: "the same day twice is one", records: []any{hosting("203.0.113.0/24"), past, hit("203.0.113.9", "11-01", 9), hit("203.0.113.10", "11-01", 9)}, want: map[string]string{"rule": "watch not-hostile"}},
		{name: "a day before recent doesn't count", records: []any{hosting("203.0.113.0/24"), past, hit("203.0.113.9", "11-01", 9), hit("203.0.113.10", "10-26", 9)}, want: map[string]string{"rule": "pursue path-open"}},
		{name: "the last recent day does", records: []any{hosting("203.0.113.0/24"), past, hit("203.0.113.9", "11-01", 9), hit("203.0.113.10", "10-27", 9)}, want: map[string]string{"rule": "block relapse"}},
		{name: "in another group", of: "203.0.112.0/23", records: []any{hosting("203.0.112.0/23"), past, hit("203.0.112.9", "11-01", 9), hit("203.0.112.9", "10-31", 9)}, want: map[string]string{"rule": "pursue path-open"}},
		{name: "released by a person there is none", records: []any{hosting("203.0.113.0/24"), past, release("203.0.113.7", "10-19 00:00", "ops"), hit("203.0.113.7", "11-01", 9)}, want: map[string]string{"rule": "watch not-hostile"}},
		{name: "released by fixed there is", records: []any{hosting("203.0.113.0/24"), past, release("203.0.113.7", "10-19 00:00", history.ByFixed), hit("203.0.113.7", "11-01", 9)}, want: map[string]string{"rule": "block relapse"}},
		{name: "rejudged there is none", records: []any{hosting("203.0.113.0/24"), past, release("203.0.113.7", "10-19 00:00", history.ByRejudged), hit("203.0.113.7", "11-01", 9)}, want: map[string]string{"rule": "watch not-hostile"}},
		{name: "expired", records: []any{hosting("203.0.113.0/24"), past, daily("203.0.113.7", "10-01", "10-20", 9)}, want: map[string]string{"rule": "release expired"}},
		{name: "seen since, it isn't", records: []any{hosting("203.0.113.0/24"), past, daily("203.0.113.7", "10-01", "10-21", 9)}, want: map[string]string{"rule": "watch quiet"}},
		{name: "immediate by the day", records: []any{hosting("203.0.113.0/24"), hit("203.0.113.7", "11-01", 100)}, want: map[string]string{"rule": "block immediate", "until": "11-16 02:00",
			"actions": "11-02 report abuse@example.net 203.0.113.7; 11-02 give-alternate-contact abuse@example.net 203.0.113.7"}},
		{name: "one short", records: []any{hosting("203.0.113.0/24"), hit("203.0.113.7", "11-01", 99)}, want: map[string]string{"rule": "watch not-hostile", "actions": "11-02 report abuse@example.net 203.0.113.7"}},
		{name: "today", records: []any{moment("203.0.113.7", "11-02 00:00", 100)}, want: map[string]string{"rule": "block immediate"}},
		{name: "of two kinds together", records: []any{hit("203.0.113.7", "11-01", 60), ofKind(hit("203.0.113.7", "11-01", 60), "mail-login")}, want: map[string]string{"rule": "block immediate"}},
		{name: "the day before yesterday is past", records: []any{hit("203.0.113.7", "10-31", 100)}, want: map[string]string{"rule": "watch not-hostile"}},
		{name: "today and yesterday don't add up", records: []any{hit("203.0.113.7", "11-01", 60), moment("203.0.113.7", "11-02 00:00", 60)}, want: map[string]string{"rule": "pursue path-open"}},
		{name: "a group together", records: []any{hit("203.0.113.1", "11-01", 20), hit("203.0.113.2", "11-01", 20), hit("203.0.113.3", "11-01", 20), hit("203.0.113.4", "11-01", 20), hit("203.0.113.5", "11-01", 20)}, want: map[string]string{"rule": "block immediate"}},
		{name: "a group one short", records: []any{hit("203.0.113.1", "11-01", 25), hit("203.0.113.2", "11-01", 25), hit("203.0.113.3", "11-01", 25), hit("203.0.113.4", "11-01", 24), hit("203.0.113.5", "10-31", 9)}, want: map[string]string{"rule": "pursue path-open"}},
		{name: "four are no group", records: []any{hit("203.0.113.1", "11-01", 25), hit("203.0.113.2", "11-01", 25), hit("203.0.113.3", "11-01", 25), hit("203.0.113.4", "11-01", 25)}, want: map[string]string{"rule": "watch not-hostile"}},
		{name: "an account's owner doesn't count", records: []any{hit("203.0.113.1", "11-01", 20), hit("203.0.113.2", "11-01", 20), hit("203.0.113.3", "11-01", 20), hit("203.0.113.4", "11-01", 20), hit("203.0.113.5", "11-01", 20),
			honest("203.0.113.5", "10-20", "imap", 1)}, want: map[string]string{"rule": "watch not-hostile"}},
		{name: "those of a group not seen recently count and aren't named", policy: "[danger]\nimmediate = 19.0\n[range]\ngrow_min = 100\n", records: []any{hit("203.0.113.1", "11-01", 10), daily("203.0.113.2", "10-10", "10-26", 9), daily("203.0.113.3", "10-10", "10-26", 9), daily("203.0.113.4", "10-10", "10-26", 9), daily("203.0.113.5", "10-10", "10-26", 9)},
			want: map[string]string{"rule": "block immediate", "ranges": "203.0.113.1"}},
		{name: "quiet", policy: waived, records: []any{daily("203.0.113.7", "10-05", "10-26", 9)}, want: map[string]string{"rule": "watch quiet"}},
		{name: "the last recent day", policy: waived, records: []any{daily("203.0.113.7", "10-05", "10-27", 9)}, want: map[string]string{"rule": "block exhausted"}},
		{name: "one day isn't positive", policy: waived, records: []any{hit("203.0.113.7", "11-01", 9)}, want: map[string]string{"rule": "watch not-hostile", "hostile": "open"}},
		{name: "two are", policy: waived, records: []any{hit("203.0.113.7", "11-01", 9), moment("203.0.113.7", "11-02 00:00", 1)}, want: map[string]string{"rule": "block exhausted", "hostile": "settled yes"}},
		{name: "or an answer", policy: waived, records: []any{hit("203.0.113.7", "11-01", 9), answer("203.0.113.0/24", history.HostileQuestion, "11-01 09:00", "yes")}, want: map[string]string{"rule": "block exhausted"}},
		{name: "exhausted names all", policy: waived, records: []any{hit("203.0.113.7", "11-01", 9), hit("203.0.113.9", "10-20", 9)}, want: map[string]string{"ranges": "203.0.113.7 203.0.113.9"}},
		{name: "the first names the rule, the ranges are all's", policy: waived, records: []any{hit("203.0.113.7", "11-01", 200), hit("203.0.113.9", "10-20", 9)}, want: map[string]string{"rule": "block immediate", "ranges": "203.0.113.7 203.0.113.9"}},
		{name: "immediate alone names its own", records: []any{hit("203.0.113.7", "11-01", 200), hit("203.0.113.9", "10-20", 9)}, want: map[string]string{"rule": "block immediate", "ranges": "203.0.113.7"}},
		{name: "relapse and immediate", records: []any{past, hit("203.0.113.7", "11-01", 9), hit("203.0.113.9", "11-01", 100)}, want: map[string]string{"rule": "block relapse", "ranges": "203.0.113.7 203.0.113.9"}},
		{name: "wider than the widest only with the answer", policy: waived + "[range]\nentry_cost = 5.0\nwidest4 = 30\ngrow_min = 100", records: []any{daily("203.0.113.1", "10-20", "11-01", 40), daily("203.0.113.6", "10-20", "11-01", 40)}, want: map[string]string{"ranges": "203.0.113.1 203.0.113.6"}},
		{name: "and with it", policy: waived + "[range]\nentry_cost = 5.0\nwidest4 = 30\ngrow_min = 100", records: []any{daily("203.0.113.1", "10-20", "11-01", 40), daily("203.0.113.6", "10-20", "11-01", 40), answer("203.0.113.0/24", history.RangeQuestion, "11-01 00:00", "yes")}, want: map[string]string{"ranges": "203.0.113.0/29"}},
	})
}
