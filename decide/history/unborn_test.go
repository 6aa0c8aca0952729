package history

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestUnbornStore is what a first writer leaves that was killed as it made the store: a reader sees an empty history.
func TestUnbornStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA journal_mode = WAL"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Fatal(info, err)
	}
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.LoadRecords(t.Context(), time.Time{})
	if err != nil || len(h.Blocks) != 0 {
		t.Error(h, err)
	}
	if _, ok, err := s.Proposal(t.Context()); ok || err != nil {
		t.Error(ok, err)
	}
	if open, err := s.Waiting(t.Context(), nil); len(open) != 0 || err != nil {
		t.Error(open, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestStoreOfAnother is a database without marks, as most programs' are: nothing is read from it, and nothing written.
func TestStoreOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE bans(ip TEXT)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {Write: true, Command: "test"}} {
		s, err := Open(t.Context(), path, o)
		var wrong *StoreError
		if !errors.As(err, &wrong) || wrong.Why != "is a SQLite file of another program" {
			t.Errorf("%+v: %v", o, err)
		}
		if err == nil {
			t.Error(s.Close())
		}
	}
}
