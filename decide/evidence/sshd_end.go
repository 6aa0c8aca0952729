package evidence

import (
	"bytes"
	"net/netip"
)

// ending reads the lines with which a connection goes to its end. One that tried to log in and of which no attempt counted
// counts once.
func (s *sshd) ending(e *entry, text []byte, preauth bool) bool {
	if rest, ok := after(text, "maximum authentication attempts exceeded for "); ok {
		_, source, _ := s.peer(rest, " from")
		return s.end(e, source, true)
	}
	if rest, ok := after(text, "ROOT LOGIN REFUSED FROM "); ok {
		_, source, _ := s.peer(rest, "")
		return s.end(e, source, true)
	}
	if rest, ok := after(text, "refused connect from "); ok {
		return s.refused(e, rest)
	}
	if rest, ok := after(text, "Received disconnect from "); ok {
		return s.received(e, rest, preauth)
	}
	if rest, ok := after(text, "Connection from "); ok {
		word, _ := firstWord(rest)
		if source, ok := s.addresses.of(word); ok {
			c := s.of(e, source, true)
			*c = connection{source: source, last: c.last}
		}
		return false
	}
	if rest, ok := after(text, "Disconnecting: Too many authentication failures"); ok && (len(rest) == 0 || rest[0] == ' ') {
		c := s.of(e, netip.Addr{}, false)
		c.due = true // until the line that says whose connection it was
		return s.end(e, c.source, true)
	}
	return s.closing(e, text, preauth)
}

// refused reads a connection that libwrap didn't let in.
func (s *sshd) refused(e *entry, text []byte) bool {
	source, ok := s.addresses.refused(text)
	if !ok {
		return false
	}
	c := s.of(e, source, true)
	*c = connection{source: source, last: c.last, counted: true, ended: true}
	return login(e, source, 1)
}

// received reads A: CODE: TEXT and A port P:CODE: TEXT, which the client sent as its reason to leave. Code 14 is that it has
// no more ways to log in (RFC 4253, section 11.1); Java's clients send another for that.
func (s *sshd) received(e *entry, text []byte, preauth bool) bool {
	word, rest := firstWord(text)
	if more, ok := after(rest, "port "); ok {
		_, rest, _ = bytes.Cut(more, []byte(":"))
	}
	address, _ := before(word, ":")
	source, ok := s.addresses.of(address)
	if !ok {
		return false
	}
	_, failed := before(rest, ": Auth fail")
	_, none := after(bytes.TrimLeft(rest, " "), "14: ")
	c := s.of(e, source, false)
	if !failed && !none && !(c.due && preauth) {
		return false
	}
	return s.end(e, source, true)
}

// closing reads Connection closed by, Connection reset by, Disconnected from and Disconnecting, with
// [authenticating user U |invalid user U ]A[ port P], and why.
func (s *sshd) closing(e *entry, text []byte, preauth bool) bool {
	var rest []byte
	ok := false
	for _, prefix := range []string{"Connection closed by ", "Connection reset by ", "Disconnected from "} {
		if rest, ok = after(text, prefix); ok {
			break
		}
	}
	if !ok {
		return s.disconnecting(e, text)
	}
	_, source, _ := s.peer(rest, "")
	if !source.IsValid() {
		return false
	}
	return s.end(e, source, isNamed(rest) || s.of(e, source, false).due && preauth)
}

// isNamed tells whether a message is about a user who hasn't logged in.
func isNamed(text []byte) bool {
	_, valid := after(text, "authenticating user ")
	_, invalid := after(text, "invalid user ")
	return valid || invalid
}

// disconnecting reads Disconnecting {authenticating|invalid} user U A port P: WHY. Some reasons hold names again; where the
// line can be read in two ways, the connection's earlier lines must tell who it was.
func (s *sshd) disconnecting(e *entry, text []byte) bool {
	rest, ok := after(text, "Disconnecting ")
	if !ok || !isNamed(rest) {
		return false
	}
	if rest, ok := before(rest, ": Too many authentication failures"); ok {
		_, source, _ := s.peer(rest, "")
		return s.end(e, source, true)
	}
	why := []byte(": Change of username or service not allowed: (")
	i := bytes.Index(rest, why)
	if i < 0 {
		return false
	}
	_, source, _ := s.peer(rest[:i], "")
	if bytes.Contains(rest[i+1:], why) && source != s.known(e) {
		return false
	}
	return s.end(e, source, true)
}

// end ends a connection. It counts an attempt if nothing else of the connection did.
func (s *sshd) end(e *entry, source netip.Addr, counts bool) bool {
	if !source.IsValid() {
		return false
	}
	c := s.of(e, source, false)
	was := c.counted
	c.counted, c.due, c.open, c.ended = was || counts, false, nobody, true
	if !counts || was {
		return false
	}
	return login(e, source, 1)
}
