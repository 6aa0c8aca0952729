package evidence

import (
	"bytes"
	"net/netip"
	"slices"
)

// pamFailures are what PAM's failures are called on the systems that OpenSSH runs on.
var pamFailures = [][]byte{[]byte("authentication failure"), []byte("authentication error"), []byte("permission denied"),
	[]byte("user not known to the underlying authentication module"), []byte("user account has expired"),
	[]byte("unknown user"), []byte("maximum number of tries exceeded"), []byte("have exhausted maximum number of retries for service")}

// pam reads Authentication failure for [illegal user ]U from A[ via B]; the Failed line of the same attempt may follow.
func (s *sshd) pam(e *entry, text []byte, repeated int64) bool {
	i := bytes.Index(text, []byte(" for "))
	if i < 0 {
		return false
	}
	if string(text[:i]) != "Authentication failure" && !slices.ContainsFunc(pamFailures, func(f []byte) bool { return bytes.EqualFold(f, text[:i]) }) {
		return false
	}
	head, word := lastWord(text[i+len(" for "):])
	if client, ok := before(head, " via"); ok {
		head, word = lastWord(client)
	}
	_, source, _ := s.peerAt(head, word, " from")
	if !source.IsValid() {
		return false
	}
	c := s.of(e, source, true)
	told := c.open == byUser && repeated == 0
	c.counted, c.due, c.open = true, false, byPAM
	if told {
		return false
	}
	return login(e, source, max(repeated, 1))
}

// pamUnix reads pam_unix(sshd:auth): authentication failure; … rhost=A …. sshd tells the outcome itself, and another module
// may still let the user in: it counts when the connection ends before a login. Under the module's old name there is nobody
// else to tell it.
func (s *sshd) pamUnix(e *entry, text []byte, repeated int64) bool {
	old := string(e.program) == oldPAM
	if rest, ok := after(text, "pam_unix(sshd:auth): "); ok {
		text = rest
	} else if !old {
		return false
	}
	rest, ok := after(text, "authentication failure;")
	if !ok {
		return false
	}
	source := s.remoteHost(rest)
	if old && !source.IsValid() {
		return false
	}
	c := s.of(e, source, true)
	if !old {
		another := c.user
		c.user = hashed(pamUser(rest))
		c.due = true
		if another == 0 || c.user == 0 || another == c.user {
			return false
		}
		c.counted, c.due, c.open = true, false, byPAM // no client of a user changes the name on the way
		return login(e, source, max(repeated, 1))
	}
	told := c.open == byUser && repeated == 0
	c.counted, c.due, c.open = true, false, byUnix
	if told {
		return false
	}
	return login(e, source, max(repeated, 1))
}

// remoteHost reads rhost=A. Users' names stand before and behind it; where one looks like it, the line can be read in two ways.
func (s *sshd) remoteHost(text []byte) netip.Addr {
	mark := []byte(" rhost=")
	i := bytes.Index(text, mark)
	if i < 0 || bytes.Contains(text[i+1:], mark) {
		return netip.Addr{}
	}
	word, _ := firstWord(text[i+len(mark):])
	source, _ := s.addresses.of(word)
	return source
}

// pamUser returns the name that a client gave, as pam_unix tells it: behind ruser=, or at the end where that is empty.
func pamUser(text []byte) []byte {
	if i := bytes.Index(text, []byte(" ruser=")); i >= 0 {
		if name, _ := firstWord(text[i+len(" ruser="):]); len(name) > 0 {
			return name
		}
	}
	if i := lastIndex(text, " user="); i >= 0 {
		return text[i+len(" user="):]
	}
	return nil
}

// hashed is 0 for nothing.
func hashed(text []byte) uint64 {
	if len(text) == 0 {
		return 0
	}
	return max(uint64(noHash.with(text)), 1)
}
