package decide_test

import (
	"testing"

	"lastresort/decide/history"
)

// waived is a policy of nobody to ask, under which every offender is blocked.
const waived = "[path]\nrequired = false\n"

func TestLength(t *testing.T) {
	seen := func(count int64) []history.Record { return daily("203.0.113.7", "10-26", "11-01", count) } // Σ of weights 0.35
	cgnat, dynamic := hosting("203.0.113.0/24"), hosting("203.0.113.0/24")
	cgnat.Assignment, dynamic.Assignment = history.CGNAT, history.Dynamic
	check(t, []judged{
		{name: "low", policy: waived, records: []any{seen(9)}, want: map[string]string{"until": "11-16 02:00"}},
		{name: "medium", policy: waived, records: []any{seen(90)}, want: map[string]string{"until": "12-02 02:00"}},
		{name: "high", policy: waived, records: []any{seen(900)}, want: map[string]string{"until": "01-31 02:00"}},
		{name: "of the named alone", records: []any{hit("203.0.113.7", "11-01", 101), hit("203.0.113.8", "10-10", 99)}, want: map[string]string{"ranges": "203.0.113.7", "until": "11-16 02:00"}},
		{name: "unasked", policy: "[length]\nunasked = \"20d\"", records: []any{seen(900)}, want: map[string]string{"until": "11-22 02:00"}},
		{name: "asked to the end", policy: "[length]\nunasked = \"20d\"", records: []any{hosting("203.0.113.0/24"), asked("203.0.113.7"), seen(900)}, want: map[string]string{"until": "01-31 02:00"}},
		{name: "dynamic", policy: waived, records: []any{dynamic, seen(900)}, want: map[string]string{"until": "11-09 02:00"}},
		{name: "cgnat", policy: waived, records: []any{cgnat, seen(900)}, want: map[string]string{"until": "11-03 02:00"}},
		{name: "a short ladder", policy: waived + "[length]\nladder = [\"1d\", \"2d\"]", records: []any{seen(900)}, want: map[string]string{"until": "11-04 02:00"}},
	})
}

func TestLadder(t *testing.T) {
	seen := daily("203.0.113.7", "10-26", "11-01", 9)
	check(t, []judged{
		{name: "a relapse is one step above", policy: waived, records: []any{seen, block("203.0.113.7", "10-06 02:00", "10-20 02:00")}, want: map[string]string{"until": "12-02 02:00"}},
		{name: "within length.relapse, the moment included", policy: waived, records: []any{seen, block("203.0.113.7", "09-19 02:00", "10-03 02:00")}, want: map[string]string{"rule": "block relapse", "until": "12-02 02:00"}},
		{name: "a second later it isn't", policy: waived, records: []any{seen, block("203.0.113.7", "09-19 02:00", "2026-10-03T01:59:59Z")}, want: map[string]string{"rule": "block exhausted", "until": "11-16 02:00"}},
		{name: "the highest rung not longer than it was meant to be", policy: waived, records: []any{seen, block("203.0.113.7", "09-05 02:00", "2026-10-05T01:59:59Z")}, want: map[string]string{"until": "12-02 02:00"}},
		{name: "exactly a rung", policy: waived, records: []any{seen, block("203.0.113.7", "09-05 02:00", "10-05 02:00")}, want: map[string]string{"until": "01-31 02:00"}},
		{name: "shorter than every rung", policy: waived, records: []any{seen, block("203.0.113.7", "10-06 02:00", "10-08 02:00")}, want: map[string]string{"until": "11-16 02:00"}},
		{name: "never above the last", policy: waived, records: []any{seen, block("203.0.113.7", "07-06 02:00", "10-20 02:00")}, want: map[string]string{"until": "01-31 02:00"}},
		{name: "meant longer than fixed let it be", policy: waived, records: []any{seen, block("203.0.113.7", "10-06 02:00", "11-06 02:00"), release("203.0.113.7", "10-20 02:00", history.ByFixed)}, want: map[string]string{"until": "01-31 02:00"}},
		{name: "overlapping in time they are one", policy: waived, records: []any{seen, block("203.0.113.7", "09-20 02:00", "10-10 02:00"), block("203.0.113.9", "10-06 02:00", "10-20 02:00")}, want: map[string]string{"until": "01-31 02:00"}},
		{name: "one that begins as another ends is another", policy: waived, records: []any{seen, block("203.0.113.7", "10-01 02:00", "10-10 02:00"), block("203.0.113.7", "10-10 02:00", "10-20 02:00")}, want: map[string]string{"until": "11-16 02:00"}},
		{name: "released by a person leaves no step", policy: waived, records: []any{seen, block("203.0.113.7", "10-06 02:00", "10-20 02:00"), release("203.0.113.7", "10-12 00:00", "ops")}, want: map[string]string{"rule": "block exhausted", "until": "11-16 02:00"}},
		{name: "of a block cut by a person the rest does", policy: waived, records: []any{seen, block("203.0.113.6/31", "10-06 02:00", "10-20 02:00"), release("203.0.113.6", "10-12 00:00", "ops")}, want: map[string]string{"rule": "block relapse", "until": "12-02 02:00"}},
		{name: "one that is held goes on, and the new is one with it", policy: waived, records: []any{seen, block("203.0.113.9", "09-01 02:00", "09-15 02:00"), block("203.0.113.9", "10-06 02:00", "11-20 02:00"), hold("203.0.113.9", "10-10 00:00", "12-01 00:00")},
			want: map[string]string{"rule": "block exhausted", "ranges": "203.0.113.7", "until": "12-02 02:00"}},
	})
}

