package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/evidence"
	"lastresort/decide/history"
	"lastresort/decide/web"
)

func (a *app) observeCommand() *cobra.Command {
	var lines bool
	c := &cobra.Command{
		Use:   "observe [LOG…]",
		Short: "read new log lines into sightings and traffic",
		Long: "Reads the lines that came since last time into sightings and traffic, plain or gzipped, across rotation. Without LOG\n" +
			"it reads those of the policy, and where that names none the usual places, or the journal where nobody writes it\n" +
			"into files. journal stands for it in the policy too. - is standard input.\n\n" +
			"--lines stores nothing and shows what each line counts as. --at says when the log was read last, for lines that\n" +
			"don't name their year (default now).",
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, logs []string) error {
			policy, err := a.policy()
			if err != nil {
				return err
			}
			now, _, err := a.moment()
			if err != nil {
				return err
			}
			if lines {
				opened := false
				err := a.reading(c.Context(), func(s *history.Store) error {
					opened = true
					a.knowRanges(c.Context(), s, now)
					return a.observeLines(c.Context(), &policy, logs, now)
				})
				if opened {
					return err
				}
				a.note("no range is known by name: %s", printable(err.Error())) // the rest needs no store
				return a.observeLines(c.Context(), &policy, logs, now)
			}
			return a.writing(c.Context(), "observe", func(s *history.Store) error {
				seen, err := a.observeLogs(c.Context(), s, &policy, logs, now)
				return errors.Join(a.printObserved(seen), err)
			})
		},
	}
	c.Flags().BoolVar(&lines, "lines", false, "store nothing; show what each line counts as")
	c.Flags().StringVar(&a.at, "at", "", "when the log was read last, RFC 3339 or a date")
	return a.prints(c)
}

// logsOf returns the logs to read: those named, else the policy's, else the usual ones that are there.
func (a *app) logsOf(policy *decide.Policy, named []string) []decide.Log {
	a.logs = a.logsNamed(policy, named)
	return a.logs
}

func (a *app) logsNamed(policy *decide.Policy, named []string) []decide.Log {
	var out []decide.Log
	for _, path := range named {
		// The first reading of a log takes its old files with it: auth.log* means each once.
		old := slices.ContainsFunc(named, func(log string) bool { return evidence.IsOldFile(path, log) })
		if !old {
			out = append(out, logOf(policy, path))
		}
	}
	if len(named) > 0 {
		return out
	}
	if len(policy.Log) > 0 {
		return policy.Log
	}
	found, skipped := usualLogs(a.env.root)
	if len(skipped) > 0 {
		a.note("skipped %s: the access logs beside tell of the same requests; to read it too, name all logs in the policy's [[log]]", printable(strings.Join(skipped, " ")))
	}
	if !slices.ContainsFunc(found, func(path string) bool { return slices.Contains(authPlaces, path) }) && hasJournal() {
		out = append(out, decide.Log{Path: journal}) // nobody writes what it holds into files
	}
	for _, path := range found {
		out = append(out, decide.Log{Path: path})
	}
	if len(out) == 0 {
		a.note("no log found in the usual places (%s); name one in the policy's [[log]] or as an argument", strings.Join(allUsual(), " "))
	}
	return out
}

// logOf returns what the policy says of a log.
func logOf(policy *decide.Policy, path string) decide.Log {
	for _, l := range policy.Log {
		if l.Path == path {
			return l
		}
	}
	return decide.Log{Path: path}
}

// optionsOf says how a log is read, with progress where somebody looks.
func (a *app) optionsOf(policy *decide.Policy, l decide.Log, now time.Time, line func(int64, evidence.Event)) (evidence.Options, error) {
	rules, err := web.New(policy.Web)
	if err != nil {
		return evidence.Options{}, usage("the policy's [[web]]: %v", err)
	}
	o := evidence.Options{Format: l.Format, At: now, Zone: time.Local, Web: rules.Knowing(a.ranges), Line: line, Elsewhere: elsewhere(a.logs, l.Path)}
	if show := a.progress(l.Path + ", line"); show != nil {
		o.Progress = func(lines int64) { show(int(lines)) }
	}
	if l.Pattern == "" {
		return o, nil
	}
	own, err := evidence.NewPattern(l.Pattern, l.Kind, l.Service, l.Proof)
	if err != nil {
		return o, usage("the policy's [[log]] %q: %v", l.Path, err)
	}
	o.Own = own
	return o, nil
}

