package decide_test

import (
	"testing"

	"lastresort/decide/history"
)

func TestOffender(t *testing.T) {
	weak := func(n int, count int64) (out []history.Record) {
		for i := range n {
			out = append(out, hit("203.0.113."+string(rune('1'+i)), "10-25", count))
		}
		return out
	}
	oneWay, others, host := hit("203.0.113.7", "10-30", 1000), hit("203.0.113.7", "10-30", 1000), hit("203.0.113.7", "10-30", 5)
	oneWay.Proof, others.Reporter, host.Reporter = history.OneWay, "partner", "local/mx1"
	almostLocal := host
	almostLocal.Reporter = "localhost"
	check(t, []judged{
		{name: "events reach the limit", records: []any{hit("203.0.113.7", "10-30", 5)}, want: map[string]string{"offenders": "203.0.113.7"}},
		{name: "one event short", records: []any{hit("203.0.113.7", "10-30", 4)}, want: nil},
		{name: "events of several days add up", records: []any{hit("203.0.113.7", "10-30", 2), hit("203.0.113.7", "10-31", 3)}, want: map[string]string{"offenders": "203.0.113.7"}},
		{name: "the last day of the window is age 29", records: []any{moment("203.0.113.7", "10-04 00:00", 5)}, want: map[string]string{"offenders": "203.0.113.7"}},
		{name: "age 30 is outside", records: []any{moment("203.0.113.7", "10-03 23:59", 5), hold("203.0.113.1", "10-01 00:00", "10-02 00:00")}, want: nil},
		{name: "a sighting counts on the day of its last", records: []any{history.Sighting{Source: host.Source, First: clock("09-01 00:00"),
			Last: clock("10-04 00:00"), Kind: "spam", Count: 5, Proof: history.TwoWay, Reporter: "local"}}, want: map[string]string{"offenders": "203.0.113.7"}},
		{name: "one break-in is enough", records: []any{ofKind(hit("203.0.113.7", "10-30", 1), "break-in")}, want: map[string]string{"offenders": "203.0.113.7"}},
		{name: "our other machines are ours", records: []any{host}, want: map[string]string{"offenders": "203.0.113.7"}},
		{name: "a name that only begins like ours isn't", records: []any{almostLocal, report("R", "10-30 00:00", "203.0.113.7")}, want: map[string]string{"offenders": "", "context": "0 5"}},
		{name: "one-way proves nothing", records: []any{oneWay, report("R", "10-30 00:00", "203.0.113.7")}, want: map[string]string{"offenders": "", "danger": "0.000 low", "context": "1000 0"}},
		{name: "others' prove nothing", records: []any{others, report("R", "10-30 00:00", "203.0.113.7")}, want: map[string]string{"offenders": "", "danger": "0.000 low", "context": "0 1000"}},
		{name: "a group of five with twenty-five together", records: []any{weak(7, 4)}, want: map[string]string{"offenders": "203.0.113.1 203.0.113.2 203.0.113.3 203.0.113.4 203.0.113.5 203.0.113.6 203.0.113.7"}},
		{name: "one short of twenty-five", records: []any{weak(6, 4), report("R", "10-30 00:00", "203.0.113.7")}, want: map[string]string{"offenders": ""}},
		{name: "four are no group", records: []any{weak(4, 4), hit("203.0.113.5", "10-25", 1), report("R", "10-30 00:00", "203.0.113.7")}, want: map[string]string{"offenders": ""}},
		{name: "each counts to the limit at most", records: []any{weak(4, 2), hit("203.0.113.9", "10-25", 100)}, want: map[string]string{"offenders": "203.0.113.9"}},
		{name: "a strong one lifts a group", records: []any{weak(5, 4), hit("203.0.113.9", "10-25", 100)}, want: map[string]string{"offenders": "203.0.113.1 203.0.113.2 203.0.113.3 203.0.113.4 203.0.113.5 203.0.113.9"}},
		{name: "one with honest traffic lifts no group", records: []any{weak(5, 4), hit("203.0.113.9", "10-25", 100), honest("203.0.113.9", "10-25", "web", 1)}, want: map[string]string{"offenders": "203.0.113.9"}},
		{name: "nor does one event, a break-in", records: []any{weak(6, 4), ofKind(hit("203.0.113.9", "10-25", 1), "break-in")}, want: map[string]string{"offenders": "203.0.113.9"}},
		{name: "honest traffic keeps one out of a group", records: []any{weak(7, 4), honest("203.0.113.1", "08-05", "web", 1)}, want: nil},
		{name: "honest traffic before quiet doesn't", records: []any{weak(7, 4), honest("203.0.113.1", "08-04", "web", 1)}, want: map[string]string{"offenders": "203.0.113.1 203.0.113.2 203.0.113.3 203.0.113.4 203.0.113.5 203.0.113.6 203.0.113.7"}},
		{name: "a group ends at its netblock", records: []any{weak(7, 4), hosting("203.0.113.0/30"), report("R", "10-30 00:00", "203.0.113.7")}, want: map[string]string{"offenders": ""}},
		{name: "a /64 is one address", records: []any{hit("2001:db8:7:1::5", "10-30", 3), hit("2001:db8:7:1:ffff::6", "10-31", 2)}, of: "2001:db8:7::/48", want: map[string]string{"offenders": "2001:db8:7:1::/64"}},
	})
}

