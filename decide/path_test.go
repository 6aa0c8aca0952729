package decide_test

import (
	"testing"

	"lastresort/decide/history"
)

// attack is a month of attacks by one source of hosting, enough to be positive of it and no emergency.
func attack() []any {
	return []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-05", "11-01", 9)}
}

func with(before []any, more ...any) []any { return append(before, more...) }

func TestPathSteps(t *testing.T) {
	first, second := report("R1", "10-01 09:00", "203.0.113.7"), followUp("R2", "10-20 09:00", "203.0.113.7", "R1")
	up := reportTo("R3", "10-27 09:00", "203.0.113.7", history.Upstream, "abuse@carrier.example")
	cert := reportTo("R4", "10-28 09:00", "203.0.113.7", history.Cert, "cert@cert.example")
	noUpstream, nobody := hosting("203.0.113.0/24"), hosting("203.0.113.0/24")
	noUpstream.Upstream, nobody.Abuse = "", ""
	check(t, []judged{
		{name: "nobody asked", records: attack(), want: map[string]string{"rule": "pursue path-open", "actions": "11-02 report abuse@example.net 203.0.113.7", "others": "open", "contact": "open"}},
		{name: "reported", records: with(attack(), first), want: map[string]string{"actions": "10-08 follow-up abuse@example.net 203.0.113.7", "contact": "open"}},
		{name: "followed up", records: with(attack(), first, second), at: "10-27 08:59", want: map[string]string{"actions": "10-27 report-upstream abuse@carrier.example 203.0.113.7", "contact": "open"}},
		{name: "the wait is over on the very moment", records: with(attack(), first, second), at: "10-27 09:00", want: map[string]string{"actions": "10-27 report-upstream abuse@carrier.example 203.0.113.7", "contact": "settled silent"}},
		{name: "the upstream written to", records: with(attack(), first, second, up), want: map[string]string{"actions": "11-03 report-cert cert@cert.example 203.0.113.7", "contact": "settled silent"}},
		{name: "the last wait", records: with(attack(), first, second, up, cert), want: map[string]string{"rule": "pursue path-open", "actions": "11-04 follow-up cert@cert.example 203.0.113.7", "others": "open"}},
		{name: "a second before the end", at: "2026-11-04T08:59:59Z", records: with(attack(), first, second, up, cert), want: map[string]string{"rule": "pursue path-open"}},
		{name: "exhausted", at: "11-04 09:00", records: with(attack(), first, second, up, cert), want: map[string]string{"rule": "block exhausted", "others": "settled no", "actions": "11-04 give-alternate-contact abuse@example.net 203.0.113.7"}},
		{name: "a later report stands for the steps before it", records: with(attack(), up), want: map[string]string{"actions": "11-03 report-cert cert@cert.example 203.0.113.7"}},
		{name: "the wait runs from the step's first report", records: with(attack(), first, report("R9", "10-15 09:00", "203.0.113.7")), want: map[string]string{"actions": "10-08 follow-up abuse@example.net 203.0.113.7"}},
		{name: "a step without an address", records: []any{noUpstream, daily("203.0.113.7", "10-05", "11-01", 9), first, second}, want: map[string]string{"actions": "10-27 find-contact  203.0.113.7"}},
		{name: "a contact that nobody knows", records: []any{nobody, daily("203.0.113.7", "10-05", "11-01", 9)}, want: map[string]string{"actions": "11-02 find-contact  203.0.113.7"}},
		{name: "others = no: the known contact is still asked", records: with(attack(), answer("203.0.113.0/24", history.OthersQuestion, "10-20 00:00", "no")), want: map[string]string{"rule": "pursue path-open", "actions": "11-02 report abuse@example.net 203.0.113.7", "others": "settled no"}},
		{name: "and then followed up", records: with(attack(), answer("203.0.113.0/24", history.OthersQuestion, "10-20 00:00", "no"), first), want: map[string]string{"actions": "10-08 follow-up abuse@example.net 203.0.113.7"}},
		{name: "and then it is exhausted", at: "10-27 09:00", records: with(attack(), answer("203.0.113.0/24", history.OthersQuestion, "10-20 00:00", "no"), first, second), want: map[string]string{"rule": "block exhausted"}},
		{name: "others = no and nobody known", records: []any{nobody, daily("203.0.113.7", "10-05", "11-01", 9), answer("203.0.113.0/24", history.OthersQuestion, "10-20 00:00", "no")}, want: map[string]string{"rule": "block exhausted"}},
		{name: "others = yes settles nothing", records: with(attack(), answer("203.0.113.0/24", history.OthersQuestion, "10-20 00:00", "yes")), want: map[string]string{"others": "open"}},
		{name: "law enforcement is no step", records: with(attack(), reportTo("L", "10-20 00:00", "203.0.113.9", history.LawEnforcement, "police@example.org")), want: map[string]string{"actions": "11-02 report abuse@example.net 203.0.113.7"}},
		{name: "waived", policy: "[path]\nrequired = false", records: attack(), want: map[string]string{"rule": "block exhausted", "others": "settled waived"}},
	})
}