func TestPermanent(t *testing.T) {
	// Three blocks, the first relapse on 08-01: the one that is being decided is the third.
	chain := list(block("203.0.113.7", "07-01 02:00", "07-15 02:00"), block("203.0.113.7", "08-01 02:00", "08-31 02:00"), block("203.0.113.7", "09-10 02:00", "10-20 02:00"))
	late := list(block("203.0.113.7", "07-01 02:00", "07-15 02:00"), block("203.0.113.7", "09-03 02:00", "09-04 02:00"), block("203.0.113.7", "09-10 02:00", "10-20 02:00"))
	full := func(more ...any) []any {
		return append([]any{hosting("203.0.113.0/24"), asked("203.0.113.7"), daily("203.0.113.7", "10-21", "11-01", 9), chain}, more...)
	}
	forever := answer("203.0.113.0/24", history.DurationQuestion, "10-30 00:00", "permanent")
	dynamic := hosting("203.0.113.0/24")
	dynamic.Assignment, dynamic.At = history.Dynamic, clock("10-01 00:00")
	began := block("203.0.113.7", "11-02 02:00", "2027-01-31T02:00:00Z")
	const longest, alternate = "01-31 02:00", "11-02 give-alternate-contact abuse@example.net 203.0.113.7; 11-02 approve  203.0.113.7"
	check(t, []judged{
		{name: "all but the answer", records: full(), want: map[string]string{"rule": "block relapse", "until": longest, "approval": "needed", "actions": alternate}},
		{name: "with it", records: full(forever), want: map[string]string{"rule": "block permanent", "until": "none", "approval": "given", "actions": "", "blocks": "203.0.113.7 11-02 02:00 for good"}},
		{name: "not where addresses change hands", records: full(dynamic, forever), want: map[string]string{"rule": "block relapse", "until": "11-09 02:00", "approval": "none"}},
		{name: "not with honest traffic in the range", records: full(forever, honest("203.0.113.7", "08-05", "imap", 1)), want: map[string]string{"rule": "block relapse", "approval": "none"}},
		{name: "before quiet it doesn't matter", records: full(forever, honest("203.0.113.7", "08-04", "imap", 1)), want: map[string]string{"rule": "block permanent"}},
		{name: "nor what an offender fakes", records: full(forever, honest("203.0.113.7", "10-20", "web", 1)), want: map[string]string{"rule": "block permanent"}},
		{name: "not while a question is open", records: full(forever, ofKind(hit("203.0.113.7", "10-25", 1), "break-in")), want: map[string]string{"approval": "none", "law-enforcement": "open"}},
		{name: "not with the path open", records: []any{hosting("203.0.113.0/24"), daily("203.0.113.7", "10-21", "11-01", 9), chain, forever}, want: map[string]string{"rule": "block relapse", "until": "12-02 02:00", "approval": "none"}},
		{name: "not waived", policy: waived, records: full(forever), want: map[string]string{"rule": "block relapse", "approval": "none"}},
		{name: "four relapses needed", policy: "[permanent]\nrelapses = 4", records: full(forever), want: map[string]string{"rule": "block relapse", "approval": "none"}},
		{name: "the span from the first relapse, the moment included", policy: "[permanent]\nspan = \"93d\"", records: full(), want: map[string]string{"approval": "needed"}},
		{name: "a span longer than that", policy: "[permanent]\nspan = \"93d1s\"", records: full(), want: map[string]string{"approval": "none"}},
		{name: "a chain broken by a pause", records: []any{hosting("203.0.113.0/24"), asked("203.0.113.7"), daily("203.0.113.7", "10-21", "11-01", 9), late}, want: map[string]string{"approval": "none"}},
		{name: "answered since it began", at: "11-05 02:00", records: full(began, answer("203.0.113.0/24", history.DurationQuestion, "11-02 02:00", "permanent")), want: map[string]string{"rule": "block permanent", "approval": "given", "until": "none", "blocks": "203.0.113.7 11-05 02:00 for good", "actions": ""}},
		{name: "answered before it began", at: "11-05 02:00", records: full(began, answer("203.0.113.0/24", history.DurationQuestion, "2026-11-02T01:59:59Z", "permanent")), want: map[string]string{"rule": "block in-force"}},
		{name: "an answer that no longer counts", policy: "[answer]\nkeep = \"3d\"", at: "11-05 02:01", records: full(began, answer("203.0.113.0/24", history.DurationQuestion, "11-02 02:00", "permanent")), want: map[string]string{"rule": "block in-force"}},
		{name: "not with a permanent one beside it", at: "11-05 02:00", records: full(began, block("203.0.113.9", "11-02 02:00", ""), answer("203.0.113.0/24", history.DurationQuestion, "11-02 02:00", "permanent")), want: map[string]string{"rule": "block in-force"}},
		{name: "the conditions are those of then", at: "11-05 02:00", records: full(began, answer("203.0.113.0/24", history.DurationQuestion, "11-02 02:00", "permanent"), honest("203.0.113.7", "11-03", "imap", 1)), want: map[string]string{"rule": "block permanent"}},
		{name: "that didn't hold then", at: "11-05 02:00", records: full(dynamic, began, answer("203.0.113.0/24", history.DurationQuestion, "11-02 02:00", "permanent")), want: map[string]string{"rule": "block in-force"}},
	})
}

