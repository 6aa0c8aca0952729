package main

import (
	"bufio"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/firewall"
)

// risks are the guards that a person may accept the risk of.
var risks = slices.Concat(replayedRisks, []string{firewall.SessionGuard, firewall.GatewayGuard, firewall.ResolverGuard, firewall.LocalGuard, clockGuard})

// acceptsRisk gives a command the flag --accept-risk, and checks it before the command runs.
func acceptsRisk(c *cobra.Command, accepted *[]string) {
	c.PreRunE = func(*cobra.Command, []string) error { return checkRisks(*accepted) }
	c.Flags().StringArrayVar(accepted, "accept-risk", nil, "apply what `GUARD` keeps back: "+strings.Join(risks, ", "))
}

func checkRisks(accepted []string) error {
	for _, g := range accepted {
		if !slices.Contains(risks, g) {
			return usage("--accept-risk %q is no guard; expected one of %s", g, strings.Join(risks, " "))
		}
	}
	return nil
}

func (a *app) applyCommand() *cobra.Command {
	var accepted []string
	var within string
	c := &cobra.Command{
		Use:   "apply",
		Short: "put in force what diff shows",
		Long: "Puts in force what the last review proposed, and whatever else stands and the kernel lacks: in one transaction (or\n" +
			"as many as diff says), then read back and compared. The decisions become block and release records of the history. What a guard keeps back\n" +
			"is left out and told, with exit status 4.\n\n" +
			"With --confirm-within what is new goes on a timeout of the kernel's: without lastresort confirm in that time it is\n" +
			"gone by itself, even if this program, the session or the machine is. Nothing becomes part of the history before.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			length, err := confirmTime(within)
			if err != nil {
				return err
			}
			policy, err := a.policy()
			if err != nil {
				return err
			}
			return a.writing(c.Context(), "apply", func(s *history.Store) error { return a.apply(c.Context(), s, &policy, accepted, length) })
		},
	}
	acceptsRisk(c, &accepted)
	c.Flags().StringVar(&within, "confirm-within", "", "undo what is new after this `TIME`, such as 5m, unless confirmed")
	return a.prints(c)
}

// apply puts what was proposed in force. within is how long it waits for confirm, zero for not at all.
func (a *app) apply(ctx context.Context, s *history.Store, policy *decide.Policy, accepted []string, within time.Duration) error {
	now := a.env.now()
	n, err := a.tonight(ctx, s, now, accepted)
	if err != nil {
		return err
	}
	last, err := a.nothingWaits(ctx, s, &n.history, policy, now)
	if err != nil {
		return err
	}
	fresh := unknown(&n.history, n.records)
	trial := within > 0 && len(fresh) > 0
	if len(fresh) > 0 {
		last = &history.Applied{At: now, Records: fresh}
	}
	var plan firewall.Plan
	var want intent
	if trial {
		// A crash before it is on record leaves ranges that nobody can confirm, and that the kernel lets go of by itself.
		last.ConfirmBy = now.Add(within)
		before := func() goal { return intentOf(&n.history, policy, now).goal() }
		want = onTrial(&n.history, policy, *last, now)
		plan, err = a.bring(ctx, s, policy, want.goal(), before, nil, last, accepted)
	} else {
		plan, want, err = a.enforce(ctx, s, policy, n.history, fresh, last, now, accepted)
	}
	switch {
	case err != nil:
		return err
	case trial:
		a.note("lastresort confirm keeps it; without that by %s what is new is gone by itself", deadline(last.ConfirmBy))
	case within > 0:
		a.note("the last review proposes nothing new, so there is nothing to confirm")
	}
	d := differenceOf(a.kernel(policy).Config(), plan, want, n.proposal.Exempt)
	d.Held = n.held
	if err := a.printApplied(d); err != nil {
		return err
	}
	if len(n.held) == 0 {
		return nil
	}
	var guards []string
	for _, h := range n.held {
		guards = append(guards, h.Guards...)
	}
	slices.Sort(guards)
	guards = slices.Compact(guards)
	return refused("look at lastresort review, then lastresort apply --accept-risk "+strings.Join(guards, " --accept-risk "),
		"guard %s holds back %s; everything else was applied", strings.Join(guards, " and "), plural(len(n.held), "new range"))
}

func (a *app) printApplied(d difference) error { return a.printFirst(d, len(d.Changes)) }

// printFirst prints what was applied, of its changes at most so many.
func (a *app) printFirst(d difference, most int) error {
	if a.json {
		return a.printJSON(d)
	}
	p := a.page()
	w := bufio.NewWriterSize(p.w, 1<<16)
	p.w = w
	p.difference(d, most)
	if d.Build || d.Add+d.Change+d.Remove+d.Allow[0]+d.Allow[1] > 0 {
		p.line("applied, read back, and as wanted")
	} else {
		p.line("nothing to do: the kernel holds what is wanted")
	}
	return w.Flush()
}

// hintOf returns the way out of an error that knows one, for the hint: line.
func hintOf(err error) string {
	var store *history.StoreError
	if errors.As(err, &store) {
		return store.Hint
	}
	var kernel *firewall.Error
	if errors.As(err, &kernel) {
		return kernel.Hint
	}
	return ""
}