func TestOffenderFewerThanAllOfAGroup(t *testing.T) {
	check(t, []judged{{name: "an offender by itself stands in a group too", records: []any{
		hit("203.0.113.1", "10-25", 4), hit("203.0.113.2", "10-25", 4), hit("203.0.113.3", "10-25", 4), hit("203.0.113.4", "10-25", 4),
		hit("203.0.113.5", "10-25", 4), ofKind(hit("203.0.113.6", "10-25", 1), "break-in"), hit("203.0.113.6", "10-26", 4)},
		want: map[string]string{"offenders": "203.0.113.1 203.0.113.2 203.0.113.3 203.0.113.4 203.0.113.5 203.0.113.6"}}})
}

func TestCase(t *testing.T) {
	inner, narrow, old, later := hosting("203.0.113.64/26"), hosting("2001:db8:7:1::/80"), hosting("203.0.113.0/24"), hosting("203.0.113.0/24")
	old.Holder, later.At = "Before", clock("11-03 00:00")
	later.Holder = "Later"
	check(t, []judged{
		{name: "unregistered is its group", records: []any{hit("203.0.113.7", "10-30", 5)}, want: map[string]string{"trust": "unknown"}},
		{name: "the most specific netblock", records: []any{hosting("203.0.113.0/24"), inner, hit("203.0.113.70", "10-30", 5)}, of: "203.0.113.64/26", want: map[string]string{"offenders": "203.0.113.70"}},
		{name: "one inside another is a wall there", policy: "[path]\nrequired = false\n[range]\nentry_cost = 5.0\ngrow_min = 100", records: []any{hosting("203.0.113.0/24"), inner,
			daily("203.0.113.63", "10-20", "11-01", 20), daily("203.0.113.128", "10-20", "11-01", 20)}, want: map[string]string{"ranges": "203.0.113.63 203.0.113.128"}},
		{name: "one narrower than a /64 is ignored", records: []any{narrow, hit("2001:db8:7:1::5", "10-30", 5)}, of: "2001:db8:7::/48", want: map[string]string{"offenders": "2001:db8:7:1::/64"}},
		{name: "a /64 is registered", records: []any{hosting("2001:db8:7:1::/64"), hit("2001:db8:7:1::5", "10-30", 5)}, of: "2001:db8:7:1::/64", want: map[string]string{"offenders": "2001:db8:7:1::/64"}},
		{name: "neither offender, block nor report", records: []any{hosting("203.0.113.0/24"), hit("203.0.113.7", "10-30", 4)}, want: nil},
		{name: "a report alone isn't listed", records: []any{report("R", "10-30 00:00", "203.0.113.7")}, want: nil},
		{name: "a report with a one-way sighting is", records: []any{report("R", "10-30 00:00", "203.0.113.7"), func() history.Sighting {
			s := hit("203.0.113.9", "10-30", 1)
			s.Proof = history.OneWay
			return s
		}()}, want: map[string]string{"rule": "watch not-hostile"}},
		{name: "a block that ended a window ago is listed", records: []any{block("203.0.113.7", "09-20 02:00", "10-03 02:00")}, want: map[string]string{"rule": "release expired"}},
		{name: "a second earlier it isn't", records: []any{block("203.0.113.7", "09-20 02:00", "2026-10-03T01:59:59Z")}, want: nil},
		{name: "a block belongs to where it lies now", records: []any{block("203.0.113.70", "10-20 02:00", "11-20 02:00"), hosting("203.0.113.0/24"), inner}, of: "203.0.113.64/26", want: map[string]string{"rule": "block in-force"}},
		{name: "a block wider than the inner netblock lies in the outer", records: []any{block("203.0.113.0/25", "10-20 02:00", "11-20 02:00"), release("203.0.113.0/26", "10-21 00:00", "ops"),
			hosting("203.0.113.0/24"), inner}, want: map[string]string{"rule": "block in-force", "ranges": "203.0.113.64/26"}},
		{name: "a registration that isn't known yet", records: []any{old, later, hit("203.0.113.7", "10-30", 5)}, want: map[string]string{"offenders": "203.0.113.7"}},
	})
}

