package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

// How long an apply may wait for confirm.
const (
	shortestTrial = 2 * time.Second
	longestTrial  = 24 * time.Hour
)

// confirmTime reads --confirm-within; zero where it isn't given.
func confirmTime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := decide.ParseDuration(text)
	if err != nil {
		return 0, usage("--confirm-within: %v", err)
	}
	if time.Duration(d) < shortestTrial || time.Duration(d) > longestTrial {
		return 0, usage("--confirm-within is %s; expected 2s to 1d", d)
	}
	return time.Duration(d), nil
}

// nothingWaits refuses an apply beside one that still waits for confirm. It returns the last apply that was confirmed.
func (a *app) nothingWaits(ctx context.Context, s *history.Store, h *history.History, policy *decide.Policy, now time.Time) (*history.Applied, error) {
	last, ok, err := s.Applied(ctx)
	switch {
	case err != nil || !ok:
		return nil, err
	case last.Waits():
		have, err := a.held(ctx, policy)
		if err != nil {
			return nil, err
		}
		if !stillWaits(h, policy, last, have, now) {
			return nil, nil
		}
		return nil, &failure{code: exitFailed, err: fmt.Errorf("an apply waits for confirm until %s; nothing was changed", deadline(last.ConfirmBy)),
			hint: "lastresort confirm, or lastresort undo"}
	}
	return &last, nil
}

// confirmed returns the last apply, if it waits for nothing. One that waits is given up, and told.
func (a *app) confirmed(ctx context.Context, s *history.Store) (*history.Applied, error) {
	last, ok, err := s.Applied(ctx)
	switch {
	case err != nil || !ok:
		return nil, err
	case last.Waits():
		a.note("the apply of %s was not confirmed and is undone; lastresort apply puts it in force", clock(last.At))
		return nil, nil
	}
	return &last, nil
}

// unknown returns the records that a history doesn't have.
func unknown(h *history.History, records []history.Record) []history.Record {
	if len(records) == 0 {
		return nil
	}
	known := map[string]bool{}
	for _, b := range h.Blocks {
		known[string(history.Encode(b))] = true
	}
	for _, r := range h.Releases {
		known[string(history.Encode(r))] = true
	}
	var out []history.Record
	for _, r := range records {
		if !known[string(history.Encode(r))] {
			out = append(out, r)
		}
	}
	return out
}

// deadline prints by when an apply has to be confirmed, to the second.
func deadline(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func (a *app) confirmCommand() *cobra.Command {
	var accepted []string
	c := &cobra.Command{
		Use:   "confirm",
		Short: "keep what apply --confirm-within put in force",
		Long: "Keeps what the last apply --confirm-within put in force: each range gets its real end, and the decisions become\n" +
			"part of the history. Where the kernel has undone it already, nothing is changed.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			policy, err := a.policy()
			if err != nil {
				return err
			}
			return a.writing(c.Context(), "confirm", func(s *history.Store) error { return a.confirm(c.Context(), s, &policy, accepted) })
		},
	}
	acceptsRisk(c, &accepted)
	return a.prints(c)
}

func (a *app) confirm(ctx context.Context, s *history.Store, policy *decide.Policy, accepted []string) error {
	now := a.env.now()
	last, ok, err := s.Applied(ctx)
	if err != nil {
		return err
	}
	if !ok || !last.Waits() {
		return &failure{code: exitFailed, err: fmt.Errorf("no apply waits for confirm; nothing was changed"), hint: "lastresort apply --confirm-within 5m makes one"}
	}
	h, err := s.LoadRecords(ctx, time.Time{})
	if err != nil {
		return err
	}
	trial := onTrial(&h, policy, last, last.At)
	have, err := a.held(ctx, policy)
	if err != nil {
		return err
	}
	if !stillWaits(&h, policy, last, have, now) {
		gone, how := plural(undone(trial, have), "range"), "ran out"
		if !last.Late(now) {
			how = "ended before that"
		}
		return &failure{code: exitFailed, err: fmt.Errorf("too late: the apply of %s was to be confirmed by %s, and of it %s %s; nothing was changed",
			clock(last.At), deadline(last.ConfirmBy), gone, how), hint: "lastresort apply puts it in force again, lastresort undo puts back what it removed"}
	}
	kept := history.Applied{At: last.At, Records: last.Records}
	plan, want, err := a.enforce(ctx, s, policy, h, last.Records, &kept, now, accepted)
	if err != nil {
		return err
	}
	return a.printApplied(differenceOf(a.kernel(policy).Config(), plan, want, nil))
}

