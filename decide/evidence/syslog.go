package evidence

import (
	"bytes"
	"net/netip"
	"time"
)

// entry is one line of syslog or of the journal, taken apart.
type entry struct {
	fields
	objects
	shows Event // what a reader made of it
	size  int   // of the line as it was written, or of the message in the journal, in bytes
}

// fields are the parts of a line.
type fields struct {
	at       time.Time
	host     []byte
	program  []byte
	pid      []byte
	message  []byte
	cut      bool       // its end may have been cut off
	stripped int        // how many blanks the journal took off its end
	printed  bool       // no syslog took it: the program printed it
	object   object     // the message taken apart, where its form's line is JSON
	head     *head      // what the line began with, where that is remembered
	peer     netip.Addr // of a line that begins with it; host is then what follows
}

// head is what stands between the time and the process's number of lines in the commonest form, TIME HOST PROGRAM[PID]:
// MESSAGE. A log repeats few of them.
type head struct {
	text          []byte // with the bracket
	host, program []byte // parts of it
	forms         []int  // the forms that the program's lines may be of
	asked         bool   // forms is set
	hash          fnv1a  // of the host
	put           int    // how many bytes of text BusyBox's syslog put there; 0 where none did
}

// mostHeads bounds how many are remembered.
const mostHeads = 8

// clock reads the times of lines.
type clock struct {
	at        time.Time // when the log is read
	future    time.Time // from here on a line is of the future
	zone      *time.Location
	stamp     [15]byte          // of the last line with a time such as Nov  1 01:00:00
	stood     time.Time         // for that
	web       [accessStamp]byte // of the last line with a time such as 20/Jan/2015:19:53:28 +0100
	asked     time.Time         // for that
	askedFrom time.Time         // for the beginning of that minute
	minute    [13]byte          // of the last line with a time such as Nov  1 01:00:00, to the colon before its seconds
	begins    time.Time         // for that
	dated     dated             // the last line's with a time such as 2017-03-27T13:06:56
	yeared    yeared            // and such as Thu Mar 27 13:06:56 2017
	heads     [mostHeads]head
	last      int // where in heads the last line's is
	next      int // where the next one goes
}

func newClock(at time.Time, zone *time.Location) clock {
	if zone == nil {
		zone = time.UTC
	}
	return clock{at: at.In(zone), future: at.Add(24 * time.Hour), zone: zone}
}

// split takes a line apart:
//
//	[<PRI>] TIME [<facility.level>] HOST PROGRAM[PID]: MESSAGE     syslog, journalctl
//	TIME HOST facility.level PROGRAM[PID]: MESSAGE                 busybox
//	TIME facility.level: [TIME] PROGRAM[PID]: MESSAGE              socklog
//	<PRI>1 TIME HOST PROGRAM PID MSGID DATA MESSAGE                RFC 5424
//	HOST PROGRAM[PID]: MESSAGE                                     the journal without times; then it is the moment of reading
func (c *clock) split(line []byte, e *entry) bool {
	line, numbered := priority(line)
	if rest, ok := after(line, "1 "); ok && numbered {
		return c.rfc5424(rest, e)
	}
	at, rest, ok := c.time(line)
	if !ok {
		at, rest = c.at, line
	} else if c.remembered(rest, e) {
		e.at = at
		return true
	}
	whole := rest
	e.fields = fields{at: at}
	for len(rest) > 0 && rest[0] == '<' { // a mark such as <4.3>
		end := bytes.IndexByte(rest, '>')
		if end < 0 || end > 24 {
			return false
		}
		rest = bytes.TrimLeft(rest[end+1:], " ")
	}
	word, more := firstWord(rest)
	if mark, colon := before(word, ":"); colon && isFacility(mark) && ok { // socklog, which may keep syslog's own time
		rest = more
		if _, later, again := c.time(rest); again {
			rest = later
		}
		word, more = firstWord(bytes.TrimLeft(rest, " "))
	}
	if e.tag(word) {
		e.message = more
		return ok
	}
	if !isHost(word) { // it is another form of log
		return false
	}
	plain := len(rest) == len(whole) && len(more) > 0
	put := 0
	e.host = word
	word, more = firstWord(bytes.TrimLeft(more, " "))
	if isFacility(word) { // busybox
		put = len(e.host) + len(word) + len("  ")
		word, more = firstWord(bytes.TrimLeft(more, " "))
	}
	if !e.tag(word) {
		return false
	}
	e.message = more
	e.cut = isCutByBusyBox(e.size, put, line)
	if ok && plain && len(e.pid) > 0 && len(e.message) > 0 {
		c.remember(whole, e)
		e.head.put = put
	}
	return ok || len(e.pid) > 0
}