func TestReportBeside(t *testing.T) {
	first := report("R1", "10-30 09:00", "203.0.113.7")
	newcomer := hit("203.0.113.9", "11-01", 9)
	up := reportTo("R3", "10-31 09:00", "203.0.113.7", history.Upstream, "abuse@carrier.example")
	check(t, []judged{
		{name: "one never reported", records: with(attack(), first, newcomer), want: map[string]string{"actions": "11-02 report abuse@example.net 203.0.113.9; 11-06 follow-up abuse@example.net 203.0.113.7"}},
		{name: "not once the upstream was written to", records: with(attack(), first, newcomer, up), want: map[string]string{"actions": "11-07 report-cert cert@cert.example 203.0.113.7,203.0.113.9"}},
		{name: "not to one who was unhelpful", records: with(attack(), first, newcomer, response("R1", "10-31 09:00", history.Unhelpful)), want: map[string]string{"actions": "10-31 report-upstream abuse@carrier.example 203.0.113.7,203.0.113.9"}},
		{name: "not to one whose mail bounced", records: with(attack(), first, newcomer, response("R1", "10-31 09:00", history.Bounced)), want: map[string]string{"actions": "10-31 report-upstream abuse@carrier.example 203.0.113.7,203.0.113.9"}},
		{name: "to one who is helping", records: with(attack(), first, newcomer, response("R1", "10-31 09:00", history.Helping)), want: map[string]string{"actions": "11-02 report abuse@example.net 203.0.113.9; 11-14 follow-up abuse@example.net 203.0.113.7"}},
	})
}

func TestStaleReports(t *testing.T) {
	const short = "[path]\nstale = \"10d\"\nfollow_up = \"7d\"\n"
	old, newer := report("R1", "10-05 02:00", "203.0.113.7"), report("R2", "10-23 02:00", "203.0.113.7")
	check(t, []judged{
		{name: "on the very moment they count", policy: short, records: with(attack(), newer), want: map[string]string{"actions": "10-30 follow-up abuse@example.net 203.0.113.7"}},
		{name: "a second later the path begins again", policy: short, at: "2026-11-02T02:00:01Z", records: with(attack(), newer), want: map[string]string{"actions": "11-02 report abuse@example.net 203.0.113.7"}},
		{name: "what the path began again after stays dropped", policy: short, records: with(attack(), old, response("R1", "10-06 00:00", history.Asked), newer), want: map[string]string{"actions": "10-30 follow-up abuse@example.net 203.0.113.7"}},
		{name: "responses go with their reports", policy: short, records: with(attack(), old, response("R1", "10-06 00:00", history.Fixed)), want: map[string]string{"rule": "pursue path-open", "actions": "11-02 report abuse@example.net 203.0.113.7"}},
		{name: "so does law enforcement", policy: short, records: with(attack(), ofKind(hit("203.0.113.7", "10-05", 1), "break-in"), reportTo("L", "10-06 00:00", "203.0.113.7", history.LawEnforcement, "p@example.org")), want: map[string]string{"law-enforcement": "open"}},
	})
}

