package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/decide/whatif"
	"lastresort/netblock"
)

func (a *app) explainCommand() *cobra.Command {
	return a.replays(a.prints(&cobra.Command{
		Use:   "explain RANGE",
		Short: "why, or why not: the case of an address, a range or a netblock",
		Long: "Shows the case to which an address, a range or a netblock belongs: the verdict with its rule, the eight questions\n" +
			"with their evidence and what would settle the open ones, the path with what was sent and what is due, danger and\n" +
			"loss by source, the ranges beside the next narrower and wider choice, and what would change the verdict: the\n" +
			"nearest change of one fact or one policy key, each tried by judging the case again.",
		Args: exactly("RANGE"),
		RunE: func(c *cobra.Command, args []string) error {
			where, err := netblock.ParseRange(args[0])
			if err != nil {
				return usage("%v", err)
			}
			policy, err := a.policy()
			if err != nil {
				return err
			}
			now, _, err := a.moment()
			if err != nil {
				return err
			}
			return a.reading(c.Context(), func(s *history.Store) error {
				h, err := a.load(c.Context(), s, now)
				if err != nil {
					return err
				}
				e, err := a.explain(c.Context(), &h, &policy, now, where)
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(e)
				}
				a.page().explanation(e)
				return nil
			})
		},
	}))
}

// explanation is why a range is blocked, or why not.
type explanation struct {
	Range    netblock.Range `json:"range"`
	Netblock string         `json:"netblock"`
	Blocked  []standingJSON `json:"blocked"`
	Limit    string         `json:"limit,omitempty"` // what forbids blocking it
	*decide.Dossier
	Changes []whatif.Change `json:"what_if,omitempty"`
}

// explain gathers the dossier of the case to which a range belongs, and what would change its verdict.
func (a *app) explain(ctx context.Context, h *history.History, p *decide.Policy, now time.Time, where netblock.Range) (explanation, error) {
	key := decide.CaseOf(h, where)
	e := explanation{Range: where, Netblock: key.String(), Blocked: []standingJSON{}, Limit: decide.LimitOn(h, p, now, where)}
	for _, x := range decide.InForce(h, p, now) {
		if x.Range.Overlaps(where) {
			e.Blocked = append(e.Blocked, standingOf(x))
		}
	}
	d, ok := decide.Explain(h, p, now, key)
	if !ok {
		return e, nil
	}
	e.Dossier = &d
	var err error
	e.Changes, err = whatif.Nearest(ctx, h, p, now, &d, a.progress("changes tried"))
	a.progressDone()
	return e, err
}
