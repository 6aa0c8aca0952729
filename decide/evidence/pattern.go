package evidence

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"time"

	"lastresort/decide/history"
)

// Pattern reads a form of log of the operator's own: a regular expression (RE2) whose group named source holds the address,
// and perhaps groups named time, user and outcome. A line that doesn't match shows nothing.
type Pattern struct {
	expr                  *regexp.Regexp
	time, source, outcome int // groups; -1 for none
	kind, service         string
	proof                 history.Proof
}

// patternGroups are the names that groups may have.
var patternGroups = []string{"time", "source", "user", "outcome"}

// NewPattern compiles a pattern. A line whose outcome is a good one is honest traffic on service, any other a sighting of a
// kind; where either is empty such lines show nothing. Without a group outcome every line is a sighting, or where no kind is
// given honest.
func NewPattern(text, kind, service string, proof history.Proof) (*Pattern, error) {
	expr, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no pattern: %w; expected a regular expression (RE2)", text, err)
	}
	for _, name := range expr.SubexpNames() {
		if name != "" && !slices.Contains(patternGroups, name) {
			return nil, fmt.Errorf("%q has a group %q; expected time, source, user and outcome", text, name)
		}
	}
	p := &Pattern{expr, expr.SubexpIndex("time"), expr.SubexpIndex("source"), expr.SubexpIndex("outcome"), kind, service, proof}
	switch {
	case p.source < 0:
		return nil, fmt.Errorf("%q has no group source; expected one such as (?P<source>[0-9a-fA-F.:]+)", text)
	case kind == "" && service == "":
		return nil, fmt.Errorf("%q says nothing of what its lines are; expected a kind, a service or both beside it", text)
	}
	if p.proof == "" {
		p.proof = history.OneWay
	}
	return p, nil
}

// read reads one line.
func (p *Pattern) read(c *clock, m addresses, line []byte) (at time.Time, ev Event, matched bool) {
	at = c.at
	groups := p.expr.FindSubmatchIndex(line)
	if groups == nil {
		return at, ev, false
	}
	group := func(i int) []byte {
		if i < 0 || groups[2*i] < 0 {
			return nil
		}
		return line[groups[2*i]:groups[2*i+1]]
	}
	if text := group(p.time); text != nil {
		t, ok := c.any(text)
		if !ok {
			return at, ev, false
		}
		at = t
	} else if t, _, ok := c.time(line); ok {
		at = t
	}
	source, ok := m.of(group(p.source))
	if !ok {
		return at, ev, true
	}
	good := p.kind == ""
	if p.outcome >= 0 {
		good = isGood(group(p.outcome))
	}
	ev = Event{Source: source, At: at, Count: 1}
	if good {
		ev.Service = p.service
	} else {
		ev.Kind, ev.Proof = p.kind, p.proof
	}
	return at, ev, true
}

// goodOutcomes are what programs say of what went well.
var goodOutcomes = []string{"ok", "success", "successful", "succeeded", "accepted", "accept", "allowed", "allow", "good", "pass", "passed", "true", "yes", "200", "0"}

func isGood(outcome []byte) bool {
	return slices.ContainsFunc(goodOutcomes, func(word string) bool { return bytes.EqualFold(outcome, []byte(word)) })
}

// any reads a time in any of the forms that the house knows, and seconds since 1970.
func (c *clock) any(text []byte) (time.Time, bool) {
	if len(text) == accessStamp && text[2] == '/' {
		return accessTime(text)
	}
	if t, ok := epoch(text); ok {
		return t, true
	}
	t, _, ok := c.time(append(slices.Clone(text), ' '))
	return t, ok
}
