package history

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// LineError is what is wrong with one line of a file of records.
type LineError struct {
	File string
	Line int
	Why  string
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Why) }

// Imported counts what an import did.
type Imported struct {
	New   int `json:"new"`
	Known int `json:"known"` // records that were there already
}

// longestLine bounds a record's text, in bytes.
const longestLine = 1 << 20

// Import reads records, one JSON object a line, and stores them in one transaction: all, or none where a line is bad, which
// is a *LineError. Empty lines are passed over. progress, where there is one, is told how many lines were read.
func (s *Store) Import(ctx context.Context, name string, r io.Reader, progress func(int)) (Imported, error) {
	var out Imported
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		w, err := newWriter(ctx, tx)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 64<<10), longestLine)
		n := 0
		for lines.Scan() {
			if n++; n%1000 == 0 {
				if progress != nil {
					progress(n)
				}
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			line := bytes.TrimSpace(lines.Bytes())
			if len(line) == 0 {
				continue
			}
			record, err := Decode(line)
			if err != nil {
				return &LineError{name, n, err.Error()}
			}
			added, err := w.add(record, line)
			if err != nil {
				return err
			}
			if added {
				out.New++
			} else {
				out.Known++
			}
		}
		if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
			return &LineError{name, n + 1, fmt.Sprintf("line of over %d bytes; expected one record", longestLine)}
		} else if err != nil {
			return &LineError{name, n + 1, err.Error()}
		}
		return w.done()
	})
	if err != nil {
		return Imported{}, err
	}
	return out, nil
}

// Add stores records in one transaction. before, where there is one, runs when they are written and not yet committed:
// where it fails nothing is stored.
func (s *Store) Add(ctx context.Context, records []Record, before func() error) error {
	return s.add(ctx, records, nil, before)
}

// add is Add with something more to write in the same transaction.
func (s *Store) add(ctx context.Context, records []Record, more func(*sql.Tx) error, before func() error) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		w, err := newWriter(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := Check(r); err != nil {
				return err
			}
			if _, err := w.add(r, Encode(r)); err != nil {
				return err
			}
		}
		if err := w.done(); err != nil {
			return err
		}
		if more != nil {
			if err := more(tx); err != nil {
				return err
			}
		}
		if before == nil {
			return nil
		}
		return before()
	})
}

// writer adds records within one transaction.
type writer struct {
	tx                        *sql.Tx
	ctx                       context.Context // without an end: the driver starts a goroutine a row to watch one that has
	seq                       int64
	record, sighting, traffic *sql.Stmt
}

func newWriter(ctx context.Context, tx *sql.Tx) (*writer, error) {
	w := &writer{tx: tx, ctx: context.WithoutCancel(ctx)}
	if err := tx.QueryRowContext(ctx, `SELECT last FROM sequence`).Scan(&w.seq); err != nil {
		return nil, err
	}
	for text, stmt := range map[string]**sql.Stmt{
		`INSERT OR IGNORE INTO record (seq, known, identity, text) VALUES (?, ?, ?, ?)`: &w.record,
		`INSERT OR IGNORE INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`:          &w.sighting,
		`INSERT OR IGNORE INTO traffic VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`:           &w.traffic,
	} {
		got, err := tx.PrepareContext(ctx, text)
		if err != nil {
			return nil, err
		}
		*stmt = got
	}
	return w, nil
}

// done remembers how far the numbering of records has come. The statements end with their transaction.
func (w *writer) done() error {
	_, err := w.tx.ExecContext(w.ctx, `UPDATE sequence SET last = ?`, w.seq)
	return err
}

// row is a sighting or traffic as the store keeps it.
type row struct {
	source                []byte
	what, proof, reporter string
	first, last, count    int64
	observed              bool
}

func (r row) args() []any {
	return []any{r.source, r.what, r.proof, r.reporter, r.first, r.last, r.count}
}

func rowOf(r Record) (row, bool) {
	switch r := r.(type) {
	case Sighting:
		return row{key(r.Source), r.Kind, string(r.Proof), r.Reporter, r.First.UnixNano(), r.Last.UnixNano(), r.Count, false}, true
	case Traffic:
		return row{key(r.Source), r.Service, "", "", r.First.UnixNano(), r.Last.UnixNano(), r.Count, false}, true
	}
	return row{}, false
}

// key is an address as the store sorts it: IPv4 first, then by number.
func key(a netip.Addr) []byte { return append([]byte{byte(a.BitLen() / 8)}, a.AsSlice()...) }

// add stores one record with its text as it was read, and tells whether it was new.
func (w *writer) add(r Record, text []byte) (bool, error) {
	var result sql.Result
	var err error
	w.seq++
	if x, ok := rowOf(r); ok {
		var other any // only where the row doesn't say it all
		if plain := identity(r); !bytes.Equal(plain, text) {
			other = string(text)
		}
		result, err = w.into(r).ExecContext(w.ctx, append(x.args(), w.seq, x.observed, other)...)
	} else {
		sum := sha256.Sum256(identity(r))
		result, err = w.record.ExecContext(w.ctx, w.seq, nanos(r.Known()), sum[:], string(text))
	}
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

func (w *writer) into(r Record) *sql.Stmt {
	if _, ok := r.(Sighting); ok {
		return w.sighting
	}
	return w.traffic
}

// nanos is a moment as the store keeps it; always is before all others.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.UnixNano()
}
