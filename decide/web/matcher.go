package web

import (
	"bytes"
	"encoding/hex"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Matcher tells the requests of one log apart, from its first line to its last. It remembers how often each source asked,
// where a rule has a pace; what it remembers is bounded.
type Matcher struct {
	*table
	paces  map[asker]asked
	ranges Ranges
	// byStatus is which rules may hold for an answer, of those that came, by what else is known of the request.
	byStatus [mostStatus]*[2][2][]int
	agents   *[knownAgents]agent // nil until a request names one
	last     *agent              // asked for last
	seed     maphash.Seed
	room     []byte // of the path that was decoded last
}

// agent is what a program calls itself, and what that says: that it is none of a person's, and the bits of the rules that ask for
// it. Few names are on most lines.
type agent struct {
	name    []byte
	program bool
	asked   uint64
}

// knownAgents is how many are remembered, each in a place of its own; longer ones than longestAgent aren't.
const (
	knownAgents  = 1 << 12
	longestAgent = 512
)

// asker is a source that a rule counts.
type asker struct {
	rule   int
	source netip.Addr
}

// asked is how often it asked within the minute that began with start.
type asked struct {
	start time.Time
	times int
}

// mostAskers bounds how many are remembered.
const mostAskers = 1 << 14

// Matcher returns one for a log.
func (r Rules) Matcher() *Matcher {
	return &Matcher{table: r.table(), paces: map[asker]asked{}, ranges: r.ranges, seed: maphash.MakeSeed(), last: &agent{}}
}

// Kind tells what a request is an attempt at; nothing for an ordinary one.
func (m *Matcher) Kind(r *Request) string {
	r.said = m.agent(r.Agent)
	sent, meant := target{r.Path, m.paths.find(r.Path)}, target{}
	if bytes.IndexByte(r.Path, '%') >= 0 {
		meant.path = m.decoded(r.Path)
		meant.found = m.paths.find(meant.path)
	}
	for _, i := range m.left(r.Status, r.said.asked != 0, sent.found|meant.found != 0) {
		c := &m.rules[i]
		if c.needs&^(sent.found|meant.found) != 0 { // as of most
			continue
		}
		if c.holds(r) && (c.asks(sent) || len(meant.path) > 0 && c.asks(meant)) &&
			(len(c.Outside) == 0 || m.elsewhere(c, r)) && (c.Pace <= 1 || m.often(i, c.Pace, r)) {
			return c.Kind
		}
	}
	return ""
}

// target is a path, as it was sent or decoded, and the bits of the lists of which it holds one.
type target struct {
	path  []byte
	found uint64
}

// mostDecodings is how often a path is decoded: what was encoded twice is what a filter in between is to pass over.
const mostDecodings = 3

// decoded returns a path with every %XX decoded, what comes of that too.
func (m *Matcher) decoded(path []byte) []byte {
	text := append(m.room[:0], path...)
	m.room = text
	for range mostDecodings {
		n := 0
		for i := 0; i < len(text); i, n = i+1, n+1 {
			text[n] = text[i]
			if text[i] != '%' || i+2 >= len(text) {
				continue
			}
			if _, err := hex.Decode(text[n:], text[i+1:i+3]); err == nil {
				i += 2
			}
		}
		if n == len(text) {
			break
		}
		text = text[:n]
	}
	return text
}

// left returns the rules that may hold for an answer, in their order: those that ask for an agent only where one of all that are
// asked for is there, those that ask for a path likewise. To nearly every request few are left.
func (m *Matcher) left(status int64, agent, path bool) []int {
	if status < 0 || status >= mostStatus {
		return m.find(status, agent, path)
	}
	lists := m.byStatus[status]
	if lists == nil {
		lists = &[2][2][]int{{m.find(status, false, false), m.find(status, false, true)}, {m.find(status, true, false), m.find(status, true, true)}}
		m.byStatus[status] = lists
	}
	list := &lists[0]
	if agent {
		list = &lists[1]
	}
	if path {
		return list[1]
	}
	return list[0]
}

func (m *Matcher) find(status int64, agent, path bool) []int {
	var out []int
	for i := range m.rules {
		if c := &m.rules[i]; c.answers(status) && (agent || c.agents == nil) && (path || c.needs == 0) {
			out = append(out, i)
		}
	}
	return out
}

// answers tells whether a rule may hold for an answer.
func (c *rule) answers(status int64) bool {
	return len(c.Rule.Status) == 0 || status >= 0 && status < mostStatus && c.status[status]
}

// elsewhere tells whether a request comes from elsewhere than what its program says that it is.
func (m *Matcher) elsewhere(c *rule, r *Request) bool {
	inside, known := m.ranges(c.Outside, c.Holder, r.Source, r.At)
	return known && !inside
}

// holds tells whether the conditions hold that aren't on the path.
func (c *rule) holds(r *Request) bool {
	return (!c.User || r.User) && (len(c.Method) == 0 || slices.Contains(c.Method, r.Method)) && (c.agents == nil || c.isNamed(r))
}

// isNamed tells whether what a program calls itself is asked for.
func (c *rule) isNamed(r *Request) bool {
	return r.said.asked&c.named != 0 && (c.named != lastBit || c.agents.in(r.Agent)) // what was found may be another rule's
}

// asks tells whether those on the path hold.
func (c *rule) asks(t target) bool {
	if t.found&c.needs != c.needs {
		return false
	}
	if c.needs == 0 && len(c.End) == 0 {
		return true
	}
	path, whole := t.path, t.path
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	if !c.Query {
		whole = path
	}
	again := c.needs&lastBit != 0 || len(whole) < len(t.path) // what was found may be another list's, or stand behind the ?
	return (len(c.Path) == 0 || !again || c.parts.in(whole)) && (len(c.Begin) == 0 || begins(path, c.Begin)) && (len(c.End) == 0 || ends(path, c.End))
}

// often counts a request and tells whether its source asked often enough. The minute begins with the first request behind
// the one before; a line that is out of order counts for the minute that it comes in.
func (m *Matcher) often(rule, pace int, r *Request) bool {
	who := asker{rule, r.Source}
	a, ok := m.paces[who]
	if !ok && len(m.paces) >= mostAskers {
		m.forget(r.At)
	}
	if !ok || r.At.Sub(a.start) >= time.Minute {
		a = asked{start: r.At}
	}
	a.times++
	m.paces[who] = a
	return a.times >= pace
}

// forget makes room: of those whose minute is over, or of all where that isn't enough.
func (m *Matcher) forget(now time.Time) {
	for who, a := range m.paces {
		if now.Sub(a.start) >= time.Minute {
			delete(m.paces, who)
		}
	}
	if len(m.paces) > mostAskers/2 {
		clear(m.paces)
	}
}

// programs are what programs call themselves by, in lower case; a page's address among it too.
var programs = sync.OnceValue(func() *parts {
	return newParts([]string{"bot", "crawl", "spider", "slurp", "monitor", "scan", "preview", "http:", "https:", "headless", "curl", "wget", "python"})
})

// IsProgram tells of a request, behind its Kind, whether its program says of itself that no person reads the page.
func (m *Matcher) IsProgram(r *Request) bool { return r.said.program }

// agent returns what a name says.
func (m *Matcher) agent(name []byte) *agent {
	if len(name) > longestAgent {
		return &agent{nil, programs().in(name), m.names.find(name)}
	}
	if string(m.last.name) == string(name) { // who reads a page asks for what it is made of, too
		return m.last
	}
	if m.agents == nil {
		m.agents = new([knownAgents]agent)
	}
	a := &m.agents[maphash.Bytes(m.seed, name)%knownAgents]
	if string(a.name) != string(name) {
		*a = agent{append(a.name[:0], name...), programs().in(name), m.names.find(name)}
	}
	m.last = a
	return a
}
