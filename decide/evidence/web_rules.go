package evidence

import "bytes"

// exploits are parts of a path that nobody asks for who doesn't mean to break in: the way out of the site's directory,
// commands, code.
var exploits = []string{"/../", "/..%2f", "/.%2e/", "/%2e%2e", "%%32%65", "%252e%252e", "etc/passwd", "/bin/sh", "/bin/bash", "${jndi:", "$%7bjndi:", "() {",
	"()%20{", "union+select", "union%20select", "<script", "%3cscript", "base64_decode", "eval(", "eval-stdin.php", "allow_url_include",
	"auto_prepend_file", "invokefunction", "cmd.exe", "wget+http", "wget%20http", "curl+http", "curl%20http", "/shell?", "phpinfo()"}

// probes are names that are asked for to see whether they are there. They count where the answer is that they aren't.
var probes = []string{"phpmyadmin", "/pma", "mysqladmin", "/myadmin", "/dbadmin", "/sqladmin", "/wp-login", "/wp-admin", "/wp-content", "/wp-includes",
	"/xmlrpc.php", "/cgi-bin/", "/scripts/setup.php", "/setup.php", "/.env", "/.git/", "/.svn/", "/.aws/", "/.ssh/", "/.ds_store",
	"/config.php", "/configuration.php", "/backup", "/dump.sql", "/roundcube", "webmail", "/extmail", "/horde", "/owa/", "/autodiscover",
	"/manager/html", "/jmx-console", "/actuator", "/solr/", "/hnap1", "/boaform", "/goform", "/gponform", "/setup.cgi", "/vendor/phpunit",
	"/telescope", "/_ignition", "/console/", "/druid/", "/nacos", "/geoserver", "/server-status", "/azenv", "proxyjudge", "/muieblackcat",
	"/w00tw00t", "/typo3", "/joomla", "/administrator", "/admin/config", "/admin.php", "/login.cgi", "/shell.php", "/timthumb.php", "luci"}

func isExploit(path []byte) bool { return containsAny(path, exploits) }

func isProbe(path []byte) bool {
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	return containsAny(path, probes)
}

func containsAny(text []byte, parts []string) bool {
	for _, part := range parts {
		if containsFold(text, part) {
			return true
		}
	}
	return false
}

// containsFold tells whether a text holds a part, in whatever case; the part is in lower case.
func containsFold(text []byte, lower string) bool {
	first := lower[0]
	for i := 0; i+len(lower) <= len(text); i++ {
		if c := text[i]; (c == first || c|0x20 == first) && startsFold(text[i:], lower) {
			return true
		}
	}
	return false
}

// mailers are the names under which people put a web mail, as the last part of a path.
var mailers = []string{"/mail", "/mails", "/mail/", "/mail_this_entry", "/vwebmail"}

// interpreters are programs that no page links to, as the last part of a path.
var interpreters = []string{"/php", "/php4", "/php5", "/php-cgi", "/php.cgi", "/php-cgi.exe", "/sh", "/bash", "/perl"}

func endsInAny(path []byte, ends []string) bool {
	for _, end := range ends {
		if n := len(path) - len(end); n >= 0 && startsFold(path[n:], end) {
			return true
		}
	}
	return false
}
