package firewall

import (
	"slices"
	"testing"
	"time"
)

// TestTheCheckOfAChangeSeesWhatIsNotAsPlanned holds the questions about what a plan touched against plans that differ from
// what the kernel holds by one thing each.
func TestTheCheckOfAChangeSeesWhatIsNotAsPlanned(t *testing.T) {
	k := fresh(t, Inbound)
	rest := many(20_000, time.Now().Add(time.Hour)) // in parts
	before := slices.Concat(rest, forGood(t, "192.0.2.7", "192.0.2.16/28", "198.51.100.0/25", "2001:db8::/64", "2001:db8:1::7"))
	after := slices.Concat(rest, forGood(t, "192.0.2.8", "192.0.2.16-192.0.2.40", "2001:db8::/64", "2001:db8:2::7", "255.255.255.252/30"))
	for i := range after {
		if after[i].Range == rng(t, "2001:db8::/64") {
			after[i].Until = time.Now().Add(time.Hour)
		}
	}
	sortWants(before)
	sortWants(after)
	apply(t, k, before)
	have := held(t, k)
	p, err := k.cfg.Diff(have, after, nil, time.Now())
	if err == nil {
		err = k.commit(t.Context(), &p, have.generation)
	}
	if err != nil || len(p.add) != 4 || len(p.Change) != 1 || len(p.Remove) != 4 {
		t.Fatalf("%v; %s; expected 4 missing, 1 that differs and 4 too many", err, p.summary())
	}
	now := behind(have.generation, len(p.split))
	if !k.touchedAsPlanned(t.Context(), &p, now) {
		t.Error("the kernel holds what was planned, and the check says otherwise")
	}
	if k.touchedAsPlanned(t.Context(), &p, now+1) {
		t.Error("the check minds no other generation")
	}
	is := func(r string) func(Step) bool { return func(s Step) bool { return s.Range == rng(t, r) } }
	for name, spoil := range map[string]func(p *Plan){
		"a range that is longer": func(p *Plan) {
			p.add[slices.IndexFunc(p.add, is("192.0.2.16-192.0.2.40"))].Range = rng(t, "192.0.2.16-192.0.2.41")
		},
		"a range that is shorter": func(p *Plan) {
			p.add[slices.IndexFunc(p.add, is("192.0.2.16-192.0.2.40"))].Range = rng(t, "192.0.2.16-192.0.2.39")
		},
		"one that begins later": func(p *Plan) {
			p.add[slices.IndexFunc(p.add, is("192.0.2.16-192.0.2.40"))].Range = rng(t, "192.0.2.17-192.0.2.40")
		},
		"one up to the last": func(p *Plan) {
			p.add[slices.IndexFunc(p.add, is("255.255.255.252/30"))].Range = rng(t, "255.255.255.254/31")
		},
		"an address":                    func(p *Plan) { p.add[slices.IndexFunc(p.add, is("192.0.2.8"))].Range = rng(t, "192.0.2.9") },
		"an address of IPv6":            func(p *Plan) { p.add[slices.IndexFunc(p.add, is("2001:db8:2::7"))].Range = rng(t, "2001:db8:2::8") },
		"a timeout":                     func(p *Plan) { p.Change[0].Timeout *= 2 },
		"no timeout":                    func(p *Plan) { p.Change[0].Timeout = 0 },
		"a timeout of what is for good": func(p *Plan) { p.add[0].Timeout = time.Hour },
		"a removal":                     func(p *Plan) { p.Remove = append(p.Remove, Step{Range: rng(t, "2001:db8:2::7")}); p.add = p.add[:0:0] },
		"a removal of a range":          func(p *Plan) { p.Remove = []Step{{Range: rest[1].Range}} },
	} {
		other := p
		other.add, other.Change, other.Remove = slices.Clone(p.add), slices.Clone(p.Change), slices.Clone(p.Remove)
		spoil(&other)
		for _, list := range [][]Step{other.add, other.Remove} {
			slices.SortFunc(list, func(a, b Step) int { return a.Range.Compare(b.Range) })
		}
		if k.touchedAsPlanned(t.Context(), &other, now) {
			t.Errorf("%s: the check doesn't see it", name)
		}
	}
}

// TestAChangeByAnotherIsSeenThoughFewIsAsked has another change what a small change doesn't touch, right behind it.
func TestAChangeByAnotherIsSeenThoughFewIsAsked(t *testing.T) {
	k := fresh(t, Inbound)
	wants := slices.Concat(many(100, time.Now().Add(time.Hour)), forGood(t, "192.0.2.7"))
	sortWants(wants)
	apply(t, k, wants)
	next := slices.Concat(wants, forGood(t, "198.51.100.0/24"))
	sortWants(next)
	have := held(t, k)
	p, err := k.cfg.Diff(have, next, nil, time.Now())
	if err == nil {
		err = k.commit(t.Context(), &p, have.generation)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !k.asPlanned(t.Context(), &p, next, nil, have.generation, time.Now) {
		t.Error("the check doesn't see that all is as planned")
	}
	nft(t, "delete element inet lastresort address4 { 192.0.2.7 }")
	if k.asPlanned(t.Context(), &p, next, nil, have.generation, time.Now) {
		t.Error("the check doesn't see that an element is gone")
	}
}
