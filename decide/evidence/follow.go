package evidence

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// Follow reads what came to a log since a position, across its rotation: first the rest of the old file, found among those
// that lie beside the log under its name, then the ones between, then the new. From the zero Position it reads the old files
// too, oldest first, for the first night wants a history; a caller who names old files as well must leave them out, see
// IsOldFile. A pipe is read to its end, and has no position.
//
// Zeek's logs are away at times, and come into its archive every hour, by another name until they are there.
//
// A log that is rotated in a way that leaves open what was read is read again, and o told of its lines again.
//
// What was read until an error is in the position and counts. An old file that is damaged doesn't keep the newer ones from
// being read; its error comes at the end. A *FormatError is about the log itself: then nothing of it is worth keeping.
func Follow(ctx context.Context, path string, from Position, o Options, t *Tally) (Position, Summary, error) {
	for try := 1; ; try++ {
		mine := NewTally(t.Reporter)
		at, sum, turned, err := follow(ctx, path, from, o, mine)
		if !turned {
			t.take(mine)
			return at, sum, err
		}
		if try == mostTries {
			return from, Summary{}, err
		}
		select {
		case <-ctx.Done():
			return from, Summary{}, ctx.Err()
		case <-time.After(time.Duration(try) * time.Millisecond):
		}
	}
}

// mostTries bounds how often a log is read again that was rotated while it was read.
const mostTries = 10

var errTurned = errors.New("it is rotated again and again, quicker than it can be read")

// follow is Follow once. turned tells that the log was rotated meanwhile in a way that leaves open what was read: nothing of
// that counts.
func follow(ctx context.Context, path string, from Position, o Options, t *Tally) (at Position, sum Summary, turned bool, err error) {
	d := newDigest(path, o, t)
	files, lost, err := filesSince(path, from, archiveDay(from, o.At))
	defer closeAll(files)
	if err != nil {
		place := path
		if p := new(fs.PathError); errors.As(err, &p) && !errors.Is(err, errTurned) {
			place = p.Path // or a folder of its old files
		}
		return from, d.sum, errors.Is(err, errTurned), &DamageError{place, 0, cause(err).Error()}
	}
	d.sum.Lost = lost
	d.known = !from.isZero() // it was recognised when it was read first
	d.resume(from.State)
	at = from
	var damage error
	for i, f := range files {
		if f.isUnborn() {
			break
		}
		f.final = i+1 < len(files) && !files[i+1].isUnborn() // who writes has gone on to the next one
		err := d.file(ctx, f)
		if !f.stands() {
			return from, Summary{}, true, &DamageError{path, 0, errTurned.Error()}
		}
		if f.pos.Offset > 0 && (err == nil || f.pos.Lines > 0) {
			at = f.pos
			at.Last = latest(from.Last, d.sum.Last)
		}
		if err != nil && (f.live || ctx.Err() != nil) {
			at, sum, err = d.stop(at, err)
			return at, sum, false, err
		}
		if damage == nil {
			damage = err
		}
	}
	if n := len(files); n > 0 && files[n-1].live && lost && d.sum.Lines == 0 { // that is told once; what is written from now on is new
		at = files[n-1].pos
		at.Offset, at.Lines, at.Last = 0, 0, from.Last
	}
	at, sum, err = d.stop(at, damage)
	return at, sum, false, err
}

// stop adds to a position what the readers know.
func (d *digest) stop(at Position, err error) (Position, Summary, error) {
	if !at.isZero() {
		at.State = d.save()
	}
	return at, d.sum, err
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b.UTC()
	}
	return a
}

// file reads one file of a log from its position on, and moves that behind what was read.
func (d *digest) file(ctx context.Context, f *file) error {
	d.name, d.number, d.trial = f.path, f.pos.Lines, 0
	if f.broken != nil {
		return &DamageError{f.path, 0, cause(f.broken).Error()}
	}
	in, at, err := f.text()
	if err != nil {
		return &DamageError{f.path, 0, cause(err).Error()}
	}
	d.sum.Lost = d.sum.Lost || at < f.pos.Offset
	taken, err := d.all(ctx, in, f.settled())
	f.pos.Offset, f.pos.Lines = at+taken, d.number
	var unknown *FormatError
	if !f.live && errors.As(err, &unknown) {
		return &DamageError{f.path, 0, "it is no log that is known here, although it has the name of an old one"}
	}
	return err
}

