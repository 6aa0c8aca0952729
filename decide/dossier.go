package decide

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// Dossier is a case with everything that its verdict rests on.
type Dossier struct {
	Case    Case         `json:"case"`
	Path    []PathStep   `json:"path"`
	Stale   int          `json:"stale"`  // reports so old that the path began again after them
	Danger  []DangerPart `json:"danger"` // the most dangerous first
	Loss    []LossPart   `json:"loss"`   // honest traffic in the netblock, the most valuable first
	Choices []Choice     `json:"choices"`
	Seen    []SeenDay    `json:"seen"`   // the earliest first
	Blocked []Episode    `json:"blocks"` // on record, the earliest first
}

// PathStep is one step of the path of asking.
type PathStep struct {
	Step   string     `json:"step"` // the action that takes it
	To     string     `json:"to"`   // "" where nobody is known
	Status StepStatus `json:"status"`
	Due    string     `json:"due"` // a UTC date, "" for a step that is done or whose date hangs on others; of a later one if nothing comes
	Sent   []Sent     `json:"sent"`
}

// StepStatus is how a step of the path stands.
type StepStatus string

// The states of a step.
const (
	StepDone    StepStatus = "done"
	StepDue     StepStatus = "due"     // its date has come
	StepWaits   StepStatus = "waits"   // next, its date hasn't come
	StepLater   StepStatus = "later"   // after the next
	StepSkipped StepStatus = "skipped" // the contact is untrusted, nobody else can be asked, a later step was taken, or the path is waived
)

// Sent is a report of a step, with what came back.
type Sent struct {
	Report   string     `json:"report"` // its id
	At       time.Time  `json:"at"`
	To       string     `json:"to"`
	About    netip.Addr `json:"about"`
	Received []Received `json:"received"`
}

// Received is a response. One that doesn't count is automatic, repeated, or an untrusted contact's.
type Received struct {
	At     time.Time      `json:"at"`
	Stance history.Stance `json:"stance"`
	Note   string         `json:"note"`
	Counts bool           `json:"counts"`
}

// DangerPart is what one offender adds to a case's danger.
type DangerPart struct {
	Source string           `json:"source"`
	PerDay float64          `json:"per_day"`
	Share  float64          `json:"share"`
	Events map[string]int64 `json:"events"` // by kind, two-way, seen by us, in window
	Days   int              `json:"days"`   // on which it was seen
	Last   time.Time        `json:"last"`
}

// LossPart is the honest traffic of one source on one service.
type LossPart struct {
	Source   string  `json:"source"`
	Service  string  `json:"service"`
	PerDay   float64 `json:"per_day"` // as it counts; an offender's own may count for less than its events
	Events   int64   `json:"events"`  // in quiet
	Last     string  `json:"last"`    // UTC date
	Offender bool    `json:"offender"`
	Lost     bool    `json:"lost"` // in the ranges chosen
}

// Explain judges one case and lays open what its verdict rests on; false where the netblock is no case at that moment.
func Explain(h *history.History, p *Policy, now time.Time, key netip.Prefix) (Dossier, bool) {
	now = plain(now)
	n := newNight(Around(h, key), p, now)
	c, ok := n.cases[key]
	if !ok || !n.listed(c) {
		return Dossier{}, false
	}
	return n.dossier(c), true
}

// dossier lays a case open.
func (n *night) dossier(c *caseFacts) Dossier {
	j := n.judge(c)
	d := j.weighed()
	out := Dossier{Case: j.render(&d), Stale: c.stale, Danger: j.dangerParts(), Loss: j.lossParts(&d), Choices: j.choices(&d),
		Seen: j.seenDays(), Blocked: j.blockedBefore()}
	out.Path = j.pathSteps(out.Case.Actions)
	return out
}

