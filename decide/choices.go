package decide

import (
	"math"
	"net/netip"
	"slices"

	"lastresort/netblock"
)

// Choice is one way to choose the ranges of a case, and what it costs a day.
type Choice struct {
	What      string           `json:"what"` // chosen, narrower or wider
	Ranges    []netblock.Range `json:"ranges"`
	Cost      float64          `json:"cost_per_day"`
	Loss      float64          `json:"loss_per_day"`
	Endured   float64          `json:"danger_left_per_day"`
	Gain      float64          `json:"neighbours_per_day"` // what the unseen in it are expected to do
	Addresses float64          `json:"addresses"`
	Why       string           `json:"why"` // it is, or isn't, chosen
}

// The choices.
const (
	Chosen   = "chosen"
	Narrower = "narrower"
	Wider    = "wider"
)

// mostWidened bounds how many of a case's ranges are tried one bit wider.
const mostWidened = 256

// choices compares the ranges of a decision, or those that would be chosen, with the next narrower and the next wider
// ones. Narrower is the best choice whose ranges are all narrower than the widest one chosen or, where each is a single
// address, without the least dangerous one; wider is the cheapest way to widen one range by a bit.
func (j *judge) choices(d *decision) []Choice {
	out := []Choice{}
	if len(d.cover.Ranges) == 0 {
		return out
	}
	p := j.priced(d)
	chosen := j.choice(Chosen, p, d.cover.Ranges)
	out = append(out, chosen)
	if narrow, ok := narrower(p, d.cover.Ranges); ok {
		out = append(out, j.choice(Narrower, p, narrow))
	}
	if wide, ok := j.cheapestWider(p, d.cover.Ranges); ok {
		out = append(out, j.choice(Wider, p, wide))
	}
	for i := range out {
		out[i].Why = why(&out[i], &chosen, d)
		if out[i].What == Wider && slices.ContainsFunc(out[i].Ranges, func(r netblock.Range) bool { return r.Units() > j.n.widestUnits(j.c.key) && p.Widest > 0 }) {
			out[i].Why = "wider than the policy's widest range"
		}
	}
	return out
}

func (j *judge) choice(what string, p netblock.Problem, ranges []netblock.Range) Choice {
	s := p.Price(ranges)
	c := Choice{What: what, Ranges: slices.Clone(ranges), Cost: s.Cost, Loss: s.Loss}
	in := netblock.SetOf(ranges...)
	for _, x := range p.Points {
		if x.Named && !in.Overlaps(netblock.UnitRange(x.Addr)) {
			c.Endured += x.Danger
		}
	}
	for _, r := range ranges {
		c.Addresses += r.Units()
	}
	if gain := c.Loss + c.Endured + p.EntryCost*float64(len(ranges)) - c.Cost; gain > 1e-9 {
		c.Gain = gain
	}
	return c
}

// why says why a choice is the one, or isn't.
func why(c, chosen *Choice, d *decision) string {
	switch {
	case c.What == Chosen && d.rule == RuleInForce:
		return "as it was chosen when it began"
	case c.What == Chosen && d.verdict != BlockVerdict:
		return "what would be blocked"
	case c.What == Chosen && c.Gain > 0:
		return "costs least; neighbours of so many offenders are likely to be next"
	case c.What == Chosen:
		return "costs least"
	case c.Cost < chosen.Cost-1e-9*max(1, math.Abs(chosen.Cost)):
		return "would cost less by now"
	case c.What == Narrower && c.Endured > chosen.Endured:
		return "leaves more danger than it spares"
	case c.What == Narrower:
		return "spares less than the entries and neighbours are worth"
	case c.Loss-chosen.Loss > c.Gain-chosen.Gain:
		return "loses more than the neighbours in it are worth"
	}
	return "is no cheaper, and wider"
}

// narrower returns the best choice of ranges that are all narrower than the widest of some, or without the least
// dangerous where all are single addresses.
func narrower(p netblock.Problem, ranges []netblock.Range) ([]netblock.Range, bool) {
	most := 0.0
	for _, r := range ranges {
		most = max(most, r.Units())
	}
	if most > 1 {
		q := p
		q.Widest = netblock.UnitBits(ranges[0].First()) - int(math.Ceil(math.Log2(most))) + 1
		less := netblock.Cover(q).Ranges
		return less, !slices.Equal(less, ranges)
	}
	least, danger := -1, math.Inf(1)
	for i, r := range ranges {
		at, found := slices.BinarySearchFunc(p.Points, r.First(), func(x netblock.Point, a netip.Addr) int { return netblock.Unit(x.Addr).Compare(a) })
		if found && p.Points[at].Danger < danger {
			least, danger = i, p.Points[at].Danger
		}
	}
	if least < 0 {
		return nil, false
	}
	return slices.Delete(slices.Clone(ranges), least, least+1), true
}

// cheapestWider returns the cheapest of the choices that widen one range to the next wider prefix.
func (j *judge) cheapestWider(p netblock.Problem, ranges []netblock.Range) ([]netblock.Range, bool) {
	var best []netblock.Range
	cost := math.Inf(1)
	for _, r := range ranges[:min(len(ranges), mostWidened)] {
		wide, ok := j.wider(r)
		if !ok {
			continue
		}
		with := widenTo(ranges, wide)
		if s := p.Price(with); s.Cost < cost {
			best, cost = with, s.Cost
		}
	}
	return best, best != nil
}

// widenTo returns ranges with those that wide touches replaced by it.
func widenTo(ranges []netblock.Range, wide netblock.Range) []netblock.Range {
	out := []netblock.Range{wide}
	for _, r := range ranges {
		if !wide.Overlaps(r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, netblock.Range.Compare)
	return out
}

// wider returns the next wider range around one that neither the border nor a wall forbids: the smallest prefix that
// holds it and more.
func (j *judge) wider(r netblock.Range) (netblock.Range, bool) {
	for bits := netblock.UnitBits(r.First()); bits >= j.c.key.Bits(); bits-- {
		if wide := netblock.OfPrefix(netip.PrefixFrom(r.First(), bits).Masked()); wide != r && wide.Covers(r) {
			return wide, !j.c.walls.Overlaps(wide)
		}
	}
	return netblock.Range{}, false
}
