package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/backtest"
	"lastresort/decide/history"
)

func (a *app) tuneCommand() *cobra.Command {
	var p period
	c := &cobra.Command{
		Use:   "tune --from TIME --to TIME [LOG…]",
		Short: "which policy keys would have stopped more, lost less, or taken fewer ranges",
		Long: "Replays a period as backtest does, with the policy as it is, with some keys changed one at a time, and with the best\n" +
			"of these changes two at a time, and shows what each comes to. Those that no other beats in all of what is stopped,\n" +
			"lost and held are marked, with the number of weeks of the period in which the same is true. It writes nothing: the\n" +
			"policy is yours.",
		RunE: func(c *cobra.Command, args []string) error {
			o, err := p.options()
			if err != nil {
				return err
			}
			return a.replaying(c.Context(), o, args, func(ctx context.Context, h *history.History, events []backtest.Event, p *decide.Policy) error {
				o.Progress = a.progress("policies tried")
				points, err := backtest.Tune(ctx, h, events, p, o, len(args) > 0)
				a.progressDone()
				if err != nil {
					return err
				}
				notes := backtest.Notes(h, events, p, o, len(args) > 0)
				if a.json {
					for _, n := range notes {
						a.note("%s", n)
					}
					return a.printJSON(points)
				}
				a.page().tuned(points, o)
				for _, n := range notes {
					a.page().wrapped("note: ", n)
				}
				return nil
			})
		},
	}
	p.addTo(c)
	return a.prints(c)
}

// tuned prints what each policy came to.
func (p *page) tuned(points []backtest.Point, o backtest.Options) {
	p.line("%s to %s: with these keys changed, hostile events with proof stopped, honest ones lost, ranges held", o.From.Format(time.DateOnly), o.To.Format(time.DateOnly))
	p.line("")
	p.line("%-52s %9s %7s %8s  %s", "", "stopped", "lost", "ranges", "best of its kind")
	for _, x := range points {
		mark := "-"
		if x.Front {
			mark = "yes"
		}
		p.line("%-52s %9d %7d %8.1f  %s", x.Text(), x.Stopped, x.Lost, x.Ranges, fmt.Sprintf("%-4s %d of %s", mark, x.Weeks, plural(x.Of, "week")))
	}
	if held := slices.MaxFunc(points, func(a, b backtest.Point) int { return cmp.Compare(a.Held, b.Held) }); held.Held > 0 {
		p.wrapped("note: ", fmt.Sprintf("guards held something back, with %s on %s; as if a person had applied it: --accept-risk GUARD", held.Text(), plural(held.Held, "night")))
	}
	p.wrapped("note: ", "best of its kind: no other stops as much, loses as little and holds as few. Changes that made no difference are left out")
}
