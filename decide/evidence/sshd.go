package evidence

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
)

func isSshd(program []byte) bool {
	switch string(program) {
	case "sshd", "sshd-session", "sshd-auth":
		return true
	}
	return false
}

// sshd reads what OpenSSH's server says. One attempt to log in is often two lines or three, and which come depends on its
// version and settings; connections are remembered, so that each attempt counts once.
type sshd struct {
	seed        maphash.Seed
	connections [connections]connection
	addresses   addresses
}

// connections is how many connections are remembered; a new one takes the place of another whose number collides.
const connections = 4096

// connection is what is known of one connection, by its process.
type connection struct {
	process uint64
	source  netip.Addr
	last    time.Time
	counted bool // an attempt of it counted
	pending bool // the attempt that was counted last may be told again by a line with its outcome
	byPAM   bool // PAM told it, so that PAM's next line is about another
	due     bool // something failed; it counts when the connection ends, unless an attempt did
	ended   bool
}

// longestConnection is how long after its last line a process's next line belongs to a new connection. A login may take
// sshd's LoginGraceTime, two minutes by default.
const longestConnection = 10 * time.Minute

func newSshd() *sshd { return &sshd{seed: maphash.MakeSeed(), addresses: addresses{}} }

// of returns the connection of a line's process. A line about another source, or long after, is about a new one.
func (s *sshd) of(e *entry, source netip.Addr, begins bool) *connection {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.Write(e.host)
	h.WriteByte(0)
	h.Write(e.pid)
	process := h.Sum64()
	c := &s.connections[process%connections]
	other := c.source.IsValid() && source.IsValid() && c.source != source
	if c.process != process || other || e.at.Sub(c.last).Abs() > longestConnection || begins && c.ended || len(e.pid) == 0 {
		*c = connection{process: process}
	}
	c.last = e.at
	if source.IsValid() {
		c.source = source
	}
	return c
}

// login is an event of a login that failed.
func (s *sshd) login(e *entry, source netip.Addr, count int64) (Event, bool) {
	return Event{Source: source, At: e.at, Kind: "ssh-login", Proof: history.TwoWay, Count: count}, true
}

// read tells what a line shows, if it shows anything.
func (s *sshd) read(e *entry) (Event, bool) {
	text, repeated := unmarked(e.message), int64(0)
	if rest, ok := after(text, "message repeated "); ok {
		number, inner, ok := repeatedMessage(rest)
		if !ok {
			return Event{}, false
		}
		text, repeated = inner, number
	}
	text = bytes.TrimRight(text, " ")
	text, _ = before(text, " [preauth]")
	preauth := len(text) < len(bytes.TrimRight(e.message, " "))
	text, _ = after(text, "error: ")
	text, _ = after(text, "fatal: ")
	if len(text) == 0 {
		return Event{}, false
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
		return s.notAllowed(e, text)
	case 'C', 'D', 'R', 'm', 'r', 'p':
		return s.ending(e, text, preauth)
	}
	return Event{}, false
}