// observed is what reading one log came to.
type observed struct {
	Log     string `json:"log"`
	Lines   int64  `json:"lines"`
	Hostile int64  `json:"hostile"`
	Honest  int64  `json:"honest"`
	oddLines
	Last  *time.Time `json:"last"`
	Lost  bool       `json:"lost"`
	Empty bool       `json:"empty"` // it never had a line
	Error string     `json:"error,omitempty"`
}

func observedOf(path string, s evidence.Summary, err error) observed {
	o := observed{Log: path, Lines: s.Lines, Hostile: s.Hostile, Honest: s.Honest, Last: dateTime(s.Last), Lost: s.Lost}
	o.add(s)
	if err != nil {
		o.Error = err.Error()
	}
	return o
}

// observeLogs reads what is new in each log and stores it, a log at a time. One that can't be read is told, the others are
// read all the same, and then it is an error.
func (a *app) observeLogs(ctx context.Context, s *history.Store, policy *decide.Policy, named []string, now time.Time) ([]observed, error) {
	if err := a.checkLogs(policy); err != nil {
		return nil, err
	}
	positions, err := s.Positions(ctx)
	if err != nil {
		return nil, err
	}
	a.knowRanges(ctx, s, now)
	all := []observed{}
	var failed []error
	for _, l := range a.logsOf(policy, named) {
		o, err := a.observeLog(ctx, s, policy, l, positions, now)
		if err != nil && o.Log == "" {
			return all, err
		}
		unasked := len(named)+len(policy.Log) == 0
		if unasked && err != nil && (l.Path == journal || errors.As(err, new(*evidence.FormatError))) {
			a.note("%s is left out: %s", l.Path, printable(err.Error())) // nobody asked for it
			continue
		}
		if err != nil {
			failed = append(failed, err)
		}
		all = append(all, o)
	}
	return all, errors.Join(failed...)
}

// observeLog reads one log. An error with an empty result is one of the store, or the end of the context.
func (a *app) observeLog(ctx context.Context, s *history.Store, policy *decide.Policy, l decide.Log, positions map[string]json.RawMessage, now time.Time) (observed, error) {
	t := evidence.NewTally(history.Local)
	o, err := a.optionsOf(policy, l, now, nil)
	if err != nil {
		return observed{}, err
	}
	defer a.progressDone()
	if l.Path == "-" {
		sum, failed := evidence.Read(ctx, "standard input", a.stdin, o, t)
		if ctx.Err() != nil {
			return observed{}, ctx.Err()
		}
		if err := storeTally(ctx, s, t, nil); err != nil {
			return observed{}, err
		}
		return observedOf("standard input", sum, failed), failed
	}
	if l.Path == journal {
		from, err := stateOf(positions, journal)
		if err != nil {
			return observed{}, err
		}
		to, sum, failed := a.observeJournal(ctx, policy, l, from, now, t)
		switch {
		case ctx.Err() != nil:
			return observed{}, ctx.Err()
		case failed != nil:
			return observed{Log: journal, Error: failed.Error()}, failed
		}
		return observedOf(journal, sum, nil), storeState(ctx, s, t, journal, to)
	}
	path, err := filepath.Abs(l.Path)
	if err != nil {
		return observed{}, err
	}
	from, err := stateOf(positions, path)
	if err != nil {
		return observed{}, err
	}
	at, sum, failed := evidence.Follow(ctx, path, from.Position, o, t)
	if ctx.Err() != nil {
		return observed{}, ctx.Err()
	}
	if errors.As(failed, new(*evidence.FormatError)) {
		return observed{Log: l.Path, Error: failed.Error()}, failed
	}
	from.Seen.add(sum, now)
	if err := storeState(ctx, s, t, path, logState{Position: at, Seen: from.Seen}); err != nil {
		return observed{}, err
	}
	seen := observedOf(l.Path, sum, failed)
	seen.Empty = failed == nil && from.Seen.Lines == 0
	return seen, failed
}

