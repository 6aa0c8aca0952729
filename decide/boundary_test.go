package decide_test

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
)

// TestBoundaries holds rules to what they say at their edges, where nothing else in a situation could stand in for them.
func TestBoundaries(t *testing.T) {
	block24 := hosting("203.0.113.0/24")
	days := daily("203.0.113.7", "10-30", "11-01", 20)
	untrusted := history.Contact{Address: "abuse@example.net", Trust: history.Untrusted}
	many := func(n int, count int64) (out []history.Record) {
		for i := range n {
			out = append(out, hit(fmt.Sprintf("203.0.113.%d", i+1), "11-01", count))
		}
		return out
	}
	twoHours := honest("203.0.113.7", "11-01", "web", 50)
	twoHours.First = clock("11-01 09:00")
	chain := list(block("203.0.113.7", "07-01 02:00", "07-15 02:00"), block("203.0.113.7", "08-01 02:00", "08-31 02:00"), block("203.0.113.7", "09-10 02:00", "10-20 02:00"))
	rest := daily("203.0.113.7", "10-21", "11-01", 9)
	open := block24
	open.At = clock("05-01 00:00")
	answered := func(q history.Question, at, text string) history.Answer { return answer("203.0.113.0/24", q, at, text) }
	check(t, []judged{
		{name: "no letter is due for a case without an offender", records: []any{block24, hit("203.0.113.7", "11-01", 1), report("R1", "10-20 00:00", "203.0.113.7")},
			want: map[string]string{"rule": "watch not-hostile", "actions": ""}},
		{name: "nor to the police while it is quiet", records: []any{block24, untrusted, daily("203.0.113.7", "10-10", "10-12", 20)}, want: map[string]string{"rule": "watch quiet", "actions": ""}},
		{name: "a refusal ends the wait at once", records: []any{block24, days, report("R1", "10-01 00:00", "203.0.113.7"), response("R1", "10-02 00:00", history.Unhelpful)},
			want: map[string]string{"actions": "10-02 report-upstream abuse@carrier.example 203.0.113.7"}},
		{name: "a report to somebody else since begins another", records: []any{block24, days, report("R1", "10-01 00:00", "203.0.113.7"), response("R1", "10-02 00:00", history.Unhelpful),
			reportTo("R2", "10-30 00:00", "203.0.113.7", history.Contacted, "noc@example.net")}, want: map[string]string{"others": "open", "actions": "11-06 follow-up abuse@example.net 203.0.113.7"}},
		{name: "one to the same doesn't", records: []any{block24, days, report("R1", "10-01 00:00", "203.0.113.7"), response("R1", "10-02 00:00", history.Unhelpful), report("R2", "10-30 00:00", "203.0.113.7")},
			want: map[string]string{"actions": "10-02 report-upstream abuse@carrier.example 203.0.113.7"}},
		{name: "a refusal from before its report is none", records: []any{block24, days, report("R1", "10-30 00:00", "203.0.113.7"), response("R1", "10-29 00:00", history.Unhelpful)},
			want: map[string]string{"actions": "11-06 follow-up abuse@example.net 203.0.113.7"}},
		{name: "nor is a bounce", records: []any{block24, days, report("R1", "10-30 00:00", "203.0.113.7"), response("R1", "10-29 00:00", history.Bounced)},
			want: map[string]string{"actions": "11-06 follow-up abuse@example.net 203.0.113.7"}},
		{name: "nor is one of the police's", records: []any{block24, days, report("R1", "10-30 00:00", "203.0.113.7"), reportTo("R2", "10-30 00:00", "203.0.113.7", history.LawEnforcement, "abuse@example.net"),
			response("R2", "10-31 00:00", history.Unhelpful)}, want: map[string]string{"actions": "11-06 follow-up abuse@example.net 203.0.113.7"}},
		{name: "help from before its report still stops the path", records: []any{block24, days, report("R1", "10-20 00:00", "203.0.113.7"), response("R1", "10-19 23:00", history.Asked)},
			want: map[string]string{"actions": "10-19 answer abuse@example.net 203.0.113.7"}},
		{name: "an untrusted contact's upstream was written to", records: []any{block24, untrusted, days, reportTo("R1", "10-20 00:00", "203.0.113.7", history.Upstream, "abuse@carrier.example")},
			want: map[string]string{"actions": "10-27 report-cert cert@cert.example 203.0.113.7; 11-02 report-law-enforcement  203.0.113.7"}},
		{name: "a second fixed just within window of one that didn't hold", records: []any{block24, hit("203.0.113.7", "10-05", 20), days, report("R1", "10-01 00:00", "203.0.113.7"),
			response("R1", "10-02 00:00", history.Fixed), response("R1", "11-01 00:00", history.Fixed)}, want: map[string]string{"rule": "pursue path-open", "actions": "10-05 follow-up abuse@example.net 203.0.113.7"}},
		{name: "and a second later", records: []any{block24, hit("203.0.113.7", "10-05", 20), days, report("R1", "10-01 00:00", "203.0.113.7"),
			response("R1", "10-02 00:00", history.Fixed), response("R1", "2026-11-01T00:00:01Z", history.Fixed)}, want: map[string]string{"rule": "watch fixed"}},
		{name: "seen seven days ago is not recent", records: []any{block24, daily("203.0.113.7", "10-24", "10-26", 20)}, want: map[string]string{"rule": "watch quiet", "hostile": "open"}},
		{name: "six days ago is", records: []any{block24, daily("203.0.113.7", "10-24", "10-27", 20)}, want: map[string]string{"rule": "pursue path-open", "hostile": "settled yes"}},
		{name: "thirteen sources of two events make a group", records: []any{many(13, 2)}, want: map[string]string{"offenders": "203.0.113.1 203.0.113.2 203.0.113.3 203.0.113.4 203.0.113.5 203.0.113.6 203.0.113.7 203.0.113.8 203.0.113.9 203.0.113.10 203.0.113.11 203.0.113.12 203.0.113.13"}},
		{name: "twelve don't", records: []any{many(12, 2), report("R1", "10-30 00:00", "203.0.113.7")}, want: map[string]string{"offenders": ""}},
		{name: "one that is an offender by itself is one once", records: []any{many(11, 2), hit("203.0.113.200", "11-01", 5)}, want: map[string]string{"offenders": "203.0.113.1 203.0.113.2 203.0.113.3 203.0.113.4 203.0.113.5 203.0.113.6 203.0.113.7 203.0.113.8 203.0.113.9 203.0.113.10 203.0.113.11 203.0.113.200"}},
		{name: "one event is enough where the policy says so", policy: "[offender]\nevents = 1\n", records: []any{hit("203.0.113.7", "11-01", 1)}, want: map[string]string{"offenders": "203.0.113.7"}},
		{name: "context is what proves nothing, in window", records: []any{block24, days, oneWay(hit("203.0.113.9", "10-04", 7)), oneWay(hit("203.0.113.9", "10-03", 100)), byOthers(hit("203.0.113.9", "11-01", 9))},
			want: map[string]string{"context": "7 9"}},
		{name: "an offender's pages are one a day, however often recorded", policy: waived, records: []any{block24, daily("203.0.113.7", "10-30", "11-01", 90), honest("203.0.113.7", "11-01", "web", 50), twoHours},
			want: map[string]string{"loss": "0.026 203.0.113.7"}},
		{name: "a login that was guessed is no honest one, though it read pages before", records: []any{block24, honest("203.0.113.7", "10-01", "web", 1), daily("203.0.113.7", "10-28", "10-30", 30), honest("203.0.113.7", "10-31", "ssh", 9), days},
			want: map[string]string{"actions": "11-02 check-break-in  203.0.113.7; 11-02 report abuse@example.net 203.0.113.7", "loss": "0.012 203.0.113.7"}},
		{name: "what is worth nothing is nobody's loss", policy: waived + "[loss.value]\nweb = 0.0\n", records: []any{block24, days, honest("203.0.113.8", "11-01", "web", 9), block("203.0.113.0/28", "10-28 00:00", "11-28 00:00")},
			want: map[string]string{"loss": "0.028 "}},
		{name: "what is worth little is", policy: waived, records: []any{block24, days, honest("203.0.113.8", "11-01", "web", 9), block("203.0.113.0/28", "10-28 00:00", "11-28 00:00")},
			want: map[string]string{"loss": "0.258 203.0.113.8"}},
		{name: "the earlier of two blocks with other ranges", policy: waived, records: []any{rest, block("203.0.113.9", "08-20 02:00", "09-03 02:00"), block("203.0.113.7", "10-06 02:00", "10-20 02:00")},
			want: map[string]string{"rule": "block relapse", "until": "12-02 02:00"}},
		{name: "in whatever order they are recorded", policy: waived, records: []any{rest, block("203.0.113.7", "10-06 02:00", "10-20 02:00"), block("203.0.113.9", "08-20 02:00", "09-03 02:00")},
			want: map[string]string{"rule": "block relapse", "until": "12-02 02:00"}},
		{name: "and with the lower address first", policy: waived, records: []any{rest, block("203.0.113.5", "08-20 02:00", "09-03 02:00"), block("203.0.113.7", "10-06 02:00", "10-20 02:00")},
			want: map[string]string{"rule": "block relapse", "until": "12-02 02:00"}},
		{name: "high begins at the third rung of more", policy: waived + "[length]\nladder = [\"1d\", \"2d\", \"3d\", \"4d\", \"5d\"]\n", records: []any{daily("203.0.113.7", "10-26", "11-01", 900)}, want: map[string]string{"until": "11-05 02:00"}},
		{name: "a relapse of a short block begins no lower than its level", policy: waived, records: []any{daily("203.0.113.7", "10-26", "11-01", 900), block("203.0.113.7", "10-06 02:00", "10-20 02:00")},
			want: map[string]string{"rule": "block relapse", "until": "01-31 02:00"}},
		{name: "what ran out longer ago than the window is no release", records: []any{block24, hit("203.0.113.7", "11-01", 1), report("R1", "10-30 00:00", "203.0.113.7"), block("203.0.113.7", "09-01 00:00", "10-01 00:00")},
			want: map[string]string{"rule": "watch not-hostile"}},
		{name: "beside a block that stands nothing is a relapse", records: []any{block24, daily("203.0.113.9", "10-30", "11-01", 20), block("203.0.113.9", "10-06 00:00", "10-20 00:00"), block("203.0.113.7", "10-25 00:00", "11-25 00:00")},
			want: map[string]string{"rule": "block in-force", "ranges": "203.0.113.7"}},
		{name: "nor where the one that stands began before", records: []any{block24, daily("203.0.113.9", "10-30", "11-01", 20), block("203.0.113.9", "10-08 00:00", "10-20 00:00"), block("203.0.113.7", "10-06 00:00", "11-25 00:00")},
			want: map[string]string{"rule": "block in-force", "ranges": "203.0.113.7"}},
		{name: "what would lose more than it spares spreads nothing", policy: waived, records: []any{block24, hit("203.0.113.9", "10-31", 5), hit("203.0.113.9", "11-01", 5), honest("203.0.113.9", "11-01", "imap", 99), block("203.0.113.7", "10-25 00:00", "11-25 00:00")},
			want: map[string]string{"rule": "block in-force", "ranges": "203.0.113.7"}},
		{name: "beside a permanent block the ladder is whole where nobody has to be asked", policy: waived, records: []any{block24, daily("203.0.113.9", "10-26", "11-01", 900), block("203.0.113.7", "10-25 00:00", "")},
			want: map[string]string{"rule": "block spread", "blocks": "203.0.113.7 10-25 00:00 for good; 203.0.113.9 11-02 02:00 01-31 02:00"}},
		{name: "and where somebody has, it isn't", records: []any{block24, daily("203.0.113.9", "10-26", "11-01", 900), block("203.0.113.7", "10-25 00:00", "")},
			want: map[string]string{"blocks": "203.0.113.7 10-25 00:00 for good; 203.0.113.9 11-02 02:00 12-02 02:00"}},
		{name: "a wide release before a narrow one", records: []any{block24, days, block("203.0.113.200", "10-25 00:00", "11-25 00:00"), release("203.0.113.0/24", "10-30 00:00", history.ByFixed), release("203.0.113.4", "10-30 00:00", history.ByFixed)},
			want: map[string]string{"blocks": "203.0.113.7 11-02 02:00 12-02 02:00"}},
		{name: "of two blocks with one end the wider counts", policy: waived, records: []any{block24, days, block("203.0.113.7", "10-25 00:00", "11-25 00:00"), block("203.0.113.0/28", "10-26 00:00", "11-25 00:00")},
			want: map[string]string{"blocks": "203.0.113.0/28 10-26 00:00 11-25 00:00"}},
		{name: "a path that isn't exhausted makes nothing permanent", records: []any{block24, chain, rest, report("R1", "10-30 09:00", "203.0.113.7"), response("R1", "10-30 10:00", history.Unhelpful), reportTo("R2", "11-01 00:00", "203.0.113.7", history.Upstream, "abuse@carrier.example")},
			want: map[string]string{"rule": "block relapse", "contact": "settled ignoring", "approval": "none"}},
		{name: "an answer temporary makes nothing permanent", records: []any{block24, asked("203.0.113.7"), chain, rest, answered(history.DurationQuestion, "11-01 00:00", "temporary")},
			want: map[string]string{"rule": "block relapse", "approval": "needed"}},
		{name: "a permanent block with a temporary one beside it isn't approved anew", records: []any{block24, asked("203.0.113.7"), chain, rest, block("203.0.113.7", "10-21 00:00", ""), block("203.0.113.9", "10-22 00:00", "11-22 00:00"), answered(history.DurationQuestion, "11-01 00:00", "permanent")},
			want: map[string]string{"rule": "block in-force", "blocks": "203.0.113.7 10-21 00:00 for good; 203.0.113.9 10-22 00:00 11-22 00:00"}},
		{name: "nor one that was no case when it began", records: []any{block24, asked("203.0.113.7"), hit("203.0.113.7", "11-01", 20), block("198.51.100.9", "09-30 00:00", "11-30 00:00"), answer("198.51.100.0/24", history.DurationQuestion, "11-01 00:00", "permanent")}, of: "198.51.100.0/24",
			want: map[string]string{"rule": "block in-force", "approval": "none"}},
		{name: "registered only after a permanent block began is no other holder", at: "06-10 02:00", records: []any{open, block("203.0.113.7", "02-01 02:00", "")}, want: map[string]string{"approval": "none"}},
		{name: "the permanent one of two is asked about again, by its own age", at: "06-10 02:00", records: []any{block24, block("203.0.113.9", "2025-10-01T00:00:00Z", "2027-10-01T00:00:00Z"), block("203.0.113.7", "02-01 02:00", "")}, want: map[string]string{"approval": "none"}},
		{name: "since when what stands stands", records: []any{block24, days, block("203.0.113.7", "09-01 00:00", "09-10 00:00"), block("203.0.113.7", "10-28 00:00", "11-20 00:00")}, want: map[string]string{"evidence": "blocked since 2026-10-28"}},
		{name: "range = no keeps it narrow", policy: waived + "[range]\nwidest4 = 32\n", records: []any{block24, days, daily("203.0.113.6", "10-30", "11-01", 20), answered(history.RangeQuestion, "11-01 00:00", "no")}, want: map[string]string{"ranges": "203.0.113.6 203.0.113.7"}},
		{name: "range = yes doesn't", policy: waived + "[range]\nwidest4 = 32\n", records: []any{block24, days, daily("203.0.113.6", "10-30", "11-01", 20), answered(history.RangeQuestion, "11-01 00:00", "yes")}, want: map[string]string{"ranges": "203.0.113.6/31"}},
		{name: "offenders that aren't named are neighbours all the same", records: []any{block24, hit("203.0.113.1", "11-01", 150), daily("203.0.113.2", "10-10", "10-20", 60), daily("203.0.113.3", "10-10", "10-20", 60)},
			want: map[string]string{"rule": "block immediate", "ranges": "203.0.113.0/24"}},
		{name: "the evidence of exhausted", policy: waived, records: []any{block24, days}, want: map[string]string{"evidence": "1 offender, 3.4 a day; waived by path.required = false"}},
		{name: "all protected but one held", records: []any{block24, days, hit("203.0.113.9", "11-01", 20), protect("203.0.113.7", "10-01 00:00"), hold("203.0.113.9", "10-20 00:00", "12-01 00:00")},
			want: map[string]string{"rule": "exempt hold", "evidence": "203.0.113.9 is on hold as 203.0.113.9 until 2026-12-01 (customer)"}},
		{name: "the held one first", records: []any{block24, days, hit("203.0.113.9", "11-01", 20), protect("203.0.113.9", "10-01 00:00"), hold("203.0.113.7", "10-20 00:00", "12-01 00:00")},
			want: map[string]string{"rule": "exempt hold", "evidence": "203.0.113.7 is on hold as 203.0.113.7 until 2026-12-01 (customer)"}},
		{name: "two protected", records: []any{block24, days, hit("203.0.113.9", "11-01", 20), protect("203.0.113.9", "10-01 00:00"), protect("203.0.113.7", "10-01 00:00")},
			want: map[string]string{"rule": "exempt protected", "evidence": "203.0.113.7 is protected as 203.0.113.7 (office)"}},
	})
}

