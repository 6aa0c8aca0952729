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
	return r.byPrefix[r.caseOf(a)]
}

// HostileSince returns when a contact was last hostile in answer to a report of ours, whatever was said of it since; false
// where it never was.
func HostileSince(h *history.History, address string) (time.Time, bool) {
	l := newLetters(h)
	at, ok := l.hostile[mailbox(address)]
	return at, ok
}

// LimitOn says what forbids blocking any of a range at a moment: a protected range, a hold, or its nature; "" for nothing.
func LimitOn(h *history.History, p *Policy, now time.Time, x netblock.Range) string {
	l := newLimits(p, upTo(h, now), now)
	if found, ok := l.at(x); ok {
		return found.where.String() + " is " + found.why
	}
	return ""
}

// KnownAt returns what of a history is known at a moment: each record once, and of a sighting or traffic that grew the
// state of then. Nothing of h is changed.
func KnownAt(h *history.History, now time.Time) *history.History { return upTo(h, plain(now)) }

// Around returns the records that can bear on the case of a netblock: it is judged from them as from the whole history.
func Around(h *history.History, key netip.Prefix) *history.History {
	border := netblock.OfPrefix(key)
	touches := func(r netblock.Range) bool { return border.Overlaps(r) }
	out := &history.History{
		Netblocks: only(h.Netblocks, func(x *history.Netblock) bool { return touches(netblock.OfPrefix(x.Prefix)) }),
		Contacts:  h.Contacts,
		Sightings: only(h.Sightings, func(x *history.Sighting) bool { return border.Contains(x.Source) }),
		Traffic:   only(h.Traffic, func(x *history.Traffic) bool { return border.Contains(x.Source) }),
		Answers:   only(h.Answers, func(x *history.Answer) bool { return x.Netblock == key }),
		Holds:     only(h.Holds, func(x *history.Hold) bool { return touches(x.Range) }),
		Blocks:    only(h.Blocks, func(x *history.Block) bool { return touches(x.Range) }),
		Releases:  only(h.Releases, func(x *history.Release) bool { return touches(x.Range) }),
		Protects:  only(h.Protects, func(x *history.Protect) bool { return touches(x.Range) }),
	}
	theirs, ids := map[string]bool{}, map[string]bool{} // what a contact wrote elsewhere tells what it is worth here
	for _, x := range out.Netblocks {
		theirs[mailbox(x.Abuse)] = true
	}
	for _, x := range h.Reports {
		if border.Contains(x.Source) {
			theirs[mailbox(x.To)] = true
		}
	}
	out.Reports = only(h.Reports, func(x *history.Report) bool { return border.Contains(x.Source) || theirs[mailbox(x.To)] })
	for _, x := range out.Reports {
		ids[x.ID] = true
	}
	out.Responses = only(h.Responses, func(x *history.Response) bool { return ids[x.Report] })
	return out
}

// only returns the records of a list that fit, in their order.
func only[R any](list []R, fits func(*R) bool) []R {
	var out []R
	for i := range list {
		if fits(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}
