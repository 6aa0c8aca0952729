package firewall

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"lastresort/firewall/sandbox"
)

// TestNoPacketPassesWhileABlockFlips floods from an address and from a range, of both families, while their elements go from
// temporary to permanent and back.
func TestNoPacketPassesWhileABlockFlips(t *testing.T) {
	n := newInternet(t)
	flips := 100
	if sandbox.Long() {
		flips = 1000
	}
	sources := addrs("203.0.113.7", "198.51.100.20", "2001:db8::7", "2001:db8:1::20")
	ranges := []string{"203.0.113.7", "198.51.100.16/28", "2001:db8::7", "2001:db8:1::/64"}
	for _, x := range tables {
		mode := x.Mode
		k := built(t, x)
		n.exactly(string(mode)+", before", k, model{}, packetsFrom(sources))
		good := forGood(t, ranges...)
		week := forGood(t, ranges...)
		for i := range week {
			week[i].Until = time.Now().Add(7 * 24 * time.Hour)
		}
		apply(t, k, good)
		var sent atomic.Uint64
		stop, done := make(chan struct{}), make(chan error, 1)
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				for _, p := range packetsFrom(sources) {
					if err := n.probe.Send(p); err != nil {
						done <- err
						return
					}
				}
				sent.Add(uint64(len(sources)))
			}
		}()
		quiet := 0
		for i := range flips {
			before := sent.Load()
			p := apply(t, k, []WantList{week, good}[i%2])
			if len(p.Change) != len(ranges) {
				t.Fatalf("flip %d changes %d elements; expected %d", i, len(p.Change), len(ranges))
			}
			if sent.Load() == before {
				quiet++
			}
		}
		close(stop)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		n.exactly(string(mode)+", afterwards", k, model{wants: good}, packetsFrom(sources))
		t.Logf("%s: %d packets during %d flips, of which %d met none", mode, sent.Load()*3, flips, quiet)
		if quiet == flips {
			t.Errorf("%s: none of %d flips met a packet; expected a flood", mode, flips)
		}
		if err := k.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNothingIsSentBack sends SYNs to a closed port, datagrams to nobody and pings: each gets an answer, but not who is blocked.
func TestNothingIsSentBack(t *testing.T) {
	n := newInternet(t)
	for _, mode := range []Mode{Inbound, All} {
		k := fresh(t, mode)
		blocked, neighbours := addrs("203.0.113.7", "198.51.100.31", "2001:db8::7", "2001:db8:1::ffff"), addrs("203.0.113.8", "198.51.100.32", "2001:db8::8", "2001:db8:2::")
		apply(t, k, forGood(t, "203.0.113.7", "198.51.100.16/28", "2001:db8::7", "2001:db8:1::/64"))
		frames, err := n.peer.Capture()
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			n.exactly(string(mode), k, model{wants: forGood(t, "203.0.113.7", "198.51.100.16/28", "2001:db8::7", "2001:db8:1::/64")}, packetsFrom(append(blocked, neighbours...)))
		}
		back, err := frames.Stop()
		if err != nil {
			t.Fatal(err)
		}
		to := map[netip.Addr]int{}
		for _, f := range back {
			for _, a := range append(blocked, neighbours...) {
				if sandbox.IsTo(f, a) {
					to[a]++
				}
			}
		}
		for _, a := range blocked {
			if to[a] > 0 {
				t.Errorf("%s: %d packets went back to %s", mode, to[a], a)
			}
		}
		for _, a := range neighbours {
			if to[a] == 0 {
				t.Errorf("%s: no packet went back to %s; expected answers", mode, a)
			}
		}
		if err := k.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}

// ends are two machines with an address of each family: we are one, the other is in a blocked range.
type ends struct {
	peer      *sandbox.Peer
	near, far []netip.Addr
}

