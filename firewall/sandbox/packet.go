package sandbox

import (
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Protocol is what a test packet carries.
type Protocol byte

// What there is: a TCP SYN, a UDP datagram, an ICMP or ICMPv6 echo request.
const (
	TCP  Protocol = unix.IPPROTO_TCP
	UDP  Protocol = unix.IPPROTO_UDP
	ICMP Protocol = unix.IPPROTO_ICMP
	// Solicitation is an ICMPv6 neighbour solicitation that was routed: its hop limit isn't 255.
	Solicitation Protocol = 255
	// Options is a UDP datagram behind an option, for IPv6 behind an extension header; it arrives as UDP.
	Options Protocol = 254
	// Fragments is a UDP datagram in two pieces; it arrives as UDP.
	Fragments Protocol = 253
)

// String implements fmt.Stringer.
func (p Protocol) String() string {
	return map[Protocol]string{TCP: "TCP", UDP: "UDP", ICMP: "ICMP", Solicitation: "a solicitation",
		Options: "UDP behind an option", Fragments: "UDP in fragments"}[p]
}

// number is the protocol's in the header of a packet of from's family.
func (p Protocol) number(is4 bool) byte {
	if p == Solicitation || p == ICMP && !is4 {
		return unix.IPPROTO_ICMPV6
	}
	return byte(p)
}

const (
	ethernetHeader = 14
	sourcePort     = 40000
)

// frames are the Ethernet frames of one packet, mostly one.
func frames(mac net.HardwareAddr, p Protocol, from netip.Addr, to netip.AddrPort) [][]byte {
	if p != Options && p != Fragments {
		return [][]byte{frame(mac, p, from, to)}
	}
	whole := frame(mac, UDP, from, to)
	header := ethernetHeader + 40
	if from.Is4() {
		header = ethernetHeader + 20
	}
	payload := whole[header:]
	if p == Options {
		return [][]byte{rebuilt(whole[:header], payload, 0, false, true)}
	}
	const first = 8
	return [][]byte{rebuilt(whole[:header], payload[:first], 0, true, false), rebuilt(whole[:header], payload[first:], first, false, false)}
}

// rebuilt is a frame with the headers of another, and a payload that stands at an offset of its datagram with more behind it or
// not, or else has options before it.
func rebuilt(headers, payload []byte, offset uint16, more, options bool) []byte {
	b := append([]byte(nil), headers...)
	h := b[ethernetHeader:]
	if headers[12] == unix.ETH_P_IPV6>>8 {
		extension := make([]byte, 8) // a fragment header, or destination options that are padding: RFC 8200
		extension[0], h[6] = unix.IPPROTO_UDP, unix.IPPROTO_FRAGMENT
		binary.BigEndian.PutUint16(extension[2:], offset)
		if more {
			extension[3] |= 1
		}
		extension[7] = 1 // the fragments' number
		if options {
			h[6] = unix.IPPROTO_DSTOPTS
			copy(extension[1:], []byte{0, 1, 4, 0, 0, 0, 0}) // PadN
		}
		binary.BigEndian.PutUint16(h[4:], uint16(len(extension)+len(payload)))
		return append(append(b, extension...), payload...)
	}
	if options {
		h[0]++
		b = append(b, 1, 1, 1, 0) // no operation, and the end
		h = b[ethernetHeader:]
	}
	binary.BigEndian.PutUint16(h[2:], uint16(len(h)+len(payload)))
	binary.BigEndian.PutUint16(h[4:], 1) // the fragments' number
	place := offset / 8
	if more {
		place |= 1 << 13
	}
	binary.BigEndian.PutUint16(h[6:], place)
	h[10], h[11] = 0, 0
	binary.BigEndian.PutUint16(h[10:], checksum(h))
	return append(b, payload...)
}

// frame is an Ethernet frame to mac with one small packet: RFC 791 and 8200, RFC 9293, 768, 792 and 4443.
func frame(mac net.HardwareAddr, p Protocol, from netip.Addr, to netip.AddrPort) []byte {
	payload := transport(p, from, to)
	b := make([]byte, ethernetHeader)
	copy(b, mac)
	copy(b[6:], []byte{2, 0, 0, 0, 0, 1})
	if from.Is4() {
		binary.BigEndian.PutUint16(b[12:], unix.ETH_P_IP)
		h := make([]byte, 20)
		h[0], h[8], h[9] = 0x45, 64, p.number(true)
		binary.BigEndian.PutUint16(h[2:], uint16(len(h)+len(payload)))
		copy(h[12:], from.AsSlice())
		copy(h[16:], to.Addr().AsSlice())
		binary.BigEndian.PutUint16(h[10:], checksum(h))
		return append(append(b, h...), payload...)
	}
	binary.BigEndian.PutUint16(b[12:], unix.ETH_P_IPV6)
	h := make([]byte, 40)
	h[0], h[6], h[7] = 0x60, p.number(false), 64
	binary.BigEndian.PutUint16(h[4:], uint16(len(payload)))
	copy(h[8:], from.AsSlice())
	copy(h[24:], to.Addr().AsSlice())
	return append(append(b, h...), payload...)
}

// transport is a packet's payload with its checksum.
func transport(p Protocol, from netip.Addr, to netip.AddrPort) []byte {
	var b []byte
	at := 0
	switch p {
	case TCP:
		const syn = 2
		b, at = make([]byte, 20), 16
		b[12], b[13] = 5<<4, syn
		binary.BigEndian.PutUint16(b[14:], 1024) // window
	case UDP:
		b, at = make([]byte, 8+18), 6
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)))
	case Solicitation:
		b, at = make([]byte, 24), 2
		b[0] = 135 // RFC 4861
		copy(b[8:], to.Addr().AsSlice())
	default:
		b, at = make([]byte, 8), 2
		b[0] = 8 // echo request
		if !from.Is4() {
			b[0] = 128
		}
	}
	if p == TCP || p == UDP {
		binary.BigEndian.PutUint16(b, sourcePort)
		binary.BigEndian.PutUint16(b[2:], to.Port())
	}
	whole := b
	if p != ICMP || !from.Is4() { // those count the addresses too
		pseudo := append(from.AsSlice(), to.Addr().AsSlice()...)
		pseudo = append(pseudo, 0, 0, 0, byte(len(b)), 0, 0, 0, p.number(from.Is4()))
		whole = append(pseudo, b...)
	}
	binary.BigEndian.PutUint16(b[at:], checksum(whole))
	return b
}

// checksum is the Internet's, RFC 1071; b has an even length.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
