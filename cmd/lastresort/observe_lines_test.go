package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLinesShowProgress holds that what is counted line by line is printed whole, with progress between, and that it ends where it
// is interrupted.
func TestLinesShowProgress(t *testing.T) {
	const lines = 20000
	text := strings.Repeat("2026-10-01T10:00:00Z h sshd[1]: Failed password for root from 203.0.113.7 port 1 ssh2\n", lines)
	log := filepath.Join(t.TempDir(), "auth.log")
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := nowhere(time.Now)
	env.terminal = true
	args := []string{"--store", filepath.Join(t.TempDir(), "h.db"), "observe", "--lines", log}
	progress := "\r" + log + ", line: "
	var screen bytes.Buffer // standard output and standard error alike
	if err := run(t.Context(), env, nil, &screen, &screen, args); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(screen.String(), progress) {
		t.Errorf("expected %q on the terminal", progress)
	}
	whole := 0
	for line := range strings.Lines(screen.String()) {
		line = line[strings.LastIndexByte(line, '\r')+1:] // behind what wipes the progress
		if strings.HasPrefix(line, log+":") && strings.HasSuffix(line, ", two-way, by local, 2026-10-01 10:00 to 2026-10-01 10:00\n") {
			whole++
		}
	}
	if whole != lines {
		t.Errorf("%d lines are whole; expected %d", whole, lines)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stderr := &interrupting{at: progress, cancel: cancel}
	err := run(ctx, env, nil, io.Discard, stderr, args)
	if err == nil || !strings.HasPrefix(err.Error(), "interrupted") {
		t.Errorf("%v; expected that it was interrupted", err)
	}
}
