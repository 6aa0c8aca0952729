package evidence

import (
	"bytes"
	"net/netip"
)

func isSendmail(program []byte) bool {
	return string(program) == "sendmail" || bytes.HasPrefix(program, []byte("sm-"))
}

// sendmail reads what its server says of logins and of mail that it took.
type sendmail struct{ addresses addresses }

func newSendmail(Options) reader { return &sendmail{addresses{}} }

// read implements reader. A client is [HOST ][A][ (may be forged)]; the last relay= is sendmail's own, for before it stand
// names that clients choose.
func (s *sendmail) read(e *entry) bool {
	i := bytes.Index(e.message, []byte(": "))
	if i < 0 {
		return false
	}
	text := e.message[i+2:]
	if i := bytes.Index(text, []byte(": possible SMTP attack: command=AUTH, count=")); i >= 0 {
		source, ok := s.client(text[:i])
		return hostile(e, "mail-login", source, ok)
	}
	if rest, ok := after(text, "rejecting commands from "); ok {
		rest, early := before(rest, " due to pre-greeting traffic")
		if i := bytes.Index(rest, []byte(" due to pre-greeting traffic after ")); i >= 0 && !early {
			rest, early = rest[:i], true
		}
		source, ok := s.client(rest)
		return hostile(e, "scan", source, ok && early)
	}
	if rest, ok := after(text, "ruleset=check_"); ok {
		return s.rejected(e, rest)
	}
	if rest, ok := after(text, "AUTH=server, relay="); ok {
		if i := bytes.Index(rest, []byte(", authid=")); i >= 0 {
			rest = rest[:i]
		}
		source, ok := s.client(rest)
		return honest(e, "submission", source, ok)
	}
	i = lastIndex(text, " relay=")
	if i < 0 {
		return false
	}
	source, ok := s.client(text[i+len(" relay="):])
	switch {
	case bytes.HasPrefix(text, []byte("AUTH failure (")):
		return hostile(e, "mail-login", source, ok)
	case bytes.HasPrefix(text, []byte("from=")) && bytes.Contains(text, []byte(", msgid=")):
		return honest(e, "smtp", source, ok)
	}
	return false
}

// rejected reads NAME, arg1=WHAT, relay=CLIENT, reject=CODE ENHANCED WHY. What the client said stands before and behind its
// address; where it looks like one, the line can be read in two ways, and nobody is meant.
func (s *sendmail) rejected(e *entry, text []byte) bool {
	_, rest, ok := bytes.Cut(text, []byte(", relay="))
	client, answer, refused := bytes.Cut(rest, []byte(", reject="))
	if !ok || !refused || bytes.Contains(rest, []byte(", relay=")) || bytes.Contains(answer, []byte(", reject=")) {
		return false
	}
	source, ok := s.client(client)
	switch {
	case len(answer) > 0 && answer[0] == '4', bytes.Contains(answer, []byte("User unknown")):
		return hostile(e, "scan", source, ok)
	default:
		return hostile(e, "spam", source, ok)
	}
}

// client reads a client that a text consists of. Before its address stands a host or nothing, not what somebody said.
func (s *sendmail) client(text []byte) (netip.Addr, bool) {
	text, _ = before(text, " (may be forged)")
	text, ok := before(text, "]")
	i := bytes.LastIndexByte(text, '[')
	if !ok || i < 0 {
		return netip.Addr{}, false
	}
	if host, named := before(text[:i], " "); i > 0 && (!named || !isHost(host) || bytes.IndexByte(host, ' ') >= 0) {
		return netip.Addr{}, false
	}
	word, _ := after(text[i+1:], "IPv6:")
	return s.addresses.of(word)
}
