package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"modernc.org/sqlite" // also registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Store is the file that keeps the history. What it has acknowledged survives a crash at any moment.
type Store struct {
	path string
	file string // path, or memory where a reader found none
	db   *sql.DB
	lock *os.File // held by a writer
}

// Options say what a store is opened for.
type Options struct {
	Write   bool   // one writer at a time
	Command string // the writer's name, for telling a second one
}

// A StoreError is what is wrong with a store as a whole, and what to do about it.
type StoreError struct {
	Path string
	Why  string
	Hint string
}

// Error implements error.
func (e *StoreError) Error() string { return fmt.Sprintf("store %q %s", e.Path, e.Why) }

// memory is the file name of a store that isn't there yet.
const memory = ":memory:"

// applicationID marks a SQLite file as a store of ours: "last" in ASCII.
const applicationID = 0x6c617374

// Open opens the store at path. A writer makes it where there is none, waits for nobody, and is told who else is writing.
// A reader of a store that isn't there sees an empty history. What is wrong with the file is a *StoreError.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s := &Store{path: path, file: path}
	if o.Write {
		if err := s.create(o.Command); err != nil {
			return nil, err
		}
	} else if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		s.file = memory
	}
	if err := s.connect(); err != nil {
		return nil, errors.Join(err, s.unlock())
	}
	err := s.prepare(ctx, o.Write || s.file == memory)
	if errors.Is(err, errUnborn) { // nothing was stored in it yet
		if err = s.db.Close(); err == nil {
			s.file = memory
			err = errors.Join(s.connect(), s.prepare(ctx, true))
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// errUnborn says that a store's first writer has made the file and no more, or was killed then.
var errUnborn = errors.New("the store is still empty")

// connect gives the store its database.
func (s *Store) connect() error {
	// FULL: with less an acknowledged commit may be gone after a power cut.
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "synchronous(FULL)"}, "_txlock": {"immediate"}}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: s.file}).EscapedPath(), RawQuery: pragmas.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return s.failed(err)
	}
	db.SetMaxOpenConns(1) // one connection: settings and transactions are its own, and so is an in-memory store
	s.db = db
	return nil
}

// create makes the folder and the file, for nobody else to read, and takes the lock of the one writer.
func (s *Store) create(command string) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return s.cannot("be made", err)
	}
	lock, err := os.OpenFile(s.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return s.cannot("be written", err)
	}
	if err := tryLock(lock); err != nil {
		who, _ := os.ReadFile(s.path + ".lock")
		if err := lock.Close(); err != nil {
			return s.cannot("be locked", err)
		}
		return &StoreError{s.path, "is being written by " + strings.TrimSpace(string(who)), "one command at a time writes; try again when that one is done"}
	}
	s.lock = lock
	if err := errors.Join(lock.Truncate(0), writeAt(lock, fmt.Sprintf("lastresort %s, process %d\n", command, os.Getpid()))); err != nil {
		return errors.Join(s.cannot("be locked", err), s.unlock())
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return errors.Join(s.cannot("be written", err), s.unlock())
	}
	return f.Close()
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func (s *Store) cannot(what string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return s.full()
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &StoreError{s.path, fmt.Sprintf("can't %s: %v", what, err), "run as root, or name a file of your own with --store"}
}

// steps bring a store's schema from each version to the next. A step that has landed is never changed.
var steps = []string{`
CREATE TABLE sequence (last INTEGER NOT NULL);
INSERT INTO sequence VALUES (0);
CREATE TABLE record (seq INTEGER PRIMARY KEY, known INTEGER NOT NULL, identity BLOB NOT NULL UNIQUE, text TEXT NOT NULL);
CREATE TABLE sighting (source BLOB NOT NULL, what TEXT NOT NULL, proof TEXT NOT NULL, reporter TEXT NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL, seq INTEGER NOT NULL, observed INTEGER NOT NULL, text TEXT,
  PRIMARY KEY (source, what, proof, reporter, first, last, count)) WITHOUT ROWID;
CREATE TABLE traffic (source BLOB NOT NULL, what TEXT NOT NULL, proof TEXT NOT NULL, reporter TEXT NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL, seq INTEGER NOT NULL, observed INTEGER NOT NULL, text TEXT,
  PRIMARY KEY (source, what, proof, reporter, first, last, count)) WITHOUT ROWID;
`, `
CREATE TABLE log (path TEXT PRIMARY KEY, position TEXT NOT NULL);
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
`}

