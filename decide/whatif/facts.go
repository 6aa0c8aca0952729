package whatif

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

// mostTried bounds how many records of one sort are each left out in turn: the newest, or the weightiest, first.
const mostTried = 20

// facts tries one record more and one record less, of every sort that bears on the verdict.
func (a *asker) facts() {
	a.reportMore()
	a.responseMore()
	a.answerMore()
	a.seenMore()
	a.trustOther()
	a.registeredOther()
	a.lettersLess()
	a.answersLess()
	a.seenLess()
	a.honestLess()
	a.limitsLess()
	a.blocksLess()
}

// registration is the case's own registration, if it has one.
func (a *asker) registration() (history.Netblock, bool) {
	var last history.Netblock
	found := false
	for _, n := range a.h.Netblocks {
		if n.Prefix == a.d.Case.Netblock && (!found || !n.At.Before(last.At)) {
			last, found = n, true
		}
	}
	return last, found
}

// worst is the case's most dangerous offender.
func (a *asker) worst() (netip.Addr, bool) {
	if len(a.d.Danger) == 0 {
		return netip.Addr{}, false
	}
	r, err := netblock.ParseRange(a.d.Danger[0].Source)
	return r.First(), err == nil
}

// reportMore tries one more report of each step, filed as late as it could have been and still change the verdict.
func (a *asker) reportMore() {
	source, ok := a.worst()
	if !ok {
		return
	}
	first := ""
	for _, s := range a.d.Path[0].Sent {
		first = s.Report
	}
	var waits []time.Duration
	for _, w := range []decide.Duration{0, a.p.Path.FollowUp, a.p.Path.Upstream, a.p.Path.Cert} {
		waits = append(waits, time.Duration(w))
	}
	slices.Sort(waits)
	told := map[string]bool{}
	for _, step := range a.d.Path {
		r := history.Report{ID: "\x00more", Source: source, To: step.To, Role: roleOf(step.Step)}
		if step.Step == decide.FollowUp {
			r.Follows = first
		}
		if r.Role == history.LawEnforcement || step.Step == decide.FollowUp && first == "" {
			continue
		}
		to := r.To
		if to == "" {
			to, r.To = "somebody (nobody is known)", "somebody@invalid"
		}
		for _, wait := range slices.Compact(waits) {
			r.At = a.now.Add(-wait)
			o := a.ask(func(c *changed) { c.h.Reports = append(c.h.Reports, r) })
			if o.effect(a.before) != OtherVerdict || told[o.verdict] {
				continue
			}
			told[o.verdict] = true
			a.tell(Fact, o, "one more %s to %s by %s", step.Step, to, minute(r.At))
			break
		}
	}
}

func roleOf(step string) history.Role {
	switch step {
	case decide.ReportUpstream:
		return history.Upstream
	case decide.ReportCert:
		return history.Cert
	case decide.ReportLawEnforcement:
		return history.LawEnforcement
	}
	return history.Contacted
}

var stances = []history.Stance{history.Asked, history.Helping, history.Fixed, history.Unhelpful, history.Bounced, history.Hostile}

// responseMore tries every response that could come now from those who were written to.
func (a *asker) responseMore() {
	last := map[string]decide.Sent{}
	var addressees []string
	for _, step := range a.d.Path {
		for _, s := range step.Sent {
			who := strings.ToLower(s.To)
			if _, known := last[who]; !known {
				addressees = append(addressees, who)
			}
			if !s.At.Before(last[who].At) {
				last[who] = s
			}
		}
	}
	for _, who := range addressees {
		a.grouped(stances, func(s history.Stance) outcome {
			return a.ask(func(c *changed) {
				c.h.Responses = append(c.h.Responses, history.Response{Report: last[who].Report, At: a.now, Stance: s})
			})
		}, func(s string) string { return fmt.Sprintf("%s: %s to %s, now", last[who].To, s, last[who].Report) })
	}
}

// grouped tries some values and tells those with the same outcome together.
func (a *asker) grouped(values []history.Stance, try func(history.Stance) outcome, what func(string) string) {
	var outcomes []outcome
	var names [][]string
	for _, v := range values {
		o := try(v)
		if e := o.effect(a.before); e != OtherVerdict && e != OtherRule {
			continue
		}
		i := slices.IndexFunc(outcomes, func(x outcome) bool { return x.effect(o) == none })
		if i < 0 {
			outcomes, names = append(outcomes, o), append(names, nil)
			i = len(outcomes) - 1
		}
		names[i] = append(names[i], string(v))
	}
	for i, o := range outcomes {
		a.tell(Fact, o, "%s", what(strings.Join(names[i], " or ")))
	}
}

