package evidence

import (
	"bytes"
	"net/netip"
	"slices"
)

// isDovecot tells dovecot's own processes: in syslog they are one program, in its own log files each has its name.
func isDovecot(program []byte) bool {
	if string(program) == "dovecot" || string(program) == "dovecot-auth" || string(program) == "auth" || bytes.HasSuffix(program, []byte("-login")) {
		return true
	}
	for _, lead := range []string{"auth(", "auth-worker(", "auth-worker"} {
		if _, ok := after(program, lead); ok {
			return true
		}
	}
	return false
}

// dovecot reads logins, good and failed. Of one attempt PAM, the authentication and the login process may write.
type dovecot struct {
	addresses addresses
	elsewhere bool // it writes into a log that is read too
	retold
}

func newDovecot(o Options) reader {
	return &dovecot{addresses{}, slices.Contains(o.Elsewhere, "dovecot"), o.retold}
}

// failed is attempts of which others may tell too.
func (d *dovecot) failed(e *entry, source netip.Addr, by int, attempts int64) bool {
	n := d.news(source, by, attempts, e.at.Unix())
	if n == 0 || !hostile(e, "mail-login", source, true) {
		return false
	}
	e.shows.Count = n
	return true
}

// services are the processes that clients talk to, and the services that they serve.
var services = []struct{ process, service string }{
	{"imap-login", "imap"}, {"pop3-login", "pop3"}, {"submission-login", "submission"}, {"managesieve-login", "imap"},
}

// read implements reader.
func (d *dovecot) read(e *entry) bool {
	process, text := e.program, e.message
	if string(process) == "dovecot" {
		text, _ = after(text, "dovecot: ")
		if name, rest, ok := bytes.Cut(text, []byte(": ")); ok && bytes.IndexByte(name, ' ') < 0 {
			process, text = name, rest
		}
	}
	if inner, ok := after(process, "auth("); ok { // what is in it is a client's choice, but for the name that version 1 gave it
		old := string(inner) == "default)" && bytes.Count(text, []byte("): ")) == 1 && !bytes.Contains(text, []byte(")<"))
		if !old {
			return d.named(e, inner, text)
		}
	}
	if _, ok := after(text, "Debug: "); ok { // it repeats what clients send
		return false
	}
	text, _ = after(text, "Info: ")
	if rest, ok := after(text, "pam_unix(dovecot:auth): "); ok {
		source, ok := d.addresses.pamFailure(rest)
		return ok && !d.elsewhere && d.failed(e, source, toldByPAM, 1)
	}
	for _, s := range services {
		if string(process) == s.process {
			return d.login(e, text, s.service)
		}
	}
	if bytes.HasPrefix(process, []byte("auth")) {
		return d.authentication(e, process, text)
	}
	return false
}

// login reads REASON (WHAT): user=<U>, method=M, rip=A, lip=B, …. The user's name may look like all of this, so the last rip
// counts: behind it dovecot itself writes.
func (d *dovecot) login(e *entry, text []byte, service string) bool {
	i := lastIndex(text, "rip=")
	if i < 2 || text[i-1] != ' ' {
		return false
	}
	word := text[i+len("rip="):]
	if j := bytes.IndexByte(word, ','); j >= 0 {
		word = word[:j]
	}
	source, ok := d.addresses.of(word)
	if !ok {
		return false
	}
	reason := text[:i]
	if j := bytes.Index(reason, []byte(": user=<")); j >= 0 {
		reason = reason[:j]
	}
	for _, good := range []string{"Login: user=<", "Logged in: user=<"} { // the second since 2.4
		if _, ok := after(text, good); ok {
			return honest(e, service, source, true)
		}
	}
	if n := lastIndex(reason, "(auth failed, "); n >= 0 {
		attempts := int64(1)
		if word, _ := firstWord(reason[n+len("(auth failed, "):]); len(word) < 4 {
			if times, ok := number(word); ok {
				attempts = max(times, 1)
			}
		}
		return d.failed(e, source, toldAtEnd, attempts)
	}
	for _, what := range []string{"(tried to use disabled ", "(tried to use disallowed ", "(proxy dest auth failed)", "(auth failed)"} {
		if bytes.Contains(reason, []byte(what)) {
			return hostile(e, "mail-login", source, true)
		}
	}
	return false
}

// The ends of what the authentication says of a login that failed.
var authFailures = []string{"unknown user", "Password mismatch", "invalid credentials", "pam_authenticate() failed: "}

// authentication reads [conn …: auth-worker<N>: ]DATABASE(USER,ADDRESS[,<SESSION>]): WHY, or the user and the address in the
// process's own name. The user's name comes before the address and may hold brackets and commas; behind it, where that is why
// he was refused.
func (d *dovecot) authentication(e *entry, process, text []byte) bool {
	if rest, ok := after(text, "conn "); ok {
		if _, rest, ok = bytes.Cut(rest, []byte(": auth-worker<")); !ok {
			return false
		}
		_, text, _ = bytes.Cut(rest, []byte(">: "))
	}
	at, found := -1, 0
	for _, why := range authFailures {
		mark := []byte("): " + why)
		if i := bytes.Index(text, mark); i >= 0 {
			at = i
			found += bytes.Count(text, mark)
		}
	}
	if found == 1 && !bytes.Contains(text[:at], []byte("): ")) { // else what it says begins before, and this is in a name
		return d.inside(e, text[:at])
	}
	return false // of more than one all but one are a name
}

// named reads a process's name, USER,ADDRESS[,WHAT])[<SESSION>], whose text tells a failure. Where the user's name ended it
// early, its end stands in the text.
func (d *dovecot) named(e *entry, inner, text []byte) bool {
	if bytes.Contains(text, []byte(")<")) || bytes.Contains(text, []byte("): ")) {
		return false
	}
	if whole, session := before(inner, ">"); session {
		i := lastIndex(whole, ")<")
		if i < 0 {
			return false
		}
		inner = whole[:i]
	} else if inner, session = before(inner, ")"); !session {
		return false
	}
	for _, why := range authFailures {
		if bytes.Contains(text, []byte(why)) {
			return d.inside(e, inner)
		}
	}
	return false
}

// inside finds the address in USER,ADDRESS[,WHAT]: the last or the one before the last of the parts.
func (d *dovecot) inside(e *entry, text []byte) bool {
	var source netip.Addr
	for range 2 {
		i := bytes.LastIndexByte(text, ',')
		if i < 0 {
			break
		}
		if a, ok := d.addresses.of(text[i+1:]); ok {
			source = a
			break
		}
		text = text[:i]
	}
	return source.IsValid() && d.failed(e, source, toldByAuth, 1)
}
