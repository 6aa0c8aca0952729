package evidence

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// IsOldFile tells whether name is what rotation calls an old file of log: Follow reads it from the zero Position. Both are
// paths, of the same form.
func IsOldFile(name, log string) bool { return slices.Contains(LogsOf(name), filepath.Clean(log)) }

// LogsOf returns the logs of which a name may be what rotation calls an old file.
func LogsOf(name string) []string {
	dir, base := filepath.Split(name)
	var out []string
	for i := 1; i < len(base); i++ {
		if _, _, ok := turnOf(base, base[:i]); ok {
			out = append(out, filepath.Join(dir, base[:i]))
		}
	}
	if log, _, ok := archived(name); ok {
		out = append(out, log)
	}
	if log, _, ok := movedAway(name); ok {
		out = append(out, log)
	}
	return out
}

// turnOf reads what rotation put behind a log's name: .1 to .9999, the older the higher, or a date such as -20261101 or
// .2026-11-01; and .gz behind that.
func turnOf(name, log string) (turn string, dated, ok bool) {
	end, ok := strings.CutPrefix(name, log)
	end = strings.TrimSuffix(end, ".gz")
	if !ok || len(end) < 2 || end[0] != '.' && end[0] != '-' || end[1] == '-' || strings.Trim(end[1:], "0123456789-") != "" {
		return "", false, false
	}
	turn = end[1:]
	return turn, len(turn) > 4, true
}

// zeekCurrent is the folder in which Zeek writes. Beside it are those of the days, into which the logs go every hour:
// 2026-11-01/ssh.10:00:00-11:00:00.log.gz.
const zeekCurrent = "current"

// archived reads the name of a log in Zeek's archive: of which log it is, and when.
func archived(name string) (log, turn string, ok bool) {
	dir, base := filepath.Split(name)
	day := filepath.Base(dir)
	base = strings.TrimSuffix(base, ".gz")
	base, isLog := strings.CutSuffix(base, ".log")
	const hours = len("10:00:00-11:00:00")
	at := len(base) - hours - 1
	if _, err := time.Parse(time.DateOnly, day); err != nil || !isLog || at < 1 || base[at] != '.' {
		return "", "", false
	}
	from, to, _ := strings.Cut(base[at+1:], "-")
	for _, text := range []string{from, to} {
		if _, err := time.Parse(time.TimeOnly, text); err != nil {
			return "", "", false
		}
	}
	return filepath.Join(filepath.Dir(filepath.Dir(dir)), zeekCurrent, base[:at]+".log"), day + "." + base[at+1:], true
}

// movedAway reads what Zeek calls a log in its own folder until it is in the archive, of which log it is, and since when:
// ssh.2026-11-01-10-00-00.log, or ssh-26-11-01_10.00.00.log.
func movedAway(name string) (log, turn string, ok bool) {
	dir, base := filepath.Split(name)
	base, isLog := strings.CutSuffix(base, ".log")
	if filepath.Base(dir) != zeekCurrent || !isLog {
		return "", "", false
	}
	for _, form := range []string{"2006-01-02-15-04-05", "06-01-02_15.04.05"} {
		n := len(base) - len(form)
		if n < 2 || base[n-1] != '.' && base[n-1] != '-' {
			continue
		}
		if at, err := time.Parse(form, base[n:]); err == nil {
			return filepath.Join(dir, base[:n-1]+".log"), at.Format(time.DateOnly + "." + time.TimeOnly), true
		}
	}
	return "", "", false
}

// ArchiveOf returns the pattern, as path.Match reads it, of the names under which Zeek may archive a log; it is empty for a log that is none
// of Zeek's.
func ArchiveOf(log string) string {
	dir, name := filepath.Split(log)
	if dir = filepath.Clean(dir); filepath.Base(dir) != zeekCurrent {
		return ""
	}
	return filepath.Join(filepath.Dir(dir), "*", strings.TrimSuffix(name, ".log")+".*")
}

// oldName is the name of an old file of a log, and what it says of its place in their order.
type oldName struct {
	path  string
	entry fs.DirEntry
	turn  string
	dated bool
}

// oldNames lists the names of a log's old files: of those beside it and, where it is a link, beside what it leads to; and of those
// in Zeek's archive from a day on. What is still on its way there is meant by the name that it has until then.
func oldNames(path, day string) ([]oldName, error) {
	step()
	out, err := besideOf(path)
	if err != nil {
		return out, err
	}
	var moved []string
	for _, n := range out {
		if _, turn, ok := movedAway(n.path); ok {
			moved = append(moved, turn)
		}
	}
	for _, folder := range archiveDays(path) {
		if filepath.Base(folder) < day {
			continue
		}
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it may have been too old to keep
			return out, err
		}
		for _, e := range entries {
			name := filepath.Join(folder, e.Name())
			log, turn, ok := archived(name)
			if !ok || log != filepath.Clean(path) || slices.ContainsFunc(moved, func(since string) bool { return strings.HasPrefix(turn, since) }) {
				continue
			}
			out = append(out, oldName{name, e, turn, true})
		}
	}
	return out, nil
}

// besideOf lists the names of the old files beside a log, and beside what it leads to. A link leads to the newest of dated files, or
// will soon: what comes behind that isn't old yet.
func besideOf(path string) ([]oldName, error) {
	var out []oldName
	seen := map[string]bool{}
	links := linked(path)
	for i, log := range links {
		entries, err := os.ReadDir(filepath.Dir(log))
		if i > 0 && errors.Is(err, fs.ErrPermission) {
			continue // the log may be read all the same
		}
		if err != nil {
			return out, err
		}
		for _, e := range entries {
			name := filepath.Join(filepath.Dir(log), e.Name())
			turn, dated, ok := turnOf(e.Name(), filepath.Base(log))
			if of, since, moved := movedAway(name); moved && of == filepath.Clean(log) {
				turn, dated, ok = since, true, true
			}
			if !ok || seen[name] {
				continue
			}
			if last, days, is := turnOf(filepath.Base(links[len(links)-1]), filepath.Base(log)); is && days && dated && turn > last {
				continue
			}
			seen[name] = true
			out = append(out, oldName{name, e, turn, dated})
		}
	}
	return out, nil
}

// archiveDays returns the folders of the days of Zeek's archive, if a log is one that goes there.
func archiveDays(path string) []string {
	dir := filepath.Dir(path)
	if filepath.Base(dir) != zeekCurrent {
		return nil
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		return nil // there may be a log all the same
	}
	var out []string
	for _, e := range entries {
		if _, err := time.Parse(time.DateOnly, e.Name()); err == nil && e.IsDir() {
			out = append(out, filepath.Join(filepath.Dir(dir), e.Name()))
		}
	}
	return out
}

// isArchived tells whether a log is one that goes into Zeek's archive, so that it isn't there at times.
func isArchived(path string) bool { return len(archiveDays(path)) > 0 }

// mostLinks bounds how many links lead to a log.
const mostLinks = 8

// linked returns a log's path and, where that is a link, those that it leads to, the last of which may be away just now.
func linked(path string) []string {
	out := []string{path}
	for range mostLinks {
		to, err := os.Readlink(path)
		if err != nil || strings.HasPrefix(path, "/proc/") { // it is no link, or what a process has open, as /dev/stdin is
			break
		}
		if !filepath.IsAbs(to) {
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				break // opening the log tells why
			}
			to = filepath.Join(dir, to)
		}
		path = to
		out = append(out, path)
	}
	return out
}
