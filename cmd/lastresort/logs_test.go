package main

import (
	"testing"
	"time"

	"lastresort/decide/evidence"
)

func TestLogHealth(t *testing.T) {
	read := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		last time.Time
		sum  evidence.Summary
		want string
	}{
		{"well", read.Add(-time.Hour), evidence.Summary{Lines: 9, Hostile: 3, Honest: 1}, "x.log: the last line is of 2026-11-02 01:00; 9 lines, 3 hostile, 1 honest"},
		{"a day is not silent", read.Add(-24 * time.Hour), evidence.Summary{Lines: 9}, "x.log: the last line is of 2026-11-01 02:00; 9 lines, 0 hostile, 0 honest"},
		{"silent", read.Add(-26 * time.Hour), evidence.Summary{}, "x.log: the last line is of 2026-11-01 00:00; 0 lines, 0 hostile, 0 honest; no line for 26 h when it was read"},
		{"strange", read, evidence.Summary{Lines: 2, Unknown: 1, Example: "a\x1b[2Jb"}, `x.log: the last line is of 2026-11-02 02:00; 2 lines, 0 hostile, 0 honest; 1 not understood, such as "a\x1b[2Jb"`},
		{"unread", read, evidence.Summary{Lines: 9, Long: 2, Future: 3}, "x.log: the last line is of 2026-11-02 02:00; 18 lines, 0 hostile, 0 honest; 4 too long; 6 from the future: is a clock wrong?"},
		{"none read", time.Time{}, evidence.Summary{Lines: 3, Future: 3}, "x.log: none of 3 lines counts; 3 from the future: is a clock wrong?"},
		{"empty", time.Time{}, evidence.Summary{}, "x.log: no line yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := logState{Position: evidence.Position{Last: c.last}}
			s.Seen.add(c.sum, read)
			if c.name == "unread" { // what the next reading finds adds up
				s.Seen.add(c.sum, read)
			}
			if got := logHealthOf("x.log", s).String(); got != c.want {
				t.Errorf("%s\nexpected %s", got, c.want)
			}
		})
	}
}
