package evidence

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestAttemptsToldTwice: with PAM dovecot writes of a login that failed once as it fails and once as the client leaves.
func TestAttemptsToldTwice(t *testing.T) {
	pam := func(at string) string {
		return "Nov  1 " + at + " mx auth: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=a rhost=192.0.2.66  user=a\n"
	}
	told := func(at string) string {
		return "Nov  1 " + at + " mx dovecot: auth-worker(304): pam(a,192.0.2.66): pam_authenticate() failed: Authentication failure\n"
	}
	end := func(at string, n int) string {
		return fmt.Sprintf("Nov  1 %s mx dovecot: imap-login: Disconnected (auth failed, %d attempts in 9 secs): user=<a>, method=PLAIN, rip=192.0.2.66, lip=198.51.100.1\n", at, n)
	}
	smtp := func(at string) string {
		return "Nov  1 " + at + " mx postfix/smtpd[9]: warning: unknown[192.0.2.66]: SASL PLAIN authentication failed: UGFzc3dvcmQ6\n"
	}
	for _, c := range []struct {
		name string
		goes []string
		want int64
	}{
		{"by PAM and postfix", []string{pam("10:00:00") + smtp("10:00:02") + pam("10:00:05") + smtp("10:00:07")}, 2},
		{"by postfix alone", []string{smtp("10:00:02") + smtp("10:00:07")}, 2},
		{"by PAM of both servers", []string{pam("10:00:00") + smtp("10:00:02") + pam("10:00:05") + end("10:00:07", 1)}, 2},
		{"of both servers without PAM", []string{smtp("10:00:02") + end("10:00:07", 2) + smtp("10:00:08")}, 4},
		{"by all", []string{pam("10:00:00") + told("10:00:01") + pam("10:00:05") + told("10:00:06") + end("10:00:09", 2)}, 2},
		{"by PAM and at the end, twice", []string{pam("10:00:00") + end("10:00:09", 1) + pam("10:00:10") + end("10:00:19", 1)}, 2},
		{"of two connections at a time", []string{pam("10:00:00") + pam("10:00:01") + end("10:00:08", 1) + end("10:00:09", 1)}, 2},
		{"more at the end", []string{pam("10:00:00") + end("10:00:09", 3)}, 3},
		{"at the end alone", []string{end("10:00:09", 3) + end("10:00:19", 2)}, 5},
		{"by PAM alone", []string{pam("10:00:00") + pam("10:00:01") + pam("10:00:02")}, 3},
		{"with a pause between", []string{end("10:00:00", 3) + pam("10:11:00")}, 4},
		{"read in two goes", []string{pam("10:00:00") + pam("10:00:01"), end("10:00:09", 2)}, 2},
	} {
		tally := NewTally("local")
		var at Position
		for _, text := range c.goes {
			var err error
			if at, _, err = ReadOn(t.Context(), "log", strings.NewReader(text), at, Options{At: readAt}, tally); err != nil {
				t.Fatal(err)
			}
		}
		sightings, _ := tally.Records()
		if len(sightings) != 1 || sightings[0].Count != c.want {
			t.Errorf("%s: %v; expected %d attempts", c.name, sightings, c.want)
		}
	}
}

// TestWhatAnotherLogTells: where a service's own log is read too, PAM's lines in this one are no news.
func TestWhatAnotherLogTells(t *testing.T) {
	const dovecot = "Nov  1 10:00:00 mx auth: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=a rhost=192.0.2.66  user=a"
	const vsftpd = "Nov  1 10:00:00 mx vsftpd[7]: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=a rhost=192.0.2.66  user=a"
	const sshd = "Nov  1 10:00:00 mx sshd[7]: Failed password for root from 192.0.2.66 port 4000 ssh2"
	log := strings.Join([]string{dovecot, vsftpd, sshd}, "\n")
	for _, c := range []struct {
		elsewhere []string
		want      int64
	}{{nil, 3}, {[]string{"dovecot"}, 2}, {[]string{"vsftpd"}, 2}, {[]string{"dovecot", "vsftpd"}, 1}} {
		sum, err := Read(t.Context(), "log", strings.NewReader(log), Options{At: readAt, Elsewhere: c.elsewhere}, NewTally("local"))
		if err != nil || sum.Hostile != c.want {
			t.Errorf("%v elsewhere: %d hostile, %v; expected %d", c.elsewhere, sum.Hostile, err, c.want)
		}
	}
}

// TestRetoldCountsTheMost holds it against adding up: in any order, as many are news as the one tells that tells most.
func TestRetoldCountsTheMost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := retold{}
		var told [4][retellers]int64
		var news [4]int64
		for i, n := range rapid.SliceOf(rapid.IntRange(0, 4*retellers*5-1)).Draw(t, "lines") {
			source, by, attempts := n%4, n/4%retellers, int64(n/4/retellers)
			told[source][by] += attempts
			news[source] += r.news(netip.AddrFrom4([4]byte{192, 0, 2, byte(source)}), by, attempts, int64(1000+i))
			if rapid.Bool().Draw(t, "read again") {
				text := r.save()
				r = retold{}
				r.resume(text)
			}
		}
		for i := range told {
			if want := slices.Max(told[i][:]); news[i] != want {
				t.Fatalf("source %d: %d are news of %v", i, news[i], told[i])
			}
		}
	})
}

func TestRetoldIsBounded(t *testing.T) {
	r := retold{}
	for i := range 3 * mostRetold {
		r.news(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), toldByPAM, 1, int64(1000+i/100))
	}
	if len(r) > mostRetold+1 {
		t.Errorf("%d are remembered; expected %d at most", len(r), mostRetold)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(r.save(), &list); err != nil || len(list) != savedRetold {
		t.Errorf("%d are saved, %v; expected %d", len(list), err, savedRetold)
	}
}
