// Package whatif finds what would have changed a verdict: for one case the nearest change of one fact, of one policy key,
// or of time alone, after which it is judged otherwise. Every change is tried, by judging the case again; none is told from
// the rules. It is as pure as the judging itself.
package whatif

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

// Change is one change and how the case would be judged after it.
type Change struct {
	Kind      Kind             `json:"kind"`
	What      string           `json:"what"`           // the change, in words
	Key       string           `json:"key,omitempty"`  // of a policy change
	From      string           `json:"from,omitempty"` // as the policy writes it, or a danger or honest worth a day
	To        string           `json:"to,omitempty"`
	Effect    Effect           `json:"effect"`
	Verdict   string           `json:"verdict"` // "none" where it would be no case
	Rule      decide.Rule      `json:"rule"`
	Permanent bool             `json:"permanent"`
	Until     *time.Time       `json:"until"`
	Ranges    []netblock.Range `json:"ranges"`
	Approval  string           `json:"approval"`
	far       float64          // |ln(to/from)|
}

// Kind is what is changed.
type Kind string

// The kinds of a change: the time alone, with no new record; one fact; one measure of all facts together; one policy key.
const (
	Time    Kind = "time"
	Fact    Kind = "fact"
	Measure Kind = "measure"
	Policy  Kind = "policy"
)

// Effect is the most that a change does to the judgement.
type Effect string

// The effects, the strongest first. Length is how long a block lasts, for good included, and whether it waits for approval.
const (
	OtherVerdict Effect = "verdict"
	OtherRule    Effect = "rule"
	OtherRanges  Effect = "ranges"
	OtherLength  Effect = "length"
	none         Effect = ""
)

var effects = []Effect{OtherVerdict, OtherRule, OtherRanges, OtherLength}

func (e Effect) rank() int {
	if i := slices.Index(effects, e); i >= 0 {
		return i
	}
	return len(effects)
}

// outcome is what a case is judged to be; verdict none where it is no case.
type outcome struct {
	verdict   string
	rule      decide.Rule
	permanent bool
	until     *time.Time
	ranges    []netblock.Range
	approval  string
}

// effect compares an outcome with the one before a change.
func (o outcome) effect(before outcome) Effect {
	sameEnd := o.until == nil && before.until == nil || o.until != nil && before.until != nil && o.until.Equal(*before.until)
	switch {
	case o.verdict != before.verdict:
		return OtherVerdict
	case o.rule != before.rule:
		return OtherRule
	case !slices.Equal(o.ranges, before.ranges):
		return OtherRanges
	case !sameEnd || o.permanent != before.permanent || o.approval != before.approval:
		return OtherLength
	}
	return none
}

// asker judges one case again and again, each time with something changed.
type asker struct {
	ctx    context.Context
	h      *history.History // around the case, as known now
	p      *decide.Policy
	now    time.Time
	d      *decide.Dossier
	before outcome
	step   func(int) // nil, or told after each judgement how many there were
	asked  int
	found  []Change
}

// Nearest returns the changes after which a case would be judged otherwise: of time, facts and measures in a fixed order,
// and of policy keys the nearest first; those with the strongest effect before others of their kind. After each of the
// some hundred judgements that this takes step is told their number, if it isn't nil. It ends early with ctx's error.
func Nearest(ctx context.Context, h *history.History, p *decide.Policy, now time.Time, d *decide.Dossier, step func(int)) ([]Change, error) {
	a := &asker{ctx: ctx, h: decide.KnownAt(decide.Around(h, d.Case.Netblock), now), p: p, now: now.UTC(), d: d, step: step}
	a.before = a.ask(nil)
	a.time()
	a.facts()
	a.measures()
	a.keys()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	order := []Kind{Time, Fact, Measure, Policy}
	slices.SortStableFunc(a.found, func(x, y Change) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.Kind), slices.Index(order, y.Kind)), cmp.Compare(x.Effect.rank(), y.Effect.rank()),
			cmp.Compare(x.far, y.far))
	})
	return a.found, nil
}

