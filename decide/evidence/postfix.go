package evidence

import (
	"bytes"
	"net/netip"
)

func isPostfix(program []byte) bool {
	return string(program) == "smtpd" || string(program) == "postscreen" || string(program) == "cleanup"
}

// postfix reads what its SMTP servers say of clients. A client is HOST[ADDRESS], where HOST is a name that was looked up, in
// which postfix leaves no bracket; what clients say of themselves comes behind it.
type postfix struct {
	addresses addresses
	known     map[netip.Addr]bool // clients that logged in
	retold    retold              // what dovecot and PAM tell of the same logins
}

// mostKnown bounds how many are remembered.
const mostKnown = 1 << 12

func newPostfix(o Options) reader { return &postfix{addresses{}, map[netip.Addr]bool{}, o.retold} }

// read implements reader.
func (p *postfix) read(e *entry) bool {
	text := e.message
	if string(e.program) == "cleanup" { // of which the rest is about what stands in a mail
		_, text = firstWord(text)
		rest, ok := after(text, "milter-reject: END-OF-MESSAGE from ")
		source, rest, known := p.client(rest)
		return ok && known && rejected(e, source, rest)
	}
	if rest, ok := after(text, "warning: "); ok {
		if rest, ok := after(rest, "non-SMTP command from "); ok {
			source, _, ok := p.client(rest)
			return hostile(e, "scan", source, ok)
		}
		return p.sasl(e, rest)
	}
	for _, lead := range []string{"improper command pipelining after ", "too many errors after ", "lost connection after AUTH "} {
		if rest, ok := after(text, lead); ok {
			if lead[0] != 'l' { // the command
				_, rest = firstWord(rest)
			}
			rest, from := after(rest, "from ")
			source, _, ok := p.client(rest)
			// A client's connection may go, too: one that logs in otherwise is somebody's on the road.
			return hostile(e, "scan", source, from && ok && (lead[0] != 'l' || !p.known[source]))
		}
	}
	if string(e.program) == "postscreen" {
		if source, ok := p.impolite(text); ok {
			return hostile(e, "scan", source, true)
		}
	}
	_, text = firstWord(text) // the queue's id, or NOQUEUE:
	if rest, ok := after(text, "client="); ok {
		return p.accepted(e, rest)
	}
	for _, lead := range []string{"reject: ", "milter-reject: "} {
		if rest, ok := after(text, lead); ok {
			_, rest = firstWord(rest) // the command
			rest, from := after(rest, "from ")
			source, rest, ok := p.client(rest)
			if !from || !ok {
				return false
			}
			return rejected(e, source, rest)
		}
	}
	return false
}

// impolite reads what postscreen says of clients that no mail server would be:
//
//	PREGREET N after T from [A]:P: TEXT   COMMAND PIPELINING from [A]:P after COMMAND: TEXT   NON-SMTP COMMAND from [A]:P TEXT
func (p *postfix) impolite(text []byte) (netip.Addr, bool) {
	rest, ok := after(text, "PREGREET ")
	if ok {
		_, rest = firstWord(rest)
		rest, ok = after(rest, "after ")
		_, rest = firstWord(rest)
	} else if rest, ok = after(text, "COMMAND PIPELINING "); !ok {
		rest, ok = after(text, "NON-SMTP COMMAND ")
	}
	rest, from := after(rest, "from ")
	if !ok || !from {
		return netip.Addr{}, false
	}
	source, _, ok := p.client(rest)
	return source, ok
}

// client reads HOST[ADDRESS] and what may follow it of a port, and returns what stands behind.
func (p *postfix) client(text []byte) (source netip.Addr, rest []byte, ok bool) {
	i := bytes.IndexByte(text, '[')
	if i < 0 || bytes.IndexByte(text[:i], ' ') >= 0 {
		return source, nil, false
	}
	n := bytes.IndexByte(text[i:], ']')
	if n < 0 {
		return source, nil, false
	}
	source, ok = p.addresses.of(text[i+1 : i+n])
	rest = text[i+n+1:]
	if more, colon := after(rest, ":"); colon {
		if j := bytes.IndexByte(more, ':'); j > 0 && isNumber(more[:j]) {
			rest = more[j:]
		}
	}
	return source, rest, ok
}

// sasl reads HOST[ADDRESS]: SASL METHOD authentication failed: WHY. Where our own side failed nobody else did.
func (p *postfix) sasl(e *entry, text []byte) bool {
	source, rest, ok := p.client(text)
	rest, colon := after(rest, ": SASL ")
	_, rest = firstWord(rest)
	rest, failed := after(rest, "authentication failed:")
	why := bytes.TrimLeft(rest, " ")
	for _, ours := range []string{"Connection lost to authentication server", "Invalid authentication mechanism", "no mechanism available"} {
		if _, is := after(why, ours); is {
			return false
		}
	}
	if !ok || !colon || !failed || len(p.retold) > 0 && p.retold.news(source, toldAtEnd, 1, e.at.Unix()) == 0 {
		return false
	}
	return hostile(e, "mail-login", source, true)
}

// accepted reads client=HOST[ADDRESS][, sasl_method=M, sasl_username=U]: a mail that was taken in.
func (p *postfix) accepted(e *entry, text []byte) bool {
	source, rest, ok := p.client(text)
	service := "smtp"
	if _, login := after(rest, ", sasl_method="); login {
		service = "submission"
		if len(p.known) >= mostKnown {
			clear(p.known)
		}
		p.known[source] = ok
	}
	return honest(e, service, source, ok)
}

// rejected weighs the answer: [CODE ][CLASS.SUBJECT.DETAIL ]WHY. What its subject says of the mailbox, of us or of the network
// (2, 3 and 4 in RFC 3463) tells nothing of the client: it is full, too large, or a name server is away. An unknown user is
// mostly a bounce of what somebody else sent, and weighs little.
func rejected(e *entry, source netip.Addr, rest []byte) bool {
	rest, _ = after(rest, ":")
	rest = bytes.TrimLeft(rest, " ")
	class, subject := byte(0), byte(0)
	if code, more := firstWord(rest); len(code) == 3 && isNumber(code) {
		class, rest = code[0], more
	}
	if len(rest) > len("5.7.1") && rest[1] == '.' && rest[3] == '.' {
		class, subject = rest[0], rest[2]
	}
	switch {
	case subject >= '2' && subject <= '4', class == '4' && !temporary(rest):
		return false
	case class == '4', bytes.Contains(rest, []byte("User unknown")), bytes.Contains(rest, []byte("undeliverable address")):
		return hostile(e, "scan", source, true)
	}
	return hostile(e, "spam", source, true)
}

// temporary tells whether a temporary answer is one to the client all the same: postfix says so of names that there aren't, in
// case a name server erred, and of lists and relaying where an operator is careful. What else is to be tried again later, such as
// greylisting, every client meets.
func temporary(why []byte) bool {
	for _, said := range []string{": cannot find your ", "Helo command rejected: ", "Sender address rejected: Domain not found",
		"Sender address rejected: Malformed DNS server reply", " blocked using ", "Relay access denied"} {
		if bytes.Contains(why, []byte(said)) {
			return true
		}
	}
	return false
}
