package sandbox

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"
)

// Capture is what arrives at a peer from its start on.
type Capture struct {
	fd     int
	stop   chan struct{}
	done   chan struct{}
	mu     sync.Mutex
	frames [][]byte
}

// Capture begins to record every frame that arrives at the peer.
func (p *Peer) Capture() (*Capture, error) {
	c := &Capture{stop: make(chan struct{}), done: make(chan struct{})}
	err := p.Do(func() error {
		const all = uint16(unix.ETH_P_ALL)<<8 | unix.ETH_P_ALL>>8 // in network byte order
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all))
		if err != nil {
			return err
		}
		c.fd = fd
		wait := unix.Timeval{Usec: 20_000}
		return errors.Join(unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: p.farIndex}),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait))
	})
	if err != nil {
		return nil, fmt.Errorf("capture at the peer: %v", err)
	}
	go c.receive()
	return c, nil
}

func (c *Capture) receive() {
	defer close(c.done)
	buf := make([]byte, 1<<16)
	for {
		n, from, err := unix.Recvfrom(c.fd, buf, 0)
		if ll, ok := from.(*unix.SockaddrLinklayer); err == nil && ok && ll.Pkttype != unix.PACKET_OUTGOING {
			c.mu.Lock()
			c.frames = append(c.frames, append([]byte(nil), buf[:n]...))
			c.mu.Unlock()
		}
		select {
		case <-c.stop:
			if err != nil { // nothing more waits
				return
			}
		default:
		}
	}
}

// Stop ends the recording and returns the frames.
func (c *Capture) Stop() ([][]byte, error) {
	close(c.stop)
	<-c.done
	return c.frames, unix.Close(c.fd)
}

// IsTo tells whether a frame carries an IP packet to an address. Those that ask who has it, ARP and neighbour discovery, don't
// leave the wire between two neighbours and aren't counted.
func IsTo(frame []byte, to netip.Addr) bool {
	const ethernet = 14
	if len(frame) < ethernet {
		return false
	}
	packet := frame[ethernet:]
	switch kind := uint16(frame[12])<<8 | uint16(frame[13]); {
	case kind == unix.ETH_P_IP && to.Is4() && len(packet) >= 20:
		return netip.AddrFrom4([4]byte(packet[16:20])) == to
	case kind == unix.ETH_P_IPV6 && to.Is6() && len(packet) > 40:
		discovery := packet[6] == unix.IPPROTO_ICMPV6 && packet[40] >= 133 && packet[40] <= 137
		return netip.AddrFrom16([16]byte(packet[24:40])) == to && !discovery
	}
	return false
}
