package evidence

import "bytes"

// isMailbox tells the servers of Cyrus and Courier, which share their names.
func isMailbox(program []byte) bool {
	for _, name := range []string{"imap", "pop3", "courierimap", "courierpop3"} {
		if rest, ok := after(program, name); ok {
			switch string(rest) {
			case "", "s", "d", "d-ssl", "login":
				return true
			}
		}
	}
	return false
}

// mailboxes reads the logins of Cyrus and of Courier.
type mailboxes struct{ addresses addresses }

func newMailboxes(Options) reader { return &mailboxes{addresses{}} }

// read implements reader:
//
//	badlogin: HOST [A] METHOD …      login: HOST [A] USER …             Cyrus; HOST was looked up
//	LOGIN FAILED, user=U, ip=[A]…    LOGIN, user=U, ip=[A], …           Courier
func (m *mailboxes) read(e *entry) (Event, bool) {
	service := "imap"
	if bytes.Contains(e.program, []byte("pop3")) {
		service = "pop3"
	}
	for _, c := range []struct {
		lead string
		good bool
	}{{"badlogin: ", false}, {"login: ", true}} {
		if rest, ok := after(e.message, c.lead); ok {
			i, j := bytes.IndexByte(rest, '['), bytes.IndexByte(rest, ']')
			if i < 0 || j < i {
				return Event{}, false
			}
			source, ok := m.addresses.of(rest[i+1 : j])
			if c.good {
				return honest(e, service, source, ok)
			}
			return hostile(e, "mail-login", source, ok)
		}
	}
	failed := bytes.HasPrefix(e.message, []byte("LOGIN FAILED, "))
	if !failed && !bytes.HasPrefix(e.message, []byte("LOGIN, ")) {
		return Event{}, false
	}
	i := bytes.LastIndex(e.message, []byte(", ip=[")) // before it stands the user's name
	if i < 0 {
		return Event{}, false
	}
	rest := e.message[i+len(", ip=["):]
	j := bytes.IndexByte(rest, ']')
	if j < 0 {
		return Event{}, false
	}
	source, ok := m.addresses.of(rest[:j])
	if failed {
		return hostile(e, "mail-login", source, ok)
	}
	return honest(e, service, source, ok)
}
