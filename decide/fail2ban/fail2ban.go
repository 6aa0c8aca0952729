// Package fail2ban reads the database of fail2ban: whom it banned, in which jail and after how many failures. It is another
// program's file, so it is opened for reading only, as it stands, and what it holds is checked value by value.
package fail2ban

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"lastresort/netblock"
)

// Ban is one ban.
type Ban struct {
	Jail     string
	Source   netip.Addr
	At       time.Time
	Failures int64 // that came before it, at least 1
}

// Bounds of what is read.
const (
	mostBytes    = 1 << 30 // of a database
	mostData     = 1 << 20 // bytes of what it says of one ban; failures come first
	mostFailures = 1_000_000
	longestJail  = 64
)

// ErrOther says that a file is a database of something else.
var ErrOther = errors.New("it is a SQLite database, and none of fail2ban's; expected its tables fail2banDb and bans")

// Read reads a database and gives each ban to do, oldest first, and what can't be used to skip with the reason. fail2ban may go on
// writing it.
func Read(ctx context.Context, path string, do func(Ban), skip func(why string)) (err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is no file; expected fail2ban.sqlite3")
	case info.Size() > mostBytes:
		return fmt.Errorf("it has more than %d MB", mostBytes>>20)
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	// ro: no byte of it is written. trusted_schema: no function runs that a hostile schema names.
	options := url.Values{"mode": {"ro"}, "_pragma": {"query_only(1)", "trusted_schema(0)", "cell_size_check(1)", "mmap_size(0)", "busy_timeout(2000)"}}
	if _, err := os.Stat(full + "-wal"); errors.Is(err, os.ErrNotExist) && isWAL(full) {
		options.Set("immutable", "1") // a copy: it would want files beside it that there is nothing to write into
	}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: full}).EscapedPath(), RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var tables int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('fail2banDb', 'bans') AND sql NOT LIKE '%VIRTUAL%'`).Scan(&tables); err != nil {
		return damaged(ctx, err)
	}
	if tables != 2 {
		return ErrOther
	}
	rows, err := db.QueryContext(ctx, `SELECT substr(jail, 1, 65), substr(ip, 1, 65), timeofban, CASE WHEN length(data) <= ? THEN data END FROM bans ORDER BY timeofban, ip, jail`, mostData)
	if err != nil {
		return damaged(ctx, err)
	}
	defer rows.Close() // rows.Err tells what matters
	for n := 1; rows.Next(); n++ {
		var jail, ip, at, data any
		if err := rows.Scan(&jail, &ip, &at, &data); err != nil {
			return damaged(ctx, err)
		}
		b, err := ban(jail, ip, at, data)
		if err != nil {
			skip(fmt.Sprintf("ban %d: %v", n, err))
			continue
		}
		do(b)
	}
	return damaged(ctx, rows.Err())
}

// isWAL tells whether a database wants a write-ahead log beside it, by the version that it takes to write it.
func isWAL(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close() // it was only read
	var head [19]byte
	_, err = io.ReadFull(f, head[:])
	return err == nil && head[18] == 2
}

// damaged says what can't be read; nothing where all could.
func damaged(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("the database can't be read: %w", err)
}

// ban checks the values of one row: SQLite holds anything in any column.
func ban(jail, ip, at, data any) (Ban, error) {
	name, ok := text(jail)
	if !ok || name == "" || len(name) > longestJail {
		return Ban{}, fmt.Errorf("%q is no jail", fmt.Sprint(jail))
	}
	address, ok := text(ip)
	if !ok {
		return Ban{}, fmt.Errorf("%q is no address", fmt.Sprint(ip))
	}
	source, err := netblock.ParseAddr(address)
	if err != nil {
		return Ban{}, err
	}
	seconds, ok := at.(int64)
	if !ok || seconds < 1e8 || seconds > 1e11 {
		return Ban{}, fmt.Errorf("%q is no time of a ban; expected seconds since 1970", fmt.Sprint(at))
	}
	b := Ban{Jail: name, Source: source, At: time.Unix(seconds, 0).UTC(), Failures: 1}
	var said struct {
		Failures int64 `json:"failures"`
	}
	if raw, ok := text(data); ok && json.Unmarshal([]byte(raw), &said) == nil && said.Failures > 1 {
		b.Failures = min(said.Failures, mostFailures)
	}
	return b, nil
}

func text(x any) (string, bool) {
	switch x := x.(type) {
	case string:
		return x, true
	case []byte:
		return string(x), true
	}
	return "", false
}
