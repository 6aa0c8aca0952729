package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide/history"
)

// byHand is what the commands share that record a fact: when it was so, and who says it.
type byHand struct {
	at string
	by string
}

func (b *byHand) flags(c *cobra.Command, a *app, signed bool) {
	c.Flags().StringVar(&b.at, "at", "", "when it was, RFC 3339 or a date (default now)")
	if signed {
		c.Flags().StringVar(&b.by, "by", a.operator(), "who says so")
	}
}

// when returns the moment of --at, else now.
func (b *byHand) when(a *app) (time.Time, error) {
	if b.at == "" {
		return a.env.now().UTC().Truncate(time.Second), nil
	}
	return parseTime(b.at)
}

// record stores records and prints them as they are stored.
func (a *app) record(ctx context.Context, s *history.Store, records ...history.Record) error {
	if err := s.Add(ctx, records, nil); err != nil {
		return err
	}
	for _, r := range records {
		if a.json {
			a.printf("%s\n", history.Encode(r))
		} else {
			a.page().line("recorded: %s", describe(r))
		}
	}
	return nil
}
