package evidence

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Position is how far a log that is being written was read. It is remembered as JSON.
type Position struct {
	Device uint64    `json:"device"`
	Inode  uint64    `json:"inode"`
	Offset int64     `json:"offset"` // bytes, of the unpacked text
	Head   int64     `json:"head"`   // how many of the first bytes Hash is of
	Hash   string    `json:"hash"`
	Last   time.Time `json:"last,omitzero"` // of the newest line that counted
}

// headSize is how many of a log's first bytes tell it from others: two rotations never begin with the same lines.
const headSize = 1024

// Follow reads what came to a log since a position, across its rotation: first the rest of the old file, found among those
// that lie beside the log under its name, then the ones between, then the new. From the zero Position it reads the old files
// too, oldest first. What was read until an error is in the position and counts.
func Follow(ctx context.Context, path string, from Position, o Options, t *Tally) (Position, Summary, error) {
	var sum Summary
	at := from
	parts, lost, err := partsOf(path, from)
	sum.Lost = lost
	if err != nil {
		return at, sum, &DamageError{path, 0, cause(err).Error()}
	}
	for _, part := range parts {
		d := newDigest(part.path, o, t)
		pos, err := d.part(ctx, part)
		sum.add(d.sum)
		if pos != (Position{}) {
			pos.Last = latest(at.Last, sum.Last)
			at = pos
		}
		if err != nil {
			return at, sum, err
		}
	}
	return at, sum, nil
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// part is one file of a log, and from where on it is to be read.
type part struct {
	path   string
	offset int64
	live   bool // it is still being written
}

// partsOf finds the files that hold what came since a position, in their order, and tells whether some of it is nowhere.
func partsOf(path string, from Position) ([]part, bool, error) {
	now, err := positionOf(path, from.Head)
	if err != nil {
		return nil, false, err
	}
	live := part{path: path, live: true}
	if from != (Position{}) && from.begins(now) && now.Offset >= from.Offset {
		live.offset = from.Offset
		return []part{live}, false, nil
	}
	old, err := siblings(path)
	if err != nil {
		return nil, false, err
	}
	if from == (Position{}) {
		return append(old, live), false, nil
	}
	for _, same := range []func(Position) bool{from.isFile, from.begins} {
		for i := len(old) - 1; i >= 0; i-- {
			was, err := positionOf(old[i].path, from.Head)
			// One that was taken away meanwhile, or can't be read, isn't the one.
			if err == nil && same(was) {
				old[i].offset = from.Offset
				return append(old[i:], live), false, nil
			}
		}
	}
	return []part{live}, true, nil
}

// begins tells whether a file begins with what was read.
func (p Position) begins(q Position) bool {
	if p.Head == 0 {
		return p.isFile(q)
	}
	return p.Hash == q.Hash
}

// isFile tells whether a file is the one that was read.
func (p Position) isFile(q Position) bool {
	return p.Device == q.Device && p.Inode == q.Inode && (p.Head == 0 || p.Hash == q.Hash)
}

// siblings returns the old files of a log, PATH.1, PATH-20261101, gzipped or not, oldest first.
func siblings(path string) ([]part, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	type aged struct {
		part
		written time.Time
	}
	var found []aged
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), filepath.Base(path))
		if !ok || !rotated(rest) || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, aged{part{path: filepath.Join(filepath.Dir(path), e.Name())}, info.ModTime()})
	}
	slices.SortFunc(found, func(a, b aged) int { return cmp.Or(a.written.Compare(b.written), strings.Compare(b.path, a.path)) })
	var out []part
	for _, f := range found {
		out = append(out, f.part)
	}
	return out, nil
}

// rotated tells whether a name ends as logrotate ends it.
func rotated(end string) bool {
	end = strings.TrimSuffix(end, ".gz")
	if len(end) < 2 || end[0] != '.' && end[0] != '-' {
		return false
	}
	return strings.Trim(end[1:], "0123456789-") == ""
}

// positionOf returns where the end of a file is and what it begins with. A gzipped one's end isn't known without reading it
// all, and none is needed.
func positionOf(path string, head int64) (pos Position, err error) {
	f, err := os.Open(path)
	if err != nil {
		return pos, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if pos, err = identify(f); err != nil {
		return pos, err
	}
	in, err := unpack(f)
	if err != nil {
		return pos, err
	}
	pos.Head, pos.Hash, err = hashHead(in, head)
	return pos, err
}

// identify returns a file's identity and size.
func identify(f *os.File) (Position, error) {
	info, err := f.Stat()
	if err != nil {
		return Position{}, err
	}
	pos := Position{Offset: info.Size()}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		pos.Device, pos.Inode = uint64(s.Dev), s.Ino
	}
	return pos, nil
}

func hashHead(in *bufio.Reader, head int64) (int64, string, error) {
	if head <= 0 || head > headSize {
		head = headSize
	}
	text, err := in.Peek(int(head))
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, "", err
	}
	sum := sha256.Sum256(text)
	return int64(len(text)), hex.EncodeToString(sum[:]), nil
}

// settled tells whether nobody is writing to a log any more: a last line without an end won't get one.
func settled(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && time.Since(info.ModTime()) > time.Minute
}

// part reads one file of a log and returns the position behind what was read of it.
func (d *digest) part(ctx context.Context, p part) (pos Position, err error) {
	f, err := os.Open(p.path)
	if err != nil {
		return pos, &DamageError{p.path, 0, cause(err).Error()}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info, statErr := f.Stat(); statErr == nil && info.IsDir() {
		return pos, &DamageError{p.path, 0, "it is a folder; expected a log"}
	}
	if pos, err = identify(f); err != nil {
		return Position{}, &DamageError{p.path, 0, cause(err).Error()}
	}
	in, err := unpack(f)
	if err != nil {
		return Position{}, &DamageError{p.path, 0, err.Error()}
	}
	if pos.Head, pos.Hash, err = hashHead(in, headSize); err != nil {
		return Position{}, &DamageError{p.path, 0, cause(err).Error()}
	}
	if _, err := io.CopyN(io.Discard, in, p.offset); err != nil && !errors.Is(err, io.EOF) {
		return Position{}, &DamageError{p.path, 0, cause(err).Error()}
	}
	d.known = p.offset > 0 // it was recognised when it was read first
	taken, err := d.all(ctx, in, !p.live || settled(f))
	pos.Offset = p.offset + taken
	return pos, err
}
