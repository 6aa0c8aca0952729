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

	"lastresort/decide/evidence"
)

// journal is the path of a [[log]] that stands for systemd's journal.
const journal = "journal"

// firstJournal is how much of the journal is read the first time.
const firstJournal = 90 * 24 * time.Hour

// journalFrom is from where on the journal is read: behind a cursor, else from a moment, else from its beginning.
type journalFrom struct {
	cursor string
	since  time.Time
}

// observeJournal reads what came to the journal since it was read last.
func observeJournal(ctx context.Context, from logState, o evidence.Options, t *evidence.Tally) (logState, evidence.Summary, error) {
	to := logState{Cursor: from.Cursor, Seen: from.Seen}
	var sum evidence.Summary
	cursor, err := readJournal(ctx, journalFrom{from.Cursor, o.At.Add(-firstJournal)}, func(in io.Reader) (failed error) {
		to.Position, sum, failed = evidence.ReadOn(ctx, journal, in, from.Position, o, t)
		return failed
	})
	if err != nil {
		return from, sum, err // the cursor stays: nothing is lost, and nothing stored
	}
	if cursor != "" {
		to.Cursor = cursor
	}
	to.Seen.add(sum, o.At)
	return to, sum, nil
}

// readJournal has journalctl write what is there, to be read. It returns the cursor behind that, empty where nothing is there.
func readJournal(ctx context.Context, from journalFrom, read func(io.Reader) error) (cursor string, err error) {
	args := []string{"--output=json", "--no-pager", "--quiet", "--show-cursor", "--output-fields=MESSAGE,_HOSTNAME,SYSLOG_IDENTIFIER,_COMM,_PID,SYSLOG_PID,SYSLOG_RAW,_TRANSPORT"}
	switch {
	case from.cursor != "":
		args = append(args, "--after-cursor="+from.cursor)
	case !from.since.IsZero():
		args = append(args, "--since="+from.since.Local().Format(time.DateTime))
	}
	c := exec.CommandContext(ctx, "journalctl", args...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return "", fmt.Errorf("the journal can't be read: %w; expected journalctl", err)
	}
	tail := &lastBytes{in: out}
	failed := read(tail)
	_, drained := io.Copy(io.Discard, out) // lest it waits for a reader
	err = c.Wait()
	if silent := said.Len()+len(tail.last) == 0; err != nil && !(silent && from.cursor == "" && c.ProcessState.ExitCode() == 1) { // else nothing is there
		why := strings.TrimSpace(said.String())
		if silent {
			why = "it says nothing; is there still a journal?"
		}
		failed = errors.Join(failed, fmt.Errorf("journalctl failed: %w: %s", err, why))
	}
	if failed = errors.Join(failed, drained); failed != nil {
		return "", failed
	}
	cursor, _ = tail.cursor()
	return cursor, nil
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
