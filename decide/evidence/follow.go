package evidence

import (
	"context"
	"errors"
	"maps"
	"time"
)

// Follow reads what came to a log since a position, across its rotation: first the rest of the old file, found among those
// that lie beside the log under its name, then the ones between, then the new. From the zero Position it reads the old files
// too, oldest first, for the first night wants a history; a caller who names old files as well must leave them out, see
// IsOldFile. A pipe is read to its end, and has no position.
//
// What was read until an error is in the position and counts. An old file that is damaged doesn't keep the newer ones from
// being read; its error comes at the end. A *FormatError is about the log itself: then nothing of it is worth keeping.
func Follow(ctx context.Context, path string, from Position, o Options, t *Tally) (Position, Summary, error) {
	for try := 1; ; try++ {
		mine := NewTally(t.Reporter)
		at, sum, cut, err := follow(ctx, path, from, o, mine)
		if cut && try < mostTries && ctx.Err() == nil {
			continue
		}
		t.take(mine)
		return at, sum, err
	}
}

// mostTries bounds how often a log is read again that was emptied while it was read, and opened again that was rotated.
const mostTries = 20

// follow is Follow once. cut tells that the log was emptied meanwhile, so that what was read may be of two files.
func follow(ctx context.Context, path string, from Position, o Options, t *Tally) (at Position, sum Summary, cut bool, err error) {
	d := newDigest(path, o, t)
	files, names, lost, err := filesSince(path, from)
	defer closeAll(files)
	if err != nil {
		return from, d.sum, false, &DamageError{path, 0, cause(err).Error()}
	}
	d.sum.Lost = lost
	d.known = !from.isZero() // it was recognised when it was read first
	d.resume(from.State)
	at = from
	var damage error
	for i, f := range files {
		f.final = i+1 < len(files) && (i+2 < len(files) || files[i+1].size > 0) // the next one has lines, so this one gets none
		err := d.file(ctx, f)
		cut = f.wasCut() || cut
		// One that was empty may have been filled, copied away and filled again since: then there is another old file.
		cut = cut || f.live && f.size == 0 && f.pos.Offset > 0 && !maps.Equal(names, namesOf(path))
		if f.live && i > 0 && f.pos.Offset == 0 && err == nil {
			break // whoever writes may still be writing the file before
		}
		if err == nil || f.pos.Lines > 0 {
			at = f.pos
			at.Last = latest(from.Last, d.sum.Last)
		}
		if err != nil && (f.live || ctx.Err() != nil) {
			at, sum, err = d.stop(at, err)
			return at, sum, cut, err
		}
		if damage == nil {
			damage = err
		}
	}
	at, sum, err = d.stop(at, damage)
	return at, sum, cut, err
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

// filesSince opens the files that hold what came since a position, in their order, and tells whether some of it is nowhere.
// They are opened before anything is read, so that a rotation meanwhile doesn't change what they are; one that goes on while
// they are opened is waited for.
func filesSince(path string, from Position) (files []*file, names map[string]uint64, lost bool, err error) {
	for try := 1; ; try++ {
		names = namesOf(path)
		files, lost, err = filesNow(path, from)
		if try == mostTries || maps.Equal(names, namesOf(path)) {
			return files, names, lost, err
		}
		closeAll(files)
		time.Sleep(time.Duration(try) * time.Millisecond)
	}
}

// filesNow is filesSince where nothing is rotated meanwhile.
func filesNow(path string, from Position) ([]*file, bool, error) {
	live, err := open(path)
	if err != nil {
		return nil, false, err
	}
	live.live = true
	if live.begins(from) {
		live.pos.Offset, live.pos.Lines = from.Offset, from.Lines
		return []*file{live}, false, nil
	}
	if live.pos.isZero() {
		return []*file{live}, false, nil
	}
	old, err := oldFiles(path, live)
	if err != nil {
		return append(old, live), false, err
	}
	if from.isZero() {
		return append(old, live), false, nil
	}
	for _, same := range []func(*file) bool{
		func(f *file) bool { return f.isFile(from) && (from.Offset == 0 || f.begins(from)) },
		func(f *file) bool { return f.begins(from) },
	} {
		for i := len(old) - 1; i >= 0; i-- {
			if same(old[i]) {
				old[i].pos.Offset, old[i].pos.Lines = from.Offset, from.Lines
				closeAll(old[:i])
				return append(old[i:], live), false, nil
			}
		}
	}
	// The file that was read is gone, or had no line yet. Those that were written to since are new; beside one without a line no
	// older one was left, and so is one of the very same time, which file systems tell apart by milliseconds only.
	var since []*file
	for _, f := range old {
		if f.pos.Written.After(from.Written) || from.Offset == 0 && f.pos.Written.Equal(from.Written) {
			since = append(since, f)
		} else {
			closeAll([]*file{f})
		}
	}
	return append(since, live), from.Offset > 0, nil
}

// closeAll closes files that were only read, where nothing can be lost.
func closeAll(files []*file) {
	for _, f := range files {
		_ = f.Close()
	}
}
