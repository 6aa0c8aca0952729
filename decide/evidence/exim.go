package evidence

import (
	"bytes"
	"net/netip"
)

func isExim(program []byte) bool { return string(program) == "exim" || string(program) == "exim4" }

// eximLine takes a line of exim's main log apart: TIME [PID] MESSAGE, or TIME ID MESSAGE.
func eximLine(c *clock, line []byte) (entry, bool) {
	at, rest, ok := c.time(line)
	if !ok || len(line) < 5 || line[4] != '-' {
		return entry{}, false
	}
	if inner, open := after(rest, "["); open {
		if i := bytes.IndexByte(inner, ']'); i > 0 && isNumber(inner[:i]) {
			rest = bytes.TrimLeft(inner[i+1:], " ")
		}
	}
	for _, mark := range []string{" authenticator failed for ", " <= ", " => ", " Completed", "H=", "SMTP ", "no host name found ", "no IP address found ", "Start queue run", "End queue run"} {
		if i := bytes.Index(rest, []byte(mark)); i >= 0 && i < 40 {
			return entry{at: at, message: rest}, true
		}
	}
	return entry{}, false
}

// exim reads logins that failed, mail that was refused for good, and mail that was taken.
type exim struct{ addresses addresses }

func newExim(Options) reader { return &exim{addresses{}} }

// read implements reader. What a client calls itself stands in brackets before its address, without a blank in it.
func (x *exim) read(e *entry) (Event, bool) {
	text := e.message
	if i := bytes.Index(text, []byte(" authenticator failed for ")); i > 0 && bytes.IndexByte(text[:i], ' ') < 0 {
		text = text[i+len(" authenticator failed for "):]
		if i = bytes.Index(text, []byte(": 535 Incorrect authentication data")); i < 0 {
			return Event{}, false
		}
		source, ok := x.client(text[:i])
		return hostile(e, "mail-login", source, ok)
	}
	if rest, ok := after(text, "H="); ok {
		i := bytes.Index(rest, []byte(" F=<"))
		if i < 0 || !bytes.Contains(rest[i:], []byte("> rejected RCPT <")) || !bytes.HasSuffix(rest, []byte(": relay not permitted")) {
			return Event{}, false
		}
		source, ok := x.client(rest[:i])
		return hostile(e, "spam", source, ok)
	}
	id, rest := firstWord(text)
	if rest, ok := after(rest, "<= "); ok && len(id) > 15 {
		return x.accepted(e, rest)
	}
	return Event{}, false
}

// client reads [HOST ][(HELO) ][A][:PORT][ I=…]: the last address before what is ours.
func (x *exim) client(text []byte) (netip.Addr, bool) {
	for _, ours := range []string{" I=[", " Ci=", " CV=", " SNI=", " X=", " P="} {
		if i := bytes.Index(text, []byte(ours)); i >= 0 {
			text = text[:i]
		}
	}
	i := bytes.LastIndexByte(text, '[')
	if i < 0 {
		return netip.Addr{}, false
	}
	n := bytes.IndexByte(text[i:], ']')
	if n < 0 {
		return netip.Addr{}, false
	}
	if port := text[i+n+1:]; len(port) > 0 && (port[0] != ':' || !isNumber(port[1:])) {
		return netip.Addr{}, false
	}
	return x.addresses.of(text[i+1 : i+n])
}

// accepted reads SENDER H=HOST [A]… P=PROTOCOL … [A=LOGIN]: a mail that was taken in. A sender in quotes may look like all
// of this, so it counts for nobody.
func (x *exim) accepted(e *entry, text []byte) (Event, bool) {
	_, rest := firstWord(text)
	rest, from := after(rest, "H=")
	i := bytes.Index(rest, []byte(" P="))
	if !from || i < 0 || bytes.IndexByte(text[:len(text)-len(rest)], '"') >= 0 || bytes.Contains(rest, []byte(" H=")) {
		return Event{}, false
	}
	source, ok := x.client(rest[:i])
	service := "smtp"
	if protocol, more := firstWord(rest[i+len(" P="):]); bytes.HasSuffix(protocol, []byte("a")) && bytes.Contains(more, []byte("A=")) {
		service = "submission"
	}
	return honest(e, service, source, ok)
}
