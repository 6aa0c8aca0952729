package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/evidence"
	"lastresort/decide/history"
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
	r := a.logReading(policy, named, now, true)
	for _, l := range r.logs {
		o, err := a.observeLog(ctx, s, r, l, positions)
		if err != nil && o.Log == "" {
			return all, err
		}
		if a.leaveOut(r, l, err) {
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
func (a *app) observeLog(ctx context.Context, s *history.Store, r logReading, l decide.Log, positions map[string]json.RawMessage) (observed, error) {
	t := evidence.NewTally(history.Local)
	o, err := a.optionsOf(r, l, nil)
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
		to, sum, failed := observeJournal(ctx, from, o, t)
		switch {
		case ctx.Err() != nil:
			return observed{}, ctx.Err()
		case failed != nil:
			return observed{Log: journal, Error: failed.Error()}, failed
		}
		seen := observedOf(journal, sum, nil)
		seen.Empty = to.Seen.Lines == 0
		return seen, storeState(ctx, s, t, journal, to)
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
	from.Seen.add(sum, r.at)
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
		if _, err := a.optionsOf(logReading{policy: policy}, l, nil); err != nil {
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