func TestResponses(t *testing.T) {
	r1, r2 := report("R1", "10-10 09:00", "203.0.113.7"), followUp("R2", "10-20 09:00", "203.0.113.7", "R1")
	up := reportTo("R3", "10-27 09:00", "203.0.113.7", history.Upstream, "abuse@carrier.example")
	cert := reportTo("R4", "10-28 09:00", "203.0.113.7", history.Cert, "cert@cert.example")
	quiet := []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-05", "10-29", 9)}
	const follow = "10-17 follow-up abuse@example.net 203.0.113.7"
	same := hosting("203.0.113.0/24")
	same.Upstream = "Abuse@Example.net"
	check(t, []judged{
		{name: "automatic means nothing", records: with(attack(), r1, response("R1", "10-11 09:00", history.Automatic)), want: map[string]string{"actions": follow, "contact": "open"}},
		{name: "asked stops the path", records: with(attack(), r1, response("R1", "10-11 09:00", history.Asked)), want: map[string]string{"actions": "10-11 answer abuse@example.net 203.0.113.7", "contact": "settled trying"}},
		{name: "until a later report, whose wait runs anew", records: with(attack(), r1, response("R1", "10-11 09:00", history.Asked), report("R5", "10-15 09:00", "203.0.113.7")), want: map[string]string{"actions": "10-22 follow-up abuse@example.net 203.0.113.7"}},
		{name: "one at the same moment is later", records: with(attack(), r1, response("R1", "10-11 09:00", history.Asked), report("R5", "10-11 09:00", "203.0.113.7")), want: map[string]string{"actions": "10-18 follow-up abuse@example.net 203.0.113.7"}},
		{name: "one before isn't", records: with(attack(), r1, report("R5", "10-11 08:59", "203.0.113.7"), response("R1", "10-11 09:00", history.Asked)), want: map[string]string{"actions": "10-11 answer abuse@example.net 203.0.113.7"}},
		{name: "the third is automatic", records: with(attack(), r1, response("R1", "10-11 09:00", history.Asked), response("R1", "10-12 09:00", history.Asked), r2, response("R2", "10-21 09:00", history.Asked)), want: map[string]string{"actions": "10-27 report-upstream abuse@carrier.example 203.0.113.7"}},
		{name: "the second isn't", records: with(attack(), r1, response("R1", "10-11 09:00", history.Asked), r2, response("R2", "10-21 09:00", history.Asked)), want: map[string]string{"actions": "10-21 answer abuse@example.net 203.0.113.7"}},
		{name: "each addressee has its own count", records: with(attack(), r1, response("R1", "10-11 09:00", history.Asked), response("R1", "10-12 09:00", history.Asked), up, response("R3", "10-28 09:00", history.Asked)), want: map[string]string{"actions": "10-28 answer abuse@carrier.example 203.0.113.7"}},
		{name: "helping waits for the grace", records: with(attack(), r1, response("R1", "10-20 09:00", history.Helping)), want: map[string]string{"rule": "pursue path-open", "actions": "11-03 follow-up abuse@example.net 203.0.113.7", "contact": "settled trying"}},
		{name: "and then goes on with the next step", at: "11-03 09:00", records: with(attack(), r1, r2, response("R2", "10-20 09:00", history.Helping)), want: map[string]string{"actions": "11-03 report-upstream abuse@carrier.example 203.0.113.7"}},
		{name: "the second is automatic", records: with(attack(), r1, response("R1", "10-11 09:00", history.Helping), response("R1", "10-30 09:00", history.Helping)), want: map[string]string{"actions": "10-25 follow-up abuse@example.net 203.0.113.7"}},
		{name: "a later step ends the grace", records: with(attack(), r1, response("R1", "10-20 09:00", history.Helping), up), want: map[string]string{"actions": "11-03 report-cert cert@cert.example 203.0.113.7"}},
		{name: "fixed rests", records: with(quiet, r1, response("R1", "10-28 05:00", history.Fixed)), want: map[string]string{"rule": "watch fixed", "actions": "", "contact": "settled trying"}},
		{name: "a day after is not more than a day", records: with(quiet, r1, response("R1", "10-28 01:00", history.Fixed)), want: map[string]string{"rule": "watch fixed"}},
		{name: "and rests anew when they say so again", records: with(quiet, r1, response("R1", "10-29 05:00", history.Fixed), response("R1", "10-30 05:00", history.Fixed)), want: map[string]string{"rule": "watch fixed", "evidence": "abuse@example.net fixed it on 2026-10-30 and it held"}},
		{name: "whoever asked before and was answered by more attacks broke no word", records: with(quiet, r1, response("R1", "10-11 09:00", history.Asked), response("R1", "10-28 05:00", history.Fixed)), want: map[string]string{"rule": "watch fixed"}},
		{name: "more than a day after it didn't hold", records: with(quiet, r1, response("R1", "2026-10-28T00:59:59Z", history.Fixed)), want: map[string]string{"rule": "pursue path-open", "actions": "10-29 follow-up abuse@example.net 203.0.113.7"}},
		{name: "an earlier sighting that lasts is not seen after", records: with(attack()[:1], daily("203.0.113.7", "10-05", "10-20", 9), history.Sighting{Source: hit("203.0.113.7", "10-20", 1).Source, First: clock("10-21 00:00"),
			Last: clock("10-30 00:00"), Kind: "spam", Count: 9, Proof: history.TwoWay, Reporter: "local"}, r1, response("R1", "10-22 00:00", history.Fixed)), want: map[string]string{"rule": "watch fixed"}},
		{name: "the path goes on from the follow-up", records: with(attack(), r1, response("R1", "10-15 09:00", history.Fixed), r2), want: map[string]string{"actions": "10-27 report-upstream abuse@carrier.example 203.0.113.7"}},
		{name: "and still when the sighting that broke the word has left the window", records: with(attack()[:1], daily("203.0.113.7", "09-20", "09-22", 9), daily("203.0.113.7", "10-30", "11-01", 9),
			report("R1", "09-15 09:00", "203.0.113.7"), response("R1", "09-18 09:00", history.Fixed), followUp("R2", "09-21 09:00", "203.0.113.7", "R1")), want: map[string]string{"actions": "09-28 report-upstream abuse@carrier.example 203.0.113.7"}},
		{name: "whoever said so", records: with(attack(), r1, up, response("R3", "10-28 09:00", history.Fixed)), want: map[string]string{"actions": "10-30 follow-up abuse@carrier.example 203.0.113.7"}},
		{name: "a second within window of one that didn't hold", records: with(quiet, r1, response("R1", "10-11 09:00", history.Fixed), r2, response("R2", "10-29 09:00", history.Fixed)), want: map[string]string{"rule": "pursue path-open", "actions": "10-27 report-upstream abuse@carrier.example 203.0.113.7"}},
		{name: "another's is another's", records: with(quiet, r1, response("R1", "10-11 09:00", history.Fixed), up, response("R3", "10-29 09:00", history.Fixed)), want: map[string]string{"rule": "watch fixed"}},
		{name: "a second after the window", policy: "[offender]\nwindow = \"5d\"", records: with(quiet, r1, response("R1", "10-11 09:00", history.Fixed), r2, response("R2", "2026-10-29T09:00:01Z", history.Fixed)), want: map[string]string{"rule": "watch fixed"}},
		{name: "unhelpful: the next step to somebody else at once", records: with(attack(), r1, response("R1", "10-11 09:00", history.Unhelpful)), want: map[string]string{"actions": "10-11 report-upstream abuse@carrier.example 203.0.113.7", "contact": "settled ignoring"}},
		{name: "bounced too, and the same mailbox is nobody else", records: []any{same, daily("203.0.113.7", "10-05", "11-01", 9), r1, response("R1", "10-11 09:00", history.Bounced)}, want: map[string]string{"actions": "10-11 report-cert cert@cert.example 203.0.113.7", "contact": "settled ignoring"}},
		{name: "a late one from whom nobody waits for", records: with(attack(), r1, up, response("R1", "10-28 09:00", history.Bounced)), want: map[string]string{"actions": "11-03 report-cert cert@cert.example 203.0.113.7"}},
		{name: "the last step refused exhausts", records: with(attack(), r1, cert, response("R4", "10-28 10:00", history.Bounced)), want: map[string]string{"rule": "block exhausted"}},
		{name: "hostile from others is unhelpful", records: with(attack(), up, response("R3", "10-28 09:00", history.Hostile)), want: map[string]string{"actions": "10-28 report-cert cert@cert.example 203.0.113.7", "trust": "trusted"}},
		{name: "the last that means something counts", records: with(attack(), r1, response("R1", "10-11 09:00", history.Unhelpful), response("R1", "10-12 09:00", history.Asked), response("R1", "10-13 09:00", history.Automatic)), want: map[string]string{"actions": "10-12 answer abuse@example.net 203.0.113.7"}},
		{name: "of the same moment the one recorded later", records: with(attack(), r1, r2, response("R2", "10-21 09:00", history.Asked), response("R1", "10-21 09:00", history.Unhelpful)), want: map[string]string{"actions": "10-21 report-upstream abuse@carrier.example 203.0.113.7"}},
		{name: "about those reported to that role", records: with(attack(), hit("203.0.113.9", "11-01", 9), r1, up, response("R3", "10-28 09:00", history.Asked)), want: map[string]string{"actions": "10-28 answer abuse@carrier.example 203.0.113.7"}},
	})
}