// changed is a history and a policy that may be changed: lists of it may be replaced or appended to, not written into.
type changed struct {
	h history.History
	p decide.Policy
}

// ask judges the case after a change, now.
func (a *asker) ask(change func(*changed)) outcome { return a.askAt(a.now, change) }

// askAt judges the case after a change, at a moment.
func (a *asker) askAt(at time.Time, change func(*changed)) outcome {
	if a.ctx.Err() != nil {
		return a.before
	}
	c := changed{clipped(a.h), *a.p}
	c.p.Danger.Severity, c.p.Loss.Value = maps.Clone(a.p.Danger.Severity), maps.Clone(a.p.Loss.Value)
	if change != nil {
		change(&c)
	}
	a.asked++
	if a.step != nil {
		a.step(a.asked)
	}
	for _, x := range decide.Judge(&c.h, &c.p, at).Cases {
		if x.Netblock == a.d.Case.Netblock {
			return outcome{string(x.Verdict), x.Rule, x.Permanent, x.Until, x.Ranges, x.Approval}
		}
	}
	return outcome{verdict: "none"}
}

// clipped returns h with lists that can't be appended to in place.
func clipped(h *history.History) history.History {
	return history.History{Netblocks: slices.Clip(h.Netblocks), Contacts: slices.Clip(h.Contacts), Reports: slices.Clip(h.Reports),
		Responses: slices.Clip(h.Responses), Sightings: slices.Clip(h.Sightings), Traffic: slices.Clip(h.Traffic), Answers: slices.Clip(h.Answers),
		Holds: slices.Clip(h.Holds), Blocks: slices.Clip(h.Blocks), Releases: slices.Clip(h.Releases), Protects: slices.Clip(h.Protects)}
}

// without returns a list without the records that fit.
func without[R any](list []R, fits func(*R) bool) []R {
	out := make([]R, 0, len(list))
	for i := range list {
		if !fits(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}

// tell keeps a change if it has an effect. It returns that.
func (a *asker) tell(kind Kind, o outcome, what string, args ...any) Effect {
	e := o.effect(a.before)
	if e != none {
		a.found = append(a.found, change(kind, o, e, fmt.Sprintf(what, args...)))
	}
	return e
}

func change(kind Kind, o outcome, e Effect, what string) Change {
	c := Change{Kind: kind, What: what, Effect: e, Verdict: o.verdict, Rule: o.rule, Permanent: o.permanent, Until: o.until, Ranges: o.ranges,
		Approval: cmp.Or(o.approval, decide.ApprovalNone)}
	if c.Ranges == nil {
		c.Ranges = []netblock.Range{}
	}
	return c
}

// minute is how finely moments are told.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// horizon is how many days ahead the time alone is followed.
const horizon = 400

// time finds when the case would be judged otherwise if nothing new came.
func (a *asker) time() {
	differs := func(at time.Time) bool { return a.askAt(at, nil).effect(a.before).rank() <= OtherRule.rank() }
	for day := 1; day <= horizon; day++ {
		late := a.now.AddDate(0, 0, day)
		if !differs(late) {
			continue
		}
		early := late.AddDate(0, 0, -1)
		for late.Sub(early) > time.Second {
			if middle := early.Add(late.Sub(early) / 2).Truncate(time.Second); differs(middle) {
				late = middle
			} else {
				early = middle
			}
		}
		a.tell(Time, a.askAt(late, nil), "nothing new until %s", minute(late))
		return
	}
}

func unitOf(a netip.Addr) string { return netblock.UnitRange(a).String() }

// distance is how far apart two amounts are, as a ratio of either.
func distance(from, to float64) float64 {
	if from <= 0 || to <= 0 {
		return 20 // farther than any ratio that is searched
	}
	return math.Abs(math.Log(to / from))
}
