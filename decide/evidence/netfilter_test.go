package evidence

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNetfilterLines(t *testing.T) {
	for _, c := range []struct{ name, message, want string }{
		{"UFW", "[81234.001] [UFW BLOCK] IN=eth0 OUT= MAC=02:00 SRC=203.0.113.7 DST=192.0.2.1 LEN=40 PROTO=TCP SPT=1 DPT=23 SYN", "1 203.0.113.7 1 scan"},
		{"firewalld", "FINAL_REJECT: IN=eth0 OUT= MAC=02:00 SRC=203.0.113.7 DST=192.0.2.1 LEN=40 PROTO=UDP SPT=1 DPT=53", "1 203.0.113.7 1 scan"},
		{"a prefix without a space", "dropped:IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1", "1 203.0.113.7 1 scan"},
		{"IPv6", "[UFW BLOCK] IN=eth0 OUT= SRC=2001:0db8:0000:0000:0000:0000:0000:0007 DST=2001:0db8::1 PROTO=TCP", "1 2001:db8::7 1 scan"},
		{"forwarded", "[UFW BLOCK] IN=eth0 OUT=eth1 SRC=203.0.113.7 DST=192.0.2.1", "1 203.0.113.7 1 scan"},
		{"outgoing", "[UFW BLOCK] IN= OUT=eth0 SRC=192.0.2.1 DST=203.0.113.7", ""},
		{"loopback", "[UFW BLOCK] IN=lo OUT= SRC=127.0.0.1 DST=127.0.0.1", ""},
		{"allowed", "[UFW ALLOW] IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1", ""},
		{"audited", "[UFW AUDIT] IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1", ""},
		{"accepted, in words of one's own", "[nft accept] IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1", ""},
		{"Shorewall let it through", "Shorewall:net-fw:ACCEPT:IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1", ""},
		{"Shorewall dropped it", "Shorewall:net-fw:DROP:IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1", "1 203.0.113.7 1 scan"},
		{"a prefix with an address", "[drop SRC=192.0.2.1] IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1", "1 203.0.113.7 1 scan"},
		{"a name as source", "[UFW BLOCK] IN=eth0 OUT= SRC=host.example SRC=192.0.2.1 DST=192.0.2.1", ""},
		{"a packet inside an ICMP error", "[UFW BLOCK] IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1 PROTO=ICMP TYPE=3 [SRC=192.0.2.1 DST=198.51.100.9 PROTO=TCP]", "1 203.0.113.7 1 scan"},
		{"nothing but one inside", "[UFW BLOCK] IN=eth0 OUT= PROTO=ICMP TYPE=3 [SRC=192.0.2.1 DST=198.51.100.9 PROTO=TCP]", ""},
		{"a prefix that runs on", "DROP(wan)IN=eth0 OUT= MAC=02:00 SRC=203.0.113.7 DST=192.0.2.1 LEN=40", "1 203.0.113.7 1 scan"},
		{"a prefix that looks like it", "[FW-IN=x] IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1", "1 203.0.113.7 1 scan"},
		{"a prefix that looks like it, outgoing", "[FW-IN=x OUT] IN= OUT=eth0 SRC=192.0.2.1 DST=203.0.113.7", ""},
		{"broadcast", "[UFW BLOCK] IN=eth0 OUT= MAC=ff:ff SRC=203.0.113.7 DST=255.255.255.255 LEN=32 PROTO=UDP", ""},
		{"multicast", "[UFW BLOCK] IN=eth0 OUT= SRC=2001:db8::7 DST=ff02::fb LEN=32 PROTO=UDP", ""},
		{"another message", "eth0: link becomes ready SRC=192.0.2.1", ""},
	} {
		want := []string{}
		if c.want != "" {
			want = append(want, c.want)
		}
		if d := cmp.Diff(want, counts(t, "Nov  1 01:00:00 mail kernel: "+c.message+"\n")); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// FuzzNetfilter holds that what stands behind the source, which a packet's sender chose, never counts.
func FuzzNetfilter(f *testing.F) {
	f.Add("PROTO=TCP SPT=1")
	f.Add("SRC=192.0.2.1 [SRC=192.0.2.2]")
	f.Fuzz(func(t *testing.T, rest string) {
		if strings.ContainsAny(rest, "\n") {
			return
		}
		o := Options{At: readAt, Line: func(_ int64, e Event) {
			if e.Source != netip.MustParseAddr("203.0.113.7") {
				t.Errorf("%q counts for %s", rest, e.Source)
			}
		}}
		line := "Nov  1 01:00:00 mail kernel: [UFW BLOCK] IN=eth0 OUT= MAC=02:00 SRC=203.0.113.7 " + rest + "\n"
		if _, err := Read(t.Context(), "log", strings.NewReader(line), o, NewTally("local")); err != nil {
			t.Fatal(err)
		}
	})
}