// pathSteps lists the steps of the path with what was sent and received, and when those that are left are due.
func (j *judge) pathSteps(due []Action) []PathStep {
	w := j.walker
	var out []PathStep
	var next time.Time // when the step before is over, if nothing comes
	for s := reportStep; s <= certStep; s++ {
		x := PathStep{Step: stepActions[s], To: w.address(s), Sent: j.sent(func(r history.Report) bool { return stepOf(r) == s })}
		i := slices.IndexFunc(j.path.actions, func(a Action) bool { return a.Action == stepActions[s] && !j.beside(a) })
		switch {
		case len(x.Sent) > 0:
			x.Status = StepDone
		case i >= 0:
			x.Status, x.Due = StepWaits, j.path.actions[i].Due
			if x.Due <= dateOf(j.n.now) {
				x.Status = StepDue
			}
			next, _ = time.Parse(time.DateOnly, x.Due)
			next = next.Add(w.wait(s))
		case w.skips[s] || j.path.waived || s < w.p.step:
			x.Status = StepSkipped
		default:
			x.Status = StepLater
			if !next.IsZero() {
				x.Due = dateOf(next)
				next = next.Add(w.wait(s))
			}
		}
		out = append(out, x)
	}
	police := PathStep{Step: ReportLawEnforcement, Status: StepSkipped, Sent: j.sent(func(r history.Report) bool { return r.Role == history.LawEnforcement })}
	if i := slices.IndexFunc(due, func(a Action) bool { return a.Action == ReportLawEnforcement }); i >= 0 {
		police.Status, police.Due = StepDue, due[i].Due
	} else if len(police.Sent) > 0 {
		police.Status = StepDone
	}
	return append(out, police)
}

// beside tells whether an action is a report about sources that nobody was told of yet, beside a path that has begun.
func (j *judge) beside(a Action) bool { return a.Action == ReportContact && j.path.step >= reportStep }

// sent returns the case's reports that fit, with the responses to each.
func (j *judge) sent(fits func(history.Report) bool) []Sent {
	out := []Sent{}
	for _, r := range j.c.reports {
		if !fits(r) {
			continue
		}
		x := Sent{Report: r.ID, At: r.At, To: r.To, About: r.Source, Received: []Received{}}
		for _, got := range j.n.letters.responses[r.ID] {
			counts := slices.ContainsFunc(j.path.letters, func(l letter) bool { return l.order == got.order })
			x.Received = append(x.Received, Received{got.At, got.Stance, got.Note, counts})
		}
		slices.SortStableFunc(x.Received, func(a, b Received) int { return a.At.Compare(b.At) })
		out = append(out, x)
	}
	return out
}

func (j *judge) dangerParts() []DangerPart {
	out := []DangerPart{}
	for _, o := range j.c.offenders {
		x := DangerPart{Source: netblock.UnitRange(o.addr).String(), PerDay: o.danger, Events: map[string]int64{}, Days: len(o.days)}
		if j.danger > 0 {
			x.Share = o.danger / j.danger
		}
		for _, s := range o.seen {
			x.Events[s.Kind] += s.Count
			x.Last = lateOf(x.Last, s.Last)
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b DangerPart) int { return cmp.Compare(b.PerDay, a.PerDay) })
	return out
}

func (j *judge) lossParts(d *decision) []LossPart {
	out := []LossPart{}
	in := netblock.SetOf(d.cover.Ranges...)
	add := func(a netip.Addr, parts []lostPart, offender bool) {
		i, found := slices.BinarySearchFunc(j.n.sources, a, func(s source, a netip.Addr) int { return s.addr.Compare(a) })
		if !found {
			return
		}
		events, last := map[string]int64{}, map[string]int{}
		for _, x := range j.n.sources[i].honest(j.n.today, j.n.policy.Loss.Quiet.Days()) {
			events[x.service] += x.count
			last[x.service] = max(last[x.service], x.day)
		}
		for _, service := range slices.Sorted(maps.Keys(events)) {
			x := LossPart{Source: netblock.UnitRange(a).String(), Service: service, Events: events[service], Last: dateOfDay(last[service]), Offender: offender,
				Lost: in.Overlaps(netblock.UnitRange(a))}
			for _, part := range parts {
				if part.service == service {
					x.PerDay = part.value
				}
			}
			out = append(out, x)
		}
	}
	for _, h := range j.c.honest {
		add(h.addr, h.parts, false)
	}
	for _, o := range j.c.offenders {
		add(o.addr, o.ownLoss, true)
	}
	slices.SortStableFunc(out, func(a, b LossPart) int { return cmp.Compare(b.PerDay, a.PerDay) })
	return out
}
