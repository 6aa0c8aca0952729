package evidence

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/decide/history"
)

// TestTallyOfDays holds that each UTC day has a row with the times of its own first and last event, before 1970 too, and that one
// tally taken into another is as if both had been one.
func TestTallyOfDays(t *testing.T) {
	source := netip.MustParseAddr("192.0.2.66")
	times := []string{
		"1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z", "2026-11-01T23:59:59.999999999Z", "2026-11-01T12:00:00Z",
		"2026-11-02T00:30:00+01:00", "2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z",
	}
	var want []history.Sighting
	for _, row := range []struct {
		first, last string
		count       int64
	}{
		{times[0], times[0], 2}, {times[1], times[1], 2}, {times[6], times[2], 8}, {times[5], times[5], 2},
	} {
		first, err1 := time.Parse(time.RFC3339, row.first)
		last, err2 := time.Parse(time.RFC3339, row.last)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		want = append(want, history.Sighting{Source: source, First: first.UTC(), Last: last.UTC(), Kind: "scan", Count: row.count, Proof: history.TwoWay, Reporter: "local"})
	}
	for cut := range len(times) + 1 {
		one, other := NewTally("local"), NewTally("local")
		for i, text := range times {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			tally := one
			if i >= cut {
				tally = other
			}
			tally.add(&Event{source, at, "scan", "", history.TwoWay, 2})
		}
		one.take(other)
		got, traffic := one.Records()
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" || len(traffic) > 0 {
			t.Errorf("cut at %d (-want +got):\n%s%v", cut, d, traffic)
		}
	}
}
