package decide

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// Verdict is what is decided of a case.
type Verdict string

// The verdicts.
const (
	Watch        Verdict = "watch"
	Pursue       Verdict = "pursue"
	BlockVerdict Verdict = "block"
	Release      Verdict = "release"
	Exempt       Verdict = "exempt"
)

// Rule is the rule that gave a verdict.
type Rule string

// The rules.
const (
	RuleProtected  Rule = "protected"
	RuleHold       Rule = "hold"
	RuleNotHostile Rule = "not-hostile"
	RuleFixed      Rule = "fixed"
	RuleRejudged   Rule = "rejudged"
	RulePermanent  Rule = "permanent"
	RuleSpread     Rule = "spread"
	RuleInForce    Rule = "in-force"
	RuleRelapse    Rule = "relapse"
	RuleImmediate  Rule = "immediate"
	RuleExpired    Rule = "expired"
	RuleQuiet      Rule = "quiet"
	RulePathOpen   Rule = "path-open"
	RuleExhausted  Rule = "exhausted"
	RuleLoss       Rule = "loss"
)

// judge judges one case.
type judge struct {
	n      *night
	c      *caseFacts
	walker walker // that walked the path
	path   path
	danger float64 // of all offenders together
}

// decision is a verdict on the way to the review.
type decision struct {
	verdict     Verdict
	rule        Rule
	evidence    string
	blocks      []Standing // what the verdict wants in force
	added       []netblock.Range
	cover       netblock.Solution // of blocks, or of what would be chosen
	posed       *netblock.Problem // of which added is the cover; nil where nothing new is covered
	named       []*offender       // whom the rule names
	until       time.Time         // end of what is decided now
	permanent   bool
	approval    string
	begins      bool // a block begins now
	durationWhy string
}

// The states of an approval.
const (
	ApprovalNone   = "none"
	ApprovalNeeded = "needed"
	ApprovalGiven  = "given"
)

func (n *night) judge(c *caseFacts) *judge {
	w := n.walk(c)
	return &judge{n: n, c: c, walker: w, path: w.p, danger: dangerOf(c.offenders)}
}

// decide takes the first rule that applies, top down.
func (j *judge) decide() decision {
	for _, rule := range []func() (decision, bool){j.exempt, j.answeredNo, j.fixed, j.rejudged, j.approved, j.spread, j.inForce} {
		if d, ok := rule(); ok {
			return d
		}
	}
	return j.fresh()
}

func (j *judge) exempt() (decision, bool) {
	if len(j.c.offenders) == 0 || len(j.c.standing) > 0 {
		return decision{}, false
	}
	d := decision{verdict: Exempt, rule: RuleProtected}
	for _, o := range j.c.offenders {
		x, ok := j.n.limits.at(netblock.UnitRange(o.addr))
		if !ok {
			return decision{}, false
		}
		if d.evidence == "" || x.rule == RuleHold && d.rule != RuleHold {
			d.evidence = netblock.UnitRange(o.addr).String() + " is " + x.why
		}
		if x.rule == RuleHold {
			d.rule = RuleHold
		}
	}
	return d, true
}

// ended is a release where something is blocked, else a watch.
func (j *judge) ended(rule Rule, evidence string) decision {
	if len(j.c.standing) > 0 {
		return decision{verdict: Release, rule: rule, evidence: evidence}
	}
	return decision{verdict: Watch, rule: rule, evidence: evidence}
}

func (j *judge) answeredNo() (decision, bool) {
	h := j.n.hostility(j.c, j.c.offenders)
	return j.ended(RuleNotHostile, "hostile = no, "+h.evidence), h.no
}

func (j *judge) fixed() (decision, bool) {
	return j.ended(RuleFixed, j.path.evidence), j.path.rests
}

// standsSince returns since when a block stands without a gap, and whether one of it is permanent and one temporary.
func (j *judge) standsSince() (since time.Time, permanent, temporary bool) {
	for _, s := range j.c.standing {
		permanent = permanent || s.Until.IsZero()
		temporary = temporary || !s.Until.IsZero()
	}
	for _, e := range episodes(j.c.pieces) {
		if e.stands() { // the last does, if any: whatever stands together is one
			since = e.from
		}
	}
	return since, permanent, temporary
}

// lasting returns when a permanent block that stands began, if one does.
func (j *judge) lasting() (time.Time, bool) {
	var from time.Time
	for _, s := range j.c.standing {
		if s.Until.IsZero() && (from.IsZero() || s.From.Before(from)) {
			from = s.From
		}
	}
	return from, !from.IsZero()
}

func (j *judge) rejudged() (decision, bool) {
	from, ok := j.lasting()
	a, answered := j.n.answer(j.c, history.DurationQuestion)
	if !ok || !answered || a.Answer != "temporary" || a.At.Before(from) {
		return decision{}, false
	}
	return decision{verdict: Release, rule: RuleRejudged, evidence: "duration = temporary, " + answeredBy(a)}, true
}

