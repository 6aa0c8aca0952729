package web

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Matcher tells the requests of one log apart, from its first line to its last. It remembers how often each source asked,
// where a rule has a pace; what it remembers is bounded.
type Matcher struct {
	rules  []rule
	paces  map[asker]asked
	ranges Ranges
	names  *parts // the agents of all rules that ask for one
	paths  *parts // the paths of all rules, whole ones' beginnings too
	// byStatus is which rules may hold for an answer, of those that came, by what else is known of the request.
	byStatus [mostStatus]*[2][2][]int
	agents   [knownAgents]agent
	seed     maphash.Seed
	room     []byte // of the path that was decoded last
}

// agent is what a program calls itself, and what that says: that it is none of a person's, and that a rule asks for it. Few
// names are on most lines.
type agent struct {
	name           []byte
	program, asked bool
}

// knownAgents is how many are remembered, each in a place of its own; longer ones than longestAgent aren't.
const (
	knownAgents  = 512
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
	m := &Matcher{rules: slices.Concat(r.own, builtin()), paces: map[asker]asked{}, ranges: r.ranges, seed: maphash.MakeSeed()}
	if r.ranges == nil { // then nobody is known to come from elsewhere
		m.rules = slices.DeleteFunc(m.rules, func(c rule) bool { return len(c.Outside) > 0 })
	}
	var names, paths []string
	for _, c := range m.rules {
		names = append(names, c.Agent...)
		paths = append(append(paths, c.Path...), c.Begin...)
	}
	m.names, m.paths = newParts(names), newParts(paths)
	return m
}

// Kind tells what a request is an attempt at; nothing for an ordinary one.
func (m *Matcher) Kind(r *Request) string {
	r.said = m.agent(r.Agent)
	plain := m.decoded(r.Path)
	for _, i := range m.left(r.Status, r.said.asked, m.paths.in(r.Path) || m.paths.in(plain)) {
		c := &m.rules[i]
		if c.holds(r, plain) && (len(c.Outside) == 0 || m.elsewhere(c, r)) && (c.Pace <= 1 || m.often(i, c.Pace, r)) {
			return c.Kind
		}
	}
	return ""
}

// mostDecodings is how often a path is decoded: what was encoded twice is what a filter in between is to pass over.
const mostDecodings = 3

