package decide

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
)

// Missing is a case of which nobody knows who could be asked: an address to look up, the worst offender where it has one.
type Missing struct {
	Addr       netip.Addr   `json:"address"`
	Netblock   netip.Prefix `json:"netblock"`
	Registered bool         `json:"registered"` // only its abuse contact is unknown
	Danger     float64      `json:"danger_per_day"`
}

// MissingAt returns the cases at a moment whose registration is unknown, and with contacts also those that are registered
// without an abuse contact; the most dangerous first.
func MissingAt(h *history.History, p *Policy, now time.Time, contacts bool) []Missing {
	n := newNight(h, p, plain(now))
	out := []Missing{}
	for _, c := range n.cases {
		if !n.listed(c) || c.registered && !(contacts && c.netblock.Abuse == "") {
			continue
		}
		x := Missing{Addr: c.key.Addr(), Netblock: c.key, Registered: c.registered, Danger: dangerOf(c.offenders)}
		if len(c.reports) > 0 {
			x.Addr = c.reports[0].Source
		}
		if len(c.offenders) > 0 {
			worst := slices.MaxFunc(c.offenders, func(a, b *offender) int { return cmp.Or(cmp.Compare(a.danger, b.danger), b.addr.Compare(a.addr)) })
			x.Addr = worst.all[0].Source
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b Missing) int {
		return cmp.Or(cmp.Compare(b.Danger, a.Danger), comparePrefixes(a.Netblock, b.Netblock))
	})
	return out
}
