package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/firewall/sandbox"
	"lastresort/netblock"
)

// exportMoment is when the exports are made.
const exportMoment = "2026-11-02T02:00:00Z"

// exported is a range with the seconds that it has left, 0 for good.
type exported map[string]int64

// exportRecords are n blocks: single addresses, ranges that are no prefix, prefixes of IPv6; every third for good, the others
// with a time of their own left.
func exportRecords(n int) (string, exported) {
	var b strings.Builder
	want := exported{}
	for i := range n {
		first := netip.AddrFrom4([4]byte{198, 18 + byte(i>>18), byte(i >> 10), byte(i >> 2)})
		where := first.String()
		low := 10<<24 + i*16
		at := func(by int) netip.Addr {
			return netip.AddrFrom4([4]byte{byte((low + by) >> 24), byte((low + by) >> 16), byte((low + by) >> 8), byte(low + by)})
		}
		switch i % 4 {
		case 1:
			where = at(0).String() + "-" + at(4).String()
		case 2:
			where = fmt.Sprintf("2001:db8:%x:%x::/64", i>>16, i&0xffff)
		case 3:
			where = fmt.Sprintf("2001:db8:%x:%x::7", i>>16, i&0xffff)
		}
		until, left := "null", int64(0)
		if i%3 > 0 {
			left = int64(3600 + i)
			until = `"` + time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC).Add(time.Duration(left)*time.Second).Format(time.RFC3339) + `"`
		}
		fmt.Fprintf(&b, `{"type":"block","range":"%s","from":"2026-11-01T02:00:00Z","until":%s,"by":"ops"}`+"\n", where, until)
		want[where] = left
	}
	return b.String(), want
}

// exporting is a machine with n blocks in force, and what they are.
func exporting(t *testing.T, n int) (machine, exported) {
	t.Helper()
	m := newMachine(t)
	t.Setenv("NOW", exportMoment)
	text, want := exportRecords(n)
	m.policy("[range]\nprivate = true\nshape = \"range\"\n")
	file := filepath.Join(t.TempDir(), "records.jsonl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := m.run("import", file); code != 0 {
		t.Fatalf("import exits %d: %s", code, out)
	}
	return m, want
}

func (m machine) export(format string) string {
	m.t.Helper()
	out, code := m.run("list", "--format", format)
	if code != 0 {
		m.t.Fatalf("list --format %s exits %d", format, code)
	}
	return out
}

