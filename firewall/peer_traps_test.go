package firewall

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/netblock"
)

// What hurt the users of other programs: each is a test whose name begins with TestTrap, here or in the package that the
// fault would be in.

// TestTrapElementsExpireAtOnce has 54,000 blocks end at the same moment: what the kernel gets is spread over the jitter.
func TestTrapElementsExpireAtOnce(t *testing.T) {
	now := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	until := now.Add(7 * 24 * time.Hour)
	c := Config{Jitter: time.Hour}
	const n = 54_000
	wants, ending, most := many(n, until), map[time.Duration]int{}, 0
	for _, w := range wants {
		left := c.Timeout(w, now)
		if left < until.Sub(now) || left > until.Sub(now)+c.Jitter+time.Second {
			t.Fatalf("%s: %s; expected %s and up to the jitter more", w.Range, left, until.Sub(now))
		}
		second := left / time.Second
		ending[second]++
		most = max(most, ending[second])
	}
	if least := n / 3600; most > 4*least {
		t.Errorf("%d end in one second; expected about %d", most, least)
	}
	// A night later each is where it was: a range's end doesn't move with every review.
	var have State
	have.Exists = true
	for _, w := range wants {
		left := c.Timeout(w, now)
		have.Elements = append(have.Elements, Element{Range: w.Range, Timeout: left, Expires: left - 24*time.Hour})
	}
	p, err := c.Diff(have, wants, nil, now.Add(24*time.Hour))
	if changes := len(p.add) + len(p.Change) + len(p.Remove); err != nil || changes > 0 {
		t.Errorf("a night later %d would change, %v", changes, err)
	}
	// And those that are gone come back.
	have.Elements = have.Elements[:n/60]
	if p, err = c.Diff(have, wants, nil, now.Add(24*time.Hour)); err != nil || len(p.add) != n-n/60 {
		t.Errorf("%d come back, %v; expected %d", len(p.add), err, n-n/60)
	}
}

// TestTrapARangeBansItsFirstAddressOnly probes the first, the middle and the last address, and both neighbours.
func TestTrapARangeBansItsFirstAddressOnly(t *testing.T) {
	n := newInternet(t)
	k := fresh(t, Inbound)
	m := model{wants: forGood(t, "192.0.2.128/25", "203.0.113.0/24", "2001:db8:9::/48")}
	apply(t, k, m.wants)
	var ranges []netblock.Range
	for _, w := range m.wants {
		ranges = append(ranges, w.Range)
	}
	n.exactly("ranges", k, m, packetsFrom(points(ranges)))
}

// TestTrapMergedElementsCannotBeUnbanned takes single ranges back that touch others, and a piece out of the middle of one.
func TestTrapMergedElementsCannotBeUnbanned(t *testing.T) {
	n := newInternet(t)
	k := fresh(t, Inbound)
	full := forGood(t, "203.0.113.0/29", "203.0.113.8/29", "203.0.113.16", "203.0.113.17", "203.0.113.18/31", "2001:db8::/64", "2001:db8:0:1::/64")
	apply(t, k, full)
	all := packetsFrom(append(addrs("2001:db8::", "2001:db8:0:1::", "2001:db8:0:2::"), points([]netblock.Range{full[0].Range, full[1].Range, full[2].Range, full[3].Range, full[4].Range})...))
	n.exactly("touching", k, model{wants: full}, all)
	for i := range full {
		left := append(append(WantList{}, full[:i]...), full[i+1:]...)
		apply(t, k, left)
		n.exactly(fmt.Sprintf("without %s", full[i].Range), k, model{wants: left}, all)
		apply(t, k, full)
	}
	cut := forGood(t, "203.0.113.0-203.0.113.2", "203.0.113.4-203.0.113.7")
	apply(t, k, cut)
	n.exactly("a piece cut out", k, model{wants: cut}, all)
}

// TestTrapAggregationSwallowsAnAllowedAddress has the allowed address inside a blocked range: the allow set comes first.
func TestTrapAggregationSwallowsAnAllowedAddress(t *testing.T) {
	n := newInternet(t)
	for _, mode := range []Mode{Inbound, All} {
		k := fresh(t, mode)
		m := model{wants: forGood(t, "203.0.113.0/24", "2001:db8:9::/48"), allow: []netblock.Range{rng(t, "203.0.113.64/30"), rng(t, "2001:db8:9:1::7")}}
		apply(t, k, m.wants, m.allow...)
		n.exactly(string(mode), k, m, packetsFrom(points(append(m.allow, m.wants[0].Range, m.wants[1].Range))))
		if err := k.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTrapBansAreRestoredOneByOne counts the transactions in which 20,000 bans come back: each raises the ruleset's generation.
func TestTrapBansAreRestoredOneByOne(t *testing.T) {
	k := fresh(t, Inbound)
	var wants WantList
	for i := range 20_000 {
		low := 10<<24 + i*2
		wants = append(wants, Want{Range: netblock.Single(netip.AddrFrom4([4]byte{byte(low >> 24), byte(low >> 16), byte(low >> 8), byte(low)})),
			Until: time.Now().Add(24 * time.Hour)})
	}
	generation := func() uint32 {
		t.Helper()
		m, err := k.Mark(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return m.Generation
	}
	before := generation()
	apply(t, k, wants)
	const few = 8 // one, or a few where the socket's buffer holds no more
	if took := generation() - before; took > few {
		t.Errorf("%d transactions; expected no more than %d", took, few)
	}
	if d := cmp.Diff(len(wants), len(held(t, k).Elements)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
