package evidence

import (
	"bytes"
	"time"
)

func isDropbear(program []byte) bool { return string(program) == "dropbear" }

// dropbearLine takes apart what dropbear -E writes: [PID] TIME MESSAGE.
func dropbearLine(c *clock, line []byte, e *entry) bool {
	rest, ok := after(line, "[")
	i := bytes.IndexByte(rest, ']')
	if !ok || i < 1 || !isNumber(rest[:i]) {
		return false
	}
	at, message, ok := c.time(space(rest[i+1:]))
	e.fields = fields{at: at, pid: rest[:i], message: message}
	return ok && len(message) > 0
}

// dropbear reads what the small SSH server of routers says.
type dropbear struct{ addresses addresses }

func newDropbear(Options) reader { return &dropbear{addresses{}} }

// read implements reader. The name of a user is quoted and may hold anything, so only the end of a line is looked at, or
// what stands before any name.
func (d *dropbear) read(e *entry) bool {
	text := e.message
	if rest, ok := after(text, "["); ok { // some builds put the process and the time before the message once more
		if i := bytes.IndexByte(rest, ']'); i > 0 && isNumber(rest[:i]) && len(rest) > i+len("] ")+len(time.Stamp)+len(" ") {
			text = rest[i+len("] ")+len(time.Stamp)+len(" "):]
		}
	}
	if rest, ok := after(text, "Exit before auth from <"); ok {
		i := bytes.IndexByte(rest, '>')
		if i < 0 || !bytes.Contains(rest[i:], []byte("Max auth tries reached")) {
			return false
		}
		source, ok := d.addresses.withPort(rest[:i])
		return hostile(e, "ssh-login", source, ok)
	}
	head, word := lastWord(text)
	head, from := before(head, " from")
	source, ok := d.addresses.withPort(word)
	if !from || !ok {
		return false
	}
	switch {
	case startsFold(head, "bad password attempt for "), startsFold(head, "login attempt for nonexistent user"),
		startsFold(head, "bad pam password attempt for "), bytes.HasPrefix(head, []byte("Exit before auth (")) && bytes.Contains(head, []byte("Max auth tries reached")):
		return hostile(e, "ssh-login", source, true)
	case startsFold(head, "password auth succeeded for "), startsFold(head, "pubkey auth succeeded for "), startsFold(head, "pam password auth succeeded for "):
		return honest(e, "ssh", source, true)
	}
	return false
}
