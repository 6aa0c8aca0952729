package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/firewall"
	"lastresort/netblock"
)

// intent is what the history wants in force at a moment.
type intent struct {
	standing []decide.Standing
	allow    []netblock.Range
}

func intentOf(h *history.History, p *decide.Policy, now time.Time) intent {
	return intent{decide.InForce(h, p, now), decide.Exempted(h, p, now)}
}

func (i intent) wants() []firewall.Want {
	out := make([]firewall.Want, 0, len(i.standing))
	for _, s := range i.standing {
		out = append(out, firewall.Want{Range: s.Range, Until: s.Until})
	}
	return out
}

func (a *app) kernel(p *decide.Policy) firewall.Kernel {
	return firewall.Open(firewall.Config{Table: p.Firewall.Table, Mode: firewall.Mode(p.Firewall.Mode), Jitter: time.Duration(p.Firewall.Jitter)})
}

// with returns the history with more records behind its own, which stay as they are.
func with(h history.History, records []history.Record) history.History {
	h.Blocks, h.Releases, h.Holds = slices.Clip(h.Blocks), slices.Clip(h.Releases), slices.Clip(h.Holds)
	h.Protects = slices.Clip(h.Protects)
	for _, r := range records {
		h.Append(r)
	}
	return h
}

// enforce stores records and brings the kernel to what the history wants with them: both, or neither where the kernel
// refuses. The records are written first and acknowledged last, so that a crash in between leaves a kernel that the next
// apply finds as it wants it.
func (a *app) enforce(ctx context.Context, s *history.Store, p *decide.Policy, h history.History, records []history.Record, now time.Time,
	accepted []string) (firewall.Plan, intent, error) {
	want := intentOf(new(with(h, records)), p, now)
	if err := a.checkSession(want, accepted); err != nil {
		return firewall.Plan{}, want, err
	}
	var plan firewall.Plan
	applied := false
	err := s.Add(ctx, records, func() (err error) {
		plan, err = a.kernel(p).Apply(ctx, want.wants(), want.allow, a.env.now)
		applied = err == nil
		return err
	})
	if err != nil && applied && !plan.Empty() {
		return plan, want, &failure{code: exitFailed, err: fmt.Errorf("%w; the kernel changed, and the history doesn't know it yet", err),
			hint: "mend what is wrong with the store and run the command again"}
	}
	return plan, want, err
}

// checkSession keeps an operator from cutting the connection over which the command was given.
func (a *app) checkSession(want intent, accepted []string) error {
	from, ok := firewall.SessionOf(a.env.getenv("SSH_CONNECTION"))
	if !ok || slices.Contains(accepted, firewall.SessionGuard) {
		return nil
	}
	if r, blocked := firewall.Blocks(want.wants(), want.allow, from); blocked {
		return refused(fmt.Sprintf("lastresort protect %s --reason \"we work from there\", or --accept-risk %s", from, firewall.SessionGuard),
			"guard %s: %s would drop %s, from which this session came; nothing was changed", firewall.SessionGuard, r, from)
	}
	return nil
}

// held reads what the kernel holds.
func (a *app) held(ctx context.Context, p *decide.Policy) (firewall.State, error) {
	return a.kernel(p).Read(ctx)
}