// TestKnownFrom holds that a replay uses nothing newer, and of what grew the state of then.
func TestKnownFrom(t *testing.T) {
	small, grownLater := hit("203.0.113.7", "10-20", 5), hit("203.0.113.7", "10-20", 5)
	small.Last, small.Count = clock("10-20 02:00"), 6
	grownLater.Last, grownLater.Count = clock("10-20 09:00"), 600
	smaller := grownLater
	smaller.Count = 4
	busyLater := honest("203.0.113.9", "10-30", "smtp", 10)
	busy := busyLater
	busy.Last, busy.Count = clock("10-30 09:00"), 3
	other := small
	other.Reporter = "local/b"
	danger := func(events float64) string {
		return map[float64]string{6: "0.375 low", 600: "37.466 medium", 12: "0.749 low"}[events]
	}
	check(t, []judged{
		{name: "the grown one", at: "10-20 12:00", records: []any{small, grownLater}, want: map[string]string{"danger": danger(600)}},
		{name: "in any order", at: "10-20 12:00", records: []any{grownLater, small}, want: map[string]string{"danger": danger(600)}},
		{name: "three times", at: "10-20 12:00", records: []any{grownLater, small, grownLater}, want: map[string]string{"danger": danger(600)}},
		{name: "known at its last", at: "10-20 09:00", records: []any{small, grownLater}, want: map[string]string{"danger": danger(600)}},
		{name: "before that the one known then", at: "10-20 08:59", records: []any{grownLater, small}, want: map[string]string{"danger": danger(6)}},
		{name: "the larger count and the later last", at: "10-20 12:00", records: []any{small, smaller}, want: map[string]string{"danger": danger(6)}},
		{name: "another reporter adds up", at: "10-20 12:00", records: []any{small, other}, want: map[string]string{"danger": danger(12)}},
		{name: "nothing is known yet", at: "10-20 01:59", records: []any{small, grownLater}, want: nil},
		{name: "traffic grows too", policy: daysLoss, at: "10-30 18:00", records: []any{busy, busyLater, block("203.0.113.0/24", "10-20 00:00", "11-20 00:00")},
			want: map[string]string{"loss": "200.510 203.0.113.9"}},
		{name: "and is what it was then", policy: daysLoss, at: "10-30 12:00", records: []any{busyLater, busy, block("203.0.113.0/24", "10-20 00:00", "11-20 00:00")},
			want: map[string]string{"loss": "60.510 203.0.113.9"}},
	})
}

// daysLoss is a policy under which the loss a day is that of the day.
const daysLoss = "[loss]\nquiet = \"1d\""
