package evidence

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"time"

	"lastresort/decide/web"
)

// accessLine takes a line of a web server's access log apart: [VHOST:PORT ]A - USER [TIME] "REQUEST" STATUS SIZE …, the common
// and the combined format of Apache and nginx.
func accessLine(c *clock, line []byte, e *entry) bool {
	if line[0] == '{' || line[0] == '[' { // JSON may hold such a time too, and others begin with it
		return false
	}
	for open := 0; open < 1000; open++ { // a user's name may hold a bracket too
		i := bytes.IndexByte(line[open:], '[')
		if i < 0 || open+i+accessStamp+2 > len(line) {
			break
		}
		open += i
		if end := open + 1 + accessStamp; line[end] == ']' {
			if at, ok := c.accessTime(line[open+1 : end]); ok {
				e.fields = fields{at: at, host: line[:open], message: line[end+1:]}
				return true
			}
		}
	}
	return false
}

// requestOf is accessLine for the commonest lines, A - USER [TIME] …, where A is an address of IPv4. None of these is a line
// of syslog, which begins with a time or a host and whose second or third word ends with a colon, nor of any other form.
func requestOf(c *clock, line []byte, e *entry) bool {
	peer, n := leading4(line)
	if from, to := n+len(unnamed), n+len(unnamed)+accessStamp; n > 0 && to+1 < len(line) && line[to] == ']' && string(line[n:from]) == unnamed {
		if at, ok := c.accessTime(line[from:to]); ok {
			if !e.peer.IsValid() { // else the last line was one of these, and nothing else is set
				e.fields = fields{}
			}
			e.at, e.host, e.message, e.peer = at, nil, line[to+1:], peer
			return true
		}
	}
	if n == 0 || n+3 >= len(line) || line[n] != ' ' || line[n+1] != '-' || line[n+2] != ' ' || !accessLine(c, line[n+3:], e) {
		return false
	}
	e.peer = peer
	return true
}

// unnamed stands between the address and the time where no user is named.
const unnamed = " - - ["

func isWebServer(program []byte) bool { return string(program) == "nginx" || isApache(program) }

// accessTime is the function of that name with a memory, where there is a clock: many lines are of the same second or minute.
func (c *clock) accessTime(text []byte) (time.Time, bool) {
	if c == nil {
		return accessTime(text)
	}
	if string(text) == string(c.web[:]) && !c.asked.IsZero() {
		return c.asked, true
	}
	const seconds, zone = len("20/Jan/2015:19:53:"), len("20/Jan/2015:19:53:28")
	if string(text[:seconds]) == string(c.web[:seconds]) && string(text[zone:]) == string(c.web[zone:]) && !c.asked.IsZero() {
		if tens, ones := text[seconds]-'0', text[seconds+1]-'0'; tens < 6 && ones < 10 {
			c.asked = c.askedFrom.Add(time.Duration(tens*10+ones) * time.Second)
			c.web[seconds], c.web[seconds+1] = text[seconds], text[seconds+1]
			return c.asked, true
		}
	}
	at, ok := accessTime(text)
	if ok {
		c.web, c.asked, c.askedFrom = [accessStamp]byte(text), at, at.Add(-time.Duration(at.Second())*time.Second)
	}
	return at, ok
}

// accessStamp is how long the time of an access log is.
const accessStamp = len("20/Jan/2015:19:53:28 +0100")

// accessTime reads 20/Jan/2015:19:53:28 +0100.
func accessTime(text []byte) (time.Time, bool) {
	if text[2] != '/' || text[6] != '/' || text[11] != ':' || text[20] != ' ' {
		return time.Time{}, false
	}
	day, ok1 := number(text[:2])
	month := monthOf(append(append(make([]byte, 0, 4), text[3:6]...), ' '))
	year, ok2 := number(text[7:11])
	h, m, s, _, _, ok3 := clockTime(text[12:20])
	offset, rest, ok4 := zoneOffset(text[21:])
	t := time.Date(int(year), month, int(day), h, m, s, 0, time.UTC).Add(-time.Duration(offset) * time.Second)
	return t, ok1 && ok2 && ok3 && ok4 && month != 0 && day >= 1 && day <= 31 && len(rest) == 0
}

// access reads requests: attempts at what isn't there, and pages that people read.
type access struct {
	addresses addresses
	rules     *web.Matcher
	hosts     bool    // the lines begin with the host that was asked for
	clients   bool    // they begin with the client, and the host comes behind, as lighttpd writes them
	traefik   bool    // the last line was Traefik's
	request   request // the present one, kept here so that each doesn't cost a copy
}

