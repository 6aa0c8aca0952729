package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/decide/whatif"
	"lastresort/netblock"
)

func (a *app) explainCommand() *cobra.Command {
	return a.replays(a.prints(&cobra.Command{
		Use:   "explain RANGE…",
		Short: "why, or why not: the case of an address, a range or a netblock",
		Long: "Shows the case to which an address, a range or a netblock belongs: the verdict with its rule, the eight questions\n" +
			"with their evidence and what would settle the open ones, the path with what was sent and what is due, danger and\n" +
			"loss by source, the ranges beside the next narrower and wider choice, and what would change the verdict: the\n" +
			"nearest change of one fact or one policy key, each tried by judging the case again.\n\n" +
			"A line of the review can be pasted: what follows its case is left alone. With - lines are read from standard\n" +
			"input, each for the case that it begins with.",
		Example: "  lastresort explain 203.0.113.7\n  lastresort review --no-observe | grep path-open | lastresort explain -",
		Args:    atLeastOne("RANGE"),
		RunE: func(c *cobra.Command, args []string) error {
			ranges, err := a.named(args)
			if err != nil {
				return err
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
				records, err := s.LoadRecords(c.Context(), now)
				if err != nil {
					return err
				}
				for i, where := range ranges {
					e, err := a.explain(c.Context(), s, records, &policy, now, where)
					switch {
					case err != nil:
						return err
					case a.json:
						if err := a.printJSON(e); err != nil {
							return err
						}
						continue
					case i > 0:
						a.page().line("\n%s\n", strings.Repeat("─", width))
					}
					a.page().explanation(e)
				}
				return nil
			})
		},
	}))
}

// named returns the ranges that arguments name: each of them, or the first where words follow that are none, as in a pasted
// line; for - those at the beginning of each line of standard input that has one.
func (a *app) named(args []string) ([]netblock.Range, error) {
	var out []netblock.Range
	if len(args) == 1 && args[0] == "-" {
		lines := bufio.NewScanner(a.stdin)
		for lines.Scan() {
			if words := strings.Fields(lines.Text()); len(words) > 0 {
				if r, err := netblock.ParseRange(words[0]); err == nil && !slices.Contains(out, r) {
					out = append(out, r)
				}
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("standard input can't be read: %s", reason(err))
		}
		if len(out) == 0 {
			return nil, usage("no line of standard input begins with a range; expected lines such as the review's")
		}
		return out, nil
	}
	for i, arg := range args {
		r, err := netblock.ParseRange(arg)
		if err != nil && i == 0 {
			return nil, usage("%v", err)
		}
		if err != nil {
			return out[:1], nil
		}
		out = append(out, r)
	}
	return out, nil
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
func (a *app) explain(ctx context.Context, s *history.Store, records history.History, p *decide.Policy, now time.Time, where netblock.Range) (explanation, error) {
	key := decide.CaseOf(&records, where)
	known, err := s.LoadRows(ctx, records, now, netblock.OfPrefix(key), a.progress("records read"))
	a.progressDone()
	if err != nil {
		return explanation{}, err
	}
	h := &known
	e := explanation{Range: where, Netblock: key.String(), Blocked: []standingJSON{}, Limit: decide.LimitOn(h, p, now, where)}
	for _, x := range decide.InForce(h, p, now) {
		if x.Range.Overlaps(where) {
			e.Blocked = append(e.Blocked, standingOf(x))
		}
	}
	if len(e.Blocked) > 0 && a.at == "" {
		a.counted(ctx, p, e.Blocked)
	}
	d, ok := decide.Explain(h, p, now, key)
	if !ok {
		return e, nil
	}
	if p.Range.Budget > 0 {
		a.note("range.budget holds all cases together to %s; a case by itself is shown without it", plural(p.Range.Budget, "range"))
	}
	e.Dossier = &d
	e.Changes, err = whatif.Nearest(ctx, h, p, now, &d, a.progress("changes tried"))
	a.progressDone()
	return e, err
}
