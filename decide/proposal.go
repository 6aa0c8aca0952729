package decide

import (
	"slices"

	"lastresort/decide/history"
)

// Proposal is what a review wants recorded when it is applied.
type Proposal struct {
	Blocks   []history.Block
	Releases []history.Release
	HeldBack map[string][]string // cases by guard
}

// Proposed returns the records that the review becomes when it is applied, held-back cases left out unless their guard is
// among the accepted risks. Releases are never held back.
func (r *Review) Proposed(accepted []string) Proposal {
	p := Proposal{HeldBack: map[string][]string{}}
	held := map[string]bool{}
	for _, g := range r.Guards {
		if slices.Contains(accepted, g.Guard) {
			continue
		}
		p.HeldBack[g.Guard] = g.HeldBack
		for _, c := range g.HeldBack {
			held[c] = true
		}
	}
	for _, c := range r.Cases {
		p.Releases = append(p.Releases, c.Notice...)
		changed := c.Changed.Change
		if !held[c.Netblock.String()] {
			changed = append(slices.Clone(c.Changed.Add), changed...)
			slices.SortFunc(changed, func(a, b Standing) int { return a.Range.Compare(b.Range) })
		}
		for _, s := range changed {
			p.Blocks = append(p.Blocks, history.Block{Range: s.Range, From: r.At, Until: s.Until, Case: c.Netblock, By: "review", Reason: c.Reason()})
		}
		if c.Verdict == Release {
			for _, x := range c.Changed.Remove {
				p.Releases = append(p.Releases, history.Release{Range: x, At: r.At, By: c.by, Reason: c.Reason()})
			}
		}
	}
	return p
}

// Reason is a case's rule and evidence on one line.
func (c *Case) Reason() string { return string(c.Rule) + ": " + c.Evidence }
