package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// interrupting cancels a context at the first write that says something.
type interrupting struct {
	bytes.Buffer
	at     string
	cancel func()
}

func (w *interrupting) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.at) {
		w.cancel()
	}
	return w.Buffer.Write(p)
}

// TestReplaysAreInterrupted holds that a replay shows on a terminal how far it is, and stops where it is interrupted.
func TestReplaysAreInterrupted(t *testing.T) {
	log := filepath.Join(t.TempDir(), "auth.log")
	if err := os.WriteFile(log, []byte("2026-10-01T10:00:00Z h sshd[1]: Failed password for root from 203.0.113.7 port 1 ssh2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := nowhere(time.Now)
	env.terminal = true
	for command, progress := range map[string]string{"backtest": "\rnights replayed: ", "tune": "\rpolicies tried: "} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var out bytes.Buffer
		stderr := &interrupting{at: progress, cancel: cancel}
		err := run(ctx, env, nil, &out, stderr, []string{"--store", filepath.Join(t.TempDir(), "h.db"), command, "--from", "2026-10-01", "--to", "2026-12-01", "--every", "1h", log})
		if err == nil || !strings.HasPrefix(err.Error(), "interrupted") || out.Len() > 0 {
			t.Errorf("%s: %v, with %q printed; expected nothing but that it was interrupted", command, err, out.String())
		}
		if !strings.Contains(stderr.String(), progress) {
			t.Errorf("%s shows %q; expected how far it is", command, stderr.String())
		}
	}
}

// TestReadAt holds which year a line without one gets, by when its log is read.
func TestReadAt(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct{ now, end, want string }{
		{"2026-10-20", "2026-10-10", "2026-10-20"}, // what came since is of this year
		{"2026-10-20", "2026-11-10", "2026-11-10"}, // the end is to come
		{"2026-10-20", "2017-02-01", "2017-07-31"}, // an old log is of its own time
	} {
		a := &app{env: environment{now: func() time.Time { return day(c.now) }}}
		if got := a.readAt(day(c.end)); !got.Equal(day(c.want)) {
			t.Errorf("on %s a replay to %s reads as of %s; expected %s", c.now, c.end, got.Format(time.DateOnly), c.want)
		}
	}
}
