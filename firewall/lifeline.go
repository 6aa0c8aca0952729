package firewall

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"

	"lastresort/netblock"
)

// The guards that keep a machine reachable and able to work.
const (
	SessionGuard  = "session"  // the address that a session came from: this one's, or another's over SSH that is open
	GatewayGuard  = "gateway"  // a router that a route of ours goes through
	ResolverGuard = "resolver" // a name server that we ask
	LocalGuard    = "local"    // an address of our own
)

// Lifeline is an address that this machine can't do without.
type Lifeline struct {
	Guard string
	Addr  netip.Addr
	What  string // what it is to us
}

// Lifelines finds the addresses that a machine can't do without. root is its file system, for /proc and /etc; what can't be
// read there is left out. ours is this process's own SSH_CONNECTION, locals the addresses of its interfaces.
//
// Of other sessions only those count that are logged in and open: a process has their SSH_CONNECTION in its environment,
// and the kernel has the connection. A connection alone doesn't count, for an attacker could hold one open to be spared.
func Lifelines(root fs.FS, ours string, locals []netip.Addr) []Lifeline {
	var out []Lifeline
	add := func(guard string, a netip.Addr, what string) {
		x := Lifeline{guard, a.Unmap().WithZone(""), what}
		if a.IsValid() && !a.IsLoopback() && !a.IsUnspecified() && !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(ours), " ")
	if a, err := netip.ParseAddr(first); err == nil {
		add(SessionGuard, a, "this session came from there")
	}
	for _, peer := range openSessions(root) {
		add(SessionGuard, peer, "an open session came from there")
	}
	for _, a := range gateways(root) {
		add(GatewayGuard, a, "it is our gateway")
	}
	for _, a := range resolvers(root) {
		add(ResolverGuard, a, "it is our name server")
	}
	for _, a := range locals {
		add(LocalGuard, a, "it is our own address")
	}
	return out
}

// connection is the two ends of a TCP connection.
type connection struct{ peer, here netip.AddrPort }

// parseSession reads an SSH_CONNECTION: the client's address and port, and the server's.
func parseSession(text string) (connection, bool) {
	f := strings.Fields(text)
	if len(f) != 4 {
		return connection{}, false
	}
	peer, err1 := end(f[0], f[1])
	here, err2 := end(f[2], f[3])
	return connection{peer, here}, err1 == nil && err2 == nil
}

func end(addr, port string) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(a.Unmap().WithZone(""), uint16(n)), err
}

// openSessions returns the peers of the SSH sessions that are logged in and open.
func openSessions(root fs.FS) []netip.Addr {
	open := map[connection]bool{}
	for _, name := range []string{"proc/net/tcp", "proc/net/tcp6"} {
		for _, c := range established(root, name) {
			open[c] = true
		}
	}
	if len(open) == 0 {
		return nil
	}
	processes, err := fs.Glob(root, "proc/[0-9]*/environ")
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, name := range processes {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			continue // it ended, or isn't ours to read
		}
		for field := range bytes.SplitSeq(text, []byte{0}) {
			value, ok := bytes.CutPrefix(field, []byte("SSH_CONNECTION="))
			if !ok {
				continue
			}
			if c, ok := parseSession(string(value)); ok && open[c] && !slices.Contains(out, c.peer.Addr()) {
				out = append(out, c.peer.Addr())
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// lines calls each for the fields of every line of a file, but for the first where that is a heading.
func lines(root fs.FS, name string, heading bool, each func(fields []string)) {
	f, err := root.Open(name)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	for s := bufio.NewScanner(f); s.Scan(); heading = false {
		if !heading {
			each(strings.Fields(s.Text()))
		}
	}
}

// established lists the open connections of /proc/net/tcp or tcp6.
func established(root fs.FS, name string) []connection {
	var out []connection
	const state = "01" // TCP_ESTABLISHED
	lines(root, name, true, func(f []string) {
		if len(f) < 4 || f[3] != state {
			return
		}
		here, ok1 := procEnd(f[1])
		peer, ok2 := procEnd(f[2])
		if ok1 && ok2 {
			out = append(out, connection{peer, here})
		}
	})
	return out
}

// procEnd reads one end as /proc/net/tcp writes it: the address in words of the machine's order, and the port.
func procEnd(text string) (netip.AddrPort, bool) {
	addr, port, ok := strings.Cut(text, ":")
	a, err := procAddr(addr)
	n, err2 := strconv.ParseUint(port, 16, 16)
	return netip.AddrPortFrom(a, uint16(n)), ok && err == nil && err2 == nil
}

func procAddr(text string) (netip.Addr, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return netip.Addr{}, err
	}
	for i := 0; i+4 <= len(b); i += 4 {
		binary.BigEndian.PutUint32(b[i:], binary.NativeEndian.Uint32(b[i:]))
	}
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap(), nil
}

// gateways lists the routers of /proc/net/route and ipv6_route.
func gateways(root fs.FS) []netip.Addr {
	var out []netip.Addr
	lines(root, "proc/net/route", true, func(f []string) {
		if len(f) > 2 {
			if a, err := procAddr(f[2]); err == nil {
				out = append(out, a)
			}
		}
	})
	lines(root, "proc/net/ipv6_route", false, func(f []string) {
		if len(f) > 4 {
			if b, err := hex.DecodeString(f[4]); err == nil { // here in network order
				a, _ := netip.AddrFromSlice(b)
				out = append(out, a)
			}
		}
	})
	return out
}

// resolvers lists the name servers of /etc/resolv.conf and, behind systemd-resolved, those that it asks.
func resolvers(root fs.FS) []netip.Addr {
	var out []netip.Addr
	for _, name := range []string{"etc/resolv.conf", "run/systemd/resolve/resolv.conf"} {
		lines(root, name, false, func(f []string) {
			if len(f) > 1 && f[0] == "nameserver" {
				if a, err := netip.ParseAddr(f[1]); err == nil {
					out = append(out, a)
				}
			}
		})
	}
	return out
}

// Blocks returns the range among those wanted that would drop an address, and false where none would. What allow holds is
// never dropped.
func Blocks(wants Wants, allow []netblock.Range, a netip.Addr) (netblock.Range, bool) {
	for _, r := range allow {
		if r.Contains(a) {
			return netblock.Range{}, false
		}
	}
	i := sort.Search(wants.Len(), func(i int) bool { return !wants.Range(i).Last().Less(a) })
	if i == wants.Len() || !wants.Range(i).Contains(a) {
		return netblock.Range{}, false
	}
	return wants.Range(i), true
}
