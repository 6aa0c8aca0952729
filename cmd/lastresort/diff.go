package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
)

func (a *app) diffCommand() *cobra.Command {
	var detailed bool
	c := &cobra.Command{
		Use:   "diff",
		Short: "what apply would change in the kernel",
		Long: "Shows what apply would change: what the last review proposed and what stands, against what the kernel holds now.\n" +
			"  + is added, ~ gets another end, - is removed, ! is spared although it offends.\n" +
			"With --detailed-exitcode the exit status is 3 where they differ.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			policy, err := a.policy()
			if err != nil {
				return err
			}
			return a.reading(c.Context(), func(s *history.Store) error { return a.diff(c.Context(), s, &policy, detailed) })
		},
	}
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit 3 where the kernel would change")
	return a.prints(c)
}

func (a *app) diff(ctx context.Context, s *history.Store, policy *decide.Policy, detailed bool) error {
	now := a.env.now()
	n, err := a.tonight(ctx, s, now, nil)
	if err != nil {
		return err
	}
	have, err := a.held(ctx, policy)
	if err != nil {
		return err
	}
	want := intentOf(new(with(n.history, n.records)), policy, now)
	cfg := a.kernel(policy).Config()
	plan, err := cfg.Diff(have, want.wants(), want.allow, now)
	if err != nil {
		return err
	}
	d := differenceOf(cfg, plan, want, n.proposal.Exempt)
	d.Held = n.held
	if last, _, err := s.Applied(ctx); err != nil {
		return err
	} else if last.Waits() && !last.Late(now) {
		a.note("the apply of %s waits for confirm until %s", clock(last.At), deadline(last.ConfirmBy))
	}
	if a.json {
		err = a.printJSON(d)
	} else {
		a.page().difference(d, len(d.Changes))
	}
	if err == nil && detailed && !plan.Empty() {
		return &failure{code: exitPending}
	}
	return err
}

// night is what apply starts from: the history, and what the last review proposed on top of it.
type night struct {
	history  history.History
	proposal history.Proposal
	records  []history.Record // of the proposal, those that may be applied
	held     []guarded        // the others
}

// tonight reads the history and the last proposal. Guards named in accepted keep nothing back.
func (a *app) tonight(ctx context.Context, s *history.Store, now time.Time, accepted []string) (night, error) {
	var n night
	var err error
	if n.history, err = s.LoadRecords(ctx, time.Time{}); err != nil {
		return n, err
	}
	if n.proposal, _, err = s.Proposal(ctx); err != nil {
		return n, err
	}
	if age := now.Sub(n.proposal.At); !n.proposal.At.IsZero() && age > staleReview && len(n.proposal.Records) > 0 {
		a.note("the last review is of %s; run lastresort review for one of now", clock(n.proposal.At))
	}
	for _, p := range n.proposal.Records {
		var guards []string
		for _, g := range p.HeldBy {
			if !slices.Contains(accepted, g) {
				guards = append(guards, g)
			}
		}
		if b, ok := p.Record.(history.Block); ok && len(guards) > 0 {
			n.held = append(n.held, guarded{b.Range, guards})
			continue
		}
		n.records = append(n.records, p.Record)
	}
	return n, nil
}

// staleReview is the age at which a proposal is told to be old; with a review a night it is younger.
const staleReview = 36 * time.Hour