func newEnds(t *testing.T) ends {
	t.Helper()
	sandbox.Need(t)
	e := ends{near: addrs("192.0.2.1", "2001:db8:ffff::1"), far: addrs("203.0.113.7", "2001:db8:9::7")}
	var err error
	if e.peer, err = sandbox.NewPeer(e.near, e.far); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.peer.Close() })
	return e
}

// serve answers TCP and UDP at an address until the test ends, from wherever do runs.
func serve(t *testing.T, do func(func() error) error, at netip.Addr) (port uint16) {
	t.Helper()
	var l net.Listener
	var u net.PacketConn
	if err := do(func() (err error) {
		if l, err = net.Listen("tcp", netip.AddrPortFrom(at, 0).String()); err != nil {
			return err
		}
		u, err = net.ListenPacket("udp", l.Addr().String())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = l.Close(), u.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go echo(c)
		}
	}()
	go func() {
		buf := make([]byte, 64)
		for {
			n, from, err := u.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = u.WriteTo(buf[:n], from)
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}

func echo(c net.Conn) {
	buf := make([]byte, 64)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// answers tells whether a byte that is sent comes back. What should work may take its time; what shouldn't, as little as shows.
func answers(c net.Conn, should bool) bool {
	limit := 300 * time.Millisecond
	if should {
		limit = patience
	}
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return false
	}
	if _, err := c.Write([]byte("x")); err != nil {
		return false
	}
	_, err := c.Read(make([]byte, 1))
	return err == nil
}

// works tells whether TCP or UDP to an address and port works.
func works(network string, to netip.AddrPort, should bool) bool {
	limit := 300 * time.Millisecond
	if should {
		limit = patience
	}
	c, err := net.DialTimeout(network, to.String(), limit)
	if err != nil {
		return false
	}
	defer c.Close()
	return answers(c, should)
}

// pings tells whether an echo request of ours gets its reply.
func pings(t *testing.T, from, to netip.Addr, should bool) bool {
	t.Helper()
	network, request, reply := "ip6:ipv6-icmp", []byte{128, 0, 0, 0, 0, 1, 0, 1}, byte(129)
	if to.Is4() {
		network, request, reply = "ip4:icmp", []byte{8, 0, 0xf7, 0xfd, 0, 1, 0, 1}, 0
	}
	c, err := net.ListenPacket(network, from.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	limit := 300 * time.Millisecond
	if should {
		limit = patience
	}
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteTo(request, &net.IPAddr{IP: to.AsSlice()}); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 128)
	for {
		n, peer, err := c.ReadFrom(buf)
		if err != nil {
			return false
		}
		if n > 0 && buf[0] == reply && peer.String() == to.String() {
			return true
		}
	}
}

// refused tells whether the ICMP error about a datagram to a port where nobody listens comes to us.
func refused(t *testing.T, to netip.Addr, should bool) bool {
	t.Helper()
	c, err := net.Dial("udp", netip.AddrPortFrom(to, 9).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	limit := 300 * time.Millisecond
	if should {
		limit = patience
	}
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	_, _ = c.Write([]byte("x"))
	_, err = c.Read(make([]byte, 1))
	return errors.Is(err, syscall.ECONNREFUSED)
}

// TestTrapBansCutOurOwnConnections holds what we start ourselves against the modes: TCP, UDP, pings, and the ICMP errors that
// come back.
func TestTrapBansCutOurOwnConnections(t *testing.T) {
	e := newEnds(t)
	for i, to := range e.far {
		port := netip.AddrPortFrom(to, serve(t, e.peer.Do, to))
		for _, c := range []struct {
			mode  Mode
			works bool
		}{{Inbound, true}, {All, false}} {
			k := fresh(t, c.mode)
			apply(t, k, forGood(t, "203.0.113.0/24", "2001:db8:9::/48"))
			for _, network := range []string{"tcp", "udp"} {
				if got := works(network, port, c.works); got != c.works {
					t.Errorf("%s: our own %s to %s works: %v", c.mode, network, to, got)
				}
			}
			if got := pings(t, e.near[i], to, c.works); got != c.works {
				t.Errorf("%s: our own ping to %s works: %v", c.mode, to, got)
			}
			if got := refused(t, to, c.works); got != c.works {
				t.Errorf("%s: the ICMP error for our own datagram to %s comes: %v", c.mode, to, got)
			}
			if err := k.Remove(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestOpenConnectionsAreCut blocks the peer of a connection that it opened, and in mode all also of one that we did.
func TestOpenConnectionsAreCut(t *testing.T) {
	e := newEnds(t)
	here := func(do func() error) error { return do() }
	for i := range e.far {
		ours := netip.AddrPortFrom(e.far[i], serve(t, e.peer.Do, e.far[i]))
		theirs := netip.AddrPortFrom(e.near[i], serve(t, here, e.near[i]))
		for _, mode := range []Mode{Inbound, All} {
			k := fresh(t, mode)
			out, err := net.DialTimeout("tcp", ours.String(), patience)
			if err != nil {
				t.Fatal(err)
			}
			in, err := e.peer.Dial(e.far[i], theirs, patience)
			if err != nil {
				t.Fatal(err)
			}
			if !answers(out, true) || !answers(in, true) {
				t.Fatalf("%s: before, a connection doesn't work", mode)
			}
			apply(t, k, forGood(t, "203.0.113.0/24", "2001:db8:9::/48"))
			if answers(in, false) {
				t.Errorf("%s: %s still talks to us over its open connection", mode, e.far[i])
			}
			if should := mode == Inbound; answers(out, should) != should {
				t.Errorf("%s: our own open connection to %s works: %v", mode, e.far[i], !should)
			}
			_, _ = in.Close(), out.Close()
			if err := k.Remove(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestTrapBannedButStillForwarded makes us the router between a blocked network and a server behind us, as one of containers is.
func TestTrapBannedButStillForwarded(t *testing.T) {
	sandbox.Need(t)
	for _, f := range []struct{ to1, client, to2, server, forwarding string }{
		{"192.0.2.1", "203.0.113.7", "192.0.2.65", "192.0.2.66", "net/ipv4/ip_forward"},
		{"2001:db8:ffff::1", "2001:db8:9::7", "2001:db8:ffff:1::1", "2001:db8:ffff:1::2", "net/ipv6/conf/all/forwarding"},
	} {
		outside, err := sandbox.NewPeer(addrs(f.to1), addrs(f.client))
		if err != nil {
			t.Fatal(err)
		}
		inside, err := sandbox.NewPeer(addrs(f.to2), addrs(f.server))
		if err != nil {
			t.Fatal(err)
		}
		client, server := netip.MustParseAddr(f.client), netip.MustParseAddr(f.server)
		if err := sandbox.Sysctl(f.forwarding, "1"); errors.Is(err, syscall.EROFS) && os.Getenv("CI") != "true" {
			t.Skip(err)
		} else if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(outside.Route(netip.MustParseAddr(f.to1)), inside.Route(netip.MustParseAddr(f.to2))); err != nil {
			t.Fatal(err)
		}
		toServer := netip.AddrPortFrom(server, serve(t, inside.Do, server))
		toClient := netip.AddrPortFrom(client, serve(t, outside.Do, client))
		for _, mode := range []Mode{Inbound, All} {
			k := fresh(t, mode)
			open, err := outside.Dial(client, toServer, patience)
			if err != nil || !answers(open, true) {
				t.Fatalf("before, nothing is forwarded: %v", err)
			}
			apply(t, k, forGood(t, "203.0.113.0/24", "2001:db8:9::/48"))
			if c, err := outside.Dial(client, toServer, 300*time.Millisecond); err == nil {
				c.Close()
				t.Errorf("%s: %s is forwarded", mode, client)
			}
			if answers(open, false) {
				t.Errorf("%s: the open connection of %s is still forwarded", mode, client)
			}
			open.Close()
			should := mode == Inbound
			limit := map[bool]time.Duration{true: patience, false: 300 * time.Millisecond}[should]
			c, err := inside.Dial(server, toClient, limit)
			if got := err == nil && answers(c, should); got != should {
				t.Errorf("%s: the server's own connection to %s works: %v", mode, client, got)
			}
			if err == nil {
				c.Close()
			}
			if err := k.Remove(); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(outside.Close(), inside.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestInterfacesInAVRFAreCovered enslaves the interface that the blocked range comes in by.
func TestInterfacesInAVRFAreCovered(t *testing.T) {
	n := newInternet(t)
	const table = 10
	vrf := &netlink.Vrf{LinkAttrs: netlink.LinkAttrs{Name: "vrf10"}, Table: table}
	if err := netlink.LinkAdd(vrf); errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOTSUP) {
		t.Skip("this kernel has no VRF (CONFIG_NET_VRF): nothing to test")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = netlink.LinkDel(vrf) })
	near, err := netlink.LinkByName(n.peer.Interface)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(netlink.LinkSetUp(vrf), netlink.LinkSetMaster(near, vrf)); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []Mode{Inbound, All} {
		k := fresh(t, mode)
		m := model{wants: forGood(t, "203.0.113.0/24", "2001:db8:9::/48")}
		apply(t, k, m.wants)
		// What passes may not be delivered to a socket outside of the VRF; what is dropped the counters tell.
		blocked := packetsFrom(addrs("203.0.113.7", "2001:db8:9::7"))
		n.exactly(fmt.Sprintf("%s, in a VRF", mode), k, m, blocked)
		if err := k.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOnlyRealNeighbourDiscoveryPasses sends what looks like it from far away: with a hop limit under 255, which a router
// has lowered.
func TestOnlyRealNeighbourDiscoveryPasses(t *testing.T) {
	n := newInternet(t)
	for _, mode := range []Mode{Inbound, All} {
		k := fresh(t, mode)
		apply(t, k, forGood(t, "2001:db8:9::/48"))
		p := sandbox.Packet{Protocol: sandbox.Solicitation, From: netip.MustParseAddr("2001:db8:9::7")}
		if err := n.probe.Send(p); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(patience); droppedBy(t, k) == 0 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		if got := droppedBy(t, k); got != 1 {
			t.Errorf("%s: %d dropped; expected the solicitation from afar to be", mode, got)
		}
		if err := k.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOptionsAndFragmentsHideNobody sends datagrams behind IPv4 options and IPv6 extension headers, and in fragments.
func TestOptionsAndFragmentsHideNobody(t *testing.T) {
	n := newInternet(t)
	for _, mode := range []Mode{Inbound, All} {
		k := fresh(t, mode)
		apply(t, k, forGood(t, "203.0.113.0/24", "2001:db8:9::/48"))
		for _, protocol := range []sandbox.Protocol{sandbox.Options, sandbox.Fragments} {
			for _, pair := range [][2]string{{"203.0.113.7", "198.51.100.7"}, {"2001:db8:9::7", "2001:db8:8::7"}} {
				blocked, innocent := netip.MustParseAddr(pair[0]), netip.MustParseAddr(pair[1])
				before := droppedBy(t, k)
				if err := n.probe.Send(sandbox.Packet{Protocol: protocol, From: blocked}, sandbox.Packet{Protocol: protocol, From: innocent}); err != nil {
					t.Fatal(err)
				}
				for deadline := time.Now().Add(patience); droppedBy(t, k) == before && time.Now().Before(deadline); {
					time.Sleep(time.Millisecond)
				}
				if droppedBy(t, k) == before {
					t.Errorf("%s: %s from %s isn't dropped", mode, protocol, blocked)
				}
				passes := sandbox.Packet{Protocol: sandbox.UDP, From: innocent}
				if got := n.probe.Arrived([]sandbox.Packet{passes}, patience); got[passes] != 1 || len(got) != 1 {
					t.Errorf("%s: %s: %v arrived; expected that from %s alone", mode, protocol, got, innocent)
				}
			}
		}
		if err := k.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}