func oneWay(s history.Sighting) history.Sighting {
	s.Proof = history.OneWay
	return s
}

func byOthers(s history.Sighting) history.Sighting {
	s.Reporter = "partner"
	return s
}

func TestWhyALengthIsWhatItIs(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		records      []any
		want         string
	}{
		{"its level", waived, []any{daily("203.0.113.7", "10-26", "11-01", 90)}, "30d: level medium"},
		{"a relapse that is no higher than its level", waived, []any{daily("203.0.113.7", "10-26", "11-01", 90), block("203.0.113.7", "10-06 02:00", "10-20 02:00")}, "30d: level medium"},
		{"one that is", waived, []any{daily("203.0.113.7", "10-26", "11-01", 9), block("203.0.113.7", "10-06 02:00", "10-20 02:00")}, "30d: a relapse, one step above the block before"},
		{"a cap that is as long", "[length]\nunasked = \"14d\"\n", []any{hit("203.0.113.7", "11-01", 101)}, "14d: level low"},
		{"a cap that is shorter", "[length]\nunasked = \"13d\"\n", []any{hit("203.0.113.7", "11-01", 101)}, "13d: not everyone responsible has been asked"},
	} {
		got := evidence(t, c.policy, history.DurationQuestion, c.records...)
		if _, why, _ := strings.Cut(got, ". "); why != c.want {
			t.Errorf("%s: %s; expected %s", c.name, why, c.want)
		}
	}
}

