package evidence

import (
	"bytes"
	"net/netip"
)

// noLogin reads what sshd says of clients that came without trying to log in as anybody: another protocol, ciphers of long
// ago, two minutes of silence, and those whom it turns away for what they did before. Where nothing was said at all nobody
// is meant: whoever watches whether a server is up comes like that.
//
//	Bad protocol version identification 'TEXT' from A[ port P]
//	banner exchange: Connection from A port P: invalid format
//	Unable to negotiate with A[ port P]: no matching WHAT found. Their offer: …
//	Timeout before authentication for A[ port P], Timeout before authentication for connection from A to B, …
//	drop connection #N from [A]:P on [B]:Q penalty: WHY                                                 since OpenSSH 9.8
func (s *sshd) noLogin(e *entry, text []byte) bool {
	if rest, ok := after(text, "Bad protocol version identification "); ok { // what the client sent comes first
		_, source, _ := s.peer(rest, " from")
		return s.scans(e, source)
	}
	if rest, ok := after(text, "banner exchange: Connection from "); ok {
		rest, ok := before(rest, ": invalid format")
		_, source, _ := s.peer(rest, "")
		return s.scans(e, onlyIf(ok, source))
	}
	if rest, ok := after(text, "Unable to negotiate with "); ok { // what it offers comes last
		word, more := firstWord(rest)
		if word, ok := before(word, ":"); ok {
			source, _ := s.addresses.of(word)
			_, no := after(more, "no matching ")
			return s.scans(e, onlyIf(no, source))
		}
		source, _ := s.addresses.of(word)
		more, port := after(more, "port ")
		_, more, _ = bytes.Cut(more, []byte(": "))
		_, no := after(more, "no matching ")
		return s.scans(e, onlyIf(port && no, source))
	}
	if rest, ok := after(text, "Timeout before authentication for "); ok {
		rest, _ = after(rest, "connection from ")
		word, _ := firstWord(rest)
		word, _ = before(word, ".")
		source, _ := s.addresses.of(word)
		return s.scans(e, source)
	}
	if rest, ok := after(text, "drop connection #"); ok {
		_, rest = firstWord(rest)
		rest, from := after(rest, "from ")
		word, rest := firstWord(rest)
		source, _ := s.addresses.withPort(word)
		return s.scans(e, onlyIf(from && bytes.Contains(rest, []byte(" penalty: ")), source))
	}
	return false
}

func onlyIf(ok bool, source netip.Addr) netip.Addr {
	if !ok {
		return netip.Addr{}
	}
	return source
}

// scans ends a connection that tried nothing: it counts as a look around, unless an attempt of it counted.
func (s *sshd) scans(e *entry, source netip.Addr) bool {
	if !s.end(e, source, true) {
		return false
	}
	e.shows.Kind = "scan"
	return true
}
