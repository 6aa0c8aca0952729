package web

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"slices"
	"strconv"
	"strings"
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
	m.names, m.paths = &parts{}, &parts{}
	bit := uint64(1)
	for i := range m.rules {
		c := &m.rules[i]
		for _, name := range c.Agent {
			m.names.add(name, anyOf)
		}
		for _, list := range [][]string{c.Path, c.Begin} {
			if len(list) == 0 {
				continue
			}
			for _, part := range list {
				m.paths.add(part, bit)
			}
			c.needs |= bit
			if bit != lastBit {
				bit <<= 1
			}
		}
	}
	return m
}

// Kind tells what a request is an attempt at; nothing for an ordinary one.
func (m *Matcher) Kind(r *Request) string {
	r.said = m.agent(r.Agent)
	sent, meant := target{r.Path, m.paths.find(r.Path)}, target{m.decoded(r.Path), 0}
	if len(meant.path) > 0 {
		meant.found = m.paths.find(meant.path)
	}
	for _, i := range m.left(r.Status, r.said.asked, sent.found|meant.found != 0) {
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

// lastBit is that of every list for which there is no other.
const lastBit = 1 << 63

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
	return (!c.User || r.User) && (len(c.Method) == 0 || slices.Contains(c.Method, r.Method)) && (c.agents == nil || c.agents.in(r.Agent))
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
	return (len(c.Path) == 0 || !again || c.parts.in(whole)) &&
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

// parts are texts in lower case, ready for a look for all of them that passes over a text once. Of two places in the text it looks
// at the four bytes of one, so that each part is found by its four at one place or by those at the next.
type parts struct {
	seeds bitmap      // of the four bytes by which a part is found
	by    [256][]part // those of five bytes and more, by these four
	fours bitmap      // as seeds, of those of four bytes alone
	four  []part      // those
	short []part      // those of less, looked for one by one
}

// bitmap has a bit for each seed.
type bitmap [seedBits / 64]uint64

func (b *bitmap) has(seed uint32) bool { return b[seed>>6]&(1<<(seed&63)) != 0 }

func (b *bitmap) add(seed uint32) { b[seed>>6] |= 1 << (seed & 63) }

// seedBits is large enough that hardly any four bytes share theirs: two to the power of seedLog.
const (
	seedLog  = 16
	seedBits = 1 << seedLog
)

// part is a text and the four bytes by which it is found.
type part struct {
	text string
	of   uint64 // what it is looked for by
	at   int    // where in it they are
	four uint32 // what they are, of those that count
	mask uint32 // the bits of those
}

// anyOf is what a part is of where it doesn't matter.
const anyOf = 1

func newParts(lower []string) *parts {
	p := &parts{}
	for _, text := range lower {
		p.add(text, anyOf)
	}
	return p
}

func (p *parts) add(text string, of uint64) {
	if len(text) < 4 {
		p.short = append(p.short, part{text: text, of: of})
		return
	}
	if len(text) == 4 {
		lead := fourOf([]byte(text))
		p.four = append(p.four, part{text, of, 0, lead, 1<<32 - 1}, part{text, of, 1, lead >> 8, 1<<24 - 1})
		p.fours.add(seedOf(lead))
		for next := range uint32(256) { // what follows it may be anything, or nothing
			p.fours.add(seedOf(lead>>8 | next<<24 | anyCase))
		}
		for i := range p.seeds {
			p.seeds[i] |= p.fours[i]
		}
		return
	}
	from := rarest(text)
	for i := from; i < from+2; i++ {
		four := fourOf([]byte(text[i:]))
		seed := seedOf(four)
		p.seeds.add(seed)
		p.by[byte(seed)] = append(p.by[byte(seed)], part{text, of, i, four, 1<<32 - 1})
	}
}

// rarest returns where in a part five bytes stand of which paths have few, so that a look seldom stops in vain.
func rarest(text string) int {
	best, most := 0, 0
	for i := range len(text) - 4 {
		rare := 0
		for _, c := range []byte(text[i : i+5]) {
			if !strings.ContainsRune("/-.etaoinsrhldcump", rune(c)) {
				rare++
			}
		}
		if rare >= most {
			best, most = i, rare
		}
	}
	return best
}

// anyCase is the bit by which small and large letters differ, in four bytes.
const anyCase = 0x20202020

// fourOf returns the first four bytes, whatever the case of their letters.
func fourOf(text []byte) uint32 { return binary.LittleEndian.Uint32(text) | anyCase }

// seedOf returns the bit of four bytes.
func seedOf(four uint32) uint32 { return four * 0x9e3779b1 >> (32 - seedLog) }

// in tells whether a text holds one of them, in whatever case.
func (p *parts) in(text []byte) bool { return p.find(text) != 0 }

// find returns what those are of that a text holds, in whatever case.
func (p *parts) find(text []byte) uint64 {
	of := uint64(0)
	i := 1
	for ; i+3 < len(text); i += 2 {
		four := fourOf(text[i:])
		seed := seedOf(four)
		if !p.seeds.has(seed) { // as of nearly all
			continue
		}
		of |= at(p.by[byte(seed)], four, text, i)
		if p.fours.has(seed) {
			of |= at(p.four, four, text, i)
		}
	}
	if i+3 == len(text) { // one of four may end where the text does
		of |= at(p.four, fourOf(text[i-1:])>>8, text, i)
	}
	for _, x := range p.short {
		if holdsFold(text, x.text) {
			of |= x.of
		}
	}
	return of
}

// at returns what those of a list are of that stand where four bytes were found in a text.
func at(list []part, four uint32, text []byte, i int) uint64 {
	of := uint64(0)
	for k := range list {
		x := &list[k]
		if from := i - x.at; four&x.mask == x.four && from >= 0 && len(x.text) <= len(text)-from && startsFold(text[from:], x.text) {
			of |= x.of
		}
	}
	return of
}

func holdsFold(text []byte, lower string) bool {
	for i := range len(text) - len(lower) + 1 {
		if startsFold(text[i:], lower) {
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
