package evidence

import (
	"bytes"
	"slices"
)

func isVsftpd(program []byte) bool {
	return string(program) == "vsftpd" || string(program) == "vsftpd(pam_unix)"
}

// vsftpdLine takes a line of vsftpd's own log apart: WEEKDAY TIME YEAR [pid N] MESSAGE.
func vsftpdLine(c *clock, line []byte, e *entry) bool {
	at, rest, ok := c.time(line)
	rest, pid := after(rest, "[pid ")
	i := bytes.Index(rest, []byte("] "))
	if !ok || !pid || i < 0 || !isNumber(rest[:i]) {
		return false
	}
	e.fields = fields{at: at, pid: rest[:i], message: rest[i+2:]}
	return true
}

// vsftpd reads logins.
type vsftpd struct {
	addresses addresses
	elsewhere bool // it writes into a log that is read too
}

func newVsftpd(o Options) reader { return &vsftpd{addresses{}, slices.Contains(o.Elsewhere, "vsftpd")} }

// read reads [USER] FAIL LOGIN: Client "A"[, "WHY"] and [USER] OK LOGIN: …; before the
// address stands the user's name, behind it what the client sent. In syslog it is pam that tells.
func (v *vsftpd) read(e *entry) bool {
	text := e.message
	if text[0] != '[' {
		if rest, ok := after(text, "pam_unix(vsftpd:auth): "); ok {
			text = rest
		}
		text, _ = after(text, "(pam_unix) ")
		source, ok := v.addresses.pamFailure(text)
		return hostile(e, "ftp-login", source, ok && !v.elsewhere)
	}
	if bytes.Count(text, []byte(`: Client "`)) != 1 { // one of them stands in a name, or in what a client sent
		return false
	}
	for _, c := range []struct {
		mark string
		good bool
	}{{`] FAIL LOGIN: Client "`, false}, {`] FTP response: Client "`, false}, {`] OK LOGIN: Client "`, true}} {
		i := lastIndex(text, c.mark)
		if i < 0 {
			continue
		}
		rest := text[i+len(c.mark):]
		n := bytes.IndexByte(rest, '"')
		if n < 0 {
			return false
		}
		source, ok := v.addresses.of(rest[:n])
		if _, answer := after([]byte(c.mark), "] FTP"); answer { // who isn't on the list of users isn't asked for a password
			ok = ok && bytes.Equal(rest[n:], []byte(`", "530 Permission denied."`))
		}
		if !c.good {
			return hostile(e, "ftp-login", source, ok)
		}
		anonymous := bytes.Equal(text[1:i], []byte("ftp")) || bytes.Equal(text[1:i], []byte("anonymous"))
		return honest(e, "ftp", source, ok && !anonymous)
	}
	return false
}

func isProftpd(program []byte) bool { return string(program) == "proftpd" }

// proftpdLine takes a line apart that has no colon behind the program: TIME HOST proftpd[PID] MESSAGE.
func proftpdLine(c *clock, line []byte, e *entry) bool {
	at, rest, ok := c.time(line)
	if !ok {
		return false
	}
	host, rest := firstWord(rest)
	rest, named := after(rest, "proftpd[")
	i := bytes.Index(rest, []byte("] "))
	if !named || i < 0 || !isNumber(rest[:i]) || !isHost(host) {
		return false
	}
	e.fields = fields{at: at, host: host, pid: rest[:i], message: rest[i+2:]}
	return true
}

// proftpd reads logins.
type proftpd struct {
	addresses addresses
	own       bool // the last line was of a log of its own
}

func newProftpd(Options) reader { return &proftpd{addresses: addresses{}} }

// raw implements doubter: in a log of its own proftpd writes a user's name as it came, with its line ends.
func (p *proftpd) raw() (is, alone bool) { return p.own, true }

// read reads SERVER (HOST[A])[:] [- ]MESSAGE. Nothing of a client's choice stands before its address.
func (p *proftpd) read(e *entry) bool {
	p.own = len(e.program) == 0
	if rest, ok := after(e.message, "refused connect from "); ok { // by libwrap
		source, ok := p.addresses.refused(rest)
		return hostile(e, "ftp-login", source, ok)
	}
	i := bytes.Index(e.message, []byte("])"))
	server := bytes.IndexByte(e.message, '(')
	if i < 0 || server < 1 || bytes.IndexByte(e.message[:server], ' ') != server-1 { // PAM's, for one, holds a name before
		return false
	}
	open := bytes.LastIndexByte(e.message[:i], '[')
	if open < server || i+2 < len(e.message) && e.message[i+2] != ':' && e.message[i+2] != ' ' {
		return false
	}
	source, ok := p.addresses.of(e.message[open+1 : i])
	text, _ := after(e.message[i+2:], ":")
	text = bytes.TrimLeft(text, " -")
	switch {
	case bytes.HasPrefix(text, []byte("SECURITY VIOLATION: ")), bytes.HasPrefix(text, []byte("Maximum login attempts (")):
		return hostile(e, "ftp-login", source, ok)
	case !bytes.HasPrefix(text, []byte("USER ")):
		return false
	case bytes.HasSuffix(bytes.TrimRight(text, " ."), []byte(": Login successful")):
		return honest(e, "ftp", source, ok && !e.mayBeCut(cutByRelay)) // else a name may have been cut off here
	case bytes.Contains(text, []byte("(Login failed)")), bytes.Contains(text, []byte(": no such user found")), bytes.HasSuffix(text, []byte(": no such user")):
		return hostile(e, "ftp-login", source, ok)
	}
	return false
}
