package main

import (
	"github.com/spf13/cobra"

	"lastresort/decide/history"
	"lastresort/netblock"
)

func (a *app) protectCommand() *cobra.Command {
	var x history.Protect
	var until string
	var lift bool
	var b byHand
	c := &cobra.Command{
		Use:   "protect RANGE",
		Short: "say that a range must never be blocked, or take that back",
		Long: "Records that a range must never be blocked. The next review, apply or unblock keeps to it. --lift takes it back\n" +
			"for the same range.",
		Example: "  lastresort protect 198.51.100.16/28 --reason office",
		Args:    exactly("RANGE"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if x.Range, err = netblock.ParseRange(args[0]); err != nil {
				return usage("%v", err)
			}
			if x.At, err = b.when(a); err != nil {
				return err
			}
			switch {
			case lift && until != "":
				return usage("--lift and --until exclude each other; --lift ends it now")
			case lift:
				x.Until = x.At
			case until != "":
				if x.Until, err = parseTime(until); err != nil {
					return err
				}
			}
			x.By = b.by
			return a.writing(c.Context(), "protect", func(s *history.Store) error { return a.record(c.Context(), s, x) })
		},
	}
	c.Flags().StringVar(&x.Reason, "reason", "", "why")
	c.Flags().StringVar(&until, "until", "", "`TIME` at which it ends (default: never)")
	c.Flags().BoolVar(&lift, "lift", false, "take it back")
	b.flags(c, a, true)
	return a.prints(c)
}
