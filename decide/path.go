package decide

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// step is one of the steps of the path, in their order.
type step int

const (
	noStep step = iota
	reportStep
	followUpStep
	upstreamStep
	certStep
)

// Action is what is due to somebody. Due is a UTC date.
type Action struct {
	Action string   `json:"action"`
	To     string   `json:"to"`
	Due    string   `json:"due"`
	About  []string `json:"about"`
}

// The actions.
const (
	AssessContact        = "assess-contact"
	FindContact          = "find-contact"
	ReportContact        = "report"
	FollowUp             = "follow-up"
	AnswerThem           = "answer"
	ReportUpstream       = "report-upstream"
	ReportCert           = "report-cert"
	ReportLawEnforcement = "report-law-enforcement"
	GiveAlternateContact = "give-alternate-contact"
	Approve              = "approve"
	CheckBreakIn         = "check-break-in"
)

var stepActions = [...]string{reportStep: ReportContact, followUpStep: FollowUp, upstreamStep: ReportUpstream, certStep: ReportCert}

// path is how far asking has come in a case.
type path struct {
	opinion   Opinion
	waived    bool
	exhausted bool
	rests     bool // a contact fixed it and it held
	contact   reply
	step      step // the furthest one taken
	actions   []Action
	evidence  string // of the question others
	history   string // of the question contact
	letters   []letter
	reported  bool // to law enforcement
}

// reply is what the contact's letters amount to.
type reply string

const (
	trying      reply = "trying"
	silent      reply = "silent"
	ignoring    reply = "ignoring"
	aggravating reply = "aggravating"
	notAsked    reply = "not asked"
	unanswered  reply = "" // open
)

// letter is a response that means something, with the report that it answers.
type letter struct {
	history.Response
	report history.Report
}

// walker walks one case's path.
type walker struct {
	n      *night
	c      *caseFacts
	p      path
	first  [certStep + 1]time.Time // the first report of each step
	skips  [certStep + 1]bool
	others string // the answer to the question others, if it counts
}

func (n *night) walk(c *caseFacts) path {
	w := walker{n: n, c: c}
	w.p.opinion = n.trust(c.netblock.Abuse, c.netblock)
	if a, ok := n.answer(c, history.OthersQuestion); ok {
		w.others = a.Answer
	}
	w.readReports()
	w.p.letters = w.meaningful()
	w.p.history = w.describe()
	w.p.waived = !n.policy.Path.Required
	w.advance()
	w.p.contact = w.reply()
	if w.p.waived {
		w.p.exhausted, w.p.actions, w.p.evidence = false, nil, "waived by path.required = false"
	}
	return w.p
}

// current drops the reports after which the path began again: those that a gap of path.stale parts from the next one, or
// from now.
func (w *walker) current() []history.Report {
	stale := time.Duration(w.n.policy.Path.Stale)
	list := w.c.reports
	for i := len(list) - 1; i >= 0; i-- {
		next := w.n.now
		if i+1 < len(list) {
			next = list[i+1].At
		}
		if next.Sub(list[i].At) > stale {
			return list[i+1:]
		}
	}
	return list
}

func (w *walker) readReports() {
	w.c.reports = w.current()
	untrusted := w.p.opinion.Trust == history.Untrusted
	for _, r := range w.c.reports {
		s := stepOf(r)
		if r.Role == history.LawEnforcement {
			w.p.reported = true
		}
		if s == noStep || untrusted && s < upstreamStep {
			continue
		}
		if w.first[s].IsZero() {
			w.first[s] = r.At
		}
		w.p.step = max(w.p.step, s)
	}
	unreachable := w.others == "no"
	w.skips[reportStep] = untrusted || unreachable && w.address(reportStep) == ""
	w.skips[followUpStep] = w.skips[reportStep]
	w.skips[upstreamStep], w.skips[certStep] = unreachable, unreachable
}

func stepOf(r history.Report) step {
	switch {
	case r.Role == history.Cert:
		return certStep
	case r.Role == history.Upstream:
		return upstreamStep
	case r.Role == history.Contacted && r.Follows != "":
		return followUpStep
	case r.Role == history.Contacted:
		return reportStep
	}
	return noStep
}

func (w *walker) address(s step) string {
	switch s {
	case upstreamStep:
		return w.c.netblock.Upstream
	case certStep:
		return w.c.netblock.Cert
	}
	return w.c.netblock.Abuse
}

