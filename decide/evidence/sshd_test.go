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
			"Unable to negotiate with " + a + " port 4000: no matching host key type found. Their offer: ssh-rsa [preauth]"}, []string{"4 " + a + " 1 scan"}},
		{"a name and no address", []string{"Failed password for root from host.example.com port 4000 ssh2", "reverse mapping checking getaddrinfo for host.example.com [" + a + "] failed - POSSIBLE BREAK-IN ATTEMPT!"}, []string{}},
		{"a key of an unknown user, then a password", []string{"Invalid user bob from " + a + " port 4000", "Failed publickey for invalid user bob from " + a + " port 4000 ssh2: RSA SHA256:abc",
			"Failed password for invalid user bob from " + a + " port 4000 ssh2"}, []string{"1 " + a + " 1 ssh-login"}},
		{"a process number again", []string{"Failed password for root from " + a + " port 4000 ssh2", "Connection closed by " + a + " port 4000 [preauth]",
			"Failed publickey for erika from " + a + " port 4001 ssh2: RSA SHA256:abc", "Connection closed by " + a + " port 4001 [preauth]"},
			[]string{"1 " + a + " 1 ssh-login", "4 " + a + " 1 ssh-login"}},
		{"a process number of another source", []string{"Failed password for root from " + a + " port 4000 ssh2", "Connection closed by authenticating user root 203.0.113.8 port 4000 [preauth]"},
			[]string{"1 " + a + " 1 ssh-login", "2 203.0.113.8 1 ssh-login"}},
		{"an unknown user, repeated", []string{"Invalid user bob from " + a, "message repeated 2 times: [ Failed password for invalid user bob from " + a + " port 4000 ssh2]"},
			[]string{"1 " + a + " 1 ssh-login", "2 " + a + " 2 ssh-login"}},
		{"a host's key of an honest user", []string{"Failed hostbased for erika from " + a + " port 4000 ssh2: RSA SHA256:abc, client user \"erika\", client host \"host.example\"",
			"Accepted publickey for erika from " + a + " port 4000 ssh2: ECDSA SHA256:abc"}, []string{"2 " + a + " 1 ssh"}},
		{"PAM, and then a password", []string{"error: PAM: Authentication failure for root from " + a, "Failed password for root from " + a + " port 4000 ssh2"},
			[]string{"1 " + a + " 1 ssh-login", "2 " + a + " 1 ssh-login"}},
		{"PAM names our side by name", []string{"error: PAM: authentication error for root from " + a + " via gate.example"}, []string{"1 " + a + " 1 ssh-login"}},
		{"a client with no way left to log in", []string{"Received disconnect from " + a + " port 4000:14: No supported authentication methods available [preauth]",
			"Disconnected from authenticating user root " + a + " port 4000 [preauth]"}, []string{"1 " + a + " 1 ssh-login"}},
		{"an unknown user changes its name", []string{"Disconnecting invalid user bob " + a + " port 4000: Change of username or service not allowed: (bob,ssh-connection) -> (eve,ssh-connection) [preauth]"},
			[]string{"1 " + a + " 1 ssh-login"}},
		{"too many, without the address", []string{"Disconnecting: Too many authentication failures for root [preauth]", "Connection closed by " + a + " [preauth]"}, []string{"2 " + a + " 1 ssh-login"}},
		{"refused by libwrap, no name", []string{"refused connect from " + a, "2|refused connect from x@" + a + "y"}, []string{"1 " + a + " 1 ssh-login"}},
		{"a locked account", []string{"User root not allowed because account is locked", "Received disconnect from " + a + " port 4000:11: Bye Bye [preauth]"}, []string{"2 " + a + " 1 ssh-login"}},
		{"PAM's module tells the same", []string{"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=" + a + "  user=root", "Failed password for root from " + a + " port 4000 ssh2",
			"PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=" + a + "  user=root"}, []string{"2 " + a + " 1 ssh-login"}},
		{"another module lets the user in", []string{"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=" + a + "  user=erika",
			"Accepted password for erika from " + a + " port 4000 ssh2", "Connection closed by " + a}, []string{"2 " + a + " 1 ssh"}},
		{"after the login", []string{"Accepted password for erika from " + a + " port 4000 ssh2", "Received disconnect from " + a + " port 4000:11: disconnected by user",
			"Disconnected from user erika " + a + " port 4000"}, []string{"1 " + a + " 1 ssh"}},
		{"a mapped address", []string{"Failed password for root from ::ffff:" + a + " port 4000 ssh2"}, []string{"1 " + a + " 1 ssh-login"}},
		{"IPv6", []string{"Failed password for root from 2001:db8::7 port 4000 ssh2", "2|Invalid user bob from fe80::1%eth0 port 4000"}, []string{"1 2001:db8::7 1 ssh-login", "2 fe80::1 1 ssh-login"}},
	} {
		if d := cmp.Diff(c.want, counts(t, sshdLog(c.lines...))); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestLinesWithoutProcess(t *testing.T) {
	text := "Nov  1 01:00:00 mail sshd: Invalid user bob from 203.0.113.7 port 4000\n" +
		"Nov  1 01:00:01 mail sshd: Invalid user bob from 203.0.113.8 port 4000\n" +
		"Nov  1 01:00:02 mail sshd: Failed password for invalid user bob from 203.0.113.7 port 4000 ssh2\n" +
		"Nov  1 01:00:03 mail sshd: Failed password for invalid user bob from 203.0.113.8 port 4000 ssh2\n" +
		"Nov  1 01:00:04 mail sshd: Failed password for invalid user bob from 203.0.113.7 port 4000 ssh2\n"
	want := []string{"1 203.0.113.7 1 ssh-login", "2 203.0.113.8 1 ssh-login", "5 203.0.113.7 1 ssh-login"}
	for _, text := range []string{text, strings.NewReplacer("Nov  1 ", "<38>1 2026-11-01T", " mail sshd: ", "Z mail sshd - - - ").Replace(text)} {
		if d := cmp.Diff(want, counts(t, text)); d != "" {
			t.Errorf("%s(-want +got):\n%s", text, d)
		}
	}
}

func TestAProcessNumberAnHourLater(t *testing.T) {
	text := "Nov  1 01:00:00 mail sshd[1]: Failed password for root from 203.0.113.7 port 4000 ssh2\n" +
		"Nov  1 02:00:00 mail sshd[1]: Connection closed by authenticating user root 203.0.113.7 port 4001 [preauth]\n"
	want := []string{"1 203.0.113.7 1 ssh-login", "2 203.0.113.7 1 ssh-login"}
	if d := cmp.Diff(want, counts(t, text)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestPrograms(t *testing.T) {
	const failed = "Failed password for root from 203.0.113.7 port 4000 ssh2\n"
	const pam = "authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=203.0.113.7  user=root\n"
	one := []string{"1 203.0.113.7 1 ssh-login"}
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"session", "Nov  1 01:00:00 mail sshd-session[1]: " + failed, one},
		{"auth", "Nov  1 01:00:00 mail sshd-auth[1]: " + failed, one},
		{"a path", "Nov  1 01:00:00 mail /usr/sbin/sshd[1]: " + failed, one},
		{"Solaris", "Nov  1 01:00:00 mail sshd[1]: [ID 800047 auth.info] " + failed, one},
		{"uptime", "Nov  1 01:00:00 mail sshd[1]: kernel: [  970.699396]: " + failed, one},
		{"another", "Nov  1 01:00:00 mail sshdx[1]: " + failed, []string{}},
		{"a shell that says the same", "Nov  1 01:00:00 mail logger[1]: sshd[1]: " + failed, []string{}},
		{"PAM under its old name", "Nov  1 01:00:00 mail sshd(pam_unix)[1]: " + pam + "Nov  1 01:00:02 mail sshd(pam_unix)[1]: check pass; user unknown\n", one},
		{"PAM under its old name beside sshd", "Nov  1 01:00:00 mail sshd(pam_unix)[1]: " + pam + "Nov  1 01:00:02 mail sshd[1]: " + failed, one},
		{"PAM of another service", "Nov  1 01:00:00 mail su(pam_unix)[1]: " + pam, []string{}},
		{"PAM with a host's name", "Nov  1 01:00:00 mail sshd(pam_unix)[1]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=host.example  user=root\n", []string{}},
		{"PAM with two hosts", "Nov  1 01:00:00 mail sshd(pam_unix)[1]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=203.0.113.7  user=x rhost=192.0.2.1\n", []string{}},
	} {
		if d := cmp.Diff(c.want, counts(t, c.text)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// TestManyConnectionsAtATime opens a thousand connections, then lets each go on.
func TestManyConnectionsAtATime(t *testing.T) {
	var b strings.Builder
	for _, message := range []string{"Invalid user bob from 198.18.0.%d port 4000", "Failed password for invalid user bob from 198.18.0.%d port 4000 ssh2",
		"Connection closed by invalid user bob 198.18.0.%d port 4000 [preauth]"} {
		for i := range 1000 {
			fmt.Fprintf(&b, "Nov  1 01:00:00 mail sshd[%d]: "+message+"\n", 20000+i, i%250)
		}
	}
	if got := counts(t, b.String()); len(got) != 1000 {
		t.Errorf("%d attempts, wanted 1000", len(got))
	}
}

// TestTheTableNeverGrows opens more connections than are remembered: counts may be too high then, memory may not.
func TestTheTableNeverGrows(t *testing.T) {
	var s connections
	for i := range 100_000 {
		e := entry{fields: fields{at: readAt.Add(time.Duration(i) * time.Millisecond), host: []byte("mail"), pid: fmt.Append(nil, i)}}
		s.of(&e, netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), true).counted = true
	}
	if text := s.save(); len(text) > mostOfThem*150 {
		t.Errorf("%d bytes are remembered", len(text))
	}
	newest := entry{fields: fields{host: []byte("mail"), pid: []byte("99999")}}
	if c := s.find(processOf(&newest, netip.Addr{})); c == nil || !c.counted {
		t.Error("the newest connection is forgotten")
	}
}

func TestAnOpenConnectionOutlivesThoseThatEnded(t *testing.T) {
	var s connections
	first := entry{fields: fields{at: readAt, host: []byte("mail"), pid: []byte("1")}}
	s.of(&first, netip.Addr{}, true).counted = true
	for i := range 100_000 {
		e := entry{fields: fields{at: readAt.Add(time.Duration(i) * time.Millisecond), host: []byte("mail"), pid: fmt.Append(nil, 100+i)}}
		s.of(&e, netip.Addr{}, true).ended = true
	}
	if c := s.find(processOf(&first, netip.Addr{})); c == nil || !c.counted {
		t.Error("the open connection is forgotten")
	}
}

func TestTheSameLogIsReadTheSameWay(t *testing.T) {
	var b strings.Builder
	for i := range 30_000 { // far more at a time than are remembered
		fmt.Fprintf(&b, "Nov  1 01:00:00 mail sshd[%d]: Invalid user bob from 198.18.%d.%d\n", i*7919%15_000, i%15_000/250, i%250)
	}
	if d := cmp.Diff(counts(t, b.String()), counts(t, b.String())); d != "" {
		t.Errorf("(-first +second):\n%s", d)
	}
}

// names are what attackers call themselves to get somebody else blocked.
var names = []string{
	"from 192.0.2.1", "x from 192.0.2.1 port 1 ssh2", "x from 192.0.2.1 port 1 ssh2:", "x from 192.0.2.1 port 1 ssh2: RSA SHA256:abc", "192.0.2.1", "192.0.2.1 port 1",
	"x] from 192.0.2.1 port 1", "root from 192.0.2.1 port 1 ssh2\\nNov  1 01:00:00 mail sshd[2]: Failed password for root", "[preauth]", "x port", "x from",
	"a\x00b from 192.0.2.1", "ä\xff from 192.0.2.1 port 1 ssh2", " from ", "message repeated 99 times: [ Failed password for root from 192.0.2.1 port 1 ssh2]",
	"x not allowed because y", "SRC=192.0.2.1", "kernel: IN=eth0 SRC=192.0.2.1", "Accepted password for root from 192.0.2.1 port 1 ssh2", "x (192.0.2.1)",
	"x from 192.0.2.1 via 192.0.2.2", "x: Change of username or service not allowed: (", "x 192.0.2.1 port 1: Change of username or service not allowed: (",
	"x ssh2: from 192.0.2.1 port 1 ssh2", "x from 192.0.2.1 port 1 ssh2: y from 192.0.2.2 port 1 ssh2: z", "192.0.2.1: 14", "x\r", "x\tfrom 192.0.2.1", "",
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

// certain are the templates that can be read in one way only, whatever the name: nobody hides behind one. (In the others some
// names make a line that counts for nobody.)
const certain = "Invalid Connection Disconnected"

// onlyPeer fails where a line about a peer counts for anybody else, or where a name hides the peer of a line that is certain.
func onlyPeer(t testing.TB, template, name string) {
	t.Helper()
	const peer = "203.0.113.7"
	line := strings.NewReplacer("PEER", peer, "NAME", name).Replace(template)
	counted := 0
	o := Options{At: readAt, Line: func(_ int64, e Event) {
		counted++
		kind := "ssh-login"
		if strings.HasPrefix(template, "Bad ") {
			kind = "scan"
		}
		if e.Source != netip.MustParseAddr(peer) || e.Kind != kind {
			t.Errorf("%q counts as %s%s of %s", line, e.Kind, e.Service, e.Source)
		}
	}}
	if _, err := Read(t.Context(), "log", strings.NewReader(sshdLog("7|"+line)), o, NewTally("local")); err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(template, " ")
	if counted == 0 && strings.Contains(certain, first) {
		t.Errorf("%q counts for nobody", line)
	}
}

// nobodyCounts fails where a line about a peer that has only a host's name counts for anybody.
func nobodyCounts(t testing.TB, template, name string) {
	t.Helper()
	line := strings.NewReplacer("PEER", "host.example", "NAME", name).Replace(template)
	if got := counts(t, sshdLog("7|"+line)); len(got) > 0 {
		t.Errorf("%q counts as %s", line, got)
	}
}

func TestTrapLogInjectionIntoSshd(t *testing.T) {
	for _, template := range templates {
		for _, name := range names {
			onlyPeer(t, template, name)
			nobodyCounts(t, template, name)
		}
	}
}

// TestTheConnectionTellsWhoItWas has lines that can be read in two ways: alone they count for nobody, after a line that tells
// the peer they count for him.
func TestTheConnectionTellsWhoItWas(t *testing.T) {
	for _, line := range []string{
		"Failed password for invalid user x from 192.0.2.1 port 1 ssh2: y from 203.0.113.7 port 4000 ssh2",
		"Failed publickey for invalid user x from 192.0.2.1 port 1 ssh2: y from 203.0.113.7 port 4000 ssh2: RSA SHA256:abc",
		"Failed publickey for invalid user x from 203.0.113.7 port 4000 ssh2: RSA-CERT ID z from 192.0.2.1 port 1 ssh2",
		"Disconnecting invalid user x 203.0.113.7 port 4000: Change of username or service not allowed: (x: Change of username or service not allowed: (,ssh-connection) -> (y,ssh-connection) [preauth]",
	} {
		if got := counts(t, sshdLog(line)); len(got) > 0 {
			t.Errorf("%q alone counts as %s", line, got)
		}
		want := []string{"2 203.0.113.7 1 ssh-login"}
		if d := cmp.Diff(want, counts(t, sshdLog("Connection from 203.0.113.7 port 4000 on 192.0.2.25 port 22", line))); d != "" {
			t.Errorf("%q after its connection (-want +got):\n%s", line, d)
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
		nobodyCounts(t, templates[i%len(templates)], name)
	})
}
