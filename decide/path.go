package decide

import (
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
	exhausted bool // never where it is waived
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

// walker walks one case's path.
type walker struct {
	n      *night
	c      *caseFacts
	p      path
	first  [certStep + 1]time.Time // the first report of each step
	skips  [certStep + 1]bool
	others string                               // the answer to the question others, if it counts
	told   map[netip.Addr]map[history.Role]bool // to whom each source was reported
	after  []time.Time                          // when offenders were seen, sorted
}

func (n *night) walk(c *caseFacts) walker {
	w := walker{n: n, c: c}
	w.p.opinion = n.trust(c.netblock.Abuse, c.netblock)
	if a, ok := n.answer(c, history.OthersQuestion); ok {
		w.others = a.Answer
	}
	w.readReports()
	w.readSightings()
	w.p.letters = w.meaningful()
	w.p.history = w.describe()
	w.p.waived = !n.policy.Path.Required
	w.advance()
	w.p.contact = w.reply()
	if w.p.waived {
		w.p.exhausted, w.p.actions, w.p.evidence = false, nil, "waived by path.required = false"
	}
	return w
}

// current drops the reports after which the path began again: those that a gap of path.stale parts from the next one, or
// from now.
func (w *walker) current() []history.Report {
	stale := time.Duration(w.n.policy.Path.Stale)
	list := slices.DeleteFunc(slices.Clone(w.c.reports), toNobody)
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
	recent := w.current()
	w.c.stale += len(w.c.reports) - len(recent) // none any more where the case is judged again
	w.c.reports = recent
	w.told = map[netip.Addr]map[history.Role]bool{}
	untrusted := w.p.opinion.Trust == history.Untrusted
	for _, r := range w.c.reports {
		s, a := stepOf(r), netblock.Unit(r.Source)
		if w.told[a] == nil {
			w.told[a] = map[history.Role]bool{}
		}
		w.told[a][r.Role] = true
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

// readSightings finds when today's offenders were ever seen: that a word was broken stays true when the sighting has left
// the window, or a follow-up that was written in time would no longer count.
func (w *walker) readSightings() {
	if len(w.c.reports) == 0 {
		return
	}
	for _, o := range w.c.offenders {
		for i := range o.all {
			if x := &o.all[i]; proves(x) {
				w.after = append(w.after, x.First)
			}
		}
	}
	slices.SortFunc(w.after, time.Time.Compare)
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
