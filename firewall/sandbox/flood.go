package sandbox

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Flood is a way for a peer to send many packets quickly, from any source.
type Flood struct {
	fd     int
	mac    net.HardwareAddr // of the near end
	frames [][]byte
	next   int
}

// Flood prepares UDP packets from each of some sources to an address of the sandbox's.
func (p *Peer) Flood(sources []netip.Addr, to netip.AddrPort) (*Flood, error) {
	f, err := p.sender()
	if err != nil {
		return nil, err
	}
	for _, a := range sources {
		f.frames = append(f.frames, frame(f.mac, UDP, a, to))
	}
	return f, nil
}

// sender opens a socket that puts whole frames on the wire.
func (p *Peer) sender() (*Flood, error) {
	near, err := net.InterfaceByName(p.Interface)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %v", p.Interface, err)
	}
	f := &Flood{mac: near.HardwareAddr}
	err = p.Do(func() error {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		f.fd = fd
		return errors.Join(unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: p.farIndex}),
			unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1))
	})
	if err != nil {
		return nil, fmt.Errorf("flood from the peer: %v", err)
	}
	return f, nil
}

// Send sends the next n packets, source after source. The kernel takes each in before the next is sent.
func (f *Flood) Send(n int) error {
	for range n {
		if err := f.put(f.frames[f.next]); err != nil {
			return err
		}
		f.next = (f.next + 1) % len(f.frames)
	}
	return nil
}

// put puts one frame on the wire.
func (f *Flood) put(frame []byte) error {
	if _, err := unix.Write(f.fd, frame); err != nil && !errors.Is(err, unix.ENOBUFS) {
		return err
	}
	return nil
}

// Close ends it.
func (f *Flood) Close() error { return unix.Close(f.fd) }
