package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Flood is a way for a peer to send many packets quickly, from any IPv4 source.
type Flood struct {
	fd     int
	frames [][]byte
	next   int
}

// Flood prepares UDP packets from each of some sources to an address of the sandbox's.
func (p *Peer) Flood(sources []netip.Addr, to netip.AddrPort) (*Flood, error) {
	near, err := net.InterfaceByName(p.Interface)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %v", p.Interface, err)
	}
	f := &Flood{}
	for _, a := range sources {
		f.frames = append(f.frames, udpFrame(near.HardwareAddr, a, to))
	}
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
		if _, err := unix.Write(f.fd, f.frames[f.next]); err != nil && !errors.Is(err, unix.ENOBUFS) {
			return err
		}
		f.next = (f.next + 1) % len(f.frames)
	}
	return nil
}

// Close ends it.
func (f *Flood) Close() error { return unix.Close(f.fd) }

// udpFrame is an Ethernet frame with one small UDP packet, RFC 791 and RFC 768; its UDP checksum is left out, as they allow.
func udpFrame(mac net.HardwareAddr, from netip.Addr, to netip.AddrPort) []byte {
	const ethernet, ip, udp, payload = 14, 20, 8, 18
	b := make([]byte, ethernet+ip+udp+payload)
	copy(b, mac)
	copy(b[6:], []byte{2, 0, 0, 0, 0, 1})
	binary.BigEndian.PutUint16(b[12:], unix.ETH_P_IP)
	h := b[ethernet:]
	h[0], h[8], h[9] = 0x45, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(h[2:], ip+udp+payload)
	src, dst := from.As4(), to.Addr().As4()
	copy(h[12:], src[:])
	copy(h[16:], dst[:])
	sum := uint32(0)
	for i := 0; i < ip; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(h[10:], ^uint16(sum+sum>>16))
	binary.BigEndian.PutUint16(h[ip:], 40000)
	binary.BigEndian.PutUint16(h[ip+2:], to.Port())
	binary.BigEndian.PutUint16(h[ip+4:], udp+payload)
	return b
}
