package evidence

import (
	"bytes"
	"encoding/json"

	"lastresort/decide/history"
)

// fail2banLine takes a line of fail2ban's own log apart: TIME fail2ban.MODULE  [PID]: LEVEL  MESSAGE. Its times are those of
// the machine's zone. What fail2ban says in syslog is left alone: it stands beside the very lines that it was made of.
func fail2banLine(c *clock, line []byte, e *entry) bool {
	if len(line) < 40 || line[4] != '-' {
		return false
	}
	at, rest, ok := c.time(line)
	name, rest := firstWord(rest)
	if !ok || !bytes.HasPrefix(name, []byte("fail2ban.")) {
		return false
	}
	name, colon := before(name, ":") // versions before 0.9 name no process
	if !colon {
		rest = space(rest)
		i := bytes.Index(rest, []byte("]: "))
		if i < 2 || rest[0] != '[' || !isNumber(rest[1:i]) {
			return false
		}
		rest = rest[i+3:]
	}
	e.fields = fields{at: at, program: name, message: rest}
	return true
}

func isFail2ban(program []byte) bool {
	return string(program) == "fail2ban.filter" || string(program) == "fail2ban.actions"
}

// fail2ban reads the failures that fail2ban found, and where its log leaves them out, the bans that came of them. It saw them
// in a log that may be read here too: whoever reads both counts them twice.
type fail2ban struct {
	addresses addresses
	found     bool // the log tells failures, so that bans are no news
}

func newFail2ban(Options) reader { return &fail2ban{addresses: addresses{}} }

// save implements rememberer.
func (f *fail2ban) save() json.RawMessage {
	if !f.found {
		return nil
	}
	return json.RawMessage("true")
}

// resume implements rememberer.
func (f *fail2ban) resume(text json.RawMessage) { f.found = string(text) == "true" }

// read reads INFO [JAIL] Found ADDRESS - TIME and NOTICE [JAIL] Ban ADDRESS. Restore Ban, Unban and already banned tell nothing
// new. A line of syslog names a host.
func (f *fail2ban) read(e *entry) bool {
	if len(e.host) > 0 {
		return false
	}
	level, rest := firstWord(e.message)
	rest, ok := after(space(rest), "[")
	i := bytes.IndexByte(rest, ']')
	if !ok || i < 0 {
		return false
	}
	jail, what := rest[:i], rest[i+1:]
	var address []byte
	switch {
	case string(level) == "INFO" && string(e.program) == "fail2ban.filter":
		if address, ok = after(what, " Found "); ok {
			f.found = true
			if i := bytes.Index(address, []byte(" - ")); i >= 0 {
				address = address[:i]
			}
		}
	case (string(level) == "NOTICE" || string(level) == "WARNING") && string(e.program) == "fail2ban.actions":
		if address, ok = after(what, " Ban "); ok && f.found {
			return false
		}
	default:
		return false
	}
	source, known := f.addresses.of(address)
	kind, proof, counts := JailKind(string(jail))
	if !ok || !known || !counts || source.IsLoopback() {
		return false
	}
	return e.show(source, kind, "", proof, 1)
}

// JailKind returns what a failure in one of fail2ban's jails is a sighting of, by the names under which fail2ban delivers them,
// and with what proof: where a login or request was answered, two-way. Of another jail nobody knows what it watches: a scan, one-way.
// It is false for the jail that reads fail2ban's own log.
func JailKind(jail string) (kind string, proof history.Proof, counts bool) {
	if jail == "recidive" {
		return "", "", false
	}
	if kind, ok := jailKinds[jail]; ok {
		return kind, history.TwoWay, true
	}
	return "scan", history.OneWay, true
}

// jailKinds are the jails of fail2ban's jail.conf (1.1) that watch what is spoken over TCP and whose failures are hostile by
// themselves, and the names that Debian gave to some of them before.
var jailKinds = map[string]string{
	"sshd": "ssh-login", "sshd-ddos": "ssh-login", "ssh": "ssh-login", "ssh-ddos": "ssh-login", "selinux-ssh": "ssh-login", "dropbear": "ssh-login",
	"postfix-sasl": "mail-login", "sasl": "mail-login", "dovecot": "mail-login", "sieve": "mail-login", "cyrus-imap": "mail-login", "courier-auth": "mail-login",
	"uwimap-auth": "mail-login", "solid-pop3d": "mail-login", "perdition": "mail-login", "kerio": "mail-login", "sendmail-auth": "mail-login",
	"exim-spam": "spam", "vsftpd": "ftp-login", "proftpd": "ftp-login", "pure-ftpd": "ftp-login", "wuftpd": "ftp-login", "gssftpd": "ftp-login",
	"apache-auth": "web-login", "nginx-http-auth": "web-login", "lighttpd-auth": "web-login", "haproxy-http-auth": "web-login", "traefik-auth": "web-login",
	"phpmyadmin-syslog": "web-login", "roundcube-auth": "web-login", "sogo-auth": "web-login", "drupal-auth": "web-login", "gitlab": "web-login", "grafana": "web-login",
	"apache-badbots": "web-probe", "apache-botsearch": "web-probe", "apache-noscript": "web-probe", "apache-nohome": "web-probe", "apache-fakegooglebot": "web-probe",
	"nginx-botsearch": "web-probe", "nginx-bad-request": "web-probe",
	"apache-overflows": "web-exploit", "apache-shellshock": "web-exploit", "apache-modsecurity": "web-exploit", "php-url-fopen": "web-exploit", "suhosin": "web-exploit",
}
