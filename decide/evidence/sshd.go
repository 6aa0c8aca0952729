package evidence

import (
	"bytes"
	"net/netip"

	"lastresort/decide/history"
)

func isSshd(program []byte) bool {
	switch string(program) {
	case "sshd", "sshd-session", "sshd-auth", oldPAM:
		return true
	}
	return false
}

// oldPAM is what the pam_unix module called itself within sshd before it wrote pam_unix(sshd:auth). Where it does, sshd's own
// lines are mostly in another log.
const oldPAM = "sshd(pam_unix)"

// sshd reads what OpenSSH's server says. One attempt to log in is often two lines or three, and which come depends on its
// version and settings; connections are remembered, so that each attempt counts once, at its first line.
type sshd struct {
	connections
	addresses addresses
}

// isSshdMessage tells what sshd -e writes without a header. A name in it may hold line ends, and so may a client's last words and
// what it offers.
func isSshdMessage(text []byte) bool {
	if bytes.IndexByte([]byte("ACDFIRUef"), text[0]) < 0 { // as of most lines of other forms
		return false
	}
	for _, lead := range []string{
		"Received disconnect from ", "Invalid user ", "Failed password for ", "Failed publickey for ", "Failed none for ", "Failed keyboard-interactive",
		"Connection closed by ", "Connection reset by ", "Disconnecting invalid user ", "Disconnecting authenticating user ", "Disconnected from ",
		"Unable to negotiate with ", "fatal: Unable to negotiate with ", "error: PAM: ", "error: maximum authentication attempts exceeded ", "Accepted publickey for ", "Accepted password for ",
	} {
		if _, ok := after(text, lead); ok {
			return true
		}
	}
	return false
}

func newSshd(Options) reader { return &sshd{addresses: addresses{}} }

// login is an event of a login that failed.
func login(e *entry, source netip.Addr, count int64) bool {
	return e.show(source, "ssh-login", "", history.TwoWay, count)
}

// read implements reader.
func (s *sshd) read(e *entry) bool {
	text, repeated := unmarked(e.message), int64(0)
	if rest, ok := after(text, "message repeated "); ok {
		number, inner, ok := repeatedMessage(rest)
		if !ok {
			return false
		}
		text, repeated = inner, number
	}
	text, preauth := before(bytes.TrimRight(text, " "), " [preauth]")
	text, _ = after(text, "error: ")
	text, _ = after(text, "fatal: ")
	if len(text) == 0 {
		return false
	}
	switch text[0] {
	case 'F':
		if rest, ok := after(text, "Failed "); ok {
			return s.failed(e, rest, repeated)
		}
	case 'P':
		if rest, ok := after(text, "PAM: "); ok {
			return s.pam(e, rest, repeated)
		}
	case 'I':
		return s.invalid(e, text)
	case 'A':
		if rest, ok := after(text, "Accepted "); ok {
			return s.accepted(e, rest)
		}
	case 'U':
		if _, ok := after(text, "Unable "); ok {
			return s.noLogin(e, text)
		}
		return s.notAllowed(e, text)
	case 'a', 'p':
		return s.pamUnix(e, text, repeated)
	case 'C', 'D', 'R', 'm', 'r':
		return s.ending(e, text, preauth)
	case 'B', 'T', 'b', 'd':
		return s.noLogin(e, text)
	}
	return false
}

// unmarked takes off what some systems put before a message: [ID 800047 auth.info] or kernel: [  970.699396]:
func unmarked(text []byte) []byte {
	if len(text) > 0 && text[0] != '[' && text[0] != ' ' && text[0] != 'k' {
		return text
	}
	rest, kernel := after(text, "kernel:")
	rest = bytes.TrimLeft(rest, " ")
	if _, id := after(rest, "[ID "); !id && !kernel || len(rest) == 0 || rest[0] != '[' {
		return text
	}
	i := bytes.IndexByte(rest[:min(len(rest), 40)], ']')
	if i < 0 {
		return text
	}
	rest, colon := after(rest[i+1:], ":")
	if kernel && !colon {
		return text
	}
	return bytes.TrimLeft(rest, " ")
}