// isCutByBusyBox tells whether its syslog may have cut a line off, to which it added some bytes, and one to each control character, of
// which it makes ^A. A longer one shows that it was built to read more.
func isCutByBusyBox(size, put int, line []byte) bool {
	return put > 0 && size-put >= cutByBusyBox && (size-put <= roomOfBusyBox || size-put-bytes.Count(line, []byte("^")) <= roomOfBusyBox)
}

// remembered takes apart what stands behind a line's time, where it begins as a line before did.
func (c *clock) remembered(rest []byte, e *entry) bool {
	for range mostHeads {
		h := &c.heads[c.last]
		if n := len(h.text); n > 0 && len(rest) > n && string(rest[:n]) == string(h.text) {
			end := n
			for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
				end++
			}
			if end == n || len(rest) < end+3 || string(rest[end:end+3]) != "]: " {
				return false
			}
			e.fields = fields{host: h.host, program: h.program, pid: rest[n:end], message: rest[end+3:], head: h, cut: isCutByBusyBox(e.size, h.put, rest)}
			return true
		}
		c.last = (c.last + 1) % mostHeads
	}
	return false
}

// remember keeps what a line began with, over the one that was kept longest.
func (c *clock) remember(whole []byte, e *entry) {
	h := &c.heads[c.next]
	c.last, c.next = c.next, (c.next+1)%mostHeads
	n := len(whole) - len(e.message) - len("]: ") - len(e.pid)
	text := append(h.text[:0], whole[:n]...)
	*h = head{text: text, host: text[:len(e.host)], program: text[n-1-len(e.program) : n-1]}
	h.hash = hostHash(e)
	e.head = h
}

// isHost tells what a host may be called in a log, by itself or by whoever passed the line on.
func isHost(word []byte) bool {
	for _, c := range word {
		if c < '+' || c > '9' && c < '@' && c != ':' || c > 'Z' && c < 'a' && c != '_' || c > 'z' && c < 0x80 && c != '~' {
			return c == '%'
		}
	}
	return len(word) > 0
}

// isFacility tells what some loggers put before the program, such as auth.info.
func isFacility(word []byte) bool {
	facility, level, ok := bytes.Cut(word, []byte("."))
	if !ok || len(word) > 20 {
		return false
	}
	switch string(level) {
	case "emerg", "alert", "crit", "err", "error", "warn", "warning", "notice", "info", "debug":
	default:
		return false
	}
	switch string(facility) {
	case "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "security", "syslog", "user", "uucp":
		return true
	}
	return len(facility) == len("local0") && string(facility[:5]) == "local"
}

// tag reads PROGRAM[PID]: or PROGRAM: or [PROGRAM], with or without a path.
func (e *entry) tag(word []byte) bool {
	word, colon := before(word, ":")
	if inner, ok := after(word, "["); ok {
		inner, closed := before(inner, "]")
		e.program = inner
		return closed && len(inner) > 0 && (inner[0] < '0' || inner[0] > '9')
	}
	if !colon {
		return false
	}
	if rest, ok := before(word, "]"); ok {
		open := bytes.LastIndexByte(rest, '[')
		if open <= 0 || !isNumber(rest[open+1:]) {
			return false
		}
		e.pid, word = rest[open+1:], rest[:open]
	}
	e.program = word
	if _, apache := after(word, "httpd/"); !apache { // what Apache puts behind is a name of the site's
		path := word
		if i := bytes.IndexByte(word, '('); i >= 0 { // what dovecot puts behind is a client's choice
			path = word[:i]
		}
		e.program = word[bytes.LastIndexByte(path, '/')+1:]
	}
	return len(e.program) > 0
}

// priority takes <PRI> off the front of a line.
func priority(line []byte) ([]byte, bool) {
	if len(line) < 3 || line[0] != '<' {
		return line, false
	}
	end := bytes.IndexByte(line[:min(len(line), 5)], '>')
	if end < 2 || !isNumber(line[1:end]) {
		return line, false
	}
	return line[end+1:], true
}

func (c *clock) rfc5424(rest []byte, e *entry) bool {
	at, rest, ok := c.time(rest)
	if !ok {
		return false
	}
	e.fields = fields{at: at}
	e.host, rest = firstWord(rest)
	e.program, rest = firstWord(rest)
	e.pid, rest = firstWord(rest)
	if string(e.pid) == "-" {
		e.pid = nil
	}
	_, rest = firstWord(rest) // the message's kind
	if len(rest) == 0 {
		return false
	}
	e.message, ok = afterData(rest)
	e.message, _ = after(e.message, "\xef\xbb\xbf")
	return ok
}

// afterData returns what stands behind the structured data, - or elements in brackets whose values may hold quoted ones.
func afterData(text []byte) ([]byte, bool) {
	if rest, ok := after(text, "-"); ok {
		return bytes.TrimLeft(rest, " "), true
	}
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted && (i+1 == len(text) || text[i+1] != '['):
			return bytes.TrimLeft(text[i+1:], " "), text[0] == '['
		}
	}
	return nil, false
}
