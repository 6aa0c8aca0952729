package evidence

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var readAt = time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)

// counts reads a text and returns what each line that counted shows, as LINE SOURCE COUNT KIND.
func counts(t testing.TB, text string) []string {
	t.Helper()
	got := []string{}
	o := Options{At: readAt, Line: func(line int64, e Event) {
		got = append(got, fmt.Sprintf("%d %s %d %s%s", line, e.Source, e.Count, e.Kind, e.Service))
	}}
	if _, err := Read(t.Context(), "log", strings.NewReader(text), o, NewTally("local")); err != nil {
		t.Fatal(err)
	}
	return got
}

// sshdLog puts a time, a host and a process in front of messages. A message that begins with a number and a bar is of that
// process, the others of process 1.
func sshdLog(messages ...string) string {
	var b strings.Builder
	for i, m := range messages {
		pid := "1"
		if p, rest, ok := strings.Cut(m, "|"); ok {
			pid, m = p, rest
		}
		fmt.Fprintf(&b, "Nov  1 01:00:%02d mail sshd[%s]: %s\n", i%60, pid, m)
	}
	return b.String()
}

func TestEachAttemptCountsOnce(t *testing.T) {
	const a = "203.0.113.7"
	for _, c := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"a failed password", []string{"Failed password for root from " + a + " port 4000 ssh2"}, []string{"1 " + a + " 1 ssh-login"}},
		{"two in one connection", []string{"Failed password for root from " + a + " port 4000 ssh2", "Failed password for root from " + a + " port 4000 ssh2"},
			[]string{"1 " + a + " 1 ssh-login", "2 " + a + " 1 ssh-login"}},
		{"an invalid user and its failure", []string{"Invalid user bob from " + a + " port 4000", "Failed password for invalid user bob from " + a + " port 4000 ssh2",
			"Connection closed by invalid user bob " + a + " port 4000 [preauth]"}, []string{"1 " + a + " 1 ssh-login"}},
		{"an invalid user and two failures", []string{"Invalid user bob from " + a, "Failed password for invalid user bob from " + a + " port 4000 ssh2",
			"Failed password for invalid user bob from " + a + " port 4000 ssh2"}, []string{"1 " + a + " 1 ssh-login", "3 " + a + " 1 ssh-login"}},
		{"an invalid user and no failure", []string{"Invalid user bob from " + a + " port 4000", "Received disconnect from " + a + " port 4000:11: Bye Bye [preauth]",
			"Disconnected from invalid user bob " + a + " port 4000 [preauth]"}, []string{"1 " + a + " 1 ssh-login"}},
		{"no name at all", []string{"Invalid user  from " + a + " port 4000", "Failed password for invalid user  from " + a + " port 4000 ssh2"}, []string{"1 " + a + " 1 ssh-login"}},
		{"PAM and sshd tell the same", []string{"error: PAM: Authentication failure for root from " + a, "Failed keyboard-interactive/pam for root from " + a + " port 4000 ssh2",
			"error: PAM: Authentication failure for root from " + a, "Failed keyboard-interactive/pam for root from " + a + " port 4000 ssh2"},
			[]string{"1 " + a + " 1 ssh-login", "3 " + a + " 1 ssh-login"}},
		{"all three tell the same", []string{"Invalid user bob from " + a, "error: PAM: authentication error for illegal user bob from " + a,
			"Failed keyboard-interactive/pam for invalid user bob from " + a + " port 4000 ssh2", "error: PAM: authentication error for illegal user bob from " + a,
			"Failed keyboard-interactive/pam for invalid user bob from " + a + " port 4000 ssh2"}, []string{"1 " + a + " 1 ssh-login", "4 " + a + " 1 ssh-login"}},
		{"PAM alone", []string{"error: PAM: Authentication failure for root from " + a, "error: PAM: Authentication failure for root from " + a},
			[]string{"1 " + a + " 1 ssh-login", "2 " + a + " 1 ssh-login"}},
		{"PAM names our side too", []string{"error: PAM: authentication error for root from " + a + " via 192.0.2.1"}, []string{"1 " + a + " 1 ssh-login"}},
		{"repeated", []string{"Failed password for root from " + a + " port 4000 ssh2", "message repeated 5 times: [ Failed password for root from " + a + " port 4000 ssh2]"},
			[]string{"1 " + a + " 1 ssh-login", "2 " + a + " 5 ssh-login"}},
		{"closed while authenticating", []string{"Connection closed by authenticating user root " + a + " port 4000 [preauth]"}, []string{"1 " + a + " 1 ssh-login"}},
		{"closed after a failure", []string{"Failed password for root from " + a + " port 4000 ssh2", "Connection closed by authenticating user root " + a + " port 4000 [preauth]"},
			[]string{"1 " + a + " 1 ssh-login"}},
		{"too many", []string{"Failed password for root from " + a + " port 4000 ssh2", "error: maximum authentication attempts exceeded for root from " + a + " port 4000 ssh2 [preauth]",
			"Disconnecting authenticating user root " + a + " port 4000: Too many authentication failures [preauth]"}, []string{"1 " + a + " 1 ssh-login"}},
		{"too many keys", []string{"error: maximum authentication attempts exceeded for root from " + a + " port 4000 ssh2 [preauth]"}, []string{"1 " + a + " 1 ssh-login"}},
		{"one process after the other", []string{"1|Invalid user bob from " + a, "2|Invalid user bob from " + a, "1|Connection closed by " + a + " [preauth]", "1|Invalid user eve from " + a},
			[]string{"1 " + a + " 1 ssh-login", "2 " + a + " 1 ssh-login", "4 " + a + " 1 ssh-login"}},
		{"keys of an honest user", []string{"Failed publickey for erika from " + a + " port 4000 ssh2: RSA SHA256:abc", "Failed publickey for erika from " + a + " port 4000 ssh2: ED25519 SHA256:abc",
			"Accepted publickey for erika from " + a + " port 4000 ssh2: ECDSA SHA256:abc", "Connection closed by " + a + " port 4000"}, []string{"3 " + a + " 1 ssh"}},
		{"keys and then nothing", []string{"Failed publickey for erika from " + a + " port 4000 ssh2: RSA SHA256:abc", "Connection closed by " + a + " port 4000 [preauth]"},
			[]string{"2 " + a + " 1 ssh-login"}},
		{"an honest password", []string{"Failed password for erika from " + a + " port 4000 ssh2", "Accepted password for erika from " + a + " port 4000 ssh2"},
			[]string{"1 " + a + " 1 ssh-login", "2 " + a + " 1 ssh"}},
		{"asking for methods", []string{"Failed none for erika from " + a + " port 4000 ssh2"}, []string{}},
		{"not allowed", []string{"User root from " + a + " not allowed because not listed in AllowUsers", "Failed password for invalid user root from " + a + " port 4000 ssh2"},
			[]string{"1 " + a + " 1 ssh-login"}},
		{"root refused", []string{"ROOT LOGIN REFUSED FROM " + a + " port 4000 [preauth]"}, []string{"1 " + a + " 1 ssh-login"}},
		{"refused by libwrap", []string{"refused connect from somebody@" + a + " (" + a + ")"}, []string{"1 " + a + " 1 ssh-login"}},
		{"a client that gives up", []string{"error: Received disconnect from " + a + ": 3: com.example.Exception: Auth fail [preauth]"}, []string{"1 " + a + " 1 ssh-login"}},
		{"a knock", []string{"Connection closed by " + a + " port 4000 [preauth]", "Did not receive identification string from " + a, "Connection reset by " + a + " port 4000 [preauth]",
			"Unable to negotiate with " + a + " port 4000: no matching host key type found. Their offer: ssh-rsa [preauth]"}, []string{}},
		{"a name and no address", []string{"Failed password for root from host.example.com port 4000 ssh2", "reverse mapping checking getaddrinfo for host.example.com [" + a + "] failed - POSSIBLE BREAK-IN ATTEMPT!"}, []string{}},
		{"a mapped address", []string{"Failed password for root from ::ffff:" + a + " port 4000 ssh2"}, []string{"1 " + a + " 1 ssh-login"}},
		{"IPv6", []string{"Failed password for root from 2001:db8::7 port 4000 ssh2", "2|Invalid user bob from fe80::1%eth0 port 4000"}, []string{"1 2001:db8::7 1 ssh-login"}},
	} {
		if d := cmp.Diff(c.want, counts(t, sshdLog(c.lines...))); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// names are what attackers call themselves to get somebody else blocked.
var names = []string{
	"from 192.0.2.1", "x from 192.0.2.1 port 1 ssh2", "x from 192.0.2.1 port 1 ssh2:", "x from 192.0.2.1 port 1 ssh2: RSA SHA256:abc", "192.0.2.1", "192.0.2.1 port 1",
	"x] from 192.0.2.1 port 1", "root from 192.0.2.1 port 1 ssh2\\nNov  1 01:00:00 mail sshd[2]: Failed password for root", "[preauth]", "x port", "x from",
	"a\x00b from 192.0.2.1", "ä\xff from 192.0.2.1 port 1 ssh2", " from ", "message repeated 99 times: [ Failed password for root from 192.0.2.1 port 1 ssh2]",
	"x not allowed because y", "SRC=192.0.2.1", "kernel: IN=eth0 SRC=192.0.2.1", "Accepted password for root from 192.0.2.1 port 1 ssh2", "x (192.0.2.1)",
	"x via 192.0.2.1", "rhost=192.0.2.1", "invalid user x 192.0.2.1 port 1", "x: Too many authentication failures", "error: PAM: Authentication failure for root from 192.0.2.1",
}

// templates are the messages in which sshd prints a name that a client chose.
var templates = []string{
	"Failed password for invalid user NAME from PEER port 4000 ssh2", "Failed none for invalid user NAME from PEER port 4000 ssh2", "Invalid user NAME from PEER port 4000",
	"Invalid user NAME from PEER", "Failed keyboard-interactive/pam for invalid user NAME from PEER port 4000 ssh2", "error: PAM: Authentication failure for illegal user NAME from PEER",
	"Connection closed by invalid user NAME PEER port 4000 [preauth]", "Disconnected from authenticating user NAME PEER port 4000 [preauth]",
	"Disconnecting invalid user NAME PEER port 4000: Too many authentication failures [preauth]",
	"Disconnecting invalid user NAME PEER port 4000: Change of username or service not allowed: (NAME,ssh-connection) -> (NAME,ssh-connection) [preauth]",
	"error: maximum authentication attempts exceeded for invalid user NAME from PEER port 4000 ssh2 [preauth]", "input_userauth_request: invalid user NAME [preauth]",
	"message repeated 3 times: [ Failed password for invalid user NAME from PEER port 4000 ssh2]", "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser=NAME rhost=PEER ",
	"Failed publickey for invalid user NAME from PEER port 4000 ssh2: RSA SHA256:abc", "User NAME from PEER not allowed because not listed in AllowUsers",
	"Received disconnect from PEER port 4000:11: NAME [preauth]", "error: Received disconnect from PEER: 3: NAME: Auth fail [preauth]",
	"Bad protocol version identification 'NAME' from PEER port 4000", "refused connect from NAME@PEER (PEER)",
}

// onlyPeer fails where a line about a peer counts for anybody else.
func onlyPeer(t testing.TB, template, name string) {
	t.Helper()
	const peer = "203.0.113.7"
	line := strings.NewReplacer("PEER", peer, "NAME", name).Replace(template)
	o := Options{At: readAt, Line: func(_ int64, e Event) {
		if e.Source != netip.MustParseAddr(peer) || e.Kind != "ssh-login" {
			t.Errorf("%q counts as %s%s of %s", line, e.Kind, e.Service, e.Source)
		}
	}}
	if _, err := Read(t.Context(), "log", strings.NewReader(sshdLog("7|"+line)), o, NewTally("local")); err != nil {
		t.Fatal(err)
	}
}

func TestNoNameGetsAnybodyElseBlocked(t *testing.T) {
	for _, template := range templates {
		for _, name := range names {
			onlyPeer(t, template, name)
		}
	}
}

func FuzzNames(f *testing.F) {
	for i := range templates {
		for _, name := range names {
			f.Add(i, name)
		}
	}
	f.Fuzz(func(t *testing.T, i int, name string) {
		if strings.ContainsAny(name, "\n|") || len(name) > 200 || i < 0 {
			return // sshd escapes newlines, and cuts names
		}
		onlyPeer(t, templates[i%len(templates)], name)
	})
}
