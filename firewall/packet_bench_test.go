package firewall

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"lastresort/firewall/sandbox"
	"lastresort/netblock"
)

// spreadOut returns n wants over 10.0.0.0/8, single addresses or ranges of five.
func spreadOut(n int, ranges bool) []Want {
	until := time.Now().Add(24 * time.Hour)
	if ranges {
		return many(n, until)
	}
	var out []Want
	for _, w := range many(n, until) {
		out = append(out, Want{Range: netblock.Single(w.Range.First()), Until: until})
	}
	return out
}

// BenchmarkPacket is what a packet from an innocent source costs with a list in force, one packet an op: beside the same with
// no table at all, which is what to divide by. The sources are outside of every range, between them.
func BenchmarkPacket(b *testing.B) {
	sandbox.Need(b)
	near, far := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	peer, err := sandbox.NewPeer([]netip.Addr{near}, []netip.Addr{far})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = peer.Close() })
	// A socket that nobody reads from: what arrives is counted and thrown away.
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: near.AsSlice()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = sink.Close() })
	var sources []netip.Addr
	for i := range 16384 {
		low := i * 16 * 5
		sources = append(sources, netip.AddrFrom4([4]byte{10, byte(low >> 16), byte(low >> 8), byte(low) + 9}))
	}
	flood, err := peer.Flood(sources, sink.LocalAddr().(*net.UDPAddr).AddrPort())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = flood.Close() })
	send := func(b *testing.B) {
		if err := flood.Send(20_000); err != nil { // warm
			b.Fatal(err)
		}
		b.ResetTimer()
		if err := flood.Send(b.N); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("none", send)
	for _, mode := range []Mode{Inbound, All} {
		for _, what := range []string{"addresses", "ranges"} {
			for _, n := range []int{0, 1_000, 10_000, 75_000} {
				b.Run(fmt.Sprintf("%s/%s/%d", mode, what, n), func(b *testing.B) {
					k := fresh(b, mode)
					apply(b, k, spreadOut(n, what == "ranges"))
					send(b)
				})
			}
		}
	}
}