func TestTrust(t *testing.T) {
	contact := func(edit func(*history.Contact)) history.Contact {
		c := history.Contact{Address: "ABUSE@example.net"}
		edit(&c)
		return c
	}
	block := func(edit func(*history.Netblock)) []any {
		b := hosting("203.0.113.0/24")
		edit(&b)
		return []any{b, daily("203.0.113.7", "10-05", "11-01", 9)}
	}
	r1 := report("R1", "10-10 09:00", "203.0.113.7")
	hostile := response("R1", "10-11 09:00", history.Hostile)
	const xx = "[path]\ndistrusted_countries = [\"XX\"]"
	const upstream, police = "11-02 report-upstream abuse@carrier.example 203.0.113.7", "; 11-02 report-law-enforcement  203.0.113.7"
	check(t, []judged{
		{name: "hosting is trusted", records: attack(), want: map[string]string{"trust": "trusted", "law-enforcement": "settled not warranted"}},
		{name: "unknown kind is unknown", records: block(func(b *history.Netblock) { b.Kind = history.UnknownNetblock }), want: map[string]string{"trust": "unknown", "actions": "11-02 assess-contact abuse@example.net 203.0.113.7"}},
		{name: "no kind too", records: block(func(b *history.Netblock) { b.Kind = "" }), want: map[string]string{"trust": "unknown"}},
		{name: "the path waits for the assessment", records: with(block(func(b *history.Netblock) { b.Kind = "" }), asked("203.0.113.7")), want: map[string]string{"rule": "pursue path-open", "actions": "11-02 assess-contact abuse@example.net 203.0.113.7"}},
		{name: "free mail", records: block(func(b *history.Netblock) { b.Abuse = "someone@GMail.com" }), want: map[string]string{"trust": "untrusted", "contact": "settled not asked", "actions": upstream + police, "law-enforcement": "open"}},
		{name: "an individual", records: with(attack(), contact(func(c *history.Contact) { c.Kind = history.Individual })), want: map[string]string{"trust": "untrusted"}},
		{name: "a school there", policy: xx, records: block(func(b *history.Netblock) { b.Kind, b.Country = history.Education, "xx" }), want: map[string]string{"trust": "untrusted"}},
		{name: "a school elsewhere", policy: xx, records: block(func(b *history.Netblock) { b.Kind = history.Education }), want: map[string]string{"trust": "trusted"}},
		{name: "a company there", policy: xx, records: block(func(b *history.Netblock) { b.Country = "XX" }), want: map[string]string{"trust": "trusted"}},
		{name: "an agency there", policy: xx, records: with(block(func(b *history.Netblock) { b.Country = "XX" }), contact(func(c *history.Contact) { c.Kind = history.GovernmentContact })), want: map[string]string{"trust": "untrusted"}},
		{name: "the operator's record goes first", records: with(block(func(b *history.Netblock) { b.Abuse = "abuse@gmail.com" }), history.Contact{Address: "abuse@gmail.com", Trust: history.Trusted}), want: map[string]string{"trust": "trusted"}},
		{name: "the later record", records: with(attack(), contact(func(c *history.Contact) { c.Trust, c.At = history.Untrusted, clock("10-20 00:00") }), contact(func(c *history.Contact) { c.Trust, c.At = history.Trusted, clock("10-19 00:00") })), want: map[string]string{"trust": "untrusted"}},
		{name: "of the same moment the one recorded later", records: with(attack(), contact(func(c *history.Contact) { c.Trust = history.Untrusted }), contact(func(c *history.Contact) { c.Trust = history.Trusted })), want: map[string]string{"trust": "trusted"}},
		{name: "one recorded twice stands where it first stood", records: with(attack(), contact(func(c *history.Contact) { c.Trust = history.Untrusted }), contact(func(c *history.Contact) { c.Trust = history.Trusted }), contact(func(c *history.Contact) { c.Trust = history.Untrusted })), want: map[string]string{"trust": "trusted"}},
		{name: "hostile", records: with(attack(), r1, hostile), want: map[string]string{"trust": "untrusted", "contact": "settled aggravating", "actions": "10-11 report-upstream abuse@carrier.example 203.0.113.7" + police}},
		{name: "hostile goes before an earlier record", records: with(attack(), r1, hostile, contact(func(c *history.Contact) { c.Trust = history.Trusted })), want: map[string]string{"trust": "untrusted"}},
		{name: "a later record makes up for it", records: with(attack(), r1, hostile, contact(func(c *history.Contact) { c.Trust, c.At = history.Trusted, clock("10-11 09:00") })), want: map[string]string{"trust": "trusted", "contact": "open", "actions": "10-17 follow-up abuse@example.net 203.0.113.7"}},
		{name: "hostile about another's netblock", records: with(attack(), report("R1", "10-10 09:00", "203.0.113.7"), report("R9", "10-10 09:00", "198.51.100.9"), response("R9", "10-11 09:00", history.Hostile)), want: map[string]string{"actions": upstream + police}},
		{name: "hostile here first, and about another's since", records: with(attack(), r1, hostile, report("R9", "10-10 09:00", "198.51.100.9"), response("R9", "10-13 09:00", history.Hostile)), want: map[string]string{"actions": upstream + police}},
		{name: "a later record that distrusts it anew is what the path starts from", records: with(attack(), r1, hostile, contact(func(c *history.Contact) { c.Trust, c.At = history.Untrusted, clock("10-12 09:00") })), want: map[string]string{"trust": "untrusted", "contact": "settled not asked", "actions": upstream + police}},
		{name: "hostile though stale", policy: "[path]\nstale = \"10d\"", records: with(attack(), r1, hostile), want: map[string]string{"trust": "untrusted", "actions": upstream + police}},
		{name: "an untrusted one's words mean nothing", records: with(attack(), contact(func(c *history.Contact) { c.Trust = history.Untrusted }), r1, response("R1", "11-01 09:00", history.Fixed)), want: map[string]string{"rule": "pursue path-open", "actions": upstream + police}},
	})
}