// prepare checks whose file it is and, for a writer, brings its schema up to date.
func (s *Store) prepare(ctx context.Context, write bool) error {
	var id, version int
	if err := s.db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return s.failed(err)
	}
	if err := s.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return s.failed(err)
	}
	tables := 0
	if version == 0 { // a file of our own has none yet
		if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
			return s.failed(err)
		}
	}
	switch {
	case id != applicationID && (id != 0 || version != 0 || tables > 0):
		return &StoreError{s.path, "is a SQLite file of another program", "name the right file with --store"}
	case version > len(steps):
		return &StoreError{s.path, fmt.Sprintf("is of version %d; this program knows up to %d", version, len(steps)),
			"use the newer lastresort that wrote it; nothing was changed"}
	case !write && version == 0:
		return errUnborn
	case !write && version < len(steps):
		return &StoreError{s.path, fmt.Sprintf("is of version %d and is to become %d", version, len(steps)), "lastresort observe, or any other command that writes, brings it up to date"}
	case !write:
		return nil
	}
	if version == 0 {
		if _, err := s.db.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
			return s.failed(err)
		}
	}
	return s.migrate(ctx, version, len(steps))
}

func (s *Store) migrate(ctx context.Context, from, to int) error {
	if from == to {
		return nil
	}
	// In one transaction: ended in between, a store would be of a version that no program ever wrote.
	text := "BEGIN IMMEDIATE;" + strings.Join(steps[from:to], "") + fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;", applicationID, to)
	if _, err := s.db.ExecContext(ctx, text); err != nil {
		return s.failed(err)
	}
	return nil
}

// Path returns where the store is.
func (s *Store) Path() string { return s.path }

// Close closes the store and lets the next writer in.
func (s *Store) Close() error {
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	return errors.Join(err, s.unlock())
}

func (s *Store) unlock() error {
	if s.lock == nil {
		return nil
	}
	// The name inside is of no use to anybody once the lock is gone.
	err := errors.Join(s.lock.Truncate(0), s.lock.Close())
	s.lock = nil
	return err
}

// Check reads the whole file and returns a *StoreError where it is damaged.
func (s *Store) Check(ctx context.Context) error {
	var said string
	if err := s.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return s.failed(err)
	}
	if said != "ok" {
		return s.damaged()
	}
	return nil
}

func (s *Store) full() error {
	return &StoreError{s.path, "can't grow: the disk is full; what was stored before is still there", "make room and run the command again"}
}

func (s *Store) damaged() error {
	return &StoreError{s.path, "is damaged", "keep the file, import the last export into a new store, and observe the logs again"}
}

// failed turns an error of the database into one that an operator understands.
func (s *Store) failed(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		code := e.Code() & 0xff
		if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // the log's index couldn't grow
			code = sqlite3.SQLITE_FULL
		}
		switch code {
		case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
			err = s.damaged()
		case sqlite3.SQLITE_FULL:
			err = s.full()
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			err = &StoreError{s.path, "is busy", "another command is using it; try again"}
		case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY:
			err = &StoreError{s.path, "can't be opened: " + e.Error(), "run as root, or name a file of your own with --store"}
		default:
			err = &StoreError{s.path, "can't be used: " + e.Error(), "the disk may be failing; what was stored before is still there"}
		}
	}
	return err
}

// inTx runs do in one transaction: all of it stands, or nothing.
func (s *Store) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.failed(err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // where that fails the database has done it: on a full disk, or as the context ended
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.failed(err)
	}
	if err := tx.Commit(); err != nil {
		return s.failed(err)
	}
	return nil
}
