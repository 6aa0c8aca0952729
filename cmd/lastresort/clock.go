package main

import (
	"context"
	"slices"
	"time"

	"lastresort/decide/history"
)

// clockGuard keeps a clock that went back from ending what was decided after the time that it shows.
const clockGuard = "clock"

// clockSlack is how far behind the last change a clock may be that is being set right little by little.
const clockSlack = time.Minute

// behind tells how far the clock is behind the last change of the kernel, and when that was; zero where it isn't.
func (a *app) behind(ctx context.Context, s *history.Store) (time.Duration, time.Time, error) {
	var last kernelMark
	known, err := s.Mark(ctx, &last)
	if err != nil || !known {
		return 0, last.At, err
	}
	gap := last.At.Sub(a.env.now())
	if gap <= clockSlack {
		gap = 0
	}
	return gap, last.At, nil
}

// checkClock refuses a change by a clock that is behind the last one: what was decided since would not be in force yet.
func (a *app) checkClock(ctx context.Context, s *history.Store, accepted []string) error {
	gap, last, err := a.behind(ctx, s)
	if err != nil || gap == 0 || slices.Contains(accepted, clockGuard) {
		return err
	}
	return refused("set the clock and run it again, or --accept-risk clock if it was the last change's that was wrong",
		"guard %s: the clock says %s, and the kernel was last changed at %s; nothing was changed", clockGuard, clock(a.env.now()), clock(last))
}

// catchUp moves a clock that is behind the last change there, and tells: at boot a machine may not know the time yet, and its
// blocks can't wait for that.
func (a *app) catchUp(ctx context.Context, s *history.Store, accepted []string) error {
	gap, last, err := a.behind(ctx, s)
	if err != nil || gap == 0 || slices.Contains(accepted, clockGuard) {
		return err
	}
	now := a.env.now
	a.note("the clock says %s, before the last change of %s: each block gets the time that it had left then", clock(now()), clock(last))
	a.env.now = func() time.Time { return now().Add(gap) }
	return nil
}
