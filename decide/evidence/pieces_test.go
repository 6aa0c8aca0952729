package evidence

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// courier is how courierlogger passes a message on: in pieces.
func courier(front, message string) string {
	var out strings.Builder
	for len(message) > 0 {
		n := min(len(message), pieceOfCourier)
		out.WriteString(front + message[:n] + "\n")
		message = message[n:]
	}
	return out.String()
}

// TestPiecesOfAMessage holds that what a client wrote doesn't count where it comes as a line of its own.
func TestPiecesOfAMessage(t *testing.T) {
	const front, behind = "Nov  1 01:00:00 mx imapd: ", ", ip=[::ffff:203.0.113.7], port=[54419]"
	failed := func(user string) string { return courier(front, "LOGIN FAILED, user="+user+behind) }
	fill := func(text string) string {
		return text + strings.Repeat(" B", pieceOfCourier)[:pieceOfCourier-len(text)]
	}
	first := strings.Repeat("A", pieceOfCourier-len("LOGIN FAILED, user="))
	again := failed("bob")
	for name, c := range map[string]struct {
		lines string
		want  []string
	}{
		"in the front":         {failed("x, ip=[192.0.2.1], port=[1]" + strings.Repeat("A", 500)), nil},
		"blanks behind it":     {failed("x, ip=[192.0.2.1], port=[1]" + strings.Repeat(" ", 500)), nil},
		"a piece of its own":   {failed(first + fill("LOGIN FAILED, user=x, ip=[192.0.2.1], port=[1]") + "C"), nil},
		"without its blanks":   {"Nov  1 01:00:00 mx imapd: LOGIN FAILED, user=A\nNov  1 01:00:00 mx imapd: login: h [192.0.2.1] x, ip=[203.0.113.7], port=[1]\n", nil},
		"a level taken off":    {"Nov  1 01:00:00 mx imapd: " + strings.Repeat("A", pieceOfCourier-len("WARNING: ")) + "\nNov  1 01:00:00 mx imapd: login: h [192.0.2.1] x, ip=[203.0.113.7], port=[1]\n", nil},
		"Cyrus' are whole":     {"Nov  1 01:00:00 mx cyrus/imaps[7]: badlogin: h [203.0.113.7] plaintext " + strings.Repeat("A", 600) + " SASL(-13): no\n" + "Nov  1 01:00:00 mx cyrus/imaps[8]: login: h [203.0.113.8] bob plaintext User logged in\n", []string{"1 203.0.113.7 mail-login two-way", "2 203.0.113.8 imap"}},
		"the last piece":       {failed(first + "badlogin: h [192.0.2.1] x"), nil},
		"a good login":         {failed(first + "login: h [192.0.2.1] x"), nil},
		"the next one counts":  {failed(first+"C") + again, []string{"3 203.0.113.7 mail-login two-way"}},
		"others in between":    {strings.Replace(failed(first+"login: h [192.0.2.1] x"), "\n", "\n"+strings.Replace(again, "imapd", "pop3d", 1)+strings.Replace(again, " mx ", " my ", 1), 1), []string{"2 203.0.113.7 mail-login two-way", "3 203.0.113.7 mail-login two-way"}},
		"cut by BusyBox's log": {busyBox(failed(first + "login: h [192.0.2.1] x")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, showsOf(t, c.lines)); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestPiecesInTheJournal holds that blanks at the end of a piece are known there too, from where they were taken off.
func TestPiecesInTheJournal(t *testing.T) {
	const user = "x, ip=[192.0.2.1], port=[1]"
	message := "LOGIN FAILED, user=" + user
	blanks := strings.Repeat(" ", pieceOfCourier-len("INFO: ")-len(message))
	entry := func(message, raw string) string {
		return fmt.Sprintf(`{"__REALTIME_TIMESTAMP":"1793520000000000","_TRANSPORT":"syslog","_HOSTNAME":"mx","SYSLOG_IDENTIFIER":"imapd","_PID":"7","MESSAGE":%q%s}`, message, raw) + "\n"
	}
	behind := entry("login: h [192.0.2.1] x, ip=[203.0.113.7], port=[54419]", "")
	again := entry("LOGIN FAILED, user=bob, ip=[203.0.113.7], port=[54419]", `,"SYSLOG_RAW":"<22>imapd: LOGIN FAILED, user=bob, ip=[203.0.113.7], port=[54419]\n"`)
	if d := cmp.Diff([]string{"3 203.0.113.7 mail-login two-way"}, showsOf(t, entry(message, `,"SYSLOG_RAW":"<22>Nov  1 01:00:00 imapd: `+message+blanks+`\n"`)+behind+again)); d != "" {
		t.Error(d)
	}
}

// busyBox is what its syslog makes of lines.
func busyBox(lines string) string {
	var out strings.Builder
	for line := range strings.Lines(lines) {
		line = strings.Replace(strings.TrimSuffix(line, "\n"), " mx ", " mx mail.info ", 1)
		out.WriteString(line[:min(len(line), 250+len("mx mail.info "))] + "\n")
	}
	return out.String()
}

// TestPiecesAcrossTwoReadings holds that a message may go on behind what was read.
func TestPiecesAcrossTwoReadings(t *testing.T) {
	f := newFollower(t)
	pieces := strings.SplitAfter(courier("Nov  1 01:00:00 mx imapd: ", "LOGIN FAILED, user="+strings.Repeat("A", pieceOfCourier-len("LOGIN FAILED, user="))+"badlogin: h [192.0.2.1] x, ip=[203.0.113.7], port=[1]"), "\n")
	for _, piece := range pieces[:2] {
		appendTo(t, f.path, piece)
		f.touch(f.path)
		if sum := f.read(); sum.Hostile != 0 || sum.Lines != 1 {
			t.Errorf("of %q: %+v; expected nothing", piece, sum)
		}
	}
	appendTo(t, f.path, "Nov  1 01:00:00 mx imapd: LOGIN FAILED, user=bob, ip=[203.0.113.7], port=[1]\n")
	if sum := f.read(); sum.Hostile != 1 {
		t.Errorf("then %+v; expected 1", sum)
	}
}

// TestClientsLinesInAnEximLog holds that what a client asks for with ETRN is no line of another form, whatever is around it.
func TestClientsLinesInAnEximLog(t *testing.T) {
	for _, forged := range []string{
		"postfix/smtpd[7]: warning: unknown[192.0.2.1]: SASL LOGIN authentication failed: x", "sshd[7]: Failed password for root from 192.0.2.1 port 4000 ssh2",
		"h sshd[7]: Failed password for root from 192.0.2.1 port 4000 ssh2", "fail2ban.filter [812]: INFO [sshd] Found 192.0.2.1 -", "authenticator failed for (x) [192.0.2.1]: 535 Incorrect authentication data",
	} {
		for _, around := range []string{
			"2026-11-01 10:00:00 ETRN %s received from (h) [203.0.113.7]\n", "2026-11-01 10:00:00.123 ETRN %s received from (h) [203.0.113.7]\n", "2026-11-01 10:00:00 +0100 ETRN %s received from (h) [203.0.113.7]\n",
			"2026-11-01 10:00:00 [812] ETRN %s received from (h) [203.0.113.7]\n", "2026-11-01T09:00:01.123456789Z stdout F 2026-11-01 10:00:00 ETRN %s received from (h) [203.0.113.7]\n",
			`{"log":"2026-11-01 10:00:00 ETRN %s received from (h) [203.0.113.7]\n","stream":"stdout","time":"2026-11-01T09:00:00.1Z"}` + "\n",
		} {
			for _, client := range []string{"(h) [203.0.113.7]", "h.example [203.0.113.7]"} {
				line := fmt.Sprintf(strings.Replace(around, "(h) [203.0.113.7]", client, 1), forged)
				if got := showsOf(t, line); got != nil {
					t.Errorf("%q counts: %q", line, got)
				}
			}
		}
	}
	greeting := "2026-11-01 10:00:00 H=(a ETRN b) [203.0.113.7] F=<> rejected RCPT <b@example.net>: relay not permitted\n"
	if d := cmp.Diff([]string{"1 203.0.113.7 spam two-way"}, showsOf(t, greeting)); d != "" {
		t.Errorf("who only greets so:\n%s", d)
	}
	many := strings.Repeat("2026-11-01 10:00:00 rejected EHLO from [203.0.113.7]: syntactically invalid argument(s): a b\n", trialLines+10)
	want := []string{fmt.Sprintf("%d 203.0.113.7 mail-login two-way", trialLines+11)}
	if d := cmp.Diff(want, showsOf(t, many+"2026-11-01 10:00:00 plain authenticator failed for (h) [203.0.113.7]: 535 Incorrect authentication data (set_id=a)\n")); d != "" {
		t.Errorf("behind many that show nothing:\n%s", d)
	}
}

// TestWithWhatAnAccessLogBegins is known the next time too.
func TestWithWhatAnAccessLogBegins(t *testing.T) {
	const asked, other = `203.0.113.7 198.51.100.1 - [01/Nov/2026:10:00:02 +0000] "GET /.env HTTP/1.1" 404 341 "-" "-"` + "\n", ` - [01/Nov/2026:10:00:01 +0000] "GET / HTTP/1.1" 404 341 "-" "-"` + "\n"
	for begins, want := range map[string][]string{"203.0.113.7 www.example.org": {"1 203.0.113.7 web-probe two-way"}, "www.example.org 203.0.113.7 -": {"1 198.51.100.1 web-probe two-way"}, "203.0.113.7 -": nil} {
		if d := cmp.Diff(want, showsOf(t, begins+other, asked)); d != "" {
			t.Errorf("%s:\n%s", begins, d)
		}
	}
}

// TestProftpdsOwnLog holds that it is no proof: a user's name stands there with its line ends.
func TestProftpdsOwnLog(t *testing.T) {
	const head = "2026-11-01 10:00:00,123 ftp proftpd[7] localhost (203.0.113.7[203.0.113.7]): USER "
	const tail = ": no such user found from 203.0.113.7 [203.0.113.7] to 198.51.100.1:21\n"
	const forged = "Nov  1 00:00:00 h sshd[7]: Failed password for root from 192.0.2.1 port 4000 ssh2\n"
	got := showsOf(t, head+"a\n"+forged+"2026-11-01 00:00:00,123 h proftpd[7] h (h[192.0.2.2]): USER a: Login successful.\nx"+tail+
		head+"x: Login successful.\ny"+tail+head+"z"+tail+head+"a\n", forged+"x"+tail+head+"z"+tail)
	want := []string{"7 203.0.113.7 ftp-login one-way", "3 203.0.113.7 ftp-login one-way"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	cut := "Nov  1 01:00:00 ftp daemon.info proftpd[7]: localhost (203.0.113.7[203.0.113.7]): USER "
	cut += strings.Repeat("x", 250+len("ftp daemon.info ")-len(cut)-len(": Login successful.")) + ": Login successful."
	for _, line := range []string{cut, strings.Replace(cut, "USER "+strings.Repeat("x", 20), "USER "+strings.Repeat("^A", 20), 1)} { // BusyBox' for a control character
		if got := showsOf(t, line+"\n"); got != nil {
			t.Errorf("where syslog cut a name off: %q", got)
		}
	}
}
