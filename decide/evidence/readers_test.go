package evidence_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/decide/evidence"
)

// shown reads lines and prints what each shows.
func shown(t testing.TB, lines string) []string {
	t.Helper()
	var out []string
	o := evidence.Options{At: time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC), Line: func(n int64, e evidence.Event) {
		out = append(out, fmt.Sprintf("%d %s %s%s%s %d", n, e.Source, e.Kind, e.Service, map[bool]string{true: " two-way"}[e.Proof == "two-way"], e.Count))
	}}
	if _, err := evidence.Read(context.Background(), "test", strings.NewReader(lines), o, evidence.NewTally("local")); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReaders(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		want        []string
	}{
		{"dropbear", `Nov  1 10:00:00 router dropbear[825]: Bad password attempt for 'root' from 192.0.2.66:52289
Nov  1 10:00:01 router dropbear[825]: [825] Nov 01 10:00:01 bad password attempt for 'a b' from [2001:db8::7]:22
Nov  1 10:00:02 router dropbear[826]: Login attempt for nonexistent user from ::ffff:192.0.2.66:1
Nov  1 10:00:03 router dropbear[827]: Exit before auth from <192.0.2.66:52>: (user 'root', 10 fails): Max auth tries reached - user 'root'
Nov  1 10:00:04 router dropbear[828]: Exit before auth from <192.0.2.66:52>: Exited normally
Nov  1 10:00:05 router dropbear[829]: Pubkey auth succeeded for 'me' with key sha1!! 00 from 198.51.100.7:4
Nov  1 10:00:06 router dropbear[829]: Child connection from 192.0.2.66:99
`, []string{"1 192.0.2.66 ssh-login two-way 1", "2 2001:db8::7 ssh-login two-way 1", "3 192.0.2.66 ssh-login two-way 1", "4 192.0.2.66 ssh-login two-way 1", "6 198.51.100.7 ssh 1"}},
		{"postfix", `Nov  1 10:00:00 mx postfix/smtpd[1]: warning: unknown[192.0.2.66]: SASL LOGIN authentication failed: UGFzc3dvcmQ6
Nov  1 10:00:01 mx postfix/submission/smtpd[1]: warning: a.example[192.0.2.66]:557: SASL plain authentication failed:
Nov  1 10:00:02 mx postfix/smtpd[1]: warning: unknown[192.0.2.66]: SASL LOGIN authentication failed: Connection lost to authentication server
Nov  1 10:00:03 mx postfix/smtpd[1]: warning: hostname a.example does not resolve to address 192.0.2.66
Nov  1 10:00:04 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.66]: 554 5.7.1 <x@example.org>: Relay access denied; from=<a> to=<x@example.org> proto=SMTP helo=<198.51.100.1>
Nov  1 10:00:05 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.66]: 450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.66]; from=<a> to=<b>
Nov  1 10:00:06 mx postfix/smtpd[1]: 4C8: reject: RCPT from m.example[198.51.100.9]: 550 5.1.1 <n@example.org>: Recipient address rejected: User unknown; from=<> to=<n@example.org>
Nov  1 10:00:07 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from m.example[198.51.100.9]: 454 4.7.0 <x>: temporary lookup failure; from=<a>
Nov  1 10:00:08 mx postfix/postscreen[2]: NOQUEUE: reject: RCPT from [192.0.2.66]:60591: 550 5.7.1 Service unavailable; client [192.0.2.66] blocked using rbl.example
Nov  1 10:00:09 mx postfix/smtpd[1]: improper command pipelining after NOOP from unknown[192.0.2.66]
Nov  1 10:00:10 mx postfix/smtpd[1]: too many errors after RCPT from unknown[192.0.2.66]
Nov  1 10:00:11 mx postfix/smtpd[1]: 4C9: client=m.example[198.51.100.9]
Nov  1 10:00:12 mx postfix/submission/smtpd[1]: 4CA: client=home.example[198.51.100.7], sasl_method=PLAIN, sasl_username=me
Nov  1 10:00:13 mx postfix/smtpd[1]: 4CB: client=localhost[127.0.0.1]
Nov  1 10:00:14 mx postfix/smtpd[1]: lost connection after DATA from m.example[198.51.100.9]
Nov  1 10:00:15 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from m.example[198.51.100.9]: 450 4.2.0 <x@example.org>: Recipient address rejected: Greylisted; from=<a@example.net>
Nov  1 10:00:16 mx postfix/postscreen[2]: NOQUEUE: reject: RCPT from [198.51.100.9]:4711: 450 4.3.2 Service currently unavailable; from=<a@example.net>
Nov  1 10:00:17 mx postfix/smtpd[1]: NOQUEUE: reject: MAIL from m.example[198.51.100.9]: 552 5.3.4 Message size exceeds fixed limit; proto=ESMTP
Nov  1 10:00:18 mx postfix/cleanup[3]: 4CC: milter-reject: END-OF-MESSAGE from m.example[198.51.100.9]: 4.7.1 Try again later; from=<a@example.net>
Nov  1 10:00:19 mx postfix/smtpd[1]: NOQUEUE: milter-reject: RCPT from m.example[198.51.100.9]: 451 4.7.1 Greylisting in effect, please come back later; from=<a@example.net>
Nov  1 10:00:20 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from m.example[198.51.100.9]: 452 4.3.1 Insufficient system storage; from=<a@example.net>
Nov  1 10:00:21 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from m.example[198.51.100.9]: 450 <x@example.org>: Recipient address rejected: try again; from=<a@example.net>
Nov  1 10:00:22 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.66]: 454 4.7.1 <x@example.net>: Relay access denied; from=<a> to=<x@example.net>
Nov  1 10:00:23 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.66]: 450 <User>: Helo command rejected: Host not found; from=<a> to=<b>
Nov  1 10:00:23 mx postfix/submission/smtpd[1]: lost connection after AUTH from home.example[198.51.100.7]
Nov  1 10:00:23 mx postfix/submission/smtpd[1]: lost connection after AUTH from unknown[192.0.2.66]
Nov  1 10:00:24 mx postfix/smtpd[1]: 4CD: milter-reject: DATA from unknown[192.0.2.66]: 5.7.1 spam; from=<a> to=<b>
`, []string{"1 192.0.2.66 mail-login two-way 1", "2 192.0.2.66 mail-login two-way 1", "5 192.0.2.66 spam two-way 1", "6 192.0.2.66 scan two-way 1", "7 198.51.100.9 scan two-way 1",
			"9 192.0.2.66 spam two-way 1", "10 192.0.2.66 scan two-way 1", "11 192.0.2.66 scan two-way 1", "12 198.51.100.9 smtp 1", "13 198.51.100.7 submission 1",
			"23 192.0.2.66 scan two-way 1", "24 192.0.2.66 scan two-way 1", "26 192.0.2.66 scan two-way 1",
			"27 192.0.2.66 spam two-way 1"}},
		{"dovecot", `Nov  1 10:00:00 mx dovecot: imap-login: Disconnected (auth failed, 3 attempts in 16 secs): user=<a>, method=PLAIN, rip=192.0.2.66, lip=198.51.100.1, TLS, session=<x>
Nov  1 10:00:01 mx dovecot[7]: pop3-login: Aborted login (tried to use disallowed plaintext auth): user=<>, rip=192.0.2.66, lip=198.51.100.1
Nov  1 10:00:02 mx dovecot: imap-login: Disconnected (no auth attempts in 4 secs): user=<>, rip=192.0.2.66, lip=198.51.100.1
Nov  1 10:00:03 mx dovecot: imap-login: Login: user=<me>, method=PLAIN, rip=198.51.100.7, lip=198.51.100.1, mpid=9, TLS
Nov  1 10:00:04 mx dovecot: pop3-login: Login: user=<me>, method=PLAIN, rip=198.51.100.7, lip=198.51.100.1
Nov  1 10:00:05 mx dovecot: imap-login: Login: user=<me>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, secured
Nov  1 10:00:06 mx dovecot: auth-worker(304): pam(me,192.0.2.67): pam_authenticate() failed: Authentication failure (password mismatch?)
Nov  1 10:00:07 mx dovecot: auth: passwd-file(a,192.0.2.68,<s>): unknown user
Nov  1 10:00:08 auth(a@example.org,192.0.2.69,sasl:login)<x>: Info: sql: Password mismatch
@400000006548f2aa077a9e94 imap-login: Info: Aborted login (auth failed, 1 attempts): user=<a>, method=CRAM-MD5, rip=192.0.2.66, lip=198.51.100.1
Nov  1 10:00:10 mx auth: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=a rhost=192.0.2.70
`, []string{"1 192.0.2.66 mail-login two-way 3", "2 192.0.2.66 mail-login two-way 1", "4 198.51.100.7 imap 1", "5 198.51.100.7 pop3 1", "7 192.0.2.67 mail-login two-way 1",
			"8 192.0.2.68 mail-login two-way 1", "9 192.0.2.69 mail-login two-way 1", "10 192.0.2.66 mail-login two-way 1", "11 192.0.2.70 mail-login two-way 1"}},
		{"exim", `2026-11-01 10:00:00 dovecot_login authenticator failed for (User) [192.0.2.66]:25 I=[198.51.100.1]:587: 535 Incorrect authentication data (set_id=a)
2026-11-01 10:00:01 [99] login authenticator failed for h.example ([198.51.100.2]) [192.0.2.66]: 535 Incorrect authentication data
2026-11-01 10:00:02 1abcde-000000-AA <= a@example.net H=m.example [198.51.100.9]:4711 P=esmtps X=TLS S=99 id=x
2026-11-01 10:00:03 1abcde-000001-AA <= me@example.org H=(laptop) [198.51.100.7] P=esmtpsa A=plain:me S=99
2026-11-01 10:00:04 1abcde-000001-AA => b@example.net R=dnslookup T=remote_smtp H=mx.example [192.0.2.1]
2026-11-01 10:00:05 H=(x) [192.0.2.66]:3755 I=[198.51.100.1]:25 F=<a@example.net> rejected RCPT <b@example.net>: relay not permitted
2026-11-01 10:00:06 no host name found for IP address 192.0.2.66
2026-11-01 10:00:07 1abcde-000002-AA <= root@example.org U=root P=local S=1
2026-11-01 10:00:08 SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from H=[192.0.2.66]:25936 I=[198.51.100.1]:25 input="GET / HTTP/1.1\r\n\r\n"
2026-11-01 10:00:09 SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from H=[192.0.2.66] input="\026\003\001\002"
2026-11-01 10:00:10 SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from H=m.example [198.51.100.9] input="EHLO m.example\r\n"
`, []string{"1 192.0.2.66 mail-login two-way 1", "2 192.0.2.66 mail-login two-way 1", "3 198.51.100.9 smtp 1", "4 198.51.100.7 submission 1", "6 192.0.2.66 spam two-way 1",
			"9 192.0.2.66 scan two-way 1", "10 192.0.2.66 scan two-way 1"}},
		{"sendmail", `Nov  1 10:00:00 mx sm-mta[1]: s1: h.example [192.0.2.66] (may be forged): possible SMTP attack: command=AUTH, count=5
Nov  1 10:00:01 mx sendmail[1]: 0A: AUTH failure (LOGIN): authentication failure (-13) SASL(-13): authentication failure: checkpass failed, user=a, relay=[192.0.2.66]
Nov  1 10:00:02 mx sendmail[1]: 0B: from=<a@example.net>, size=9, class=0, nrcpts=1, msgid=<x@example.net>, proto=ESMTP, daemon=MTA, relay=m.example [198.51.100.9]
Nov  1 10:00:03 mx sendmail[1]: AUTH=server, relay=home.example [198.51.100.7], authid=me, mech=PLAIN, bits=0
Nov  1 10:00:04 mx sendmail[1]: 0C: to=<b@example.net>, relay=mx.example [192.0.2.1], stat=Sent
`, []string{"1 192.0.2.66 mail-login two-way 1", "2 192.0.2.66 mail-login two-way 1", "3 198.51.100.9 smtp 1"}},
		{"cyrus and courier", `Nov  1 10:00:00 mx cyrus/imaps[1]: badlogin: h.example [192.0.2.66] plaintext a SASL(-13): authentication failure
Nov  1 10:00:01 mx cyrus/pop3[1]: login: home.example [198.51.100.7] me plaintext User logged in
Nov  1 10:00:02 mx imapd-ssl: LOGIN FAILED, user=a, ip=[::ffff:192.0.2.66], port=[255]
Nov  1 10:00:03 mx pop3d: LOGIN, user=me, ip=[198.51.100.7], port=[1], protocol=POP3
`, []string{"1 192.0.2.66 mail-login two-way 1", "2 198.51.100.7 pop3 1", "3 192.0.2.66 mail-login two-way 1", "4 198.51.100.7 pop3 1"}},
		{"web access", `192.0.2.66 - - [01/Nov/2026:10:00:00 +0100] "GET /phpMyAdmin/scripts/setup.php HTTP/1.1" 404 47 "-" "-"
192.0.2.66 - - [01/Nov/2026:10:00:01 +0100] "GET /cgi-bin/.%2e/.%2e/bin/sh HTTP/1.1" 200 47 "-" "-"
192.0.2.66 - root [01/Nov/2026:10:00:02 +0100] "GET /admin HTTP/1.1" 401 47 "-" "-"
192.0.2.66 - - [01/Nov/2026:10:00:03 +0100] "\x03\x00\x00/*\xE0" 400 47 "-" "-"
198.51.100.7 - - [01/Nov/2026:10:00:04 +0100] "GET /news HTTP/2.0" 200 4711 "https://www.example.org/" "Mozilla/5.0 (X11; Linux) Firefox/140.0"
198.51.100.8 - - [01/Nov/2026:10:00:05 +0100] "GET /news HTTP/1.1" 200 4711 "https://www.example.org/" "Mozilla/5.0 (compatible; Examplebot/2.1; +http://example.org/bot)"
198.51.100.8 - - [01/Nov/2026:10:00:06 +0100] "GET /news HTTP/1.1" 200 4711 "-" "Mozilla/5.0 (X11; Linux) Firefox/140.0"
www.example.org:443 198.51.100.7 - - [01/Nov/2026:10:00:07 +0100] "GET /wp-login.php HTTP/1.1" 200 47 "-" "-"
198.51.100.7 - - [01/Nov/2026:10:00:08 +0100] "GET /typo HTTP/1.1" 404 47 "-" "-"
198.51.100.7 - - [01/Nov/2026:10:00:09 +0100] "-" 408 0 "-" "-"
127.0.0.1 - - [01/Nov/2026:10:00:10 +0100] "GET /.env HTTP/1.1" 404 0 "-" "-"
Nov  1 10:00:11 www nginx: 192.0.2.66 - - [01/Nov/2026:10:00:11 +0100] "GET /.env HTTP/1.1" 404 0 "-" "-"
`, []string{"1 192.0.2.66 web-probe two-way 1", "2 192.0.2.66 web-exploit two-way 1", "3 192.0.2.66 web-login two-way 1", "4 192.0.2.66 web-probe two-way 1", "5 198.51.100.7 web 1", "11 127.0.0.1 web-probe two-way 1", "12 192.0.2.66 web-probe two-way 1"}},
		{"web access as JSON", `{"time_iso8601":"2026-11-01T10:00:00+01:00","remote_addr":"192.0.2.66","request":"GET /.git/config HTTP/1.1","status":404,"http_user_agent":"x"}
{"time_local":"01/Nov/2026:10:00:01 +0100","remote_addr":"192.0.2.66","request_method":"GET","request_uri":"/?q=${jndi:ldap","status":"200","http_x_forwarded_for":"198.51.100.1"}
{"level":"info","ts":1793523602.5,"request":{"remote_ip":"192.0.2.66","client_ip":"192.0.2.67","method":"GET","uri":"/wp-login.php","headers":{"User-Agent":["x"]}},"status":404}
{"level":"info","ts":1793523602.5,"request":{"remote_ip":"2001:db8::7","method":"GET","uri":"/a","headers":{"User-Agent":["Mozilla/5.0 (X11)"],"Referer":["https://example.org/"]}},"status":200}
{"ClientHost":"192.0.2.66","DownstreamStatus":404,"RequestMethod":"GET","RequestPath":"/phpmyadmin","StartUTC":"2026-11-01T09:00:00.123456789Z"}
{"time_iso8601":"2026-11-01T10:00:00+01:00","remote_addr":"192.0.2.66","remote_addr":"198.51.100.1","request":"GET /.env HTTP/1.1","status":404}
{"time_iso8601":"2026-11-01T10:00:00+01:00","remote_addr":"192.0.2.66","request":"","status":400}
{"time":"2026-11-01T10:00:00+01:00","client":"192.0.2.66","status":404,"msg":"of a program"}
{"time":"[01/Nov/2026:10:00:00 +0100]","remote_host":"192.0.2.66","user":"me","request":"GET /private HTTP/1.1","status":401}
{"time":"2026-11-01T10:00:00+01:00","remote_addr":"127.0.0.1","request":"GET /.env HTTP/1.1","status":404}
Nov  1 10:00:11 www caddy[7]: {"level":"info","request":{"remote_ip":"192.0.2.66","method":"GET","uri":"/.env"},"status":404}
Nov  1 10:00:12 www caddy[7]: {"level":"info","msg":"serving"}
{"level":"error","ts":1793523602.5,"request":{"remote_ip":"192.0.2.68","method":"GET","uri":"/","headers":{"Authorization":["REDACTED"]}},"user_id":"","status":401,"resp_headers":{"Www-Authenticate":["Basic realm=\"a\""]}}
{"level":"error","ts":1793523602.5,"request":{"remote_ip":"192.0.2.69","method":"GET","uri":"/","headers":{"Authorization":[]}},"user_id":"","status":401,"resp_headers":{"Www-Authenticate":["Bearer"]}}
{"level":"error","ts":1793523602.5,"request":{"remote_ip":"192.0.2.69","method":"GET","uri":"/","headers":{}},"user_id":"","status":401,"resp_headers":{"Www-Authenticate":["Basic realm=\"a\""]}}
{"level":"info","ts":1793523602.5,"request":{"remote_ip":"198.51.100.7","method":"GET","uri":"/","headers":{"User-Agent":["Mozilla/5.0 (X11)"],"Referer":["https://example.org/"]}},"status":0}
`, []string{"1 192.0.2.66 web-probe two-way 1", "2 192.0.2.66 web-exploit two-way 1", "3 192.0.2.67 web-probe two-way 1", "4 2001:db8::7 web 1", "5 192.0.2.66 web-probe two-way 1",
			"7 192.0.2.66 web-probe two-way 1", "9 192.0.2.66 web-login two-way 1", "10 127.0.0.1 web-probe two-way 1", "11 192.0.2.66 web-probe two-way 1", "13 192.0.2.68 web-login two-way 1"}},
		{"Nginx Proxy Manager", `[01/Nov/2026:10:00:00 +0000] 444 - GET https www.example.org "/.env" [Client 192.0.2.66] [Length 0] [Gzip -] "Mozilla/5.0 (X11)" "-"
[01/Nov/2026:10:00:01 +0000] - 404 404 - GET http www.example.org "/wp-login.php" [Client 2001:db8::7] [Length 192] [Gzip 3.10] [Sent-to app] "x" "-"
[01/Nov/2026:10:00:02 +0000] HIT - 200 - GET https www.example.org "/news" [Client 198.51.100.7] [Length 4711] [Gzip 2.1] [Sent-to app] "Mozilla/5.0 (X11; Linux)" "https://www.example.org/"
[01/Nov/2026:10:00:03 +0000] - 404 404 - GET http www.example.org "/nothing" [Client 198.51.100.7] [Length 192] [Gzip -] [Sent-to app] "x" "-"
[01/Nov/2026:10:00:04 +0000] 200 - GET https a [Client 192.0.2.1] "/.env" [Client 198.51.100.7]
`, []string{"1 192.0.2.66 web-probe two-way 1", "2 2001:db8::7 web-probe two-way 1", "3 198.51.100.7 web 1"}},
		{"Suricata", `{"timestamp":"2026-11-01T10:00:00.457984+0100","event_type":"alert","src_ip":"192.0.2.66","src_port":51698,"dest_ip":"198.51.100.1","dest_port":445,"proto":"TCP","alert":{"signature":"ET CINS Active Threat","category":"Misc Attack"},"flow":{"pkts_toserver":1,"pkts_toclient":0}}
{"timestamp":"2026-11-01T10:00:01.457984+0100","event_type":"alert","src_ip":"192.0.2.66","src_port":51698,"dest_ip":"198.51.100.1","dest_port":22,"proto":"TCP","alert":{"signature":"ET SCAN x","category":"Attempted Information Leak"},"flow":{"pkts_toserver":5,"pkts_toclient":4}}
{"timestamp":"2026-11-01T10:00:02.457984+0100","event_type":"alert","src_ip":"192.0.2.66","src_port":51698,"dest_ip":"198.51.100.1","dest_port":80,"proto":"TCP","app_proto":"http","direction":"to_server","alert":{"signature":"ET EXPLOIT x","category":"Attempted Administrator Privilege Gain"},"flow":{"pkts_toserver":5,"pkts_toclient":4}}
{"timestamp":"2026-11-01T10:00:03.457984+0100","event_type":"alert","src_ip":"198.51.100.1","src_port":80,"dest_ip":"192.0.2.66","dest_port":51698,"proto":"TCP","app_proto":"http","direction":"to_client","alert":{"signature":"x","category":"Web Application Attack"}}
{"timestamp":"2026-11-01T10:00:04.457984+0100","event_type":"alert","src_ip":"203.0.113.9","src_port":80,"dest_ip":"198.51.100.1","dest_port":51698,"proto":"TCP","app_proto":"http","alert":{"signature":"x","category":"Web Application Attack"},"flow":{"pkts_toserver":5,"pkts_toclient":4}}
{"timestamp":"2026-11-01T10:00:05.457984+0100","event_type":"alert","src_ip":"192.0.2.66","src_port":51698,"dest_ip":"198.51.100.1","dest_port":25,"proto":"TCP","app_proto":"smtp","alert":{"signature":"x","category":"Attempted User Privilege Gain"},"flow":{"src_ip":"192.0.2.66","pkts_toclient":4}}
{"timestamp":"2026-11-01T10:00:06.457984+0100","event_type":"alert","src_ip":"192.0.2.66","src_port":5,"dest_ip":"198.51.100.1","dest_port":53,"proto":"UDP","app_proto":"dns","alert":{"signature":"x","category":"Misc Attack"},"flow":{"pkts_toclient":0}}
{"timestamp":"2026-11-01T10:00:07.457984+0100","event_type":"alert","src_ip":"192.0.2.66","src_port":5,"dest_port":80,"proto":"TCP","app_proto":"http","direction":"to_server","alert":{"signature":"x","category":"Not Suspicious Traffic"}}
{"timestamp":"2026-11-01T10:00:08.457984+0100","event_type":"dns","src_ip":"192.0.2.66"}
{"timestamp":"2026-11-01T10:00:08.457984+0100","event_type":"alert","src_ip":"192.0.2.66","src_port":5,"dest_port":1433,"proto":"TCP","alert":{"signature":"ET SCAN Suspicious inbound","category":"Potentially Bad Traffic"},"flow":{"pkts_toclient":0}}
{"timestamp":"2026-11-01T10:00:09.457984+0100","event_type":"alert","src_ip":"203.0.113.9","src_ip":"192.0.2.66","direction":"to_server","alert":{"category":"Misc Attack"}}
`, []string{"2 192.0.2.66 scan 1", "3 192.0.2.66 web-exploit two-way 1", "6 192.0.2.66 ids-alert two-way 1", "7 192.0.2.66 scan 1", "10 192.0.2.66 scan 1"}},
		{"Zeek", "#separator \\x09\n#path\tssh\n#fields\tts\tid.orig_h\tauth_success\tauth_attempts\tdirection\n#types\ttime\taddr\tbool\tcount\tenum\n" +
			"1793523602.500000\t192.0.2.66\tF\t3\t-\n1793523603.500000\t198.51.100.7\tT\t1\tINBOUND\n1793523604.500000\t192.0.2.66\t-\t0\t-\n1793523605.500000\t203.0.113.9\tF\t1\tOUTBOUND\n" +
			"1793523606.500000\t192.0.2.66\n#close\t2026-11-02-00-00-00\n#fields\tts\tid.orig_h\tconn_state\tlocal_orig\tlocal_resp\n" +
			"1793523607.500000\t192.0.2.66\tS0\tF\tT\n1793523608.500000\t203.0.113.9\tS0\tT\tF\n1793523609.500000\t203.0.113.9\tSF\tF\tT\n1793523610.500000\t203.0.113.9\tS0\t-\t-\n" +
			"#fields\tts\tid.orig_h\tnote\tsrc\n1793523611.500000\t-\tScan::Port_Scan\t192.0.2.66\n1793523612.500000\t203.0.113.9\tSSL::Invalid_Server_Cert\t203.0.113.9\n" +
			"1793523613.500000\t-\tSSH::Password_Guessing\t192.0.2.66\n1793523614.500000\t-\tHTTP::SQL_Injection_Attacker\t192.0.2.66\n1793523615.500000\t-\tFTP::Bruteforcing\t192.0.2.66\n",
			[]string{"5 192.0.2.66 ssh-login two-way 3", "6 198.51.100.7 ssh 1", "12 192.0.2.66 scan 1", "17 192.0.2.66 scan 1", "19 192.0.2.66 ssh-login two-way 1",
				"20 192.0.2.66 web-exploit two-way 1", "21 192.0.2.66 ftp-login two-way 1"}},
		{"Zeek as JSON", `{"ts":1793523602.5,"uid":"C1","id.orig_h":"192.0.2.66","auth_success":false,"auth_attempts":2}
{"ts":"2026-11-01T09:00:00.5Z","uid":"C1","id.orig_h":"198.51.100.7","auth_success":true}
{"ts":1793523602.5,"uid":"C1","id.orig_h":"192.0.2.66","conn_state":"REJ","local_orig":false,"local_resp":true}
{"ts":1793523602.5,"note":"Scan::Address_Scan","src":"192.0.2.66"}
{"ts":1793523602.5,"uid":"C1","id.orig_h":"203.0.113.9","id.orig_h":"192.0.2.66","auth_success":false}
`, []string{"1 192.0.2.66 ssh-login two-way 2", "2 198.51.100.7 ssh 1", "3 192.0.2.66 scan 1", "4 192.0.2.66 scan 1"}},
		{"Apache's errors", `[Sun Nov 01 10:00:00.123456 2026] [auth_basic:error] [pid 1:tid 2] [client 192.0.2.66:51390] AH01617: user a: authentication failure for "/x": Password Mismatch
[Sun Nov 01 10:00:01 2026] [error] [client 2001:db8::7] user a not found: /x
[Sun Nov 01 10:00:02 2026] [authz_core:error] [pid 1] [client [2001:db8::7]:4] AH01630: client denied by server configuration: /srv/secret
[Sun Nov 01 10:00:03 2026] [core:error] [pid 1] [client 192.0.2.66:1] AH00126: Invalid URI in request GET /../../etc/passwd HTTP/1.1
[Sun Nov 01 10:00:04 2026] [error] [client 192.0.2.66] File does not exist: /srv/www/phpmyadmin, referer: x
[Sun Nov 01 10:00:05 2026] [error] [client 198.51.100.7] File does not exist: /srv/www/favicon.ico
[Sun Nov 01 10:00:06 2026] [error] [client 198.51.100.7] script '/srv/www/forum/post.php' not found or unable to stat
[Sun Nov 01 10:00:07 2026] [cgi:error] [pid 1] [client 192.0.2.66:9] AH01215: /bin/bash: warning: HTTP_X: ignoring function definition attempt
[Sun Nov 01 10:00:08 2026] [mpm_event:notice] [pid 1] AH00489: Apache/2.4 configured -- resuming normal operations
Nov  1 10:00:09 www httpd/backend[22]: [error] [client 192.0.2.66] user a not found: /x
[Sun Nov 01 10:00:10 2026] [ssl:error] [pid 1] [client 192.0.2.66:9] AH02031: Hostname www.example.org provided via SNI, but no hostname provided in HTTP request
[Sun Nov 01 10:00:11 2026] [ssl:error] [pid 1] [client 198.51.100.7:9] AH02032: Hostname www.example.org provided via SNI and hostname b.example.org provided via HTTP have no compatible SSL setup
[Sun Nov 01 10:00:12 2026] [:error] [pid 1] [client 192.0.2.66:9] [client 192.0.2.66] ModSecurity: Access denied with code 403 (phase 2). Operator GE matched 5
[Sun Nov 01 10:00:13 2026] [error] [client 198.51.100.7] File does not exist: /var/lib/roundcube/skins/a
[Sun Nov 01 10:00:14 2026] [core:error] [pid 1:tid 2] (36)File name too long: [client 192.0.2.66:56674] AH00036: access to /bbbb failed (filesystem path '/srv/www/bbbb')
[Sun Nov 01 10:00:15 2026] [error] [client 192.0.2.66] (36)File name too long: access to /bbbb failed
[Sun Nov 01 10:00:16 2026] [core:error] [pid 1:tid 2] (13)Permission denied: [client 198.51.100.7:56674] AH00035: access to / denied
`, []string{"1 192.0.2.66 web-login two-way 1", "2 2001:db8::7 web-login two-way 1", "3 2001:db8::7 web-probe two-way 1", "4 192.0.2.66 web-exploit two-way 1", "5 192.0.2.66 web-probe two-way 1",
			"8 192.0.2.66 web-exploit two-way 1", "10 192.0.2.66 web-login two-way 1", "11 192.0.2.66 web-probe two-way 1",
			"13 192.0.2.66 web-probe two-way 1", "15 192.0.2.66 web-probe two-way 1", "16 192.0.2.66 web-probe two-way 1"}},
		{"nginx's errors", `2026/11/01 10:00:00 [error] 2865#0: *66 user "a" was not found in "/etc/htpasswd", client: 192.0.2.66, server: x, request: "GET / HTTP/1.1", host: "x"
2026/11/01 10:00:01 [error] 2865#0: *67 user "a": password mismatch, client: 192.0.2.66, server: x, request: "GET / HTTP/1.1", host: "x"
2026/11/01 10:00:02 [error] 2865#0: *68 open() "/srv/www/.env" failed (2: No such file or directory), client: 192.0.2.66, server: x, request: "GET /.env HTTP/1.1", host: "x"
2026/11/01 10:00:03 [error] 2865#0: *69 open() "/srv/www/favicon.ico" failed (2: No such file or directory), client: 198.51.100.7, server: x, request: "GET /favicon.ico HTTP/1.1"
2026/11/01 10:00:04 [notice] 1#1: signal process started
2026/11/01 10:00:05 [error] 2865#0: *70 open() "/srv/webmail/favicon.ico" failed (2: No such file or directory), client: 198.51.100.7, server: x, request: "GET /favicon.ico HTTP/1.1", host: "x"
2026/11/01 10:00:06 [error] 2865#0: *71 open() "/usr/share/webmail/favicon.ico" failed (2: No such file or directory), client: 198.51.100.7, server: x
2026/11/01 10:00:07 [error] 2865#0: *72 open() "/srv/www/a" failed (36: File name too long), client: 192.0.2.66, server: x, request: "GET /a HTTP/1.1", host: "x"
2026/11/01 10:00:08 [error] 2865#0: *73 ModSecurity: Access denied with code 403 (phase 2). Matched "x" [uri "/"], client: 192.0.2.66, server: x, request: "GET / HTTP/1.1", host: "x"
2026/11/01 10:00:09 [info] 2865#0: *74 client login failed: "Authentication credentials invalid" while in http auth state, client: 192.0.2.66 using starttls, server: 198.51.100.1:587, login: "a"
2026/11/01 10:00:10 [info] 2865#0: *75 client login failed: "Temporary server problem" while in http auth state, client: 198.51.100.7, server: 198.51.100.1:587, login: "a"
`, []string{"1 192.0.2.66 web-login two-way 1", "2 192.0.2.66 web-login two-way 1", "3 192.0.2.66 web-probe two-way 1", "8 192.0.2.66 web-probe two-way 1", "9 192.0.2.66 web-probe two-way 1",
			"10 192.0.2.66 mail-login 1"}},
		{"FTP servers", `Sun Nov  1 10:00:00 2026 [pid 9] [a] FAIL LOGIN: Client "::ffff:192.0.2.66", "User is not in the allow user list."
Sun Nov  1 10:00:01 2026 [pid 9] [me] OK LOGIN: Client "198.51.100.7"
Sun Nov  1 10:00:02 2026 [pid 9] [ftp] OK LOGIN: Client "198.51.100.8", anon password "x"
Nov  1 10:00:03 ftp vsftpd: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=a rhost=192.0.2.66
Nov  1 10:00:04 ftp proftpd[12]: ftp.example (h.example[::ffff:192.0.2.66]): USER a (Login failed): Incorrect password.
Nov  1 10:00:05 ftp proftpd[12]: ftp.example (h.example[192.0.2.66]) - SECURITY VIOLATION: Root login attempted
Nov  1 10:00:06 ftp proftpd[12]: ftp.example (h.example[192.0.2.66]) - USER a: no such user found from h.example [192.0.2.66] to 198.51.100.1:21
Nov  1 10:00:07 ftp proftpd[12]: ftp.example (home.example[198.51.100.7]) - USER me: Login successful.
Nov  1 10:00:08 ftp proftpd[13]: refused connect from h.example (192.0.2.66)
`, []string{"1 192.0.2.66 ftp-login two-way 1", "2 198.51.100.7 ftp 1", "4 192.0.2.66 ftp-login two-way 1", "5 192.0.2.66 ftp-login two-way 1", "6 192.0.2.66 ftp-login two-way 1",
			"7 192.0.2.66 ftp-login two-way 1", "8 198.51.100.7 ftp 1", "9 192.0.2.66 ftp-login two-way 1"}},
		{"proftpd's own log", `2026-11-01 10:00:04,123 ftp proftpd[12] ftp.example (h.example[::ffff:192.0.2.66]): USER a (Login failed): Incorrect password.
Nov  1 10:00:05 ftp proftpd[12] ftp.example (h.example[192.0.2.66]): USER [29/Nov/2026:00:00:00 +0000]: no such user found from h.example [192.0.2.66] to 198.51.100.1:21
2026-11-01 10:00:07,123 ftp proftpd[12] ftp.example (home.example[198.51.100.7]): USER me: Login successful.
`, []string{"1 192.0.2.66 ftp-login 1", "2 192.0.2.66 ftp-login 1"}},
		{"lighttpd", `192.0.2.66 198.51.100.1 - [01/Nov/2026:10:00:00 +0000] "GET /.env HTTP/1.1" 404 341 "-" "-"
192.0.2.66 www.example.org - [01/Nov/2026:10:00:01 +0000] "GET /.env HTTP/1.1" 404 341 "-" "-"
192.0.2.66 198.51.100.1 - [01/Nov/2026:10:00:02 +0000] "GET /.env HTTP/1.1" 404 341 "-" "-"
192.0.2.66 198.51.100.1 bob [01/Nov/2026:10:00:03 +0000] "GET /private/ HTTP/1.1" 401 341 "-" "-"
`, []string{"2 192.0.2.66 web-probe two-way 1", "3 192.0.2.66 web-probe two-way 1", "4 192.0.2.66 web-login two-way 1"}},
		{"one that doesn't tell which is which", `2001:db8::5 - - [01/Nov/2026:10:00:00 +0000] "GET /.env HTTP/1.1" 404 341 "-" "-"
198.51.100.1 192.0.2.66 - - [01/Nov/2026:10:00:01 +0000] "GET /.env HTTP/1.1" 404 341 "-" "-"
`, []string{"1 2001:db8::5 web-probe two-way 1"}},
		{"one that begins with what was asked for", `198.51.100.1 192.0.2.66 - - [01/Nov/2026:10:00:00 +0000] "GET /.env HTTP/1.1" 404 341 "-" "-"
www.example.org 192.0.2.66 - - [01/Nov/2026:10:00:01 +0000] "GET /.env HTTP/1.1" 404 341 "-" "-"
198.51.100.1 192.0.2.66 - - [01/Nov/2026:10:00:02 +0000] "GET /.env HTTP/1.1" 404 341 "-" "-"
`, []string{"2 192.0.2.66 web-probe two-way 1", "3 192.0.2.66 web-probe two-way 1"}},
		{"what an FTP server logs like a web server", `198.51.100.7 UNKNOWN me [01/Nov/2026:10:00:00 +0000] "USER me" 331 -
198.51.100.7 UNKNOWN me [01/Nov/2026:10:00:01 +0000] "PASS (hidden)" 230 -
198.51.100.7 UNKNOWN me [01/Nov/2026:10:00:02 +0000] "CWD nowhere" 550 -
192.0.2.66 - - [01/Nov/2026:10:00:03 +0000] "USER anonymous" 400 -
192.0.2.66 - - [01/Nov/2026:10:00:04 +0000] "SITE" 404 -
`, []string{"4 192.0.2.66 web-probe two-way 1", "5 192.0.2.66 web-probe two-way 1"}},
		{"exim by way of syslog", `Nov  1 10:00:00 mx exim[7]: 2026-11-01 10:00:00 plain_server authenticator failed for (c.example) [192.0.2.66]: 535 Incorrect authentication data (set_id=a)
Nov  1 10:00:00 mx exim[7]: 2026-11-01 10:00:00.123 +0100 [7] plain_server authenticator failed for (c.example) [192.0.2.66]: 535 Incorrect authentication data (set_id=a)
Nov  1 10:00:00 mx exim[7]: [2/2] plain_server authenticator failed for (c.example) [192.0.2.66]: 535 Incorrect authentication data (set_id=a)
Nov  1 10:00:00 mx exim[7]: 2026-11-01 10:00:00 1abcde-000000-AAAA <= a@b.example H=(h.example) [198.51.100.7] P=esmtps S=99
`, []string{"1 192.0.2.66 mail-login two-way 1", "2 192.0.2.66 mail-login two-way 1", "4 198.51.100.7 smtp 1"}},
		{"sendmail's refusals, and addresses that look like them", `Nov  1 10:00:00 mx sm-mta[7]: 0A: ruleset=check_rcpt, arg1=<a@b.example>, relay=h.example [192.0.2.66] (may be forged), reject=550 5.7.1 <a@b.example>... Relaying denied
Nov  1 10:00:00 mx sm-mta[7]: 0A: ruleset=check_relay, arg1=h.example, arg2=192.0.2.66, relay=h.example [192.0.2.66], reject=421 4.3.2 Connection rate limit exceeded.
Nov  1 10:00:00 mx sm-mta[7]: 0A: ruleset=check_relay, arg1=h.example, arg2=192.0.2.66, relay=h.example [192.0.2.66], reject=550 5.7.1 Rejected: on a list (see "us")
Nov  1 10:00:00 mx sm-mta[7]: 0A: ruleset=check_rcpt, arg1=<bob@b.example>, relay=[192.0.2.66], reject=553 5.5.4 <bob@b.example>... Domain name required for sender address a
Nov  1 10:00:00 mx sm-mta[7]: 0A: ruleset=check_rcpt, arg1=x, relay=[192.0.2.1], reject=550 5.7.1 xaaaaaaaaaaaaaaaaaa...aaaaaaaaaaaa... prescan: token too long
Nov  1 10:00:00 mx sm-mta[7]: 0A: ruleset=check_rcpt, arg1=x(, relay=h [192.0.2.1], reject=550 x... Not known yet
Nov  1 10:00:00 mx sm-mta[7]: 0A: ruleset=check_rcpt, arg1=x", relay=h [192.0.2.1], reject=550 x"@mx.example... Not known yet
Nov  1 10:00:00 mx sm-mta[7]: 0A: ruleset=check_rcpt, arg1=<x, relay=h [192.0.2.1], reject=550 x... Not known yet
Nov  1 10:00:00 mx sm-mta[7]: 0A: ruleset=check_x y, arg1=x, relay=h [192.0.2.1], reject=550 x... Not known yet
Nov  1 10:00:00 mx sm-mta[7]: 0A: ruleset=check_rcpt, arg1=<a@b.example>, relay=h [192.0.2.1], reject=550 5.1.1 <a@b.example>... User unknown
Nov  1 10:00:00 mx sm-mta[7]: 0A: h [192.0.2.1]: possible SMTP attack: command=AUTH, count=9... Not known yet
Nov  1 10:00:00 mx sm-mta[7]: 0A: rejecting commands from h [192.0.2.1] due to pre-greeting traffic after 9... Not known yet
Nov  1 10:00:00 mx sm-mta[7]: 0A: AUTH=server, relay=h [192.0.2.1], authid=x, mech=PLAIN, bits=0... Not known yet
Nov  1 10:00:00 mx sm-mta[7]: 0A: from=<"a, nrcpts=1, msgid=b"@b.example>, size=0, class=0, nrcpts=0, proto=ESMTP, daemon=MTA, relay=h [192.0.2.1]
`, []string{"1 192.0.2.66 spam 1", "2 192.0.2.66 scan 1", "3 192.0.2.66 spam 1", "4 192.0.2.66 spam 1"}},
		{"Courier, with a port", `Nov  1 10:00:00 mx courieresmtpd: error,relay=::ffff:192.0.2.66,port=4000,msg="535 Authentication failed.",cmd: AUTH LOGIN YQ==
Nov  1 10:00:00 mx courieresmtpd: error,relay=192.0.2.66,port=4000,msg="535 Authentication rejected",cmd: AUTH PLAIN AGIAYw==
`, []string{"1 192.0.2.66 mail-login two-way 1", "2 192.0.2.66 mail-login two-way 1"}},
		{"another name on the way", `Nov  1 10:00:00 h sshd[8]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser=root rhost=192.0.2.66
Nov  1 10:00:01 h sshd[8]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser=admin rhost=192.0.2.66
Nov  1 10:00:02 h sshd[9]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser=root rhost=192.0.2.67
Nov  1 10:00:03 h sshd[9]: Accepted password for guest from 192.0.2.67 port 1 ssh2
Nov  1 10:00:04 h sshd[10]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=198.51.100.7  user=me
Nov  1 10:00:05 h sshd[10]: Accepted password for me from 198.51.100.7 port 1 ssh2
`, []string{"2 192.0.2.66 ssh-login two-way 1", "4 192.0.2.67 ssh-login two-way 1", "6 198.51.100.7 ssh 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, shown(t, c.lines)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// templates are lines of every form, the peer 192.0.2.66, with what a client chooses in place of %s.
var templates = []string{
	"Nov  1 10:00:00 router dropbear[825]: Bad password attempt for '%s' from 192.0.2.66:52289",
	"Nov  1 10:00:00 router dropbear[825]: Exit before auth from <192.0.2.66:52>: (user '%s', 10 fails): Max auth tries reached - user '%s'",
	"Nov  1 10:00:00 mx postfix/smtpd[1]: warning: unknown[192.0.2.66]: SASL LOGIN authentication failed: x, sasl_username=%s",
	"Nov  1 10:00:00 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.66]: 554 5.7.1 <%s>: Relay access denied; from=<%s> to=<%s> proto=SMTP helo=<%s>",
	"Nov  1 10:00:00 mx postfix/smtpd[1]: improper command pipelining after AUTH from unknown[192.0.2.66]: %s",
	"Nov  1 10:00:00 mx postfix/submission/smtpd[1]: 4CA: client=unknown[192.0.2.66], sasl_method=PLAIN, sasl_username=%s",
	"Nov  1 10:00:00 mx dovecot: imap-login: Disconnected (auth failed, 3 attempts in 16 secs): user=<%s>, method=PLAIN, rip=192.0.2.66, lip=198.51.100.1, TLS, session=<x>",
	"Nov  1 10:00:00 mx dovecot: imap-login: Login: user=<%s>, method=PLAIN, rip=192.0.2.66, lip=198.51.100.1, TLS, session=<x>",
	"Nov  1 10:00:00 mx dovecot: auth-worker(304): pam(%s,192.0.2.66): unknown user",
	"Nov  1 10:00:00 mx dovecot: auth: sql(%s,192.0.2.66,<abc>): Password mismatch",
	"Nov  1 10:00:00 mx auth: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=%s rhost=192.0.2.66  user=%s",
	"2026-11-01 10:00:00 login authenticator failed for h.example (helo) [192.0.2.66]:5 I=[198.51.100.1]:25: 535 Incorrect authentication data (set_id=%s)",
	"2026-11-01 10:00:00 H=(helo) [192.0.2.66]:5 I=[198.51.100.1]:25 F=<%s> rejected RCPT <%s>: relay not permitted",
	"2026-11-01 10:00:00 1abcde-000000-AA <= %s H=(helo) [192.0.2.66]:5 P=esmtp S=9 id=%s",
	"Nov  1 10:00:00 mx sendmail[1]: 0A: AUTH failure (LOGIN): authentication failure (-13): checkpass failed, user=%s, relay=[192.0.2.66]",
	"Nov  1 10:00:00 mx sendmail[1]: 0B: from=<%s>, size=9, class=0, nrcpts=1, msgid=<%s>, proto=ESMTP, daemon=MTA, relay=[192.0.2.66]",
	"Nov  1 10:00:00 mx cyrus/imaps[1]: badlogin: h.example [192.0.2.66] plaintext %s SASL(-13): authentication failure",
	"Nov  1 10:00:00 mx imapd: LOGIN FAILED, user=%s, ip=[192.0.2.66]",
	`192.0.2.66 - %s [01/Nov/2026:10:00:00 +0100] "GET /.env%s HTTP/1.1" 404 47 "%s" "%s"`,
	`192.0.2.66 - - [01/Nov/2026:10:00:00 +0100] "%s" 400 47 "-" "-"`,
	`{"time_iso8601":"2026-11-01T10:00:00+01:00","remote_addr":"192.0.2.66","request":"GET /.env%s HTTP/1.1","status":404,"http_user_agent":"%s"}`,
	`{"time_iso8601":"2026-11-01T10:00:00+01:00","http_user_agent":"%s","status":404,"request":"GET /.env HTTP/1.1","remote_addr":"192.0.2.66"}`,
	`{"level":"info","ts":1793523602.5,"request":{"headers":{"User-Agent":["%s"]},"remote_ip":"192.0.2.66","method":"GET","uri":"/.env%s"},"status":404}`,
	`{"timestamp":"2026-11-01T10:00:02.457984+0100","event_type":"alert","src_ip":"192.0.2.66","src_port":51698,"dest_port":80,"proto":"TCP","app_proto":"http","direction":"to_server","alert":{"signature":"x","category":"Web Application Attack"},"http":{"url":"%s"}}`,
	`{"ts":1793523602.5,"uid":"C1","id.orig_h":"192.0.2.66","auth_success":false,"client":"%s"}`,
	`[Sun Nov 01 10:00:00 2026] [error] [client 192.0.2.66] user %s not found: /x%s, referer: %s`,
	`[Sun Nov 01 10:00:00 2026] [core:error] [pid 1] [client 192.0.2.66:1] AH00126: Invalid URI in request %s`,
	`2026/11/01 10:00:00 [error] 1#0: *6 user "%s": password mismatch, client: 192.0.2.66, server: x, request: "GET /%s HTTP/1.1", host: "%s"`,
	`2026/11/01 10:00:00 [error] 1#0: *6 open() "/srv/.env%s" failed (2: No such file or directory), client: 192.0.2.66, server: x, request: "GET /%s HTTP/1.1", host: "x"`,
	`Sun Nov  1 10:00:00 2026 [pid 9] [%s] FAIL LOGIN: Client "192.0.2.66"`,
	"Nov  1 10:00:00 ftp vsftpd: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=%s rhost=192.0.2.66",
	"Nov  1 10:00:00 ftp proftpd[12]: ftp.example (h.example[192.0.2.66]) - USER %s: no such user found from h.example [192.0.2.66] to 198.51.100.1:21",
	"Nov  1 10:00:00 h sshd[8]: Failed password for invalid user %s from 192.0.2.66 port 9 ssh2",
	"Nov  1 10:00:00 h sshd[8]: Invalid user %s from 192.0.2.66 port 9",
}

// names are what clients call themselves to have somebody else blocked: 203.0.113.99.
var names = []string{
	"203.0.113.99", "from 203.0.113.99", "' from 203.0.113.99:22", "x from 203.0.113.99 port 22 ssh2", "[203.0.113.99]", "unknown[203.0.113.99]: SASL LOGIN authentication failed:",
	"a>, method=PLAIN, rip=203.0.113.99, lip=198.51.100.1, TLS", "a>, rip=203.0.113.99", "a,203.0.113.99): unknown user", "a,203.0.113.99", "a,203.0.113.99,<x>): Password mismatch, pam(b",
	" rhost=203.0.113.99", "rhost=203.0.113.99 ", "a, relay=[203.0.113.99]", "a, ip=[203.0.113.99]", "a [203.0.113.99]", "a) [203.0.113.99]:1 I=[198.51.100.1]:25: 535 Incorrect authentication data",
	`" 404 1 "-" "-"`, `x" 404 47 "-" "-" 203.0.113.99 - - [01/Nov/2026:10:00:00 +0100] "GET /.env HTTP/1.1" 404`, "[client 203.0.113.99] user root not found", "] [client 203.0.113.99] user root not found: /",
	`x", client: 203.0.113.99, server: x, request: "GET / HTTP/1.1`, `x": password mismatch, client: 203.0.113.99, server: , request: "GET /`, `x] FAIL LOGIN: Client "203.0.113.99"`, `203.0.113.99" `,
	`x","client_ip":"203.0.113.99`, `x","remote_addr":"203.0.113.99`, `x","request":{"remote_ip":"203.0.113.99","method":"GET","uri":"/.env"},"y":"`, `x"]},"client_ip":"203.0.113.99","y":{"z":["`,
	`x","src_ip":"203.0.113.99`, `x"},"src_ip":"203.0.113.99","y":{"z":"`, `x","id.orig_h":"203.0.113.99`, `x","note":"Scan::Port_Scan","src":"203.0.113.99`,
	"a (h.example[203.0.113.99])", "x\nNov  1 10:00:00 h sshd[8]: Failed password for root from 203.0.113.99 port 9 ssh2"[:1], "\\", "\"", "%", "\x1b[2J", "\x00", "\xff\xfe", "::ffff:203.0.113.99", "2001:db8::99",
	"a H=(x) [203.0.113.99] P=esmtp", "\"a H=(x) [203.0.113.99] P=esmtp\"@x", "(203.0.113.99)", "<203.0.113.99>", "203.0.113.99:22", strings.Repeat("203.0.113.99 ", 50),
}

// TestTrapLogInjection writes names that look like addresses and like lines into every line that an attacker has a say in.
func TestTrapLogInjection(t *testing.T) {
	counted := 0
	for _, line := range templates {
		for _, name := range names {
			counted += onlyThePeer(t, line, name)
		}
	}
	if counted < len(templates)*len(names)/2 {
		t.Errorf("%d of %d lines counted; expected most", counted, len(templates)*len(names))
	}
}

// onlyThePeer holds that a line counts for its peer or for nobody, and returns how often.
func onlyThePeer(t *testing.T, line, name string) int {
	t.Helper()
	text := strings.ReplaceAll(line, "%s", strings.NewReplacer("\n", "", "\r", "").Replace(name)) // a line is one line
	counted := shown(t, "Nov  1 10:00:00 h cron[7]: a line that makes it a log\n"+text+"\n")
	for _, x := range counted {
		if !strings.Contains(x, " 192.0.2.66 ") {
			t.Errorf("%s\nwas counted as %s", text, x)
		}
	}
	return len(counted)
}

// TestZeekHeader tells values of which nobody knows what they are, and knows them when it reads on.
func TestZeekHeader(t *testing.T) {
	line := "1793523602.500000\t192.0.2.66\tF\n"
	o := evidence.Options{At: time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)}
	read := func(from evidence.Position, text string) (evidence.Position, evidence.Summary) {
		to, sum, err := evidence.ReadOn(context.Background(), "test", strings.NewReader(text), from, o, evidence.NewTally("local"))
		if err != nil {
			t.Fatal(err)
		}
		return to, sum
	}
	if _, sum := read(evidence.Position{}, line); sum.Unknown != 1 || sum.Hostile != 0 || sum.Example != strings.TrimSpace(line) {
		t.Errorf("without a header: %+v; expected one line not understood", sum)
	}
	to, sum := read(evidence.Position{}, "#fields\tts\tid.orig_h\tauth_success\n")
	if sum.Unknown+sum.Hostile != 0 {
		t.Errorf("a header alone: %+v", sum)
	}
	if _, sum := read(to, line); sum.Unknown != 0 || sum.Hostile != 1 {
		t.Errorf("read on: %+v; expected one hostile line", sum)
	}
}

// TestDeepJSON is an object that would take a stack to read.
func TestDeepJSON(t *testing.T) {
	for _, deep := range []string{strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000)} {
		line := `{"timestamp":"2026-11-01T10:00:02.457984+0100","event_type":"alert","src_ip":"192.0.2.66","direction":"to_server","alert":` + deep
		if got := shown(t, line+"\n"+line+"\n"); len(got) != 0 {
			t.Errorf("%q; expected nothing", got)
		}
	}
}

func FuzzClientNames(f *testing.F) {
	for i := range templates {
		f.Add(i, names[i%len(names)])
	}
	f.Fuzz(func(t *testing.T, i int, name string) {
		if i < 0 || i >= len(templates) || len(name) > 4000 {
			return
		}
		onlyThePeer(t, templates[i], name)
	})
}
