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
	all      *history.History // as it was given, whatever the moment
	h        *history.History // what is known at the moment
	registry registry
	limits   limits
	sources  []source // by address
	danger   decay
	loss     decay
	letters  letters
	pieces   map[netip.Prefix][]piece
	cases    map[netip.Prefix]*caseFacts
	held     map[*caseFacts]netblock.Solution // the covers that range.budget leaves, where it is full
	expiries map[netblock.Range]time.Time     // the last release by expiry on record
	seen     int                              // sources with any sighting in window
	noCase   int                              // of these, in no case
	context  context                          // of all sources
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
	stale      int              // reports left out, after which the path began again
	pieces     []piece
	standing   []Standing
	answers    map[history.Question]history.Answer // the latest of each, whether or not it still counts
	brokeIn    time.Time                           // when a two-way break-in was last seen, however long ago
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

func (c *context) add(d context) { c.oneWay, c.others = c.oneWay+d.oneWay, c.others+d.others }

// newNight gathers the records known at a moment.
func newNight(all *history.History, p *Policy, now time.Time) *night {
	return nightOf(all, upTo(all, now), p, now)
}

// nightOf is newNight for a history of which what is known at the moment has been picked.
func nightOf(all, h *history.History, p *Policy, now time.Time) *night {
	n := &night{policy: p, now: now, today: dayOf(now), all: all, h: h,
		danger: newDecay(p.Offender.Window.Days(), p.Danger.HalfLife), loss: newDecay(p.Loss.Quiet.Days(), p.Loss.HalfLife)}
	n.registry = newRegistry(h.Netblocks)
	n.limits = newLimits(p, h, now)
	n.letters = newLetters(h)
	n.sources = newSources(h, p, n.today)
	n.pieces = map[netip.Prefix][]piece{}
	for _, x := range pieces(h, now) {
		key := n.registry.caseOfRange(x.block.Range)
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
		key := n.registry.caseOf(netblock.Unit(r.Source))
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
		if c, ok := n.cases[a.Netblock]; ok && a.Answer != AnswerOpen {
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
	c.walls = netblock.SetOf(walls...).Union(widened(n.limits.both, c.border))
	n.cases[key] = c
	return c
}

// findOffenders returns the offenders by case.
func (n *night) findOffenders() map[netip.Prefix][]*source {
	type groupKey struct{ netblock, group netip.Prefix }
	groups := map[groupKey][]*source{}
	out := map[netip.Prefix][]*source{}
	p := n.policy
	for i := range n.sources {
		src := &n.sources[i]
		if src.events < 2 && src.breakIns == 0 && src.events < p.Offender.Events {
			continue
		}
		key := n.registry.caseOf(src.addr)
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

// placeSources gives each case its honest sources and what is only context, and counts the sources in no case.
func (n *night) placeSources() {
	for i := range n.sources {
		src := &n.sources[i]
		if !src.inWindow && !src.quiet && !src.brokeIn {
			continue
		}
		seen := src.context(n.today, n.policy.Offender.Window.Days())
		n.context.add(seen)
		key := n.registry.caseOf(src.addr)
		c, ok := n.cases[key]
		if src.inWindow {
			n.seen++
			if !ok {
				n.noCase++
			}
		}
		if ok {
			n.place(c, src, seen)
		}
	}
}

// place adds a source to its case. Sources come by address, and so do the case's honest ones.
func (n *night) place(c *caseFacts, src *source, seen context) {
	if src.inWindow {
		c.inWindow++
		c.context.add(seen)
	}
	c.brokeIn = lateOf(c.brokeIn, src.lastBreakIn())
	_, offends := slices.BinarySearchFunc(c.offenders, src.addr, func(o *offender, a netip.Addr) int { return o.addr.Compare(a) })
	if src.quiet && !offends {
		c.honest = append(c.honest, n.honestSource(src))
	}
}

func (n *night) honestSource(src *source) honestSource {
	h := honestSource{addr: src.addr}
	h.value, h.parts = n.worth(src.honest(n.today, n.policy.Loss.Quiet.Days()))
	return h
}

// listed tells whether the review shows a case: while it has sightings in window, or a block that stands or ended in window.
func (n *night) listed(c *caseFacts) bool {
	if c.inWindow > 0 || len(c.standing) > 0 {
		return true
	}
	return slices.ContainsFunc(c.pieces, func(p piece) bool {
		return !p.stands() && n.now.Sub(p.end) <= time.Duration(n.policy.Offender.Window)
	})
}
