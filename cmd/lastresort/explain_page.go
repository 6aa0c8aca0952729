package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/decide/whatif"
)

// How many parts of a list the dossier shows; --json has them all.
const (
	shownParts   = 5
	shownChanges = 8
)

// fact prints one named fact.
func (p *page) fact(name, text string) { p.row([]column{{name, 10}}, text) }

func (p *page) explanation(e explanation) {
	p.line("%s, in %s", e.Range, e.Netblock)
	if e.Dossier != nil {
		p.verdict(&e.Dossier.Case)
	}
	for _, b := range e.Blocked {
		p.fact("blocked", fmt.Sprintf("%s since %s %s%s", b.Range, clock(b.From), b.ends(), b.dropped()))
	}
	if len(e.Blocked) == 0 {
		p.fact("blocked", "no")
	}
	if e.Limit != "" {
		p.fact("limit", e.Limit)
	}
	if e.Dossier == nil {
		p.fact("case", "none: no offender, block or report of ours in the window")
		return
	}
	d := e.Dossier
	p.who(&d.Case)
	p.questions(&d.Case)
	p.path(d)
	p.dangerParts(d)
	p.lossParts(d)
	p.choices(d)
	p.actions(&d.Case)
	p.changes(e.Changes)
}

func (p *page) verdict(c *decide.Case) {
	p.fact("verdict", string(c.Verdict)+". "+c.Reason())
	for _, b := range c.Blocks {
		end := "for good; tell nobody"
		if b.Until != nil {
			end = "until " + clock(*b.Until)
		}
		p.fact("", fmt.Sprintf("%s from %s %s", b.Range, clock(b.From), end))
	}
	if c.Approval != decide.ApprovalNone {
		p.fact("approval", c.Approval)
	}
}

func (p *page) who(c *decide.Case) {
	holder := some(c.Holder)
	if !c.Registered {
		holder = "unregistered"
	}
	p.fact("holder", holder)
	p.fact("contact", fmt.Sprintf("%s, %s: %s", some(c.Contact.Address), c.Contact.Trust, c.Contact.Reason))
	if c.Context.OneWay+c.Context.Others > 0 {
		p.fact("context", fmt.Sprintf("%d one-way events, %d reported by others: they block nobody", c.Context.OneWay, c.Context.Others))
	}
}

func (p *page) questions(c *decide.Case) {
	p.head("questions")
	for _, q := range c.Checklist {
		text := q.Answer + ". " + q.Evidence
		if q.Status == decide.Open {
			text = "open. " + q.Evidence + ". Settled by " + q.Settles
		}
		p.row([]column{{string(q.Question), 15}}, strings.TrimPrefix(text, ". "))
	}
}

func (p *page) path(d *decide.Dossier) {
	p.head("path")
	for _, s := range d.Path {
		when := s.Due
		if s.Status == decide.StepDone {
			when = s.Sent[0].At.UTC().Format(time.DateOnly)
		}
		to := ""
		if s.Status != decide.StepSkipped && s.Step != decide.ReportLawEnforcement {
			to = "to " + cmp.Or(s.To, "nobody known")
		}
		p.row([]column{{s.Step, 22}, {string(s.Status), 7}, {when, 10}}, to)
		for i, x := range s.Sent {
			if i == shownParts {
				p.row([]column{{"", 22}}, fmt.Sprintf("and %d more", len(s.Sent)-i))
				break
			}
			p.row([]column{{"", 22}}, fmt.Sprintf("%s of %s about %s to %s", x.Report, clock(x.At), x.About, some(x.To)))
			for _, got := range x.Received {
				text := fmt.Sprintf("%s %s", clock(got.At), got.Stance) + reasoned(got.Note)
				if !got.Counts {
					text += " (means nothing)"
				}
				p.row([]column{{"", 24}}, text)
			}
		}
	}
	if d.Stale > 0 {
		p.fact("", fmt.Sprintf("%s before are so old that the path began again", plural(d.Stale, "report")))
	}
}

func (p *page) dangerParts(d *decide.Dossier) {
	p.head("danger: %.1f a day, %s", d.Case.Danger.PerDay, d.Case.Danger.Level)
	for i, x := range d.Danger {
		if i == shownParts {
			p.fact("", fmt.Sprintf("and %s more", plural(len(d.Danger)-i, "offender")))
			break
		}
		kinds := slices.SortedFunc(maps.Keys(x.Events), func(a, b string) int {
			return cmp.Or(cmp.Compare(x.Events[b], x.Events[a]), strings.Compare(a, b))
		})
		for k, kind := range kinds {
			kinds[k] = fmt.Sprintf("%d %s", x.Events[kind], kind)
		}
		p.row([]column{{x.Source, 20}, {fmt.Sprintf("%9.1f", x.PerDay), 9}, {fmt.Sprintf("%3.0f %%", 100*x.Share), 5}},
			fmt.Sprintf("%s on %s, last %s", strings.Join(kinds, ", "), plural(x.Days, "day"), clock(x.Last)))
	}
}