func TestRangeEvidenceIsOfThoseNamed(t *testing.T) {
	if got, want := evidence(t, "", history.RangeQuestion, hit("203.0.113.7", "11-01", 101), hit("203.0.113.70", "10-10", 99)),
		"203.0.113.7. costs 0.001 a day; 203.0.113.6/31 would cost 0.003 and block 1 more"; got != want {
		t.Errorf("%s; expected %s", got, want)
	}
	if got, want := evidence(t, "", history.RangeQuestion, daily("203.0.113.6", "10-30", "11-01", 20), daily("203.0.113.7", "10-30", "11-01", 20), hit("203.0.113.70", "11-01", 20), block("203.0.113.6/31", "10-25 00:00", "11-25 00:00")),
		"203.0.113.6/31. costs 1.190 a day; each offender alone 1.191; 203.0.113.4/30 would cost 1.178 and block 2 more"; got != want {
		t.Errorf("%s; expected %s", got, want)
	}
}

// TestMoreThanShown holds that a single thing left out of a list is told.
func TestMoreThanShown(t *testing.T) {
	var lost, spread []history.Record
	for i := range 6 {
		source := fmt.Sprintf("203.0.113.%d", i*32+7)
		spread = append(spread, daily(source, "10-30", "11-01", 20)...)
		if i < 4 {
			lost = append(lost, daily(source, "10-30", "11-01", 90)...)
			lost = append(lost, honest(source, "11-01", "web", 1))
		}
	}
	if got := evidence(t, waived, history.LossQuestion, lost); !strings.HasSuffix(got, "203.0.113.71 (web, 0.0 a day), 1 more") {
		t.Error(got)
	}
	if got := evidence(t, waived+"[range]\ngrow_min = 9\n", history.RangeQuestion, spread); !strings.HasPrefix(got, "203.0.113.7, 203.0.113.39, 203.0.113.71, 203.0.113.103, 203.0.113.135, 1 more. ") {
		t.Error(got)
	}
}

