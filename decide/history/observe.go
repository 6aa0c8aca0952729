package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// Observe grows the day's rows by what logs have shown, and remembers how far each log was read, in one transaction: a
// crash loses both or neither, so that no line counts twice. Each sighting and traffic is of one UTC day.
func (s *Store) Observe(ctx context.Context, sightings []Sighting, traffic []Traffic, positions map[string]json.RawMessage) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		w, err := newWriter(ctx, tx)
		if err != nil {
			return err
		}
		if err := growAll(w, sightings); err != nil {
			return err
		}
		if err := growAll(w, traffic); err != nil {
			return err
		}
		for path, position := range positions {
			if _, err := tx.ExecContext(ctx, `INSERT INTO log VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position`,
				path, string(position)); err != nil {
				return err
			}
		}
		return w.done()
	})
}

// growAll grows the rows of one kind of record.
func growAll[R Record](w *writer, list []R) error {
	if len(list) == 0 {
		return nil
	}
	take, err := w.tx.PrepareContext(w.ctx, `DELETE FROM `+list[0].Type()+` WHERE source = ? AND what = ? AND proof = ? AND reporter = ?
		AND first >= ? AND first < ? AND observed = 1 RETURNING first, last, count, seq`)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := w.grow(r, take); err != nil {
			return err
		}
	}
	return nil
}

// grow adds a day's events to the row that observing made for that day before, which take takes out, or makes one. Imported
// rows are left alone.
func (w *writer) grow(r Record, take *sql.Stmt) error {
	if err := Check(r); err != nil {
		return err
	}
	x, _ := rowOf(r)
	day := time.Unix(0, x.last).UTC().Truncate(24 * time.Hour)
	var old row
	var seq int64
	err := take.QueryRowContext(w.ctx, x.source, x.what, x.proof, x.reporter, day.UnixNano(), day.Add(24*time.Hour).UnixNano()).Scan(&old.first, &old.last, &old.count, &seq)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		w.seq++
		seq = w.seq
	case err != nil:
		return err
	default:
		x.first, x.last, x.count = min(x.first, old.first), max(x.last, old.last), x.count+old.count
	}
	x.observed = true
	_, err = w.into(r).ExecContext(w.ctx, append(x.args(), seq, x.observed, nil)...)
	return err
}

// Positions returns how far each log was read.
func (s *Store) Positions(ctx context.Context) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if s.file == memory {
		return out, nil
	}
	rows, err := s.db.QueryContext(ctx, `SELECT path, position FROM log`)
	if err != nil {
		return nil, s.failed(err)
	}
	defer rows.Close() // rows.Err tells what matters
	for rows.Next() {
		var path, position string
		if err := rows.Scan(&path, &position); err != nil {
			return nil, s.failed(err)
		}
		out[path] = json.RawMessage(position)
	}
	if err := rows.Err(); err != nil {
		return nil, s.failed(err)
	}
	return out, nil
}
