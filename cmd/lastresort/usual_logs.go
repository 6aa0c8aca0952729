package main

import (
	"io/fs"
	"slices"
)

// onePlace are where distributions put what we read; of each row the first that is there, for its others repeat the same
// lines.
var onePlace = [][]string{
	{"/var/log/auth.log", "/var/log/secure", "/var/log/messages"},
	{"/var/log/ufw.log", "/var/log/firewall", "/var/log/kern.log", "/var/log/syslog", "/var/log/messages"},
	{"/var/log/mail.log", "/var/log/maillog", "/var/log/mail", "/var/log/syslog", "/var/log/messages"},
	{"/var/log/dovecot-info.log", "/var/log/dovecot.log"},
	{"/var/log/exim4/mainlog", "/var/log/exim/main.log", "/var/log/exim/mainlog"},
	{"/var/log/vsftpd.log"},
	{"/var/log/proftpd/proftpd.log", "/var/log/proftpd.log"},
	{"/var/log/suricata/eve.json"},
	{"/opt/zeek/logs/current/ssh.log", "/var/log/zeek/current/ssh.log", "/usr/local/zeek/logs/current/ssh.log"},
	{"/opt/zeek/logs/current/notice.log", "/var/log/zeek/current/notice.log", "/usr/local/zeek/logs/current/notice.log"},
}

// everyPlace are where web servers put the logs of each site.
var everyPlace = []string{"/var/log/nginx/*access.log", "/var/log/nginx/*error.log", "/var/log/apache2/*access.log", "/var/log/apache2/*error.log",
	"/var/log/apache2/*access_log", "/var/log/apache2/*error_log", "/var/log/httpd/*access_log", "/var/log/httpd/*error_log", "/var/log/caddy/*access.log", "/var/log/traefik/*access.log"}

// usualLogs returns the logs in the usual places of a machine, each once, in the order in which places are looked through.
func usualLogs(root fs.FS) []string {
	var out []string
	add := func(path string) {
		if !slices.Contains(out, path) {
			out = append(out, path)
		}
	}
	for _, places := range onePlace {
		for _, path := range places {
			if info, err := fs.Stat(root, path[1:]); err == nil && !info.IsDir() {
				add(path)
				break
			}
		}
	}
	for _, pattern := range everyPlace {
		found, err := fs.Glob(root, pattern[1:])
		if err != nil {
			continue // the patterns are good
		}
		for _, path := range found {
			add("/" + path)
		}
	}
	return out
}

func allUsual() []string {
	var out []string
	for _, places := range onePlace {
		out = append(out, places...)
	}
	slices.Sort(out)
	return append(slices.Compact(out), everyPlace...)
}
