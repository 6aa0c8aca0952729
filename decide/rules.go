package decide

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"lastresort/netblock"
)

// finding is what the rules that look at offenders say of some of a case's.
type finding struct {
	blocks   bool // a rule would block those named
	rule     Rule
	verdict  Verdict
	named    []*offender
	evidence string
}

// finding goes through the rules from relapse to exhausted for offenders taken alone, with the blocks of the case that
// count for them. Where several rules would block, the first names the rule and all of them the offenders.
func (j *judge) finding(of []*offender, eps []episode) finding {
	patient := j.patient(of, eps)
	relapsed, since := j.relapsed(of, eps)
	urgent := j.urgent(of)
	if len(relapsed) == 0 && len(urgent) == 0 {
		return patient
	}
	f := finding{blocks: true, rule: RuleRelapse, verdict: BlockVerdict, named: union(relapsed, urgent)}
	f.evidence = fmt.Sprintf("%s seen again %s after its last block", plural(len(relapsed), "offender"), since)
	if len(relapsed) == 0 {
		f.rule = RuleImmediate
		hits := j.pace(urgent)
		f.evidence = fmt.Sprintf("%s can't wait for letters: danger %s, %.0f yesterday, %.0f today; danger.immediate is %g",
			plural(len(urgent), "offender"), perDay(hits.danger), hits.yesterday, hits.today, j.n.policy.Danger.Immediate)
	}
	if patient.blocks {
		f.named = of
	}
	return f
}

// patient goes through the rules that wait for the path, from expired to exhausted.
func (j *judge) patient(of []*offender, eps []episode) finding {
	sure := j.n.hostility(j.c, of)
	if end, ok := j.justExpired(of, eps); ok {
		return finding{rule: RuleExpired, verdict: Release, evidence: "its last block ran out on " + dateOf(end) + " and no offender was seen since"}
	}
	switch {
	case len(of) > 0 && !slices.ContainsFunc(of, j.n.seenRecently):
		return finding{rule: RuleQuiet, verdict: Watch, evidence: fmt.Sprintf("no offender seen within %s", j.n.policy.Hostile.Recent)}
	case !sure.settled:
		return finding{rule: RuleNotHostile, verdict: Watch, evidence: sure.evidence}
	case !j.path.exhausted && !j.path.waived:
		return finding{rule: RulePathOpen, verdict: Pursue, evidence: j.path.evidence}
	}
	return finding{blocks: true, rule: RuleExhausted, verdict: BlockVerdict, named: of,
		evidence: fmt.Sprintf("%s, %s; %s", plural(len(of), "offender"), perDay(dangerOf(of)), j.path.evidence)}
}

// union merges two lists of offenders of one case, by address.
func union(a, b []*offender) []*offender {
	out := slices.Clone(a)
	for _, o := range b {
		if !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *offender) int { return a.addr.Compare(b.addr) })
	return out
}

// relapsed returns the offenders that came back after the last block ran out: those inside its ranges, or all in its
// ranges' groups if they together came on hostile.days days; and how soon.
func (j *judge) relapsed(of []*offender, eps []episode) ([]*offender, string) {
	if len(eps) == 0 {
		return nil, ""
	}
	last := eps[len(eps)-1]
	if last.stands() || j.n.now.Sub(last.end) > time.Duration(j.n.policy.Length.Relapse) {
		return nil, ""
	}
	inside, near := netblock.SetOf(last.ranges...), j.groupsOf(last.ranges)
	var back, around []*offender
	days := map[int]bool{}
	soonest := j.n.now
	for _, o := range of {
		here := netblock.UnitRange(o.addr)
		if !near.Overlaps(here) {
			continue
		}
		again := j.n.recentlySince(o, last.end)
		if len(again) == 0 {
			continue
		}
		around = append(around, o)
		if inside.Overlaps(here) {
			back = append(back, o)
		}
		for _, x := range again {
			days[dayOf(x.Last)] = true
			soonest = slices.MinFunc([]time.Time{soonest, x.First}, time.Time.Compare)
		}
	}
	since := plural(dayOf(soonest)-dayOf(last.end), "day")
	if len(days) >= j.n.policy.Hostile.Days {
		return around, since
	}
	return back, since
}

// groupsOf returns the groups, within the case's netblock, that ranges touch.
func (j *judge) groupsOf(ranges []netblock.Range) netblock.Set {
	var out []netblock.Range
	for _, r := range ranges {
		first, last := netblock.OfPrefix(groupWithin(j.c.key, r.First())), netblock.OfPrefix(groupWithin(j.c.key, r.Last()))
		if whole, err := netblock.Between(first.First(), last.Last()); err == nil {
			out = append(out, whole)
		}
	}
	return netblock.SetOf(out...)
}

// pace is how hard some offenders hit: danger a day, and what they did today and yesterday.
type pace struct{ danger, today, yesterday float64 }

