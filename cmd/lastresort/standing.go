package main

import (
	"context"
	"fmt"
	"time"

	"lastresort/decide"
	"lastresort/netblock"
)

// standingJSON is a range in force as JSON shows it.
type standingJSON struct {
	Range   netblock.Range `json:"range"`
	From    time.Time      `json:"from"`
	Until   *time.Time     `json:"until"`             // nil for good
	Packets *uint64        `json:"packets,omitempty"` // that the kernel dropped; nil where that isn't known
}

func standingOf(s decide.Standing) standingJSON {
	return standingJSON{Range: s.Range, From: s.From.UTC(), Until: dateTime(s.Until)}
}

func (s standingJSON) ends() string {
	if s.Until == nil {
		return "for good"
	}
	return ends(*s.Until)
}

// dropped says what the kernel has dropped, where that is known.
func (s standingJSON) dropped() string {
	if s.Packets == nil {
		return ""
	}
	return fmt.Sprintf("; %s dropped", plural(int(*s.Packets), "packet"))
}

// counted fills in what the kernel has dropped of ranges, where it may be asked.
func (a *app) counted(ctx context.Context, p *decide.Policy, list []standingJSON) {
	state, err := a.held(ctx, p)
	if err != nil {
		return // the rest of the answer doesn't hang on it
	}
	for i := range list {
		for _, e := range state.Elements {
			if e.Range == list[i].Range {
				list[i].Packets = &e.Packets
			}
		}
	}
}
