package history

import (
	"strings"
	"testing"
)

// TestQuickReadingOfBlocksIsDecode holds the reader of the store's blocks against the one of every other text: it reads what
// Encode writes, and takes nothing that Decode refuses or reads otherwise.
func TestQuickReadingOfBlocksIsDecode(t *testing.T) {
	const plain = `{"type":"block","range":"203.0.113.16/29","from":"2026-11-02T02:00:00Z","until":"2026-11-09T02:00:00Z","case":"203.0.113.0/24","by":"review","reason":"exhausted"}`
	fast := blockReader{seen: names{}}
	if !fast.read([]byte(plain)) {
		t.Errorf("the quick reader left %s to the other", plain)
	}
	lines := append([]string{plain}, texts...)
	for _, change := range []struct{ old, by string }{
		{`"203.0.113.16/29"`, `"203.0.113.16"`}, {`"203.0.113.16/29"`, `"203.0.113.16-203.0.113.20"`}, {`"203.0.113.16/29"`, `"2001:db8::/64"`},
		{`"203.0.113.16/29"`, `"203.0.113.17/29"`}, {`"203.0.113.16/29"`, `"203.0.113.20-203.0.113.16"`}, {`"203.0.113.16/29"`, `""`},
		{`"203.0.113.16/29"`, `"::ffff:203.0.113.16"`}, {`"203.0.113.16/29"`, `"fe80::1%eth0"`}, {`"203.0.113.16/29"`, `5`},
		{`"2026-11-02T02:00:00Z"`, `"2026-11-02T02:00:00.25Z"`}, {`"2026-11-02T02:00:00Z"`, `"2026-11-02T02:00:00+02:00"`},
		{`"2026-11-02T02:00:00Z"`, `"2026-11-02T2:00:00Z"`}, {`"2026-11-02T02:00:00Z"`, `"2026-11-02"`}, {`"2026-11-02T02:00:00Z"`, `""`},
		{`"2026-11-02T02:00:00Z"`, `"1969-11-02T02:00:00Z"`}, {`"2026-11-02T02:00:00Z"`, `"2026-12-02T02:00:00Z"`},
		{`"2026-11-09T02:00:00Z"`, `""`}, {`"2026-11-09T02:00:00Z"`, `null`}, {`"2026-11-09T02:00:00Z"`, `"2201-11-09T02:00:00Z"`},
		{`"203.0.113.0/24"`, `""`}, {`"203.0.113.0/24"`, `"203.0.113.1/24"`}, {`,"case":"203.0.113.0/24"`, ``},
		{`"review"`, `""`}, {`"review"`, `"re\u0076iew"`}, {`"review"`, `"r` + "\xff" + `"`}, {`"review"`, `"Søren"`}, {`"review"`, "\"a\tb\""},
		{`,"by":"review"`, ``}, {`,"by":"review"`, `,"by":"a","by":"b"`}, {`,"by":"review","reason":"exhausted"`, `,"reason":"exhausted","by":"review"`},
		{`,"reason":"exhausted"`, `,"reason":"exhausted","more":"x"`}, {`}`, ``}, {`}`, `} `}, {`}`, `}}`}, {`,"by"`, `, "by"`}, {`"block"`, `"blocks"`},
	} {
		lines = append(lines, strings.Replace(plain, change.old, change.by, 1))
	}
	for i := range plain {
		lines = append(lines, plain[:i], plain[:i]+plain[i+1:])
	}
	for _, line := range lines {
		for range 2 { // the second time its moments are those that were read last
			ok, got := fast.read([]byte(line)), fast.block
			if want, err := Decode([]byte(line)); ok && (err != nil || string(Encode(got)) != string(Encode(want))) {
				t.Errorf("%s:\n got %s\nwant %v, %v", line, Encode(got), want, err)
			}
		}
	}
}
