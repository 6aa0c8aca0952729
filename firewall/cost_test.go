package firewall

import (
	"testing"
	"time"
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
	}
}
