package evidence

import (
	"bytes"
	"net/netip"
)

func isKernel(program []byte) bool { return string(program) == "kernel" }

// netfilter reads what the kernel logs of packets, by UFW, firewalld or rules of one's own. Their sources may be forged.
type netfilter struct{ addresses addresses }

func newNetfilter(Options) reader { return &netfilter{addresses{}} }

// read reads [UPTIME] PREFIX IN=eth0 OUT= … SRC=A DST=B … PROTO=TCP …. A packet that an ICMP error carries stands behind it
// in brackets and isn't looked at, and neither is what the prefix says of addresses.
func (n *netfilter) read(e *entry) bool {
	prefix, in, rest := interfaces(e.message)
	if len(in) == 0 || string(in) == "lo" || letsThrough(prefix) {
		return false
	}
	for len(rest) > 0 {
		var word []byte
		word, rest = firstWord(rest)
		if len(word) > 0 && word[0] == '[' {
			break
		}
		if value, ok := after(word, "SRC="); ok {
			source, ok := n.addresses.of(value)
			return scanned(e, source, ok && !n.toAll(rest))
		}
	}
	return false
}

// toAll tells whether a packet, from DST=B on, is for every machine of the net: a neighbour's, and meant for none.
func (n *netfilter) toAll(text []byte) bool {
	word, _ := firstWord(text)
	value, _ := after(word, "DST=")
	to, ok := n.addresses.of(value)
	return ok && (to.IsMulticast() || to == everyone)
}

// everyone is the limited broadcast address (RFC 919).
var everyone = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// interfaces reads PREFIXIN=eth0 OUT=…, where nothing need stand between the prefix and what follows.
func interfaces(text []byte) (prefix, in, rest []byte) {
	for at := 0; ; at++ {
		i := bytes.Index(text[at:], []byte("IN="))
		if i < 0 {
			return nil, nil, nil
		}
		at += i
		word, rest := firstWord(text[at+len("IN="):])
		if bytes.HasPrefix(rest, []byte("OUT=")) {
			return text[:at], word, rest
		}
	}
}

// letsThrough tells whether a rule's prefix says that the packet was let through: UFW's ALLOW and AUDIT, Shorewall's ACCEPT,
// and what people call it themselves, in any case.
func letsThrough(prefix []byte) bool {
	for i := range prefix {
		switch prefix[i] | 0x20 {
		case 'a':
			if word := prefix[i:]; startsFold(word, "allow") || startsFold(word, "audit") || startsFold(word, "accept") {
				return true
			}
		}
	}
	return false
}

func startsFold(text []byte, lower string) bool {
	return len(text) >= len(lower) && bytes.EqualFold(text[:len(lower)], []byte(lower))
}
