package whatif

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"lastresort/decide"
	"lastresort/netblock"
)

// key is a policy key with a number for a value.
type key struct {
	name  string
	get   func(*decide.Policy) float64 // in steps of it
	set   func(*decide.Policy, float64)
	text  func(float64) string // as the policy writes it
	least float64
	most  float64
	whole bool // only whole steps
}

// searchedTo is how far beyond its value a key is searched, as a factor.
const searchedTo = 1000

func number[N int | int64](name string, at func(*decide.Policy) *N, least, most float64) key {
	return key{name, func(p *decide.Policy) float64 { return float64(*at(p)) }, func(p *decide.Policy, v float64) { *at(p) = N(v) },
		func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }, least, most, true}
}

func amount(name string, at func(*decide.Policy) *float64) key {
	return key{name, func(p *decide.Policy) float64 { return *at(p) }, func(p *decide.Policy, v float64) { *at(p) = v },
		func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }, 0, searchedTo * 1e9, false}
}

// days is a duration in whole days.
func days(name string, at func(*decide.Policy) *decide.Duration) key {
	return key{name, func(p *decide.Policy) float64 { return float64(*at(p)) / float64(decide.Day) },
		func(p *decide.Policy, v float64) { *at(p) = decide.Duration(v * float64(decide.Day)) },
		func(v float64) string { return strconv.Quote(decide.Duration(v * float64(decide.Day)).String()) }, 1, 3650, true}
}

// hours is a duration in whole hours.
func hours(name string, at func(*decide.Policy) *decide.Duration) key {
	return key{name, func(p *decide.Policy) float64 { return float64(*at(p)) / float64(time.Hour) },
		func(p *decide.Policy, v float64) { *at(p) = decide.Duration(v * float64(time.Hour)) },
		func(v float64) string { return strconv.Quote(decide.Duration(v * float64(time.Hour)).String()) }, 1, 87600, true}
}

// entry is one key of a table of amounts.
func entry(table, name string, of func(*decide.Policy) map[string]float64) key {
	return key{table + "." + name, func(p *decide.Policy) float64 {
		if v, ok := of(p)[name]; ok {
			return v
		}
		return 1
	}, func(p *decide.Policy, v float64) { of(p)[name] = v }, func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }, 0, searchedTo * 1e9, false}
}

