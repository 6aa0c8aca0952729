package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/backtest"
	"lastresort/decide/evidence"
	"lastresort/decide/history"
	"lastresort/decide/htmlpage"
)

func (a *app) backtestCommand() *cobra.Command {
	var p period
	c := &cobra.Command{
		Use:   "backtest --from TIME --to TIME [LOG…]",
		Short: "replay the nights of a period: what would have been stopped, and what lost",
		Long: "Judges each night of a period from what was known then, and scores what of the time after it would have been\n" +
			"stopped and lost; beside it the most that any nightly tool could have stopped address by address, and what simpler\n" +
			"ways would have: fail2ban as it comes and with bantime.increment, the whole /24 of repeat offenders, lists of the\n" +
			"worst addresses, and no block. What is stopped is not seen by the nights after.\n\n" +
			"It replays the stored history or, with LOG, the lines of logs one by one: that is exact, allows for nights an hour\n" +
			"apart, and shows what fail2ban lets through with lastresort beside it. From the stored rows, which are of a day\n" +
			"each, there is only a bound on what fail2ban could have stopped. The records of the store go with both.",
		Example: "  lastresort backtest --from 2026-10-01 --to 2026-11-01\n  lastresort backtest --from 2026-10-01 --to 2026-11-01 --every 1h /var/log/auth.log*",
		RunE: func(c *cobra.Command, logs []string) error {
			o, err := p.options()
			if err != nil {
				return err
			}
			if _, err := a.htmlAsked(); err != nil {
				return err
			}
			return a.backtest(c.Context(), o, logs)
		},
	}
	p.addTo(c)
	return a.draws(a.prints(c))
}

// period is the flags that name the nights to replay.
type period struct {
	from, to, every string
	accepted        []string
}

// replayedRisks are the guards that a replay knows of.
var replayedRisks = []string{decide.GuardLost, decide.GuardNewRanges, decide.GuardNewAddresses}

func (p *period) addTo(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&p.from, "from", "", "the first night, RFC 3339 or a date")
	f.StringVar(&p.to, "to", "", "the end, which is no night any more")
	f.StringVar(&p.every, "every", "1d", "how far apart the nights are")
	f.StringArrayVar(&p.accepted, "accept-risk", nil, "as if each night a person applied what `GUARD` keeps back: "+strings.Join(replayedRisks, ", "))
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
	o.Every, o.Accepted = time.Duration(d), p.accepted
	for _, g := range p.accepted {
		if !slices.Contains(replayedRisks, g) {
			return o, usage("--accept-risk %q is no guard of a replay; expected one of %s", g, strings.Join(replayedRisks, " "))
		}
	}
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
		if a.html != "" {
			if err := a.writePage(ctx, func(w io.Writer) error { return htmlpage.Backtest(w, &r) }); err != nil {
				return err
			}
		}
		switch {
		case a.html == "-": // printed already
		case a.json:
			return a.printJSON(r)
		default:
			a.page().backtest(&r)
		}
		return nil
	})
}

// endOfTime is the last moment that the store can hold.
var endOfTime = time.Unix(0, math.MaxInt64)

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
			if len(h.Sightings)+len(h.Traffic) == 0 { // what comes later tells where the records begin
				if h, err = a.load(ctx, s, endOfTime); err != nil {
					return err
				}
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

// readAt is the moment as of which logs are read for a replay that ends at another: late enough that lines after its end
// that name no year don't get the one before, and early enough that those of an old log don't get this one.
func (a *app) readAt(end time.Time) time.Time {
	late := end.Add(180 * decide.Day)
	if now := a.env.now(); now.Before(late) {
		late = now
	}
	if late.Before(end) {
		late = end
	}
	return late
}

// eventsOf reads the lines of logs one by one, for a replay that ends at a moment.
func (a *app) eventsOf(ctx context.Context, p *decide.Policy, logs []string, end time.Time) ([]backtest.Event, error) {
	var out []backtest.Event
	r := a.logReading(p, logs, a.readAt(end), false)
	for _, l := range r.logs {
		o, err := a.optionsOf(r, l, func(_ int64, e evidence.Event) {
			x := backtest.Event{Source: e.Source, First: e.At, Last: e.At, Kind: e.Kind, Service: e.Service, Proof: e.Proof, Count: e.Count}
			if e.Kind != "" {
				x.Reporter = history.Local
			}
			out = append(out, x)
		})
		if err != nil {
			return nil, err
		}
		o.Newest = endOfTime // what comes after the period is no wrong clock
		sum, err := a.readWhole(ctx, l, o, time.Time{})
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
	const row = "%-26s %15s %8s %8s %12s %11s %8s %7s"
	p.line(row, "", "stopped", "gets by", "unproven", "honest lost", "ranges", "covers", "changes")
	p.line(row, "", "", "", "stopped", "", "mean, most", "at most", "a night")
	for _, s := range r.Scores {
		ranges, covers, changes := fmt.Sprintf("%s, %d", mean(s.Mean), s.Most), fmt.Sprintf("%.0f", s.Addresses), fmt.Sprintf("%.1f", s.Changes)
		most, least := "", ""
		if s.AtMost {
			ranges, covers, changes, most, least = "?", "?", "?", "≤ ", "≥ "
		}
		p.line(row, s.Name, most+share(s.Stopped.TwoWay, r.Seen.TwoWay), least+fmt.Sprint(s.Through.TwoWay), most+fmt.Sprint(s.Stopped.OneWay),
			most+share(s.Stopped.Honest, r.Seen.Honest), ranges, covers, changes)
	}
	for _, s := range r.Scores {
		if s.Stopped.Honest > 0 && !s.AtMost {
			p.wrapped("  "+s.Name+" loses ", few(losers(s.LostBy), 6))
		}
		if s.HeldBack > 0 {
			p.wrapped("  ", fmt.Sprintf("%s: guards held something back on %s; as if a person had applied it: --accept-risk %s", s.Name,
				plural(s.HeldBack, "night"), strings.Join(s.Guards, " --accept-risk ")))
		}
	}
	for _, n := range r.Notes {
		p.wrapped("note: ", n)
	}
}

// mean prints a mean of whole numbers, small ones with a decimal.
func mean(x float64) string {
	if x > 0 && x < 10 {
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// losers names whose honest events were lost, and how many of each.
func losers(list []backtest.Loser) []string {
	var out []string
	for _, l := range list {
		out = append(out, fmt.Sprintf("%s (%d)", l.Source, l.Honest))
	}
	return out
}

// share prints a number and what part of all it is; of nothing there is no part.
func share(n, of int64) string {
	if of == 0 {
		return fmt.Sprintf("%d     –", n)
	}
	return fmt.Sprintf("%d %5.1f%%", n, 100*float64(n)/float64(of))
}
