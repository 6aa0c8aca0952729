package evidence

import "encoding/json"

// format is one form of log. A new one is one file with its reader, and one line in formats.
type format struct {
	name    string
	program func(name []byte) bool                     // whether a program's syslog lines are for it; nil for none
	line    func(c *clock, line []byte, e *entry) bool // takes a line of its own apart that isn't syslog's; nil for none
	first   func(c *clock, line []byte, e *entry) bool // is line for those that no other form can have, and tried before all; nil for none
	open    func(Options) reader
}

// formats are all forms that are known. Most stand in syslog lines, which are taken apart once for all.
var formats = []format{
	{"sshd", isSshd, nil, nil, newSshd},
	{"netfilter", isKernel, nil, nil, newNetfilter},
	{"dropbear", isDropbear, nil, nil, newDropbear},
	{"postfix", isPostfix, nil, nil, newPostfix},
	{"dovecot", isDovecot, nil, nil, newDovecot},
	{"exim", isExim, eximLine, nil, newExim},
	{"sendmail", isSendmail, nil, nil, newSendmail},
	{"mailboxes", isMailbox, nil, nil, newMailboxes},
	{"access", isWebServer, accessLine, requestOf, newAccess},
	{"proxy-manager", nil, proxyManagerLine, nil, newProxyManager},
	{"suricata", nil, suricataLine, nil, newSuricata},
	{"zeek", nil, zeekLine, nil, newZeek},
	{"access-json", isJSONServer, accessJSONLine, nil, newAccessJSON},
	{"apache-error", isApache, apacheLine, apacheLine, newApacheError},
	{"nginx-error", nil, nginxLine, nginxLine, newNginxError},
	{"vsftpd", isVsftpd, vsftpdLine, nil, newVsftpd},
	{"proftpd", isProftpd, proftpdLine, nil, newProftpd},
	{"fail2ban", isFail2ban, fail2banLine, nil, newFail2ban},
}

// reader reads the lines of one form, from the first to the last of a log, with a memory of its own that is bounded.
type reader interface {
	// read tells what a line shows, if it shows anything. The line is gone when it returns.
	read(e *entry) bool
}

// rememberer is a reader that must know the next time what it knew at the end of the last, lest an attempt whose lines came
// partly before and partly after count twice.
type rememberer interface {
	// save returns what it knows, a few KB of JSON at most; nil for nothing.
	save() json.RawMessage
	// resume takes it up again. What it can't read it ignores.
	resume(json.RawMessage)
}

// puzzler is a reader that may not understand a line which its form's header is right for.
type puzzler interface {
	// puzzled tells whether the last line was such a one.
	puzzled() bool
}

// Formats lists the names of the forms of log that are known.
func Formats() []string {
	var out []string
	for _, f := range formats {
		out = append(out, f.name)
	}
	return out
}

// save returns what the readers that remember know, by form.
func (d *digest) save() map[string]json.RawMessage {
	var out map[string]json.RawMessage
	for i, f := range formats {
		r, ok := d.readers[i].(rememberer)
		if !ok {
			continue
		}
		if text := r.save(); text != nil {
			if out == nil {
				out = map[string]json.RawMessage{}
			}
			out[f.name] = text
		}
	}
	return out
}

// resume gives the readers back what they knew.
func (d *digest) resume(state map[string]json.RawMessage) {
	for i, f := range formats {
		if r, ok := d.readers[i].(rememberer); ok && state[f.name] != nil {
			r.resume(state[f.name])
		}
	}
}
