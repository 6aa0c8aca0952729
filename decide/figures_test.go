package decide_test

import (
	"testing"

	"lastresort/decide/history"
)

// oneDay is a policy under which danger and loss a day are those of the review's day.
const oneDay = "[offender]\nwindow = \"1d\"\n[loss]\nquiet = \"1d\"\n[path]\nrequired = false\n[hostile]\ndays = 1\n"

func TestDanger(t *testing.T) {
	check(t, []judged{
		{name: "severity weighs, other kinds weigh 1", policy: oneDay, at: "10-30 12:00", records: []any{hit("203.0.113.7", "10-30", 5), ofKind(hit("203.0.113.7", "10-30", 5), "scan"),
			ofKind(hit("203.0.113.7", "10-30", 2), "telnet-knock")}, want: map[string]string{"danger": "7.500 low"}},
		{name: "half after a half-life", policy: "[danger]\nhalf_life = \"1d\"\n[offender]\nwindow = \"2d\"\n", at: "10-30 12:00", records: []any{hit("203.0.113.7", "10-29", 30)},
			want: map[string]string{"danger": "10.000 medium"}}, // 30 · ½ over 1 + ½
		{name: "the sum over the offenders", policy: oneDay, at: "10-30 12:00", records: []any{hit("203.0.113.7", "10-30", 40), hit("203.0.113.8", "10-30", 60), hit("203.0.113.9", "10-30", 4)},
			want: map[string]string{"danger": "100.000 high"}},
		{name: "under ten is low", policy: oneDay, at: "10-30 12:00", records: []any{ofKind(hit("203.0.113.7", "10-30", 99), "scan")}, want: map[string]string{"danger": "9.900 low"}},
		{name: "ten every day is ten a day", records: []any{daily("203.0.113.7", "10-04", "11-02", 10)}, at: "11-02 12:00", want: map[string]string{"danger": "10.000 medium"}},
		{name: "a hundred every day among others", policy: "[offender]\nwindow = \"7d\"\n[danger]\nhalf_life = \"3d\"", records: []any{daily("203.0.113.7", "10-27", "11-02", 100)}, at: "11-02 12:00", want: map[string]string{"danger": "100.000 high"}},
		{name: "a thousand is extreme", policy: oneDay, at: "10-30 12:00", records: []any{hit("203.0.113.7", "10-30", 1000)}, want: map[string]string{"danger": "1000.000 extreme"}},
	})
}

func TestLoss(t *testing.T) {
	whole := block("203.0.113.0/24", "10-20 00:00", "11-20 00:00")
	offends := hit("203.0.113.7", "10-30", 49)
	check(t, []judged{
		{name: "honest events by value, and the unseen", policy: oneDay, at: "10-30 18:00", records: []any{whole, honest("203.0.113.9", "10-30", "smtp", 2), honest("203.0.113.9", "10-30", "gopher", 3)},
			want: map[string]string{"loss": "43.510 203.0.113.9"}},
		{name: "decayed over quiet", policy: "[loss]\nquiet = \"2d\"\nhalf_life = \"1d\"\n", at: "10-30 18:00", records: []any{whole, honest("203.0.113.9", "10-29", "web", 30)},
			want: map[string]string{"loss": "10.510 203.0.113.9"}},
		{name: "nothing older", policy: oneDay, at: "10-31 00:00", records: []any{whole, honest("203.0.113.9", "10-30", "web", 30)}, want: map[string]string{"loss": "0.512 "}},
		{name: "an offender is not unseen", policy: oneDay, at: "10-30 18:00", records: []any{whole, offends}, want: map[string]string{"loss": "0.510 "}},
		{name: "its own counts once a service and day", policy: oneDay, at: "10-30 18:00", records: []any{whole, offends, honest("203.0.113.7", "10-30", "smtp", 9), honest("203.0.113.7", "10-30", "web", 9)},
			want: map[string]string{"loss": "21.510 203.0.113.7"}},
		{name: "on an account in full", policy: oneDay, at: "10-30 18:00", records: []any{whole, offends, honest("203.0.113.7", "10-30", "imap", 9)},
			want: map[string]string{"loss": "180.510 203.0.113.7"}},
		{name: "with rule loss of the offenders' own addresses", policy: oneDay, at: "10-30 18:00", records: []any{offends, hit("203.0.113.8", "10-30", 5), honest("203.0.113.7", "10-30", "imap", 9),
			honest("203.0.113.8", "10-30", "imap", 1), honest("203.0.113.9", "10-30", "imap", 1)}, want: map[string]string{"rule": "watch loss", "ranges": "", "loss": "200.000 203.0.113.7 203.0.113.8"}},
		{name: "with others of what would be chosen", at: "10-30 18:00", records: []any{offends, honest("203.0.113.7", "10-30", "web", 9)}, want: map[string]string{"rule": "watch not-hostile", "ranges": "", "loss": "0.026 203.0.113.7"}},
	})
}

