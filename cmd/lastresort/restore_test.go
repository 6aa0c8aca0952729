package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lastresort/firewall/sandbox"
)

// TestRestoreSaysWhatItPutsBack holds what restore prints, which of the blocks' records it has only what it shows, against
// the records.
func TestRestoreSaysWhatItPutsBack(t *testing.T) {
	f := newFaults(t, 1)
	f.reboot()
	const blocks = 30
	from := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	var text strings.Builder
	for i := blocks - 1; i >= 0; i-- { // by address they come the other way round
		until := from.AddDate(0, 0, 2+i%3)
		fmt.Fprintf(&text, `{"type":"block","range":"198.51.100.%d","from":"%s","until":"%s","by":"ops","reason":"reason %d"}`+"\n", i, from.Format(time.RFC3339),
			until.Format(time.RFC3339), i)
	}
	file := filepath.Join(t.TempDir(), "blocks.jsonl")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	f.must("import", file)

	out := f.must("restore").out
	lines := strings.Split(out, "\n")
	for i := range atBoot {
		until := from.AddDate(0, 0, 2+i%3).Format("2006-01-02 15:04")
		want := []string{"+", fmt.Sprintf("198.51.100.%d", i), "until", until, "reason", fmt.Sprint(i)}
		if got := strings.Fields(lines[2+i]); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("line %d is %q; expected %q", i, got, want)
		}
	}
	if more := fmt.Sprintf("and %d more", blocks-atBoot); !strings.Contains(lines[2+atBoot], more) {
		t.Errorf("behind the first %d comes %q; expected %q", atBoot, lines[2+atBoot], more)
	}

	// An end that somebody moved, one that somebody took out, and one that nobody blocked.
	tool(t, "delete element inet lastresort address4 { 198.51.100.4, 198.51.100.25 }\n"+
		"add element inet lastresort address4 { 198.51.100.4 timeout 1h, 203.0.113.9 timeout 1h }\n", sandbox.Tool(t, "nft"), "-f", "-")
	out = f.must("restore").out
	for _, want := range []string{"~ 198.51.100.4 ", "-> 3d reason 4", "+ 198.51.100.25", "reason 25", "- 203.0.113.9 not ours; 0 packets dropped",
		"1 to add, 1 to change, 1 to remove, 0 exempt, 28 unchanged"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("there is no %q in %s", want, out)
		}
	}

	f.reboot()
	var d difference
	if err := json.Unmarshal([]byte(f.must("restore", "--json").out), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Changes) != blocks || d.Add != blocks || d.Changes[29].Reason != "reason 29" {
		t.Errorf("JSON has %+v; expected all %d with their reasons", d, blocks)
	}
}
