package evidence

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// injections are, for every form of log, the lines in which it prints what clients choose: NAME is a client's choice, HOST
// the name that his address has by his own name server, PEER his address. A line that begins with ~ counts for nobody.
var injections = map[string]struct {
	escape func(string) string // what the program does to a name before it writes it
	lines  []string
}{
	"sshd": {oneLine, under("Nov  1 01:00:00 mail sshd[7]: ", slices.Concat(templates, []string{
		"banner exchange: Connection from PEER port 4000: invalid format",
		"fatal: Unable to negotiate with PEER port 4000: no matching key exchange method found. Their offer: NAME [preauth]",
		"Unable to negotiate with PEER: no matching host key type found. Their offer: NAME [preauth]",
		"Timeout before authentication for PEER port 4000", "Timeout before authentication for connection from PEER to 198.51.100.1, pid = 7",
		"drop connection #3 from [PEER]:4000 on [198.51.100.1]:22 penalty: failed authentication",
		"~userauth_pubkey: unsupported public key algorithm: NAME [preauth]", "Accepted password for NAME from PEER port 4000 ssh2",
		"Accepted publickey for bob from PEER port 4000 ssh2: RSA-CERT SHA256:abc ID NAME (serial 1) CA RSA SHA256:abc",
	}))},
	"netfilter": {oneLine, under("Nov  1 01:00:00 mail kernel: ", []string{
		"[UFW BLOCK] IN=eth0 OUT= MAC=02:00 SRC=PEER DST=198.51.100.1 LEN=40 PROTO=TCP SPT=1 DPT=2 NAME",
		"DROP(wan)IN=eth0 OUT= MAC=02:00 SRC=PEER DST=198.51.100.1 PROTO=TCP SPT=1 DPT=2 NAME",
		"[UFW BLOCK] IN=eth0 OUT= SRC=PEER DST=198.51.100.1 PROTO=ICMP TYPE=3 CODE=1 [SRC=192.0.2.1 DST=PEER PROTO=TCP NAME]",
	})},
	"fail2ban": {oneLine, under("2026-11-01 10:00:00,123 ", []string{
		"fail2ban.filter         [812]: INFO    [sshd] Found PEER - 2026-11-01 10:00:01",
		"~fail2ban.filter         [812]: WARNING [sshd] Simulate NOW in operation since found time has too large deviation NAME: NAME",
		"~fail2ban.ipdns          [812]: WARNING Unable to find a corresponding IP address for NAME: [Errno -2] NAME",
		"~fail2ban.filter         [812]: INFO    [sshd] Ignore NAME by ip",
	})},
	"dropbear": {oneLine, under("Nov  1 01:00:00 router dropbear[7]: ", []string{
		"Bad password attempt for 'NAME' from PEER:52289", "bad PAM password attempt for 'NAME' from PEER:52289", "Login attempt for nonexistent user 'NAME' from PEER:52289",
		"Exit before auth from <PEER:52>: (user 'NAME', 10 fails): Max auth tries reached - user 'NAME'", "Exit before auth (user 'NAME', 10 fails): Max auth tries reached - user 'NAME' from PEER:5",
		"Pubkey auth succeeded for 'NAME' with key sha1!! 00 from PEER:4", "~Exit (NAME): Disconnect received",
	})},
	"postfix": {oneLine, slices.Concat(under("Nov  1 01:00:00 mx postfix/smtpd[7]: ", []string{
		"warning: HOST[PEER]: SASL LOGIN authentication failed: NAME", "warning: HOST[PEER]: SASL PLAIN authentication failed: UGFzc3dvcmQ6, sasl_username=NAME",
		"NOQUEUE: reject: RCPT from HOST[PEER]: 554 5.7.1 <NAME>: Relay access denied; from=<NAME> to=<NAME> proto=SMTP helo=<NAME>",
		"4C8: milter-reject: END-OF-MESSAGE from HOST[PEER]: 5.7.1 NAME; from=<NAME> to=<NAME> proto=ESMTP helo=<NAME>",
		"improper command pipelining after EHLO from HOST[PEER]: NAME", "lost connection after AUTH from HOST[PEER]", "too many errors after RCPT from HOST[PEER]",
		"warning: non-SMTP command from HOST[PEER]: NAME", "4C9: client=HOST[PEER]", "4CA: client=HOST[PEER], sasl_method=PLAIN, sasl_username=NAME",
		"~warning: hostname HOST does not resolve to address PEER: NAME", "~4CB: filter: RCPT from HOST[PEER]: <NAME>: Sender address triggers FILTER; from=<NAME>",
		"~lost connection after DATA (4 bytes) from HOST[PEER]", "~warning: Illegal address syntax from HOST[PEER] in MAIL command: NAME",
	}), under("Nov  1 01:00:00 mx postfix/postscreen[7]: ", []string{
		"PREGREET 11 after 0.1 from [PEER]:4711: NAME", "COMMAND PIPELINING from [PEER]:4711 after EHLO: NAME", "NON-SMTP COMMAND from [PEER]:4711 after CONNECT: NAME",
		"NOQUEUE: reject: RCPT from [PEER]:60591: 550 5.7.1 Service unavailable; client [PEER] blocked using rbl.example; from=<NAME>, to=<NAME>, proto=SMTP, helo=<NAME>",
	}), under("Nov  1 01:00:00 mx postfix/cleanup[7]: ", []string{
		"~4CC: message-id=<NAME>", "~4CC: reject: header Subject: NAME from HOST[PEER]; from=<NAME>", "~4CC: reject: body NAME from HOST[PEER]: 5.7.1 no; from=<NAME>",
		"4CD: milter-reject: END-OF-MESSAGE from HOST[PEER]: 5.7.1 NAME; from=<NAME> to=<NAME> proto=ESMTP helo=<NAME>",
	}))},
	"dovecot": {oneLine, under("Nov  1 01:00:00 mx ", []string{
		"dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<NAME>, method=PLAIN, rip=PEER, lip=198.51.100.1, TLS, session=<x>",
		"dovecot: pop3-login: Aborted login (tried to use disallowed plaintext auth): user=<NAME>, rip=PEER, lip=198.51.100.1",
		"dovecot: imap-login: Login aborted: Connection closed (auth failed, 2 attempts in 9 secs) (auth_failed): user=<NAME>, method=PLAIN, rip=PEER, lip=198.51.100.1",
		"dovecot: imap-login: Login: user=<NAME>, method=PLAIN, rip=PEER, lip=198.51.100.1, mpid=9, TLS", "dovecot: imap-login: Logged in: user=<NAME>, method=PLAIN, rip=PEER, lip=198.51.100.1",
		"dovecot: auth: passwd-file(NAME,PEER,<s>): unknown user", "dovecot: auth-worker(3): conn unix:auth-worker (pid=1,uid=1): auth-worker<6>: sql(NAME,PEER): Password mismatch (given password: NAME)",
		"dovecot: auth(default): pam(NAME,PEER): unknown user", "auth(NAME,PEER,sasl:login)<x>: Info: sql: Password mismatch", "auth: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=NAME rhost=PEER  user=NAME",
		"~dovecot: imap-login: Disconnected (no auth attempts in 4 secs): user=<>, rip=PEER, lip=198.51.100.1", "~dovecot: lda(NAME): msgid=<NAME>: saved mail to INBOX",
		"~dovecot: auth: plain(?,PEER,<s>): Username character disallowed by auth_username_chars: 0x2c (username: NAME)", "~auth: Info: plain(?,PEER): Username character disallowed by auth_username_chars: 0x2c (username: NAME)",
		"~dovecot: submission-login: Debug: smtp-server: conn PEER:41089 [1]: Received new command: NAME", "~submission-login: Debug: smtp-server: conn PEER:41089 [1]: Received new command: NAME",
		"~dovecot: auth: Debug: client in: AUTH NAME", "~auth-worker(3): Debug: conn unix:auth-worker (pid=1,uid=1): auth-worker<6>: NAME",
	})},
	"exim": {quoteless, slices.Concat(under("Nov  1 01:00:00 mx exim[7]: 2026-11-01 10:00:00 ", []string{
		"login authenticator failed for HOST (NAME) [PEER]:25: 535 Incorrect authentication data (set_id=NAME)", "~ETRN NAME received from (h) [PEER]",
	}), under("2026-11-01 10:00:00.123 +0100 [7] ", []string{"~ETRN NAME received from (h) [PEER]"}), under("2026-11-01 10:00:00 ", []string{
		"~ETRN NAME received from HOST (NAME) [PEER]", "~1abcde-000000-AAAA <= a@example.net H=(x) [PEER] P=esmtpa A=plain:x) [PEER] P=esmtp S=99",
		"login authenticator failed for HOST (NAME) [PEER]:25: 535 Incorrect authentication data (set_id=NAME)", "login authenticator failed for (NAME) [PEER] U=NAME: 535 Incorrect authentication data (set_id=NAME)",
		"H=(NAME) [PEER]:3755 F=<NAME> rejected RCPT <NAME>: relay not permitted", "H=HOST (NAME) [PEER] X=TLS CV=no F=<NAME> rejected RCPT <NAME>: Sender verify failed",
		`~1abcde-000000-AAAA <= "NAME"@example.net H=HOST (NAME) [PEER]:4711 P=esmtps X=TLS S=99 id=NAME`, "1abcde-000000-AAAA <= a@example.net H=(NAME) [PEER] P=esmtpsa A=plain:NAME S=99",
		`SMTP protocol error in "AUTH NAME" H=HOST (NAME) [PEER] AUTH command used when not advertised`, `SMTP protocol error in "AUTH LOGIN" H=(NAME) [PEER] LOGIN authentication mechanism not supported`,
		`SMTP call from (NAME) [PEER] dropped: too many syntax or protocol errors (last command was "NAME", NULL)`, "~H=(NAME) [PEER] rejected EHLO or HELO NAME: syntactically invalid argument(s)",
		`SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from H=HOST [PEER]:4711 I=[198.51.100.1]:25 input="GET /NAME HTTP/1.1\r\nHost: NAME\r\n"`,
		`~SMTP protocol synchronization error (next input sent too soon: pipelining was not advertised): rejected "NAME" H=HOST (NAME) [PEER]:58302 next input="NAME\r\n"`,
		"~rejected HELO from [PEER]: syntactically invalid argument(s): NAME", "~no host name found for IP address PEER",
	}))},
	"sendmail": {oneLine, under("Nov  1 01:00:00 mx sendmail[7]: ", []string{
		"0A: AUTH failure (LOGIN): authentication failure (-13) SASL(-13): authentication failure: checkpass failed, user=NAME, relay=HOST [PEER]",
		"0B: from=<NAME>, size=9, class=0, nrcpts=1, msgid=<NAME>, proto=ESMTP, daemon=MTA, relay=HOST [PEER]", "0C: ruleset=check_rcpt, arg1=<NAME>, relay=HOST [PEER], reject=550 5.7.1 <NAME>... Relaying denied",
		"0D: rejecting commands from HOST [PEER] due to pre-greeting traffic after 0 seconds", "0E: HOST [PEER] (may be forged): possible SMTP attack: command=AUTH, count=5",
		"AUTH=server: AUTH=server, relay=HOST [PEER], authid=NAME, mech=PLAIN, bits=0", "~0F: to=<NAME>, delay=1, relay=HOST [192.0.2.1], stat=Sent (NAME)",
		"~0G: NAME... User unknown", "~0G: NAME... Unbalanced '('", "~0G: NAME... Invalid route address", "~0H[1]: NAME...", "~0H[2]: NAME",
		"~0I: from=<NAME>, size=0, class=0, nrcpts=0, proto=ESMTP, daemon=MTA, relay=HOST [PEER]",
	})},
	"mailboxes": {oneLine, under("Nov  1 01:00:00 mx ", []string{
		"cyrus/imaps[7]: badlogin: HOST [PEER] plaintext NAME SASL(-13): authentication failure: NAME", "cyrus/imaps[7]: login: HOST [PEER] NAME plaintext User logged in",
		"imapd-ssl: LOGIN FAILED, user=NAME, ip=[PEER], port=[255]", "imapd-ssl: LOGIN FAILED, method=PLAIN, ip=[PEER]", "pop3d: LOGIN, user=NAME, ip=[PEER], port=[1], protocol=POP3",
		"ipop3d[7]: Login failed user=NAME auth=NAME host=HOST [PEER]", `courieresmtpd: error,relay=PEER,msg="535 Authentication failed.",cmd: AUTH NAME`, "courieresmtpd: error,relay=PEER,from=<NAME>,to=<NAME>: 550 User unknown.",
	})},
	"access": {inQuotes, []string{
		`PEER - NAME [01/Nov/2026:10:00:00 +0100] "GET /.env?NAME HTTP/1.1" 404 47 "NAME" "NAME"`, `PEER - - [01/Nov/2026:10:00:00 +0100] "NAME" 400 47 "-" "-"`,
		`PEER - - [01/Nov/2026:10:00:00 +0100] "GET /a HTTP/1.1" 200 47 "https://www.example.org/NAME" "Mozilla/5.0 NAME"`,
		`www.example.org:443 PEER - NAME [01/Nov/2026:10:00:00 +0100] "GET /.env HTTP/1.1" 404 47 "NAME" "NAME"`, `~192.0.2.1 PEER - NAME [01/Nov/2026:10:00:00 +0100] "GET /.env HTTP/1.1" 404 47 "NAME" "NAME"`,
		`PEER www.example.org NAME [01/Nov/2026:10:00:00 +0100] "GET /.env HTTP/1.1" 404 47 "NAME" "NAME"`, "PEER www.example.org - [01/Nov/2026:10:00:00 +0100] \"GET /a HTTP/1.1\" 404 47 \"NAME\" \"-\"\nPEER 192.0.2.1 NAME [01/Nov/2026:10:00:00 +0100] \"GET /.env HTTP/1.1\" 404 47 \"NAME\" \"NAME\"",
		`~2001:db8::1:443 PEER - - [01/Nov/2026:10:00:00 +0100] "GET /.env HTTP/1.1" 404 47 "NAME" "NAME"`, `Nov  1 10:00:11 www nginx: PEER - NAME [01/Nov/2026:10:00:11 +0100] "GET /.env HTTP/1.1" 404 0 "NAME" "NAME"`,
		"www.example.org PEER - - [01/Nov/2026:10:00:00 +0100] \"GET /.env HTTP/1.1\" 404 47 \"-\" \"-\"\n192.0.2.1 PEER - - [01/Nov/2026:10:00:01 +0100] \"GET /.env HTTP/1.1\" 404 47 \"NAME\" \"-\"",
	}},
	"proxy-manager": {inQuotes, under("[01/Nov/2026:10:00:00 +0000] ", []string{
		`404 - GET https www.example.org "/.env?NAME" [Client PEER] [Length 0] [Gzip -] "NAME" "NAME"`,
		`- 404 404 - GET http www.example.org "/.env?NAME" [Client PEER] [Length 192] [Gzip 3.10] [Sent-to app] "NAME" "NAME"`,
	})},
	"access-json": {inJSON, []string{
		`{"time_iso8601":"2026-11-01T10:00:00+01:00","remote_addr":"PEER","remote_user":"NAME","request":"GET /.env?NAME HTTP/1.1","status":404,"http_x_forwarded_for":"NAME","http_referer":"NAME","http_user_agent":"NAME"}`,
		`{"level":"info","ts":1793523602.5,"request":{"remote_ip":"PEER","method":"GET","host":"NAME","uri":"/.env?NAME","headers":{"User-Agent":["NAME"],"X-Forwarded-For":["NAME"],"NAME":["NAME"]}},"user_id":"NAME","status":404}`,
		`{"level":"info","ts":1793523602.5,"request":{"remote_addr":"PEER:4000","method":"GET","host":"NAME","uri":"/.env","headers":{"User-Agent":["NAME"]}},"status":404}`,
		`{"ClientHost":"PEER","ClientUsername":"NAME","DownstreamStatus":404,"RequestMethod":"GET","RequestPath":"/.env?NAME","RequestHost":"NAME","request_User-Agent":"NAME","StartUTC":"2026-11-01T09:00:00.123456789Z"}`,
		`Nov  1 10:00:11 www caddy[7]: {"level":"info","request":{"remote_ip":"PEER","method":"GET","uri":"/.env?NAME"},"status":404}`,
	}},
	"suricata": {inJSON, []string{
		`{"timestamp":"2026-11-01T10:00:02.457984+0100","event_type":"alert","src_ip":"PEER","src_port":51698,"dest_ip":"198.51.100.1","dest_port":80,"proto":"TCP","app_proto":"http","direction":"to_server","alert":{"signature":"ET EXPLOIT x","category":"Attempted Administrator Privilege Gain"},"http":{"hostname":"NAME","url":"NAME","http_user_agent":"NAME"},"payload_printable":"NAME","flow":{"pkts_toclient":4}}`,
		`~{"timestamp":"2026-11-01T10:00:02.457984+0100","event_type":"http","src_ip":"PEER","dest_ip":"198.51.100.1","http":{"hostname":"NAME","url":"NAME"}}`,
	}},
	"zeek": {inZeek, []string{
		"#fields\tts\tid.orig_h\tauth_success\tauth_attempts\tclient\tserver\n1793523602.500000\tPEER\tF\t3\tNAME\tNAME", "#fields\tts\tnote\tmsg\tsub\tsrc\n1793523602.500000\tSSH::Password_Guessing\tNAME\tNAME\tPEER",
		`{"ts":1793523602.5,"uid":"C1","id.orig_h":"PEER","auth_success":false,"client":"NAME"}`, `{"ts":1793523602.5,"note":"SSH::Password_Guessing","msg":"NAME","src":"PEER"}`,
	}},
	"apache-error": {oneLine, under("[Sun Nov 01 10:00:00.123456 2026] ", []string{
		"[auth_basic:error] [pid 1:tid 2] [client PEER:4000] AH01618: user NAME not found: /NAME, referer: NAME", "[error] [client PEER] user NAME: authentication failure for \"/NAME\": Password Mismatch",
		"[core:error] [pid 1] [client PEER:1] AH00126: Invalid URI in request GET /NAME HTTP/1.1", "[error] [client PEER] File does not exist: /srv/phpmyadmin/NAME, referer: NAME",
		"[cgi:error] [pid 1] [client PEER:1] AH02811: script not found or unable to stat: /usr/lib/cgi-bin/NAME", "[:error] [pid 1] [client PEER] ModSecurity: Access denied with code 403 (phase 2). Matched \"NAME\" at ARGS:NAME",
		"[:error] [pid 1] [client PEER:4000] [client PEER] ModSecurity: Access denied with code 403 (phase 2). Operator GE matched 5 at TX:anomaly_score. [uri \"/NAME\"]",
		"[core:error] [pid 1] (36)File name too long: [client PEER:1] AH00036: access to /NAME failed (filesystem path '/srv/NAME')", "[error] [client PEER] (36)File name too long: access to /NAME failed",
		"~[ssl:info] [pid 1] [client PEER:1] AH02008: SSL library error 1 in handshake (server NAME:443)", "~[cgi:error] [pid 1] AH01215: NAME",
	})},
	"nginx-error": {oneLine, under("2026/11/01 10:00:00 [error] 30#0: *3 ", []string{
		`user "NAME": password mismatch, client: PEER, server: s.example, request: "GET / HTTP/1.1", host: "h.example", referrer: "NAME"`, `user "NAME" was not found in "/etc/nginx/.htpasswd", client: PEER, server: , request: "GET / HTTP/1.1", host: "HOST"`,
		`open() "/srv/phpmyadmin/NAME" failed (2: No such file or directory), client: PEER, server: s.example, request: "GET /phpmyadmin/NAME HTTP/1.1", host: "HOST", referrer: "NAME"`,
		`"/srv/phpmyadmin/NAME" is not found (2: No such file or directory), client: PEER, server: s.example, request: "GET /phpmyadmin/NAME HTTP/1.1"`,
		`open() "/srv/NAME" failed (36: File name too long), client: PEER, server: s.example, request: "GET /NAME HTTP/1.1", host: "HOST"`,
		`ModSecurity: Access denied with code 403 (phase 2). Matched "NAME" [uri "/NAME"], client: PEER, server: s.example, request: "GET /NAME HTTP/1.1", host: "HOST"`,
		`client login failed: "Invalid login or password" while in http auth state, client: PEER using starttls, server: 198.51.100.1:587, login: "NAME"`,
		`client sent invalid method while reading client request line, client: PEER, server: s.example, request: "NAME"`, `access forbidden by rule, client: PEER, server: s.example, request: "GET /NAME HTTP/1.1", host: "HOST"`,
		`~upstream timed out (110: Connection timed out), client: PEER, server: s.example, request: "GET /NAME HTTP/1.1", upstream: "http://127.0.0.1/NAME", host: "HOST"`, `~FastCGI sent in stderr: "NAME" while reading response header from upstream, client: PEER, server: s.example, request: "GET / HTTP/1.1"`,
	})},
	"vsftpd": {oneLine, slices.Concat(under("Sun Nov  1 10:00:00 2026 [pid 7] ", []string{
		`[NAME] FAIL LOGIN: Client "PEER"`, `[NAME] OK LOGIN: Client "PEER"`, `[NAME] FTP response: Client "PEER", "530 Permission denied."`, `~[ftp] OK LOGIN: Client "PEER", anon password "NAME"`,
		`~[bob] FTP command: Client "PEER", "STAT NAME"`, `~[bob] OK UPLOAD: Client "PEER", "/NAME", 5 bytes, 0.01Kbyte/sec`, `~FTP command: Client "PEER", "USER NAME"`, `~CONNECT: Client "PEER"`,
	}), []string{"Nov  1 01:00:00 ftp vsftpd[7]: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=NAME rhost=PEER  user=NAME"})},
	"proftpd": {oneLine, slices.Concat(under("2026-11-01 10:00:00,123 ftp proftpd[7] 198.51.100.1 ", []string{
		"(HOST[PEER]): USER NAME: no such user found from HOST [PEER] to 198.51.100.1:21", "(HOST[PEER]): USER NAME (Login failed): Incorrect password.", "~(HOST[PEER]): USER NAME: Login successful.",
	}), under("Nov  1 01:00:00 ftp proftpd[7]: ", []string{
		"198.51.100.1 (HOST[PEER]) - USER NAME: no such user found from HOST [PEER] to 198.51.100.1:21", "198.51.100.1 (HOST[PEER]) - USER NAME (Login failed): Incorrect password.",
		"198.51.100.1 (HOST[PEER]) - SECURITY VIOLATION: NAME login attempted.", "198.51.100.1 (HOST[PEER]) - Maximum login attempts (3) exceeded, connection refused", "198.51.100.1 (HOST[PEER]) - USER NAME: Login successful.",
		"~198.51.100.1 (HOST[PEER]) - FTP session opened.", "refused connect from HOST (PEER)",
		"~pam_unix(proftpd:auth): authentication failure; logname= uid=0 euid=0 tty= ruser=NAME rhost=PEER  user=NAME", "~pam_unix(proftpd:auth): check pass; user unknown NAME",
	}))},
}

