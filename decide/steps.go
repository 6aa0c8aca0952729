package decide

import (
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// goOn makes s the next step, due at a moment; where none is left the path is exhausted once that is past.
func (w *walker) goOn(s step, left bool, due time.Time) {
	to, last := w.address(s), w.lastTo()
	waiting := w.n.now.Before(due) && w.p.step != noStep
	switch {
	case !left && !w.n.now.Before(due):
		w.p.exhausted = true
		w.p.evidence = "everyone was asked"
		if w.others == "no" {
			w.p.evidence = "answered no: nobody else to ask"
		}
		return
	case !left:
		w.add(FollowUp, last.To, due, w.reportedTo(last.Role))
	case to == "":
		w.p.evidence = "nobody known for " + stepActions[s] + ", due " + dateOf(due)
		w.add(FindContact, "", due, w.all())
	default:
		w.p.evidence = stepActions[s] + " to " + to + " due " + dateOf(due)
		w.add(stepActions[s], to, due, w.aboutStep(s))
	}
	if waiting {
		w.p.evidence = "waiting for " + last.To + " until " + dateOf(due)
	}
}

// aboutStep lists the offenders that a step is about.
func (w *walker) aboutStep(s step) []string {
	switch s {
	case reportStep:
		return w.neverReported()
	case followUpStep:
		return w.reportedTo(history.Contacted)
	}
	return w.all()
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
	contact := mailbox(w.c.netblock.Abuse)
	if w.p.step < reportStep || w.p.step >= upstreamStep || w.p.opinion.Trust != history.Trusted || contact == "" {
		return
	}
	refused := slices.ContainsFunc(w.p.letters, func(x letter) bool {
		return mailbox(x.report.To) == contact && (x.Stance == history.Unhelpful || x.Stance == history.Bounced)
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
	return w.about(func(a netip.Addr) bool { return w.told[a] == nil })
}

func (w *walker) reportedTo(role history.Role) []string {
	return w.about(func(a netip.Addr) bool { return w.told[a][role] })
}
