package decide

import (
	"cmp"
	"slices"
	"time"

	"lastresort/decide/history"
)

// letter is a response that means something, with the report that it answers.
type letter struct {
	response
	report history.Report
}

// early tells whether a response is dated before its report, which can't be.
func (x letter) early() bool { return x.At.Before(x.report.At) }

// meaningful returns the responses that mean something, earliest first. One that is dated before its report comes before all
// others: alone it may stop the path, but it takes the place of nothing that came in its time.
func (w *walker) meaningful() []letter {
	var all []letter
	for _, r := range w.c.reports {
		for _, x := range w.n.letters.responses[r.ID] {
			all = append(all, letter{x, r})
		}
	}
	slices.SortStableFunc(all, func(a, b letter) int {
		if a.early() != b.early() {
			if a.early() {
				return -1
			}
			return 1
		}
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.order, b.order))
	})
	var out []letter
	asked, helped := map[string]int{}, map[string]bool{}
	for _, x := range all {
		who := mailbox(x.report.To)
		if x.Stance == history.Hostile {
			x.Stance = hostileMeans(x)
		}
		switch {
		case !w.means(x):
			continue
		case x.early(): // it uses up no patience with what comes in its time
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

// hostileMeans returns what a hostile response stands for: from others than the contact, unhelpful; from the contact it has
// made it untrusted, and where the operator has judged it anew since, nothing is left of it.
func hostileMeans(x letter) history.Stance {
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
	case refusal && (x.early() || x.report.Role == history.LawEnforcement):
		return false
	}
	return true
}

// brokeWord tells whether whoever says fixed again said so before, within window, and it didn't hold.
func (w *walker) brokeWord(earlier []letter, x letter) bool {
	for _, e := range earlier {
		if e.Stance != history.Fixed || e.early() || mailbox(e.report.To) != mailbox(x.report.To) || x.At.Sub(e.At) > time.Duration(w.n.policy.Offender.Window) {
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
	i, _ := slices.BinarySearchFunc(w.after, at.Add(Day), func(t, limit time.Time) int {
		if t.After(limit) {
			return 1
		}
		return -1
	})
	if i == len(w.after) {
		return time.Time{}, false
	}
	return w.after[i], true
}

// reply says what the contact's letters amount to.
func (w *walker) reply() reply {
	_, hostile := w.n.letters.wasHostile(w.c.netblock.Abuse)
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
