package decide

import (
	"slices"
	"strings"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// actions lists what is due, to whom, by its date; a break-in to check before all.
func (j *judge) actions(d *decision) []Action {
	today := dateOf(j.n.now)
	var list []Action
	asking := d.verdict == Pursue || d.rule == RuleLoss || d.verdict == BlockVerdict && !j.path.exhausted
	if d.rule == RuleNotHostile && d.verdict == Watch && len(j.c.offenders) > 0 && !j.n.hostility(j.c, j.c.offenders).settled {
		asking = true
	}
	if asking {
		list = append(list, j.path.actions...)
	}
	all := []string{}
	for _, o := range j.c.offenders {
		all = append(all, netblock.UnitRange(o.addr).String())
	}
	if (d.verdict == Pursue || d.rule == RuleLoss || d.verdict == BlockVerdict) && j.lawEnforcement().Status == Open {
		list = append(list, Action{ReportLawEnforcement, "", today, all})
	}
	if d.begins && !d.permanent && j.path.opinion.Trust == history.Trusted && j.c.netblock.Abuse != "" {
		list = append(list, Action{GiveAlternateContact, j.c.netblock.Abuse, today, texts(d.added)})
	}
	if d.approval == ApprovalNeeded {
		list = append(list, Action{Approve, "", today, texts(rangesOf(d.blocks))})
	}
	slices.SortStableFunc(list, func(a, b Action) int { return strings.Compare(a.Due, b.Due) })
	if broken := j.unansweredGuesses(); len(broken) > 0 {
		list = slices.Insert(list, 0, Action{CheckBreakIn, "", today, broken})
	}
	if list == nil {
		list = []Action{}
	}
	return list
}

func texts(ranges []netblock.Range) []string {
	out := []string{}
	for _, r := range ranges {
		out = append(out, r.String())
	}
	return out
}

// unansweredGuesses returns the offenders whose guess of a login succeeded and was not looked at since.
func (j *judge) unansweredGuesses() []string {
	var out []string
	a, answered := j.c.answers[history.HostileQuestion]
	for _, o := range j.c.offenders {
		if !o.guessed.IsZero() && !(answered && !a.At.Before(o.guessed)) {
			out = append(out, netblock.UnitRange(o.addr).String())
		}
	}
	return out
}
