package evidence

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/decide/history"
)

// drawn is a line of some parts, one of each list.
func drawn(r *rand.Rand, parts ...[]string) string {
	var b strings.Builder
	for _, list := range parts {
		b.WriteString(list[r.IntN(len(list))])
	}
	return b.String()
}

// TestWhatIsRememberedChangesNothing holds that a line is taken apart the same way whatever lines came before it.
func TestWhatIsRememberedChangesNothing(t *testing.T) {
	minutes := []string{"Nov  1 01:00:", "Nov  1 01:01:", "Nov  3 01:59:", "Nov  3 02:00:", "Thu Nov  1 01:00:", "2026 Nov  1 01:00:", "2026-11-01T01:00:", ""}
	seconds := []string{"00", "01", "59", "60", "61", "5", "x1", "05.25", "05,5", "02 2024", "02 24"}
	heads := []string{" mail sshd[", " mail sshd[1", " mail  sshd[", " www a[b[", " www sshd(pam_unix)[", " mail auth.info sshd[", " <4.3> mail sshd[", " mx postfix/smtpd[", " mx postfix/qmgr[", " mail sshd", " [", " www dovecot(x/y)[", "  mail x[", " h1 a[", " h2 a[", " h3 a[", " h4 a[", " h5 a["}
	rests := []string{"7]: text", "8]: a b", "]: text", "7] text", "7]:", "7]: ", "7]:x y", "7]:  two", "x7]: text", "7: text", ": text"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		long := newClock(readAt, nil)
		for range 30 {
			line := []byte(drawn(r, minutes, seconds, heads, rests))
			fresh := newClock(readAt, nil)
			var got, want entry
			okGot, okWant := long.split(line, &got), fresh.split(line, &want)
			got.head, want.head = nil, nil
			if okGot != okWant || okGot && !sameFields(got.fields, want.fields) {
				t.Fatalf("%q is %v %+v behind others; expected %v %+v", line, okGot, got.fields, okWant, want.fields)
			}
		}
	}
}

func sameFields(a, b fields) bool {
	same := a.at.Equal(b.at) && a.peer == b.peer && reflect.DeepEqual(a.object, b.object)
	for _, x := range [][2][]byte{{a.host, b.host}, {a.program, b.program}, {a.pid, b.pid}, {a.message, b.message}} {
		same = same && string(x[0]) == string(x[1])
	}
	return same
}

// TestRequestsTakeNoOtherWay holds that what is read straight as a request is what all forms together would make of it.
func TestRequestsTakeNoOtherWay(t *testing.T) {
	first := []string{"192.0.2.66", "4294967297.0.2.66", "192.0.2.066", "2001:db8::7", "Dec", "1.2.3", "127.0.0.1", "192.0.2.66:80", "host", "@400000004c91b044077a9e94", "2017"}
	idents := []string{" - ", " -bob ", " x ", " -", "  - ", " 198.51.100.9 ", " - - - ", " sshd[7]: "}
	users := []string{"- ", "bob ", "198.51.100.9 ", "{x ", "[ ", "", "x] "}
	stamps := []string{"[01/Nov/2026:10:00:00 +0100]", "[01/Nov/2026:10:00:01 +0100]", "[01/Nov/2026:25:00:00 +0100]", "[x]"}
	requests := []string{` "GET /.env HTTP/1.1"`, ` "GET / HTTP/1.1"`, `"GET /a b HTTP/2.0"`, ` "\x16\x03"`, ` "GET / HTTP/1. "`, ` "GET HTTP/1.1"`, ` "GET  HTTP/1.1"`, ` "a\" b"`, ` "a\\"`, ` "`, ` ""`}
	answers := []string{" 404 153", " 401 1", " 200 90", " 200", "  200 - ", " 99 1", " x 1", ""}
	agents := []string{` "-" "-"`, ` "https://example.org/" "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)"`, ` "https://example.org/" "Mozilla/5.0 (compatible; Somebot/2.1)"`, ` "x"`, ` "\"" "x\\"`, ""}
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		var b strings.Builder
		for range 10 {
			b.WriteString(drawn(r, first, idents, users, stamps, requests, answers, agents) + "\n")
		}
		read := func(straight bool) ([]string, Summary, error) {
			var shown []string
			d := newDigest("log", Options{At: readAt, Line: func(_ int64, e Event) { shown = append(shown, e.Source.String()+" "+e.Kind+e.Service+e.At.String()) }}, NewTally("local"))
			if !straight {
				d.first = nil
			}
			for _, line := range strings.SplitAfter(b.String(), "\n") {
				if err := d.line([]byte(line)); err != nil {
					return shown, d.sum, err
				}
			}
			return shown, d.sum, nil
		}
		got, sum, err := read(true)
		want, wanted, failed := read(false)
		if d := cmp.Diff(want, got); d != "" || !reflect.DeepEqual(sum, wanted) || (err == nil) != (failed == nil) {
			t.Fatalf("%s\nstraight: %+v %v\notherwise: %+v %v\n%s", b.String(), sum, err, wanted, failed, d)
		}
	}
}

// TestTallyAddsUp holds a tally to a sum by hand, over far more rows than it finds without its map.
func TestTallyAddsUp(t *testing.T) {
	tally, want := NewTally("local"), map[string]int64{}
	for i := range 60_000 {
		e := Event{Source: netip.AddrFrom4([4]byte{198, 18, byte(i * 7 >> 8), byte(i * 7)}), At: readAt.Add(-time.Duration(i%3) * 24 * time.Hour), Kind: []string{"scan", "spam"}[i%2], Proof: history.TwoWay, Count: int64(i%5 + 1)}
		tally.add(&e)
		want[e.Source.String()+e.Kind+e.At.Format(time.DateOnly)] += e.Count
	}
	got := map[string]int64{}
	rows, _ := tally.Records()
	for _, s := range rows {
		got[s.Source.String()+s.Kind+s.First.Format(time.DateOnly)] += s.Count
	}
	if d := cmp.Diff(want, got); d != "" || len(got) < nearRows {
		t.Errorf("%d rows (-by hand +tally):\n%s", len(got), d)
	}
}