func TestNoticeOfWhatRanOut(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []any
		want    int
	}{
		{"no release on record", []any{block("203.0.113.7", "10-01 00:00", "10-20 00:00")}, 1},
		{"a release by expiry", []any{block("203.0.113.7", "10-01 00:00", "10-20 00:00"), release("203.0.113.7", "10-20 00:00", history.ByExpiry)}, 0},
		{"one of the time before", []any{block("203.0.113.7", "10-01 00:00", "10-20 00:00"), release("203.0.113.7", "2026-10-19T23:59:59Z", history.ByExpiry)}, 1},
		{"one by a person, too late to end anything", []any{block("203.0.113.7", "10-01 00:00", "10-20 00:00"), release("203.0.113.7", "10-21 00:00", "ops")}, 1},
		{"of another range", []any{block("203.0.113.7", "10-01 00:00", "10-20 00:00"), release("203.0.113.8", "10-20 00:00", history.ByExpiry)}, 1},
		{"the later of two", []any{block("203.0.113.7", "10-01 00:00", "10-20 00:00"), release("203.0.113.7", "10-20 00:00", history.ByExpiry), release("203.0.113.7", "10-10 00:00", history.ByExpiry)}, 0},
		{"it stands", []any{block("203.0.113.7", "10-01 00:00", "11-20 00:00")}, 0},
	} {
		r := decide.Judge(gather(append(c.records, hosting("203.0.113.0/24"))...), policy(t, ""), clock(now))
		if len(r.Cases) != 1 || len(r.Cases[0].Notice) != c.want {
			t.Errorf("%s: %+v; expected %d notices", c.name, r.Cases, c.want)
		}
	}
}

