package evidence

import "bytes"

func isKernel(program []byte) bool { return string(program) == "kernel" }

// netfilter reads what the kernel logs of packets, by UFW, firewalld or rules of one's own. Their sources may be forged.
type netfilter struct{ addresses addresses }

func newNetfilter(Options) reader { return &netfilter{addresses{}} }

// read reads [UPTIME] PREFIX IN=eth0 OUT= … SRC=A DST=B … PROTO=TCP …. A packet that an ICMP error carries stands behind it
// in brackets and isn't looked at, and neither is what the prefix says of addresses.
func (n *netfilter) read(e *entry) bool {
	text := e.message
	at := bytes.Index(text, []byte("IN="))
	if at < 0 || at > 0 && text[at-1] != ' ' && text[at-1] != ':' {
		return false
	}
	if letsThrough(text[:at]) {
		return false
	}
	in, rest := firstWord(text[at+len("IN="):])
	if len(in) == 0 || string(in) == "lo" {
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
			return scanned(e, source, ok)
		}
	}
	return false
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