// unmarked takes off what some systems put before a message: [ID 800047 auth.info] or kernel: [  970.699396]:
func unmarked(text []byte) []byte {
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

// peer reads the end of a message, A[ port P[ ssh2]], behind a mark such as " from". Only the very end counts: before it
// stands a user's name, which may look like all of this.
func (s *sshd) peer(text []byte, mark string) (rest []byte, source netip.Addr, ok bool) {
	if head, word := lastWord(text); string(word) == "ssh2" || string(word) == "ssh1" {
		text = head
		if _, port := lastWord(text); !isNumber(port) {
			return nil, source, false
		}
	}
	if head, word := lastWord(text); isNumber(word) {
		if head, ok := before(head, " port"); ok {
			text = head
		}
	}
	head, word := lastWord(text)
	if head, ok = before(head, mark); !ok {
		return nil, source, false
	}
	source, ok = s.addresses.of(word)
	return head, source, ok
}

// failed reads METHOD for [invalid user ]U from A port P ssh2[: KEY].
func (s *sshd) failed(e *entry, text []byte, repeated int64) (Event, bool) {
	method, text := firstWord(text)
	text, ok := after(text, "for ")
	if !ok {
		return Event{}, false
	}
	user, source, ok := s.tail(method, text)
	if !ok {
		return Event{}, false
	}
	_, invalid := after(user, "invalid user ")
	invalid = invalid || string(user) == "invalid user" || string(user) == "<invalid username>"
	c := s.of(e, source, true)
	switch string(method) {
	case "none": // a client asks which methods there are
		if !invalid || c.counted {
			return Event{}, false
		}
	case "publickey", "hostbased": // an honest user's keys are tried one after the other
		if !invalid && string(method) == "publickey" {
			c.due = c.due || !c.counted
			return Event{}, false
		}
		if c.counted {
			c.pending = false
			return Event{}, false
		}
	default:
		if c.pending && repeated == 0 {
			c.pending = false
			return Event{}, false
		}
	}
	c.counted, c.due, c.pending, c.byPAM = true, false, string(method) == "none", false
	return s.login(e, source, max(repeated, 1))
}

// tail takes the peer off a failed or accepted login's message. Behind it a key's fingerprint may stand; where the user's
// name could be made to look so, the line can be read in two ways and counts for nobody.
func (s *sshd) tail(method, text []byte) (user []byte, source netip.Addr, ok bool) {
	cut := bytes.Index(text, []byte(" ssh2: "))
	if cut < 0 {
		cut = bytes.Index(text, []byte(" ssh1: "))
	}
	if cut < 0 {
		return s.peer(text, " from")
	}
	key := text[cut+len(" ssh2: "):]
	if string(method) != "publickey" && string(method) != "hostbased" || bytes.Contains(key, []byte(" from ")) || bytes.Contains(key, []byte(" ssh2: ")) {
		return nil, source, false
	}
	return s.peer(text[:cut+len(" ssh2")], " from")
}

// pamFailures are what PAM's failures are called on the systems that OpenSSH runs on.
var pamFailures = [][]byte{[]byte("authentication failure"), []byte("authentication error"), []byte("permission denied"),
	[]byte("user not known to the underlying authentication module"), []byte("user account has expired"),
	[]byte("maximum number of tries exceeded"), []byte("have exhausted maximum number of retries for service")}

// pam reads Authentication failure for [illegal user ]U from A[ via B]; the Failed line of the same attempt may follow.
func (s *sshd) pam(e *entry, text []byte, repeated int64) (Event, bool) {
	i := bytes.Index(text, []byte(" for "))
	if i < 0 {
		return Event{}, false
	}
	if !slices.ContainsFunc(pamFailures, func(f []byte) bool { return bytes.EqualFold(f, text[:i]) }) {
		return Event{}, false
	}
	text = text[i+len(" for "):]
	if head, word := lastWord(text); len(word) > 0 {
		if head, ok := before(head, " via"); ok {
			if _, ok := s.addresses.of(word); ok {
				text = head
			}
		}
	}
	_, source, ok := s.peer(text, " from")
	if !ok {
		return Event{}, false
	}
	c := s.of(e, source, true)
	told := c.pending && !c.byPAM && repeated == 0 // Invalid user counted it
	c.counted, c.due, c.pending, c.byPAM = true, false, true, true
	if told {
		return Event{}, false
	}
	return s.login(e, source, max(repeated, 1))
}

// invalid reads Invalid user U from A[ port P] and Illegal user …; what it leads to is told by the next line.
func (s *sshd) invalid(e *entry, text []byte) (Event, bool) {
	rest, ok := after(text, "Invalid user ")
	if !ok {
		if rest, ok = after(text, "Illegal user "); !ok {
			return Event{}, false
		}
	}
	_, source, ok := s.peer(rest, " from")
	if !ok {
		return Event{}, false
	}
	return s.begins(e, source)
}

// begins counts an attempt whose outcome another line may tell.
func (s *sshd) begins(e *entry, source netip.Addr) (Event, bool) {
	c := s.of(e, source, true)
	if c.pending && !c.byPAM {
		return Event{}, false
	}
	c.counted, c.pending, c.byPAM = true, true, false
	return s.login(e, source, 1)
}

// notAllowed reads User U from A not allowed because WHY, and User U not allowed because account is locked.
func (s *sshd) notAllowed(e *entry, text []byte) (Event, bool) {
	rest, ok := after(text, "User ")
	i := bytes.LastIndex(rest, []byte(" not allowed because "))
	if !ok || i < 0 {
		return Event{}, false
	}
	if _, source, ok := s.peer(rest[:i], " from"); ok {
		return s.begins(e, source)
	}
	s.of(e, netip.Addr{}, true).due = true
	return Event{}, false
}

// accepted reads METHOD for U from A port P ssh2[: KEY]: honest traffic.
func (s *sshd) accepted(e *entry, text []byte) (Event, bool) {
	method, text := firstWord(text)
	text, ok := after(text, "for ")
	if !ok {
		return Event{}, false
	}
	_, source, ok := s.tail(acceptedBy(method), text)
	if !ok {
		return Event{}, false
	}
	c := s.of(e, source, true)
	*c = connection{process: c.process, source: source, last: e.at, counted: true, ended: true}
	return Event{Source: source, At: e.at, Service: "ssh", Count: 1}, true
}

// acceptedBy returns the method that decides what may stand behind the peer: a key's fingerprint behind all but passwords.
func acceptedBy(method []byte) []byte {
	if bytes.HasPrefix(method, []byte("publickey")) || bytes.HasPrefix(method, []byte("hostbased")) || bytes.HasPrefix(method, []byte("gssapi")) {
		return []byte("publickey")
	}
	return method
}
