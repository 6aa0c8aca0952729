package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// endlessly repeats a text up to a size, without keeping it.
type endlessly struct {
	text string
	left int
	at   int
}

// Read implements io.Reader.
func (r *endlessly) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.left)], r.text[r.at:])
	r.at, r.left = (r.at+n)%len(r.text), r.left-n
	return n, nil
}

// memoryFor returns how many bytes reading took from the heap at most, looked at where lines count and at the end.
func memoryFor(t *testing.T, in io.Reader) (most uint64, sum Summary, err error) {
	t.Helper()
	runtime.GC()
	var start, m runtime.MemStats
	runtime.ReadMemStats(&start)
	look := func() {
		runtime.ReadMemStats(&m)
		if m.HeapAlloc > start.HeapAlloc {
			most = max(most, m.HeapAlloc-start.HeapAlloc)
		}
	}
	o := Options{At: readAt, Progress: func(int64) { look() }}
	sum, err = Read(t.Context(), "log", in, o, NewTally("local"))
	look()
	return most, sum, err
}

// TestBadInputTakesLittleMemory gives readers what is no log, or hardly one: one message says where and why, what can be read
// is, and memory doesn't grow with it.
func TestBadInputTakesLittleMemory(t *testing.T) {
	const good = "Nov  1 01:00:00 mail sshd[1]: Failed password for root from 203.0.113.7 port 4000 ssh2\n"
	nested := `{"timestamp":"2026-11-01T10:00:00+0100","event_type":"alert","src_ip":"203.0.113.9","alert":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000) + "}\n"
	twice := `{"timestamp":"2026-11-01T10:00:00+0100","event_type":"alert","src_ip":"203.0.113.9","src_ip":"203.0.113.8","direction":"to_server","proto":"UDP","alert":{"category":"Misc Attack"}}` + "\n"
	mail := "From a@example.net Sun Nov  1 10:00:00 2026\nFrom: a@example.net\nContent-Transfer-Encoding: base64\n\n" + strings.Repeat("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJz\n", 2000)
	for _, c := range []struct {
		name    string
		in      io.Reader
		hostile int64
		unknown int64
		want    string // of the error
	}{
		{"an mbox of 100 MB", &endlessly{text: mail, left: 100 << 20}, 0, 200, "is no log that is known here"},
		{"100 MB of bytes without a line", &endlessly{text: "\x00\xff\x7f\x02", left: 100 << 20}, 0, 0, ""},
		{"100 MB of lines that nobody knows among known ones", io.MultiReader(strings.NewReader(good), &endlessly{text: "?\x01\xfe not a line of anybody's\n", left: 100 << 20}, strings.NewReader("\n"+good)), 2, -1, ""},
		{"JSON nested 10,000 deep", strings.NewReader(good + nested + nested + good), 2, -1, ""},
		{"an alert with a key twice", strings.NewReader(good + twice + good), 2, 0, ""},
		{"Zeek without its header", strings.NewReader("1793523602.500000\t203.0.113.7\tF\t3\n1793523603.500000\t203.0.113.7\tF\t3\n"), 0, 2, ""},
		{"CRLF", strings.NewReader(strings.ReplaceAll(good+good, "\n", "\r\n")), 2, 0, ""},
		{"half a gzip", bytes.NewReader(packed(t, strings.Repeat(good, 5000))[:500]), -1, 0, "damaged gzip behind this line; what stands before was read"},
		{"UTF-16", bytes.NewReader([]byte("\xff\xfeN\x00o\x00v\x00")), 0, 0, "it is UTF-16; expected UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			most, sum, err := memoryFor(t, c.in)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v; wanted %q", err, c.want)
			}
			if c.hostile >= 0 && sum.Hostile != c.hostile || c.unknown >= 0 && sum.Unknown != c.unknown {
				t.Errorf("%+v; wanted %d hostile, %d unknown", sum, c.hostile, c.unknown)
			}
			if most > 32<<20 {
				t.Errorf("%d bytes of memory", most)
			}
		})
	}
	var unknown *FormatError
	if _, err := Read(t.Context(), "mail.mbox", &endlessly{text: mail, left: 1 << 20}, Options{At: readAt}, NewTally("local")); !errors.As(err, &unknown) || unknown.Name != "mail.mbox" {
		t.Errorf("%v; wanted the file's name in it", err)
	}
}

// TestClocksThatJump has the hour that comes twice as summer time ends, a clock that is set back, and leap seconds in every
// way of writing a time.
func TestClocksThatJump(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	line := func(at string, n int) string {
		return fmt.Sprintf("%s mail sshd[%d]: Failed password for root from 203.0.113.7 port 4000 ssh2\n", at, n)
	}
	for _, c := range []struct {
		name string
		at   []string
		want []string
	}{
		{"the hour that comes twice is the second", []string{"Oct 25 01:59:59", "Oct 25 02:30:00", "Oct 25 02:30:00", "Oct 25 03:00:00"}, []string{"2026-10-24T23:59:59Z", "2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"}},
		{"the hour that never was", []string{"Mar 29 01:59:59", "Mar 29 02:30:00", "Mar 29 03:00:00"}, []string{"2026-03-29T00:59:59Z", "2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z"}},
		{"a clock that is set back and forth", []string{"Nov  1 12:00:00", "Nov  1 01:00:00", "Nov  1 12:00:01"}, []string{"2026-11-01T11:00:00Z", "2026-11-01T00:00:00Z", "2026-11-01T11:00:01Z"}},
		{"from December to January", []string{"Dec 31 23:59:59", "Jan  1 00:00:00"}, []string{"2025-12-31T22:59:59Z", "2025-12-31T23:00:00Z"}},
		{"leap seconds", []string{"Nov  1 23:59:60", "2026-11-01T23:59:60Z", "2026-11-01T23:59:60.5+01:00"}, []string{"2026-11-01T22:59:59Z", "2026-11-01T23:59:59Z", "2026-11-01T22:59:59Z"}},
	} {
		var text strings.Builder
		for i, at := range c.at {
			text.WriteString(line(at, i+1))
		}
		var got []string
		o := Options{At: readAt, Zone: berlin, Line: func(_ int64, e Event) { got = append(got, e.At.UTC().Truncate(time.Second).Format(time.RFC3339)) }}
		if _, err := Read(t.Context(), "log", strings.NewReader(text.String()), o, NewTally("local")); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v; wanted %v", c.name, got, c.want)
		}
	}
}
