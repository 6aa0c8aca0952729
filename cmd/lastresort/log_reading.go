package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lastresort/decide"
	"lastresort/decide/evidence"
	"lastresort/decide/web"
)

// logReading is one reading of logs: which, as the policy says, and as of when.
type logReading struct {
	policy *decide.Policy
	logs   []decide.Log
	asked  bool // somebody named them
	at     time.Time
}

// logReading returns the reading of the logs that are named, else of the policy's, else of the usual ones that are there.
func (a *app) logReading(policy *decide.Policy, named []string, at time.Time) logReading {
	r := logReading{policy: policy, logs: logsMeant(policy.Log), asked: true, at: at}
	switch {
	case len(named) > 0:
		r.logs = logsNamed(policy, named)
	case len(policy.Log) == 0:
		r.logs, r.asked = a.logsFound(), false
	}
	return r
}

func logsNamed(policy *decide.Policy, named []string) []decide.Log {
	var out []decide.Log
	for _, path := range named {
		// The first reading of a log takes its old files with it: auth.log* means each once.
		old := slices.ContainsFunc(named, func(log string) bool { return evidence.IsOldFile(path, log) })
		if !old {
			out = append(out, logOf(policy, path))
		}
	}
	return out
}

func (a *app) logsFound() []decide.Log {
	var out []decide.Log
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

// leaveOut tells whether a log that can't be read is left out, for nobody asked for it, and says so.
func (a *app) leaveOut(r logReading, l decide.Log, err error) bool {
	if err == nil || r.asked || l.Path != journal && !errors.As(err, new(*evidence.FormatError)) {
		return false
	}
	a.note("%s is left out: %s", l.Path, printable(err.Error()))
	return true
}

// logsMeant returns a policy's logs, those that are there in the place of each path for many. A file that has a [[log]] of its own, or
// is among the many of one before, is read as that only, by whatever name. What rotation leaves is read with its log, even where that
// isn't there just now. A path that means none stays, to be told like a log that isn't there.
func logsMeant(logs []decide.Log) []decide.Log {
	var taken []os.FileInfo
	for _, l := range logs {
		if info, err := os.Stat(l.Path); err == nil {
			taken = append(taken, info)
		}
	}
	var out []decide.Log
	for _, l := range logs {
		paths := filesOf(l)
		if len(paths) == 0 {
			out = append(out, l)
		}
		for _, path := range paths {
			info, err := os.Stat(path)
			if err == nil && slices.ContainsFunc(taken, func(t os.FileInfo) bool { return os.SameFile(t, info) }) {
				continue
			}
			if err == nil {
				taken = append(taken, info)
			}
			l.Path = path
			out = append(out, l)
		}
	}
	return out
}

// filesOf returns the files that a path for many means; nil if it is one for one, or means none.
func filesOf(l decide.Log) []string {
	if _, err := os.Lstat(l.Path); err == nil {
		return nil // a file may be named so
	}
	paths, err := filepath.Glob(l.Path)
	if err != nil {
		return nil // the policy was checked
	}
	return slices.DeleteFunc(paths, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && info.IsDir() || slices.ContainsFunc(evidence.LogsOf(path), l.Means)
	})
}

// logOf returns what the policy says of a log, by its own path or else as one of many.
func logOf(policy *decide.Policy, path string) decide.Log {
	for _, l := range policy.Log {
		if l.Path == path {
			return l
		}
	}
	for _, l := range policy.Log {
		if l.Means(path) {
			l.Path = path
			return l
		}
	}
	return decide.Log{Path: path}
}

// optionsOf says how a log is read, with progress where somebody looks.
func (a *app) optionsOf(r logReading, l decide.Log, line func(int64, evidence.Event)) (evidence.Options, error) {
	rules, err := web.New(r.policy.Web)
	if err != nil {
		return evidence.Options{}, usage("the policy's [[web]]: %v", err)
	}
	o := evidence.Options{Format: l.Format, At: r.at, Zone: time.Local, Web: rules.Knowing(a.ranges), Line: line, Elsewhere: elsewhere(r.logs, l.Path)}
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