// storeState stores what a log showed, and in the same transaction how far it was read.
func storeState(ctx context.Context, s *history.Store, t *evidence.Tally, path string, state logState) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return storeTally(ctx, s, t, map[string]json.RawMessage{path: text})
}

func storeTally(ctx context.Context, s *history.Store, t *evidence.Tally, positions map[string]json.RawMessage) error {
	sightings, traffic := t.Records()
	return s.Observe(ctx, sightings, traffic, positions)
}

// checkLogs checks what the policy says of logs, before any of them is read.
func (a *app) checkLogs(policy *decide.Policy) error {
	for _, l := range policy.Log {
		if l.Format != "" && !slices.Contains(evidence.Formats(), l.Format) {
			return usage("the policy's format %q for %q is none; expected one of %s, or none at all", l.Format, l.Path, strings.Join(evidence.Formats(), " "))
		}
		if _, err := a.optionsOf(policy, l, time.Time{}, nil); err != nil {
			return err
		}
	}
	return nil
}

// printObserved prints what reading the logs came to.
func (a *app) printObserved(all []observed) error {
	if a.json {
		return a.printJSON(all)
	}
	for _, o := range all {
		if o.Error == "" || o.Lines > 0 { // else the error says it all
			a.page().line("%s", o)
		}
	}
	return nil
}

// String puts it into words.
func (o observed) String() string {
	if o.Empty {
		return printable(o.Log) + ": empty"
	}
	return printable(fmt.Sprintf("%s: %d new lines, %d hostile, %d honest%s", o.Log, o.Lines, o.Hostile, o.Honest, oddities(o)))
}

// oddities tells what of a log didn't count although it might have.
func oddities(o observed) string {
	out := o.oddLines.String()
	if o.Lost {
		out += "; lines since last time are missing: the log was cut, or rotated away"
	}
	return out
}

// observeLines shows what each line of a log counts as, and stores nothing.
func (a *app) observeLines(ctx context.Context, policy *decide.Policy, named []string, now time.Time) error {
	if err := a.checkLogs(policy); err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.stdout, 64<<10)
	for _, l := range a.logsOf(policy, named) {
		show := func(line int64, e evidence.Event) {
			r := e.Record(history.Local)
			if a.json {
				text := history.Encode(r)
				fmt.Fprintf(out, "%s,\"line\":%d}\n", text[:len(text)-1], line)
				return
			}
			fmt.Fprintf(out, "%s:%d: %s\n", printable(l.Path), line, printable(describe(r)))
		}
		o, err := a.optionsOf(policy, l, now, show)
		if err != nil {
			return err
		}
		o.Progress = nil // what is printed shows it
		sum, err := a.readWhole(ctx, l, o)
		if flushed := out.Flush(); flushed != nil {
			return flushed
		}
		if err != nil {
			return err
		}
		if !a.json {
			seen := observedOf(l.Path, sum, nil)
			seen.Empty = sum.Lines == 0
			a.note("%s", seen)
		}
	}
	return nil
}

func (a *app) readWhole(ctx context.Context, l decide.Log, o evidence.Options) (evidence.Summary, error) {
	t := evidence.NewTally(history.Local)
	if l.Path == "-" {
		return evidence.Read(ctx, "standard input", a.stdin, o, t)
	}
	f, err := os.Open(l.Path)
	if err != nil {
		return evidence.Summary{}, fmt.Errorf("%q can't be read: %s", l.Path, reason(err))
	}
	sum, err := evidence.Read(ctx, l.Path, f, o, t)
	return sum, errors.Join(err, f.Close())
}
