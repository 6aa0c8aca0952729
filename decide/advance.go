package decide

import (
	"fmt"
	"slices"
	"time"

	"lastresort/decide/history"
)

// advance finds the next step and when it is due.
func (w *walker) advance() {
	if last := len(w.p.letters) - 1; last >= 0 && w.p.letters[last].Stance == history.Fixed {
		if _, broken := w.seenAfterFix(w.p.letters[last].At); !broken {
			w.p.rests = true
			w.p.evidence = fmt.Sprintf("%s fixed it on %s and it held", w.p.letters[last].report.To, dateOf(w.p.letters[last].At))
			return
		}
	}
	if w.p.opinion.Trust == history.UnknownTrust && w.c.netblock.Abuse != "" {
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
	at, hostile := w.n.letters.wasHostile(w.c.netblock.Abuse)
	if !hostile {
		return w.n.now
	}
	for _, r := range w.c.reports {
		if r.Role == history.Contacted && mailbox(r.To) == mailbox(w.c.netblock.Abuse) &&
			slices.ContainsFunc(w.n.letters.responses[r.ID], func(x response) bool { return x.Stance == history.Hostile && x.At.Equal(at) }) {
			return at
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

// laterReport returns the first report of a step of the path at or after a moment, other than the one answered then.
func (w *walker) laterReport(t time.Time, answered history.Report, fits func(history.Report) bool) (time.Time, bool) {
	for _, r := range w.c.reports {
		if stepOf(r) != noStep && !r.At.Before(t) && r.ID != answered.ID && (fits == nil || fits(r)) {
			return r.At, true
		}
	}
	return time.Time{}, false
}