func TestRejudge(t *testing.T) {
	forever := block("203.0.113.7", "02-01 02:00", "")
	sold, resold := hosting("203.0.113.0/24"), hosting("203.0.113.0/24")
	sold.Holder, sold.At = "Buyer", clock("05-01 00:00")
	resold.Holder, resold.At = "Buyer", clock("06-01 00:00")
	dur := func(at string) history.Answer {
		return answer("203.0.113.0/24", history.DurationQuestion, at, "permanent")
	}
	ask := func(day string) string { return day + " approve  203.0.113.7" }
	check(t, []judged{
		{name: "after half a year", at: "07-31 02:00", records: []any{hosting("203.0.113.0/24"), forever}, want: map[string]string{"rule": "block in-force", "approval": "needed", "actions": "07-31 report abuse@example.net; " + ask("07-31")}},
		{name: "not a second sooner", at: "2026-07-31T01:59:59Z", records: []any{hosting("203.0.113.0/24"), forever}, want: map[string]string{"approval": "none"}},
		{name: "until answered", at: "08-10 02:00", records: []any{hosting("203.0.113.0/24"), forever, dur("07-31 02:00")}, want: map[string]string{"approval": "none"}},
		{name: "an answer from before doesn't do", at: "08-10 02:00", records: []any{hosting("203.0.113.0/24"), forever, dur("2026-07-31T01:59:59Z")}, want: map[string]string{"approval": "needed"}},
		{name: "and again", at: "2027-01-27T02:00:00Z", records: []any{hosting("203.0.113.0/24"), forever, dur("08-01 02:00")}, want: map[string]string{"approval": "needed"}},
		{name: "another holder", at: "06-10 02:00", records: []any{hosting("203.0.113.0/24"), forever, sold}, want: map[string]string{"approval": "needed"}},
		{name: "the same holder again", at: "06-10 02:00", records: []any{sold, forever, resold, dur("05-20 00:00"), hosting("203.0.113.0/24")}, want: map[string]string{"approval": "none"}},
		{name: "answered since", at: "06-10 02:00", records: []any{hosting("203.0.113.0/24"), forever, sold, dur("05-01 00:00")}, want: map[string]string{"approval": "none"}},
		{name: "answered before", at: "06-10 02:00", records: []any{hosting("203.0.113.0/24"), forever, sold, dur("04-30 00:00")}, want: map[string]string{"approval": "needed"}},
	})
}
