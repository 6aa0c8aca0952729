package history

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lastresort/netblock"
)

// texts is one record of every type in its text form, and the forms that leave out all that may be left out.
var texts = []string{
	`{"type":"netblock","prefix":"203.0.113.0/24","holder":"Example <Hosting> & Söhne","country":"NL","kind":"hosting","assignment":"static","abuse":"abuse@example.net","upstream":"abuse@carrier.example","cert":"cert@cert.example","whois":"RIPE","at":"2026-01-01T00:00:00Z"}`,
	`{"type":"netblock","prefix":"2001:db8::/32"}`,
	`{"type":"contact","address":"abuse@example.net","kind":"company","trust":"trusted","reason":"answered in 2025","at":"2026-01-01T00:00:00Z"}`,
	`{"type":"contact","address":"abuse@example.org"}`,
	`{"type":"report","id":"R-1","at":"2026-10-01T09:00:00+02:00","source":"203.0.113.7","to":"abuse@example.net","role":"contact","follows":"R-0","message":"<r1@ops.example>"}`,
	`{"type":"response","report":"R-1","at":"2026-10-01T09:00:12.25Z","stance":"automatic","note":"ticket \"8812\"\u001b"}`,
	`{"type":"sighting","source":"203.0.113.7","first":"2026-10-02T01:12:00Z","last":"2026-10-02T05:40:00Z","kind":"ssh-login","count":412,"proof":"two-way","reporter":"local"}`,
	`{"type":"traffic","source":"2001:db8::20","first":"2026-10-02T08:00:00Z","last":"2026-10-02T17:00:00Z","service":"imap","count":31}`,
	`{"type":"answer","netblock":"203.0.113.0/24","question":"law-enforcement","answer":"no","at":"2026-10-20T10:00:00Z","by":"ops","note":"no break-in"}`,
	`{"type":"hold","range":"203.0.113.9","until":"2026-12-01T00:00:00Z","at":"2026-11-01T10:00:00Z","by":"ops","reason":"customer"}`,
	`{"type":"block","range":"203.0.113.16/29","from":"2026-11-02T02:00:00Z","until":"2026-11-09T02:00:00Z","case":"203.0.113.0/24","by":"review","reason":"exhausted"}`,
	`{"type":"block","range":"203.0.113.16-203.0.113.20","from":"2026-11-02T02:00:00Z"}`,
	`{"type":"release","range":"203.0.113.16/29","at":"2026-11-09T02:00:00Z","by":"expiry","reason":"ran out"}`,
	`{"type":"protect","range":"198.51.100.16/28","at":"2026-11-01T10:00:00Z","until":"2027-01-01T00:00:00Z","by":"ops","reason":"office"}`,
}

// byValue compares addresses and ranges as values.
var byValue = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}, netblock.Range{})

func TestTextFormRoundTrips(t *testing.T) {
	for _, text := range texts {
		r, err := Decode([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := string(Encode(r)); got != text {
			t.Errorf("decoded and encoded again\n got %s\nwant %s", got, text)
		}
	}
}

func TestLeftOutMeans(t *testing.T) {
	for _, c := range []struct{ text, same string }{
		{`{"type":"sighting","source":"192.0.2.1","first":"2026-10-02T01:12:00Z","last":"2026-10-02T05:40:00Z","kind":"scan","reporter":"local"}`,
			`{"type":"sighting","source":"192.0.2.1","first":"2026-10-02T01:12:00Z","last":"2026-10-02T05:40:00Z","kind":"scan","count":1,"proof":"one-way","reporter":"local"}`},
		{`{"type":"report","id":"R","at":"2026-10-01T09:00:00Z","source":"192.0.2.1","to":"a@example.net"}`,
			`{"type":"report","id":"R","at":"2026-10-01T09:00:00Z","source":"192.0.2.1","to":"a@example.net","role":"contact"}`},
		{`{"type":"block","range":"192.0.2.1","from":"2026-10-01T09:00:00Z","until":null}`, `{"type":"block","range":"192.0.2.1","from":"2026-10-01T09:00:00Z"}`},
		{` { "type" : "contact" , "address" : "a@example.net" } `, `{"type":"contact","address":"a@example.net"}`},
	} {
		got, err := Decode([]byte(c.text))
		want, wantErr := Decode([]byte(c.same))
		if err != nil || wantErr != nil {
			t.Errorf("%s: %v, %v", c.text, err, wantErr)
		} else if d := cmp.Diff(want, got, byValue); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.text, d)
		}
	}
}