// answerMore tries every answer that an operator could give now.
func (a *asker) answerMore() {
	for _, q := range history.Questions {
		for _, text := range decide.AnswersTo(q) {
			if text == decide.AnswerOpen {
				continue // taking answers back is tried record by record
			}
			a.tell(Fact, a.ask(func(c *changed) {
				c.h.Answers = append(c.h.Answers, history.Answer{Netblock: a.d.Case.Netblock, Question: q, Answer: text, At: a.now, By: "operator"})
			}), "the answer %s = %s, now", q, text)
		}
	}
}

// seenMore tries more sightings and honest traffic of the most dangerous offender.
func (a *asker) seenMore() {
	source, ok := a.worst()
	if !ok {
		return
	}
	kind, most := "", int64(0)
	for k, n := range a.d.Danger[0].Events {
		if n > most || n == most && k < kind {
			kind, most = k, n
		}
	}
	seen := func(kind string, days int) outcome {
		return a.ask(func(c *changed) {
			for ago := range days {
				at := a.now.AddDate(0, 0, -ago)
				c.h.Sightings = append(c.h.Sightings, history.Sighting{Source: source, First: at, Last: at, Kind: kind, Count: 1, Proof: history.TwoWay, Reporter: history.Local})
			}
		})
	}
	for days := 1; days <= max(1, a.p.Hostile.Days); days++ {
		if o := seen(kind, days); o.effect(a.before).rank() <= OtherRule.rank() {
			on := "now"
			if days > 1 {
				on = fmt.Sprintf("on each of the last %d days", days)
			}
			a.tell(Fact, o, "one more %s by %s %s", kind, unitOf(source), on)
			break
		}
	}
	if kind != "break-in" {
		if o := seen("break-in", 1); o.effect(a.before).rank() <= OtherRule.rank() {
			a.tell(Fact, o, "a break-in by %s now", unitOf(source))
		}
	}
	if len(a.p.Loss.Account) > 0 {
		service := a.p.Loss.Account[0]
		o := a.ask(func(c *changed) {
			c.h.Traffic = append(c.h.Traffic, history.Traffic{Source: source, First: a.now, Last: a.now, Service: service, Count: 1})
		})
		if o.effect(a.before).rank() <= OtherRule.rank() {
			a.tell(Fact, o, "a good %s login by %s now", service, unitOf(source))
		}
	}
}

// trustOther tries the other opinions of the contact.
func (a *asker) trustOther() {
	contact := a.d.Case.Contact
	for _, trust := range []history.Trust{history.Trusted, history.Untrusted, history.UnknownTrust} {
		if contact.Address == "" || trust == contact.Trust {
			continue
		}
		o := a.ask(func(c *changed) {
			c.h.Contacts = append(c.h.Contacts, history.Contact{Address: contact.Address, Trust: trust, At: a.now})
		})
		if o.effect(a.before).rank() <= OtherRule.rank() {
			a.tell(Fact, o, "if %s were %s", contact.Address, trust)
		}
	}
}

// registeredOther tries a registration with another assignment, or any where there is none.
func (a *asker) registeredOther() {
	n, ok := a.registration()
	if !ok {
		n = history.Netblock{Prefix: a.d.Case.Netblock, Kind: history.Hosting, Abuse: "abuse@invalid"}
	}
	n.At = a.now
	with := func(n history.Netblock) outcome {
		return a.ask(func(c *changed) { c.h.Netblocks = append(c.h.Netblocks, n) })
	}
	if !ok {
		a.tell(Fact, with(n), "a registration with a contact that can be trusted")
		return
	}
	for _, x := range []history.Assignment{history.Static, history.Dynamic, history.CGNAT} {
		if was := n.Assignment; x != was {
			n.Assignment = x
			a.tell(Fact, with(n), "if its addresses were %s", x)
			n.Assignment = was
		}
	}
}