// filesSince opens the files that hold what came since a position, in their order and the log last, and tells whether some of
// it is nowhere. All are opened before any is read, the log before the old ones: where it has begun anew, what it had before is
// among these, whole. It is errTurned where one of them was renamed meanwhile. An archive is looked through from a day on.
func filesSince(path string, from Position, day string) ([]*file, bool, error) {
	live, err := open(path)
	away := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !away:
		return nil, false, err
	case away:
		live = nil
	case live.begins(from):
		live.live = true
		live.pos.Offset, live.pos.Lines = from.Offset, from.Lines
		return []*file{live}, false, nil
	default:
		if live.live = true; live.pos.isZero() {
			return []*file{live}, false, nil
		}
	}
	files, turned := oldFilesOf(path, day, live)
	gone := len(files) == 0
	if live != nil {
		files = append(files, live)
	}
	switch {
	case turned != nil:
		return files, false, turned
	case away && gone:
		return nil, false, err
	case away && !isArchived(path):
		return files, false, errors.Join(errTurned, err) // between its renaming and the new one
	}
	if from.isZero() {
		return files, false, nil
	}
	for _, same := range []func(*file) bool{
		func(f *file) bool { return f.isFile(from) && f.begins(from) },
		func(f *file) bool { return f.begins(from) },
	} {
		for i := len(files) - 1; i >= 0; i-- {
			if same(files[i]) {
				files[i].pos.Offset, files[i].pos.Lines = from.Offset, from.Lines
				closeAll(files[:i])
				return files[i:], false, nil
			}
		}
	}
	// The file that was read is gone. Those that were written to since are new; one of the very same time, which file systems tell
	// apart by milliseconds only, may be older, and is left out.
	since := slices.DeleteFunc(files, func(f *file) bool {
		older := !f.live && !f.pos.Written.After(from.Written)
		if older {
			closeAll([]*file{f})
		}
		return older
	})
	return since, from.Offset > 0 && len(since) > 0, nil // once it is told, it is known from where on to read
}

// oldFilesOf opens a log's old files. It is errTurned where one of them, or the log, was renamed meanwhile.
func oldFilesOf(path, day string, live *file) ([]*file, error) {
	names, err := oldNames(path, day)
	if live == nil && errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nor is the log's folder there
	}
	if err != nil {
		return nil, err
	}
	before := inodesOf(names)
	old, err := oldFiles(names, live)
	if err != nil {
		return old, err
	}
	names, err = oldNames(path, day)
	switch {
	case err != nil:
		return old, err
	case !maps.Equal(before, inodesOf(names)), live != nil && !live.isAt(path):
		return old, errTurned
	}
	if live != nil && !live.packed {
		// The copy that is being made may have lines that the log got after it was opened.
		old = withoutCopies(old, live.headNow())
	}
	return old, nil
}

// FirstArchive is how much of an archive Follow reads the first time.
const FirstArchive = 30 * 24 * time.Hour

// lateArchive is how long after it was written to a log may come there: it lies in the folder of the day on which it began.
const lateArchive = 2 * 24 * time.Hour

// archiveDay returns the day from which on an archive holds what came since a position, for a log that is read at a moment.
func archiveDay(from Position, at time.Time) string {
	if from.isZero() {
		return at.Add(-FirstArchive).Local().Format(time.DateOnly)
	}
	return from.Written.Add(-lateArchive).Local().Format(time.DateOnly)
}

// closeAll closes files that were only read, where nothing can be lost.
func closeAll(files []*file) {
	for _, f := range files {
		_ = f.Close()
	}
}
