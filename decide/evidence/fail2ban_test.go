package evidence_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lastresort/decide/evidence"
)

const fail2banLog = `2026-11-01 10:00:00,123 fail2ban.server         [812]: INFO    Starting Fail2ban v1.1.0
2026-11-01 10:00:01,123 fail2ban.filter         [812]: INFO    [sshd] Found 192.0.2.66 - 2026-11-01 10:00:01
2026-11-01 10:00:02,123 fail2ban.filter         [812]: INFO    [sshd] Found 2001:db8::66 - 2026-11-01 10:00:01
2026-11-01 10:00:03,123 fail2ban.actions        [812]: NOTICE  [sshd] Ban 192.0.2.66
2026-11-01 10:00:04,123 fail2ban.actions        [812]: NOTICE  [sshd] Restore Ban 192.0.2.67
2026-11-01 10:00:05,123 fail2ban.actions        [812]: NOTICE  [sshd] Unban 192.0.2.66
2026-11-01 10:00:06,123 fail2ban.actions        [812]: WARNING [sshd] 192.0.2.66 already banned
2026-11-01 10:00:07,123 fail2ban.filter         [812]: INFO    [recidive] Found 192.0.2.66 - 2026-11-01 10:00:03
2026-11-01 10:00:08,123 fail2ban.filter         [812]: INFO    [my-own] Found 192.0.2.66 - 2026-11-01 10:00:08
2026-11-01 10:00:09,123 fail2ban.filter         [812]: INFO    [nginx-botsearch] Found 127.0.0.1 - 2026-11-01 10:00:08
`

func TestFail2ban(t *testing.T) {
	at := func(zone *time.Location, text string, from evidence.Position) (evidence.Position, []string) {
		var out []string
		o := evidence.Options{At: time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC), Zone: zone, Line: func(_ int64, e evidence.Event) {
			out = append(out, e.At.UTC().Format("15:04:05 ")+e.Kind+" "+e.Source.String()+" "+string(e.Proof))
		}}
		to, sum, err := evidence.ReadOn(context.Background(), "test", strings.NewReader(text), from, o, evidence.NewTally("local"))
		if err != nil || sum.Unknown != 0 {
			t.Fatal(sum, err)
		}
		return to, out
	}
	east := time.FixedZone("", 3600)
	to, got := at(east, fail2banLog, evidence.Position{})
	want := []string{"09:00:01 ssh-login 192.0.2.66 two-way", "09:00:02 ssh-login 2001:db8::66 two-way", "09:00:08 scan 192.0.2.66 one-way"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q; expected %q", got, want)
	}
	// A ban is no news where failures are told, the next time either; where none are, it is all there is.
	ban := "2026-11-01 10:01:00,123 fail2ban.actions        [812]: NOTICE  [dovecot] Ban 192.0.2.68\n"
	if _, got := at(east, ban, to); len(got) != 0 {
		t.Errorf("%q; expected nothing", got)
	}
	for _, text := range []string{ban, "2026-11-01 10:01:00,123 fail2ban.actions: WARNING [dovecot] Ban 192.0.2.68\n"} {
		if _, got := at(east, text, evidence.Position{}); len(got) != 1 || got[0] != "09:01:00 mail-login 192.0.2.68 two-way" {
			t.Errorf("%q", got)
		}
	}
	// In syslog it stands beside the lines that it was made of.
	for _, text := range []string{"Nov  1 10:00:00 h fail2ban.actions[6605]: NOTICE [postfix-sasl] Ban 192.0.2.1\n",
		"Nov  1 10:00:00 h fail2ban-server[1]: fail2ban.filter        [1]: INFO  [sshd] Found 192.0.2.1 - 2026-11-01 10:00:00\n"} {
		if _, got := at(east, text, evidence.Position{}); len(got) != 0 {
			t.Errorf("%q; expected nothing", got)
		}
	}
}

// fail2banQuotes are lines in which fail2ban quotes what others wrote.
var fail2banQuotes = []string{
	"2026-11-01 10:00:01,123 fail2ban.filter         [812]: INFO    [sshd] Found %s - 2026-11-01 10:00:01",
	"2026-11-01 10:00:01,123 fail2ban.filter         [812]: INFO    [%s] Found 192.0.2.66 - 2026-11-01 10:00:01",
	"2026-11-01 10:00:01,123 fail2ban.filter         [812]: WARNING Found a match for '%s' but no valid date/time found for '%s'",
	"2026-11-01 10:00:01,123 fail2ban.filter         [812]: WARNING [sshd] Please check jail: %s",
	"2026-11-01 10:00:01,123 fail2ban.filter         [812]: INFO    %s",
	"2026-11-01 10:00:01,123 fail2ban.utils          [812]: ERROR   7f -- exec: %s",
	"2026-11-01 10:00:01,123 fail2ban.actions        [812]: NOTICE  %s",
	"2026-11-01 10:00:01,123 fail2ban.ipdns          [812]: WARNING Unable to find a corresponding IP address for %s",
}

// fail2banNames are beside names what clients may call themselves. No line of fail2ban's begins with them.
var fail2banNames = append([]string{"[sshd] Found x", "x [sshd] Found 203.0.113.99 - 2026-11-01 10:00:01", "] Found 203.0.113.99 - ", "x] Ban 203.0.113.99",
	"203.0.113.99 - x", "x - 203.0.113.99"}, names...)

func TestFail2banQuotesNobody(t *testing.T) {
	for _, line := range fail2banQuotes[2:] {
		for _, name := range fail2banNames {
			onlyThePeer(t, line, name)
		}
	}
}

func FuzzFail2ban(f *testing.F) {
	for i := range fail2banQuotes {
		f.Add(i, fail2banNames[i])
	}
	f.Fuzz(func(t *testing.T, i int, name string) {
		if i < 2 || i >= len(fail2banQuotes) || len(name) > 4000 || strings.HasPrefix(strings.TrimSpace(name), "[") {
			return // the first two, and a message that begins with a jail, are fail2ban's own
		}
		onlyThePeer(t, fail2banQuotes[i], name)
	})
}
