// Package firewall keeps the kernel's own table at what was decided: it reads what nftables holds, plans the difference,
// and applies it, in one transaction where the socket takes that. It decides nothing.
package firewall

import (
	"encoding/binary"
	"fmt"
	"iter"
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

	slack    time.Duration // how much later than planned an element may end, since it took so long to set it
	byLength bool          // for tests: prefixes of every length get a set of their own, however few there are
}

// Want is a range that is to be blocked, until a moment or, where that is zero, for good.
type Want struct {
	Range netblock.Range
	Until time.Time
	Exact bool // without jitter: the kernel's own timeout is what ends it
}

// Wants is what is to be blocked, sorted and apart from each other. Each is asked for a few times and none is kept, so that
// whoever has a million may keep them as small as can be.
type Wants interface {
	Len() int
	At(i int) Want
	Range(i int) netblock.Range // of the same, for less
}

// WantList is Wants as a plain list.
type WantList []Want

// Len implements Wants.
func (l WantList) Len() int { return len(l) }

// At implements Wants.
func (l WantList) At(i int) Want { return l[i] }

// Range implements Wants.
func (l WantList) Range(i int) netblock.Range { return l[i].Range }

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
	layout     layout
	leftover   bool // the table beside ours is there, of a change that didn't come to its end
	limit      int  // how many bytes go into a transaction; zero for any number
}

// Step is one element's part of a plan.
type Step struct {
	Range   netblock.Range
	Timeout time.Duration // to set; zero is for good
	Old     *Element      // nil where there was none
}

// Plan is a difference between what the kernel holds and what it should hold: the very object that is applied.
type Plan struct {
	Build    bool // the table is made, in the same transaction
	Replace  bool // in place of one that isn't as it should be
	Outgrown bool // in place of one whose sets the list doesn't fit any more
	// Transactions is in how many transactions it goes: one, or several where one would be larger than what the kernel takes
	// from a process without root's rights. Each is atomic, several together are not.
	Transactions int
	Change       []Step
	Remove       []Step
	AllowAdd     []netblock.Range
	AllowRemove  []netblock.Range
	Unchanged    int

	add      []Step           // into a table that is there, see Adds
	fill     filling          // what a table that is made anew is filled with
	allow    []netblock.Range // and its allow sets
	fresh    bool             // there is no table: all that it is filled with is added
	layout   layout           // of the table when it is done
	live     bool             // the table that is replaced drops something
	leftover bool             // the table beside ours goes
	split    []part
	at       time.Time // from when on the timeouts run
}

// Empty tells whether there is nothing to apply.
func (p *Plan) Empty() bool {
	return !p.Build && p.Added()+len(p.Change)+len(p.Remove)+len(p.AllowAdd)+len(p.AllowRemove) == 0
}

// Added is how many ranges come in that weren't there.
func (p *Plan) Added() int { return p.adds().len() }

// Adds returns the steps of those, by address.
func (p *Plan) Adds() iter.Seq[Step] { return inOrder(p.adds()) }

func (p *Plan) adds() sequence {
	if p.fresh {
		return p.fill
	}
	return stepList(p.add)
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
		first, last := w.Range.First().As16(), w.Range.Last().As16()
		sum := hashed(hashed(hashed(fnvBasis, first[:]), last[:]), binary.BigEndian.AppendUint64(nil, uint64(w.Until.Unix())))
		spread = time.Duration(sum % uint64(c.Jitter))
	}
	left := min(w.Until.Sub(now), longest) // Sub gives the largest Duration where it can't hold the difference
	return max(left+spread+tick, time.Second)
}

// fnvBasis is what FNV-1a begins with.
const fnvBasis = 14695981039346656037

// hashed is FNV-1a over more bytes; the library's would be made anew for each of a million ranges.
func hashed(sum uint64, b []byte) uint64 {
	const prime = 1099511628211
	for _, x := range b {
		sum = (sum ^ uint64(x)) * prime
	}
	return sum
}