// repeatedMessage reads N times: [ MESSAGE].
func repeatedMessage(text []byte) (int64, []byte, bool) {
	word, rest := firstWord(text)
	n, ok := number(word)
	rest, times := after(rest, "times: [")
	rest, closed := before(bytes.TrimRight(rest, " "), "]")
	return n, bytes.TrimLeft(rest, " "), ok && times && closed && n > 0
}

// failed reads METHOD for [invalid user ]U from A port P ssh2[: KEY].
func (s *sshd) failed(e *entry, text []byte, repeated int64) bool {
	method, text := firstWord(text)
	text, ok := after(text, "for ")
	if !ok {
		return false
	}
	user, source, ok := s.client(e, text)
	if !ok {
		return false
	}
	_, invalid := after(user, "invalid user ")
	invalid = invalid || string(user) == "invalid user" || string(user) == "<invalid username>"
	c := s.of(e, source, true)
	switch {
	case string(method) == "none" && !invalid: // a client asks which methods there are
		return false
	case string(method) == "none", isOffer(method):
		if c.counted {
			return false
		}
		if !invalid {
			c.due = true
			return false
		}
		c.counted, c.due, c.open = true, false, byUser
		return login(e, source, 1)
	}
	told := c.toldBefore(method) && repeated == 0
	c.counted, c.due, c.open = true, false, nobody
	if told {
		return false
	}
	return login(e, source, max(repeated, 1))
}

// isOffer tells the methods that a client tries by itself, without asking its user: one key after the other, a ticket. That
// one of these is refused is nothing; it counts when the connection ends and none was accepted.
func isOffer(method []byte) bool {
	return string(method) == "publickey" || string(method) == "hostbased" || bytes.HasPrefix(method, []byte("gssapi"))
}

// toldBefore tells whether the failure of a method is that of the attempt that counted last. PAM's own line comes before that
// of keyboard-interactive alone.
func (c *connection) toldBefore(method []byte) bool {
	return c.open == byUser || c.open == byUnix || c.open == byPAM && bytes.HasPrefix(method, []byte("keyboard-interactive"))
}

// invalid reads Invalid user U from A[ port P] and Illegal user …; what it leads to is told by the next line.
func (s *sshd) invalid(e *entry, text []byte) bool {
	rest, ok := after(text, "Invalid user ")
	if !ok {
		if rest, ok = after(text, "Illegal user "); !ok {
			return false
		}
	}
	_, source, _ := s.peer(rest, " from")
	return s.begins(e, source)
}

// begins counts an attempt whose outcome another line may tell.
func (s *sshd) begins(e *entry, source netip.Addr) bool {
	if !source.IsValid() {
		return false
	}
	c := s.of(e, source, true)
	told := c.open == byUser
	c.counted, c.due, c.open = true, false, byUser
	if told {
		return false
	}
	return login(e, source, 1)
}

// notAllowed reads User U from A not allowed because WHY, and User U not allowed because account is locked.
func (s *sshd) notAllowed(e *entry, text []byte) bool {
	rest, ok := after(text, "User ")
	i := lastIndex(rest, " not allowed because ")
	if !ok || i < 0 {
		return false
	}
	if _, source, ok := s.peer(rest[:i], " from"); ok {
		return s.begins(e, source)
	}
	s.of(e, netip.Addr{}, true).due = true
	return false
}

// accepted reads METHOD for U from A port P ssh2[: KEY]: honest traffic.
func (s *sshd) accepted(e *entry, text []byte) bool {
	_, text = firstWord(text)
	text, ok := after(text, "for ")
	if !ok {
		return false
	}
	user, source, ok := s.client(e, text)
	if !ok {
		return false
	}
	c := s.of(e, source, true)
	asAnother := c.user != 0 && c.user != hashed(user) // whoever failed as somebody else on the way isn't honest for that
	*c = connection{source: source, last: c.last, counted: true, ended: true}
	if asAnother {
		return login(e, source, 1)
	}
	return e.show(source, "", "ssh", "", 1)
}
