package decide

import (
	"fmt"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// lastingConditions tells whether everything but the answer duration = permanent speaks for a permanent block of ranges,
// and what does.
func (j *judge) lastingConditions(ranges []netblock.Range, eps []episode) (string, bool) {
	ch := j.n.chainOf(eps)
	p := j.n.policy.Permanent
	if !j.path.exhausted || j.c.netblock.Assignment != history.Static ||
		ch.relapses < p.Relapses || j.n.now.Sub(ch.first) < time.Duration(p.Span) || j.honestIn(ranges) {
		return "", false
	}
	for _, q := range []Answered{j.settle(history.ContactQuestion, j.path.contact != unanswered, "", "", ""),
		{Status: statusOf(j.n.hostility(j.c, j.c.offenders).settled)}, j.lawEnforcement()} {
		if q.Status == Open {
			return "", false
		}
	}
	return fmt.Sprintf("%s since %s; permanent if you approve", plural(ch.relapses, "relapse"), dateOf(ch.first)), true
}

func statusOf(settled bool) string {
	if settled {
		return Settled
	}
	return Open
}

// honestIn tells whether ranges hold honest traffic of the last quiet days; what an offender can fake doesn't count.
func (j *judge) honestIn(ranges []netblock.Range) bool {
	in := netblock.SetOf(ranges...)
	return slices.ContainsFunc(j.c.honest, func(h honestSource) bool { return in.Overlaps(netblock.UnitRange(h.addr)) }) ||
		slices.ContainsFunc(j.c.offenders, func(o *offender) bool { return o.honest && in.Overlaps(netblock.UnitRange(o.addr)) })
}

// approved makes a temporary block that stands permanent, if that was answered since it began and was right when it began.
func (j *judge) approved() (decision, bool) {
	since, permanent, temporary := j.standsSince()
	a, answered := j.n.answer(j.c, history.DurationQuestion)
	if permanent || !temporary || !answered || a.Answer != "permanent" || a.At.Before(since) {
		return decision{}, false
	}
	why, ok := j.lastingAt(since)
	if !ok {
		return decision{}, false
	}
	d := j.keep(RulePermanent)
	d.evidence = why
	d.added = rangesOf(j.c.standing)
	return j.forGood(d, a), true
}

// lastingAt asks lastingConditions as of the moment when the block that stands began.
func (j *judge) lastingAt(since time.Time) (string, bool) {
	mine := *j.n.all
	if j.n.rowsIn != nil {
		mine.Sightings, mine.Traffic = j.n.rowsIn(j.c.border)
	}
	mine.Sightings = slices.DeleteFunc(slices.Clone(mine.Sightings), func(s history.Sighting) bool { return !j.c.border.Contains(s.Source) })
	mine.Traffic = slices.DeleteFunc(slices.Clone(mine.Traffic), func(t history.Traffic) bool { return !j.c.border.Contains(t.Source) })
	h := upTo(&mine, since)
	h.Blocks = slices.DeleteFunc(h.Blocks, func(b history.Block) bool { return b.From.Equal(since) })
	then := nightOf(&mine, h, j.n.policy, since)
	c, ok := then.cases[j.c.key]
	if !ok {
		return "", false
	}
	return then.judge(c).lastingConditions(rangesOf(j.c.standing), episodes(c.pieces))
}

// rejudgeDue tells whether a permanent block that stands must be asked about again, and why.
func (j *judge) rejudgeDue() (string, bool) {
	from, ok := j.lasting()
	if !ok {
		return "", false
	}
	a, answered := j.c.answers[history.DurationQuestion]
	every := time.Duration(j.n.policy.Permanent.Rejudge)
	if age := j.n.now.Sub(from); age >= every {
		since := from.Add(age / every * every)
		if !answered || a.At.Before(since) {
			return "permanent since " + dateOf(from) + "; is it still needed?", true
		}
	}
	then, now, changed := j.n.registry.holders(j.c.key, from)
	if then != now && (!answered || a.At.Before(changed)) {
		return fmt.Sprintf("permanent since %s, when %q held it; now %q does", dateOf(from), then, now), true
	}
	return "", false
}
