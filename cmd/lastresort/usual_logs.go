package main

import (
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"lastresort/decide"
	"lastresort/decide/evidence"
)

// ownPlaces are where those write that let PAM write of their logins too, into another log.
var ownPlaces = map[string][]string{
	"dovecot": slices.Concat(mailPlaces, dovecotPlaces),
	"vsftpd":  vsftpdPlaces,
}

// elsewhere returns the services whose own log is another one of some that are read.
func elsewhere(logs []decide.Log, path string) []string {
	var out []string
	for service, places := range ownPlaces {
		if slices.Contains(places, path) {
			continue
		}
		if slices.ContainsFunc(logs, func(l decide.Log) bool { return slices.Contains(places, l.Path) }) {
			out = append(out, service)
		}
	}
	slices.Sort(out)
	return out
}

var (
	authPlaces    = []string{"/var/log/auth.log", "/var/log/secure", "/var/log/messages"}
	mailPlaces    = []string{"/var/log/mail.log", "/var/log/maillog", "/var/log/mail", "/var/log/syslog", "/var/log/messages"}
	dovecotPlaces = []string{"/var/log/dovecot-info.log", "/var/log/dovecot.log"}
	vsftpdPlaces  = []string{"/var/log/vsftpd.log"}
)

// onePlace are where distributions put what we read; of each row the first that is there, for its others repeat the same
// lines.
var onePlace = [][]string{
	authPlaces,
	{"/var/log/ufw.log", "/var/log/firewall", "/var/log/kern.log", "/var/log/syslog", "/var/log/messages"},
	mailPlaces,
	dovecotPlaces,
	{"/var/log/exim4/mainlog", "/var/log/exim/main.log", "/var/log/exim/mainlog"},
	vsftpdPlaces,
	{"/var/log/proftpd/proftpd.log", "/var/log/proftpd.log"},
	{"/var/log/suricata/eve.json"},
	{"/opt/zeek/logs/current/ssh.log", "/var/log/zeek/current/ssh.log", "/usr/local/zeek/logs/current/ssh.log"},
	{"/opt/zeek/logs/current/notice.log", "/var/log/zeek/current/notice.log", "/usr/local/zeek/logs/current/notice.log"},
}

// webServers are where web servers put the logs of each site: of requests, and of errors, which tell of the same requests once more
// and, in nginx's, in words that may be a client's own. So these are read only where no log of requests is beside them.
var webServers = []struct {
	requests, errors []string
}{
	{[]string{"/var/log/nginx/*access.log"}, []string{"/var/log/nginx/*error.log"}},
	{[]string{"/var/log/apache2/*access.log", "/var/log/apache2/*access_log"}, []string{"/var/log/apache2/*error.log", "/var/log/apache2/*error_log"}},
	{[]string{"/var/log/httpd/*access_log"}, []string{"/var/log/httpd/*error_log"}},
	{[]string{"/var/log/lighttpd/*access.log"}, nil},
	{[]string{"/var/log/caddy/*access.log"}, nil},
	{[]string{"/var/log/traefik/*access.log"}, nil},
}

// usualLogs returns the logs in the usual places of a machine, each once, in the order in which places are looked through, and
// those that are left out for others beside them.
func usualLogs(root fs.FS, at time.Time) (found, skipped []string) {
	add := func(path string) {
		if !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	for _, places := range onePlace {
		for _, path := range places {
			if isThere(root, path, at) {
				add(path)
				break
			}
		}
	}
	for _, server := range webServers {
		lines := false
		for _, path := range globs(root, server.requests) {
			info, err := fs.Stat(root, path[1:])
			lines = lines || err == nil && info.Size() > 0 || len(globs(root, []string{path + "?*"})) > 0 // rotated just now
			add(path)
		}
		for _, path := range globs(root, server.errors) {
			if lines {
				skipped = append(skipped, path)
				continue
			}
			add(path)
		}
	}
	return found, skipped
}

// isThere tells whether a log is in its place, or has only gone into Zeek's archive until there is something to write, lately.
func isThere(root fs.FS, path string, at time.Time) bool {
	if info, err := fs.Stat(root, path[1:]); err == nil {
		return !info.IsDir()
	}
	archive, since := evidence.ArchiveOf(path), at.Add(-evidence.FirstArchive).Format(time.DateOnly)
	return archive != "" && slices.ContainsFunc(globs(root, []string{archive}), func(old string) bool {
		return evidence.IsOldFile(old, path) && filepath.Base(filepath.Dir(old)) >= since
	})
}

// globs returns what matches patterns, in their order.
func globs(root fs.FS, patterns []string) []string {
	var out []string
	for _, pattern := range patterns {
		paths, err := fs.Glob(root, pattern[1:])
		if err != nil {
			continue // the patterns are good, but a log's name may be none
		}
		for _, path := range paths {
			out = append(out, "/"+path)
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
	out = slices.Compact(out)
	for _, server := range webServers {
		out = append(append(out, server.requests...), server.errors...)
	}
	return out
}
