package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

func (a *app) blockCommand() *cobra.Command {
	var x history.Block
	var length string
	var forGood bool
	var accepted []string
	c := &cobra.Command{
		Use:   "block RANGE --for DURATION --reason WHY",
		Short: "block a range by hand, through the same guards",
		Long: "Blocks a range at once, in the kernel and in the history, through the guards that hold for every block: nothing\n" +
			"protected or on hold, within one netblock, no wider than the policy allows.",
		Example: "  lastresort block 203.0.113.16/29 --for 7d --reason \"login attempts since yesterday\"",
		Args:    exactly("RANGE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := netblock.ParseRange(args[0])
			if err != nil {
				return usage("%v", err)
			}
			x.Range, x.From = r, a.env.now().UTC().Truncate(time.Second)
			switch {
			case x.Reason == "":
				return usage("--reason is missing; expected why %s is blocked", r)
			case forGood == (length != ""):
				return usage("expected either --for, such as --for 7d, or --permanent")
			case !forGood:
				d, err := decide.ParseDuration(length)
				if err != nil {
					return usage("--for: %v", err)
				}
				x.Until = x.From.Add(time.Duration(d))
			}
			policy, err := a.policy()
			if err != nil {
				return err
			}
			return a.writing(c.Context(), "block", func(s *history.Store) error { return a.block(c.Context(), s, &policy, x, accepted) })
		},
	}
	c.Flags().StringVar(&length, "for", "", "how long, such as `7d`")
	c.Flags().BoolVar(&forGood, "permanent", false, "for good; tell nobody")
	c.Flags().StringVar(&x.Reason, "reason", "", "why")
	c.Flags().StringVar(&x.By, "by", a.operator(), "who says so")
	acceptsRisk(c, &accepted)
	return a.prints(c)
}

func (a *app) block(ctx context.Context, s *history.Store, policy *decide.Policy, x history.Block, accepted []string) error {
	h, err := a.load(ctx, s, time.Time{})
	if err != nil {
		return err
	}
	now := a.env.now().UTC()
	for _, r := range h.Releases { // one ends what begins at its own moment, also what was only now decided
		if r.Range.Overlaps(x.Range) && !r.At.Before(x.From) && !r.At.After(now) {
			x.From = r.At.UTC().Add(momentLater)
		}
	}
	key, refusals := decide.CheckBlock(&h, policy, x.From, x.Range)
	for _, r := range refusals {
		if r.Risk && slices.Contains(accepted, r.Guard) {
			continue
		}
		way := r.Way
		if r.Risk {
			way = "if that is meant: --accept-risk " + r.Guard
		}
		return refused(way, "guard %s: %s; nothing was changed", r.Guard, r.Why)
	}
	x.Case = key
	last, err := a.confirmed(ctx, s)
	if err != nil {
		return err
	}
	plan, want, err := a.enforce(ctx, s, policy, h, []history.Record{x}, last, later(x.From, now), accepted)
	if err != nil {
		return err
	}
	return a.printApplied(differenceOf(a.kernel(policy).Config(), plan, want, nil))
}

func (a *app) unblockCommand() *cobra.Command {
	var hold, reason, by string
	var none, lift bool
	var accepted []string
	c := &cobra.Command{
		Use:   "unblock RANGE… --reason WHY",
		Short: "let a range in at once, and keep it from being blocked again",
		Long: "Lets ranges in at once, in the kernel and in the history. What is blocked around a range stays blocked: a piece may\n" +
			"be cut out of a block. A hold keeps the next review from blocking it again; --no-hold leaves that to the review,\n" +
			"and --lift-hold takes a hold back.",
		Example: "  lastresort unblock 203.0.113.20 --reason \"a customer of ours\"",
		Args:    atLeastOne("RANGE"),
		RunE: func(c *cobra.Command, args []string) error {
			var ranges []netblock.Range
			for _, text := range args {
				r, err := netblock.ParseRange(text)
				if err != nil {
					return usage("%v", err)
				}
				ranges = append(ranges, r)
			}
			length, err := decide.ParseDuration(hold)
			switch {
			case reason == "":
				return usage("--reason is missing; expected why %s is let in", strings.Join(args, ", "))
			case err != nil:
				return usage("--hold: %v", err)
			case none && lift || (none || lift) && c.Flags().Changed("hold"):
				return usage("--hold, --no-hold and --lift-hold exclude each other")
			}
			now := a.env.now().UTC().Truncate(time.Second)
			u := unblocking{ranges, now, now.Add(time.Duration(length)), by, reason, none, lift}
			policy, err := a.policy()
			if err != nil {
				return err
			}
			return a.writing(c.Context(), "unblock", func(s *history.Store) error { return a.unblock(c.Context(), s, &policy, u, accepted) })
		},
	}
	c.Flags().StringVar(&hold, "hold", "30d", "how long it must not be blocked again")
	acceptsRisk(c, &accepted)
	c.Flags().BoolVar(&none, "no-hold", false, "let the next review decide")
	c.Flags().BoolVar(&lift, "lift-hold", false, "take back a hold on the same range; nothing is unblocked")
	c.Flags().StringVar(&reason, "reason", "", "why")
	c.Flags().StringVar(&by, "by", a.operator(), "who says so")
	return a.prints(c)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// unblocking is what unblock was asked to do.
type unblocking struct {
	ranges     []netblock.Range
	now, until time.Time
	by, reason string
	noHold     bool
	lift       bool
}

func (a *app) unblock(ctx context.Context, s *history.Store, policy *decide.Policy, u unblocking, accepted []string) error {
	h, err := s.LoadRecords(ctx, time.Time{})
	if err != nil {
		return err
	}
	last, err := a.confirmed(ctx, s)
	if err != nil {
		return err
	}
	now := a.env.now().UTC()
	for _, b := range h.Blocks { // a release from before its beginning wouldn't end it
		if b.From.After(u.now) && !b.From.After(now) {
			u.now = b.From.UTC()
		}
	}
	standing := decide.InForce(&h, policy, u.now)
	var records []history.Record
	for _, r := range u.ranges {
		if u.lift {
			if !slices.ContainsFunc(h.Holds, func(x history.Hold) bool { return x.Range == r }) {
				return usage("%s has no hold on record; expected the range of one", r)
			}
			records = append(records, history.Hold{Range: r, Until: u.now, At: u.now, By: u.by, Reason: u.reason})
			continue
		}
		if slices.ContainsFunc(standing, func(x decide.Standing) bool { return x.Range.Overlaps(r) }) {
			records = append(records, history.Release{Range: r, At: u.now, By: u.by, Reason: u.reason})
		} else {
			a.note("%s is not blocked", r)
		}
		if !u.noHold {
			records = append(records, history.Hold{Range: r, Until: u.until, At: u.now, By: u.by, Reason: u.reason})
		}
	}
	plan, want, err := a.enforce(ctx, s, policy, h, records, last, later(u.now, now), accepted)
	if err != nil {
		return err
	}
	if err := a.printApplied(differenceOf(a.kernel(policy).Config(), plan, want, nil)); err != nil || u.noHold || u.lift || a.json {
		return err
	}
	a.page().line("%s", fmt.Sprintf("on hold until %s: %s", clock(u.until), few(rangeTexts(u.ranges), 6)))
	return nil
}
