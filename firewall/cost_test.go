package firewall

import (
	"net/netip"
	"testing"
	"time"

	"lastresort/netblock"
)

func TestTheCostOfAPacketGrowsWithTheList(t *testing.T) {
	if got := Cost(State{}, Inbound); got != 1 {
		t.Errorf("without a table %v; expected 1", got)
	}
	for _, mode := range []Mode{Inbound, All} {
		last := 1.0
		for _, n := range []int{0, 500, 1000, 5000, 50_000} {
			s := State{Exists: true}
			for _, w := range many(n, time.Time{}) {
				s.Elements = append(s.Elements, Element{Range: w.Range})
			}
			got := Cost(s, mode)
			if got < last || got > 4 {
				t.Errorf("%s, %d ranges: %v after %v", mode, n, got, last)
			}
			last = got
		}
		var wants WantList
		s := State{Exists: true}
		for _, w := range many(20_000, time.Time{}) {
			w.Range = netblock.OfPrefix(netip.PrefixFrom(w.Range.First(), 29))
			wants, s.Elements = append(wants, w), append(s.Elements, Element{Range: w.Range})
		}
		inOne := Cost(s, mode)
		s.layout = Config{}.layoutFor(wants)
		if got := Cost(s, mode); got >= inOne {
			t.Errorf("%s: prefixes in a set for their length cost %v, in one of intervals %v", mode, got, inOne)
		}
	}
}
