// Package firewall keeps the kernel's own table at what was decided: it reads what nftables holds, plans the difference,
// and applies it in one transaction. It decides nothing.
package firewall

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"lastresort/netblock"
)

// Mode is what of a blocked range's traffic is dropped.
type Mode string

// The modes. Inbound drops what they start and lets replies to our own connections in; All drops every packet, before
// conntrack.
const (
	Inbound Mode = "inbound"
	All     Mode = "all"
)

// Config is how the table is built.
type Config struct {
	Table  string
	Mode   Mode
	Jitter time.Duration // expiries are spread over this
}

// Want is a range that is to be blocked, until a moment or, where that is zero, for good.
type Want struct {
	Range netblock.Range
	Until time.Time
	Exact bool // without jitter: the kernel's own timeout is what ends it
}

// Element is a range that the kernel drops. A Timeout of zero is for good.
type Element struct {
	Range   netblock.Range
	Timeout time.Duration // as it was set
	Expires time.Duration // what is left of it
	Packets uint64        // dropped
	Bytes   uint64
}

// State is what the kernel holds of our table at a moment.
type State struct {
	Exists   bool
	Faults   []string // what of the table isn't as it is built; it doesn't drop what it should
	Elements []Element
	Allow    []netblock.Range

	generation uint32 // of the ruleset that all of this was read from
}

// Step is one element's part of a plan.
type Step struct {
	Range   netblock.Range
	Timeout time.Duration // to set; zero is for good
	Old     Element       // where there was one
}

// Plan is a difference between what the kernel holds and what it should hold: the very object that is applied.
type Plan struct {
	Build       bool // the table is made, in the same transaction
	Replace     bool // in place of one that isn't as it should be
	Add         []Step
	Change      []Step
	Remove      []Step
	AllowAdd    []netblock.Range
	AllowRemove []netblock.Range
	Unchanged   int

	all   []Step           // what a table that is made anew is filled with
	allow []netblock.Range // and its allow sets
}

// Empty tells whether there is nothing to apply.
func (p *Plan) Empty() bool {
	return !p.Build && len(p.Add)+len(p.Change)+len(p.Remove)+len(p.AllowAdd)+len(p.AllowRemove) == 0
}

const (
	// tolerance is how far an element's end may be off before it is set anew.
	tolerance = time.Minute
	// clocks is how much earlier than its Until an element may seem to end, for time passes between reading and planning.
	clocks = 5 * time.Second
	// tick is the slowest kernel's; it rounds timeouts down to its ticks.
	tick = 10 * time.Millisecond
	// longest is the longest timeout that is asked for; the review re-asserts it long before.
	longest = 100 * 365 * 24 * time.Hour
)

// Timeout returns how long the kernel is to hold a range from now on: until its end and a little longer, by a part of
// jitter that is always the same for that range and end. Zero is for good.
func (c Config) Timeout(w Want, now time.Time) time.Duration {
	if w.Until.IsZero() {
		return 0
	}
	spread := time.Duration(0)
	if c.Jitter > 0 && !w.Exact {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s %d", w.Range, w.Until.Unix())
		spread = time.Duration(h.Sum64() % uint64(c.Jitter))
	}
	left := min(w.Until.Sub(now), longest) // Sub gives the largest Duration where it can't hold the difference
	return max(left+spread+tick, time.Second)
}

// Diff plans how to bring the kernel from what it holds to what it should hold. wants and allow must be sorted and
// disjoint.
func (c Config) Diff(have State, wants []Want, allow []netblock.Range, now time.Time) (Plan, error) {
	if err := disjoint(wants); err != nil {
		return Plan{}, err
	}
	var p Plan
	p.Replace = have.Exists && len(have.Faults) > 0
	p.Build = !have.Exists || p.Replace
	held := make(map[netblock.Range]Element, len(have.Elements))
	for _, e := range have.Elements {
		held[e.Range] = e
	}
	for _, w := range wants {
		step := Step{Range: w.Range, Timeout: c.Timeout(w, now)}
		old, ok := held[w.Range]
		delete(held, w.Range)
		step.Old = old
		if p.Build {
			p.all = append(p.all, step)
		}
		switch {
		case !ok:
			p.Add = append(p.Add, step)
		case !agrees(old, step.Timeout) || early(old, w, now):
			p.Change = append(p.Change, step)
		default:
			p.Unchanged++
		}
	}
	for _, e := range have.Elements {
		if _, left := held[e.Range]; left {
			p.Remove = append(p.Remove, Step{Range: e.Range, Old: e})
		}
	}
	if p.Build {
		p.allow = allow
	}
	p.AllowAdd, p.AllowRemove = missing(allow, have.Allow), missing(have.Allow, allow)
	return p, nil
}

// agrees tells whether an element ends near when it should.
func agrees(e Element, want time.Duration) bool {
	if e.Timeout == 0 || want == 0 {
		return e.Timeout == 0 && want == 0
	}
	return (e.Expires - want).Abs() <= tolerance
}

// early tells whether a temporary element ends before its Until, by more than the clocks' part.
func early(e Element, w Want, now time.Time) bool {
	return e.Timeout > 0 && !w.Until.IsZero() && e.Expires < min(w.Until.Sub(now), longest)-clocks
}

func disjoint(wants []Want) error {
	for i := 1; i < len(wants); i++ {
		if a, b := wants[i-1].Range, wants[i].Range; a.Compare(b) >= 0 || a.Overlaps(b) {
			return fmt.Errorf("%s is followed by %s; expected sorted ranges apart from each other", a, b)
		}
	}
	return nil
}

// missing returns what of list isn't in other.
func missing(list, other []netblock.Range) []netblock.Range {
	in := make(map[netblock.Range]bool, len(other))
	for _, r := range other {
		in[r] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(r netblock.Range) bool { return in[r] })
}

// Ending returns the elements that a plan would remove although they end by themselves within the jitter: they ran out
// and the kernel hasn't got to them yet. They are no drift.
func (c Config) Ending(p Plan) []Step {
	return slices.DeleteFunc(slices.Clone(p.Remove), func(s Step) bool {
		return s.Old.Timeout == 0 || s.Old.Expires > c.Jitter
	})
}
