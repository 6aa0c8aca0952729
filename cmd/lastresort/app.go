package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"lastresort"
	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/decide/web"
)

// Where things are by default.
const (
	defaultStore  = "/var/lib/lastresort/history.db"
	defaultPolicy = "/etc/lastresort/policy.toml"
)

// app is one run of the program.
type app struct {
	env            environment
	stdin          io.Reader
	stdout, stderr io.Writer
	started        bool       // past the parsing of the command line
	ranges         web.Ranges // by name, for what logs show; nil where no history is read

	policyFile string
	storeFile  string
	json       bool
	html       string // the file of a page; empty for none
	at         string
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:               "lastresort",
		Short:             "blocks, as a last resort, the netblocks that go on attacking after everyone responsible was asked",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRun:  func(*cobra.Command, []string) { a.started = true },
	}
	root.PersistentFlags().StringVar(&a.policyFile, "policy", "", "policy `FILE` (default "+defaultPolicy+" where there is one)")
	root.PersistentFlags().StringVar(&a.storeFile, "store", defaultStore, "store `FILE` of the history")
	root.AddCommand(a.demoCommand(), a.importCommand(), a.exportCommand(), a.observeCommand(), a.reviewCommand(), a.diffCommand(),
		a.applyCommand(), a.confirmCommand(), a.undoCommand(), a.blockCommand(), a.unblockCommand(), a.listCommand(), a.statusCommand(),
		a.restoreCommand(), a.explainCommand(), a.historyCommand(), a.reportCommand(), a.responseCommand(), a.answerCommand(),
		a.approveCommand(), a.contactCommand(), a.netblockCommand(), a.protectCommand(), a.coverCommand(), a.backtestCommand(), a.tuneCommand(), a.policyCommand())
	return root
}

// prints gives a command the flag --json.
func (a *app) prints(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return c
}

// replays gives a read-only command the flag --at.
func (a *app) replays(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&a.at, "at", "", "replay as of `TIME`, RFC 3339 or a date")
	return c
}

// moment returns the time of --at, or now, and whether --at was given.
func (a *app) moment() (time.Time, bool, error) {
	if a.at == "" {
		return a.env.now().UTC().Truncate(time.Second), false, nil
	}
	t, err := parseTime(a.at)
	return t, true, err
}

// parseTime reads RFC 3339 or a date, which is its midnight in UTC.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usage("%q is no time; expected RFC 3339 such as 2026-11-02T02:00:00Z, or a date", s)
}

// policy reads the policy in force.
func (a *app) policy() (decide.Policy, error) {
	name, missingIsFine := a.policyFile, false
	if name == "" {
		name, missingIsFine = defaultPolicy, true
	}
	text, err := os.ReadFile(name)
	if err != nil && !(missingIsFine && errors.Is(err, fs.ErrNotExist)) {
		return decide.Policy{}, &failure{code: exitUsage, err: fmt.Errorf("policy %q can't be read: %s", name, reason(err))}
	}
	p, err := decide.ParsePolicy(lastresort.DefaultPolicy, name, text)
	if err != nil {
		return p, &failure{code: exitUsage, err: err, hint: "lastresort policy check shows the keys and their defaults"}
	}
	return p, nil
}

// input opens a file to read, and says how it is shown; - is standard input.
func (a *app) input(name string) (io.ReadCloser, string, error) {
	if name == "-" {
		return io.NopCloser(a.stdin), "standard input", nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, name, fmt.Errorf("%q can't be read: %s", name, reason(err))
	}
	return file, name, nil
}

// reason is what went wrong with a file, without its name.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// reading opens the store for a command that changes nothing.
func (a *app) reading(ctx context.Context, do func(*history.Store) error) error {
	return a.open(ctx, history.Options{}, do)
}

// writing opens the store for a command that adds to it; only one does at a time.
func (a *app) writing(ctx context.Context, command string, do func(*history.Store) error) error {
	return a.open(ctx, history.Options{Write: true, Command: command}, do)
}

func (a *app) open(ctx context.Context, o history.Options, do func(*history.Store) error) (err error) {
	s, err := history.Open(ctx, a.storeFile, o)
	if err != nil {
		return err
	}
	defer func() {
		if closed := s.Close(); err == nil {
			err = closed
		}
	}()
	return do(s)
}

// operator is who runs the program, for the records' by.
func (a *app) operator() string {
	for _, key := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if v := a.env.getenv(key); v != "" {
			return v
		}
	}
	return "operator"
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.stdout, format, args...) }

// note tells something beside the answer, on stderr.
func (a *app) note(format string, args ...any) { fmt.Fprintf(a.stderr, "note: "+format+"\n", args...) }

func (a *app) printJSON(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n", text)
	return err
}

// progress returns a function that shows how far a long command has come, on a terminal only.
func (a *app) progress(what string) func(n int) {
	if !a.env.terminal {
		return nil
	}
	var shown time.Time
	return func(n int) {
		if now := time.Now(); now.Sub(shown) > 200*time.Millisecond {
			shown = now
			fmt.Fprintf(a.stderr, "\r%s: %d ", what, n)
		}
	}
}

// progressDone wipes the line that progress wrote.
func (a *app) progressDone() {
	if a.env.terminal {
		fmt.Fprintf(a.stderr, "\r%s\r", strings.Repeat(" ", 60))
	}
}

func isTerminal(f *os.File) bool { return isatty.IsTerminal(f.Fd()) }
