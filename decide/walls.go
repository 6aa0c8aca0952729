package decide

import (
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// limits are the ranges that no block may cover at one moment, whatever the case.
type limits struct {
	both    netblock.Set // what is protected by policy, by record or by nature, and what is held
	reasons []limit      // for telling which range it was, by address
}

type limit struct {
	where   netblock.Range
	rule    Rule
	why     string
	natural bool // never blocked by nature, whatever policy and records say
}

func newLimits(p *Policy, h *history.History, now time.Time) limits {
	var l limits
	add := func(r netblock.Range, rule Rule, why string) {
		l.reasons = append(l.reasons, limit{where: r, rule: rule, why: why})
	}
	for _, r := range p.Protect.Ranges {
		add(r, RuleProtected, "protected by the policy's "+r.String())
	}
	for _, x := range latest(h.Protects, func(x history.Protect) netblock.Range { return x.Range }, func(x history.Protect) time.Time { return x.At }) {
		if x.Until.IsZero() || x.Until.After(now) {
			add(x.Range, RuleProtected, "protected as "+x.Range.String()+because(x.Reason))
		}
	}
	for _, x := range latest(h.Holds, func(x history.Hold) netblock.Range { return x.Range }, func(x history.Hold) time.Time { return x.At }) {
		if x.Until.After(now) {
			add(x.Range, RuleHold, "on hold as "+x.Range.String()+" until "+dateOf(x.Until)+because(x.Reason))
		}
	}
	for _, s := range special {
		if !s.private || !p.Range.Private {
			l.reasons = append(l.reasons, limit{s.where, RuleProtected, s.why, true})
		}
	}
	slices.SortStableFunc(l.reasons, func(a, b limit) int { return a.where.Compare(b.where) })
	var all []netblock.Range
	for _, r := range l.reasons {
		all = append(all, r.where)
	}
	l.both = netblock.SetOf(all...)
	return l
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// at returns the limit that touches r, or for IPv6 a /64 that r touches; a hold goes before a protected range.
func (l *limits) at(r netblock.Range) (limit, bool) {
	var found limit
	ok := false
	r = wholeUnits(r)
	if !l.both.Overlaps(r) {
		return found, false
	}
	for _, x := range l.reasons {
		if x.where.Overlaps(r) && (!ok || found.rule != RuleHold && x.rule == RuleHold) {
			found, ok = x, true
		}
	}
	return found, ok
}

type specialRange struct {
	where   netblock.Range
	why     string
	private bool // may be opened by range.private
}

// special lists what is never blocked: addresses that no stranger sends from (RFC 6890), and private and shared ones
// unless the policy opens them. Documentation ranges are ordinary, so that examples work.
var special = specialRanges()

func specialRanges() []specialRange {
	var out []specialRange
	for _, s := range []struct {
		prefix, why string
		private     bool
	}{
		{"0.0.0.0/8", "this network (RFC 791)", false},
		{"127.0.0.0/8", "loopback (RFC 1122)", false},
		{"169.254.0.0/16", "link local (RFC 3927)", false},
		{"224.0.0.0/3", "multicast and reserved (RFC 5771, RFC 1112)", false},
		{"10.0.0.0/8", "private (RFC 1918)", true},
		{"172.16.0.0/12", "private (RFC 1918)", true},
		{"192.168.0.0/16", "private (RFC 1918)", true},
		{"100.64.0.0/10", "shared (RFC 6598)", true},
		{"fc00::/7", "unique local (RFC 4193)", true},
	} {
		out = append(out, specialRange{netblock.OfPrefix(netip.MustParsePrefix(s.prefix)), s.why, s.private})
	}
	all6 := netblock.SetOf(netblock.OfPrefix(netip.MustParsePrefix("::/0")))
	unicast := netblock.SetOf(netblock.OfPrefix(netip.MustParsePrefix("2000::/3")), netblock.OfPrefix(netip.MustParsePrefix("fc00::/7")))
	for _, r := range all6.Minus(unicast).Ranges() {
		out = append(out, specialRange{r, "outside 2000::/3, no global unicast (RFC 4291)", false})
	}
	return out
}

// Unblockable returns what no block may ever cover under a policy, whatever the records say: what it protects, and what is
// never blocked by nature.
func Unblockable(p *Policy) netblock.Set {
	l := newLimits(p, &history.History{}, time.Time{})
	return l.both
}

// latest keeps, of several records for the same thing, the one with the latest moment, of the same moment the one recorded
// later; in the order in which they stand.
func latest[R any, K comparable](records []R, key func(R) K, at func(R) time.Time) []R {
	best := make(map[K]int, len(records))
	for i, r := range records {
		if j, ok := best[key(r)]; !ok || !at(r).Before(at(records[j])) {
			best[key(r)] = i
		}
	}
	var out []R
	for i, r := range records {
		if best[key(r)] == i {
			out = append(out, r)
		}
	}
	return out
}
