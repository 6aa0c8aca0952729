package main

import (
	"time"

	"lastresort/decide"
	"lastresort/netblock"
)

// standingJSON is a range in force as JSON shows it.
type standingJSON struct {
	Range netblock.Range `json:"range"`
	From  time.Time      `json:"from"`
	Until *time.Time     `json:"until"` // nil for good
}

func standingOf(s decide.Standing) standingJSON {
	return standingJSON{s.Range, s.From.UTC(), dateTime(s.Until)}
}

func (s standingJSON) ends() string {
	if s.Until == nil {
		return "for good"
	}
	return ends(*s.Until)
}