func (w *walker) wait(s step) time.Duration {
	switch s {
	case reportStep:
		return time.Duration(w.n.policy.Path.FollowUp)
	case followUpStep:
		return time.Duration(w.n.policy.Path.Upstream)
	}
	return time.Duration(w.n.policy.Path.Cert)
}

// next returns the first step after s that isn't skipped and goes to somebody other than not; false where none is left.
func (w *walker) next(s step, not string) (step, bool) {
	for s++; s <= certStep; s++ {
		if !w.skips[s] && (not == "" || mailbox(w.address(s)) != mailbox(not)) {
			return s, true
		}
	}
	return s, false
}

// meaningful returns the responses that mean something, earliest first.
func (w *walker) meaningful() []letter {
	var all []letter
	for _, r := range w.c.reports {
		for _, x := range w.n.letters.responses[r.ID] {
			all = append(all, letter{x, r})
		}
	}
	slices.SortStableFunc(all, func(a, b letter) int { return a.At.Compare(b.At) })
	var out []letter
	asked, helped := map[string]int{}, map[string]bool{}
	for _, x := range all {
		who := mailbox(x.report.To)
		if x.Stance == history.Hostile {
			x.Stance = w.hostile(x)
		}
		switch {
		case w.means(x) == false:
			continue
		case x.Stance == history.Asked:
			if asked[who]++; asked[who] > 2 {
				continue
			}
		case x.Stance == history.Helping:
			if helped[who] {
				continue
			}
			helped[who] = true
		case x.Stance == history.Fixed && w.brokeWord(out, x):
			continue
		}
		out = append(out, x)
	}
	return out
}

// hostile returns what a hostile response stands for: from others than the contact, unhelpful; from the contact it has made
// it untrusted, and where the operator has judged it anew since, nothing is left of it.
func (w *walker) hostile(x letter) history.Stance {
	if x.report.Role != history.Contacted {
		return history.Unhelpful
	}
	return history.Automatic
}

// means tells whether a response can mean anything: not an automatic one, nor an untrusted contact's words, nor a refusal
// that is dated before its report or comes from the police, to whom no step of the path goes.
func (w *walker) means(x letter) bool {
	refusal := x.Stance == history.Unhelpful || x.Stance == history.Bounced
	switch {
	case x.Stance == history.Automatic:
		return false
	case x.report.Role == history.Contacted && w.n.trust(x.report.To, w.c.netblock).Trust == history.Untrusted:
		return false
	case refusal && (x.At.Before(x.report.At) || x.report.Role == history.LawEnforcement):
		return false
	}
	return true
}

// brokeWord tells whether whoever says fixed again said so before, within window, and it didn't hold.
func (w *walker) brokeWord(earlier []letter, x letter) bool {
	for _, e := range earlier {
		if e.Stance != history.Fixed || mailbox(e.report.To) != mailbox(x.report.To) || x.At.Sub(e.At) > time.Duration(w.n.policy.Offender.Window) {
			continue
		}
		if broken, ok := w.seenAfterFix(e.At); ok && broken.Before(x.At) {
			return true
		}
	}
	return false
}

// seenAfterFix returns when an offender was first seen more than a day after a moment.
func (w *walker) seenAfterFix(at time.Time) (time.Time, bool) {
	var found time.Time
	for _, o := range w.c.offenders {
		for _, x := range o.seen {
			if x.First.Sub(at) > Day && (found.IsZero() || x.First.Before(found)) {
				found = x.First
			}
		}
	}
	return found, !found.IsZero()
}

// laterReport returns the first report of a step of the path at or after a moment, other than the one answered then.
func (w *walker) laterReport(t time.Time, answered history.Report, fits func(history.Report) bool) (time.Time, bool) {
	for _, r := range w.c.reports {
		if stepOf(r) != noStep && !r.At.Before(t) && r.ID != answered.ID && (fits == nil || fits(r)) {
			return r.At, true
		}
	}
	return time.Time{}, false
}

