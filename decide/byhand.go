package decide

import (
	"fmt"
	"net/netip"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// Refusal is why a block by hand is refused: the guard, what it found, and the way round it. Where Risk is set a person
// may accept it.
type Refusal struct {
	Guard string
	Why   string
	Way   string
	Risk  bool
}

// The guards on a block by hand, besides those on a run.
const (
	GuardProtected = "protected"
	GuardBorder    = "border"
	GuardWidest    = "widest"
)

// CheckBlock holds a block by hand to the guards that hold for every block. It returns the case to which the block belongs
// and what speaks against it.
func CheckBlock(h *history.History, p *Policy, now time.Time, x netblock.Range) (netip.Prefix, []Refusal) {
	n := newNight(h, p, now)
	key := n.registry.caseOfRange(x)
	var out []Refusal
	refuse := func(guard, way string, risk bool, why string, args ...any) {
		out = append(out, Refusal{guard, fmt.Sprintf(why, args...), way, risk})
	}
	if l, ok := n.limits.at(x); ok {
		refuse(GuardProtected, l.wayRound(), false, "%s is %s", l.where, l.why)
	}
	if crossed, ok := n.crossed(key, x); ok {
		why := fmt.Sprintf("%s lies across the border of %s", x, key)
		if crossed != key {
			why = fmt.Sprintf("%s covers some of %s, a netblock inside %s", x, crossed, key)
		}
		refuse(GuardBorder, "block the part in each netblock by itself", false, "%s", why)
	}
	if limit := n.widestUnits(key); x.Units() > limit && !n.mayBeWide(key) {
		refuse(GuardWidest, "lastresort answer range=yes "+key.String(), false,
			"%s holds %.0f addresses; the policy's widest range holds %.0f", x, x.Units(), limit)
	}
	if limit := p.Guard.NewAddresses; x.Units() > limit {
		refuse(GuardNewAddresses, "", true, "%s holds %.0f addresses; guard.new_addresses is %.0f", x, x.Units(), limit)
	}
	if share := n.shareLost(x); !fits(share, p.Guard.Lost) {
		refuse(GuardLost, "", true, "%s loses %.4g of all known honest traffic; guard.lost is %.4g", x, share, p.Guard.Lost)
	}
	return key, out
}

// wayRound says how to lift a limit.
func (l limit) wayRound() string {
	switch {
	case l.natural:
		return "range.private opens private and shared ranges; the others are never blocked"
	case l.rule == RuleHold:
		return "lastresort unblock --lift-hold " + l.where.String()
	}
	return "take it out of the policy's protect.ranges, or lastresort protect --lift " + l.where.String()
}

// widestUnits returns how many addresses a range of a case may hold.
func (n *night) widestUnits(key netip.Prefix) float64 {
	bits := n.policy.Range.Widest6
	if key.Addr().Is4() {
		bits = n.policy.Range.Widest4
	}
	return netblock.OfPrefix(netip.PrefixFrom(key.Addr(), bits)).Units()
}

// mayBeWide tells whether an operator has let a case's ranges be wider than the policy says.
func (n *night) mayBeWide(key netip.Prefix) bool {
	c, ok := n.cases[key]
	if !ok {
		c = n.open(key)
		for _, a := range n.h.Answers {
			if old, had := c.answers[a.Question]; a.Netblock == key && !(had && a.At.Before(old.At)) {
				c.answers[a.Question] = a
			}
		}
	}
	a, answered := n.answer(c, history.RangeQuestion)
	return answered && a.Answer == "yes"
}

// shareLost returns the share of all known honest traffic, by value, that comes from a range and not from offenders.
func (n *night) shareLost(x netblock.Range) float64 {
	lost := n.honestValue(func(a netip.Addr) bool { return x.Overlaps(netblock.UnitRange(a)) })
	if total := n.honestTotal(); total > 0 {
		return lost / total
	}
	return 0
}
