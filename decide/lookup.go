package decide

import (
	"net/netip"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// CaseOf returns the netblock of the case to which a range belongs: the most specific registered one around it, else the
// group of its first address.
func CaseOf(h *history.History, x netblock.Range) netip.Prefix {
	r := newRegistry(h.Netblocks)
	return r.caseOfRange(x)
}

// RegistrationOf returns the most specific registration around an address; the zero Netblock where there is none.
func RegistrationOf(h *history.History, a netip.Addr) history.Netblock {
	r := newRegistry(h.Netblocks)
	key, _ := r.caseOf(a)
	return r.byPrefix[key]
}

// LimitOn says what forbids blocking any of a range at a moment: a protected range, a hold, or its nature; "" for nothing.
func LimitOn(h *history.History, p *Policy, now time.Time, x netblock.Range) string {
	l := newLimits(p, upTo(h, now), now)
	if found, ok := l.at(x); ok {
		return found.where.String() + " is " + found.why
	}
	return ""
}
