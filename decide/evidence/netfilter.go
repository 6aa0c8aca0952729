package evidence

import (
	"bytes"

	"lastresort/decide/history"
)

func isKernel(program []byte) bool { return string(program) == "kernel" }

// netfilter reads what the kernel logs of packets, by UFW, firewalld or rules of one's own. Their sources may be forged.
type netfilter struct{ addresses addresses }

func newNetfilter() *netfilter { return &netfilter{addresses{}} }

// read reads [UPTIME] PREFIX IN=eth0 OUT= … SRC=A DST=B … PROTO=TCP …. A packet that an ICMP error carries stands behind it
// in brackets and isn't looked at, and neither is what the prefix says of addresses.
func (n *netfilter) read(e *entry) (Event, bool) {
	text := e.message
	at := bytes.Index(text, []byte("IN="))
	if at < 0 || at > 0 && text[at-1] != ' ' && text[at-1] != ':' {
		return Event{}, false
	}
	if prefix := text[:at]; bytes.Contains(prefix, []byte("ALLOW")) || bytes.Contains(prefix, []byte("AUDIT")) || bytes.Contains(prefix, []byte("ACCEPT")) {
		return Event{}, false
	}
	in, rest := firstWord(text[at+len("IN="):])
	if len(in) == 0 || string(in) == "lo" {
		return Event{}, false
	}
	for len(rest) > 0 {
		var word []byte
		word, rest = firstWord(rest)
		if len(word) > 0 && word[0] == '[' {
			break
		}
		if value, ok := after(word, "SRC="); ok {
			source, ok := n.addresses.of(value)
			return Event{Source: source, At: e.at, Kind: "scan", Proof: history.OneWay, Count: 1}, ok
		}
	}
	return Event{}, false
}
