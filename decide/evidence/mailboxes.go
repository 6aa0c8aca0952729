package evidence

import "bytes"

// isMailbox tells the servers of Cyrus, Courier and the University of Washington, which share their names.
func isMailbox(program []byte) bool {
	switch string(program) {
	case "ipop3d", "ipop3sd", courierSMTP:
		return true
	}
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

// courierSMTP is the name of Courier's server for mail.
const courierSMTP = "courieresmtpd"

// pieceOfCourier is how long the pieces are in which courierlogger passes a message on, as that of Courier 1.0 does, with a level that it
// takes off, the longest of which is WARNING, and without what syslog puts before.
const pieceOfCourier = 511

// isPieceOfCourier tells whether a line may be such a piece: it is as long, or a login without its end, whose blanks were taken off.
// Cyrus has other names, and writes whole messages.
func isPieceOfCourier(e *entry) bool {
	switch string(e.program) {
	case "imap", "imaps", "pop3", "pop3s":
		return false
	}
	return e.mayBeCut(pieceOfCourier-len("WARNING: ")) || bytes.HasPrefix(e.message, []byte("LOGIN")) && !bytes.Contains(e.message, []byte("ip=["))
}

// mailboxes reads the logins of Cyrus, of Courier, and of the University of Washington's servers.
type mailboxes struct{ addresses addresses }

func newMailboxes(Options) reader { return &mailboxes{addresses{}} }

// read implements reader:
//
//	badlogin: HOST [A] METHOD …      login: HOST [A] USER …             Cyrus; HOST was looked up
//	LOGIN FAILED, user=U, ip=[A]…    LOGIN, user=U, ip=[A], …           Courier
//	error,relay=A[,port=N],…: 550 User unknown. error,relay=A[,port=N],msg="535 Authentication failed.",cmd: …
//	Login failed user=U auth=U host=HOST [A]                            University of Washington
func (m *mailboxes) read(e *entry) bool {
	if string(e.program) == courierSMTP {
		return m.courierMail(e)
	}
	if rest, ok := after(e.message, "Login failed user="); ok {
		rest, ok = before(rest, "]")
		i := bytes.LastIndexByte(rest, '[')
		if !ok || i < 1 || rest[i-1] != ' ' && rest[i-1] != '=' {
			return false
		}
		source, ok := m.addresses.of(rest[i+1:])
		return hostile(e, "mail-login", source, ok)
	}
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
				return false
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
		return false
	}
	i := lastIndex(e.message, ", ip=[") // before it stands the user's name
	if i < 0 {
		return false
	}
	rest := e.message[i+len(", ip=["):]
	j := bytes.IndexByte(rest, ']')
	if j < 0 {
		return false
	}
	source, ok := m.addresses.of(rest[:j])
	if failed {
		return hostile(e, "mail-login", source, ok)
	}
	return honest(e, service, source, ok)
}

// courierMail reads what Courier's server for mail refused. The address comes before anything that the client said.
func (m *mailboxes) courierMail(e *entry) bool {
	rest, ok := after(e.message, "error,relay=")
	word, rest, _ := bytes.Cut(rest, []byte(","))
	source, known := m.addresses.of(word)
	if port, is := after(rest, "port="); is {
		_, rest, _ = bytes.Cut(port, []byte(","))
	}
	switch {
	case !ok || !known:
		return false
	case bytes.HasPrefix(rest, []byte(`msg="535 Authentication failed`)), bytes.HasPrefix(rest, []byte(`msg="535 Authentication rejected`)):
		return hostile(e, "mail-login", source, true)
	case bytes.HasSuffix(rest, []byte(": 550 User unknown.")), bytes.HasPrefix(rest, []byte(`msg="550 User unknown`)):
		return hostile(e, "scan", source, true)
	}
	return false
}
