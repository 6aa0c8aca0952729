package firewall

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lastresort/firewall/sandbox"
	"lastresort/netblock"
)

// lists are what spreadOut makes, by name: of each range of five addresses, which is no prefix, as much as that.
var lists = map[string]func(r netblock.Range) netblock.Range{
	"addresses": func(r netblock.Range) netblock.Range { return netblock.Single(r.First()) },
	"prefixes":  func(r netblock.Range) netblock.Range { return netblock.OfPrefix(netip.PrefixFrom(r.First(), 29)) },
	"ranges":    func(r netblock.Range) netblock.Range { return r },
}

// spreadOut returns n wants over 10.0.0.0/8, of one of lists.
func spreadOut(n int, what string) WantList {
	out := many(n, time.Now().Add(24*time.Hour))
	for i := range out {
		out[i].Range = lists[what](out[i].Range)
	}
	return out
}

// innocents returns 16,384 sources that lie between the first n ranges of spreadOut, or behind them: all over the list where
// it has as many.
func innocents(n int) (out []netip.Addr) {
	const sources = 16384
	for i := range sources {
		low := i * 16 * max(5, n/sources)
		out = append(out, netip.AddrFrom4([4]byte{10, byte(low >> 16), byte(low >> 8), byte(low) + 9}))
	}
	return out
}

// BenchmarkPacket is what a packet from an innocent source costs with a list in force, one packet an op, and how many times that
// is what the same packets cost before and after, without any table. The sources are outside of every range, between them.
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
	took := func(b *testing.B, flood *sandbox.Flood) float64 {
		if err := flood.Send(20_000); err != nil { // warm
			b.Fatal(err)
		}
		// The kernel takes each packet in on the thread that sends it, so its time is the packet's, whatever else runs.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before := threadTime(b)
		if err := flood.Send(b.N); err != nil {
			b.Fatal(err)
		}
		return float64(threadTime(b)-before) / float64(b.N)
	}
	for _, mode := range []Mode{Inbound, All} {
		for _, what := range []string{"addresses", "prefixes", "ranges"} {
			for _, n := range []int{0, 1_000, 10_000, 100_000, 1_000_000} {
				b.Run(fmt.Sprintf("%s/%s/%d", mode, what, n), func(b *testing.B) {
					k := fresh(b, mode)
					flood, err := peer.Flood(innocents(n), sink.LocalAddr().(*net.UDPAddr).AddrPort())
					if err != nil {
						b.Fatal(err)
					}
					defer func() { _ = flood.Close() }()
					without := took(b, flood)
					apply(b, k, spreadOut(n, what))
					with := took(b, flood)
					if err := k.Remove(); err != nil {
						b.Fatal(err)
					}
					without = (without + took(b, flood)) / 2 // the machine's speed changes by and by
					b.ReportMetric(with, "cpu-ns/packet")
					b.ReportMetric(with/without, "times-none")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}

// threadTime returns what the thread has taken of a CPU.
func threadTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
