package evidence

import (
	"bytes"
	"net/netip"
)

func isExim(program []byte) bool { return string(program) == "exim" || string(program) == "exim4" }

// eximLine takes a line of exim's main log apart: TIME [PID] MESSAGE, or TIME ID MESSAGE.
func eximLine(c *clock, line []byte, e *entry) bool {
	at, rest, ok := c.time(line)
	if !ok || len(line) < 5 || line[4] != '-' {
		return false
	}
	rest = eximPID(rest)
	for _, mark := range []string{" authenticator failed for ", " <= ", " => ", " Completed", "H=", "SMTP ", "no host name found ", "no IP address found ", "Start queue run", "End queue run",
		"rejected EHLO ", "rejected HELO ", "rejected MAIL ", "unexpected disconnection ", "TLS error on ", "no MAIL in SMTP ", "refused connection "} {
		if bytes.Contains(rest[:min(len(rest), 39+len(mark))], []byte(mark)) {
			e.fields = fields{at: at, message: rest}
			return true
		}
	}
	return false
}

// etrnLine takes the lines apart in which the first that exim writes is a client's: TIME ETRN WHATEVER received from CLIENT. It may
// look like a line of any form that begins with a time, behind a zone or a host that is called ETRN.
func etrnLine(c *clock, line []byte, e *entry) bool {
	const time = len("2026-11-01 10:00:00")
	if len(line) < time+len(etrn) || line[4] != '-' || line[10] != ' ' {
		return false
	}
	rest := line[10:]
	if i := bytes.Index(rest[:min(len(rest), 60)], []byte(etrn)); i < 0 || len(bytes.Trim(rest[:i], eximHead)) > 0 {
		return false
	}
	at, _, ok := c.time(line[:time])
	e.fields = fields{at: at, message: line[time+1:]}
	return ok
}

// etrn is a client's command, and how it is logged.
const etrn = " ETRN "

// eximHead is what may stand between the date and a message: the time, with milliseconds, a zone and the process's number, where these
// are asked for.
const eximHead = "0123456789 :.+-[]"

// eximPID takes the process's number off the front.
func eximPID(text []byte) []byte {
	if inner, open := after(text, "["); open {
		if i := bytes.IndexByte(inner, ']'); i > 0 && isNumber(inner[:i]) {
			return bytes.TrimLeft(inner[i+1:], " ")
		}
	}
	return text
}

// eximTime takes the time off the front that exim writes in syslog's lines too.
func eximTime(text []byte) []byte {
	const date, time = len("2026-11-01"), len("2026-11-01 10:00:00")
	head := text[:len(text)-len(bytes.TrimLeft(text, eximHead))]
	if len(head) <= time || text[4] != '-' || text[date] != ' ' || text[date+3] != ':' {
		return text
	}
	return text[max(bytes.LastIndexByte(head, ' '), time)+1:]
}

// exim reads logins that failed, mail that was refused for good, and mail that was taken.
type exim struct{ addresses addresses }

func newExim(Options) reader { return &exim{addresses{}} }

// read implements reader. What a client calls itself stands in brackets before its address, without a blank in it.
func (x *exim) read(e *entry) bool {
	text := e.message
	if len(e.program) > 0 {
		text = eximPID(eximTime(text))
	}
	if _, ok := after(text, etrn[1:]); ok {
		return false
	}
	if i := bytes.Index(text, []byte(" authenticator failed for ")); i > 0 && bytes.IndexByte(text[:i], ' ') < 0 {
		text, _ = after(text[i+len(" authenticator failed for "):], "H=")
		source, rest, ok := x.client(text)
		return hostile(e, "mail-login", source, ok && bytes.Contains(rest, []byte(": 535 Incorrect authentication data")))
	}
	if rest, ok := after(text, "H="); ok {
		return x.rejected(e, rest)
	}
	if rest, ok := after(text, "SMTP call from "); ok {
		return x.impolite(e, rest)
	}
	if rest, ok := after(text, `SMTP protocol error in "AUTH `); ok && bytes.Count(rest, []byte(`" H=`)) == 1 { // else a part of it is the client's
		_, rest, _ = bytes.Cut(rest, []byte(`" H=`))
		return x.impolite(e, rest)
	}
	if rest, ok := after(text, "SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from H="); ok {
		return x.foreign(e, rest)
	}
	id, rest := firstWord(text)
	if rest, ok := after(rest, "<= "); ok && len(id) > 15 {
		return x.accepted(e, rest)
	}
	return false
}

