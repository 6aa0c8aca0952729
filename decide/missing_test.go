package decide_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lastresort/decide"
	"lastresort/decide/history"
)

func TestMissing(t *testing.T) {
	nobody, someone := hosting("192.0.2.0/24"), hosting("198.18.0.0/24")
	nobody.Abuse = ""
	asked := report("R1", "10-20 09:00", "198.51.100.200")
	asked.To = "guess@example.net"
	records := []any{
		daily("203.0.113.7", "10-25", "11-01", 5), daily("203.0.113.9", "10-25", "11-01", 40), daily("203.0.113.11", "10-25", "11-01", 6), // one case: the worst is named
		daily("198.51.100.20", "10-25", "11-01", 20), asked, // an offender goes before a report
		nobody, daily("192.0.2.3", "10-25", "11-01", 9), someone, daily("198.18.0.3", "10-25", "11-01", 90),
		hit("2001:db8:7::99", "11-01", 6),
		report("R2", "10-29 09:00", "198.18.7.7"), hit("198.18.7.9", "11-01", 2), // no offender: the report's source
		block("198.18.9.5", "10-30 00:00", "11-29 00:00"), // nor a report: where the group begins
		history.Sighting{Source: hit("198.18.3.3", "11-01", 1).Source, First: clock("11-01 00:00"), Last: clock("11-01 00:00"), Kind: "scan", Count: 9, Proof: history.OneWay, Reporter: "local"}, // no case
		report("R3", "06-01 09:00", "198.18.5.5"), // nothing seen in the window: not listed
	}
	show := func(contacts bool) (out []string) {
		for _, m := range decide.MissingAt(gather(records...), policy(t, ""), clock(now), contacts) {
			out = append(out, fmt.Sprintf("%s %s %v %.1f", m.Addr, m.Netblock, m.Registered, m.Danger))
		}
		return out
	}
	want := []string{"203.0.113.9 203.0.113.0/24 false 20.5", "198.51.100.20 198.51.100.0/24 false 8.0", "2001:db8:7::99 2001:db8:7::/48 false 0.4",
		"198.18.7.7 198.18.7.0/24 false 0.0", "198.18.9.0 198.18.9.0/24 false 0.0"}
	if diff := cmp.Diff(want, show(false)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(append(want[:2:2], append([]string{"192.0.2.3 192.0.2.0/24 true 3.6"}, want[2:]...)...), show(true)); diff != "" {
		t.Error(diff)
	}
}