func (p pace) atLeast(limit float64) bool {
	return reaches(max(p.danger, p.today, p.yesterday), limit)
}

// urgent returns the offenders that can't wait for letters, by themselves or as a group. Those with honest traffic on an
// account of their own don't count: a mail client with an old password.
func (j *judge) urgent(of []*offender) []*offender {
	groups := map[netip.Prefix][]*offender{}
	for _, o := range of {
		if !o.honest {
			g := groupWithin(j.c.key, o.addr)
			groups[g] = append(groups[g], o)
		}
	}
	limit := j.n.policy.Danger.Immediate
	var out []*offender
	for _, list := range groups {
		together := len(list) >= j.n.policy.Offender.Group && j.pace(list).atLeast(limit)
		for _, o := range list {
			if j.n.seenRecently(o) && (together || j.pace([]*offender{o}).atLeast(limit)) {
				out = append(out, o)
			}
		}
	}
	slices.SortFunc(out, func(a, b *offender) int { return a.addr.Compare(b.addr) })
	return out
}

func (j *judge) pace(list []*offender) pace {
	var p pace
	for _, o := range list {
		p.danger += o.danger
		p.today += o.on(j.n.today)
		p.yesterday += o.on(j.n.today - 1)
	}
	return p
}

// justExpired returns when the last block ran out, if that was within window and no offender was seen since.
func (j *judge) justExpired(of []*offender, eps []episode) (time.Time, bool) {
	if len(eps) == 0 {
		return time.Time{}, false
	}
	last := eps[len(eps)-1]
	if last.stands() || j.n.now.Sub(last.end) > time.Duration(j.n.policy.Offender.Window) {
		return time.Time{}, false
	}
	return last.end, !slices.ContainsFunc(of, func(o *offender) bool { return o.seenSince(last.end) })
}

// spread adds to a block that stands the offenders outside it that, taken alone, would be blocked.
func (j *judge) spread() (decision, bool) {
	if len(j.c.standing) == 0 {
		return decision{}, false
	}
	since, permanent, _ := j.standsSince()
	var lasting []netblock.Range
	for _, s := range j.c.standing {
		if s.Until.IsZero() {
			lasting = append(lasting, s.Range)
		}
	}
	blocked := netblock.SetOf(rangesOf(j.c.standing)...)
	var outside []*offender
	for _, o := range j.c.offenders {
		if !blocked.Overlaps(netblock.UnitRange(o.addr)) && o.seenSince(since) {
			outside = append(outside, o)
		}
	}
	if len(outside) == 0 {
		return decision{}, false
	}
	eps := episodes(slices.DeleteFunc(slices.Clone(j.c.pieces), func(p piece) bool { return p.permanent() && p.stands() }))
	f := j.finding(outside, eps)
	if !f.blocks {
		return decision{}, false
	}
	problem := j.problem(f.named, netblock.SetOf(lasting...))
	cover := j.cover(problem)
	if len(cover.Ranges) == 0 {
		return decision{}, false
	}
	d := j.spreadTo(cover, f, eps, permanent)
	d.posed = &problem
	return d, true
}

// spreadTo lays new ranges beside a block that stands. They end with it; beside a permanent one they end by the ladder.
func (j *judge) spreadTo(cover netblock.Solution, f finding, eps []episode, permanent bool) decision {
	d := decision{verdict: BlockVerdict, rule: RuleSpread, approval: ApprovalNone, begins: true, cover: cover, named: f.named}
	d.evidence = fmt.Sprintf("rule %s for %s outside the block that stands: %s", f.rule, plural(len(f.named), "offender"), f.evidence)
	if permanent {
		length, why := j.n.length(j.c, dangerOf(f.named), eps, j.path.exhausted || j.path.waived)
		d.until, d.durationWhy = j.n.now.Add(time.Duration(length)), length.String()+": "+why
	} else {
		for _, s := range j.c.standing {
			d.until = lateOf(d.until, s.Until)
		}
		d.durationWhy = "ends with the block beside it"
	}
	added := netblock.SetOf(cover.Ranges...)
	var kept []netblock.Range
	for _, s := range j.c.standing {
		if !added.Covers(s.Range) {
			d.blocks = append(d.blocks, s)
			kept = append(kept, s.Range)
		}
	}
	for _, r := range cover.Ranges {
		for _, left := range netblock.SetOf(r).Minus(netblock.SetOf(kept...)).Ranges() {
			for _, x := range shaped(left, j.n.policy.Range.Shape) {
				d.added = append(d.added, x)
				d.blocks = append(d.blocks, Standing{Range: x, From: j.n.now, Until: d.until})
			}
		}
	}
	slices.SortFunc(d.blocks, func(a, b Standing) int { return a.Range.Compare(b.Range) })
	return d
}