// TestWhoReleases holds that a release by an answer bears the name of who gave it, and never one of the program's own.
func TestWhoReleases(t *testing.T) {
	for by, want := range map[string]string{"ann": "ann", "": "operator", history.ByExpiry: "operator", history.ByFixed: "operator", history.ByRejudged: "operator"} {
		a := answer("203.0.113.0/24", history.HostileQuestion, "11-01 00:00", "no")
		a.By = by
		r := decide.Judge(gather(hosting("203.0.113.0/24"), block("203.0.113.7", "10-20 00:00", "11-20 00:00"), a), policy(t, ""), clock(now))
		p := r.Proposed(nil)
		if len(p.Releases) != 1 || p.Releases[0].By != want {
			t.Errorf("answered by %q: %+v; expected a release by %s", by, p.Releases, want)
		}
	}
}

func TestOnlyCasesThatAddAreHeldBack(t *testing.T) {
	r := decide.Judge(gather(daily("203.0.113.7", "10-30", "11-01", 20), daily("198.51.100.7", "10-30", "11-01", 20), block("198.51.100.7", "10-20 00:00", "11-20 00:00")),
		policy(t, waived+"[guard]\nnew_ranges = 0\n"), clock(now))
	if len(r.Guards) != 1 || strings.Join(r.Guards[0].HeldBack, " ") != "203.0.113.0/24" {
		t.Errorf("%+v; expected new_ranges to hold back 203.0.113.0/24", r.Guards)
	}
}