func TestGuessedLogin(t *testing.T) {
	fails := func(at string, n int64) history.Record { return ofKind(moment("203.0.113.7", at, n), "mail-login") }
	login := honest("203.0.113.7", "10-28", "imap", 500)
	earlier := honest("203.0.113.7", "05-01", "imap", 1)
	ssh := honest("203.0.113.7", "10-29", "ssh", 1)
	const guessed = "11-02 check-break-in  203.0.113.7"
	oneWay := moment("203.0.113.7", "10-20 00:00", 49)
	oneWay.Proof = history.OneWay
	check(t, []judged{
		{name: "after fifty failures", records: []any{fails("10-20 00:00", 50), login}, want: map[string]string{"actions": guessed, "loss": "0.000 "}},
		{name: "after forty-nine it is honest", records: []any{fails("10-20 00:00", 49), login}, want: map[string]string{"actions": ""}},
		{name: "other kinds are no logins", records: []any{fails("10-20 00:00", 49), ofKind(moment("203.0.113.7", "10-20 00:00", 9), "spam"), login}, want: map[string]string{"actions": ""}},
		{name: "one-way ones are none", records: []any{fails("10-20 00:00", 49), oneWay, login}, want: map[string]string{"actions": ""}},
		{name: "failures at the login's own moment come not before", records: []any{fails("10-20 00:00", 49), fails("10-28 08:00", 9), login}, want: map[string]string{"actions": "11-02 find-contact  203.0.113.7"}},
		{name: "failures a second before do", records: []any{fails("10-20 00:00", 49), fails("2026-10-28T07:59:59Z", 1), login}, want: map[string]string{"actions": guessed + "; 11-02 find-contact  203.0.113.7"}},
		{name: "the window before it", at: "10-28 18:00", records: []any{fails("09-29 00:00", 50), fails("10-20 00:00", 1), login, hit("203.0.113.7", "10-20", 5)}, want: map[string]string{"actions": "10-28 check-break-in  203.0.113.7"}},
		{name: "not before that window", at: "10-28 18:00", records: []any{fails("09-28 23:59", 50), login, hit("203.0.113.7", "10-20", 5)}, want: map[string]string{"actions": ""}},
		{name: "its first honest event, however long ago", records: []any{earlier, fails("10-20 00:00", 90), login}, want: map[string]string{"actions": ""}},
		{name: "an answer to hostile settles it", records: []any{fails("10-20 00:00", 90), login, answer("203.0.113.0/24", history.HostileQuestion, "10-28 08:00", "no")}, want: map[string]string{"actions": ""}},
		{name: "one before it doesn't", records: []any{fails("10-20 00:00", 90), login, answer("203.0.113.0/24", history.HostileQuestion, "10-28 07:59", "no")}, want: map[string]string{"actions": guessed}},
		{name: "nor one before the second guess", records: []any{fails("10-20 00:00", 90), login, ssh, answer("203.0.113.0/24", history.HostileQuestion, "10-28 09:00", "no")}, want: map[string]string{"actions": guessed}},
		{name: "before all else", policy: "[path]\nrequired = true", records: []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-20", "10-31", 9), login, report("R1", "10-01 09:00", "203.0.113.7")},
			want: map[string]string{"actions": guessed + "; 10-08 follow-up abuse@example.net 203.0.113.7"}},
	})
}
