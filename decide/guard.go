package decide

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// Guard is a limit on a whole run that what was decided is past. HeldBack are the cases whose new ranges wait for a person.
type Guard struct {
	Guard    string   `json:"guard"`
	Value    float64  `json:"value"`
	Limit    float64  `json:"limit"`
	HeldBack []string `json:"held_back"`
}

// The guards on a run, as --accept-risk names them.
const (
	GuardLost         = "lost"
	GuardNewRanges    = "new_ranges"
	GuardNewAddresses = "new_addresses"
)

// guard measures all that was decided against the policy's limits and says what is held back.
func (r *Review) guard(n *night) {
	var ranges, addresses float64
	var adding []Case
	for _, c := range r.Cases {
		if len(c.Changed.Add) > 0 {
			adding = append(adding, c)
		}
		for _, s := range c.Changed.Add {
			ranges++
			addresses += s.Range.Units()
		}
	}
	var all []string
	for _, c := range adding {
		all = append(all, c.Netblock.String())
	}
	r.guardLost(n, adding)
	if limit := float64(n.policy.Guard.NewRanges); ranges > limit {
		r.Guards = append(r.Guards, Guard{GuardNewRanges, ranges, limit, all})
	}
	if limit := n.policy.Guard.NewAddresses; addresses > limit {
		r.Guards = append(r.Guards, Guard{GuardNewAddresses, addresses, limit, all})
	}
}

// guardLost holds back the cases that lose most of the known honest traffic until the rest fits.
func (r *Review) guardLost(n *night, adding []Case) {
	total := n.honestTotal()
	if total == 0 {
		return
	}
	share := func(c Case) float64 {
		sum := 0.0
		for _, a := range sortedKeys(c.lost) {
			sum += c.lost[a]
		}
		return sum / total
	}
	sum := 0.0
	for _, c := range adding {
		sum += share(c)
	}
	limit := n.policy.Guard.Lost
	if sum <= limit {
		return
	}
	g := Guard{Guard: GuardLost, Value: sum, Limit: limit}
	byLoss := slices.Clone(adding)
	slices.SortStableFunc(byLoss, func(a, b Case) int { return cmp.Compare(share(b), share(a)) })
	for _, c := range byLoss {
		if sum <= limit || share(c) == 0 {
			break
		}
		sum -= share(c)
		g.HeldBack = append(g.HeldBack, c.Netblock.String())
	}
	slices.SortFunc(g.HeldBack, func(a, b string) int {
		return netip.MustParsePrefix(a).Addr().Compare(netip.MustParsePrefix(b).Addr())
	})
	r.Guards = append(r.Guards, g)
}

func sortedKeys(m map[netip.Addr]float64) []netip.Addr {
	var keys []netip.Addr
	for a := range m {
		keys = append(keys, a)
	}
	slices.SortFunc(keys, netip.Addr.Compare)
	return keys
}

// honestTotal returns the value per day of all known honest traffic, offenders' own left out.
func (n *night) honestTotal() float64 {
	offends := map[netip.Addr]bool{}
	for _, c := range n.cases {
		for _, o := range c.offenders {
			offends[o.addr] = true
		}
	}
	lost := map[netip.Addr]float64{}
	for i := range n.sources.list {
		if src := &n.sources.list[i]; src.quiet && !offends[src.addr] {
			lost[src.addr] = n.honestSource(src).value
		}
	}
	total := 0.0
	for _, a := range sortedKeys(lost) {
		total += lost[a]
	}
	return total
}

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

// InForce returns every range that the history's blocks keep blocked at a moment, less what is protected or held then.
func InForce(h *history.History, p *Policy, now time.Time) []Standing {
	h = upTo(h, now)
	l := newLimits(p, h, now)
	return standing(pieces(h, now), &l, p.Range.Shape)
}

// Exempted returns what must not be blocked at a moment by policy, protect records and holds, for the allow set; ranges
// that are never blocked by nature are left out, for no packet of theirs needs to be let in.
func Exempted(h *history.History, p *Policy, now time.Time) []netblock.Range {
	l := newLimits(p, upTo(h, now), now)
	var out []netblock.Range
	for _, x := range l.reasons {
		if !x.natural {
			out = append(out, x.where)
		}
	}
	return netblock.SetOf(out...).Ranges()
}
