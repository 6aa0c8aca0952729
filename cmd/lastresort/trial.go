package main

import (
	"context"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/firewall"
	"lastresort/netblock"
)

// trialSlack is how far what the kernel has left of a trial may be from what it was given before it counts as another's.
const trialSlack = time.Minute

// stillWaits tells whether an apply waits for confirm yet. What it added is there or gone by the kernel's clock, which
// nobody sets; ours counts only where it added nothing.
func stillWaits(h *history.History, p *decide.Policy, last history.Applied, have firewall.State, now time.Time) bool {
	if !last.Waits() {
		return false
	}
	trial := onTrial(h, p, last, last.At)
	if len(trial.until) == 0 {
		return !last.Late(now)
	}
	return undone(trial, have) == 0
}

// undone counts the ranges on trial that the kernel has let go of.
func undone(trial intent, have firewall.State) int {
	held := map[netblock.Range]bool{}
	for _, e := range have.Elements {
		held[e.Range] = true
	}
	gone := 0
	for r := range trial.until {
		if !held[r] {
			gone++
		}
	}
	return gone
}

// trialLeft moves the end of a trial to where the kernel's clock has it, and returns when that is. An element whose timeout
// isn't the trial's keeps the end that it should have.
func trialLeft(want *intent, last history.Applied, have firewall.State, now time.Time) time.Time {
	by := last.ConfirmBy
	for _, e := range have.Elements {
		if _, on := want.until[e.Range]; !on || (e.Timeout-last.ConfirmBy.Sub(last.At)).Abs() > trialSlack {
			continue
		}
		end := now.Add(e.Expires)
		want.until[e.Range] = end
		if end.Sub(last.ConfirmBy).Abs() > trialSlack {
			by = end
		}
	}
	return by
}

// intended is what is to be in force now: by the history and, while the last apply waits for confirm, by that, until the
// moment that is returned beside it.
func (a *app) intended(ctx context.Context, s *history.Store, h *history.History, p *decide.Policy, have firewall.State, now time.Time) (intent, history.Applied, bool, error) {
	last, _, err := s.Applied(ctx)
	if err != nil || !stillWaits(h, p, last, have, now) {
		return intentOf(h, p, now), last, false, err
	}
	want := onTrial(h, p, last, now)
	last.ConfirmBy = trialLeft(&want, last, have, now)
	return want, last, true, nil
}