func (a *app) undoCommand() *cobra.Command {
	var by, reason string
	var accepted []string
	c := &cobra.Command{
		Use:   "undo",
		Short: "go back to before the last apply",
		Long: "Goes back to before the last apply: what it added is released, what it removed or gave another end is as it was.\n" +
			"The history keeps both. The next review judges anew, and may propose the same again; unblock keeps a range out.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			policy, err := a.policy()
			if err != nil {
				return err
			}
			return a.writing(c.Context(), "undo", func(s *history.Store) error { return a.undo(c.Context(), s, &policy, by, reason, accepted) })
		},
	}
	acceptsRisk(c, &accepted)
	c.Flags().StringVar(&by, "by", a.operator(), "who says so")
	c.Flags().StringVar(&reason, "reason", "", "why")
	return a.prints(c)
}

func (a *app) undo(ctx context.Context, s *history.Store, policy *decide.Policy, by, reason string, accepted []string) error {
	if err := a.catchUp(ctx, s, policy, accepted); err != nil {
		return err
	}
	now := a.env.now().UTC().Truncate(time.Second)
	last, ok, err := s.Applied(ctx)
	if err != nil {
		return err
	}
	for _, r := range last.Records { // by a clock that goes back a little, what begins later would outlive its release
		if known := r.Known().UTC(); known.After(now) {
			now = known
		}
	}
	if !ok {
		return &failure{code: exitFailed, err: fmt.Errorf("no apply to go back on; nothing was changed"), hint: "lastresort unblock lets one range in"}
	}
	h, err := s.LoadRecords(ctx, time.Time{})
	if err != nil {
		return err
	}
	var records []history.Record
	if !last.Waits() {
		records = goingBack(&h, policy, last, now, by, reason)
	}
	plan, want, err := a.enforce(ctx, s, policy, h, records, nil, later(now.Add(momentLater), a.env.now()), accepted)
	if err != nil {
		return err
	}
	return a.printApplied(differenceOf(a.kernel(policy).Config(), plan, want, nil))
}

// momentLater keeps what is blocked again apart from what is released: a release ends what begins at its own moment.
const momentLater = time.Millisecond

// goingBack returns the records after which the history wants in force what it would without those of an apply: what is
// only there by it is released, what was there before it is blocked again until its old end.
func goingBack(h *history.History, p *decide.Policy, last history.Applied, now time.Time, by, reason string) []history.Record {
	why := "undo of the apply of " + clock(last.At)
	if reason != "" {
		why += ": " + reason
	}
	without := *h
	mine := map[history.Record]bool{}
	for _, r := range last.Records {
		mine[r] = true
	}
	without.Blocks = slices.DeleteFunc(slices.Clone(h.Blocks), func(b history.Block) bool { return mine[b] })
	without.Releases = slices.DeleteFunc(slices.Clone(h.Releases), func(r history.Release) bool { return mine[r] })
	before, after := decide.InForce(&without, p, now), decide.InForce(h, p, now)
	type end struct {
		where netblock.Range
		until time.Time
	}
	had, has := map[end]bool{}, map[end]bool{}
	for _, s := range before {
		had[end{s.Range, s.Until.UTC()}] = true
	}
	var out []history.Record
	for _, s := range after {
		has[end{s.Range, s.Until.UTC()}] = true
		if !had[end{s.Range, s.Until.UTC()}] {
			out = append(out, history.Release{Range: s.Range, At: now, By: by, Reason: why})
		}
	}
	for _, s := range before {
		if !has[end{s.Range, s.Until.UTC()}] {
			out = append(out, history.Block{Range: s.Range, From: now.Add(momentLater), Until: s.Until, Case: s.Case, By: by, Reason: why})
		}
	}
	return out
}
