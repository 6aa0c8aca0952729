package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"lastresort/decide"
	"lastresort/decide/evidence"
	"lastresort/decide/history"
)

// observeLines shows what each line of a log counts as, and stores nothing.
func (a *app) observeLines(ctx context.Context, policy *decide.Policy, named []string, now time.Time) error {
	if err := a.checkLogs(policy); err != nil {
		return err
	}
	screen := aboveProgress{app: a}
	out := bufio.NewWriterSize(&screen, 64<<10)
	r := a.logReading(policy, named, now, false)
	var failed []error
	for _, l := range r.logs {
		o, err := a.optionsOf(r, l, a.linesTo(out, l))
		if err != nil {
			return err
		}
		o.Progress = screen.below(o.Progress)
		sum, err := a.readWhole(ctx, l, o, now.Add(-firstJournal))
		a.progressDone()
		if flushed := out.Flush(); flushed != nil {
			return flushed
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case a.leaveOut(r, l, err):
			continue
		case err != nil:
			failed = append(failed, err)
		}
		if seen := observedOf(l.Path, sum, err); !a.json && (err == nil || sum.Lines > 0) {
			seen.Empty = sum.Lines == 0
			a.note("%s", seen)
		}
	}
	return errors.Join(failed...)
}

// aboveProgress is standard output, where progress may be shown on the same terminal.
type aboveProgress struct {
	*app
	shown bool
}

// Write implements io.Writer.
func (w *aboveProgress) Write(p []byte) (int, error) {
	if w.shown {
		w.progressDone()
		w.shown = false
	}
	return w.stdout.Write(p)
}

// below returns what shows progress below what was written; nil where that is nil.
func (w *aboveProgress) below(show func(int64)) func(int64) {
	if show == nil {
		return nil
	}
	return func(lines int64) {
		w.shown = true
		show(lines)
	}
}

// linesTo returns what shows each line of a log that counts. Only whole ones leave out's room, lest progress is shown within one.
func (a *app) linesTo(out *bufio.Writer, l decide.Log) func(int64, evidence.Event) {
	return func(line int64, e evidence.Event) {
		r := e.Record(history.Local)
		var text string
		if a.json {
			record := history.Encode(r)
			text = fmt.Sprintf("%s,\"line\":%d}\n", record[:len(record)-1], line)
		} else {
			text = fmt.Sprintf("%s:%d: %s\n", printable(l.Path), line, printable(describe(r)))
		}
		if len(text) > out.Available() {
			out.Flush() // an error is told by the last one
		}
		out.WriteString(text)
	}
}

// readWhole reads a log as if for the first time, and leaves no trace of it. Of the journal it reads what came since a moment;
// all of it where that is zero.
func (a *app) readWhole(ctx context.Context, l decide.Log, o evidence.Options, since time.Time) (evidence.Summary, error) {
	t := evidence.NewTally(history.Local)
	switch l.Path {
	case "-":
		return evidence.Read(ctx, "standard input", a.stdin, o, t)
	case journal:
		var sum evidence.Summary
		_, err := readJournal(ctx, journalFrom{since: since}, func(in io.Reader) (failed error) {
			sum, failed = evidence.Read(ctx, journal, in, o, t)
			return failed
		})
		return sum, err
	}
	f, err := os.Open(l.Path)
	if err != nil {
		return evidence.Summary{}, fmt.Errorf("%q can't be read: %s", l.Path, reason(err))
	}
	sum, err := evidence.Read(ctx, l.Path, f, o, t)
	return sum, errors.Join(err, f.Close())
}