// TestExplainKnowsWhatAContactWroteElsewhere holds that a contact that was hostile about another netblock is untrusted here,
// whether the netblock names it or a report went to it.
func TestExplainKnowsWhatAContactWroteElsewhere(t *testing.T) {
	elsewhere := hosting("198.51.100.0/24")
	elsewhere.Abuse = "noc@example.net"
	days := daily("203.0.113.7", "10-30", "11-01", 20)
	d := explained(t, "", hosting("203.0.113.0/24"), days, report("R1", "10-10 00:00", "198.51.100.7"), response("R1", "10-11 00:00", history.Hostile))
	if d.Case.Contact.Trust != history.Untrusted {
		t.Errorf("the contact is %s; expected untrusted", d.Case.Contact.Trust)
	}
	d = explained(t, "", hosting("203.0.113.0/24"), elsewhere, days, reportTo("R1", "10-10 00:00", "198.51.100.7", history.Contacted, "noc@example.net"), response("R1", "10-11 00:00", history.Hostile),
		reportTo("R2", "10-30 00:00", "203.0.113.7", history.Contacted, "noc@example.net"), response("R2", "10-30 01:00", history.Asked))
	if d.Path[0].Sent[0].Received[0].Counts {
		t.Error("the word of a contact that is untrusted counts; expected it not to")
	}
}

