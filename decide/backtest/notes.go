package backtest

import (
	"fmt"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
)

// Notes says what must be known to read what a replay of a period comes to.
func Notes(h *history.History, events []Event, p *decide.Policy, o Options, exact bool) []string {
	list := newTimeline(events, o)
	var seen Sum
	for k := list.starts[0]; k < list.starts[len(list.nights)]; k++ {
		seen.add(list.event(k))
	}
	return list.notes(h, p, o, seen, exact)
}

func (t *timeline) notes(h *history.History, p *decide.Policy, o Options, seen Sum, exact bool) []string {
	out := []string{}
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch {
	case len(t.events) == 0 && exact:
		say("no line of the logs shows anything hostile or honest: there is nothing to replay")
		return out
	case len(t.events) == 0:
		say("the history is empty: there is nothing to replay")
		return out
	}
	first, last := t.event(0).First, time.Time{}
	for i := range t.events {
		if t.events[i].Last.After(last) {
			last = t.events[i].Last
		}
	}
	switch {
	case !t.to.After(first):
		say("the period ends before the first record, of %s", day(first))
	case t.from.After(last):
		say("the period begins after the last record, of %s", day(last))
	case t.from.Before(first):
		say("the first record is of %s: the nights before it saw nothing", day(first))
	}
	if seen.TwoWay == 0 {
		say("no hostile event with proof in the period: nothing could be stopped")
	}
	if len(t.nights) == 1 {
		say("one night only, for the nights are %s apart: a share of it says little", decide.Duration(o.Every))
	}
	if from, days := t.gap(); days > 7 {
		say("no record for %d days from %s on", days, day(from))
	}
	switch {
	case !p.Path.Required:
		say("path.required = false: the path is waived, and every block is temporary")
	case !reported(h, t.to):
		say("path.required = true, and no report is on record: nobody was asked, so only what can't wait for letters is blocked")
	}
	if !exact {
		say("from day rows: one that began before a block counts as not stopped, so what is stopped is a lower bound; of fail2ban it is an upper one, which needs the logs themselves to be exact")
	}
	if n := blocksBefore(h, t.to); n > 0 {
		say("%s on record: what they dropped was never seen, and can't be replayed", plural(n, "block is", "blocks are"))
	}
	return out
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
