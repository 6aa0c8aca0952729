package decide

import (
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// night is what the judging of all cases at one moment shares, found once.
type night struct {
	policy   *Policy
	now      time.Time
	today    int
	h        *history.History
	registry registry
	limits   limits
	sources  *sources
	danger   decay
	loss     decay
	letters  letters
	pieces   map[netip.Prefix][]piece
	cases    map[netip.Prefix]*caseFacts
	expiries map[netblock.Range]time.Time // the last release by expiry on record
}

// caseFacts is what the records say of one case.
type caseFacts struct {
	key        netip.Prefix
	registered bool
	netblock   history.Netblock
	border     netblock.Range
	walls      netblock.Set
	offenders  []*offender // by address
	honest     []honestSource
	reports    []history.Report // about its sources, earliest first
	pieces     []piece
	standing   []Standing
	answers    map[history.Question]history.Answer // the latest of each, whether or not it still counts
	inWindow   int                                 // sources with any sighting in window
	context    context                             // what makes nobody an offender
}

// honestSource is a source with honest traffic that is no offender.
type honestSource struct {
	addr  netip.Addr
	value float64 // per day
	parts []lostPart
}

// context counts the sightings in window that are shown and weigh nothing.
type context struct {
	oneWay, others int64
}

// newNight gathers the records known at a moment. The history must hold nothing newer.
func newNight(h *history.History, p *Policy, now time.Time) *night {
	n := &night{policy: p, now: now, today: dayOf(now), h: h,
		danger: newDecay(p.Offender.Window.Days(), p.Danger.HalfLife), loss: newDecay(p.Loss.Quiet.Days(), p.Loss.HalfLife)}
	n.registry = newRegistry(h.Netblocks)
	n.limits = newLimits(p, h, now)
	n.letters = newLetters(h)
	n.sources = newSources(h, p, n.today)
	n.pieces = map[netip.Prefix][]piece{}
	for _, x := range pieces(h, now) {
		key := n.registry.caseOfRange(x.where)
		n.pieces[key] = append(n.pieces[key], x)
	}
	n.expiries = map[netblock.Range]time.Time{}
	for _, r := range h.Releases {
		if r.By == history.ByExpiry && r.At.After(n.expiries[r.Range]) {
			n.expiries[r.Range] = r.At
		}
	}
	n.openCases()
	return n
}

// openCases finds the cases: netblocks with an offender, a block or a report.
func (n *night) openCases() {
	n.cases = map[netip.Prefix]*caseFacts{}
	reports := map[netip.Prefix][]history.Report{}
	for _, r := range n.h.Reports {
		key, _ := n.registry.caseOf(netblock.Unit(r.Source))
		reports[key] = append(reports[key], r)
	}
	offenders := n.findOffenders()
	for key, list := range offenders {
		c := n.open(key)
		for _, src := range list {
			c.offenders = append(c.offenders, n.newOffender(src))
		}
		slices.SortFunc(c.offenders, func(a, b *offender) int { return a.addr.Compare(b.addr) })
	}
	for key, list := range reports {
		c := n.open(key)
		c.reports = list
		slices.SortStableFunc(c.reports, func(a, b history.Report) int { return a.At.Compare(b.At) })
	}
	for key, list := range n.pieces {
		c := n.open(key)
		c.pieces = list
		c.standing = standing(list, &n.limits, n.policy.Range.Shape)
	}
	n.placeSources()
	for _, a := range latest(n.h.Answers, func(a history.Answer) answerKey { return answerKey{a.Netblock, a.Question} },
		func(a history.Answer) time.Time { return a.At }) {
		if c, ok := n.cases[a.Netblock]; ok {
			c.answers[a.Question] = a
		}
	}
}

type answerKey struct {
	netblock netip.Prefix
	question history.Question
}

func (n *night) open(key netip.Prefix) *caseFacts {
	if c, ok := n.cases[key]; ok {
		return c
	}
	c := &caseFacts{key: key, border: netblock.OfPrefix(key), answers: map[history.Question]history.Answer{}}
	c.netblock, c.registered = n.registry.byPrefix[key]
	walls := []netblock.Range{}
	for _, inner := range n.registry.trie.Inside(key) {
		walls = append(walls, netblock.OfPrefix(inner))
	}
	c.walls = netblock.SetOf(walls...).Union(n.limits.both.Within(c.border))
	n.cases[key] = c
	return c
}

// findOffenders returns the offenders by case.
func (n *night) findOffenders() map[netip.Prefix][]*source {
	type groupKey struct{ netblock, group netip.Prefix }
	groups := map[groupKey][]*source{}
	out := map[netip.Prefix][]*source{}
	p := n.policy
	for i := range n.sources.list {
		src := &n.sources.list[i]
		if src.events < 2 && src.breakIns == 0 && src.events < p.Offender.Events {
			continue
		}
		key, _ := n.registry.caseOf(src.addr)
		if src.events >= p.Offender.Events || src.breakIns > 0 {
			out[key] = append(out[key], src)
		}
		if src.events >= 2 && !src.quiet {
			g := groupKey{key, groupWithin(key, src.addr)}
			groups[g] = append(groups[g], src)
		}
	}
	for g, list := range groups {
		together := int64(0)
		for _, src := range list {
			together += min(src.events, p.Offender.Events)
		}
		if len(list) < p.Offender.Group || together < int64(p.Offender.Group)*p.Offender.Events {
			continue
		}
		for _, src := range list {
			if src.events < p.Offender.Events && src.breakIns == 0 {
				out[g.netblock] = append(out[g.netblock], src)
			}
		}
	}
	return out
}

// placeSources gives each case its honest sources and counts what is only context.
func (n *night) placeSources() {
	for i := range n.sources.list {
		src := &n.sources.list[i]
		if !src.inWindow && !src.quiet {
			continue
		}
		key, _ := n.registry.caseOf(src.addr)
		c, ok := n.cases[key]
		if !ok {
			continue
		}
		if src.inWindow {
			c.inWindow++
			n.addContext(c, src)
		}
		_, offends := slices.BinarySearchFunc(c.offenders, src.addr, func(o *offender, a netip.Addr) int { return o.addr.Compare(a) })
		if src.quiet && !offends {
			c.honest = append(c.honest, n.honestSource(src))
		}
	}
	for _, c := range n.cases {
		slices.SortFunc(c.honest, func(a, b honestSource) int { return a.addr.Compare(b.addr) })
	}
}

func (n *night) honestSource(src *source) honestSource {
	days, _ := n.sources.honest(src, n.today, n.policy.Loss.Quiet.Days())
	h := honestSource{addr: src.addr}
	h.value, h.parts = n.worth(days)
	return h
}

func (n *night) addContext(c *caseFacts, src *source) {
	for i := src.sightings; i != 0; i = n.sources.sightingNext[i-1] {
		x := &n.h.Sightings[i-1]
		switch {
		case n.today-dayOf(x.Last) >= n.policy.Offender.Window.Days() || proves(x):
		case local(x.Reporter):
			c.context.oneWay += x.Count
		default:
			c.context.others += x.Count
		}
	}
}

// listed tells whether the review shows a case: while it has sightings in window, or a block that stands or ended in window.
func (n *night) listed(c *caseFacts) bool {
	if c.inWindow > 0 || len(c.standing) > 0 {
		return true
	}
	return slices.ContainsFunc(c.pieces, func(p piece) bool {
		return p.stands() || n.now.Sub(p.end) <= time.Duration(n.policy.Offender.Window)
	})
}
