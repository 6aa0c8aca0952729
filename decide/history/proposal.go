package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// Proposal is what a review wants recorded and put in force once it is applied.
type Proposal struct {
	At      time.Time // of the review
	Records []Proposed
	Guards  []Guarded
	Exempt  []Exemption
}

// Proposed is a block or release that waits to be applied. HeldBy names the guards that keep it back until a person
// accepts the risk; mostly none.
type Proposed struct {
	Record Record
	HeldBy []string
}

// Guarded is a guard that a review is past, and the cases that it holds back.
type Guarded struct {
	Guard    string   `json:"guard"`
	Value    float64  `json:"value"`
	Limit    float64  `json:"limit"`
	HeldBack []string `json:"held_back"`
}

// Exemption is an offender that isn't blocked, and why not.
type Exemption struct {
	Range string `json:"range"`
	Rule  string `json:"rule"`
	Why   string `json:"why"`
}

// proposalText is a proposal as it is stored: records in their text form.
type proposalText struct {
	At      time.Time      `json:"at"`
	Records []proposedText `json:"records"`
	Guards  []Guarded      `json:"guards"`
	Exempt  []Exemption    `json:"exempt"`
}

type proposedText struct {
	Record json.RawMessage `json:"record"`
	HeldBy []string        `json:"held_by,omitempty"`
}

const proposalName = "proposal"

// Propose stores what a review proposes, in place of what the one before it did.
func (s *Store) Propose(ctx context.Context, p Proposal) error {
	t := proposalText{At: p.At, Guards: p.Guards, Exempt: p.Exempt}
	for _, r := range p.Records {
		t.Records = append(t.Records, proposedText{Encode(r.Record), r.HeldBy})
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`, proposalName, string(text))
		return err
	})
}

// Proposal returns what the last review proposed; false where none has.
func (s *Store) Proposal(ctx context.Context) (Proposal, bool, error) {
	var p Proposal
	if s.file == memory {
		return p, false, nil
	}
	var text string
	err := s.db.QueryRowContext(ctx, `SELECT value FROM state WHERE name = ?`, proposalName).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	if err != nil {
		return p, false, s.failed(err)
	}
	var t proposalText
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return p, false, s.damaged()
	}
	p = Proposal{At: t.At, Guards: t.Guards, Exempt: t.Exempt}
	for _, x := range t.Records {
		r, err := Decode(x.Record)
		if err != nil {
			return p, false, s.damaged()
		}
		p.Records = append(p.Records, Proposed{r, x.HeldBy})
	}
	return p, true, nil
}
