package evidence

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

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
		{"journal, short-full in UTC", "Sun 2026-11-01 01:00:00 UTC " + message, "2026-11-01T01:00:00Z", readAt},
		{"journal, short-precise", "Nov 01 01:00:00.000250 " + message, "2026-11-01T01:00:00.00025Z", readAt},
		{"a host in capitals", "2026-11-01T01:00:00Z " + strings.ToUpper(message[:4]) + message[4:], "2026-11-01T01:00:00Z", readAt},
		{"the day ahead", "Nov  3 01:59:59 " + message, "2026-11-03T01:59:59Z", readAt},
		{"more than a day ahead", "Nov  3 02:00:01 " + message, "2025-11-03T02:00:01Z", readAt},
		{"east of UTC it is still last year", "2027-01-01T00:30:00+01:00 " + message, "2026-12-31T23:30:00Z", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
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

// TestTimesOfRequests holds what a clock remembers of the last request against reading each by itself.
func TestTimesOfRequests(t *testing.T) {
	c := newClock(readAt, time.UTC)
	for _, text := range []string{
		strings.Repeat("\x00", accessStamp), "01/Nov/2026:23:59:58 +0000", "01/Nov/2026:23:59:58 +0000", "01/Nov/2026:23:59:60 +0000", "01/Nov/2026:23:59:07 +0000",
		"01/Nov/2026:23:59:61 +0000", "01/Nov/2026:23:59:5: +0000", "01/Nov/2026:23:59:59 +0000", "01/Nov/2026:23:59:59 +0130", "01/Nov/2026:23:58:59 +0130", "02/Nov/2026:00:00:00 -0800",
	} {
		got, ok := c.accessTime([]byte(text))
		want, is := accessTime([]byte(text))
		if ok != is || ok && !got.Equal(want) {
			t.Errorf("%q is %v, %v; wanted %v, %v", text, got, ok, want, is)
		}
	}
}

func TestDaysThatNoMonthHas(t *testing.T) {
	text := attempts(0, 1)
	for _, at := range []string{"Feb 30 01:00:00", "2025 Feb 29 01:00:00", "2026-04-31T01:00:00Z", "Nov  1 24:00:00", "Nox  1 01:00:00", "2026-13-01T01:00:00Z"} {
		text += at + " mail sshd[1]: Failed password for root from 203.0.113.8 port 4000 ssh2\n"
	}
	sum, err := Read(t.Context(), "log", strings.NewReader(text), Options{At: readAt}, NewTally("local"))
	if err != nil || sum.Unknown != 6 || sum.Hostile != 1 {
		t.Errorf("%+v, %v; wanted six lines that aren't understood", sum, err)
	}
}

// TestWhatGoesOnWithAMessageIsNoLine has a message of several lines, as journalctl prints it, one of which looks like sshd's.
func TestWhatGoesOnWithAMessageIsNoLine(t *testing.T) {
	text := "-- Boot 0123456789abcdef --\nNov  1 01:00:00 mail app[1]: hello\n" +
		"                          Nov  1 01:00:00 mail sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2\n" +
		"\tNov  1 01:00:00 mail sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2\n"
	text += "    sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2\n"
	sum, err := Read(t.Context(), "log", strings.NewReader(text), Options{At: readAt}, NewTally("local"))
	if err != nil || sum.Hostile > 0 || sum.Unknown > 0 {
		t.Errorf("%+v, %v", sum, err)
	}
	if _, err := Read(t.Context(), "log", strings.NewReader("  "+attempts(0, 1)), Options{At: readAt}, NewTally("local")); !errors.As(err, new(*FormatError)) {
		t.Errorf("indented text alone: %v", err)
	}
}

func TestSummary(t *testing.T) {
	text := "Nov  1 01:00:00 mail sshd[1]: Failed password for root from 203.0.113.7 port 4000 ssh2\n" +
		"Nov  1 01:00:01 mail sshd[2]: Accepted password for erika from 198.51.100.20 port 4000 ssh2\n" +
		"?\n" +
		"Nov  1 01:00:02 mail kernel: [UFW BLOCK] IN=eth0 OUT= SRC=203.0.113.8 DST=192.0.2.1\n" +
		"2026-12-01T00:00:00Z mail sshd[3]: Failed password for root from 203.0.113.7 port 4000 ssh2\n" +
		strings.Repeat("x", longestLine) + "\n" +
		"Nov  1 01:00:09 mail cron[1]: nothing of ours\n"
	at := time.Date(2026, 11, 1, 1, 0, 9, 0, time.UTC)
	for _, c := range []struct {
		format string
		want   Summary
	}{
		{"", Summary{Lines: 7, Hostile: 2, Honest: 1, Unknown: 1, Example: "?", Long: 1, Future: 1, Last: at, Formats: []string{"sshd", "netfilter"}}},
		{"sshd", Summary{Lines: 7, Hostile: 1, Honest: 1, Unknown: 1, Example: "?", Long: 1, Future: 1, Last: at, Formats: []string{"sshd"}}},
		{"netfilter", Summary{Lines: 7, Hostile: 1, Unknown: 1, Example: "?", Long: 1, Future: 1, Last: at, Formats: []string{"netfilter"}}},
	} {
		got, err := Read(t.Context(), "log", strings.NewReader(text), Options{At: readAt, Format: c.format}, NewTally("local"))
		if d := cmp.Diff(c.want, got); err != nil || d != "" {
			t.Errorf("format %q: %v (-want +got):\n%s", c.format, err, d)
		}
	}
}

// TestAClockThatIsFarBehind holds that what was seen then counts as of 1970, the oldest that a record may be, and that the log is of then.
func TestAClockThatIsFarBehind(t *testing.T) {
	const failed = " mail sshd[1]: Failed password for root from 203.0.113.7 port 4000 ssh2\n"
	for _, at := range []string{"0000-01-01T00:00:00Z", "1943-04-19T03:14:10Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"} {
		tally := NewTally("local")
		sum, err := Read(t.Context(), "log", strings.NewReader(at+failed), Options{At: readAt}, tally)
		if want, _ := time.Parse(time.RFC3339, at); err != nil || sum.Last.Before(want) || sum.Last.Year() > 1970 {
			t.Errorf("%s: %+v, %v", at, sum, err)
		}
		if sightings, _ := tally.Records(); len(sightings) != 1 || sightings[0].Count != 1 || !sightings[0].First.Equal(time.Unix(0, 0)) {
			t.Errorf("%s: %v; expected one of 1970", at, sightings)
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
		{"UTF-16", []byte("N\x00o\x00v\x00 \x00 \x001\x00\n\x00"), 0, 0, "can't be read: it is UTF-16; expected UTF-8"},
		{"UTF-16 with a mark", []byte("\xfe\xff\x00N\x00o\x00v\x00\n"), 0, 0, "can't be read: it is UTF-16; expected UTF-8"},
		{"UTF-8 with a mark", []byte("\xef\xbb\xbf" + attempts(0, 2)), 2, 0, ""},
		{"an empty journal", []byte("-- No entries --\n"), 0, 0, ""},
		{"much prose", []byte(strings.Repeat("It was a dark night.\n", 1000)), 0, 0, "is no log that is known here"},
		{"another's remarks", []byte("-- a table\nSELECT 1;\n"), 0, 0, "is no log that is known here"},
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

// TestDamageIsNoEndOfALine cuts a gzipped log where a name in it looks like a peer at the end.
func TestDamageIsNoEndOfALine(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(attempts(0, 1) + "Nov  1 01:00:00 mail sshd[9]: Failed password for invalid user x from 192.0.2.1 port 1 ssh2")); err != nil {
		t.Fatal(err)
	}
	if err := z.Flush(); err != nil {
		t.Fatal(err)
	}
	tally := NewTally("local")
	_, err := Read(t.Context(), "log", &b, Options{At: readAt}, tally)
	var damage *DamageError
	if !errors.As(err, &damage) || damage.Line != 1 {
		t.Errorf("error %v; wanted damage behind line 1", err)
	}
	if sightings, _ := tally.Records(); len(sightings) != 1 || sightings[0].Source != netip.MustParseAddr("203.0.113.7") {
		t.Errorf("%v", sightings)
	}
}

func TestAddressesAreReadAsNetipReadsThem(t *testing.T) {
	known := addresses{}
	check := func(fail func(string, ...any), text string) {
		want, err := netip.ParseAddr(text)
		got, ok := known.of([]byte(text))
		if ok != (err == nil) || ok && got != want.WithZone("").Unmap() {
			fail("%q is %v, %v; wanted %v, %v", text, got, ok, want, err)
		}
	}
	parts := []string{"0", "9", "00", "01", "255", "256", "1000", "4294967297", "", "a"}
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				for _, d := range parts {
					for _, end := range []string{"", ".", " ", "\x00", ":"} {
						check(t.Fatalf, a+"."+b+"."+c+"."+d+end)
					}
				}
			}
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		check(r.Fatalf, rapid.OneOf(rapid.StringMatching(`[0-9]{1,3}(\.[0-9]{0,3}){2,4}`), rapid.StringMatching(`[0-9a-f:.%]{1,20}`),
			rapid.StringMatching(`(::ffff:)?(2[0-5]?[0-9]|1?[0-9]{1,2})(\.(25[0-9]|1?[0-9]{1,2})){3}`)).Draw(r, "text"))
	})
}

