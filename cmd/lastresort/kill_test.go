package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lastresort/firewall"
	"lastresort/firewall/sandbox"
)

// machine is a store and a policy of a test's own, and lastresort on them.
type machine struct {
	t    *testing.T
	args []string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	sandbox.Need(t)
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.toml")
	if err := os.WriteFile(policy, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	k := firewall.Open(firewall.Config{Table: "lastresort"})
	t.Cleanup(func() {
		if err := k.Remove(); err != nil {
			t.Error(err)
		}
	})
	return machine{t, []string{program, "--policy", policy, "--store", filepath.Join(dir, "history.db")}}
}

// policy changes the machine's policy.
func (m machine) policy(text string) {
	m.t.Helper()
	if err := os.WriteFile(m.args[2], []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) command(args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe")
	c.Args = append(slices.Clone(m.args), args...)
	return c
}

// run returns what a command prints and its exit status.
func (m machine) run(args ...string) (string, int) {
	m.t.Helper()
	out, err := m.command(args...).Output()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		m.t.Fatal(err)
	}
	if ended != nil {
		return string(out), ended.ExitCode()
	}
	return string(out), 0
}

// TestKilledCommandsLeaveTheTruth kills blocks, unblocks and applies at random moments. Afterwards the kernel holds the old
// state or the new, status says whether that is what the history wants, and the next apply makes it so.
func TestKilledCommandsLeaveTheTruth(t *testing.T) {
	m := newMachine(t)
	var blocks []string
	for i := range 25 {
		blocks = append(blocks, fmt.Sprintf("203.0.113.%d/30", i*8))
	}
	random := rand.New(rand.NewPCG(3, 4))
	old := 0
	for i := range 50 {
		args := []string{"block", blocks[i%len(blocks)], "--for", "7d", "--reason", "x"}
		if i/len(blocks)%2 == 1 {
			args = []string{"unblock", blocks[i%len(blocks)], "--no-hold", "--reason", "x"}
		}
		before := m.held()
		c := m.command(args...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.IntN(40_000)) * time.Microsecond)
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // it was killed, or was quicker

		after := m.held()
		changed := len(after) - len(before)
		if changed < -1 || changed > 1 {
			t.Fatalf("killed %v: the kernel went from %v to %v", args, before, after)
		}
		if changed == 0 {
			old++
		}
		want := m.wanted()
		_, status := m.run("status")
		if truth := slices.Equal(want, after); (status == 0) != truth {
			t.Fatalf("killed %v: status is %d; the history wants %v and the kernel holds %v", args, status, want, after)
		}
		if _, code := m.run("apply"); code != 0 {
			t.Fatalf("killed %v: the next apply exits %d", args, code)
		}
		if _, code := m.run("status"); code != 0 || !slices.Equal(m.held(), want) {
			t.Fatalf("killed %v: not healed: %v, wanted %v", args, m.held(), want)
		}
	}
	t.Logf("killed 50 times, %d of them before the kernel changed", old)
}

// held returns the ranges that the kernel holds.
func (m machine) held() []string {
	m.t.Helper()
	s, err := firewall.Open(firewall.Config{Table: "lastresort", Mode: firewall.Inbound}).Read(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	out := []string{}
	for _, e := range s.Elements {
		out = append(out, e.Range.String())
	}
	return out
}

// wanted returns the ranges that the history wants in force.
func (m machine) wanted() []string {
	m.t.Helper()
	text, _ := m.run("list", "--json")
	var list []listed
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		m.t.Fatal(err)
	}
	out := []string{}
	for _, l := range list {
		out = append(out, l.Range.String())
	}
	return out
}