func TestBadRecordSaysWhatWasExpected(t *testing.T) {
	const sighting = `{"type":"sighting","source":"192.0.2.1","first":"2026-10-02T01:12:00Z","last":"2026-10-02T05:40:00Z","kind":"scan","reporter":"local"`
	for _, c := range []struct{ name, text, want string }{
		{"no JSON", `hello`, `expected one JSON object`},
		{"an array", `[1]`, `expected one JSON object`},
		{"half a record", `{"type":"contact","address":"a@example.net"`, `ends too early`},
		{"two on a line", `{"type":"contact","address":"a@example.net"}{}`, `stands behind the record`},
		{"no UTF-8", "{\"type\":\"contact\",\"address\":\"\xff\"}", `no UTF-8`},
		{"unknown type", `{"type":"ban"}`, `"ban" is no type of record; expected one of answer block contact`},
		{"no type", `{"address":"a@example.net"}`, `"type" is missing`},
		{"type not first", `{"address":"a@example.net","type":"contact"}`, `the first key is "address"; expected "type"`},
		{"unknown key", `{"type":"contact","address":"a@example.net","phone":"1"}`, `"phone" is no key of a contact; expected address, kind, trust, reason, at`},
		{"key in another case", `{"type":"contact","address":"a@example.net","Trust":"trusted"}`, `"Trust" is no key`},
		{"key twice", `{"type":"contact","address":"a@example.net","address":"b@example.net"}`, `"address" stands twice`},
		{"nested", `{"type":"contact","address":{"a":1}}`, `expected a string or a number`},
		{"missing reporter", strings.Replace(sighting, `,"reporter":"local"`, "", 1) + "}", `"reporter" is missing`},
		{"empty reporter", strings.Replace(sighting, `:"local"`, `:""`, 1) + "}", `"reporter" is empty`},
		{"count of nothing", sighting + `,"count":0}`, `expected a whole number from 1`},
		{"count as text", sighting + `,"count":"many"}`, `expected a whole number from 1`},
		{"count in parts", sighting + `,"count":1.5}`, `expected a whole number from 1`},
		{"count too large", sighting + `,"count":99999999999999999999}`, `expected a whole number from 1`},
		{"unknown proof", sighting + `,"proof":"sure"}`, `"proof" is "sure"; expected one of one-way two-way`},
		{"time without offset", strings.Replace(sighting, "05:40:00Z", "05:40:00", 1) + "}", `expected a time with an offset`},
		{"year before all", strings.Replace(sighting, "2026-10-02T01", "0001-10-02T01", 1) + "}", `from 1970 to 2200`},
		{"last before first", strings.Replace(sighting, "2026-10-02T05", "2026-10-01T05", 1) + "}", `"last" is before "first"`},
		{"mapped source", strings.Replace(sighting, "192.0.2.1", "::ffff:192.0.2.1", 1) + "}", `expected 192.0.2.1`},
		{"source with zone", strings.Replace(sighting, "192.0.2.1", "fe80::1%eth0", 1) + "}", `has a zone`},
		{"host bits", `{"type":"netblock","prefix":"198.51.100.20/28"}`, `expected 198.51.100.16/28`},
		{"range backwards", `{"type":"hold","range":"192.0.2.9-192.0.2.1","until":"2026-12-01T00:00:00Z","at":"2026-11-01T10:00:00Z"}`, `runs backwards`},
		{"unknown stance", `{"type":"response","report":"R","at":"2026-12-01T00:00:00Z","stance":"sorry"}`, `expected one of automatic asked helping`},
		{"unknown question", `{"type":"answer","netblock":"192.0.2.0/24","question":"why","answer":"no","at":"2026-12-01T00:00:00Z"}`, `expected one of contact others`},
		{"until before from", `{"type":"block","range":"192.0.2.1","from":"2026-10-02T00:00:00Z","until":"2026-10-01T00:00:00Z"}`, `"until" is before "from"`},
	} {
		if _, err := Decode([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", c.name, err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Decode(text)
		if err != nil {
			return
		}
		again, err := Decode(Encode(r))
		if err != nil {
			t.Fatalf("%q was read, but not what was written of it, %s: %v", text, Encode(r), err)
		}
		if string(Encode(again)) != string(Encode(r)) {
			t.Fatalf("%q changes when it is read and written: %s, then %s", text, Encode(r), Encode(again))
		}
	})
}

// TestWhatIsSoundIsAccepted holds that what is taken without a look at its text would be accepted by that as well.
func TestWhatIsSoundIsAccepted(t *testing.T) {
	sources := []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7"), {}, netip.MustParseAddr("::ffff:192.0.2.7"), netip.MustParseAddr("fe80::1%eth0")}
	zero := time.Date(2026, 11, 1, 3, 4, 5, 678, time.UTC)
	times := []time.Time{zero, zero.Add(time.Hour), {}, zero.AddDate(400, 0, 0), zero.AddDate(-80, 0, 0), zero.In(time.FixedZone("", 3601))}
	names := []string{"ssh-login", "local", "", "a b", "\xff", "x\n", "ä", strings.Repeat("x", 65)}
	counts := []int64{1, 1 << 40, 1<<40 + 1, 0, -1}
	sound := 0
	for _, source := range sources {
		for _, first := range times {
			for _, last := range times {
				for i, name := range names {
					for j, count := range counts {
						for _, r := range []Record{
							Sighting{source, first, last, name, count, []Proof{OneWay, TwoWay, "", "x"}[(i+j)%4], names[j]},
							Traffic{Source: source, First: first, Last: last, Service: name, Count: count},
						} {
							_, err := Decode(Encode(r))
							if isSound(r) && err != nil {
								t.Fatalf("%+v is taken for sound: %v", r, err)
							}
							if isSound(r) {
								sound++
							}
						}
					}
				}
			}
		}
	}
	if sound < 20 {
		t.Errorf("%d records are taken for sound", sound)
	}
}
