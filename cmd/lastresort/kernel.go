package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
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
	until    map[netblock.Range]time.Time // of ranges that wait for confirm: when the kernel lets go of them by itself
	blocks   []history.Block              // all there ever were
}

// known holds every range that was ever ours. What the kernel holds outside of it somebody else put there.
func (i intent) known() netblock.Set {
	var all []netblock.Range
	for _, b := range i.blocks {
		all = append(all, b.Range)
	}
	return netblock.SetOf(all...)
}

func intentOf(h *history.History, p *decide.Policy, now time.Time) intent {
	return intent{standing: decide.InForce(h, p, now), allow: decide.Exempted(h, p, now), blocks: h.Blocks}
}

// goal is an intent as the kernel is to be brought to.
type goal struct {
	wants firewall.Wants
	allow []netblock.Range
}

func (i intent) goal() goal { return goal{i.wants(), i.allow} }

func (i intent) wants() firewall.WantList {
	out := make(firewall.WantList, 0, len(i.standing))
	for _, s := range i.standing {
		w := firewall.Want{Range: s.Range, Until: s.Until}
		if by, waits := i.until[s.Range]; waits && (w.Until.IsZero() || by.Before(w.Until)) {
			w.Until, w.Exact = by, true
		}
		out = append(out, w)
	}
	return out
}

// awaiting is what is to be in force while an apply waits for confirm: what it removes is gone, what it adds is there until
// then, and what gets another end keeps its own.
func awaiting(before, after intent, by time.Time) intent {
	had := map[netblock.Range]decide.Standing{}
	for _, s := range before.standing {
		had[s.Range] = s
	}
	out := intent{allow: after.allow, blocks: after.blocks, until: map[netblock.Range]time.Time{}}
	for _, s := range after.standing {
		if old, ok := had[s.Range]; ok {
			s = old
		} else {
			out.until[s.Range] = by
		}
		out.standing = append(out.standing, s)
	}
	return out
}

// onTrial is what is to be in force while an apply waits for confirm.
func onTrial(h *history.History, p *decide.Policy, trial history.Applied, now time.Time) intent {
	return awaiting(intentOf(h, p, now), intentOf(new(with(*h, trial.Records)), p, now), trial.ConfirmBy)
}

func (a *app) kernel(p *decide.Policy) firewall.Kernel {
	return firewall.Open(firewall.Config{Table: p.Firewall.Table, Mode: firewall.Mode(p.Firewall.Mode), Jitter: time.Duration(p.Firewall.Jitter)})
}

// with returns the history with more records behind its own, which stay as they are.
func with(h history.History, records []history.Record) history.History {
	h.Blocks, h.Releases, h.Holds = slices.Clip(h.Blocks), slices.Clip(h.Releases), slices.Clip(h.Holds)
	h.Protects, h.Answers = slices.Clip(h.Protects), slices.Clip(h.Answers)
	for _, r := range records {
		h.Append(r)
	}
	return h
}

// enforce stores records and brings the kernel to what the history wants with them: both, or neither where the kernel
// refuses. The records are written first and acknowledged last, so that a crash in between leaves a kernel that the next
// apply finds as it wants it. last is what undo goes back on from then on.
func (a *app) enforce(ctx context.Context, s *history.Store, p *decide.Policy, h history.History, records []history.Record, last *history.Applied,
	now time.Time, accepted []string) (firewall.Plan, intent, error) {
	before := func() goal { return intentOf(&h, p, now).goal() }
	want := intentOf(new(with(h, records)), p, now)
	plan, err := a.bring(ctx, s, p, want.goal(), before, records, last, accepted)
	return plan, want, err
}

// bring is enforce for a goal that isn't all of what the history wants. before is what it wants without the records.
func (a *app) bring(ctx context.Context, s *history.Store, p *decide.Policy, want goal, before func() goal, records []history.Record,
	last *history.Applied, accepted []string) (firewall.Plan, error) {
	var plan firewall.Plan
	if err := a.checkClock(ctx, s, p, accepted); err != nil {
		return plan, err
	}
	if err := a.checkLifelines(want, before, accepted); err != nil {
		return plan, err
	}
	applied := false
	err := s.Settle(ctx, records, last, func() (err error) {
		plan, err = a.kernel(p).Apply(ctx, want.wants, want.allow, a.env.now)
		applied = err == nil
		return err
	})
	if err != nil && applied && !plan.Empty() {
		return plan, a.goBack(ctx, s, p, err)
	}
	if err == nil {
		a.mark(ctx, s, p)
	}
	return plan, err
}

// goBack brings the kernel back to what the history wants where a change of it couldn't be stored, for failed.
func (a *app) goBack(ctx context.Context, s *history.Store, p *decide.Policy, failed error) error {
	ctx = context.WithoutCancel(ctx) // it ends a change that has begun
	hint := hintOf(failed)
	if hint == "" {
		hint = "mend what is wrong with the store and run the command again"
	}
	h, err := s.LoadRecords(ctx, time.Time{})
	if err == nil {
		var have firewall.State
		if have, err = a.held(ctx, p); err == nil {
			var want intent
			if want, _, _, err = a.intended(ctx, s, &h, p, have, a.env.now()); err == nil {
				_, err = a.kernel(p).Apply(ctx, want.wants(), want.allow, a.env.now)
			}
		}
	}
	if err != nil {
		return &failure{code: exitFailed, err: fmt.Errorf("%w; the kernel changed, and the history doesn't know it yet", failed), hint: hint}
	}
	return &failure{code: exitFailed, err: fmt.Errorf("%w; the kernel was put back to what the history has", failed), hint: hint}
}

// checkLifelines keeps an operator from cutting off the machine: from the connection over which the command was given and
// those of others, from its gateway and name servers, and its own addresses from each other. What stood before somebody has
// accepted the risk of, and a night that nobody watches mustn't end over it: it is told. Only who is here now is asked about
// at every change.
func (a *app) checkLifelines(want goal, before func() goal, accepted []string) error {
	stood := sync.OnceValue(before)
	for _, x := range firewall.Lifelines(a.env.root, a.env.getenv("SSH_CONNECTION"), a.env.locals()) {
		if slices.Contains(accepted, x.Guard) {
			continue
		}
		r, blocked := firewall.Blocks(want.wants, want.allow, x.Addr)
		if blocked && x.Guard != firewall.SessionGuard {
			was := stood()
			if old, already := firewall.Blocks(was.wants, was.allow, x.Addr); already {
				a.note("%s drops %s, and %s; that stood before", old, x.Addr, x.What)
				continue
			}
		}
		if blocked {
			return refused(fmt.Sprintf("lastresort protect %s --reason \"%s\", or --accept-risk %s", x.Addr, x.What, x.Guard),
				"guard %s: %s would drop %s, and %s; nothing was changed", x.Guard, r, x.Addr, x.What)
		}
	}
	return nil
}

// held reads what the kernel holds.
func (a *app) held(ctx context.Context, p *decide.Policy) (firewall.State, error) {
	return a.kernel(p).Read(ctx)
}
