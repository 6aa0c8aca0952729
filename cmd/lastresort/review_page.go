package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lastresort/decide"
	"lastresort/decide/history"
)

// review prints the night's review as a morning page: first what needs a person, then what would change, then what is due
// to whom, then what stays.
func (p *page) review(r *decide.Review) {
	p.line("review of %s UTC", clock(r.At))
	p.needsPerson(r)
	p.wouldChange(r)
	p.due(r)
	p.stays(r)
	p.notes(r)
	p.totals(r)
}

func (p *page) needsPerson(r *decide.Review) {
	head := false
	once := func() {
		if !head {
			p.head("needs a person")
			head = true
		}
	}
	for _, g := range r.Guards {
		once()
		p.row([]column{{"guard " + g.Guard, 24}}, fmt.Sprintf("%.4g is past %.4g: new ranges of %s wait for apply --accept-risk %s",
			g.Value, g.Limit, few(g.HeldBack, 4), g.Guard))
	}
	for _, kind := range decide.ForPerson {
		list := actionsOf(r, func(action string) bool { return action == kind.Action })
		if len(list) == 0 {
			continue
		}
		once()
		p.wrapped("  ", kind.Action+": "+kind.What)
		slices.SortStableFunc(list, func(a, b dueLine) int { return cmp.Compare(b.danger, a.danger) })
		n := p.shown(len(list), shownForPerson)
		for _, x := range list[:n] {
			p.brief([]column{{"  " + x.netblock, 24}}, strings.TrimSpace(x.To+" "+few(x.About, 4)))
		}
		p.more(len(list), n)
	}
}

// How many lines of each list the page shows.
const (
	shownForPerson = 12
	shownCases     = 40
)

func (p *page) wouldChange(r *decide.Review) {
	if r.Changes.Add+r.Changes.Change+r.Changes.Remove == 0 {
		return
	}
	p.head("would change: %d to add, %d to change, %d to remove", r.Changes.Add, r.Changes.Change, r.Changes.Remove)
	var list []decide.Case
	for _, c := range r.Cases {
		if c.Changed.Any() {
			list = append(list, c)
		}
	}
	n := p.shown(len(list), shownCases)
	for _, c := range list[:n] {
		p.changing(&c)
	}
	p.more(len(list), n)
}

// changing prints what a case's verdict changes.
func (p *page) changing(c *decide.Case) {
	what := string(c.Verdict)
	if c.Verdict == decide.BlockVerdict && c.Until == nil {
		what += " for good, tell nobody"
	} else if c.Verdict == decide.BlockVerdict {
		what += " until " + clock(*c.Until)
	}
	p.brief([]column{{c.Netblock.String(), 24}}, what+". "+c.Reason())
	for _, part := range []struct {
		sign   string
		ranges []string
	}{{"+", standingTexts(c.Changed.Add)}, {"~", standingTexts(c.Changed.Change)}, {"-", rangeTexts(c.Changed.Remove)}} {
		if len(part.ranges) > 0 {
			p.wrapped("    "+part.sign+" ", few(part.ranges, 12))
		}
	}
	if c.Loss.PerDay >= 0.0005 {
		p.wrapped("    loses ", fmt.Sprintf("%.3f a day: %s", c.Loss.PerDay, evidenceFor(c, history.LossQuestion)))
	}
}

func standingTexts(list []decide.Standing) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.Range.String())
	}
	return out
}

func rangeTexts[R fmt.Stringer](list []R) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.String())
	}
	return out
}

// dueLine is one action of a case.
type dueLine struct {
	decide.Action
	netblock string
	danger   float64
}

// actionsOf lists the actions of a review that fit, by case.
func actionsOf(r *decide.Review, fits func(action string) bool) []dueLine {
	var list []dueLine
	for _, c := range r.Cases {
		for _, x := range c.Actions {
			if fits(x.Action) {
				list = append(list, dueLine{x, c.Netblock.String(), c.Danger.PerDay})
			}
		}
	}
	return list
}

func (p *page) due(r *decide.Review) {
	list := actionsOf(r, decide.IsLetter)
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b dueLine) int { return strings.Compare(a.Due, b.Due) })
	today := r.At.Format("2006-01-02")
	p.head("letters: %d due, %d later", countDue(list, today), len(list)-countDue(list, today))
	n := p.shown(len(list), shownCases)
	for _, x := range list[:n] {
		p.brief([]column{{x.netblock, 24}, {x.Due, 10}}, actionText(x.Action, 4))
	}
	p.more(len(list), n)
}

// actionText says what is due to whom about whom, as many of them as that.
func actionText(x decide.Action, most int) string {
	text := x.Action
	if x.To != "" {
		text += " to " + x.To
	}
	if len(x.About) > 0 {
		text += " about " + few(x.About, most)
	}
	return text
}

func countDue(list []dueLine, today string) int {
	n := 0
	for _, x := range list {
		if x.Due <= today {
			n++
		}
	}
	return n
}

// stays lists the cases that the verdict leaves as they are: what is blocked first, then what is asked about.
func (p *page) stays(r *decide.Review) {
	var list []decide.Case
	for _, v := range decide.Verdicts {
		for _, c := range r.Cases {
			if c.Verdict == v && !c.Changed.Any() {
				list = append(list, c)
			}
		}
	}
	if len(list) == 0 {
		return
	}
	p.head("stays as it is")
	n := p.shown(len(list), shownCases)
	for _, c := range list[:n] {
		text := c.Reason()
		if c.Verdict == decide.BlockVerdict {
			text = blocksText(&c) + ". " + text
		}
		p.brief([]column{{c.Netblock.String(), 24}, {string(c.Verdict), 7}}, text)
	}
	p.more(len(list), n)
}

// notes tells of records that contradict others.
func (p *page) notes(r *decide.Review) {
	if len(r.Notes) == 0 {
		return
	}
	p.head("records that make no sense: %d", len(r.Notes))
	n := p.shown(len(r.Notes), shownForPerson)
	for _, x := range r.Notes[:n] {
		text := string(x.Kind) + ": " + x.Why
		if record, err := history.Decode(x.Record); err == nil {
			text += ". "
			if at := record.Known(); !at.IsZero() {
				text += clock(at) + " "
			}
			text += describe(record)
		}
		p.brief(nil, text)
	}
	p.more(len(r.Notes), n)
}

func (p *page) totals(r *decide.Review) {
	t := r.Totals
	var counts []string
	for _, v := range decide.Verdicts {
		if n := t.Verdicts[v]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, v))
		}
	}
	cases := plural(t.Cases, "case")
	if len(counts) > 0 {
		cases += " (" + strings.Join(counts, ", ") + ")"
	}
	p.head("totals")
	p.wrapped("  ", fmt.Sprintf("%s, %s, %s seen, %d of them in no case; %s in force unchanged",
		cases, plural(t.Offenders, "offender"), plural(t.Sources, "source"), t.NoCase, plural(r.Changes.Unchanged, "range")))
	if b := r.Budget; b != nil {
		p.wrapped("  ", fmt.Sprintf("held to range.budget = %d: %s instead of %d, for %.3g a day more; no list so short costs over %.2g a day less",
			b.Limit, plural(b.Ranges, "range"), b.Wanted, b.Added, b.Gap))
	}
	if t.OneWay+t.Others > 0 {
		p.wrapped("  ", fmt.Sprintf("context only, it blocks nobody: %d one-way events, %d reported by others", t.OneWay, t.Others))
	}
}
