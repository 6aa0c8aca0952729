package fail2ban_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lastresort/decide/fail2ban"
)

// tables are those of fail2ban's database in which bans stand.
const tables = `CREATE TABLE fail2banDb(version INTEGER); INSERT INTO fail2banDb VALUES (4);
CREATE TABLE jails(name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1);
CREATE TABLE bans(jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL, bancount INTEGER NOT NULL default 1, data JSON);
`

func database(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fail2ban.sqlite3")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) (bans, skipped []string, err error) {
	t.Helper()
	err = fail2ban.Read(context.Background(), path, func(b fail2ban.Ban) {
		bans = append(bans, fmt.Sprintf("%s %s %d %s", b.Jail, b.Source, b.Failures, b.At.Format("01-02 15:04")))
	}, func(why string) { skipped = append(skipped, why) })
	return bans, skipped, err
}

const someBans = `INSERT INTO bans VALUES
('sshd', '192.0.2.66', 1793523600, 600, 1, '{"matches": ["x from 203.0.113.99", ["", "2026-11-01", "from 203.0.113.99"]], "failures": 7, "mlfid": "x", "user": "203.0.113.99"}'),
('sshd', '2001:db8::66', 1793523000, 600, 1, '{"failures": 5}'),
('sshd', '192.0.2.66', 1793523700, 600, 2, NULL),
('x', 'no address', 1793523601, 600, 1, ''), ('sshd', '192.0.2.0/24', 1793523602, 600, 1, ''), ('', '192.0.2.67', 1793523603, 600, 1, ''),
('sshd', '192.0.2.68', 'soon', 600, 1, '{}'), ('sshd', x'ff00', 1793523604, 600, 1, '{}'), ('sshd', '192.0.2.69', 1793523605, 600, 1, '{"failures": -1}'),
('sshd', '192.0.2.69', 1793523606, 600, 1, '{"failures": 1e9}'), ('sshd', '192.0.2.70', 1793523607, 600, 1, '{"failures": 999999999999}');`

func TestRead(t *testing.T) {
	for _, mode := range []string{"DELETE", "WAL"} {
		path := database(t, "PRAGMA journal_mode = "+mode+";"+tables+someBans)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bans, skipped, err := read(t, path)
		if err != nil {
			t.Fatal(mode, err)
		}
		want := []string{"sshd 2001:db8::66 5 11-01 08:50", "sshd 192.0.2.66 7 11-01 09:00", "sshd 192.0.2.69 1 11-01 09:00", "sshd 192.0.2.69 1 11-01 09:00",
			"sshd 192.0.2.70 1000000 11-01 09:00", "sshd 192.0.2.66 1 11-01 09:01"}
		if strings.Join(bans, "\n") != strings.Join(want, "\n") || len(skipped) != 5 {
			t.Errorf("%s: %q, %q; expected %q", mode, bans, skipped, want)
		}
		after, err := os.ReadFile(path)
		if err != nil || string(before) != string(after) {
			t.Errorf("%s: the database was changed, %v", mode, err)
		}
		if list, err := os.ReadDir(filepath.Dir(path)); err != nil || len(list) != 1 {
			t.Errorf("%s: files were left beside it: %v, %v", mode, list, err)
		}
	}
}

// TestWhileItIsWritten reads what was committed, and what fail2ban writes goes on.
func TestWhileItIsWritten(t *testing.T) {
	path := database(t, tables+someBans)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(`DELETE FROM bans`); err != nil {
		t.Fatal(err)
	}
	if bans, _, err := read(t, path); err != nil || len(bans) != 6 {
		t.Errorf("%d bans, %v; expected those that were committed", len(bans), err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if bans, _, err := read(t, path); err != nil || len(bans) != 0 {
		t.Errorf("%d bans, %v; expected none", len(bans), err)
	}
}

func TestOtherFiles(t *testing.T) {
	other := database(t, "CREATE TABLE bans(x);")
	if _, _, err := read(t, other); !errors.Is(err, fail2ban.ErrOther) {
		t.Error(err)
	}
	// A view that would never end is no table.
	view := database(t, "CREATE TABLE fail2banDb(version); CREATE VIEW bans AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT n jail, n ip, n timeofban, n data FROM r;")
	if _, _, err := read(t, view); !errors.Is(err, fail2ban.ErrOther) {
		t.Error(err)
	}
	columns := database(t, "CREATE TABLE fail2banDb(version); CREATE TABLE bans(ip TEXT);")
	if _, _, err := read(t, columns); err == nil || !strings.Contains(err.Error(), "can't be read") {
		t.Error(err)
	}
	if _, _, err := read(t, t.TempDir()); err == nil {
		t.Error("a directory was read")
	}
	if _, _, err := read(t, filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := fail2ban.Read(ctx, other, nil, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// FuzzRead holds that a damaged database ends in an error or in what it still says, and that only addresses in its column are banned.
func FuzzRead(f *testing.F) {
	good, err := os.ReadFile(database(f, tables+someBans))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint16(100), []byte{1, 2, 3}, uint16(5000), []byte{0xff})
	f.Add(uint16(0), []byte("SQLite"), uint16(4096), []byte{5})
	f.Fuzz(func(t *testing.T, at uint16, a []byte, other uint16, b []byte) {
		text := append([]byte(nil), good...)
		copy(text[int(at)%len(text):], a)
		copy(text[int(other)%len(text):], b)
		path := filepath.Join(t.TempDir(), "db")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		err := fail2ban.Read(t.Context(), path, func(b fail2ban.Ban) {
			if !b.Source.IsValid() || b.Failures < 1 || b.Jail == "" || len(b.Jail) > 64 {
				t.Errorf("%+v", b)
			}
		}, func(string) {})
		_ = err // either is good
	})
}