// lettersLess tries leaving out each report, with what came back, and each response that counts.
func (a *asker) lettersLess() {
	var sent []decide.Sent
	for _, step := range a.d.Path {
		sent = append(sent, step.Sent...)
	}
	slices.SortStableFunc(sent, func(x, y decide.Sent) int { return y.At.Compare(x.At) })
	for _, s := range sent[:min(len(sent), mostTried)] {
		a.tell(Fact, a.ask(func(c *changed) {
			c.h.Reports = without(c.h.Reports, func(r *history.Report) bool { return r.ID == s.Report })
			c.h.Responses = without(c.h.Responses, func(r *history.Response) bool { return r.Report == s.Report })
		}), "without report %s of %s to %s", s.Report, date(s.At), s.To)
		for _, got := range s.Received {
			a.tell(Fact, a.ask(func(c *changed) {
				c.h.Responses = without(c.h.Responses, func(r *history.Response) bool {
					return r.Report == s.Report && r.At.Equal(got.At) && r.Stance == got.Stance
				})
			}), "without the response %s of %s to %s", got.Stance, date(got.At), s.Report)
		}
	}
}

// answersLess tries taking back each answer that was given.
func (a *asker) answersLess() {
	for _, q := range history.Questions {
		i := -1
		for k, x := range a.h.Answers {
			if x.Question == q && (i < 0 || !x.At.Before(a.h.Answers[i].At)) {
				i = k
			}
		}
		if i < 0 || a.h.Answers[i].Answer == decide.AnswerOpen {
			continue
		}
		x := a.h.Answers[i]
		a.tell(Fact, a.ask(func(c *changed) {
			c.h.Answers = without(c.h.Answers, func(y *history.Answer) bool { return y.Question == q })
		}), "without the answer %s = %s of %s", q, x.Answer, date(x.At))
	}
}

// seenLess tries leaving out all that each of the most dangerous offenders did.
func (a *asker) seenLess() {
	for _, part := range a.d.Danger[:min(len(a.d.Danger), mostTried)] {
		r, err := netblock.ParseRange(part.Source)
		if err != nil {
			continue
		}
		o := a.ask(func(c *changed) {
			c.h.Sightings = without(c.h.Sightings, func(s *history.Sighting) bool { return r.Contains(s.Source) })
		})
		if o.effect(a.before).rank() <= OtherRule.rank() {
			a.tell(Fact, o, "without what %s did", part.Source)
		}
	}
}

// honestLess tries leaving out the honest traffic of each source and service.
func (a *asker) honestLess() {
	for _, part := range a.d.Loss[:min(len(a.d.Loss), mostTried)] {
		r, err := netblock.ParseRange(part.Source)
		if err != nil {
			continue
		}
		a.tell(Fact, a.ask(func(c *changed) {
			c.h.Traffic = without(c.h.Traffic, func(t *history.Traffic) bool { return r.Contains(t.Source) && t.Service == part.Service })
		}), "without %s's %d honest %s", part.Source, part.Events, plural(part.Events, part.Service+" event"))
	}
}

func plural(n int64, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}

// limitsLess tries lifting each hold and each protected range.
func (a *asker) limitsLess() {
	var lifted []netblock.Range
	once := func(r netblock.Range) bool {
		if slices.Contains(lifted, r) {
			return false
		}
		lifted = append(lifted, r)
		return len(lifted) <= mostTried
	}
	for _, x := range a.h.Holds {
		if once(x.Range) {
			a.tell(Fact, a.ask(func(c *changed) {
				c.h.Holds = without(c.h.Holds, func(y *history.Hold) bool { return y.Range == x.Range })
			}), "without the hold on %s", x.Range)
		}
	}
	lifted = nil
	for _, x := range a.h.Protects {
		if once(x.Range) {
			a.tell(Fact, a.ask(func(c *changed) {
				c.h.Protects = without(c.h.Protects, func(y *history.Protect) bool { return y.Range == x.Range })
			}), "without %s being protected", x.Range)
		}
	}
	border := netblock.OfPrefix(a.d.Case.Netblock)
	for _, x := range a.p.Protect.Ranges {
		if x.Overlaps(border) {
			a.tell(Fact, a.ask(func(c *changed) {
				c.p.Protect.Ranges = without(c.p.Protect.Ranges, func(y *netblock.Range) bool { return *y == x })
			}), "without %s in the policy's protect.ranges", x)
		}
	}
}

// blocksLess tries the case as if nothing of it were blocked.
func (a *asker) blocksLess() {
	if len(a.d.Case.Standing) == 0 {
		return
	}
	a.tell(Fact, a.ask(func(c *changed) {
		c.h.Blocks = without(c.h.Blocks, func(b *history.Block) bool { return b.Until.IsZero() || b.Until.After(a.now) })
	}), "without the block that stands")
}
