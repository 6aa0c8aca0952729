package netblock

import (
	"math"
	"net/netip"
	"slices"
)

// oracle solves a problem on a small border by pricing every address by itself and trying every range at every address.
// It shares nothing with Cover but the types.
type oracle struct {
	p     Problem
	first uint64 // key of the border's first address
	cells []oracleCell
}

type oracleCell struct {
	inside, outside, loss float64
	named, wall           bool
}

func newOracle(p Problem) *oracle {
	o := &oracle{p: p, first: UnitKey(p.Border.First())}
	for key := o.first; key <= UnitKey(p.Border.Last()); key++ {
		o.cells = append(o.cells, o.cell(key))
	}
	return o
}

func (o *oracle) addr(key uint64) netip.Addr {
	if o.p.Border.Is4() {
		return netip.AddrFrom4([4]byte{byte(key >> 24), byte(key >> 16), byte(key >> 8), byte(key)})
	}
	var b [16]byte
	for i := range 8 {
		b[i] = byte(key >> (56 - 8*i))
	}
	return netip.AddrFrom16(b)
}

func (o *oracle) cell(key uint64) oracleCell {
	a := o.addr(key)
	c := oracleCell{inside: o.p.Prior, loss: o.p.Prior, wall: !o.p.Border.Covers(UnitRange(a))}
	for _, w := range o.p.Walls.Ranges() {
		c.wall = c.wall || w.Overlaps(UnitRange(a))
	}
	seen := false
	for _, x := range o.p.Points {
		if x.Addr != a {
			continue
		}
		seen = x.Offender || x.Honest
		if seen {
			c.inside, c.loss = 0, 0
		}
		c.inside += x.Loss
		c.loss += x.Loss
		if x.Named {
			c.named, c.outside = true, x.Danger
		}
	}
	if !seen {
		c.inside -= o.gain(a)
	}
	return c
}

// gain tries every prefix around an address from its group inward.
func (o *oracle) gain(a netip.Addr) float64 {
	bits := 48
	if a.Is4() {
		bits = 24
	}
	for ; !o.lieWithin(a, bits); bits++ {
	}
	most := 0.0
	for n := bits; n <= UnitBits(a); n++ {
		around := netip.PrefixFrom(a, n)
		var dangers []float64
		for _, x := range o.p.Points {
			if !o.p.Border.Overlaps(UnitRange(x.Addr)) {
				continue
			}
			if n == bits && x.Honest && around.Masked().Contains(x.Addr) {
				return 0
			}
			if x.Offender && around.Masked().Contains(x.Addr) {
				dangers = append(dangers, x.Danger)
			}
		}
		if len(dangers) == 0 || len(dangers) < o.p.GrowMin {
			continue
		}
		slices.Sort(dangers)
		median := (dangers[(len(dangers)-1)/2] + dangers[len(dangers)/2]) / 2
		most = max(most, o.p.Neighbours*float64(len(dangers))/math.Exp2(float64(UnitBits(a)-n))*median)
	}
	return most
}

// lieWithin tells whether the prefix of a length around a is no wider than the smallest one around the border.
func (o *oracle) lieWithin(a netip.Addr, bits int) bool {
	first, last := o.p.Border.First(), o.p.Border.Last()
	narrower := bits < UnitBits(a) && netip.PrefixFrom(first, bits+1).Masked().Contains(last)
	return !narrower
}

// fits tells whether one range may lie from cell i to cell j, but for walls and offenders.
func (o *oracle) fits(i, j int) bool {
	n := j - i + 1
	first := o.addr(o.first + uint64(i))
	if o.p.Widest > 0 && float64(n) > math.Exp2(float64(UnitBits(first)-o.p.Widest)) && n > 1 {
		return false
	}
	return o.p.Shape == Interval || n&(n-1) == 0 && (o.first+uint64(i))%uint64(n) == 0
}

// plan is a cover of all cells from some cell on. It is a list: its first range, and the plan for what follows.
type plan struct {
	cost   float64
	units  int
	ranges int
	i, j   int // the first range; none if ranges is 0
	rest   *plan
}

// before tells whether a plan whose cost is within tolerance goes before another.
func (a *plan) before(b *plan) bool {
	if a.units != b.units {
		return a.units < b.units
	}
	if a.ranges != b.ranges {
		return a.ranges < b.ranges
	}
	for ; a.ranges > 0; a, b = a.rest, b.rest {
		if a.i != b.i {
			return a.i < b.i
		}
		if a.j != b.j {
			return a.j < b.j
		}
	}
	return false
}

// pick returns the best of some plans : the cheapest, and of those as cheap the first.
func pick(plans []*plan) *plan {
	least := slices.MinFunc(plans, func(a, b *plan) int {
		if a.cost < b.cost {
			return -1
		}
		return 1
	}).cost
	var best *plan
	for _, x := range plans {
		if x.cost-least <= 1e-9*max(1, math.Abs(x.cost), math.Abs(least)) && (best == nil || x.before(best)) {
			best = x
		}
	}
	return best
}

// successors returns every way to go on at cell i, given all ways that are followed from the cells behind.
func (o *oracle) successors(i int, behind func(int) []*plan) []*plan {
	var out []*plan
	for _, rest := range behind(i + 1) {
		next := *rest
		next.cost += o.cells[i].outside
		out = append(out, &next)
	}
	inside, named := o.p.EntryCost, false
	for j := i; j < len(o.cells) && !o.cells[j].wall; j++ {
		inside += o.cells[j].inside
		named = named || o.cells[j].named
		if !named || !o.fits(i, j) {
			continue
		}
		for _, rest := range behind(j + 1) {
			out = append(out, &plan{inside + rest.cost, j - i + 1 + rest.units, rest.ranges + 1, i, j, rest})
		}
	}
	return out
}

// best follows from each cell only the best plan.
func (o *oracle) best() *plan {
	plans := make([][]*plan, len(o.cells)+1)
	plans[len(o.cells)] = []*plan{{}}
	for i := len(o.cells) - 1; i >= 0; i-- {
		plans[i] = []*plan{pick(o.successors(i, func(k int) []*plan { return plans[k] }))}
	}
	return plans[0][0]
}

// bestOfAll follows every plan there is, and picks at the very end.
func (o *oracle) bestOfAll() *plan {
	var all func(int) []*plan
	all = func(i int) []*plan {
		if i >= len(o.cells) {
			return []*plan{{}}
		}
		return o.successors(i, all)
	}
	return pick(all(0))
}

func (o *oracle) solution(x *plan) Solution {
	s := Solution{Cost: x.cost}
	for _, k := range o.p.Points {
		if k.Named && !o.p.Border.Overlaps(UnitRange(k.Addr)) {
			s.Cost += k.Danger
		}
	}
	for ; x.ranges > 0; x = x.rest {
		first, last := UnitRange(o.addr(o.first+uint64(x.i))), UnitRange(o.addr(o.first+uint64(x.j)))
		s.Ranges = append(s.Ranges, Range{first.First(), last.Last()})
		for _, c := range o.cells[x.i : x.j+1] {
			s.Loss += c.loss
		}
	}
	return s
}