func TestExplainWhatIsNoCase(t *testing.T) {
	for name, records := range map[string][]any{
		"nothing":         {},
		"an old report":   {hosting("203.0.113.0/24"), report("R1", "10-01 00:00", "203.0.113.7")},
		"another's":       {daily("198.51.100.7", "10-30", "11-01", 20)},
		"an old sighting": {hosting("203.0.113.0/24"), hit("203.0.113.7", "09-01", 90), report("R1", "10-01 00:00", "203.0.113.7")},
	} {
		if d, ok := decide.Explain(gather(records...), policy(t, ""), clock(now), netip.MustParsePrefix("203.0.113.0/24")); ok {
			t.Errorf("%s: %+v; expected no case", name, d)
		}
	}
}

func TestSharesOfNoDanger(t *testing.T) {
	for text, want := range map[string]float64{"[danger.severity]\nssh-login = 0.0\n": 0, "[danger.severity]\nssh-login = 0.01\n": 1} {
		d := explained(t, text, daily("203.0.113.7", "10-30", "11-01", 20))
		if got := d.Danger[0].Share; got != want || math.IsNaN(got) {
			t.Errorf("%q: a share of %v; expected %v", text, got, want)
		}
	}
}

func TestLawEnforcementIsDueFirstOfAll(t *testing.T) {
	d := explained(t, "", hosting("203.0.113.0/24"), history.Contact{Address: "abuse@example.net", Trust: history.Untrusted}, daily("203.0.113.7", "10-30", "11-01", 20), asked("203.0.113.7"))
	if x := d.Path[4]; x.Status != decide.StepDue || x.Due != "2026-11-02" {
		t.Errorf("%+v; expected it to be due", x)
	}
}

func TestStaleBeginsAtTheGap(t *testing.T) {
	d := explained(t, "", hosting("203.0.113.0/24"), daily("203.0.113.7", "10-28", "11-01", 20), report("R1", "05-01 00:00", "203.0.113.7"), report("R2", "05-11 00:00", "203.0.113.7"))
	if d.Stale != 0 {
		t.Errorf("%d stale reports; expected none: the last is 175 days old, and the one before 10 days older", d.Stale)
	}
}

