package main

import (
	"context"
	"slices"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
)

// clockGuard keeps a clock that went back from ending what was decided after the time that it shows.
const clockGuard = "clock"

// clockSlack is how far behind the last change a clock may be that is being set right little by little.
const clockSlack = time.Minute

// behind tells how far the clock is behind the last change of the kernel, and when that was, where something stood then that
// by the clock hasn't begun yet; zero where the clock hides nothing.
func (a *app) behind(ctx context.Context, s *history.Store, p *decide.Policy) (time.Duration, time.Time, error) {
	var last kernelMark
	now := a.env.now()
	known, err := s.Mark(ctx, &last)
	gap := last.At.Sub(now)
	if err != nil || !known || gap <= clockSlack {
		return 0, last.At, err
	}
	h, err := s.LoadRecords(ctx, last.At)
	if err != nil || !slices.ContainsFunc(decide.InForce(&h, p, last.At), func(x decide.Standing) bool { return x.From.After(now) }) {
		return 0, last.At, err
	}
	return gap, last.At, nil
}

// checkClock refuses a change by a clock that is behind the last one: what was decided since would end.
func (a *app) checkClock(ctx context.Context, s *history.Store, p *decide.Policy, accepted []string) error {
	gap, last, err := a.behind(ctx, s, p)
	if err != nil || gap == 0 || slices.Contains(accepted, clockGuard) {
		return err
	}
	return refused("set the clock and run it again, or --accept-risk clock if it was the last change's that was wrong",
		"guard %s: the clock says %s, and the kernel was last changed at %s; nothing was changed", clockGuard, clock(a.env.now()), clock(last))
}

// catchUp moves a clock that is behind the last change there, and tells: at boot a machine may not know the time yet, and its
// blocks can't wait for that.
func (a *app) catchUp(ctx context.Context, s *history.Store, p *decide.Policy, accepted []string) error {
	gap, last, err := a.behind(ctx, s, p)
	if err != nil || gap == 0 || slices.Contains(accepted, clockGuard) {
		return err
	}
	now := a.env.now
	a.note("the clock says %s, before the last change of %s: each block gets the time that it had left then", clock(now()), clock(last))
	a.env.now = func() time.Time { return now().Add(gap) }
	return nil
}