// TestExportsHoldWhatIsInForce gives each export to its own tool, and holds what that makes of it against what is in force.
func TestExportsHoldWhatIsInForce(t *testing.T) {
	n := 4_000
	if sandbox.Long() {
		n = 100_000
	}
	m, want := exporting(t, n)
	t.Run("json", func(t *testing.T) {
		got := exported{}
		var all []listed
		if err := json.Unmarshal([]byte(m.export("json")), &all); err != nil {
			t.Fatal(err)
		}
		now, err := time.Parse(time.RFC3339, exportMoment)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range all {
			got[l.Range.String()] = l.left(now)
		}
		same(t, want, got)
	})
	t.Run("cidr", func(t *testing.T) {
		var all, prefixes []netblock.Range
		for where := range want {
			all = append(all, mustRange(t, where))
		}
		for line := range strings.Lines(m.export("cidr")) {
			p, err := netip.ParsePrefix(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(err)
			}
			prefixes = append(prefixes, netblock.OfPrefix(p))
		}
		if d := cmp.Diff(texts(netblock.SetOf(all...)), texts(netblock.SetOf(prefixes...))); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
	t.Run("ipset", func(t *testing.T) {
		ipset := sandbox.Tool(t, "ipset")
		for range 2 {
			tool(t, m.export("ipset"), ipset, "restore")
		}
		got := exported{}
		for _, set := range []string{"lastresort4", "lastresort6"} {
			for line := range strings.Lines(tool(t, "", ipset, "save", set)) {
				f := strings.Fields(line)
				if f[0] != "add" {
					continue
				}
				left, err := strconv.ParseInt(f[4], 10, 64) // add SET PREFIX timeout SECONDS …
				if err != nil || f[3] != "timeout" {
					t.Fatalf("%q", line)
				}
				got[mustRange(t, f[2]).String()] = left
			}
		}
		// It holds prefixes, each with the time of its range.
		prefixes := exported{}
		for where, left := range want {
			for _, p := range mustRange(t, where).Prefixes() {
				prefixes[netblock.OfPrefix(p).String()] = min(left, longestIpset)
			}
		}
		same(t, prefixes, got)
		if names := tool(t, "", ipset, "list", "-n"); names != "lastresort4\nlastresort6\n" {
			t.Errorf("sets %q are left; expected ours alone", names)
		}
		// A list that grew, and one that has nothing left in it, take the old one's place too.
		m.run("block", "198.51.100.7", "--for", "7d", "--reason", "x")
		tool(t, m.export("ipset"), ipset, "restore")
		out, _ := m.run("list", "--format", "ipset", "--at", "2020-01-01")
		tool(t, out, ipset, "restore")
		if saved := tool(t, "", ipset, "save"); strings.Contains(saved, "add ") {
			t.Errorf("%.200s; expected empty sets", saved)
		}
		tool(t, "", ipset, "destroy")
	})
}

// TestTheExportForNftHoldsWhatIsInForce is of fewer ranges: in a user namespace nft can't make its socket's buffer larger.
func TestTheExportForNftHoldsWhatIsInForce(t *testing.T) {
	nft := sandbox.Tool(t, "nft")
	m, want := exporting(t, 1_200)
	text := m.export("nft")
	tool(t, text, nft, "-c", "-f", "-")
	for range 2 { // the second takes the place of the first
		tool(t, text, nft, "-f", "-")
	}
	got := exported{}
	for _, set := range []string{"range4", "range6"} {
		readNft(t, got, tool(t, "", nft, "-j", "list", "set", "inet", "lastresort", set))
	}
	same(t, want, got)
}

// same holds that the same ranges have the same time left, but for the seconds that the tools took.
func same(t *testing.T, want, got exported) {
	t.Helper()
	const slow = 600
	wrong := 0
	for where, left := range want {
		have, ok := got[where]
		if !ok || (left == 0) != (have == 0) || have > left || have < left-slow {
			if wrong++; wrong < 5 {
				t.Errorf("%s has %d s left, is there: %v; expected %d", where, have, ok, left)
			}
		}
	}
	if wrong > 0 || len(got) != len(want) {
		t.Errorf("%d wrong of %d; %d expected", wrong, len(got), len(want))
	}
}

// tool runs a program with an input and returns what it prints.
func tool(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Stdin = strings.NewReader(input)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %v: %v: %.500s", name, args, err, errs.String())
	}
	return string(out)
}

// readNft reads a set as nft prints it in JSON.
func readNft(t *testing.T, into exported, text string) {
	t.Helper()
	type value struct {
		Prefix *struct {
			Addr string
			Len  int
		}
		Range []string
	}
	var doc struct {
		Nftables []struct {
			Set *struct {
				Elem []struct {
					Elem struct {
						Val     json.RawMessage
						Expires int64
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for _, x := range doc.Nftables {
		if x.Set == nil {
			continue
		}
		for _, e := range x.Set.Elem {
			var v value
			where := ""
			if json.Unmarshal(e.Elem.Val, &where) != nil {
				if err := json.Unmarshal(e.Elem.Val, &v); err != nil {
					t.Fatal(err)
				}
				switch {
				case v.Prefix != nil:
					where = fmt.Sprintf("%s/%d", v.Prefix.Addr, v.Prefix.Len)
				case len(v.Range) == 2:
					where = v.Range[0] + "-" + v.Range[1]
				}
			}
			into[mustRange(t, where).String()] = e.Elem.Expires
		}
	}
}

func mustRange(t *testing.T, text string) netblock.Range {
	t.Helper()
	r, err := netblock.ParseRange(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func texts(s netblock.Set) (out []string) {
	for _, r := range s.Ranges() {
		out = append(out, r.String())
	}
	return out
}
