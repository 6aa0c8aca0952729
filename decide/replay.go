package decide

import (
	"net/netip"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// Replay judges one night after another, each as Judge would from what is known then and what the nights before it
// decided, and takes each night's decisions for done: what no guard holds back is blocked. It keeps what doesn't change from
// night to night, and judges only the cases that can change what is blocked.
type Replay struct {
	policy   *Policy
	accepted []string         // guards that hold nothing back
	records  *history.History // netblocks, contacts, reports and what came of them, answers, holds, protects: known or not yet
	done     history.History  // what the nights decided
	rows     rows
	moments  []time.Time // when any of records becomes known, in order
	heard    int         // how many of these the last night knew
	known    history.History
	registry registry
	letters  letters
	reports  map[netip.Prefix][]history.Report
	answered map[netip.Prefix]bool // an answer or a response may end what stands
	answers  map[netip.Prefix]map[history.Question]history.Answer
}

// NewReplay prepares to judge nights with a policy and the records of a history, each known from its moment on. The
// history's sightings, traffic, blocks and releases are left out; none of it is changed. The accepted guards hold nothing
// back, as if a person let each night through.
func NewReplay(h *history.History, p *Policy, accepted ...string) *Replay {
	r := &Replay{policy: p, accepted: accepted}
	known := *h
	known.Sightings, known.Traffic, known.Blocks, known.Releases = nil, nil, nil, nil
	r.records = &known
	r.moments = slices.Concat(momentsOf(h.Netblocks), momentsOf(h.Contacts), momentsOf(h.Reports), momentsOf(h.Responses), momentsOf(h.Answers),
		momentsOf(h.Holds), momentsOf(h.Protects))
	slices.SortFunc(r.moments, time.Time.Compare)
	r.moments = slices.Compact(r.moments)
	r.registry = newRegistry(nil)
	r.rows.sort(&r.registry)
	return r
}

func momentsOf[R history.Record](list []R) []time.Time {
	var out []time.Time
	for _, r := range list {
		out = append(out, plain(r.Known()))
	}
	return out
}

// Night judges a moment, at or after that of the night before, and returns what it decided and what is in force after it,
// disjoint and by address. Releases of blocks that ran out by themselves are left out.
func (r *Replay) Night(now time.Time) (Proposal, []Standing) {
	now = plain(now)
	r.learn(now)
	n := r.night(now)
	review := Review{At: now, Guards: []Guard{}}
	live, unlisted := r.live(n)
	facts := make([]*caseFacts, len(live))
	cases := make([]Case, len(live))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, x := range live {
		g.Go(func() error {
			facts[i] = r.facts(n, x)
			cases[i] = n.outlined(facts[i])
			return nil
		})
	}
	_ = g.Wait() // no judgement fails
	for i, c := range facts {
		n.cases[c.key] = c
		if n.listed(c) {
			review.Cases = append(review.Cases, cases[i])
		}
	}
	n.holdToBudget(&review, unlisted, n.outlined)
	review.guard(n.policy, func() float64 { return r.honestTotal(n) })
	p := review.Proposed(r.accepted)
	r.done.Blocks, r.done.Releases = append(r.done.Blocks, p.Blocks...), append(r.done.Releases, p.Releases...)
	return p, standing(pieces(&r.done, now), &n.limits, n.policy.Range.Shape)
}

// outlined judges a case as far as it bears on what is blocked.
func (n *night) outlined(c *caseFacts) Case {
	j := n.judge(c)
	d := j.decided()
	return j.outline(&d)
}

// learn finds what is known at a moment, where that is more than at the night before.
func (r *Replay) learn(now time.Time) {
	heard, found := slices.BinarySearchFunc(r.moments, now, time.Time.Compare)
	if found {
		heard++
	}
	if heard == r.heard {
		return
	}
	before := len(r.known.Netblocks)
	r.heard, r.known = heard, *upTo(r.records, now)
	if len(r.known.Netblocks) != before {
		r.registry = newRegistry(r.known.Netblocks)
		r.rows.sort(&r.registry)
	}
	r.letters = newLetters(&r.known)
	r.answers = latestAnswers(&r.known)
	r.reports, r.answered = map[netip.Prefix][]history.Report{}, map[netip.Prefix]bool{}
	for _, x := range r.known.Reports {
		key := r.registry.caseOf(netblock.Unit(x.Source))
		r.reports[key] = append(r.reports[key], x)
		if _, ok := r.letters.responses[x.ID]; ok {
			r.answered[key] = true
		}
	}
	for _, list := range r.reports {
		byMoment(list)
	}
	for key := range r.answers {
		r.answered[key] = true
	}
}

// night is what the judging of all cases at a moment shares. Its sources are those of the replay.
func (r *Replay) night(now time.Time) *night {
	all := *r.records
	all.Blocks, all.Releases = r.done.Blocks, r.done.Releases
	n := &night{policy: r.policy, now: now, today: dayOf(now), all: &all, h: &r.known, registry: r.registry, letters: r.letters,
		limits: newLimits(r.policy, &r.known, now),
		danger: newDecay(r.policy.Offender.Window.Days(), r.policy.Danger.HalfLife), loss: newDecay(r.policy.Loss.Quiet.Days(), r.policy.Loss.HalfLife),
		pieces: map[netip.Prefix][]piece{}, cases: map[netip.Prefix]*caseFacts{}, rowsIn: r.rows.in}
	for _, x := range pieces(&r.done, now) {
		key := r.registry.caseOfRange(x.block.Range)
		n.pieces[key] = append(n.pieces[key], x)
	}
	return n
}

// live returns the cases whose judgement may change what is blocked, by address, and how many ranges stand in the others.
// Nothing changes where nothing stands and no offender was seen within hostile.recent; and where something stands, which
// ends by itself, unless offenders were seen since it began, or there is an answer or a response.
func (r *Replay) live(n *night) ([]liveCase, int) {
	var out []liveCase
	unlisted := 0
	stands := map[netip.Prefix]bool{}
	for key, list := range n.pieces {
		c := &caseFacts{key: key, pieces: list, standing: standing(list, &n.limits, n.policy.Range.Shape)}
		if len(c.standing) == 0 {
			continue
		}
		stands[key] = true
		since, _, _ := (&judge{n: n, c: c}).standsSince()
		b := r.rows.cases[key]
		if r.answered[key] || b != nil && !b.began.Before(since) {
			out = append(out, liveCase{key, b, c.standing})
		} else {
			unlisted += len(c.standing)
		}
	}
	recent := n.policy.Hostile.Recent.Days()
	for _, b := range r.rows.list {
		if n.today-b.seen < recent && !stands[b.key] && len(b.offenders(n)) > 0 {
			out = append(out, liveCase{b.key, b, nil})
		}
	}
	slices.SortFunc(out, func(a, b liveCase) int { return comparePrefixes(a.key, b.key) })
	return out, unlisted
}

// liveCase is a case that is judged.
type liveCase struct {
	key      netip.Prefix
	sources  *bundle // nil where nobody was seen
	standing []Standing
}

// facts gathers what is known of a case.
func (r *Replay) facts(n *night, x liveCase) *caseFacts {
	c := n.blank(x.key)
	c.reports, c.pieces, c.standing = r.reports[x.key], n.pieces[x.key], x.standing
	if answers := r.answers[x.key]; answers != nil {
		c.answers = answers
	}
	if x.sources == nil {
		return c
	}
	c.offend(n, x.sources.offenders(n))
	for _, src := range x.sources.sources {
		if src.inWindow || src.quiet || src.brokeIn {
			n.place(c, src, src.context(n.today, n.policy.Offender.Window.Days()))
		}
	}
	return c
}

// honestTotal returns the value per day of all known honest traffic, offenders' own left out.
func (r *Replay) honestTotal(n *night) float64 {
	type worth struct {
		addr  netip.Addr
		value float64
	}
	var all []worth
	for _, b := range r.rows.list {
		if !b.honest {
			continue
		}
		offends := map[netip.Addr]bool{}
		for _, src := range b.offenders(n) {
			offends[src.addr] = true
		}
		for _, src := range b.sources {
			if src.quiet && !offends[src.addr] {
				all = append(all, worth{src.addr, n.honestSource(src).value})
			}
		}
	}
	slices.SortFunc(all, func(a, b worth) int { return a.addr.Compare(b.addr) })
	total := 0.0
	for _, x := range all {
		total += x.value
	}
	return total
}