func (p *page) lossParts(d *decide.Dossier) {
	p.head("loss: %.3f a day", d.Case.Loss.PerDay)
	for i, x := range d.Loss {
		if i == shownParts {
			p.fact("", fmt.Sprintf("and %d more", len(d.Loss)-i))
			break
		}
		what := "spared"
		if x.Lost {
			what = "lost"
		}
		text := fmt.Sprintf("%d %s, last %s; %s", x.Events, x.Service, x.Last, what)
		if x.Offender {
			text += "; an offender's own"
		}
		p.row([]column{{x.Source, 20}, {fmt.Sprintf("%9.3f", x.PerDay), 9}}, text)
	}
	if len(d.Loss) == 0 {
		p.fact("", "no honest traffic known in this netblock")
	}
}

func (p *page) choices(d *decide.Dossier) {
	if len(d.Choices) == 0 {
		return
	}
	p.head("ranges")
	for _, c := range d.Choices {
		var parts []string
		for _, x := range []struct {
			what string
			v    float64
		}{{"loses", c.Loss}, {"endures", c.Endured}, {"neighbours", -c.Gain}} {
			if x.v != 0 {
				parts = append(parts, fmt.Sprintf("%s %.3f", x.what, x.v))
			}
		}
		p.row([]column{{c.What, 10}}, fmt.Sprintf("%s: costs %.3f a day (%s), %.0f %s; %s", cmp.Or(few(rangeTexts(c.Ranges), 6), "none"), c.Cost,
			cmp.Or(strings.Join(parts, ", "), "entries alone"), c.Addresses, addressWord(c.Addresses), c.Why))
	}
}

func addressWord(n float64) string {
	if n == 1 {
		return "address"
	}
	return "addresses"
}

func (p *page) actions(c *decide.Case) {
	if len(c.Actions) == 0 {
		return
	}
	p.head("due")
	for _, x := range c.Actions {
		p.row([]column{{x.Due, 10}}, actionText(x, 8))
	}
}

// changes prints what would change the verdict, and below it what would only change rule, ranges or length.
func (p *page) changes(all []whatif.Change) {
	for _, part := range []struct {
		title string
		fits  bool
	}{{"what would give another verdict", true}, {"what would change only the rule, the ranges or the length", false}} {
		shown := map[whatif.Kind]int{}
		head := false
		for _, c := range all {
			if (c.Effect == whatif.OtherVerdict) != part.fits {
				continue
			}
			if !head {
				p.head("%s", part.title)
				head = true
			}
			if shown[c.Kind]++; shown[c.Kind] > shownChanges {
				continue
			}
			p.row(nil, c.What+": "+outcomeOf(&c))
		}
		for _, kind := range []whatif.Kind{whatif.Fact, whatif.Policy} {
			if more := shown[kind] - shownChanges; more > 0 {
				p.row(nil, fmt.Sprintf("and %d more of kind %s, with --json", more, kind))
			}
		}
	}
}

// outcomeOf says how a case would be judged after a change, as far as that differs.
func outcomeOf(c *whatif.Change) string {
	if c.Verdict == "none" {
		return "no case any more"
	}
	var parts []string
	if c.Effect == whatif.OtherVerdict {
		parts = append(parts, c.Verdict)
	}
	if c.Effect == whatif.OtherVerdict || c.Effect == whatif.OtherRule {
		parts = append(parts, string(c.Rule))
	}
	if c.Verdict == string(decide.BlockVerdict) {
		if c.Effect != whatif.OtherLength {
			parts = append(parts, few(rangeTexts(c.Ranges), 3))
		}
		switch {
		case c.Effect == whatif.OtherRanges:
		case c.Permanent:
			parts = append(parts, "for good")
		case c.Until != nil:
			parts = append(parts, "until "+clock(*c.Until))
		}
		if c.Approval == decide.ApprovalNeeded {
			parts = append(parts, "approval needed")
		}
	}
	return strings.Join(parts, ", ")
}

// evidenceFor returns what speaks for a case's answer to a question.
func evidenceFor(c *decide.Case, q history.Question) string {
	for _, x := range c.Checklist {
		if x.Question == q {
			return x.Evidence
		}
	}
	return ""
}
