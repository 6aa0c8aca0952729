package evidence

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/decide/history"
)

func TestTimes(t *testing.T) {
	const message = "mail sshd[1]: Failed password for root from 203.0.113.7 port 4000 ssh2\n"
	berlin := time.FixedZone("CET", 3600)
	for _, c := range []struct {
		name, line, want string
		at               time.Time
	}{
		{"this year", "Nov  1 01:00:00 " + message, "2026-11-01T01:00:00Z", readAt},
		{"last year", "Dec 31 23:59:59 " + message, "2025-12-31T23:59:59Z", readAt},
		{"New Year's night", "Jan  1 00:30:00 " + message, "2026-01-01T00:30:00Z", time.Date(2025, 12, 31, 23, 50, 0, 0, time.UTC)},
		{"a leap day", "Feb 29 12:00:00 " + message, "2024-02-29T12:00:00Z", readAt},
		{"one digit", "Nov 1 01:00:00 " + message, "2026-11-01T01:00:00Z", readAt},
		{"year behind", "Nov  1 2025 01:00:00 " + message, "2025-11-01T01:00:00Z", readAt},
		{"year in front", "2025 Nov  1 01:00:00 " + message, "2025-11-01T01:00:00Z", readAt},
		{"fraction", "Nov  1 01:00:00.250 " + message, "2026-11-01T01:00:00.25Z", readAt},
		{"RFC 3339", "2026-11-01T01:00:00.5+01:00 " + message, "2026-11-01T00:00:00.5Z", readAt},
		{"UTC", "2026-11-01T01:00:00Z " + message, "2026-11-01T01:00:00Z", readAt},
		{"journal, short-iso", "2026-11-01T01:00:00+0100 " + message, "2026-11-01T00:00:00Z", readAt},
		{"journal, short-full", "Sun 2026-11-01 01:00:00 CET " + message, "2026-11-01T00:00:00Z", readAt},
		{"priority", "<38>Nov  1 01:00:00 " + message, "2026-11-01T01:00:00Z", readAt},
		{"facility", "Nov  1 01:00:00 <auth.info> " + message, "2026-11-01T01:00:00Z", readAt},
		{"RFC 5424", `<38>1 2026-11-01T01:00:00Z mail sshd 1 - [x@1 a="] b"][y] Failed password for root from 203.0.113.7 port 4000 ssh2` + "\n", "2026-11-01T01:00:00Z", readAt},
		{"no time", message, "2026-11-02T02:00:00Z", readAt},
		{"a leap second", "Nov  1 23:59:60 " + message, "2026-11-01T23:59:59Z", readAt},
		{"CRLF", strings.Replace("Nov  1 01:00:00 "+message, "\n", "\r\n", 1), "2026-11-01T01:00:00Z", readAt},
		{"no end", strings.TrimSuffix("Nov  1 01:00:00 "+message, "\n"), "2026-11-01T01:00:00Z", readAt},
	} {
		zone := time.UTC
		if strings.Contains(c.name, "short-full") {
			zone = berlin
		}
		var got []string
		o := Options{At: c.at, Zone: zone, Line: func(_ int64, e Event) { got = append(got, e.At.UTC().Format(time.RFC3339Nano)) }}
		if _, err := Read(t.Context(), "log", strings.NewReader(c.line), o, NewTally("local")); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if d := cmp.Diff([]string{c.want}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestALineFromTheFutureCountsForNothing(t *testing.T) {
	text := "2026-11-03T01:59:59Z mail sshd[1]: Failed password for root from 203.0.113.7 port 1 ssh2\n" +
		"2026-11-03T02:00:01Z mail sshd[2]: Failed password for root from 203.0.113.8 port 1 ssh2\n"
	tally := NewTally("local")
	sum, err := Read(t.Context(), "log", strings.NewReader(text), Options{At: readAt}, tally)
	if err != nil || sum.Hostile != 1 || sum.Future != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestTallyAddsUpByDay(t *testing.T) {
	text := sshdLog("1|Failed password for root from 203.0.113.7 port 1 ssh2", "2|Failed password for root from 203.0.113.7 port 1 ssh2") +
		"Nov  2 00:00:01 mail sshd[3]: Failed password for root from 203.0.113.7 port 1 ssh2\n" +
		"Nov  1 09:00:00 mail sshd[4]: Accepted password for erika from 198.51.100.20 port 1 ssh2\n"
	tally := NewTally("local/mail")
	if _, err := Read(t.Context(), "log", strings.NewReader(text), Options{At: readAt}, tally); err != nil {
		t.Fatal(err)
	}
	sightings, traffic := tally.Records()
	var got []string
	for _, s := range sightings {
		got = append(got, string(history.Encode(s)))
	}
	for _, x := range traffic {
		got = append(got, string(history.Encode(x)))
	}
	want := []string{
		`{"type":"sighting","source":"203.0.113.7","first":"2026-11-01T01:00:00Z","last":"2026-11-01T01:00:01Z","kind":"ssh-login","count":2,"proof":"two-way","reporter":"local/mail"}`,
		`{"type":"sighting","source":"203.0.113.7","first":"2026-11-02T00:00:01Z","last":"2026-11-02T00:00:01Z","kind":"ssh-login","count":1,"proof":"two-way","reporter":"local/mail"}`,
		`{"type":"traffic","source":"198.51.100.20","first":"2026-11-01T09:00:00Z","last":"2026-11-01T09:00:00Z","service":"ssh","count":1}`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// attempts is n lines of as many attempts, from 203.0.113.7, one a second.
func attempts(from, n int) string {
	var b strings.Builder
	for i := range n {
		at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(from+i) * time.Second)
		fmt.Fprintf(&b, "%s mail sshd[%d]: Failed password for root from 203.0.113.7 port %d ssh2\n", at.Format(time.Stamp), from+i, 1000+from+i)
	}
	return b.String()
}

func TestDamagedInput(t *testing.T) {
	whole := packed(t, attempts(0, 5000))
	long := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		name    string
		text    []byte
		hostile int64
		long    int64
		want    string
	}{
		{"gzip", whole, 5000, 0, ""},
		{"two gzips in one", append(packed(t, attempts(0, 3)), packed(t, attempts(3, 4))...), 7, 0, ""},
		{"half a gzip", whole[:len(whole)/2], -1, 0, "damaged gzip behind this line"},
		{"a gzip's head alone", whole[:5], 0, 0, "damaged gzip"},
		{"a line of 1 MB", []byte(attempts(0, 2) + "Nov  1 01:00:00 mail sshd[9]: " + long + "\n" + attempts(2, 2)), 4, 1, ""},
		{"1 MB without an end", []byte(attempts(0, 2) + long), 2, 1, ""},
		{"NULs where a crash was", []byte(attempts(0, 1) + strings.Repeat("\x00", 5000) + attempts(1, 1)), 2, 0, ""},
		{"nothing", nil, 0, 0, ""},
		{"prose", []byte("It was a dark night.\n"), 0, 0, "is no log that is known here"},
		{"UTF-16", []byte("N\x00o\x00v\x00 \x00 \x001\x00\n\x00"), 0, 0, "is no log that is known here"},
		{"much prose", []byte(strings.Repeat("It was a dark night.\n", 1000)), 0, 0, "is no log that is known here"},
		{"bytes", bytes.Repeat([]byte{0xff, 0x01, '\n'}, 300), 0, 0, "is no log that is known here"},
	} {
		sum, err := Read(t.Context(), "log", bytes.NewReader(c.text), Options{At: readAt}, NewTally("local"))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v; wanted %q", c.name, err, c.want)
		}
		if c.hostile >= 0 && sum.Hostile != c.hostile || sum.Long != c.long {
			t.Errorf("%s: %+v", c.name, sum)
		}
		if c.hostile < 0 && (sum.Hostile == 0 || sum.Hostile == 5000) {
			t.Errorf("%s: %d lines counted; wanted those before the damage", c.name, sum.Hostile)
		}
	}
}

func TestReadingStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{At: readAt, Line: func(line int64, _ Event) {
		if line == 10 {
			cancel()
		}
	}}
	sum, err := Read(ctx, "log", strings.NewReader(attempts(0, 50000)), o, NewTally("local"))
	if !errors.Is(err, context.Canceled) || sum.Lines > 10000 {
		t.Errorf("%d lines, %v", sum.Lines, err)
	}
}

// follower reads one log again and again, as observe does.
type follower struct {
	t     *testing.T
	path  string
	at    Position
	total int64
}

func (f *follower) read() Summary {
	f.t.Helper()
	tally := NewTally("local")
	at, sum, err := Follow(f.t.Context(), f.path, f.at, Options{At: readAt}, tally)
	if err != nil {
		f.t.Fatal(err)
	}
	f.at = at
	f.total += sum.Hostile
	return sum
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// rotations are the ways in which a log is rotated.
var rotations = map[string]func(t *testing.T, path string, n int){
	"rename": func(t *testing.T, path string, n int) { shift(t, path, ""); rename(t, path, path+".1") },
	"copytruncate": func(t *testing.T, path string, n int) {
		shift(t, path, "")
		text := slurp(t, path)
		appendTo(t, path+".1", text)
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
	},
	"gzip": func(t *testing.T, path string, n int) {
		shift(t, path, ".gz")
		appendTo(t, path+".1.gz", string(packed(t, slurp(t, path))))
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	},
	"dateext": func(t *testing.T, path string, n int) { rename(t, path, fmt.Sprintf("%s-2026110%d", path, n)) },
}

func slurp(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// shift makes room for a new PATH.1.
func shift(t *testing.T, path, end string) {
	t.Helper()
	for n := 8; n > 0; n-- {
		from := fmt.Sprintf("%s.%d%s", path, n, end)
		if _, err := os.Stat(from); err == nil {
			rename(t, from, fmt.Sprintf("%s.%d%s", path, n+1, end))
		}
	}
}

func TestEveryLineOnceAcrossRotation(t *testing.T) {
	for name, rotate := range rotations {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			for range 15 {
				path := filepath.Join(t.TempDir(), "auth.log")
				f := follower{t: t, path: path}
				written, turned := 0, 0
				for range 12 {
					n := random.IntN(30) + 1
					appendTo(t, path, attempts(written, n))
					written += n
					if random.IntN(2) == 0 {
						f.read()
					}
					if random.IntN(3) == 0 && turned < 6 {
						turned++
						rotate(t, path, turned)
						n := random.IntN(3)
						appendTo(t, path, attempts(written, n))
						written += n
						// Files get their times in the order of their rotation, however fast this goes.
						old := time.Date(2026, 11, 1, turned, 0, 0, 0, time.UTC)
						newest := path + ".1"
						switch name {
						case "gzip":
							newest += ".gz"
						case "dateext":
							newest = fmt.Sprintf("%s-2026110%d", path, turned)
						}
						if err := os.Chtimes(newest, old, old); err != nil {
							t.Fatal(err)
						}
					}
				}
				if sum := f.read(); f.total != int64(written) || sum.Lost {
					t.Fatalf("counted %d of %d lines, lost %v", f.total, written, sum.Lost)
				}
			}
		})
	}
}

func TestAHalfWrittenLineWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.log")
	f := follower{t: t, path: path}
	line := attempts(0, 1)
	appendTo(t, path, line[:40])
	if sum := f.read(); sum.Lines != 0 {
		t.Errorf("half a line counts: %+v", sum)
	}
	appendTo(t, path, line[40:])
	if sum := f.read(); sum.Hostile != 1 || f.total != 1 {
		t.Errorf("the whole line: %+v", sum)
	}
}

func TestALastLineThatNobodyWillEndCounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.log")
	f := follower{t: t, path: path}
	appendTo(t, path, strings.TrimSuffix(attempts(0, 2), "\n"))
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if sum := f.read(); sum.Hostile != 2 {
		t.Errorf("%+v", sum)
	}
}

func TestALogThatWasCutIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.log")
	f := follower{t: t, path: path}
	appendTo(t, path, attempts(0, 50))
	f.read()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, attempts(100, 3))
	if sum := f.read(); !sum.Lost || sum.Hostile != 3 {
		t.Errorf("%+v", sum)
	}
}