// quiet are the lines of sshd's that show nothing without others.
var quiet = []string{"input_userauth_request:", "pam_unix(sshd:auth):", "port 4000:11: NAME [preauth]"}

// under puts the same in front of each message.
func under(front string, messages []string) []string {
	var out []string
	for _, m := range messages {
		mark := ""
		if rest, ok := strings.CutPrefix(m, "~"); ok {
			mark, m = "~", rest
		}
		out = append(out, mark+front+m)
	}
	return out
}

// oneLine is what every program here does at least: a name makes no new line.
func oneLine(name string) string {
	return strings.NewReplacer("\n", "#012", "\r", "#015").Replace(name)
}

// quoteless is oneLine for a mail's sender in quotes, in which a quote has a backslash.
func quoteless(name string) string { return strings.ReplaceAll(oneLine(name), `"`, `\"`) }

// inQuotes is what web servers do in their access logs.
func inQuotes(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c < ' ' || c == '"' || c == '\\' || c > '~' {
			fmt.Fprintf(&b, `\x%02X`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func inJSON(name string) string {
	text, err := json.Marshal(name)
	if err != nil {
		panic(err) // a string always goes into JSON
	}
	return string(text[1 : len(text)-1])
}

// inZeek is inJSON, which in tab-separated values escapes what must be as well.
func inZeek(name string) string { return strings.ReplaceAll(inJSON(name), `\t`, `\x09`) }

// hosts are names that a name server gives an address. What isn't made of these letters no resolver passes on.
var hosts = []string{"host.example", "192.0.2.1", "192-0-2-1.example", "192.0.2.1.example", "client.192.0.2.1", "rhost-192.0.2.1", "unknown", "a"}

// choices are what clients call themselves: the names of sshd's attackers, whatever else looks like an address in one of the
// forms, and whole lines of each.
var choices = func() []string {
	out := slices.Concat(names, []string{
		"[192.0.2.1]", "x [192.0.2.1]", "x[192.0.2.1]", "x[192.0.2.1]:25", "(192.0.2.1)", "<192.0.2.1>", "192.0.2.1:25", "x) [192.0.2.1]", "x) [192.0.2.1] P=esmtp", "/smtpd: x: reject: RCPT from [192.0.2.1]: 550", "/sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2: x", "x/smtpd: NOQUEUE: reject: RCPT from h[192.0.2.1]: 550 ", "x [192.0.2.1] F=<a> rejected RCPT <b>: relay not permitted",
		"x>, rip=192.0.2.1, lip=x", "x, rip=192.0.2.1,", "x,192.0.2.1", "x,192.0.2.1): unknown user", ": ,192.0.2.1,): unknown user", ": pam_unix(dovecot:auth): authentication failure; rhost=192.0.2.1 ", "default): pam(a,192.0.2.1): unknown user", "a,192.0.2.1)<x>: sql: unknown user", "a,192.0.2.1): sql: Password mismatch", "x,192.0.2.1,<s>): Password mismatch", "x, ip=[192.0.2.1]", "x], ip=[192.0.2.1], port=[1]", "x, relay=[192.0.2.1]",
		"x, relay=h [192.0.2.1], reject=550 5.7.1 x", "x, reject=550", `x", client: 192.0.2.1, server: s, request: "GET / HTTP/1.1", host: "h"`, `x": password mismatch, client: 192.0.2.1, server: s, request: "GET / HTTP/1.1", host: "h/i`,
		`x, client: 192.0.2.1`, `x] FAIL LOGIN: Client "192.0.2.1`, `x] FAIL LOGIN: Client "192.0.2.1"`, `] [client 192.0.2.1] user x not found`, `x" 404 1 "-" "-"`, `" - - [01/Nov/2026:10:00:00 +0100] "GET /.env HTTP/1.1" 404 1 "-" "-"`,
		`x","remote_addr":"192.0.2.1","y":"`, `","src_ip":"192.0.2.1`, "x\t192.0.2.1\tF", "x\\t192.0.2.1\\tF", "x])(h[192.0.2.1]) - USER a (Login failed)", "x rhost=192.0.2.1", " rhost=192.0.2.1  user=a", "x\x1b[2J 192.0.2.1",
		"\xff\xfe192.0.2.1", "x\x00192.0.2.1\x00", "192.0.2.1\r", "2001:db8::1", "::ffff:192.0.2.1", "x\u2028from 192.0.2.1 port 1 ssh2", "x from h[192.0.2.1]: y", "x after EHLO from h[192.0.2.1]", "h[192.0.2.1]: SASL LOGIN authentication failed: x",
		"ruleset=check_x(, relay=h [192.0.2.1], reject=550 x", `ruleset=check_rcpt, arg1=x", relay=h [192.0.2.1], reject=550 x"@mx.example`, "ruleset=check_rcpt, arg1=<x>, relay=h [192.0.2.1], reject=550 5.7.1 <x",
		"h [192.0.2.1]: possible SMTP attack: command=AUTH, count=9", "rejecting commands from h [192.0.2.1] due to pre-greeting traffic after 9", "AUTH=server, relay=h [192.0.2.1], authid=x, mech=PLAIN, bits=0",
		"AUTH failure (x), relay=h [192.0.2.1]", "from=<a@b>, size=9, nrcpts=1, msgid=<x>, relay=h [192.0.2.1]", "a, nrcpts=1, msgid=b", "authenticator failed for (x) [192.0.2.1]: 535 Incorrect authentication data",
		"h proftpd[7] h (h[192.0.2.1]): USER a (Login failed): x", "x[192.0.2.1]): USER a (Login failed): x", "(auth failed, 9 attempts): user=<x>, rip=192.0.2.1, lip=1", "x (auth failed, 9 attempts): user=<x>, rip=192.0.2.1, lip=1",
		"aaaaaaaaaaaaaaaaaaaaaaa <= a@b H=x [192.0.2.1] P=esmtp S=1", "1abcde-000000-AAAA <= a@b H=x [192.0.2.1] P=esmtpsa A=plain:x S=1",
		"(x sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2: x", "x sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2", "sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2",
	})
	for _, form := range Formats() {
		for _, line := range injections[form].lines {
			line, _ = strings.CutPrefix(line, "~")
			head, _, _ := strings.Cut(line, "PEER")
			filled := strings.NewReplacer("PEER", "192.0.2.1", "NAME", "x", "HOST", "h")
			behind := filled.Replace(line[strings.LastIndexByte(head, ' ')+1:]) // the address and what tells about it
			out = append(out, filled.Replace(line), "x\n"+filled.Replace(line)+"\n", behind, "x "+behind)
		}
	}
	return out
}()

// anyTally takes what no test looks at; a new one for each line would cost more than reading it.
var anyTally = NewTally("local")

// onlyThePeer fails where a line about a peer counts for anybody else. It tells whether the line counts.
func onlyThePeer(t testing.TB, form, line, name, host string, escape func(string) string) bool {
	t.Helper()
	line, _ = strings.CutPrefix(line, "~")
	line = strings.NewReplacer("PEER", "203.0.113.7", "HOST", host, "NAME", escape(name)).Replace(line)
	counted := false
	reads := []string{"", form}
	if form == "sshd" { // its table of connections is large, and asked for by name it reads the same
		reads = reads[:1]
	}
	for _, only := range reads {
		o := Options{At: readAt, Format: only, Line: func(_ int64, e Event) {
			counted = true
			if e.Source != netip.MustParseAddr("203.0.113.7") {
				t.Errorf("%s (read as %q): %q counts as %s%s of %s", form, only, line, e.Kind, e.Service, e.Source)
			}
		}}
		d := newDigest("log", o, anyTally)
		for text := range strings.SplitSeq(line, "\n") {
			_ = d.line([]byte(text)) // what isn't understood counts for nobody
		}
		d.releaseAll()
	}
	return counted
}

func TestEveryFormHasInjections(t *testing.T) {
	for _, form := range Formats() {
		table := injections[form]
		if len(table.lines) == 0 {
			t.Errorf("%s has no table of lines that hold what clients choose", form)
		}
		for _, line := range table.lines {
			want := line[0] != '~' && !slices.ContainsFunc(quiet, func(part string) bool { return strings.Contains(line, part) })
			if got := onlyThePeer(t, form, line, "bob", "host.example", table.escape); got != want {
				t.Errorf("%s: %q counts %v; wanted %v", form, line, got, want)
			}
		}
	}
	for form := range injections {
		if !slices.Contains(Formats(), form) {
			t.Errorf("%s is no form", form)
		}
	}
}

func TestOnlyThePeerIsCounted(t *testing.T) {
	for _, form := range Formats() {
		t.Run(form, func(t *testing.T) {
			table := injections[form]
			for _, line := range table.lines {
				for _, name := range choices {
					onlyThePeer(t, form, line, name, "host.example", table.escape)
				}
				for _, host := range hosts {
					onlyThePeer(t, form, line, "bob", host, table.escape)
					onlyThePeer(t, form, line, host, host, table.escape)
				}
			}
		})
	}
}

// TestALineThatWasCut: where a name is so long that what stands behind it is lost, what looks like the rest of the line in it is
// nobody's address.
func TestALineThatWasCut(t *testing.T) {
	for i, form := range Formats() {
		limit := 1024
		switch cut := formats[i].cut; {
		case cut > 2048:
			limit = 8192
		case cut > 1024:
			limit = 2047
		}
		t.Run(form, func(t *testing.T) {
			for _, line := range injections[form].lines {
				cutLines(t, form, line, limit)
			}
		})
	}
	t.Run("by BusyBox", func(t *testing.T) {
		for _, form := range []string{"sshd", "dropbear", "dovecot", "sendmail", "mailboxes"} {
			for _, line := range injections[form].lines {
				if rest, ok := strings.CutPrefix(strings.TrimPrefix(line, "~"), "Nov  1 01:00:00 "); ok {
					host, rest, _ := strings.Cut(rest, " ")
					cutLines(t, form, "Nov  1 01:00:00 "+host+" auth.info "+rest, 255-len("<38>")+len(host+" auth.info "))
				}
			}
		}
	})
}

// cutLines reads a line of a form with each name so that it goes on to a limit and no further.
func cutLines(t *testing.T, form, line string, limit int) {
	t.Helper()
	line = strings.NewReplacer("PEER", "203.0.113.7", "HOST", "host.example").Replace(strings.TrimPrefix(line, "~"))
	head, _, named := strings.Cut(line, "NAME")
	if !named {
		return
	}
	for i := len(head) % 4; i < len(choices); i += 4 { // each digest is large, and there are many lines
		name := injections[form].escape(choices[i])
		if room := limit - len(head) - len(name); room >= 0 {
			onlyThePeer(t, form, head+name+strings.Repeat(" ", room), "", "", oneLine)
			onlyThePeer(t, form, head+strings.Repeat("A", room)+name, "", "", oneLine)
		}
	}
}

// TestAPartOfAContainersLine: runtimes cut long lines, and what follows may be a client's choice from its first byte to its last.
func TestAPartOfAContainersLine(t *testing.T) {
	const attempt = "Nov  1 01:00:00 mail sshd[7]: Failed password for root from %s port 4000 ssh2"
	forged, own, other := fmt.Sprintf(attempt, "192.0.2.1"), fmt.Sprintf(attempt, "203.0.113.7"), fmt.Sprintf(attempt, "203.0.113.8")
	cri := func(stream, mark, text string) string {
		return "2026-11-01T09:00:01.123456789Z " + stream + " " + mark + " " + text + "\n"
	}
	docker := func(stream, mark, text string) string {
		if mark == "P" {
			text += strings.Repeat("A", 16<<10-len(text))
		} else {
			text += "\n"
		}
		return fmt.Sprintf(`{"log":"%s","stream":"%s","time":"2026-11-01T09:00:00.1Z"}`, inJSON(text), stream) + "\n"
	}
	for name, write := range map[string]func(stream, mark, text string) string{"cri": cri, "docker": docker} {
		lines := []string{
			write("stdout", "P", forged), write("stderr", "F", own), write("stdout", "P", forged), write("stdout", "F", forged), write("stdout", "F", other),
		}
		for split := range len(lines) + 1 { // the log is read in two goes
			tally := NewTally("local")
			var at Position
			for _, part := range [][]string{lines[:split], lines[split:]} {
				var err error
				if at, _, err = ReadOn(t.Context(), "log", strings.NewReader(strings.Join(part, "")), at, Options{At: readAt}, tally); err != nil && split > 1 {
					t.Fatal(err)
				}
			}
			var got []string
			sightings, _ := tally.Records()
			for _, s := range sightings {
				got = append(got, s.Source.String())
			}
			if want := []string{"203.0.113.7", "203.0.113.8"}; !slices.Equal(got, want) {
				t.Errorf("%s, in parts of %d and %d lines: %v counts; expected %v", name, split, len(lines)-split, got, want)
			}
		}
	}
	// A part that JSON makes too long to be read is one all the same.
	tooLong := fmt.Sprintf(`{"log":"%s","stream":"stdout","time":"2026-11-01T09:00:00.1Z"}`, strings.Repeat(`\u0001`, 16<<10)) + "\n"
	tally := NewTally("local")
	if _, err := Read(t.Context(), "log", strings.NewReader(docker("stdout", "F", own)+tooLong+docker("stdout", "F", forged)+docker("stdout", "F", other)), Options{At: readAt}, tally); err != nil {
		t.Fatal(err)
	}
	if sightings, _ := tally.Records(); len(sightings) != 2 || sightings[0].Source.String() != "203.0.113.7" || sightings[1].Source.String() != "203.0.113.8" {
		t.Errorf("behind a part that is too long: %v", sightings)
	}
}

// TestACutLineInAnother: what is around a line doesn't hide how long it was.
func TestACutLineInAnother(t *testing.T) {
	const head, forged = "Nov  1 01:00:00 mail ", "Failed password for root from 192.0.2.1 port 4000 ssh2"
	cut := forged + strings.Repeat(" ", 1024-len(head)-len("sshd[7]: ")-len(forged))
	whole := strings.ReplaceAll(forged, "192.0.2.1", "203.0.113.7")
	long := head + "auth.info sshd[7]: Failed password for root from 203.0.113.7 port 4000 ssh2: " + strings.Repeat("x", 300)
	for name, lines := range map[string][2]string{
		"busybox that reads more": {long, head + "sshd[7]: " + cut},
		"plain":                   {head + "sshd[7]: " + whole, head + "sshd[7]: " + cut},
		"busybox":                 {head + "auth.info sshd[7]: " + whole, head + "auth.info sshd[7]: " + cut[:255-len("<38>Nov  1 01:00:00 sshd[7]: ")]},
		"docker": {`{"log":"` + head + "sshd[7]: " + whole + `\n","stream":"stdout","time":"2026-11-01T09:00:00.1Z"}`,
			`{"log":"` + head + "sshd[7]: " + cut + `\n","stream":"stdout","time":"2026-11-01T09:00:00.1Z"}`},
		"cri": {"2026-11-01T09:00:01.123456789Z stdout F " + head + "sshd[7]: " + whole, "2026-11-01T09:00:01.123456789Z stdout F " + head + "sshd[7]: " + cut},
		"journal": {`{"__REALTIME_TIMESTAMP":"1793520000000000","SYSLOG_IDENTIFIER":"sshd","_PID":"7","MESSAGE":"` + whole + `"}`,
			`{"__REALTIME_TIMESTAMP":"1793520000000000","SYSLOG_IDENTIFIER":"sshd","_PID":"7","MESSAGE":"` + cut + strings.Repeat(" ", len(head)) + `"}`},
	} {
		var got []string
		o := Options{At: readAt, Line: func(_ int64, e Event) { got = append(got, e.Source.String()) }}
		d := newDigest("log", o, NewTally("local"))
		for _, line := range []string{lines[0], lines[1], lines[1]} {
			if err := d.line([]byte(line + "\n")); err != nil {
				t.Fatal(err)
			}
		}
		if want := []string{"203.0.113.7"}; !slices.Equal(got, want) {
			t.Errorf("%s: %v counts; expected %v", name, got, want)
		}
	}
}

// fuzzForm fuzzes the names in the lines of a form.
func fuzzForm(f *testing.F, form string) {
	table := injections[form]
	for i := range table.lines {
		f.Add(i, "bob", i)
	}
	for j, name := range choices {
		f.Add(j, name, j)
	}
	f.Fuzz(func(t *testing.T, i int, name string, host int) {
		if len(name) > 4000 {
			return
		}
		onlyThePeer(t, form, table.lines[uint(i)%uint(len(table.lines))], name, hosts[uint(host)%uint(len(hosts))], table.escape)
	})
}

func FuzzInjectSshd(f *testing.F)         { fuzzForm(f, "sshd") }
func FuzzInjectNetfilter(f *testing.F)    { fuzzForm(f, "netfilter") }
func FuzzInjectDropbear(f *testing.F)     { fuzzForm(f, "dropbear") }
func FuzzInjectPostfix(f *testing.F)      { fuzzForm(f, "postfix") }
func FuzzInjectDovecot(f *testing.F)      { fuzzForm(f, "dovecot") }
func FuzzInjectExim(f *testing.F)         { fuzzForm(f, "exim") }
func FuzzInjectSendmail(f *testing.F)     { fuzzForm(f, "sendmail") }
func FuzzInjectMailboxes(f *testing.F)    { fuzzForm(f, "mailboxes") }
func FuzzInjectAccess(f *testing.F)       { fuzzForm(f, "access") }
func FuzzInjectProxyManager(f *testing.F) { fuzzForm(f, "proxy-manager") }
func FuzzInjectSuricata(f *testing.F)     { fuzzForm(f, "suricata") }
func FuzzInjectZeek(f *testing.F)         { fuzzForm(f, "zeek") }
func FuzzInjectAccessJSON(f *testing.F)   { fuzzForm(f, "access-json") }
func FuzzInjectApacheError(f *testing.F)  { fuzzForm(f, "apache-error") }
func FuzzInjectNginxError(f *testing.F)   { fuzzForm(f, "nginx-error") }
func FuzzInjectVsftpd(f *testing.F)       { fuzzForm(f, "vsftpd") }
func FuzzInjectProftpd(f *testing.F)      { fuzzForm(f, "proftpd") }
