package firewall

import (
	"net/netip"
	"strings"

	"lastresort/netblock"
)

// SessionGuard is the name of the guard that keeps an operator from blocking the address that the session came from.
const SessionGuard = "session"

// SessionOf returns the address that a session came from, as SSH_CONNECTION has it; false where it has none.
func SessionOf(sshConnection string) (netip.Addr, bool) {
	first, _, _ := strings.Cut(strings.TrimSpace(sshConnection), " ")
	first, _, _ = strings.Cut(first, "%") // a link-local peer comes with its zone
	a, err := netip.ParseAddr(first)
	return a.Unmap(), err == nil
}

// Blocks returns the range among those wanted that would drop an address, and false where none would. What allow holds is
// never dropped.
func Blocks(wants []Want, allow []netblock.Range, a netip.Addr) (netblock.Range, bool) {
	for _, r := range allow {
		if r.Contains(a) {
			return netblock.Range{}, false
		}
	}
	for _, w := range wants {
		if w.Range.Contains(a) {
			return w.Range, true
		}
	}
	return netblock.Range{}, false
}
