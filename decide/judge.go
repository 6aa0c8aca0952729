package decide

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// Judge judges every case at a moment from the records known then. What the history holds beyond that moment is left out,
// and nothing of it is changed. Among records of the same moment their order in the history counts; sightings and traffic
// may come in any order, and cost least sorted by source, kind or service, proof, reporter and first.
func Judge(h *history.History, p *Policy, now time.Time) Review {
	return newNight(h, p, plain(now)).review()
}

// review judges all cases of a night.
func (n *night) review() Review {
	r := Review{At: n.now, Cases: []Case{}, Guards: []Guard{}, Totals: Totals{Verdicts: map[Verdict]int{}}}
	for _, c := range n.cases {
		if n.listed(c) {
			r.Cases = append(r.Cases, n.render(c))
		}
	}
	slices.SortFunc(r.Cases, func(a, b Case) int { return comparePrefixes(a.Netblock, b.Netblock) })
	n.holdToBudget(&r, 0, n.render)
	r.sum(n)
	r.guard(n.policy, n.honestTotal)
	r.Notes = n.contradictions()
	return r
}

// comparePrefixes orders prefixes by address, the wider first.
func comparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// render judges one case and puts it into words.
func (n *night) render(c *caseFacts) Case {
	j := n.judge(c)
	d := j.weighed()
	return j.render(&d)
}

// weighed decides a case, and prices the decision.
func (j *judge) weighed() decision {
	d := j.decided()
	j.weighLoss(&d)
	return d
}

// decided decides a case.
func (j *judge) decided() decision {
	d := j.decide()
	if d.approval == "" {
		d.approval = ApprovalNone
	}
	return d
}

// render puts a decision into words.
func (j *judge) render(d *decision) Case {
	n, c := j.n, j.c
	out := j.outline(d)
	out.Danger = DangerFigure{j.danger, levelOf(j.danger)}
	out.Contact = ContactFigure{c.netblock.Abuse, j.path.opinion}
	out.Context = ContextFigure{c.context.oneWay, c.context.others}
	for _, o := range c.offenders {
		out.Offenders = append(out.Offenders, netblock.UnitRange(o.addr).String())
	}
	if d.verdict == BlockVerdict {
		out.Until = moment(d.until)
		for _, b := range d.blocks {
			out.Blocks = append(out.Blocks, BlockFigure{b.Range, b.From.UTC(), moment(b.Until)})
		}
	}
	out.Loss = j.lossFigure(d)
	out.Spared, out.Protected = j.spared(d), j.untouchable()
	out.Checklist = j.checklist(d)
	out.Actions = j.actions(d)
	out.Notice = n.unnoticed(c.pieces)
	return out
}

// outline is what of a decision bears on what is blocked.
func (j *judge) outline(d *decision) Case {
	n, c := j.n, j.c
	out := Case{Netblock: c.key, Holder: c.netblock.Holder, Verdict: d.verdict, Permanent: d.permanent, Rule: d.rule, Evidence: d.evidence,
		Registered: c.registered, Ranges: []netblock.Range{}, Offenders: []string{}, Approval: d.approval, Standing: c.standing}
	if d.verdict == BlockVerdict {
		out.Ranges = append(out.Ranges, rangesOf(d.blocks)...)
	}
	out.Changed = changes(c.standing, d.blocks)
	out.by = releasedBy(j, d.rule)
	if n.policy.Range.Budget > 0 {
		out.posed = d.posed
	}
	out.lost = j.newlyLost(out.Changed)
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func releasedBy(j *judge, rule Rule) string {
	switch rule {
	case RuleFixed:
		return history.ByFixed
	case RuleRejudged:
		return history.ByRejudged
	}
	by := j.c.answers[history.HostileQuestion].By
	if by == "" || by == history.ByExpiry || by == history.ByFixed || by == history.ByRejudged {
		return "operator" // those names stand for the program's own reasons
	}
	return by
}