// rejected reads CLIENT [WHAT IS OURS] F=<SENDER> rejected RCPT <RECIPIENT>: WHY. An unknown recipient is mostly a bounce of
// what somebody else sent, so it weighs little; what is refused for a time only may be our own trouble.
func (x *exim) rejected(e *entry, text []byte) bool {
	source, rest, ok := x.client(text)
	_, rest, refused := bytes.Cut(rest, []byte("> rejected RCPT "))
	_, why, _ := bytes.Cut(rest, []byte(">: "))
	kind := ""
	switch {
	case bytes.HasSuffix(why, []byte("relay not permitted")), bytes.HasPrefix(why, []byte("Sender verify failed")):
		kind = "spam"
	case containsAnyFold(why, "unknown user", "no such user", "unrouteable address", "user unknown"):
		kind = "scan"
	case containsAnyFold(why, " rbl", "blocked by ", "dnsbl", "is listed at ", "blacklisted", "blocklisted", "is in a black list"):
		kind = "spam"
	}
	return hostile(e, kind, source, ok && refused && kind != "")
}

// impolite reads a client that no mail server would be, behind
//
//	SMTP protocol error in "AUTH …" H=CLIENT AUTH command used when not advertised
//	SMTP protocol error in "AUTH …" H=CLIENT LOGIN authentication mechanism not supported
//	SMTP call from CLIENT dropped: too many …
func (x *exim) impolite(e *entry, text []byte) bool {
	text, _ = after(text, "H=")
	source, rest, ok := x.client(text)
	for _, what := range []string{"AUTH command used when not advertised", "LOGIN authentication mechanism not supported", "PLAIN authentication mechanism not supported", "dropped: too many "} {
		if bytes.HasPrefix(bytes.TrimLeft(rest, " "), []byte(what)) {
			return hostile(e, "scan", source, ok)
		}
	}
	return false
}

// foreign reads CLIENT [WHAT IS OURS] input="TEXT" of one that spoke another protocol before it was greeted. One that only spoke
// too early may be a mail server in a hurry.
func (x *exim) foreign(e *entry, text []byte) bool {
	source, rest, ok := x.client(text)
	_, said, spoke := bytes.Cut(rest, []byte(` input="`))
	line, _, _ := bytes.Cut(said, []byte(`\r\n`))
	_, path, web := requestLine(line)
	return hostile(e, "scan", source, ok && spoke && (web && len(path) > 0 || bytes.HasPrefix(said, []byte(`\026\003`)))) // TLS
}

// containsAnyFold tells whether a text holds one of some parts in lower case, in whatever case.
func containsAnyFold(text []byte, parts ...string) bool {
	lower := bytes.ToLower(text)
	for _, part := range parts {
		if bytes.Contains(lower, []byte(part)) {
			return true
		}
	}
	return false
}

// client reads [HOST ][(HELO) ][A][:PORT] and returns what stands behind it, ours or the client's. HELO is the client's choice,
// and where junk is let in it may hold anything: where what looks like its end stands before different addresses the line can
// be read in two ways, and nobody is meant.
func (x *exim) client(text []byte) (source netip.Addr, rest []byte, ok bool) {
	i := bytes.IndexByte(text, '[')
	open := bytes.IndexByte(text, '(')
	if i < 0 || open < 0 || open > i {
		if i < 0 || i > 0 && text[i-1] != ' ' {
			return source, nil, false
		}
		return x.bracketed(text[i:])
	}
	if open > 0 && text[open-1] != ' ' {
		return source, nil, false
	}
	end := []byte(") [")
	for from := open; ; {
		i := bytes.Index(text[from:], end)
		if i < 0 {
			return source, rest, ok
		}
		from += i + len(") ")
		a, behind, is := x.bracketed(text[from:])
		switch {
		case !is || ok && a != source:
			return netip.Addr{}, nil, false
		case !ok:
			source, rest, ok = a, behind, true
		}
	}
}

// bracketed reads [A][:PORT].
func (x *exim) bracketed(text []byte) (source netip.Addr, rest []byte, ok bool) {
	n := bytes.IndexByte(text, ']')
	if n < 0 {
		return source, nil, false
	}
	source, ok = x.addresses.of(text[1:n])
	rest = text[n+1:]
	if port, colon := after(rest, ":"); colon && len(port) > 0 && port[0] >= '0' && port[0] <= '9' {
		rest = bytes.TrimLeft(port, "0123456789")
	}
	return source, rest, ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == ':')
}

// accepted reads SENDER H=HOST [A]… P=PROTOCOL … [A=LOGIN]: a mail that was taken in. A sender in quotes may look like all
// of this, so it counts for nobody.
func (x *exim) accepted(e *entry, text []byte) bool {
	_, rest := firstWord(text)
	rest, from := after(rest, "H=")
	source, behind, ok := x.client(rest)
	i := bytes.Index(behind, []byte(" P="))
	if !from || !ok || i < 0 || bytes.IndexByte(text[:len(text)-len(rest)], '"') >= 0 || bytes.Contains(rest, []byte(" H=")) ||
		bytes.Contains(behind, []byte(") [")) { // what stands before that may be HELO's, to look like a login
		return false
	}
	service := "smtp"
	if protocol, more := firstWord(behind[i+len(" P="):]); bytes.HasSuffix(protocol, []byte("a")) && bytes.Contains(more, []byte("A=")) {
		service = "submission"
	}
	return honest(e, service, source, ok)
}
