package netblock

import (
	"slices"
	"testing"
)

// TestTrapAggregationSwallowsAnAllowedAddress has offenders all around a protected address, at a price that asks for one range
// over all of them: no range holds it, in either shape.
func TestTrapAggregationSwallowsAnAllowedAddress(t *testing.T) {
	for _, shape := range []Shape{CIDR, Interval} {
		c := coverCase{border: "192.0.2.0/24", walls: []string{"192.0.2.7"}, change: entryCost(50),
			points: [][]Point{named(200, "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.8", "192.0.2.9", "192.0.2.10")}}
		got := Cover(c.problem(t, shape)).Ranges
		allowed := mustRange(t, "192.0.2.7")
		if len(got) == 0 || slices.ContainsFunc(got, func(r Range) bool { return r.Overlaps(allowed) }) {
			t.Errorf("%s: %v; expected ranges around 192.0.2.7", shape, got)
		}
		c.walls = nil
		if got := Cover(c.problem(t, shape)).Ranges; !slices.ContainsFunc(got, func(r Range) bool { return r.Overlaps(allowed) }) {
			t.Errorf("%s: %v without the wall; expected that the price asks for one range over all", shape, got)
		}
	}
}
