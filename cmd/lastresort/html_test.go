package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPageIsWholeOrNotThere interrupts the writing of a page, and finds the one before it untouched and nothing beside it.
func TestPageIsWholeOrNotThere(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "page.html")
	if err := os.WriteFile(name, []byte("the one before"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{env: environment{getenv: os.Getenv}, stderr: io.Discard, html: name}
	ctx, stop := context.WithCancel(t.Context())
	err := a.writePage(ctx, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half of it"); err != nil {
			return err
		}
		stop()
		_, err := io.WriteString(w, "the other half")
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	broken := errors.New("no figures")
	if err := a.writePage(t.Context(), func(io.Writer) error { return broken }); err == nil || !strings.Contains(err.Error(), `page.html" can't be written: no figures`) {
		t.Errorf("broken: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%d files are left: %v %v", len(left), left, err)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != "the one before" {
		t.Errorf("%q %v", text, err)
	}
}

// BenchmarkReviewPage is a review of 10,000 cases with its page beside one without.
func BenchmarkReviewPage(b *testing.B) {
	at := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	policy, store := madeUp(b, 10_000)
	env := nowhere(func() time.Time { return at })
	for _, c := range []struct {
		name string
		args []string
	}{{"text", nil}, {"page", []string{"--html", filepath.Join(b.TempDir(), "page.html")}}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				args := append([]string{"--policy", policy, "--store", store, "review", "--at", at.Format(time.RFC3339)}, c.args...)
				_ = run(b.Context(), env, nil, io.Discard, io.Discard, args) // guards hold much of it back
			}
			if c.args != nil {
				text, err := os.ReadFile(c.args[1])
				if err != nil || !strings.Contains(string(text), fmt.Sprintf("the other %d have a line each", 10_000-mostDossiers)) {
					b.Fatal(err, len(text))
				}
				b.ReportMetric(float64(len(text)), "bytes/page")
			}
		})
	}
}
