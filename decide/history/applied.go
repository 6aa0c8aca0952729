package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// Applied is the last apply that changed anything, which undo goes back on. While it waits for confirm its records are
// not part of the history.
type Applied struct {
	At        time.Time
	ConfirmBy time.Time // zero where it waits for nothing
	Records   []Record
}

// Waits tells whether it waits for confirm, in time or not.
func (a Applied) Waits() bool { return !a.ConfirmBy.IsZero() }

// Late tells whether it waits for confirm and nobody gave it in time.
func (a Applied) Late(now time.Time) bool { return a.Waits() && !now.Before(a.ConfirmBy) }

// appliedText is an apply as it is stored: records in their text form.
type appliedText struct {
	At        time.Time         `json:"at"`
	ConfirmBy time.Time         `json:"confirm_by,omitzero"`
	Records   []json.RawMessage `json:"records"`
}

const appliedName = "applied"

// Settle stores records, and in the same transaction what the last apply is from now on: nil is none. before is that of
// Add.
func (s *Store) Settle(ctx context.Context, records []Record, last *Applied, before func() error) error {
	return s.add(ctx, records, func(tx *sql.Tx) error {
		if last == nil {
			_, err := tx.ExecContext(ctx, `DELETE FROM state WHERE name = ?`, appliedName)
			return err
		}
		t := appliedText{At: last.At, ConfirmBy: last.ConfirmBy}
		for _, r := range last.Records {
			t.Records = append(t.Records, Encode(r))
		}
		text, err := json.Marshal(t)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`, appliedName, string(text))
		return err
	}, before)
}

// Applied returns the last apply; false where there is none to go back on.
func (s *Store) Applied(ctx context.Context) (Applied, bool, error) {
	var a Applied
	if s.file == memory {
		return a, false, nil
	}
	var text string
	err := s.db.QueryRowContext(ctx, `SELECT value FROM state WHERE name = ?`, appliedName).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	if err != nil {
		return a, false, s.failed(err)
	}
	var t appliedText
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return a, false, s.damaged()
	}
	a.At, a.ConfirmBy = t.At, t.ConfirmBy
	for _, x := range t.Records {
		r, err := Decode(x)
		if err != nil {
			return a, false, s.damaged()
		}
		a.Records = append(a.Records, r)
	}
	return a, true, nil
}