// advance finds the next step and when it is due.
func (w *walker) advance() {
	if last := len(w.p.letters) - 1; last >= 0 && w.p.letters[last].Stance == history.Fixed {
		if _, broken := w.seenAfterFix(w.p.letters[last].At); !broken {
			w.p.rests = true
			w.p.evidence = fmt.Sprintf("%s fixed it on %s and it held", w.p.letters[last].report.To, dateOf(w.p.letters[last].At))
			return
		}
	}
	if w.p.opinion.Trust == history.UnknownTrust && w.c.netblock.Abuse != "" && !w.skips[reportStep] {
		w.add(AssessContact, w.c.netblock.Abuse, w.n.now, w.all())
		w.p.evidence = "the contact is unknown: " + w.p.opinion.Reason
		return
	}
	start := w.first[w.p.step]
	if len(w.p.letters) > 0 {
		last := w.p.letters[len(w.p.letters)-1]
		var done bool
		if start, done = w.answerTo(last, start); done {
			w.reportBeside()
			return
		}
	}
	s, left := w.next(w.p.step, "")
	due := w.atOnce()
	if w.p.step != noStep {
		due = start.Add(w.wait(w.p.step))
	}
	w.goOn(s, left, due)
	w.reportBeside()
}

// atOnce is when the first step is due: at the hostile response that changed where the path starts, else now.
func (w *walker) atOnce() time.Time {
	for i := len(w.c.reports) - 1; i >= 0 && w.p.opinion.Trust == history.Untrusted; i-- {
		r := w.c.reports[i]
		if at, ok := w.n.letters.hostile[mailbox(r.To)]; ok && r.Role == history.Contacted && mailbox(r.To) == mailbox(w.c.netblock.Abuse) {
			for _, x := range w.n.letters.responses[r.ID] {
				if x.Stance == history.Hostile && x.At.Equal(at) {
					return at
				}
			}
		}
	}
	return w.n.now
}

// answerTo lets the last response that means something move the path. It returns from when the wait of the step runs, and
// whether that settles what is next.
func (w *walker) answerTo(x letter, start time.Time) (time.Time, bool) {
	to := x.report.To
	switch x.Stance {
	case history.Asked:
		at, ok := w.laterReport(x.At, x.report, nil)
		if !ok {
			w.p.evidence = fmt.Sprintf("%s asked on %s; the answer is ours", to, dateOf(x.At))
			w.add(AnswerThem, to, x.At, w.reportedTo(x.report.Role))
			return start, true
		}
		return lateOf(start, at), false
	case history.Helping:
		if start.After(x.At) {
			return start, false
		}
		until := x.At.Add(time.Duration(w.n.policy.Path.HelpingGrace))
		if w.n.now.Before(until) {
			w.p.evidence = fmt.Sprintf("%s is helping since %s; waiting until %s", to, dateOf(x.At), dateOf(until))
			w.add(FollowUp, to, until, w.reportedTo(x.report.Role))
			return start, true
		}
		s, left := w.next(w.p.step, "")
		w.goOn(s, left, until)
		return start, true
	case history.Fixed:
		broken, _ := w.seenAfterFix(x.At)
		at, ok := w.laterReport(broken, x.report, nil)
		if !ok {
			w.p.evidence = fmt.Sprintf("%s said fixed on %s, but it went on", to, dateOf(x.At))
			w.add(FollowUp, to, broken, w.reportedTo(x.report.Role))
			return start, true
		}
		return lateOf(start, at), false
	}
	return w.refused(x, start)
}

// refused ends the wait for an addressee that was unhelpful or bounced: the next step to somebody else is due at once.
func (w *walker) refused(x letter, start time.Time) (time.Time, bool) {
	waiting := slices.ContainsFunc(w.c.reports, func(r history.Report) bool {
		return stepOf(r) == w.p.step && mailbox(r.To) == mailbox(x.report.To)
	})
	if !waiting {
		return start, false
	}
	somebodyElse := func(r history.Report) bool { return mailbox(r.To) != mailbox(x.report.To) }
	if at, ok := w.laterReport(x.At, x.report, somebodyElse); ok {
		return lateOf(start, at), false
	}
	s, left := w.next(w.p.step, x.report.To)
	w.goOn(s, left, x.At)
	return start, true
}

func lateOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// goOn makes s the next step, due at a moment; where none is left the path is exhausted once that is past.
func (w *walker) goOn(s step, left bool, due time.Time) {
	switch {
	case !left && !w.n.now.Before(due):
		w.p.exhausted = true
		w.p.evidence = "everyone was asked"
		if w.others == "no" {
			w.p.evidence = "answered no: nobody else to ask"
		}
	case !left:
		last := w.lastTo()
		w.p.evidence = "waiting for " + last.To + " until " + dateOf(due)
		w.add(FollowUp, last.To, due, w.reportedTo(last.Role))
	case w.address(s) == "":
		w.p.evidence = "nobody known for " + stepActions[s] + ", due " + dateOf(due)
		w.add(FindContact, "", due, w.all())
	default:
		w.p.evidence = stepActions[s] + " to " + w.address(s) + " due " + dateOf(due)
		if w.n.now.Before(due) && w.p.step != noStep {
			w.p.evidence = "waiting for " + w.lastTo().To + " until " + dateOf(due)
		}
		about := w.all()
		switch s {
		case reportStep:
			about = w.neverReported()
		case followUpStep:
			about = w.reportedTo(history.Contacted)
		}
		w.add(stepActions[s], w.address(s), due, about)
	}
}

// lastTo returns the last report of the step that the path has come to.
func (w *walker) lastTo() history.Report {
	for i := len(w.c.reports) - 1; i >= 0; i-- {
		if stepOf(w.c.reports[i]) == w.p.step {
			return w.c.reports[i]
		}
	}
	return history.Report{}
}

// reportBeside adds the reports about offenders that nobody was told of, while the upstream hasn't been written to.
func (w *walker) reportBeside() {
	if w.p.step < reportStep || w.p.step >= upstreamStep || w.p.opinion.Trust != history.Trusted || w.c.netblock.Abuse == "" || w.p.rests {
		return
	}
	refused := slices.ContainsFunc(w.p.letters, func(x letter) bool {
		return mailbox(x.report.To) == mailbox(w.c.netblock.Abuse) && (x.Stance == history.Unhelpful || x.Stance == history.Bounced)
	})
	if about := w.neverReported(); len(about) > 0 && !refused {
		w.add(ReportContact, w.c.netblock.Abuse, w.n.now, about)
	}
}

func (w *walker) add(action, to string, due time.Time, about []string) {
	w.p.actions = append(w.p.actions, Action{action, to, dateOf(due), about})
}

func (w *walker) about(fits func(netip.Addr) bool) []string {
	out := []string{}
	for _, o := range w.c.offenders {
		if fits(o.addr) {
			out = append(out, netblock.UnitRange(o.addr).String())
		}
	}
	return out
}

func (w *walker) all() []string { return w.about(func(netip.Addr) bool { return true }) }

func (w *walker) neverReported() []string {
	return w.about(func(a netip.Addr) bool { return !w.wasReported(a, "") })
}

func (w *walker) reportedTo(role history.Role) []string {
	return w.about(func(a netip.Addr) bool { return w.wasReported(a, role) })
}

func (w *walker) wasReported(a netip.Addr, role history.Role) bool {
	return slices.ContainsFunc(w.c.reports, func(r history.Report) bool {
		return netblock.Unit(r.Source) == a && (role == "" || r.Role == role)
	})
}

// reply says what the contact's letters amount to.
func (w *walker) reply() reply {
	hostile := false
	if at, ok := w.n.letters.hostile[mailbox(w.c.netblock.Abuse)]; ok {
		record, known := w.n.letters.contacts[mailbox(w.c.netblock.Abuse)]
		hostile = !(known && !record.At.Before(at))
	}
	switch {
	case hostile:
		return aggravating
	case w.p.opinion.Trust == history.Untrusted:
		return notAsked
	}
	for i := len(w.p.letters) - 1; i >= 0; i-- {
		if x := w.p.letters[i]; x.report.Role == history.Contacted {
			if x.Stance == history.Unhelpful || x.Stance == history.Bounced {
				return ignoring
			}
			return trying
		}
	}
	over := w.p.step == followUpStep && !w.n.now.Before(w.first[followUpStep].Add(w.wait(followUpStep)))
	if w.p.step > followUpStep || over {
		return silent
	}
	return unanswered
}

// describe tells what was written to whom, for the question contact.
func (w *walker) describe() string {
	if len(w.c.reports) == 0 {
		return "no report yet"
	}
	out := ""
	for i, r := range w.c.reports {
		if i > 0 {
			out += ", "
		}
		what := r.ID
		if r.Follows != "" {
			what = "follow-up " + r.ID
		}
		out += what + " " + dateOf(r.At) + " to " + string(r.Role)
	}
	if len(w.p.letters) == 0 {
		return out + ", no useful response"
	}
	x := w.p.letters[len(w.p.letters)-1]
	return out + "; " + x.report.To + " " + string(x.Stance) + " on " + dateOf(x.At)
}
