package evidence

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// IsOldFile tells whether name is what rotation calls an old file of log: Follow reads it from the zero Position. Both are
// paths, of the same form.
func IsOldFile(name, log string) bool {
	_, _, ok := turnOf(filepath.Base(name), filepath.Base(log))
	return ok && filepath.Dir(name) == filepath.Dir(log)
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

// oldFile is an old file of a log and its place in their order.
type oldFile struct {
	*file
	turn  string
	dated bool
}

// oldFiles opens the old files of a log, oldest first. One that was taken away meanwhile, is empty, or is the log itself, which
// was just rotated, isn't among them.
func oldFiles(path string, live *file) ([]*file, error) {
	step()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var found []oldFile
	newest := map[bool]time.Time{}
	for _, e := range entries {
		turn, dated, ok := turnOf(e.Name(), filepath.Base(path))
		if !ok || !e.Type().IsRegular() {
			continue
		}
		f, err := open(filepath.Join(filepath.Dir(path), e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && (f.isFile(live.pos) || len(f.head) == 0) {
			closeAll([]*file{f})
			continue
		}
		if err != nil {
			f = &file{path: filepath.Join(filepath.Dir(path), e.Name()), broken: err}
			if info, err := e.Info(); err == nil {
				f.pos.Written = info.ModTime().UTC()
			}
		}
		found = append(found, oldFile{f, turn, dated})
		newest[dated] = latest(newest[dated], f.pos.Written)
	}
	found = withoutPackedTwins(found)
	// Numbers and dates together mean that the way of rotating was changed; the newest file tells to which.
	datesLast := newest[false].Before(newest[true])
	slices.SortFunc(found, func(a, b oldFile) int { return a.compare(b, datesLast) })
	out := make([]*file, len(found))
	for i, f := range found {
		out[i] = f.file
	}
	return out, nil
}

// namesOf returns the inodes of a log's old files by their names, as they are now.
func namesOf(path string) map[string]uint64 {
	step()
	out := map[string]uint64{}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return out // opening them tells why
	}
	for _, e := range entries {
		if _, _, ok := turnOf(e.Name(), filepath.Base(path)); !ok {
			continue
		}
		if info, err := e.Info(); err == nil {
			if s, ok := info.Sys().(*syscall.Stat_t); ok {
				out[e.Name()] = s.Ino
			}
		}
	}
	return out
}

// withoutCopies leaves out the copy that copytruncate is making, or has just made, of what a log that begins with head still has.
func withoutCopies(old []*file, head []byte) []*file {
	return slices.DeleteFunc(old, func(f *file) bool {
		isCopy := f.broken == nil && bytes.HasPrefix(head, f.head)
		if isCopy {
			closeAll([]*file{f})
		}
		return isCopy
	})
}

// withoutPackedTwins leaves out what gzip is still making of a file that is there too.
func withoutPackedTwins(found []oldFile) []oldFile {
	plain := map[string]bool{}
	for _, f := range found {
		plain[f.path] = true
	}
	return slices.DeleteFunc(found, func(f oldFile) bool {
		name, packed := strings.CutSuffix(f.path, ".gz")
		twin := packed && plain[name]
		if twin {
			closeAll([]*file{f.file})
		}
		return twin
	})
}

// compare orders old files by their names, the oldest first: files that were copied have lost their times.
func (a oldFile) compare(b oldFile, datesLast bool) int {
	switch {
	case a.dated != b.dated && a.dated == datesLast:
		return 1
	case a.dated != b.dated:
		return -1
	case a.dated:
		return strings.Compare(a.turn, b.turn)
	default:
		return cmp.Or(cmp.Compare(len(b.turn), len(a.turn)), strings.Compare(b.turn, a.turn))
	}
}
