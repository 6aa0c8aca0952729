package main

import (
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/firewall/sandbox"
	"lastresort/netblock"
)

// nightRecords are two netblocks whose path is exhausted, and one offender in each.
const nightRecords = `{"type":"netblock","prefix":"203.0.113.0/24","kind":"hosting","abuse":"abuse@example.net","upstream":"noc@example.org","cert":"cert@example.com"}
{"type":"netblock","prefix":"2001:db8:9::/48","kind":"hosting","abuse":"abuse@example.net","upstream":"noc@example.org","cert":"cert@example.com"}
{"type":"report","id":"R-1","at":"2026-09-22T09:00:00Z","source":"203.0.113.16","to":"cert@example.com","role":"cert"}
{"type":"report","id":"R-2","at":"2026-09-22T09:00:00Z","source":"2001:db8:9:1::7","to":"cert@example.com","role":"cert"}
{"type":"sighting","source":"203.0.113.16","first":"2026-10-31T01:00:00Z","last":"2026-10-31T05:00:00Z","kind":"ssh-login","count":40,"proof":"two-way","reporter":"local"}
{"type":"sighting","source":"203.0.113.16","first":"2026-11-01T01:00:00Z","last":"2026-11-01T05:00:00Z","kind":"ssh-login","count":40,"proof":"two-way","reporter":"local"}
{"type":"sighting","source":"2001:db8:9:1::7","first":"2026-10-31T01:00:00Z","last":"2026-10-31T05:00:00Z","kind":"ssh-login","count":40,"proof":"two-way","reporter":"local"}
{"type":"sighting","source":"2001:db8:9:1::7","first":"2026-11-01T01:00:00Z","last":"2026-11-01T05:00:00Z","kind":"ssh-login","count":40,"proof":"two-way","reporter":"local"}
`

// wire is our server and those who connect to it, of one family.
type wire struct {
	server, offender, neighbour netip.Addr
	peer                        *sandbox.Peer
	listener                    net.Listener
}

func newWire(t *testing.T, server, offender, neighbour string) wire {
	t.Helper()
	w := wire{server: netip.MustParseAddr(server), offender: netip.MustParseAddr(offender), neighbour: netip.MustParseAddr(neighbour)}
	var err error
	if w.peer, err = sandbox.NewPeer([]netip.Addr{w.server}, []netip.Addr{w.offender, w.neighbour}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.peer.Close() })
	if w.listener, err = net.Listen("tcp", netip.AddrPortFrom(w.server, 0).String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.listener.Close() })
	go welcome(w.listener)
	return w
}

// connects tells whether a connection from an address comes about. One that should may take its time on a busy machine,
// where the first packet waits for the neighbour's address.
func (w wire) connects(from netip.Addr, should bool) bool {
	patience := 500 * time.Millisecond
	if should {
		patience = 10 * time.Second
	}
	c, err := w.peer.Dial(from, w.listener.Addr().(*net.TCPAddr).AddrPort(), patience)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// TestANightOnTheWire follows offenders of both families through a night, packet by packet.
func TestANightOnTheWire(t *testing.T) {
	m := newMachine(t)
	t.Setenv("NOW", "2026-11-02T02:00:00Z")
	records := filepath.Join(t.TempDir(), "records.jsonl")
	if err := os.WriteFile(records, []byte(nightRecords), 0o600); err != nil {
		t.Fatal(err)
	}
	wires := []wire{newWire(t, "192.0.2.1", "203.0.113.16", "203.0.113.17"), newWire(t, "2001:db8::1", "2001:db8:9:1::7", "2001:db8:9:2::7")}
	see := func(when string, offenders bool) {
		t.Helper()
		for _, w := range wires {
			if got := w.connects(w.offender, offenders); got != offenders {
				t.Errorf("%s: %s connects: %v", when, w.offender, got)
			}
			if !w.connects(w.neighbour, true) {
				t.Errorf("%s: the neighbour %s doesn't get in", when, w.neighbour)
			}
		}
	}
	do := func(args ...string) string {
		t.Helper()
		out, code := m.run(args...)
		if code != 0 {
			t.Fatalf("%v exits %d: %s", args, code, out)
		}
		return out
	}
	see("before", true)
	do("import", records)
	do("review", "--no-observe")
	see("after the review", true)
	do("apply")

	var captures []*sandbox.Capture
	for _, w := range wires {
		c, err := w.peer.Capture()
		if err != nil {
			t.Fatal(err)
		}
		captures = append(captures, c)
	}
	see("after apply", false)
	for i, c := range captures {
		frames, err := c.Stop()
		if err != nil {
			t.Fatal(err)
		}
		toOffender, toNeighbour := 0, 0
		for _, f := range frames {
			if sandbox.IsTo(f, wires[i].offender) {
				toOffender++
			}
			if sandbox.IsTo(f, wires[i].neighbour) {
				toNeighbour++
			}
		}
		if toOffender != 0 || toNeighbour == 0 {
			t.Errorf("%d packets went back to %s and %d to %s; wanted none, and some", toOffender, wires[i].offender, toNeighbour, wires[i].neighbour)
		}
	}
	list := do("list", "--json")
	t.Run("as nft sees it", func(t *testing.T) { sameAsNft(t, list) })

	do("unblock", "203.0.113.16", "2001:db8:9:1::7", "--reason", "customers")
	see("after unblock", true)
	t.Setenv("NOW", "2026-11-03T02:00:00Z")
	do("review", "--no-observe")
	do("apply")
	see("a night later", true)
}

// sameAsNft holds what list says against what nft sees.
func sameAsNft(t *testing.T, list string) {
	t.Helper()
	nft := sandbox.Tool(t, "nft")
	var ours []listed
	if err := json.Unmarshal([]byte(list), &ours); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, l := range ours {
		want = append(want, l.Range.String())
		if l.Kernel == nil || !*l.Kernel || l.Packets == 0 {
			t.Errorf("%s: in the kernel %v, %d packets dropped; its offender was", l.Range, l.Kernel, l.Packets)
		}
	}
	text, err := exec.Command(nft, "-j", "list", "ruleset").Output()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Nftables []struct {
			Set *struct {
				Name string
				Elem []struct{ Elem struct{ Val any } }
			}
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, x := range doc.Nftables {
		if x.Set == nil || strings.HasPrefix(x.Set.Name, "allow") {
			continue
		}
		for _, e := range x.Set.Elem {
			switch v := e.Elem.Val.(type) {
			case string:
				got = append(got, v)
			case map[string]any:
				p := v["prefix"].(map[string]any)
				r, err := netblock.ParseRange(p["addr"].(string) + "/" + json.Number(jsonText(p["len"])).String())
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, r.String())
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("nft sees something else (-list +nft):\n%s", d)
	}
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}
