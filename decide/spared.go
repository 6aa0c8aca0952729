package decide

import (
	"net/netip"

	"lastresort/netblock"
)

// spared lists the honest sources that the ranges of a decision leave alone though they are near: in the /24 or /48 of an
// offender or of a range, where a block of the whole group would lose them.
func (j *judge) spared(d *decision) []string {
	if len(j.c.honest) == 0 {
		return nil
	}
	in := netblock.SetOf(d.cover.Ranges...)
	near := map[netip.Prefix]bool{}
	for _, o := range j.c.offenders {
		near[netblock.Group(o.addr)] = true
	}
	var out []string
	for _, h := range j.c.honest {
		group := netblock.Group(h.addr)
		where := netblock.UnitRange(h.addr)
		if h.value > 0 && !in.Overlaps(where) && (near[group] || in.Overlaps(netblock.OfPrefix(group))) {
			out = append(out, where.String())
		}
	}
	return out
}

// untouchable returns what of a case's netblock must never be blocked: it is protected, on hold, or so by nature.
func (j *judge) untouchable() []netblock.Range {
	return j.n.limits.both.Within(j.c.border).Ranges()
}
