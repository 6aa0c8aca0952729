package evidence

import (
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// realLogs are public logs of real servers, where they are at hand.
const realLogs = "../../../shared/data/logs"

func realLog(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join(realLogs, name))
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true" {
		t.Skipf("%s isn't here", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	in := io.Reader(f)
	if strings.HasSuffix(name, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(in)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What a connection says of attempts: passwords that failed, each one; and that there was an attempt at all.
var (
	sshdLine = regexp.MustCompile(`sshd\[(\d+)\]: (?:message repeated (\d+) times: \[ )?(?:error: )?(.*?)\]?\r?$`)
	password = regexp.MustCompile(`^Failed password for .* from (\S+) port \d+ ssh2$`)
	attempt  = regexp.MustCompile(`^(?:Invalid user .* from|Failed none for invalid user .* from|maximum authentication attempts exceeded for .* from|` +
		`(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) (?:authenticating|invalid) user .*) ` +
		`(\d+\.\d+\.\d+\.\d+)(?: port \d+)?(?: ssh2)?(?:: Too many authentication failures|: Change of username.*)?$`)
	gaveUp = regexp.MustCompile(`^Received disconnect from ([0-9.]+): (?:14: |.*: Auth fail$)`)
)

// recount counts attempts without regard to the order of lines: per process and source the passwords that failed, or one.
func recount(text string) map[string]int64 {
	passwords := map[[2]string]int64{}
	for line := range strings.Lines(text) {
		m := sshdLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		message := strings.TrimSuffix(m[3], " [preauth")
		if p := password.FindStringSubmatch(message); p != nil {
			n, err := strconv.ParseInt(m[2], 10, 64)
			if err != nil {
				n = 1
			}
			passwords[[2]string{m[1], p[1]}] += n
			continue
		}
		for _, form := range []*regexp.Regexp{attempt, gaveUp} {
			if p := form.FindStringSubmatch(message); p != nil {
				passwords[[2]string{m[1], p[1]}] += 0
			}
		}
	}
	out := map[string]int64{}
	for connection, n := range passwords {
		out[connection[1]] += max(n, 1)
	}
	return out
}

// looked are the clients of sshd that didn't try to log in as anybody.
var looked = regexp.MustCompile(`sshd\[(\d+)\]: (?:fatal: )?(?:Bad protocol version identification '.*' from|Unable to negotiate with) ([0-9.]+)(?: port \d+)?(?:$|: no matching)`)

// rescan counts them, each process and source once.
func rescan(text string) map[string]int64 {
	out, seen := map[string]int64{}, map[string]bool{}
	for line := range strings.Lines(text) {
		if m := looked.FindStringSubmatch(strings.TrimRight(line, "\r\n ")); m != nil && !seen[m[1]+" "+m[2]] {
			seen[m[1]+" "+m[2]] = true
			out[m[2]]++
		}
	}
	return out
}

func TestRealServers(t *testing.T) {
	for _, name := range []string{"elastic_auth_2017.log.gz", "sysadmin_course_auth_2023-09.log.gz", "loghub_OpenSSH_2k.log"} {
		t.Run(name, func(t *testing.T) {
			text := realLog(t, name)
			tally := NewTally("local")
			sum, err := Read(t.Context(), name, strings.NewReader(text), Options{At: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}, tally)
			if err != nil || sum.Unknown > 0 || sum.Future > 0 {
				t.Errorf("%+v, %v", sum, err)
			}
			got := map[string]int64{}
			sightings, _ := tally.Records()
			scans := map[string]int64{}
			for _, s := range sightings {
				if s.Kind == "scan" {
					scans[s.Source.String()] += s.Count
				} else {
					got[s.Source.String()] += s.Count
				}
			}
			if d := cmp.Diff(rescan(text), scans); d != "" {
				t.Errorf("clients that tried no login (-recount +got):\n%s", d)
			}
			if d := cmp.Diff(recount(text), got); d != "" {
				t.Errorf("(-recount +got):\n%s", d)
			}
			accepted := regexp.MustCompile(`(?m)sshd\[\d+\]: Accepted `).FindAllString(text, -1)
			if sum.Honest != int64(len(accepted)) {
				t.Errorf("%d honest logins, wanted %d", sum.Honest, len(accepted))
			}
		})
	}
}

// TestRealServerOfOld has pam_unix under its old name, and hosts' names instead of addresses.
func TestRealServerOfOld(t *testing.T) {
	text := realLog(t, "loghub_Linux_2k.log")
	tally := NewTally("local")
	if _, err := Read(t.Context(), "log", strings.NewReader(text), Options{At: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}, tally); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{}
	for _, m := range regexp.MustCompile(`sshd\(pam_unix\)\[\d+\]: authentication failure;.* rhost=([0-9]+(?:\.[0-9]+){3})\s`).FindAllStringSubmatch(text, -1) {
		want[m[1]]++
	}
	got := map[string]int64{}
	sightings, _ := tally.Records()
	for _, s := range sightings {
		got[s.Source.String()] += s.Count
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-recount +got):\n%s", d)
	}
}