// inForce leaves a block that stands as it is, and asks about a permanent one again when that is due.
func (j *judge) inForce() (decision, bool) {
	if len(j.c.standing) == 0 {
		return decision{}, false
	}
	d := j.keep(RuleInForce)
	since, _, _ := j.standsSince()
	d.evidence = "blocked since " + dateOf(since)
	if why, due := j.rejudgeDue(); due {
		d.approval, d.evidence = ApprovalNeeded, why
	}
	return d, true
}

// keep wants what stands to go on.
func (j *judge) keep(rule Rule) decision {
	d := decision{verdict: BlockVerdict, rule: rule, approval: ApprovalNone, blocks: slices.Clone(j.c.standing), named: j.c.offenders}
	d.settleEnd()
	d.durationWhy = "as decided when it began"
	return d
}

// settleEnd finds the end of all blocks together.
func (d *decision) settleEnd() {
	d.until, d.permanent = time.Time{}, false
	for _, b := range d.blocks {
		if b.Until.IsZero() {
			d.until, d.permanent = time.Time{}, true
			return
		}
		if d.until.Before(b.Until) {
			d.until = b.Until
		}
	}
}

// fresh judges a case in which no block stands.
func (j *judge) fresh() decision {
	eps := episodes(j.c.pieces)
	f := j.finding(j.c.offenders, eps)
	if !f.blocks {
		return decision{verdict: f.verdict, rule: f.rule, evidence: f.evidence}
	}
	problem := j.problem(f.named, netblock.Set{})
	cover := j.cover(problem)
	if len(cover.Ranges) == 0 {
		why, full := j.outOfBudget(f.rule)
		if !full {
			why = fmt.Sprintf("rule %s applies, but losing them costs more than enduring %s", f.rule, perDay(dangerOf(f.named)))
		}
		return decision{verdict: Watch, rule: RuleLoss, named: f.named, evidence: why}
	}
	d := decision{verdict: BlockVerdict, rule: f.rule, evidence: f.evidence, named: f.named, cover: cover, posed: &problem,
		added: cover.Ranges, approval: ApprovalNone, begins: true}
	length, why := j.n.length(j.c, dangerOf(f.named), eps, j.path.exhausted || j.path.waived)
	if missing, ok := j.lastingConditions(cover.Ranges, eps); ok {
		if a, answered := j.n.answer(j.c, history.DurationQuestion); answered && a.Answer == "permanent" {
			return j.forGood(d, a)
		}
		ladder := j.n.policy.Length.Ladder
		length, why = ladder[len(ladder)-1], "the longest: "+missing
		d.approval = ApprovalNeeded
	}
	d.until = j.n.now.Add(time.Duration(length))
	d.durationWhy = length.String() + ": " + why
	for _, r := range cover.Ranges {
		d.blocks = append(d.blocks, Standing{Range: r, From: j.n.now, Until: d.until})
	}
	return d
}

// forGood makes a decision permanent.
func (j *judge) forGood(d decision, a history.Answer) decision {
	d.rule, d.approval, d.permanent, d.until = RulePermanent, ApprovalGiven, true, time.Time{}
	d.evidence += "; duration = permanent, " + answeredBy(a)
	d.durationWhy = "duration = permanent, " + answeredBy(a) + "; tell nobody"
	d.blocks = nil
	for _, r := range d.added {
		d.blocks = append(d.blocks, Standing{Range: r, From: j.n.now})
	}
	return d
}

func dangerOf(list []*offender) float64 {
	sum := 0.0
	for _, o := range list {
		sum += o.danger
	}
	return sum
}

func perDay(v float64) string { return fmt.Sprintf("%.1f a day", v) }

// problem is the cover to solve for the offenders that a rule names.
func (j *judge) problem(named []*offender, more netblock.Set) netblock.Problem {
	p := j.n.policy
	widest := p.Range.Widest6
	if j.c.key.Addr().Is4() {
		widest = p.Range.Widest4
	}
	if a, ok := j.n.answer(j.c, history.RangeQuestion); ok && a.Answer == "yes" {
		widest = 0
	}
	isNamed := map[netip.Addr]bool{}
	for _, o := range named {
		isNamed[o.addr] = true
	}
	var points []netblock.Point
	for _, o := range j.c.offenders {
		points = append(points, netblock.Point{Addr: o.addr, Offender: true, Named: isNamed[o.addr], Danger: o.danger, Loss: o.loss, Honest: o.honest})
	}
	for _, h := range j.c.honest {
		points = append(points, netblock.Point{Addr: h.addr, Loss: h.value, Honest: true})
	}
	slices.SortFunc(points, func(a, b netblock.Point) int { return a.Addr.Compare(b.Addr) })
	return netblock.Problem{Shape: p.Range.Shape, Border: j.c.border, Walls: j.c.walls.Union(more), Widest: widest,
		Prior: p.Range.Prior, EntryCost: p.Range.EntryCost, Neighbours: p.Range.Neighbours, GrowMin: p.Range.GrowMin, Points: points}
}