func TestAnswersCount(t *testing.T) {
	no := func(at string) history.Answer { return answer("203.0.113.0/24", history.HostileQuestion, at, "no") }
	broke := func(at string) history.Record { return ofKind(moment("203.0.113.7", at, 1), "break-in") }
	guest := ofKind(moment("203.0.113.7", "10-25 00:00", 1), "break-in")
	guest.Reporter = "partner"
	check(t, []judged{
		{name: "no", records: with(attack(), no("10-20 00:00")), want: map[string]string{"rule": "watch not-hostile", "hostile": "settled no", "actions": ""}},
		{name: "on the last moment of keep", records: with(attack(), no("05-06 02:00")), want: map[string]string{"rule": "watch not-hostile"}},
		{name: "not after it", records: with(attack(), no("2026-05-06T01:59:59Z")), want: map[string]string{"rule": "pursue path-open"}},
		{name: "the later answer", records: with(attack(), answer("203.0.113.0/24", history.HostileQuestion, "10-21 00:00", "yes"), no("10-20 00:00")), want: map[string]string{"rule": "pursue path-open"}},
		{name: "of the same moment the one recorded later", records: with(attack(), answer("203.0.113.0/24", history.HostileQuestion, "10-20 00:00", "yes"), no("10-20 00:00")), want: map[string]string{"rule": "watch not-hostile"}},
		{name: "not after a break-in", records: with(attack(), no("10-20 00:00"), broke("10-25 00:00")), want: map[string]string{"hostile": "settled yes"}},
		{name: "nor after one that is all there is", records: []any{no("10-20 00:00"), broke("10-31 00:00")}, want: map[string]string{"hostile": "open"}},
		{name: "a break-in at its moment comes after it", records: with(attack(), no("10-25 00:00"), broke("10-25 00:00")), want: map[string]string{"hostile": "settled yes"}},
		{name: "one before it doesn't matter", records: with(attack(), no("10-25 00:01"), broke("10-25 00:00")), want: map[string]string{"rule": "watch not-hostile"}},
		{name: "nor another's", records: with(attack(), no("10-20 00:00"), guest), want: map[string]string{"rule": "watch not-hostile"}},
		{name: "one that left the window still ended it", records: with(attack(), no("08-01 00:00"), broke("08-20 00:00")), want: map[string]string{"rule": "pursue path-open"}},
		{name: "an answer to another netblock is none", records: with(attack(), answer("203.0.113.0/25", history.HostileQuestion, "10-20 00:00", "no")), want: map[string]string{"rule": "pursue path-open"}},
		{name: "law enforcement answered", records: with(attack(), broke("10-05 00:00"), answer("203.0.113.0/24", history.LawEnforcementQuestion, "10-20 00:00", "no")), want: map[string]string{"law-enforcement": "settled no"}},
		{name: "law enforcement reported", records: with(attack(), broke("10-05 00:00"), reportTo("L", "10-20 00:00", "203.0.113.7", history.LawEnforcement, "p@example.org")), want: map[string]string{"law-enforcement": "settled reported"}},
	})
}
