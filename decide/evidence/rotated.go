package evidence

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"
)

// oldFile is an old file of a log and its place in their order.
type oldFile struct {
	*file
	turn  string
	dated bool
}

// oldFiles opens the old files of a log, oldest first. One that was taken away meanwhile, is empty, or is the log itself, which
// was just rotated, isn't among them. It is an error where the machine, and not the file, is why one can't be read.
func oldFiles(names []oldName, live *file) ([]*file, error) {
	var found []oldFile
	newest := map[bool]time.Time{}
	for _, n := range names {
		if !n.entry.Type().IsRegular() {
			continue
		}
		f, err := open(n.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case slices.ContainsFunc(machine, func(why error) bool { return errors.Is(err, why) }):
			for _, f := range found {
				closeAll([]*file{f.file})
			}
			return nil, err
		}
		if err == nil && (live != nil && f.isFile(live.pos) || len(f.head) == 0) {
			closeAll([]*file{f})
			continue
		}
		if err != nil {
			f = &file{path: n.path, broken: err}
			if info, err := n.entry.Info(); err == nil {
				f.pos.Written = info.ModTime().UTC()
			}
		}
		found = append(found, oldFile{f, n.turn, n.dated})
		newest[n.dated] = latest(newest[n.dated], f.pos.Written)
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

// machine are the errors of a machine that has too much to do.
var machine = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EIO}

// inodesOf returns the inodes of old files by their names, as they are now.
func inodesOf(names []oldName) map[string]uint64 {
	out := map[string]uint64{}
	for _, n := range names {
		if info, err := n.entry.Info(); err == nil {
			if s, ok := info.Sys().(*syscall.Stat_t); ok {
				out[n.path] = s.Ino
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
