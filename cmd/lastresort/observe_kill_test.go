package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKilledObserveCountsEachLineOnce kills observe at random moments while its log grows and is rotated. What it had not
// stored it reads again, what it had it doesn't.
func TestKilledObserveCountsEachLineOnce(t *testing.T) {
	dir := t.TempDir()
	policy, log := filepath.Join(dir, "policy.toml"), filepath.Join(dir, "auth.log")
	if err := os.WriteFile(policy, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	observe := func(args ...string) *exec.Cmd {
		c := exec.Command("/proc/self/exe")
		c.Args = append([]string{program, "--policy", policy, "--store", filepath.Join(dir, "history.db")}, args...)
		c.Env = append(os.Environ(), "NOW=2026-11-02T02:00:00Z")
		return c
	}
	random := rand.New(rand.NewPCG(5, 6))
	times := 12
	if os.Getenv("LASTRESORT_LONG") == "1" {
		times = 300
	}
	written, killed := 0, 0
	var whole time.Duration // that reading takes which isn't killed, here and now
	for i := range times {
		var text strings.Builder
		for range 200 {
			fmt.Fprintf(&text, "Nov  1 01:00:00 mail sshd[%d]: Failed password for root from 198.18.%d.%d port 4000 ssh2\n", 1000+written, written>>8&255, written&255)
			written++
		}
		if i%5 == 4 {
			if err := os.Rename(log, fmt.Sprintf("%s-%d", log, 20261100+i)); err != nil {
				t.Fatal(err)
			}
		}
		f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text.String()); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		c := observe("observe", log)
		began := time.Now()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			if err := c.Wait(); err != nil {
				t.Fatal(err)
			}
			whole = time.Since(began)
			continue
		}
		time.Sleep(time.Duration(random.Int64N(int64(2 * whole))))
		_ = c.Process.Kill() // or it was quicker
		if c.Wait() != nil {
			killed++
		}
	}
	if out, err := observe("observe", log).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := observe("export").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int64{}
	for line := range strings.Lines(string(out)) {
		var r struct {
			Source string
			Count  int64
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		seen[r.Source] += r.Count
	}
	for n := range written {
		want := int64((written - n&65535 + 65535) / 65536)
		if got := seen[fmt.Sprintf("198.18.%d.%d", n>>8&255, n&255)]; got != want {
			t.Fatalf("line %d of %d counts %d times; wanted %d", n, written, got, want)
		}
	}
	t.Logf("killed %d of %d times", killed, times)
}
