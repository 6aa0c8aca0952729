package decide

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lastresort/netblock"
)

// weighLoss prices the ranges of a decision: those of a block, else those that would be chosen, and where losing them
// costs more than enduring them the offenders' own addresses.
func (j *judge) weighLoss(d *decision) {
	p := j.priced(d)
	switch {
	case d.verdict == BlockVerdict:
		d.cover = p.Price(rangesOf(d.blocks))
	case d.rule == RuleLoss:
		var own []netblock.Range
		for _, o := range j.c.offenders {
			own = append(own, netblock.UnitRange(o.addr))
		}
		d.cover = p.Price(own)
	default:
		d.cover = netblock.Cover(p)
	}
}

// priced is the problem by which a decision's ranges are priced: for those whom it names where it blocks, else for all.
func (j *judge) priced(d *decision) netblock.Problem {
	if d.verdict == BlockVerdict {
		return j.problem(d.named, netblock.Set{})
	}
	return j.problem(j.c.offenders, netblock.Set{})
}

// lossFigure names the sources whose honest traffic the ranges of a decision lose.
func (j *judge) lossFigure(d *decision) LossFigure {
	out := LossFigure{PerDay: d.cover.Loss, Sources: []string{}}
	for _, x := range j.losers(d) {
		out.Sources = append(out.Sources, netblock.UnitRange(x.addr).String())
	}
	return out
}

// losers returns the sources with honest traffic in the ranges of a decision, by address.
func (j *judge) losers(d *decision) []honestSource {
	in := netblock.SetOf(d.cover.Ranges...)
	var out []honestSource
	for _, h := range j.c.honest {
		if h.value > 0 && in.Overlaps(netblock.UnitRange(h.addr)) {
			out = append(out, h)
		}
	}
	for _, o := range j.c.offenders {
		if o.loss > 0 && in.Overlaps(netblock.UnitRange(o.addr)) {
			out = append(out, honestSource{o.addr, o.loss, o.ownLoss})
		}
	}
	slices.SortFunc(out, func(a, b honestSource) int { return a.addr.Compare(b.addr) })
	return out
}

// newlyLost returns the honest value per day that a case's new ranges lose, an offender's own not counted.
func (j *judge) newlyLost(c CaseChanges) float64 {
	fresh := netblock.SetOf(rangesOf(c.Add)...).Minus(netblock.SetOf(rangesOf(j.c.standing)...))
	lost := 0.0
	for _, h := range j.c.honest {
		if fresh.Overlaps(netblock.UnitRange(h.addr)) {
			lost += h.value
		}
	}
	return lost
}

func (j *judge) dangerEvidence() string {
	if len(j.c.offenders) == 0 {
		return "0.0 a day, no offender"
	}
	worst := slices.MaxFunc(j.c.offenders, func(a, b *offender) int { return cmp.Or(cmp.Compare(a.danger, b.danger), b.addr.Compare(a.addr)) })
	events := map[string]int64{}
	for _, o := range j.c.offenders {
		for _, x := range o.seen {
			events[x.Kind] += x.Count
		}
	}
	var kinds []string
	for kind := range events {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b string) int { return cmp.Or(cmp.Compare(events[b], events[a]), strings.Compare(a, b)) })
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%d %s", events[kind], kind)
	}
	return fmt.Sprintf("%s from %s (%s in %s), most by %s with %s", perDay(j.danger), plural(len(j.c.offenders), "offender"),
		strings.Join(kinds, ", "), j.n.policy.Offender.Window, netblock.UnitRange(worst.addr), perDay(worst.danger))
}

func (j *judge) lossEvidence(d *decision) string {
	list := j.losers(d)
	if len(list) == 0 {
		return "no honest traffic known there in " + j.n.policy.Loss.Quiet.String()
	}
	slices.SortStableFunc(list, func(a, b honestSource) int { return cmp.Compare(b.value, a.value) })
	var out []string
	for _, h := range list[:min(3, len(list))] {
		out = append(out, fmt.Sprintf("%s (%s, %s)", netblock.UnitRange(h.addr), h.parts[0].service, perDay(h.value)))
	}
	if more := len(list) - 3; more > 0 {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return "honest traffic of " + strings.Join(out, ", ")
}

func (d *decision) durationAnswer() string {
	switch {
	case d.verdict != BlockVerdict:
		return "nothing to block"
	case d.permanent:
		return "permanent"
	}
	return "temporary, until " + d.until.UTC().Format("2006-01-02 15:04")
}

func rangeAnswer(d *decision) string {
	if len(d.cover.Ranges) == 0 {
		return "none"
	}
	var out []string
	for _, r := range d.cover.Ranges[:min(5, len(d.cover.Ranges))] {
		out = append(out, r.String())
	}
	if more := len(d.cover.Ranges) - 5; more > 0 {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return strings.Join(out, ", ")
}

// rangeEvidence compares the ranges with the next narrower and the next wider choice.
func (j *judge) rangeEvidence(d *decision) string {
	if len(d.cover.Ranges) == 0 {
		return "no range costs less than enduring"
	}
	p := j.priced(d)
	why := fmt.Sprintf("costs %.3f a day", d.cover.Cost)
	var own []netblock.Range
	in := netblock.SetOf(d.cover.Ranges...)
	for _, x := range p.Points {
		if x.Named && in.Overlaps(netblock.UnitRange(x.Addr)) {
			own = append(own, netblock.UnitRange(x.Addr))
		}
	}
	if narrow := p.Price(own); !slices.Equal(own, d.cover.Ranges) {
		why += fmt.Sprintf("; each offender alone %.3f", narrow.Cost)
	}
	if wide, ok := j.wider(d.cover.Ranges[0]); ok {
		ranges := widenTo(d.cover.Ranges, wide)
		w := p.Price(ranges)
		more := netblock.SetOf(ranges...).Addresses() - in.Addresses()
		why += fmt.Sprintf("; %s would cost %.3f and block %.0f more", wide, w.Cost, more)
	}
	return why
}
