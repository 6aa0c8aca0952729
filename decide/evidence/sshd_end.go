package evidence

import (
	"bytes"
	"net/netip"
)

// ending reads the lines with which a connection goes to its end. One that tried to log in and of which no attempt counted
// counts once.
func (s *sshd) ending(e *entry, text []byte, preauth bool) (Event, bool) {
	if rest, ok := after(text, "pam_unix(sshd:auth): authentication failure;"); ok {
		return s.pamUnix(e, rest)
	}
	if rest, ok := after(text, "maximum authentication attempts exceeded for "); ok {
		if _, source, ok := s.peer(rest, " from"); ok {
			return s.end(e, source, true, false)
		}
		return Event{}, false
	}
	if rest, ok := after(text, "refused connect from "); ok {
		if _, word := lastWord(rest); len(word) > 2 && word[0] == '(' && word[len(word)-1] == ')' {
			if source, ok := s.addresses.of(word[1 : len(word)-1]); ok {
				return s.end(e, source, true, true)
			}
		}
		return Event{}, false
	}
	if rest, ok := after(text, "ROOT LOGIN REFUSED FROM "); ok {
		if _, source, ok := s.peer(rest, ""); ok {
			return s.end(e, source, true, false)
		}
		return Event{}, false
	}
	if rest, ok := after(text, "Received disconnect from "); ok {
		return s.received(e, rest, preauth)
	}
	return s.closing(e, text, preauth)
}

// pamUnix reads rhost=A of a failure that may be told by nobody else; it counts when the connection ends before a login.
func (s *sshd) pamUnix(e *entry, text []byte) (Event, bool) {
	i := bytes.LastIndex(text, []byte(" rhost="))
	if i < 0 {
		return Event{}, false
	}
	word, _ := firstWord(text[i+len(" rhost="):])
	source, _ := s.addresses.of(word)
	if c := s.of(e, source, true); !c.counted {
		c.due = true
	}
	return Event{}, false
}

// received reads A[ port P]:CODE: TEXT, which the client sent as its reason to leave.
func (s *sshd) received(e *entry, text []byte, preauth bool) (Event, bool) {
	end := bytes.IndexByte(text, ' ')
	if end < 0 {
		return Event{}, false
	}
	word, rest := text[:end], text[end:]
	if more, ok := after(rest, " port "); ok {
		rest = more
	}
	address, _ := before(word, ":")
	source, ok := s.addresses.of(address)
	if !ok {
		return Event{}, false
	}
	_, failed := before(rest, ": Auth fail")
	c := s.of(e, source, false)
	if !failed && !(c.due && preauth) {
		return Event{}, false
	}
	return s.end(e, source, true, false)
}

// closing reads Connection closed by, Connection reset by, Disconnected from and Disconnecting, with
// [authenticating user U |invalid user U ]A[ port P], and why.
func (s *sshd) closing(e *entry, text []byte, preauth bool) (Event, bool) {
	const tooMany = ": Too many authentication failures"
	if rest, ok := after(text, "Disconnecting: Too many authentication failures"); ok && (len(rest) == 0 || rest[0] == ' ') {
		c := s.of(e, netip.Addr{}, false)
		if c.counted || !c.source.IsValid() {
			c.due = c.due || !c.counted
			return Event{}, false
		}
		return s.end(e, c.source, true, false)
	}
	var rest []byte
	ok := false
	for _, prefix := range []string{"Connection closed by ", "Connection reset by ", "Disconnected from ", "Disconnecting "} {
		if rest, ok = after(text, prefix); ok {
			break
		}
	}
	if !ok {
		if rest, ok := after(text, "Connection from "); ok {
			word, _ := firstWord(rest)
			if source, ok := s.addresses.of(word); ok {
				*s.of(e, source, true) = connection{process: s.of(e, source, true).process, source: source, last: e.at}
			}
		}
		return Event{}, false
	}
	rest, _ = before(rest, tooMany)
	named := false
	for _, who := range []string{"authenticating user ", "invalid user "} {
		if _, ok := after(rest, who); ok {
			named = true
		}
	}
	_, source, ok := s.peer(rest, "")
	if !ok {
		return Event{}, false
	}
	if !named && bytes.Count(rest, []byte(" ")) > 2 { // A port P, and no name
		return Event{}, false
	}
	c := s.of(e, source, false)
	return s.end(e, source, named && preauthOnly(text, preauth) || c.due && preauth, false)
}

// preauthOnly tells whether a line is about a connection that wasn't logged in: a user that is still authenticating is.
func preauthOnly(text []byte, preauth bool) bool {
	return preauth || bytes.Contains(text, []byte("authenticating user ")) || bytes.Contains(text, []byte("invalid user "))
}

// end counts an attempt that nothing else told, and ends the connection unless it goes on.
func (s *sshd) end(e *entry, source netip.Addr, counts, always bool) (Event, bool) {
	c := s.of(e, source, always)
	was := *c
	c.counted, c.due, c.pending, c.ended = was.counted || counts, false, false, true
	if !counts || was.counted && !always {
		return Event{}, false
	}
	return s.login(e, source, 1)
}
