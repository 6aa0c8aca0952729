package sandbox

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Peer is a second network namespace, joined to the sandbox's own by a pair of veth interfaces. It plays whoever sends us
// traffic, from as many addresses as it was given.
type Peer struct {
	Interface string // the near end, in the sandbox itself
	far       netns.NsHandle
	farName   string
	farIndex  int
}

var peers atomic.Int32

// NewPeer makes a peer. near are the sandbox's own addresses, far those that the peer speaks from.
func NewPeer(near, far []netip.Addr) (*Peer, error) {
	n := peers.Add(1)
	p := &Peer{Interface: fmt.Sprintf("near%d", n), farName: fmt.Sprintf("far%d", n)}
	err := onThread(func() error {
		origin, err := netns.Get()
		if err != nil {
			return err
		}
		if p.far, err = netns.New(); err != nil {
			return err
		}
		return netns.Set(origin)
	})
	if err != nil {
		return nil, fmt.Errorf("second network namespace: %v", err)
	}
	if err := p.join(near, far); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// quick turns off duplicate address detection, which keeps a new interface waiting for a second or two. Where it can't be
// turned off the wait remains.
func quick() error {
	_ = Sysctl("net/ipv6/conf/default/accept_dad", "0")
	return nil
}

func (p *Peer) join(near, far []netip.Addr) error {
	if err := errors.Join(quick(), p.Do(quick)); err != nil {
		return err
	}
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: p.Interface}, PeerName: p.farName}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("veth pair: %v", err)
	}
	end, err := netlink.LinkByName(p.farName)
	if err != nil {
		return fmt.Errorf("veth pair: %v", err)
	}
	if err := netlink.LinkSetNsFd(end, int(p.far)); err != nil {
		return fmt.Errorf("veth pair: %v", err)
	}
	here, err := netlink.NewHandle()
	if err != nil {
		return err
	}
	defer here.Close()
	there, err := netlink.NewHandleAt(p.far)
	if err != nil {
		return err
	}
	defer there.Close()
	if err := configure(here, p.Interface, near, far); err != nil {
		return err
	}
	if err := configure(there, p.farName, far, near); err != nil {
		return err
	}
	link, err := there.LinkByName(p.farName)
	if err != nil {
		return err
	}
	p.farIndex = link.Attrs().Index
	return errors.Join(ready(here, p.Interface), ready(there, p.farName))
}

// ready waits until an interface has a carrier and its own IPv6 address, without which neighbours aren't found.
func ready(h *netlink.Handle, name string) error {
	for range 150 {
		link, err := h.LinkByName(name)
		if err != nil {
			return fmt.Errorf("interface %s: %v", name, err)
		}
		addresses, err := h.AddrList(link, netlink.FAMILY_V6)
		if err != nil {
			return fmt.Errorf("interface %s: %v", name, err)
		}
		waits := slices.ContainsFunc(addresses, func(a netlink.Addr) bool { return a.Flags&unix.IFA_F_TENTATIVE != 0 })
		local := slices.ContainsFunc(addresses, func(a netlink.Addr) bool { return a.IP.IsLinkLocalUnicast() })
		if link.Attrs().OperState == netlink.OperUp && !waits && (local || len(addresses) == 0) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("interface %s doesn't come up", name)
}

// configure gives an interface its own addresses and a route to each of the others'.
func configure(h *netlink.Handle, name string, own, others []netip.Addr) error {
	link, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %v", name, err)
	}
	for _, a := range own {
		// Without duplicate address detection, which would keep an IPv6 address waiting for a second.
		address := &netlink.Addr{IPNet: alone(a), Flags: unix.IFA_F_NODAD}
		if err := h.AddrAdd(link, address); err != nil {
			return fmt.Errorf("address %s: %v", a, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("interface %s: %v", name, err)
	}
	for _, a := range others {
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: alone(a), Scope: netlink.SCOPE_LINK}
		if err := h.RouteAdd(route); err != nil {
			return fmt.Errorf("route to %s: %v", a, err)
		}
	}
	return nil
}

func alone(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}

// Route sends all that the peer has for others through one of the sandbox's addresses.
func (p *Peer) Route(via netip.Addr) error {
	there, err := netlink.NewHandleAt(p.far)
	if err != nil {
		return err
	}
	defer there.Close()
	return there.RouteAdd(&netlink.Route{LinkIndex: p.farIndex, Gw: via.AsSlice()})
}

// Do runs do in the peer's namespace. Sockets that it opens stay there.
func (p *Peer) Do(do func() error) error {
	return onThread(func() error {
		if err := netns.Set(p.far); err != nil {
			return err
		}
		return do()
	})
}

// Dial connects from one of the peer's addresses to one of the sandbox's.
func (p *Peer) Dial(from netip.Addr, to netip.AddrPort, timeout time.Duration) (c net.Conn, err error) {
	err = p.Do(func() (err error) {
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), Timeout: timeout}
		c, err = d.Dial("tcp", to.String())
		return err
	})
	return c, err
}

// onThread runs do on a thread of its own, which ends with it: whatever namespace it was left in, nobody else gets it.
func onThread(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- do()
	}()
	return <-done
}

// Close takes the peer away; its end of the pair, and with it the other, goes with the namespace.
func (p *Peer) Close() error {
	var errs error
	if link, err := netlink.LinkByName(p.Interface); err == nil {
		errs = netlink.LinkDel(link)
	}
	return errors.Join(errs, p.far.Close())
}
