package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"lastresort/decide"
	"lastresort/decide/evidence"
)

// journal is the path of a [[log]] that stands for systemd's journal.
const journal = "journal"

// firstJournal is how much of the journal is read the first time.
const firstJournal = 90 * 24 * time.Hour

// observeJournal reads what came to the journal since a cursor, by way of journalctl.
func (a *app) observeJournal(ctx context.Context, policy *decide.Policy, l decide.Log, from logState, now time.Time, t *evidence.Tally) (logState, evidence.Summary, error) {
	o, err := a.optionsOf(policy, l, now, nil)
	if err != nil {
		return from, evidence.Summary{}, err
	}
	args := []string{"--output=json", "--no-pager", "--quiet", "--show-cursor", "--output-fields=MESSAGE,_HOSTNAME,SYSLOG_IDENTIFIER,_COMM,_PID,SYSLOG_PID,_TRANSPORT"}
	if from.Cursor != "" {
		args = append(args, "--after-cursor="+from.Cursor)
	} else {
		args = append(args, "--since="+now.Add(-firstJournal).Local().Format("2006-01-02 15:04:05"))
	}
	c := exec.CommandContext(ctx, "journalctl", args...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return from, evidence.Summary{}, fmt.Errorf("the journal can't be read: %w; expected journalctl", err)
	}
	tail := &lastBytes{in: out}
	at, sum, failed := evidence.ReadOn(ctx, journal, tail, from.Position, o, t)
	_, drained := io.Copy(io.Discard, out) // lest it waits for a reader
	if err := c.Wait(); err != nil {
		failed = errors.Join(failed, fmt.Errorf("journalctl failed: %w: %s", err, strings.TrimSpace(said.String())))
	}
	if failed = errors.Join(failed, drained); failed != nil {
		return from, sum, failed // the cursor stays: nothing is lost, and nothing stored
	}
	to := logState{Position: at, Cursor: from.Cursor, Seen: from.Seen}
	if cursor, ok := tail.cursor(); ok {
		to.Cursor = cursor
	}
	to.Seen.add(sum, now)
	return to, sum, nil
}

// lastBytes passes a stream on and remembers its end.
type lastBytes struct {
	in   io.Reader
	last []byte
}

// mostCursor is more than journalctl's line with the cursor is long.
const mostCursor = 4096

// Read implements io.Reader.
func (l *lastBytes) Read(p []byte) (int, error) {
	n, err := l.in.Read(p)
	l.last = append(l.last, p[:n]...)
	if len(l.last) > mostCursor {
		l.last = append(l.last[:0], l.last[len(l.last)-mostCursor:]...)
	}
	return n, err
}

// cursor returns what journalctl says at the very end: -- cursor: C.
func (l *lastBytes) cursor() (string, bool) {
	lines := bytes.Split(bytes.TrimRight(l.last, "\n"), []byte("\n"))
	c, ok := strings.CutPrefix(string(lines[len(lines)-1]), "-- cursor: ")
	return c, ok
}

// hasJournal tells whether there is a journal to read.
func hasJournal() bool {
	_, err := exec.LookPath("journalctl")
	return err == nil
}