// Diff plans how to bring the kernel from what it holds to what it should hold. wants and allow must be sorted and
// disjoint.
func (c Config) Diff(have State, wants Wants, allow []netblock.Range, now time.Time) (Plan, error) {
	if err := disjoint(wants); err != nil {
		return Plan{}, err
	}
	p := Plan{layout: have.layout, leftover: have.leftover, at: time.Now()}
	p.Outgrown = have.Exists && len(have.Faults) == 0 && !c.fits(have.layout, wants)
	p.Replace = have.Exists && len(have.Faults) > 0 || p.Outgrown
	p.fresh = !have.Exists
	p.Build = p.fresh || p.Replace
	if !p.fresh {
		c.compare(&p, have, wants, now)
	}
	p.AllowAdd, p.AllowRemove = missing(allow, have.Allow), missing(have.Allow, allow)
	if p.Build {
		c.anew(&p, have, wants, allow, now)
	}
	if p.Empty() {
		return p, nil
	}
	if p.split = c.parts(&p, have.limit); p.split == nil {
		// What must go in one transaction doesn't fit into one; a new table may be filled step by step.
		p.Build, p.Replace = true, true
		c.anew(&p, have, wants, allow, now)
		p.split = c.parts(&p, have.limit)
	}
	p.Transactions = len(p.split)
	return p, nil
}

// compare fills in what differs between what is held and what is wanted; both are sorted.
func (c Config) compare(p *Plan, have State, wants Wants, now time.Time) {
	held := have.Elements
	for i := range wants.Len() {
		w := wants.At(i)
		step := Step{Range: w.Range, Timeout: c.Timeout(w, now)}
		for len(held) > 0 && held[0].Range.Compare(w.Range) < 0 {
			p.Remove, held = append(p.Remove, Step{Range: held[0].Range, Old: &held[0]}), held[1:]
		}
		if len(held) > 0 && held[0].Range == w.Range {
			step.Old, held = &held[0], held[1:]
		}
		switch {
		case step.Old == nil:
			p.add = append(p.add, step)
		case !c.serves(step.Old, w, step.Timeout, now):
			p.Change = append(p.Change, step)
		default:
			p.Unchanged++
		}
	}
	for i := range held {
		p.Remove = append(p.Remove, Step{Range: held[i].Range, Old: &held[i]})
	}
}

// anew fills in how a table that is made anew is to be.
func (c Config) anew(p *Plan, have State, wants Wants, allow []netblock.Range, now time.Time) {
	p.fill = filling{c, wants, have.Elements, now}
	p.allow, p.layout, p.live = allow, c.layoutFor(wants), p.Replace && len(have.Elements) > 0
}

// serves tells whether an element ends as is wanted now; timeout is what it would be given.
func (c Config) serves(e *Element, w Want, timeout time.Duration, now time.Time) bool {
	return (agrees(*e, timeout) || c.late(*e, timeout)) && !early(*e, w, now)
}

// agrees tells whether an element ends near when it should.
func agrees(e Element, want time.Duration) bool {
	if e.Timeout == 0 || want == 0 {
		return e.Timeout == 0 && want == 0
	}
	return (e.Expires - want).Abs() <= tolerance
}

// late tells whether a temporary element ends later than it should by no more than it took to set it.
func (c Config) late(e Element, want time.Duration) bool {
	return e.Timeout > 0 && want > 0 && e.Expires > want && e.Expires-want <= tolerance+c.slack
}

// early tells whether a temporary element ends before its Until, by more than the clocks' part.
func early(e Element, w Want, now time.Time) bool {
	return e.Timeout > 0 && !w.Until.IsZero() && e.Expires < min(w.Until.Sub(now), longest)-clocks
}

func disjoint(wants Wants) error {
	var before netblock.Range
	for i := range wants.Len() {
		r := wants.Range(i)
		if i > 0 && (before.Compare(r) >= 0 || before.Overlaps(r)) {
			return fmt.Errorf("%s is followed by %s; expected sorted ranges apart from each other", before, r)
		}
		before = r
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
