package backtest

import (
	"fmt"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
)

// note says what must be known to read the figures.
func (r *Result) note(h *history.History, list *timeline, p *decide.Policy, exact bool) {
	say := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	if len(list.events) == 0 {
		say("the history is empty: there is nothing to replay")
		return
	}
	first, last := list.event(0).First, time.Time{}
	for i := range list.events {
		if list.events[i].Last.After(last) {
			last = list.events[i].Last
		}
	}
	switch {
	case !r.To.After(first):
		say("the period ends before the first record, of %s", day(first))
	case r.From.After(last):
		say("the period begins after the last record, of %s", day(last))
	case r.From.Before(first):
		say("the first record is of %s: the nights before it saw nothing", day(first))
	}
	if r.Seen.TwoWay == 0 {
		say("no hostile event with proof in the period: nothing could be stopped")
	}
	if r.Nights == 1 {
		say("one night only, for the nights are %s apart: a share of it says little", r.Every)
	}
	if from, days := list.gap(); days > 7 {
		say("no record for %d days from %s on", days, day(from))
	}
	switch {
	case !p.Path.Required:
		say("path.required = false: the path is waived, and every block is temporary")
	case !reported(h, r.To):
		say("path.required = true, and no report is on record: nobody was asked, so only what can't wait for letters is blocked")
	}
	if !exact {
		say("from day rows: one that began before a block counts as not stopped, so what is stopped is a lower bound; of fail2ban it is an upper one, which needs the logs themselves to be exact")
	}
	if n := blocksBefore(h, r.To); n > 0 {
		say("%s on record: what they dropped was never seen, and can't be replayed", plural(n, "block is", "blocks are"))
	}
}

func reported(h *history.History, before time.Time) bool {
	for _, x := range h.Reports {
		if x.At.Before(before) {
			return true
		}
	}
	return false
}

func blocksBefore(h *history.History, before time.Time) int {
	n := 0
	for _, b := range h.Blocks {
		if b.From.Before(before) {
			n++
		}
	}
	return n
}

func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", more)
}

// gap returns the longest stretch of days without an event in the period.
func (t *timeline) gap() (time.Time, int) {
	var longest time.Duration
	var where time.Time
	at := t.from
	for i := range t.order {
		e := t.event(i)
		if e.Last.Before(t.from) || !e.First.Before(t.to) {
			continue
		}
		if e.First.Sub(at) > longest {
			longest, where = e.First.Sub(at), at
		}
		if at.Before(e.Last) {
			at = e.Last
		}
	}
	if at.Before(t.to) && t.to.Sub(at) > longest {
		longest, where = t.to.Sub(at), at
	}
	return where, int(longest / decide.Day)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