// decoded returns a path with every %XX decoded, what comes of that too; nothing where there is none.
func (m *Matcher) decoded(path []byte) []byte {
	if bytes.IndexByte(path, '%') < 0 {
		return nil
	}
	text := append(m.room[:0], path...)
	m.room = text
	for range mostDecodings {
		n := 0
		for i := 0; i < len(text); i, n = i+1, n+1 {
			text[n] = text[i]
			if text[i] != '%' || i+2 >= len(text) {
				continue
			}
			if c, err := strconv.ParseUint(string(text[i+1:i+3]), 16, 8); err == nil {
				text[n] = byte(c)
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
		if c := &m.rules[i]; c.answers(status) && (agent || c.agents == nil) && (path || len(c.Path)+len(c.Begin) == 0) {
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

// holds tells whether the conditions hold for a request, those on its path for what it is when decoded too, if that is another.
func (c *rule) holds(r *Request, plain []byte) bool {
	if c.User && !r.User || len(c.Method) > 0 && !slices.Contains(c.Method, r.Method) {
		return false
	}
	if c.agents != nil && !c.agents.in(r.Agent) {
		return false
	}
	return c.asks(r.Path) || len(plain) > 0 && c.asks(plain)
}

// asks tells whether the conditions on a path hold.
func (c *rule) asks(path []byte) bool {
	whole := path
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	if !c.Query {
		whole = path
	}
	return (len(c.Path) == 0 || c.parts.in(whole)) &&
		(len(c.Begin) == 0 || slices.ContainsFunc(c.Begin, func(begin string) bool { return len(begin) <= len(path) && startsFold(path, begin) })) &&
		(len(c.End) == 0 || slices.ContainsFunc(c.End, func(end string) bool { return endsFold(path, end) }))
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

// parts are texts in lower case by their first byte, so that a look for all of them passes over a text once.
type parts struct {
	by    [256][]part
	seeds [seedBits / 64]uint64 // a bit for each three bytes with which one begins, or goes on behind its first where the step is two
	step  int                   // at each how many bytes of a text a look at three is enough; 0 where one has less than three
}

// seedBits is large enough that hardly any three bytes share theirs: two to the power of seedLog.
const (
	seedLog  = 15
	seedBits = 1 << seedLog
)

// part is a text, and its second byte, by which most of those with the same first one are told apart.
type part struct {
	second byte // 0 where there is none
	text   string
}

func newParts(lower []string) *parts {
	p := parts{step: 2}
	for _, text := range lower {
		second := byte(0)
		if len(text) > 1 {
			second = text[1]
		}
		p.by[text[0]] = append(p.by[text[0]], part{second, text})
		p.step = max(0, min(p.step, len(text)-2))
	}
	for _, text := range lower {
		for i := range p.step {
			seed := seedOf(uint32(text[i]) | uint32(text[i+1])<<8 | uint32(text[i+2])<<16)
			p.seeds[seed>>6] |= 1 << (seed & 63)
		}
	}
	return &p
}

// seedOf returns the bit of the lowest three bytes, whatever the case of their letters.
func seedOf(text uint32) uint32 {
	return (text | 0x202020) << 8 * 0x9e3779b1 >> (32 - seedLog)
}

// may tells whether one of them may have the lowest three bytes in front.
func (p *parts) may(text uint32) bool {
	seed := seedOf(text)
	return p.seeds[seed>>6]&(1<<(seed&63)) != 0
}

// in tells whether a text holds one of them, in whatever case.
func (p *parts) in(text []byte) bool {
	if p.step == 0 {
		for i := range text {
			if p.at(text, i) {
				return true
			}
		}
		return false
	}
	i := p.step - 1
	for ; i+3 < len(text); i += p.step {
		if p.may(binary.LittleEndian.Uint32(text[i:])) && p.around(text, i) {
			return true
		}
	}
	return i+2 < len(text) && p.may(uint32(text[i])|uint32(text[i+1])<<8|uint32(text[i+2])<<16) && p.around(text, i)
}

// around tells whether one of them stands at a place of a text, or before it where the step passed over that.
func (p *parts) around(text []byte, i int) bool { return p.at(text, i) || p.at(text, i-p.step+1) }

// at tells whether one of them stands at a place of a text.
func (p *parts) at(text []byte, i int) bool {
	second := byte(0)
	if i+1 < len(text) {
		second = small(text[i+1])
	}
	list := p.by[small(text[i])]
	for k := range list {
		x := &list[k]
		if (x.second == second || x.second == 0) && len(x.text) <= len(text)-i && startsFold(text[i:], x.text) {
			return true
		}
	}
	return false
}

// small puts a letter of ASCII into lower case.
func small(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func endsFold(text []byte, lower string) bool {
	n := len(text) - len(lower)
	return n >= 0 && startsFold(text[n:], lower)
}

// startsFold tells whether a text that is long enough starts with lower.
func startsFold(text []byte, lower string) bool {
	for i := range len(lower) {
		if small(text[i]) != lower[i] {
			return false
		}
	}
	return true
}

// programs are what programs call themselves by, in lower case; a page's address among it too.
var programs = newParts([]string{"bot", "crawl", "spider", "slurp", "monitor", "scan", "preview", "http:", "https:", "headless", "curl", "wget", "python"})

// IsProgram tells of a request, behind its Kind, whether its program says of itself that no person reads the page.
func (m *Matcher) IsProgram(r *Request) bool { return r.said.program }

// agent returns what a name says.
func (m *Matcher) agent(name []byte) *agent {
	if len(name) > longestAgent {
		return &agent{nil, programs.in(name), m.names.in(name)}
	}
	a := &m.agents[maphash.Bytes(m.seed, name)%knownAgents]
	if string(a.name) != string(name) {
		*a = agent{append(a.name[:0], name...), programs.in(name), m.names.in(name)}
	}
	return a
}