func TestChoicesAtTheEdge(t *testing.T) {
	at := func(prefix, policyText string, records ...any) string {
		d, ok := decide.Explain(gather(records...), policy(t, policyText), clock(now), netip.MustParsePrefix(prefix))
		if !ok {
			t.Fatalf("%s is no case", prefix)
		}
		var out []string
		for _, c := range d.Choices {
			out = append(out, fmt.Sprintf("%s %s: %s", c.What, joined(c.Ranges), c.Why))
		}
		return strings.Join(out, "; ")
	}
	days := func(source string) []history.Record { return daily(source, "10-30", "11-01", 20) }
	for _, c := range []struct{ name, got, want string }{
		{"as wide as the policy allows", at("203.0.113.0/24", waived+"[range]\nwidest4 = 31\n", days("203.0.113.7")),
			"chosen 203.0.113.7: costs least; narrower : leaves more danger than it spares; wider 203.0.113.6/31: loses more than the neighbours in it are worth"},
		{"any width by an answer", at("203.0.113.0/24", waived+"[range]\nwidest4 = 32\n", days("203.0.113.7"), answer("203.0.113.0/24", history.RangeQuestion, "11-01 00:00", "yes")),
			"chosen 203.0.113.7: costs least; narrower : leaves more danger than it spares; wider 203.0.113.6/31: loses more than the neighbours in it are worth"},
		{"narrower than two addresses is each of them", at("203.0.113.0/24", waived, days("203.0.113.6"), days("203.0.113.7")),
			"chosen 203.0.113.6/31: costs least; narrower 203.0.113.6 203.0.113.7: spares less than the entries and neighbours are worth; wider 203.0.113.4/30: loses more than the neighbours in it are worth"},
		{"of equals the lowest is left out, and the lowest widened", at("203.0.113.0/24", waived, days("203.0.113.7"), days("203.0.113.201")),
			"chosen 203.0.113.7 203.0.113.201: costs least; narrower 203.0.113.201: leaves more danger than it spares; wider 203.0.113.6/31 203.0.113.201: loses more than the neighbours in it are worth"},
		{"one that holds no offender can't be left out for less danger", at("203.0.113.0/24", waived, hit("203.0.113.7", "11-01", 1), block("203.0.113.201", "10-25 00:00", "11-25 00:00")),
			"chosen 203.0.113.201: as it was chosen when it began; wider 203.0.113.200/31: loses more than the neighbours in it are worth"},
		{"the whole netblock is the widest", at("203.0.113.6/31", waived, hosting("203.0.113.6/31"), days("203.0.113.7")),
			"chosen 203.0.113.7: costs least; narrower : leaves more danger than it spares; wider 203.0.113.6/31: loses more than the neighbours in it are worth"},
		{"and nothing is wider than it", at("203.0.113.6/31", waived, hosting("203.0.113.6/31"), days("203.0.113.6"), days("203.0.113.7")),
			"chosen 203.0.113.6/31: costs least; narrower 203.0.113.6 203.0.113.7: spares less than the entries and neighbours are worth"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s; expected %s", c.name, c.got, c.want)
		}
	}
	d := explained(t, waived, hosting("203.0.113.0/24"), daily("203.0.113.1", "10-31", "11-01", 4), daily("203.0.113.2", "10-31", "11-01", 4), daily("203.0.113.5", "10-31", "11-01", 5), daily("203.0.113.3", "10-31", "11-01", 5))
	if x := d.Choices[0]; x.Gain <= 0 || x.Gain >= 1 || x.Why != "costs least; neighbours of so many offenders are likely to be next" {
		t.Errorf("%s gains %v: %s; expected some neighbours to be worth less than one a day", joined(x.Ranges), x.Gain, x.Why)
	}
}

func TestContradictionsOfBlocksThatEnded(t *testing.T) {
	for until, want := range map[string]int{"10-03 02:00": 1, "2026-10-03T01:59:59Z": 0} {
		r := decide.Judge(gather(hosting("203.0.113.0/24"), block("203.0.113.7", "09-01 00:00", until)), policy(t, ""), clock(now))
		if len(r.Notes) != want {
			t.Errorf("ended %s ago: %v; expected %d notes", clock(now).Sub(clock(until)).Round(time.Second), r.Notes, want)
		}
	}
}

func TestALittleHonestTrafficIsAllThatIsKnown(t *testing.T) {
	if _, got := refusals(t, "", "203.0.113.8", honest("203.0.113.8", "10-30", "web", 1)); !strings.HasPrefix(got, "lost: 203.0.113.8 loses 1 of all") {
		t.Errorf("%q; expected guard lost", got)
	}
}
