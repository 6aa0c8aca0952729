package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/backtest"
	"lastresort/decide/evidence"
	"lastresort/decide/history"
)

func (a *app) backtestCommand() *cobra.Command {
	var p period
	c := &cobra.Command{
		Use:   "backtest --from TIME --to TIME [LOG…]",
		Short: "replay the nights of a period: what would have been stopped, and what lost",
		Long: "Judges each night of a period from what was known then, and scores what of the time after it would have been\n" +
			"stopped and lost; beside it what simpler ways would have. What is stopped is not seen by the nights after.\n\n" +
			"It replays the stored history or, with LOG, the lines of logs one by one: that is exact, allows for nights an hour\n" +
			"apart, and shows what fail2ban with its defaults would have done. The records of the store go with both.",
		Example: "  lastresort backtest --from 2026-10-01 --to 2026-11-01\n  lastresort backtest --from 2026-10-01 --to 2026-11-01 --every 1h /var/log/auth.log*",
		RunE: func(c *cobra.Command, logs []string) error {
			o, err := p.options()
			if err != nil {
				return err
			}
			return a.backtest(c.Context(), o, logs)
		},
	}
	p.addTo(c)
	return a.prints(c)
}

// period is the flags that name the nights to replay.
type period struct{ from, to, every string }

func (p *period) addTo(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&p.from, "from", "", "the first night, RFC 3339 or a date")
	f.StringVar(&p.to, "to", "", "the end, which is no night any more")
	f.StringVar(&p.every, "every", "1d", "how far apart the nights are")
}

func (p *period) options() (backtest.Options, error) {
	var o backtest.Options
	if p.from == "" || p.to == "" {
		return o, usage("a replay needs a period; expected --from and --to, each RFC 3339 or a date")
	}
	var err error
	if o.From, err = parseTime(p.from); err != nil {
		return o, err
	}
	if o.To, err = parseTime(p.to); err != nil {
		return o, err
	}
	d, err := decide.ParseDuration(p.every)
	if err != nil {
		return o, usage("%v", err)
	}
	o.Every = time.Duration(d)
	switch nights := o.To.Sub(o.From) / o.Every; {
	case !o.From.Before(o.To):
		return o, usage("the period from %s to %s is empty; expected --from before --to", p.from, p.to)
	case nights > 100_000:
		return o, usage("%d nights are too many; expected at most 100000: a longer --every, or a shorter period", nights)
	}
	return o, nil
}

func (a *app) backtest(ctx context.Context, o backtest.Options, logs []string) error {
	return a.replaying(ctx, o, logs, func(ctx context.Context, h *history.History, events []backtest.Event, p *decide.Policy) error {
		o.Progress = a.progress("nights replayed")
		r, err := backtest.Run(ctx, h, events, p, o, len(logs) > 0)
		a.progressDone()
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(r)
		}
		a.page().backtest(&r)
		return nil
	})
}

// replaying gathers what a replay needs: the records, and the events of the store's rows or of logs.
func (a *app) replaying(ctx context.Context, o backtest.Options, logs []string, do func(context.Context, *history.History, []backtest.Event, *decide.Policy) error) error {
	p, err := a.policy()
	if err != nil {
		return err
	}
	return a.reading(ctx, func(s *history.Store) error {
		if len(logs) == 0 {
			h, err := a.load(ctx, s, o.To)
			if err != nil {
				return err
			}
			return do(ctx, &h, backtest.EventsOf(&h), &p)
		}
		h, err := s.LoadRecords(ctx, o.To)
		if err != nil {
			return err
		}
		a.knowRanges(ctx, s, o.To)
		events, err := a.eventsOf(ctx, &p, logs, o.To)
		if err != nil {
			return err
		}
		return do(ctx, &h, events, &p)
	})
}

// eventsOf reads the lines of logs one by one.
func (a *app) eventsOf(ctx context.Context, p *decide.Policy, logs []string, now time.Time) ([]backtest.Event, error) {
	var out []backtest.Event
	for _, l := range a.logsOf(p, logs) {
		o, err := a.optionsOf(p, l, now, func(_ int64, e evidence.Event) {
			x := backtest.Event{Source: e.Source, First: e.At, Last: e.At, Kind: e.Kind, Service: e.Service, Proof: e.Proof, Count: e.Count}
			if e.Kind != "" {
				x.Reporter = history.Local
			}
			out = append(out, x)
		})
		if err != nil {
			return nil, err
		}
		sum, err := a.readWhole(ctx, l, o)
		a.progressDone()
		if err != nil {
			return nil, err
		}
		if x := observedOf(l.Path, sum, nil); oddities(x) != "" {
			a.note("%s", x)
		}
	}
	return out, nil
}

// backtest prints a table of what each way of blocking came to.
func (p *page) backtest(r *backtest.Result) {
	p.line("%s to %s, %s, %s apart: %d hostile events with proof, %d without, %d honest", r.From.Format(time.DateOnly), r.To.Format(time.DateOnly),
		plural(r.Nights, "night"), r.Every, r.Seen.TwoWay, r.Seen.OneWay, r.Seen.Honest)
	p.line("")
	p.line("%-26s %15s %8s %14s %11s %9s %8s", "", "stopped", "unproven", "honest lost", "ranges", "addresses", "changes")
	p.line("%-26s %15s %8s %14s %11s %9s %8s", "", "", "", "", "mean, most", "most", "a night")
	for _, s := range r.Scores {
		ranges := fmt.Sprintf("%.0f, %d", s.Mean, s.Most)
		if s.Mean == 0 && s.Most > 0 {
			ranges = fmt.Sprint(s.Most)
		}
		p.line("%-26s %15s %8d %14s %11s %9.0f %8.1f", s.Name, share(s.Stopped.TwoWay, r.Seen.TwoWay), s.Stopped.OneWay,
			share(s.Stopped.Honest, r.Seen.Honest), ranges, s.Addresses, s.Changes)
	}
	for _, s := range r.Scores {
		if len(s.Lost) > 0 {
			p.wrapped("  "+s.Name+" loses ", few(s.Lost, 6))
		}
		if s.HeldBack > 0 {
			p.wrapped("  ", fmt.Sprintf("%s: a guard held something back on %s", s.Name, plural(s.HeldBack, "night")))
		}
	}
	for _, n := range r.Notes {
		p.wrapped("note: ", n)
	}
}

// share prints a number and what part of all it is; of nothing there is no part.
func share(n, of int64) string {
	if of == 0 {
		return fmt.Sprintf("%d     –", n)
	}
	return fmt.Sprintf("%d %5.1f%%", n, 100*float64(n)/float64(of))
}