// endless is a line without an end.
type endless struct {
	reads  int
	cancel func()
}

func (e *endless) Read(b []byte) (int, error) {
	if e.reads++; e.reads == 10 {
		e.cancel()
	}
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func TestALineWithoutEndStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Read(ctx, "log", &endless{cancel: cancel}, Options{At: readAt}, NewTally("local")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(attempts(0, 3)))
	f.Add([]byte("<38>1 2026-11-01T01:00:00Z mail sshd 1 - [x@1 a=\"] b\"][y] Failed password for root from 203.0.113.7 port 4000 ssh2\n"))
	f.Add([]byte("Nov  1 01:00:00 <4.3> mail sshd[1]: message repeated 5 times: [ Failed password for root from ::ffff:203.0.113.7]\r\n"))
	f.Add([]byte("<0>1 0000-01-01 00:00:00 mail sshd 7 - [] Failed password for root from 203.0.113.7"))
	f.Add([]byte("Sun 2026-11-01 01:00:00 CET mail kernel: [1.2] IN=eth0 SRC=203.0.113.7"))
	f.Fuzz(func(t *testing.T, text []byte) {
		tally := NewTally("local")
		hostile, honest := int64(0), int64(0)
		o := Options{At: readAt, Line: func(line int64, e Event) {
			if e.Kind != "" {
				hostile++
			} else {
				honest++
			}
			if line < 1 || line > int64(bytes.Count(text, []byte("\n")))+1 || e.Count < 1 || !e.Source.IsValid() || e.Source.Is4In6() || e.Source.Zone() != "" {
				t.Errorf("line %d counts as %+v", line, e)
			}
		}}
		sum, err := Read(t.Context(), "log", bytes.NewReader(text), o, tally)
		if err == nil && (sum.Hostile != hostile || sum.Honest != honest) {
			t.Errorf("%+v; wanted %d hostile, %d honest", sum, hostile, honest)
		}
		sightings, traffic := tally.Records()
		for _, s := range sightings {
			if err := history.Check(s); err != nil {
				t.Error(err)
			}
		}
		for _, x := range traffic {
			if err := history.Check(x); err != nil {
				t.Error(err)
			}
		}
	})
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
