package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lastresort/firewall/sandbox"
)

// healthNow is what status says, and its exit status.
func (m machine) healthNow() (h health, code int) {
	m.t.Helper()
	text, code := m.run("status", "--json")
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		m.t.Fatalf("%v: %s", err, text)
	}
	return h, code
}

// TestTrapEnforcementFallsUnnoticed takes three of four elements out of the kernel, as an expiry of all at once would: status
// shows what is intended against what is held, and apply puts it back.
func TestTrapEnforcementFallsUnnoticed(t *testing.T) {
	nft := sandbox.Tool(t, "nft")
	m := newMachine(t)
	const n = 20
	for i := range n {
		if _, code := m.run("block", fmt.Sprintf("203.0.113.%d", i*8), "--for", "7d", "--reason", "x"); code != 0 {
			t.Fatalf("block exits %d", code)
		}
	}
	for i := range n {
		if i%4 > 0 {
			tool(t, "", nft, fmt.Sprintf("delete element inet lastresort address4 { 203.0.113.%d }", i*8))
		}
	}
	h, code := m.healthNow()
	if code != 1 || h.OK || h.Intended != n || h.Held != n/4 || len(h.Missing) != n*3/4 {
		t.Errorf("exit status %d, ok %v, %d of %d held, %d missing; expected %d of %d", code, h.OK, h.Held, h.Intended, len(h.Missing), n/4, n)
	}
	m.run("apply")
	if h, code := m.healthNow(); code != 0 || !h.OK || h.Held != n {
		t.Errorf("after apply exit status %d, ok %v, %d held", code, h.OK, h.Held)
	}
}

// TestTrapLockedOut blocks the address that the session came from: it is refused; with the risk accepted and a time to confirm in
// it comes to an end with nobody doing anything.
func TestTrapLockedOut(t *testing.T) {
	m := newMachine(t)
	t.Setenv("NOW", "2026-11-02T02:00:00Z")
	records := filepath.Join(t.TempDir(), "records.jsonl")
	if err := os.WriteFile(records, []byte(nightRecords), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWire(t, "192.0.2.1", "203.0.113.16", "203.0.113.17")
	for _, args := range [][]string{{"import", records}, {"review", "--no-observe"}} {
		if out, code := m.run(args...); code != 0 {
			t.Fatalf("%v exits %d: %s", args, code, out)
		}
	}
	t.Setenv("SSH_CONNECTION", "203.0.113.16 50000 192.0.2.1 22")
	if _, code := m.run("apply"); code != exitRefused || len(m.held()) > 0 {
		t.Errorf("blocking one's own session exits %d and the kernel holds %v; expected it to be refused", code, m.held())
	}
	if out, code := m.run("apply", "--accept-risk", "session", "--confirm-within", "3s"); code != 0 {
		t.Fatalf("apply exits %d: %s", code, out)
	}
	if w.connects(w.offender, false) {
		t.Error("the session's address connects; expected it to be blocked")
	}
	if h, _ := m.healthNow(); h.Dropped == 0 {
		t.Error("status shows no packet dropped; expected those of the connection")
	}
	back := false
	for deadline := time.Now().Add(20 * time.Second); !back && time.Now().Before(deadline); {
		back = w.connects(w.offender, false)
	}
	if !back {
		t.Error("nobody confirmed, and the session's address is still locked out")
	}
}
