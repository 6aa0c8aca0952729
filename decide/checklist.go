package decide

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// The status of a question.
const (
	Settled = "settled"
	Open    = "open"
)

// Answered is one question of the checklist as it stands in a case. Of an open one, Settles says what would settle it.
type Answered struct {
	Question history.Question `json:"question"`
	Status   string           `json:"status"`
	Answer   string           `json:"answer"`
	Evidence string           `json:"evidence"`
	Settles  string           `json:"settles,omitempty"`
}

// AnswerOpen takes an answer back: the question is as open as if it had never been answered.
const AnswerOpen = "open"

// AnswersTo returns what an operator may answer to a question, AnswerOpen last; none where the records always settle it.
func AnswersTo(q history.Question) []string {
	switch q {
	case history.ContactQuestion:
		return []string{string(trying), string(silent), string(ignoring), string(aggravating), string(notAsked), AnswerOpen}
	case history.OthersQuestion, history.LawEnforcementQuestion, history.RangeQuestion:
		return []string{"no", "yes", AnswerOpen}
	case history.HostileQuestion:
		return []string{"yes", "no", AnswerOpen}
	case history.DurationQuestion:
		return []string{"temporary", "permanent", AnswerOpen}
	}
	return nil
}

// answer returns the operator's answer to a question of a case, if it still counts: for answer.keep, and until a two-way
// break-in is seen after it.
func (n *night) answer(c *caseFacts, q history.Question) (history.Answer, bool) {
	a, ok := c.answers[q]
	brokeIn := !c.brokeIn.IsZero() && !c.brokeIn.Before(a.At)
	return a, ok && !brokeIn && n.now.Sub(a.At) <= time.Duration(n.policy.Answer.Keep)
}

// hostility is the question hostile, for some of a case's offenders.
type hostility struct {
	settled  bool
	no       bool // answered no
	evidence string
}

// hostility asks whether we are positive of offenders taken together.
func (n *night) hostility(c *caseFacts, of []*offender) hostility {
	if a, ok := n.answer(c, history.HostileQuestion); ok {
		return hostility{true, a.Answer == "no", answeredBy(a)}
	}
	var days []int
	for _, o := range of {
		for _, d := range o.days {
			if !slices.Contains(days, d.day) { // no more than window has
				days = append(days, d.day)
			}
		}
	}
	if len(days) == 0 {
		return hostility{evidence: "no two-way sighting of ours makes an offender"}
	}
	newest := slices.Max(days)
	seen := fmt.Sprintf("%d seen two-way on %s, the last %s", len(of), plural(len(days), "day"), dateOfDay(newest))
	settled := len(days) >= n.policy.Hostile.Days && n.today-newest < n.policy.Hostile.Recent.Days()
	return hostility{settled: settled, evidence: seen}
}

func answeredBy(a history.Answer) string {
	by := a.By
	if by == "" {
		by = "the operator"
	}
	return "answered by " + by + " on " + dateOf(a.At) + because(a.Note)
}

func dateOfDay(day int) string { return dateOf(time.Unix(int64(day)*86400, 0)) }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// checklist answers the eight questions for a decided case.
func (j *judge) checklist(d *decision) []Answered {
	n, c, p := j.n, j.c, j.path
	hostile := n.hostility(c, c.offenders)
	list := []Answered{
		j.settle(history.ContactQuestion, p.contact != unanswered, string(p.contact), p.history,
			"a useful response, or the end of the wait after the follow-up"),
		j.settle(history.OthersQuestion, p.exhausted || p.waived, waivedOr("no", p.waived), p.evidence,
			"the rest of the path, or the answer others = no"),
		j.settle(history.HostileQuestion, hostile.settled, yesNo(!hostile.no), hostile.evidence,
			fmt.Sprintf("offenders seen two-way on %s, one of them within %s; or an answer", plural(n.policy.Hostile.Days, "day"), n.policy.Hostile.Recent)),
		{history.DangerQuestion, Settled, string(levelOf(j.danger)), j.dangerEvidence(), ""},
		j.lawEnforcement(),
		{history.LossQuestion, Settled, fmt.Sprintf("%.3f a day", d.cover.Loss), j.lossEvidence(d), ""},
		{history.DurationQuestion, Settled, d.durationAnswer(), cmp.Or(d.durationWhy, "by rule "+string(d.rule)), ""},
		{history.RangeQuestion, Settled, rangeAnswer(d), j.rangeEvidence(d), ""},
	}
	return list
}

func waivedOr(answer string, waived bool) string {
	if waived {
		return "waived"
	}
	return answer
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// settle builds an answer to a question that the records settle, or else an operator's answer, or nothing yet.
func (j *judge) settle(q history.Question, settled bool, answer, evidence, settles string) Answered {
	if settled {
		return Answered{q, Settled, answer, evidence, ""}
	}
	if a, ok := j.n.answer(j.c, q); ok && !(q == history.OthersQuestion && a.Answer != "no") {
		return Answered{q, Settled, a.Answer, answeredBy(a), ""}
	}
	return Answered{q, Open, "", evidence, settles}
}

func (j *judge) lawEnforcement() Answered {
	var broke []netip.Addr
	for _, o := range j.c.offenders {
		for _, x := range o.seen {
			if x.Kind == breakIn {
				broke = append(broke, o.addr)
				break
			}
		}
	}
	untrusted := j.path.opinion.Trust == history.Untrusted
	switch {
	case j.path.reported:
		return Answered{history.LawEnforcementQuestion, Settled, "reported", "a report to law enforcement is on record", ""}
	case len(broke) == 0 && !untrusted:
		return Answered{history.LawEnforcementQuestion, Settled, "not warranted", "no two-way break-in in the window", ""}
	}
	why := "the contact is untrusted: " + j.path.opinion.Reason
	if len(broke) > 0 {
		why = "break-in by " + addresses(broke, 3)
	}
	return j.settle(history.LawEnforcementQuestion, false, "", why, "a report to law enforcement, or an answer")
}

// addresses prints the first few of a list of addresses and how many more there are.
func addresses(list []netip.Addr, most int) string {
	var out []string
	for _, a := range list[:min(most, len(list))] {
		out = append(out, netblock.UnitRange(a).String())
	}
	if len(list) > most {
		out = append(out, fmt.Sprintf("%d more", len(list)-most))
	}
	return strings.Join(out, ", ")
}