func newAccess(o Options) reader { return &access{addresses: addresses{}, rules: o.Web.Matcher()} }

// raw implements doubter: Traefik's common format holds a user's name as it came in a URL, decoded, with its line ends.
func (a *access) raw() (is, alone bool) { return a.traefik, true }

// order is what is remembered of an access log: with what its lines begin.
type order struct {
	Hosts   bool `json:"hosts,omitempty"`
	Clients bool `json:"clients,omitempty"`
}

// save implements rememberer.
func (a *access) save() json.RawMessage {
	if !a.hosts && !a.clients {
		return nil
	}
	text, err := json.Marshal(order{a.hosts, a.clients})
	if err != nil {
		return nil
	}
	return text
}

// resume implements rememberer.
func (a *access) resume(text json.RawMessage) {
	var o order
	if json.Unmarshal(text, &o) == nil {
		a.hosts, a.clients = o.Hosts, o.Clients
	}
}

// byTraefik tells its lines, which end in "ROUTER" "BACKEND" Nms.
func byTraefik(text []byte) bool {
	n := len(text) - len("ms")
	if n < 1 || string(text[n:]) != "ms" || text[n-1] < '0' || text[n-1] > '9' {
		return false
	}
	for n > 0 && text[n-1] >= '0' && text[n-1] <= '9' {
		n--
	}
	return n > 1 && string(text[n-2:n]) == `" `
}

// request is one request and its answer, as a line tells it.
type request struct {
	web.Request
	user, method, referer []byte
}

// read implements reader. The client's address is the first word, or the second behind a virtual host; everything that a
// client chooses comes later, but for the host that he asks for, which may look like an address.
func (a *access) read(e *entry) bool {
	if len(e.program) > 0 { // a server that writes its lines to syslog
		outer := e.fields // which other readers may want
		ok := accessLine(nil, e.message, e) && a.take(e)
		e.fields = outer
		return ok
	}
	return a.take(e)
}

// take reads a line without a server's name before it.
func (a *access) take(e *entry) bool {
	a.traefik = byTraefik(e.message)
	source, user := e.peer, e.host
	if !source.IsValid() {
		var ok bool
		if source, user, ok = a.client(e.host); !ok {
			return false
		}
	}
	r := &a.request
	if !r.split(e.message) {
		return false
	}
	r.user = user
	if len(user) > 0 {
		r.user = bytes.TrimRight(user, " ")
	}
	return r.event(a.rules, e, source)
}

// client reads [VHOST:PORT ]A - USER, and lighttpd's A VHOST USER.
func (a *access) client(text []byte) (source netip.Addr, user []byte, ok bool) {
	word, rest := firstWord(text)
	source, ok = a.addresses.of(word)
	word, behind := firstWord(rest)
	if second, two := a.addresses.of(word); two {
		a.hosts = a.hosts || !ok // the log's lines begin with a host
		switch {
		case a.hosts:
			source, ok, rest = second, true, behind
		case !a.clients:
			return source, nil, false // what looks like the client may be the host that it asked for
		}
	} else if ok && bytes.IndexByte(word, '.') > 0 { // no client stands behind a host that it asked for
		a.clients = true
	}
	_, user = firstWord(rest) // behind identd's, which nobody runs
	return source, user, ok
}

// split reads "REQUEST" STATUS SIZE["REFERER" "AGENT"]. Servers put a backslash before a quote in a request.
func (r *request) split(text []byte) bool {
	from, to := quoted(text, 0)
	if to < 0 {
		return false
	}
	r.method, r.Path, _ = requestLine(text[from:to])
	n := to + 1
	for n < len(text) && text[n] == ' ' {
		n++
	}
	status := n
	for n < len(text) && text[n] != ' ' {
		n++
	}
	if r.Status = answer(text[status:n]); r.Status < 100 || r.Status > 599 || r.method == nil && (r.Status < 400 || r.Status > 417) && isFTP(text[from:to]) {
		return false
	}
	for n++; n < len(text) && text[n] != ' '; n++ { // the size
	}
	r.referer, r.Agent = quotedPair(text, n)
	return true
}