// numbers lists every key with a number that can bear on the case.
func (a *asker) numbers() []key {
	list := []key{
		number("offender.events", func(p *decide.Policy) *int64 { return &p.Offender.Events }, 1, 1e6),
		number("offender.group", func(p *decide.Policy) *int { return &p.Offender.Group }, 1, 1e4),
		number("offender.guessed", func(p *decide.Policy) *int64 { return &p.Offender.Guessed }, 1, 1e6),
		days("offender.window", func(p *decide.Policy) *decide.Duration { return &p.Offender.Window }),
		number("hostile.days", func(p *decide.Policy) *int { return &p.Hostile.Days }, 1, 1e3),
		days("hostile.recent", func(p *decide.Policy) *decide.Duration { return &p.Hostile.Recent }),
		hours("path.follow_up", func(p *decide.Policy) *decide.Duration { return &p.Path.FollowUp }),
		hours("path.upstream", func(p *decide.Policy) *decide.Duration { return &p.Path.Upstream }),
		hours("path.cert", func(p *decide.Policy) *decide.Duration { return &p.Path.Cert }),
		hours("path.helping_grace", func(p *decide.Policy) *decide.Duration { return &p.Path.HelpingGrace }),
		hours("path.stale", func(p *decide.Policy) *decide.Duration { return &p.Path.Stale }),
		hours("answer.keep", func(p *decide.Policy) *decide.Duration { return &p.Answer.Keep }),
		hours("danger.half_life", func(p *decide.Policy) *decide.Duration { return &p.Danger.HalfLife }),
		amount("danger.immediate", func(p *decide.Policy) *float64 { return &p.Danger.Immediate }),
		hours("loss.half_life", func(p *decide.Policy) *decide.Duration { return &p.Loss.HalfLife }),
		days("loss.quiet", func(p *decide.Policy) *decide.Duration { return &p.Loss.Quiet }),
		number("range.grow_min", func(p *decide.Policy) *int { return &p.Range.GrowMin }, 1, 1e4),
		amount("range.neighbours", func(p *decide.Policy) *float64 { return &p.Range.Neighbours }),
		amount("range.prior", func(p *decide.Policy) *float64 { return &p.Range.Prior }),
		amount("range.entry_cost", func(p *decide.Policy) *float64 { return &p.Range.EntryCost }),
		hours("length.unasked", func(p *decide.Policy) *decide.Duration { return &p.Length.Unasked }),
		hours("length.relapse", func(p *decide.Policy) *decide.Duration { return &p.Length.Relapse }),
		hours("length.dynamic_cap", func(p *decide.Policy) *decide.Duration { return &p.Length.DynamicCap }),
		hours("length.cgnat_cap", func(p *decide.Policy) *decide.Duration { return &p.Length.CGNATCap }),
		number("permanent.relapses", func(p *decide.Policy) *int { return &p.Permanent.Relapses }, 1, 1e3),
		hours("permanent.span", func(p *decide.Policy) *decide.Duration { return &p.Permanent.Span }),
		hours("permanent.rejudge", func(p *decide.Policy) *decide.Duration { return &p.Permanent.Rejudge }),
	}
	if a.d.Case.Netblock.Addr().Is4() {
		list = append(list, number("range.widest4", func(p *decide.Policy) *int { return &p.Range.Widest4 }, 1, 32))
	} else {
		list = append(list, number("range.widest6", func(p *decide.Policy) *int { return &p.Range.Widest6 }, 1, 64))
	}
	kinds, services := map[string]bool{}, map[string]bool{}
	for _, part := range a.d.Danger {
		for kind := range part.Events {
			kinds[kind] = true
		}
	}
	for _, part := range a.d.Loss {
		services[part.Service] = true
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		list = append(list, entry("danger.severity", kind, func(p *decide.Policy) map[string]float64 { return p.Danger.Severity }))
	}
	for _, service := range slices.Sorted(maps.Keys(services)) {
		list = append(list, entry("loss.value", service, func(p *decide.Policy) map[string]float64 { return p.Loss.Value }))
	}
	return list
}

// keys tries every policy key: of a number the nearest value on either side that changes most, of a choice the other one.
func (a *asker) keys() {
	for _, k := range a.numbers() {
		a.turn(k)
	}
	a.choose("path.required", a.p.Path.Required, !a.p.Path.Required, func(p *decide.Policy) { p.Path.Required = !p.Path.Required })
	a.choose("range.private", a.p.Range.Private, !a.p.Range.Private, func(p *decide.Policy) { p.Range.Private = !p.Range.Private })
	other := netblock.Interval
	if a.p.Range.Shape == netblock.Interval {
		other = netblock.CIDR
	}
	a.choose("range.shape", strconv.Quote(string(a.p.Range.Shape)), strconv.Quote(string(other)), func(p *decide.Policy) { p.Range.Shape = other })
}

// choose tries the other value of a key that has two.
func (a *asker) choose(name string, from, to any, set func(*decide.Policy)) {
	o := a.ask(func(c *changed) { set(&c.p) })
	if e := o.effect(a.before); e != none {
		a.policy(name, fmt.Sprint(from), fmt.Sprint(to), o, e, 1)
	}
}

func (a *asker) policy(name, from, to string, o outcome, e Effect, far float64) {
	c := change(Policy, o, e, fmt.Sprintf("%s = %s instead of %s", name, to, from))
	c.Key, c.From, c.To, c.far = name, from, to, far
	a.found = append(a.found, c)
}

// turn tries a key with a number, and tells of the nearest value with the strongest effect.
func (a *asker) turn(k key) {
	was := k.get(a.p)
	try := func(v float64) outcome { return a.ask(func(c *changed) { k.set(&c.p, v) }) }
	if v, o, e := a.nearest(k.span(was), try); e != none {
		a.policy(k.name, k.text(was), k.text(v), o, e, distance(was, v))
	}
}

func (k key) span(was float64) span { return span{was, k.least, k.most, k.whole} }
