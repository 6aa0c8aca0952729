package sandbox

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Packet is a test packet as it arrives: what it carries and who it says it is from.
type Packet struct {
	Protocol Protocol
	From     netip.Addr
}

// Probe sends single packets from any source whatever, and sees which of them arrive at our own sockets.
type Probe struct {
	to      map[bool]netip.Addr // by whether it is IPv4
	out     *Flood
	fds     []int
	stop    chan struct{}
	done    sync.WaitGroup
	mu      sync.Mutex
	arrived map[Packet]int
}

// AnySource makes the peer stand for the whole Internet: replies to any source leave by its interface, without asking who has
// the address.
func (p *Peer) AnySource() error {
	link, err := netlink.LinkByName(p.Interface)
	if err != nil {
		return fmt.Errorf("interface %s: %v", p.Interface, err)
	}
	if err := netlink.LinkSetARPOff(link); err != nil {
		return fmt.Errorf("interface %s: %v", p.Interface, err)
	}
	for _, all := range []string{"0.0.0.0/0", "::/0"} {
		_, dst, err := net.ParseCIDR(all)
		if err != nil {
			return err
		}
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst, Scope: netlink.SCOPE_LINK}
		if err := netlink.RouteAdd(route); err != nil {
			return fmt.Errorf("route to %s: %v", all, err)
		}
	}
	return nil
}

// Sysctl sets a parameter of the sandbox's network.
func Sysctl(name, value string) error {
	if !Inside() {
		return errors.New("sysctl outside of a sandbox")
	}
	return os.WriteFile("/proc/sys/"+name, []byte(value), 0)
}

// Probe prepares to send packets to the sandbox's own addresses, at most one of each family.
func (p *Peer) Probe(own ...netip.Addr) (*Probe, error) {
	out, err := p.sender()
	if err != nil {
		return nil, err
	}
	x := &Probe{to: map[bool]netip.Addr{}, out: out, stop: make(chan struct{}), arrived: map[Packet]int{}}
	for _, a := range own {
		x.to[a.Is4()] = a
		for _, protocol := range []Protocol{TCP, UDP, ICMP} {
			if err := x.listen(protocol, a); err != nil {
				return nil, errors.Join(fmt.Errorf("raw socket for %s: %v", protocol, err), x.Close())
			}
		}
	}
	return x, nil
}

// listen opens a raw socket, which sees a packet where it would be delivered: behind every hook that could drop it.
func (x *Probe) listen(protocol Protocol, own netip.Addr) error {
	domain, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Addr: own.As16()})
	if own.Is4() {
		domain, address = unix.AF_INET, &unix.SockaddrInet4{Addr: own.As4()}
	}
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(protocol.number(own.Is4())))
	if err != nil {
		return err
	}
	x.fds = append(x.fds, fd)
	wait := unix.Timeval{Usec: 20_000}
	err = errors.Join(unix.Bind(fd, address), unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20)) // as much of it as there may be
	if err == nil {
		x.done.Go(func() { x.receive(fd, protocol) })
	}
	return err
}

func (x *Probe) receive(fd int, protocol Protocol) {
	buf := make([]byte, 1<<12)
	for {
		n, from, err := unix.Recvfrom(fd, buf, 0)
		var p Packet
		switch a := from.(type) {
		case *unix.SockaddrInet4:
			p = Packet{protocol, netip.AddrFrom4(a.Addr)}
		case *unix.SockaddrInet6:
			p = Packet{protocol, netip.AddrFrom16(a.Addr)}
		}
		// Of ICMP other messages come too: errors, neighbour discovery.
		if err == nil && p.From.IsValid() && (protocol != ICMP || isEcho(buf[:n], p.From.Is4())) {
			x.mu.Lock()
			x.arrived[p]++
			x.mu.Unlock()
		}
		select {
		case <-x.stop:
			return
		default:
		}
	}
}

// isEcho tells whether what a raw socket gave is an echo request: for IPv4 it gives the header too.
func isEcho(b []byte, is4 bool) bool {
	if is4 {
		return len(b) > 20 && b[20] == 8
	}
	return len(b) > 0 && b[0] == 128
}

// Send sends packets to the sandbox's address of their family, at a port where nobody listens.
func (x *Probe) Send(packets ...Packet) error {
	for _, p := range packets {
		const discard = 9
		for _, f := range frames(x.out.mac, p.Protocol, p.From, netip.AddrPortFrom(x.to[p.From.Is4()], discard)) {
			if err := x.out.put(f); err != nil {
				return fmt.Errorf("%s from %s: %v", p.Protocol, p.From, err)
			}
		}
	}
	return nil
}

// Arrived returns how often each packet arrived since it was last asked, and waits until all those wanted are among them, or
// until patience ends.
func (x *Probe) Arrived(wanted []Packet, patience time.Duration) map[Packet]int {
	deadline := time.Now().Add(patience)
	for {
		x.mu.Lock()
		missing := false
		for _, p := range wanted {
			missing = missing || x.arrived[p] == 0
		}
		if !missing || time.Now().After(deadline) {
			got := x.arrived
			x.arrived = map[Packet]int{}
			x.mu.Unlock()
			return got
		}
		x.mu.Unlock()
		time.Sleep(200 * time.Microsecond)
	}
}

// Close ends it.
func (x *Probe) Close() error {
	close(x.stop)
	x.done.Wait()
	errs := x.out.Close()
	for _, fd := range x.fds {
		errs = errors.Join(errs, unix.Close(fd))
	}
	return errs
}
