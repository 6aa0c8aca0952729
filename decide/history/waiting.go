package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// Waiting is an answer to one of our reports that waits for a person to say what it amounts to. It is no record: it changes
// nothing until then.
type Waiting struct {
	Report  string    `json:"report"`
	At      time.Time `json:"at"`
	Stance  Stance    `json:"stance,omitempty"` // where the mail itself tells; else empty
	From    string    `json:"from"`
	Subject string    `json:"subject"`
	Doubt   string    `json:"doubt,omitempty"` // why it may not be from whom the report went to
	Mail    string    `json:"mail"`            // which mail it is: its id
}

// Settles tells whether a response says what an answer amounts to: one to the same report from its moment on that isn't automatic, or
// one of just that moment.
func (r Response) Settles(w Waiting) bool {
	return r.Report == w.Report && (r.At.Equal(w.At) || r.Stance != Automatic && r.At.After(w.At))
}

// mostWaiting bounds how many answers wait: anybody can send mails.
const mostWaiting = 1000

const waitingName = "waiting"

// Await adds answers to those that wait, each once, and forgets those that a response settles. It returns how many are new, how many
// were known or settled already, and how many there was no room for.
func (s *Store) Await(ctx context.Context, all []Waiting, responses []Response) (fresh, known, left int, err error) {
	byReport := map[string][]Response{}
	for _, r := range responses {
		byReport[r.Report] = append(byReport[r.Report], r)
	}
	settled := func(w Waiting) bool {
		for _, r := range byReport[w.Report] {
			if r.Settles(w) {
				return true
			}
		}
		return false
	}
	type key struct {
		report, mail string
		at           int64
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		old, err := waitingIn(ctx, tx.QueryRowContext)
		if err != nil {
			return err
		}
		var keep []Waiting
		seen := map[key]bool{}
		for _, w := range old {
			if !settled(w) {
				keep = append(keep, w)
				seen[key{w.Report, w.Mail, w.At.UnixNano()}] = true
			}
		}
		for _, w := range all {
			k := key{w.Report, w.Mail, w.At.UnixNano()}
			switch {
			case seen[k] || settled(w):
				known++
			case len(keep) >= mostWaiting:
				left++
			default:
				fresh++
				seen[k] = true
				keep = append(keep, w)
			}
		}
		text, err := json.Marshal(keep)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`, waitingName, string(text))
		return err
	})
	return fresh, known, left, err
}

// Waiting returns the answers that no response settles, in the order in which they came.
func (s *Store) Waiting(ctx context.Context, responses []Response) ([]Waiting, error) {
	if s.file == memory {
		return nil, nil
	}
	all, err := waitingIn(ctx, s.db.QueryRowContext)
	if err != nil {
		return nil, s.failed(err)
	}
	var out []Waiting
	for _, w := range all {
		open := true
		for _, r := range responses {
			open = open && !r.Settles(w)
		}
		if open {
			out = append(out, w)
		}
	}
	return out, nil
}

func waitingIn(ctx context.Context, query func(context.Context, string, ...any) *sql.Row) ([]Waiting, error) {
	var text string
	err := query(ctx, `SELECT value FROM state WHERE name = ?`, waitingName).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Waiting
	err = json.Unmarshal([]byte(text), &out)
	return out, err
}
