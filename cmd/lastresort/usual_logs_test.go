package main

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/decide"
)

func TestUsualLogs(t *testing.T) {
	machine := func(paths ...string) fstest.MapFS {
		out := fstest.MapFS{}
		for _, p := range paths {
			path, empty := strings.CutPrefix(p, "empty ")
			out[path] = &fstest.MapFile{Data: []byte("x\n")}
			if empty {
				out[path] = &fstest.MapFile{}
			}
		}
		return out
	}
	for _, c := range []struct {
		name    string
		on      fstest.MapFS
		want    []string
		skipped []string
	}{
		{"Debian with a web server", machine("var/log/auth.log", "var/log/kern.log", "var/log/mail.log", "var/log/syslog", "var/log/nginx/access.log", "var/log/nginx/shop.access.log", "var/log/nginx/error.log", "var/log/nginx/access.log.1"),
			[]string{"/var/log/auth.log", "/var/log/kern.log", "/var/log/mail.log", "/var/log/nginx/access.log", "/var/log/nginx/shop.access.log"}, []string{"/var/log/nginx/error.log"}},
		{"RHEL", machine("var/log/secure", "var/log/messages", "var/log/maillog", "var/log/httpd/access_log", "var/log/httpd/ssl_access_log", "var/log/httpd/error_log"),
			[]string{"/var/log/secure", "/var/log/messages", "/var/log/maillog", "/var/log/httpd/access_log", "/var/log/httpd/ssl_access_log"}, []string{"/var/log/httpd/error_log"}},
		{"openSUSE", machine("var/log/messages", "var/log/mail", "var/log/firewall", "var/log/apache2/access_log", "var/log/apache2/error_log"),
			[]string{"/var/log/messages", "/var/log/firewall", "/var/log/mail", "/var/log/apache2/access_log"}, []string{"/var/log/apache2/error_log"}},
		{"no log of requests", machine("var/log/nginx/error.log", "empty var/log/nginx/access.log", "var/log/httpd/error_log"),
			[]string{"/var/log/nginx/access.log", "/var/log/nginx/error.log", "/var/log/httpd/error_log"}, nil},
		{"one that was rotated just now", machine("var/log/nginx/error.log", "empty var/log/nginx/access.log", "var/log/nginx/access.log.1"),
			[]string{"/var/log/nginx/access.log"}, []string{"/var/log/nginx/error.log"}},
		{"Alpine", machine("var/log/messages", "var/log/nginx/access.log", "var/log/nginx/error.log"), []string{"/var/log/messages", "/var/log/nginx/access.log"}, []string{"/var/log/nginx/error.log"}},
		{"Debian without rows of its own for mail", machine("var/log/auth.log", "var/log/syslog"), []string{"/var/log/auth.log", "/var/log/syslog"}, nil},
		{"sensors", machine("var/log/suricata/eve.json", "opt/zeek/logs/current/ssh.log", "opt/zeek/logs/current/notice.log"),
			[]string{"/var/log/suricata/eve.json", "/opt/zeek/logs/current/ssh.log", "/opt/zeek/logs/current/notice.log"}, nil},
		{"Zeek with nothing to write just now", machine("opt/zeek/logs/current/conn.log", "opt/zeek/logs/2026-11-01/ssh.10:00:00-11:00:00.log.gz", "opt/zeek/logs/2026-11-01/notice.txt"),
			[]string{"/opt/zeek/logs/current/ssh.log"}, nil},
		{"Zeek that was given up", machine("opt/zeek/logs/current/conn.log", "opt/zeek/logs/2026-09-01/ssh.10:00:00-11:00:00.log.gz"), nil, nil},
		{"one log for all", machine("var/log/messages"), []string{"/var/log/messages"}, nil},
		{"a directory of the name", machine("var/log/mail/old", "var/log/exim4/mainlog"), []string{"/var/log/exim4/mainlog"}, nil},
		{"nothing", machine("etc/passwd"), nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, skipped := usualLogs(c.on, time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC))
			if diff := cmp.Diff(c.want, found); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.skipped, skipped); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestElsewhere: where PAM tells of logins too, only a service's own log counts, if it is read.
func TestElsewhere(t *testing.T) {
	logs := func(paths ...string) (out []decide.Log) {
		for _, p := range paths {
			out = append(out, decide.Log{Path: p})
		}
		return out
	}
	for _, c := range []struct {
		logs []decide.Log
		path string
		want []string
	}{
		{logs("/var/log/auth.log", "/var/log/mail.log", "/var/log/vsftpd.log"), "/var/log/auth.log", []string{"dovecot", "vsftpd"}},
		{logs("/var/log/auth.log", "/var/log/mail.log"), "/var/log/mail.log", nil},
		{logs("/var/log/secure", "/var/log/dovecot.log"), "/var/log/secure", []string{"dovecot"}},
		{logs("/var/log/messages"), "/var/log/messages", nil},
		{logs("journal", "/var/log/vsftpd.log"), "journal", []string{"vsftpd"}},
		{nil, "/var/log/auth.log", nil},
	} {
		if diff := cmp.Diff(c.want, elsewhere(c.logs, c.path)); diff != "" {
			t.Errorf("%s of %v: %s", c.path, c.logs, diff)
		}
	}
}