// answer reads a status of three digits; anything else is 0.
func answer(text []byte) int64 {
	if len(text) != 3 {
		return 0
	}
	a, b, c := text[0]-'0', text[1]-'0', text[2]-'0'
	if a > 9 || b > 9 || c > 9 {
		return 0
	}
	return int64(a)*100 + int64(b)*10 + int64(c)
}

// isFTP tells a command of FTP, which some of its servers log in the form of a web server, with answers of their own.
func isFTP(line []byte) bool {
	word, _ := firstWord(line)
	switch string(word) {
	case "USER", "PASS", "ACCT", "CWD", "XCWD", "CDUP", "QUIT", "PASV", "EPSV", "PORT", "EPRT", "TYPE", "MODE", "STRU", "RETR", "STOR", "STOU", "APPE", "ALLO", "REST", "RNFR", "RNTO",
		"ABOR", "DELE", "RMD", "XRMD", "MKD", "XMKD", "PWD", "XPWD", "LIST", "NLST", "MLSD", "MLST", "SITE", "SYST", "STAT", "HELP", "NOOP", "FEAT", "OPTS", "AUTH", "PBSZ", "PROT", "SIZE", "MDTM":
		return true
	}
	return false
}

// requestLine reads METHOD PATH HTTP/VERSION.
func requestLine(line []byte) (method, path []byte, ok bool) {
	const version = "HTTP/1.1"
	if j := len(line) - len(version); j > len("GET ") && string(line[:4]) == "GET " && string(line[j-1:j+5]) == " HTTP/" &&
		line[j+5] != ' ' && line[j+6] != ' ' && line[j+7] != ' ' {
		return line[:3], line[4 : j-1], true
	}
	i, j := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if i <= 0 || j <= i || !bytes.HasPrefix(line[j+1:], []byte("HTTP/")) {
		return nil, nil, false
	}
	return line[:i], line[i+1 : j], true
}

// quotedPair returns what stands in "ONE" "OTHER" at a place of text; nil for what isn't there.
func quotedPair(text []byte, at int) (one, other []byte) {
	from, to := quoted(text, at)
	if to < 0 {
		return nil, nil
	}
	one = text[from:to]
	if from, to = quoted(text, to+1); to >= 0 {
		other = text[from:to]
	}
	return one, other
}

// quoted finds "TEXT" at a place of text, behind spaces: where TEXT begins and ends. The end is -1 where there is none.
func quoted(text []byte, at int) (from, to int) {
	for at < len(text) && text[at] == ' ' {
		at++
	}
	if at >= len(text) || text[at] != '"' {
		return at, -1
	}
	at++
	i := bytes.IndexByte(text[at:], '"')
	if i > 0 && text[at+i-1] == '\\' {
		return at, escaped(text, at, at+i)
	}
	if i < 0 {
		return at, -1
	}
	return at, at + i
}

// escaped finds the end of what is quoted from a place of text on, which isn't the quote at to if a backslash stands before it
// that no other one does away with.
func escaped(text []byte, from, to int) int {
	for {
		backslashes := 0
		for to-1-backslashes >= from && text[to-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return to
		}
		i := bytes.IndexByte(text[to+1:], '"')
		if i < 0 {
			return -1
		}
		to += 1 + i
	}
}

// methodOf makes text of a method, at no cost in memory for those that most requests have.
func methodOf(method []byte) string {
	switch string(method) {
	case "GET":
		return "GET"
	case "POST":
		return "POST"
	case "HEAD":
		return "HEAD"
	}
	return string(method)
}

// event tells what a request shows.
func (r *request) event(rules *web.Matcher, e *entry, source netip.Addr) bool {
	r.Source, r.At = source, e.at
	if r.Method = web.None; r.method != nil {
		r.Method = methodOf(r.method)
	}
	r.User = len(r.user) > 0 && string(r.user) != "-"
	if kind := rules.Kind(&r.Request); kind != "" {
		return hostile(e, kind, source, true)
	}
	return honest(e, "web", source, r.byPerson(rules))
}

// byPerson tells whether a page was read by somebody rather than by a program: a browser that says from where it came got
// it. It is easily faked, so it never weighs much for an offender.
func (r *request) byPerson(rules *web.Matcher) bool {
	if r.Method != "GET" && r.Method != "POST" || r.Status < 200 || r.Status >= 300 && r.Status != 304 ||
		len(r.referer) < 2 || !bytes.HasPrefix(r.Agent, []byte("Mozilla/")) {
		return false
	}
	return !rules.IsProgram(&r.Request)
}
