package decide

import (
	"cmp"
	"net/netip"
	"slices"
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

// guard measures all that was decided against the policy's limits and says what is held back. honest returns the value per
// day of all known honest traffic, offenders' own left out.
func (r *Review) guard(p *Policy, honest func() float64) {
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
	r.guardLost(p, adding, honest)
	if limit := float64(p.Guard.NewRanges); ranges > limit {
		r.Guards = append(r.Guards, Guard{GuardNewRanges, ranges, limit, all})
	}
	if limit := p.Guard.NewAddresses; addresses > limit {
		r.Guards = append(r.Guards, Guard{GuardNewAddresses, addresses, limit, all})
	}
}

// guardLost holds back the cases that lose most of the known honest traffic until the rest fits.
func (r *Review) guardLost(p *Policy, adding []Case, honest func() float64) {
	if !slices.ContainsFunc(adding, func(c Case) bool { return c.lost > 0 }) {
		return
	}
	total, limit := honest(), p.Guard.Lost
	held := make([]bool, len(adding))
	share := func() float64 {
		sum := 0.0
		for i, c := range adding {
			if !held[i] {
				sum += c.lost
			}
		}
		return sum / total
	}
	g := Guard{Guard: GuardLost, Value: share(), Limit: limit}
	if fits(g.Value, limit) {
		return
	}
	byLoss := make([]int, len(adding))
	for i := range byLoss {
		byLoss[i] = i
	}
	slices.SortStableFunc(byLoss, func(a, b int) int { return cmp.Compare(adding[b].lost, adding[a].lost) })
	for _, i := range byLoss {
		if fits(share(), limit) {
			break
		}
		held[i] = true
	}
	for i, c := range adding {
		if held[i] {
			g.HeldBack = append(g.HeldBack, c.Netblock.String())
		}
	}
	r.Guards = append(r.Guards, g)
}

// fits tells whether a share is within a limit; sums of shares that are the same on paper differ by less than 1e-9.
func fits(share, limit float64) bool { return share <= limit+1e-9 }

// honestValue returns the value per day of the known honest traffic that comes from sources that fit, offenders' own left
// out.
func (n *night) honestValue(from func(netip.Addr) bool) float64 {
	offends := map[netip.Addr]bool{}
	for _, c := range n.cases {
		for _, o := range c.offenders {
			offends[o.addr] = true
		}
	}
	total := 0.0
	for i := range n.sources {
		if src := &n.sources[i]; src.quiet && !offends[src.addr] && from(src.addr) {
			total += n.honestSource(src).value
		}
	}
	return total
}

// honestTotal returns the value per day of all known honest traffic, offenders' own left out.
func (n *night) honestTotal() float64 {
	return n.honestValue(func(netip.Addr) bool { return true })
}
