package decide

import (
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// Review is the judgement of all cases at one moment.
type Review struct {
	At      time.Time `json:"at"`
	Cases   []Case    `json:"cases"`
	Changes Changes   `json:"changes"`
	Guards  []Guard   `json:"guards"`
	Totals  Totals    `json:"totals"`
}

// Case is the judgement of one case.
type Case struct {
	Netblock   netip.Prefix      `json:"netblock"`
	Holder     string            `json:"holder"`
	Verdict    Verdict           `json:"verdict"`
	Permanent  bool              `json:"permanent"`
	Until      *time.Time        `json:"until"` // nil where nothing is blocked, or for good
	Rule       Rule              `json:"rule"`
	Evidence   string            `json:"evidence"`
	Registered bool              `json:"registered"`
	Ranges     []netblock.Range  `json:"ranges"`
	Offenders  []string          `json:"offenders"`
	Danger     DangerFigure      `json:"danger"`
	Loss       LossFigure        `json:"loss"`
	Contact    ContactFigure     `json:"contact"`
	Checklist  []Answered        `json:"checklist"`
	Actions    []Action          `json:"actions"`
	Approval   string            `json:"approval"`
	Blocks     []BlockFigure     `json:"blocks,omitempty"`
	Context    ContextFigure     `json:"context"`
	Changed    CaseChanges       `json:"-"`
	Standing   []Standing        `json:"-"` // before the verdict
	Notice     []history.Release `json:"-"` // blocks that ran out and have no release on record yet
	by         string            // who is behind a release
	lost       map[netip.Addr]float64
}

// DangerFigure is a case's danger.
type DangerFigure struct {
	PerDay float64 `json:"per_day"`
	Level  Level   `json:"level"`
}

// LossFigure is what a case's ranges lose of honest traffic, and from whom.
type LossFigure struct {
	PerDay  float64  `json:"per_day"`
	Sources []string `json:"sources"`
}

// ContactFigure is who answers for a case's netblock.
type ContactFigure struct {
	Address string `json:"address"`
	Opinion
}

// BlockFigure is one range that a block verdict wants in force. Until is nil for good.
type BlockFigure struct {
	Range netblock.Range `json:"range"`
	From  time.Time      `json:"from"`
	Until *time.Time     `json:"until"`
}

// ContextFigure counts sightings in the window that are told and weigh nothing.
type ContextFigure struct {
	OneWay int64 `json:"one_way"`
	Others int64 `json:"others"`
}

// Changes counts the ranges that a review changes.
type Changes struct {
	Add       int `json:"add"`
	Change    int `json:"change"`
	Remove    int `json:"remove"`
	Unchanged int `json:"unchanged"`
}

// CaseChanges are the ranges that one case's verdict changes.
type CaseChanges struct {
	Add, Change []Standing
	Remove      []netblock.Range
	Unchanged   int
}

// Totals sum up a review. Sources in no case are those of which nothing but being seen is known.
type Totals struct {
	Cases     int             `json:"cases"`
	Verdicts  map[Verdict]int `json:"verdicts"`
	Offenders int             `json:"offenders"`
	Sources   int             `json:"sources"` // seen in the window
	NoCase    int             `json:"no_case"` // of these, in no case
	OneWay    int64           `json:"one_way"` // events, context
	Others    int64           `json:"others"`  // events, context
}

// Judge judges every case at a moment from the records known then. What the history holds beyond that moment is left out.
func Judge(h *history.History, p *Policy, now time.Time) Review {
	now = now.UTC()
	n := newNight(upTo(h, now), p, now)
	r := Review{At: now, Cases: []Case{}, Guards: []Guard{}, Totals: Totals{Verdicts: map[Verdict]int{}}}
	for _, c := range n.cases {
		if n.listed(c) {
			r.Cases = append(r.Cases, n.render(c))
		}
	}
	slices.SortFunc(r.Cases, func(a, b Case) int {
		if c := a.Netblock.Addr().Compare(b.Netblock.Addr()); c != 0 {
			return c
		}
		return a.Netblock.Bits() - b.Netblock.Bits()
	})
	r.sum(n)
	r.guard(n)
	return r
}

// upTo returns h without what is newer than now, copying only where something is.
func upTo(h *history.History, now time.Time) *history.History {
	out := *h
	trim(&out.Netblocks, now)
	trim(&out.Contacts, now)
	trim(&out.Reports, now)
	trim(&out.Responses, now)
	trim(&out.Sightings, now)
	trim(&out.Traffic, now)
	trim(&out.Answers, now)
	trim(&out.Holds, now)
	trim(&out.Blocks, now)
	trim(&out.Releases, now)
	trim(&out.Protects, now)
	return &out
}

func trim[R history.Record](list *[]R, now time.Time) {
	if slices.ContainsFunc(*list, func(r R) bool { return r.Known().After(now) }) {
		*list = known(*list, now)
	}
}

// render judges one case and puts it into words.
func (n *night) render(c *caseFacts) Case {
	j := n.judge(c)
	d := j.decide()
	if d.approval == "" {
		d.approval = ApprovalNone
	}
	j.weighLoss(&d)
	out := Case{Netblock: c.key, Holder: c.netblock.Holder, Verdict: d.verdict, Permanent: d.permanent, Rule: d.rule, Evidence: d.evidence,
		Registered: c.registered, Ranges: []netblock.Range{}, Offenders: []string{}, Danger: DangerFigure{j.danger, levelOf(j.danger)},
		Contact: ContactFigure{c.netblock.Abuse, j.path.opinion}, Approval: d.approval, Standing: c.standing,
		Context: ContextFigure{c.context.oneWay, c.context.others}}
	for _, o := range c.offenders {
		out.Offenders = append(out.Offenders, netblock.UnitRange(o.addr).String())
	}
	if d.verdict == BlockVerdict {
		out.Until = moment(d.until)
		for _, b := range d.blocks {
			out.Ranges = append(out.Ranges, b.Range)
			out.Blocks = append(out.Blocks, BlockFigure{b.Range, b.From.UTC(), moment(b.Until)})
		}
	}
	out.Loss = j.lossFigure(&d)
	out.Checklist = j.checklist(&d)
	out.Actions = j.actions(&d)
	out.Changed = changes(c.standing, d.blocks)
	out.by = releasedBy(j, d.rule)
	out.Notice = n.unnoticed(c.pieces)
	out.lost = j.newlyLost(out.Changed)
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func releasedBy(j *judge, rule Rule) string {
	switch rule {
	case RuleFixed:
		return history.ByFixed
	case RuleRejudged:
		return history.ByRejudged
	}
	if a, ok := j.c.answers[history.HostileQuestion]; ok && a.By != "" {
		return a.By
	}
	return "operator"
}

// changes compares what stands with what is wanted.
func changes(have []Standing, want []Standing) CaseChanges {
	var out CaseChanges
	old := make(map[netblock.Range]Standing, len(have))
	for _, s := range have {
		old[s.Range] = s
	}
	for _, w := range want {
		switch s, ok := old[w.Range]; {
		case !ok:
			out.Add = append(out.Add, w)
		case s.Until.Equal(w.Until):
			out.Unchanged++
		default:
			out.Change = append(out.Change, w)
		}
		delete(old, w.Range)
	}
	for _, s := range have {
		if _, ok := old[s.Range]; ok {
			out.Remove = append(out.Remove, s.Range)
		}
	}
	return out
}

// unnoticed returns releases for blocks that ran out by themselves and have none on record.
func (n *night) unnoticed(all []piece) []history.Release {
	var out []history.Release
	for _, p := range all {
		if p.stands() || p.by != "" {
			continue
		}
		if at, ok := n.expiries[p.where]; !ok || at.Before(p.end) {
			out = append(out, history.Release{Range: p.where, At: p.end, By: history.ByExpiry, Reason: "ran out"})
		}
	}
	return out
}

func (r *Review) sum(n *night) {
	for _, c := range r.Cases {
		r.Changes.Add += len(c.Changed.Add)
		r.Changes.Change += len(c.Changed.Change)
		r.Changes.Remove += len(c.Changed.Remove)
		r.Changes.Unchanged += c.Changed.Unchanged
		r.Totals.Verdicts[c.Verdict]++
		r.Totals.Offenders += len(c.Offenders)
	}
	r.Totals.Cases = len(r.Cases)
	for i := range n.sources.list {
		src := &n.sources.list[i]
		if !src.inWindow {
			continue
		}
		r.Totals.Sources++
		if key, _ := n.registry.caseOf(src.addr); n.cases[key] == nil {
			r.Totals.NoCase++
		}
	}
	for i := range n.h.Sightings {
		x := &n.h.Sightings[i]
		switch {
		case n.today-dayOf(x.Last) >= n.policy.Offender.Window.Days() || proves(x):
		case local(x.Reporter):
			r.Totals.OneWay += x.Count
		default:
			r.Totals.Others += x.Count
		}
	}
}
