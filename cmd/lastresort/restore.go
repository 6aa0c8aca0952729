package main

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/firewall"
)

// atBoot is how many changes restore prints: all of a long list would only fill the log of the boot.
const atBoot = 20

func (a *app) restoreCommand() *cobra.Command {
	var accepted []string
	c := &cobra.Command{
		Use:   "restore",
		Short: "put the stored blocks back, at boot",
		Long: "Brings the kernel to what the history has in force now, each block with the time that it has left. Proposals wait\n" +
			"for apply, and an apply that nobody confirmed is undone. Meant for boot, before the network is up; a clock that doesn't\n" +
			"know the time yet is taken for the last change's.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			policy, err := a.policy()
			if err != nil {
				return err
			}
			return a.writing(c.Context(), "restore", func(s *history.Store) error { return a.restore(c.Context(), s, &policy, accepted) })
		},
	}
	acceptsRisk(c, &accepted)
	return a.prints(c)
}

// restore puts the stored blocks back. At boot memory is everybody's: of a million blocks no more is kept than it takes.
func (a *app) restore(ctx context.Context, s *history.Store, p *decide.Policy, accepted []string) error {
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	if err := a.catchUp(ctx, s, p, accepted); err != nil {
		return err
	}
	now := a.env.now()
	blocks := decide.Gathering{Now: now}
	h, err := s.StreamBlocks(ctx, now, blocks.Add)
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // what reading left behind
	stands, allow := blocks.InForce(&h, p), decide.Exempted(&h, p, now)
	last, err := a.confirmed(ctx, s)
	if err != nil {
		return err
	}
	// At boot nobody can answer: of what was put in force only the address of a session is looked at again.
	accepted = append(slices.Clone(accepted), firewall.GatewayGuard, firewall.ResolverGuard, firewall.LocalGuard)
	want := goal{packedWants{&stands}, allow}
	plan, err := a.bring(ctx, s, p, want, func() goal { return want }, nil, last, accepted)
	if err != nil {
		return err
	}
	most := atBoot
	if a.json {
		most = plan.Added() + len(plan.Change) + len(plan.Remove)
	}
	shown, err := a.shown(ctx, s, p, &plan, &stands, now)
	if err != nil {
		a.note("the blocks are back, and read back as wanted; why each stands isn't shown: %v", err)
	}
	return a.printFirst(beginningOf(a.kernel(p).Config(), plan, shown, nil, most), atBoot)
}

// packedWants is what stands as the firewall takes it.
type packedWants struct{ *decide.Packed }

// At implements firewall.Wants.
func (w packedWants) At(i int) firewall.Want {
	s := w.Packed.At(i)
	return firewall.Want{Range: s.Range, Until: s.Until}
}

// shown is as much of an intent as it takes to put into words what restore prints of a plan.
func (a *app) shown(ctx context.Context, s *history.Store, p *decide.Policy, plan *firewall.Plan, stands *decide.Packed, now time.Time) (intent, error) {
	if a.json || len(plan.Remove) > 0 {
		h, err := s.LoadRecords(ctx, now)
		return intentOf(&h, p, now), err
	}
	var out intent
	for _, steps := range []func(func(firewall.Step) bool){plan.Adds(), slices.Values(plan.Change)} {
		n := 0
		for x := range steps {
			if n++; n > atBoot {
				break
			}
			stand, found := stands.Of(x.Range)
			if !found {
				continue
			}
			b, err := s.Block(ctx, stand.Record)
			if err != nil {
				return out, err
			}
			stand.Reason = b.Reason
			out.standing = append(out.standing, stand)
		}
	}
	slices.SortFunc(out.standing, func(a, b decide.Standing) int { return a.Range.Compare(b.Range) })
	return out, nil
}
