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
	// rowsIn returns the sightings and traffic from a range where they aren't in all; nil where they are.
	rowsIn func(netblock.Range) ([]history.Sighting, []history.Traffic)
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
	for key, list := range n.findOffenders() {
		n.open(key).offend(n, list)
	}
	for key, list := range reports {
		n.open(key).reports = byMoment(list)
	}
	for key, list := range n.pieces {
		c := n.open(key)
		c.pieces = list
		c.standing = standing(list, &n.limits, n.policy.Range.Shape)
	}
	n.placeSources()
	for key, answers := range latestAnswers(n.h) {
		if c, ok := n.cases[key]; ok {
			c.answers = answers
		}
	}
}

// latestAnswers returns by case the latest answer to each question, whether or not it still counts. Those taken back are
// left out.
func latestAnswers(h *history.History) map[netip.Prefix]map[history.Question]history.Answer {
	out := map[netip.Prefix]map[history.Question]history.Answer{}
	for _, a := range latest(h.Answers, func(a history.Answer) answerKey { return answerKey{a.Netblock, a.Question} },
		func(a history.Answer) time.Time { return a.At }) {
		if a.Answer == AnswerOpen {
			continue
		}
		if out[a.Netblock] == nil {
			out[a.Netblock] = map[history.Question]history.Answer{}
		}
		out[a.Netblock][a.Question] = a
	}
	return out
}

// byMoment sorts the reports of a case, earliest first.
func byMoment(list []history.Report) []history.Report {
	slices.SortStableFunc(list, func(a, b history.Report) int { return a.At.Compare(b.At) })
	return list
}

// offend gives a case its offenders.
func (c *caseFacts) offend(n *night, list []*source) {
	for _, src := range list {
		c.offenders = append(c.offenders, n.newOffender(src))
	}
	slices.SortFunc(c.offenders, func(a, b *offender) int { return a.addr.Compare(b.addr) })
}

type answerKey struct {
	netblock netip.Prefix
	question history.Question
}

func (n *night) open(key netip.Prefix) *caseFacts {
	c, ok := n.cases[key]
	if !ok {
		c = n.blank(key)
		n.cases[key] = c
	}
	return c
}

// blank is a case of which nothing is known but its netblock and the walls in it.
func (n *night) blank(key netip.Prefix) *caseFacts {
	c := &caseFacts{key: key, border: netblock.OfPrefix(key), answers: map[history.Question]history.Answer{}}
	c.netblock, c.registered = n.registry.byPrefix[key]
	walls := []netblock.Range{}
	for _, inner := range n.registry.trie.Inside(key) {
		walls = append(walls, netblock.OfPrefix(inner))
	}
	c.walls = netblock.SetOf(walls...).Union(widened(n.limits.both, c.border))
	return c
}

// findOffenders returns the offenders by case.
func (n *night) findOffenders() map[netip.Prefix][]*source {
	suspects := map[netip.Prefix][]*source{}
	for i := range n.sources {
		if src := &n.sources[i]; n.suspect(src) {
			key := n.registry.caseOf(src.addr)
			suspects[key] = append(suspects[key], src)
		}
	}
	out := map[netip.Prefix][]*source{}
	for key, list := range suspects {
		if found := n.offendersOf(key, list); len(found) > 0 {
			out[key] = found
		}
	}
	return out
}

// suspect tells whether a source may be an offender, by itself or with others of its group.
func (n *night) suspect(src *source) bool {
	return n.offends(src) || src.joins()
}

// joins tells whether a source may be an offender with others of its group.
func (s *source) joins() bool { return s.events >= 2 && !s.quiet }

// offends tells whether a source is an offender by itself.
func (n *night) offends(src *source) bool {
	return src.events >= n.policy.Offender.Events || src.breakIns > 0
}

// offendersOf returns which of a case's suspects are offenders.
func (n *night) offendersOf(key netip.Prefix, suspects []*source) []*source {
	groups := map[netip.Prefix][]*source{}
	var out []*source
	p := n.policy
	for _, src := range suspects {
		if n.offends(src) {
			out = append(out, src)
		}
		if src.joins() && len(suspects) >= p.Offender.Group {
			g := groupWithin(key, src.addr)
			groups[g] = append(groups[g], src)
		}
	}
	for _, list := range groups {
		together := int64(0)
		for _, src := range list {
			together += min(src.events, p.Offender.Events)
		}
		if len(list) < p.Offender.Group || together < int64(p.Offender.Group)*p.Offender.Events {
			continue
		}
		for _, src := range list {
			if !n.offends(src) {
				out = append(out, src)
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
