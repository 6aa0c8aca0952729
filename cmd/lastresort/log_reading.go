package main

import (
	"errors"
	"io/fs"
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

// logReading returns the reading of the logs that are named, else of the policy's, else of the usual ones that are there. The files that
// rotation left of one are read with it where logs are followed; else each that is named is one for itself.
func (a *app) logReading(policy *decide.Policy, named []string, at time.Time, follow bool) logReading {
	r := logReading{policy: policy, asked: true, at: at}
	switch {
	case len(named) > 0:
		r.logs = logsNamed(policy, named, follow)
	case len(policy.Log) > 0:
		r.logs = logsMeant(policy.Log)
	default:
		r.logs, r.asked = a.logsFound(at), false
	}
	return r
}

func logsNamed(policy *decide.Policy, named []string, follow bool) []decide.Log {
	var out []decide.Log
	for _, path := range named {
		// The first reading of a log takes its old files with it: auth.log* means each once.
		old := slices.ContainsFunc(named, func(log string) bool { return evidence.IsOldFile(path, log) })
		if !old || !follow {
			out = append(out, logOf(policy, path))
		}
	}
	return out
}

func (a *app) logsFound(at time.Time) []decide.Log {
	var out []decide.Log
	found, skipped := usualLogs(a.env.root, at)
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
	if err == nil || r.asked {
		return false
	}
	_, there := os.Stat(l.Path)
	if l.Path != journal && !errors.As(err, new(*evidence.FormatError)) && !errors.Is(there, fs.ErrNotExist) {
		return false
	}
	a.note("%s is left out: %s", l.Path, printable(err.Error()))
	return true
}

// logsMeant returns a policy's logs, those that are there in the place of each path for many. A file that has a [[log]] of its own, or
// is among the many of one before, is read as that only, by whatever name. What rotation leaves of one is read with it, not by itself. A
// path that means none stays, to be told like a log that isn't there.
func logsMeant(logs []decide.Log) []decide.Log {
	var taken []os.FileInfo
	isNew := func(path string) bool {
		info, err := os.Stat(path)
		if err == nil && slices.ContainsFunc(taken, func(t os.FileInfo) bool { return os.SameFile(t, info) }) {
			return false
		}
		if err == nil {
			taken = append(taken, info)
		}
		return true
	}
	meant := make([][]string, len(logs))
	for i, l := range logs {
		if meant[i] = filesOf(l, logs); len(meant[i]) == 0 && isNew(l.Path) {
			meant[i] = []string{l.Path}
		}
	}
	var out []decide.Log
	for i, l := range logs {
		for _, path := range meant[i] {
			if own := path == l.Path; own || isNew(path) {
				l.Path = path
				out = append(out, l)
			}
		}
	}
	return out
}

// filesOf returns the files that a path for many means; none if it is one for one, or means none. Only files are logs: nobody may write
// to a pipe.
func filesOf(l decide.Log, logs []decide.Log) []string {
	if _, err := os.Lstat(l.Path); err == nil {
		return nil // a file may be named so
	}
	paths, err := filepath.Glob(l.Path)
	if err != nil {
		return nil // the policy was checked
	}
	return append(slices.DeleteFunc(paths, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && !info.Mode().IsRegular() || slices.ContainsFunc(evidence.LogsOf(path), func(log string) bool {
			return slices.ContainsFunc(logs, func(l decide.Log) bool { return l.Means(log) })
		})
	}), unreadable(l.Path)...)
}

// unreadable returns the folders that a pattern looks into and that can't be read, whose logs it would pass over in silence: each stays,
// to be told like a log that can't be read.
func unreadable(pattern string) []string {
	parent := filepath.Dir(pattern)
	if !strings.ContainsAny(pattern, `*?[\`) || parent == pattern {
		return nil
	}
	out := unreadable(parent)
	folders, err := filepath.Glob(parent)
	if err != nil {
		return out // the policy was checked
	}
	for _, folder := range folders {
		info, err := os.Stat(folder)
		if err == nil && info.IsDir() {
			_, err = os.ReadDir(folder)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			out = append(out, folder)
		}
	}
	return out
}

// logOf returns what the policy says of a log, by its own path, of the one that it is an old file of, or as one of many.
func logOf(policy *decide.Policy, path string) decide.Log {
	for _, means := range []func(decide.Log) bool{
		func(l decide.Log) bool { return l.Path == path },
		func(l decide.Log) bool { return slices.ContainsFunc(evidence.LogsOf(path), l.Means) },
		func(l decide.Log) bool { return l.Means(path) },
	} {
		if i := slices.IndexFunc(policy.Log, means); i >= 0 {
			l := policy.Log[i]
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
