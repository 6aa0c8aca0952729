package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

const markName = "mark"

// SetMark keeps how the firewall stood after our last change of it, whatever that is to whoever reads it.
func (s *Store) SetMark(ctx context.Context, mark any) error {
	text, err := json.Marshal(mark)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`, markName, string(text))
		return err
	})
}

// Mark reads what SetMark kept; false where there is nothing.
func (s *Store) Mark(ctx context.Context, into any) (bool, error) {
	if s.file == memory {
		return false, nil
	}
	var text string
	err := s.db.QueryRowContext(ctx, `SELECT value FROM state WHERE name = ?`, markName).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, s.failed(err)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return false, s.damaged()
	}
	return true, nil
}
