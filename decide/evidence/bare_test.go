package evidence

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMessagesAlone holds that lines without a header count where the operator says whose they are, at the time that their
// container's runtime gives them, and nowhere else. Where no syslog takes them, sshd writes line ends as clients send them, so
// nothing in such a log is proof.
func TestMessagesAlone(t *testing.T) {
	lines := strings.Join([]string{
		"Failed password for root from 192.0.2.66 port 4000 ssh2",
		"2026-11-01T09:00:00.5Z error: PAM: Authentication failure for root from 192.0.2.67",
		`{"log":"Failed password for root from 2001:db8::66 port 4000 ssh2\r\n","stream":"stderr","time":"2026-11-01T09:00:01.5Z"}`,
		"2026-11-01T10:00:02.5+01:00 stderr F Invalid user guest from 192.0.2.68 port 4000",
		"Nov  1 09:00:03 mail sshd[7]: Failed password for root from 192.0.2.69 port 4000 ssh2",
		"Nov  1 09:00:04 mail sudo[8]: Failed password for root from 198.51.100.1 port 4000 ssh2", // another program's
		"Nov  1 09:00:05 mail app: Failed password for root from 198.51.100.1 port 4000 ssh2",
		"Nov  1 09:00:06 app: Failed password for root from 198.51.100.1 port 4000 ssh2",
		"Nov  1 09:00:07 sshd: Failed password for root from 192.0.2.70 port 4000 ssh2",
		"Accepted publickey for erika from 198.51.100.20 port 4000 ssh2: ED25519 SHA256:abc",
	}, "\n")
	read := func(format string) []string {
		got := []string{}
		o := Options{At: readAt, Format: format, Line: func(n int64, e Event) {
			got = append(got, fmt.Sprintf("%d %s %s %s %s", n, e.Source, e.Kind, e.Proof, e.At.UTC().Format(time.RFC3339Nano)))
		}}
		if _, err := Read(t.Context(), "log", strings.NewReader(lines), o, NewTally("local")); err != nil {
			t.Fatal(err)
		}
		return got
	}
	now := readAt.UTC().Format(time.RFC3339Nano)
	want := []string{
		"1 192.0.2.66 ssh-login one-way " + now, "2 192.0.2.67 ssh-login one-way 2026-11-01T09:00:00.5Z", "3 2001:db8::66 ssh-login one-way 2026-11-01T09:00:01.5Z",
		"4 192.0.2.68 ssh-login one-way 2026-11-01T09:00:02.5Z", "5 192.0.2.69 ssh-login one-way 2026-11-01T09:00:03Z", "9 192.0.2.70 ssh-login one-way 2026-11-01T09:00:07Z",
	}
	if d := cmp.Diff(want, read("sshd")); d != "" {
		t.Errorf("named (-want +got):\n%s", d)
	}
	if d := cmp.Diff(append(want[4:5:5], want[5]), read("")); d != "" {
		t.Errorf("not named (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{}, read("dovecot")); d != "" {
		t.Errorf("another's (-want +got):\n%s", d)
	}
}
