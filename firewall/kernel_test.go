package firewall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/nftables"

	"lastresort/firewall/sandbox"
	"lastresort/netblock"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == flipChild {
		if err := flip(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(sandbox.Main(m.Run))
}

func rng(t testing.TB, s string) netblock.Range {
	t.Helper()
	r, err := netblock.ParseRange(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func addrs(texts ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range texts {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func forGood(t testing.TB, texts ...string) WantList {
	t.Helper()
	var out WantList
	for _, s := range texts {
		out = append(out, Want{Range: rng(t, s)})
	}
	slices.SortFunc(out, func(a, b Want) int { return a.Range.Compare(b.Range) })
	return out
}

// fresh returns a kernel with a table of its own, which goes with the test.
func fresh(t testing.TB, mode Mode) Kernel {
	t.Helper()
	sandbox.Need(t)
	k := Open(Config{Table: "lastresort", Mode: mode, Jitter: time.Hour})
	t.Cleanup(func() {
		if err := k.Remove(); err != nil {
			t.Error(err)
		}
	})
	return k
}

func apply(t testing.TB, k Kernel, wants WantList, allow ...netblock.Range) Plan {
	t.Helper()
	p, err := k.Apply(t.Context(), wants, allow, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func held(t testing.TB, k Kernel) State {
	t.Helper()
	s, err := k.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rangesOf(s State) []string {
	out := []string{}
	for _, e := range s.Elements {
		out = append(out, e.Range.String())
	}
	return out
}

// edges are ranges of every size and at every edge that the sets have to get right.
var edges = []string{"1.0.0.0-1.0.0.2", "192.0.2.7", "192.0.2.9-192.0.2.12", "192.0.2.13", "192.0.2.14-192.0.2.15", "198.51.100.0/25",
	"203.0.113.0/24", "223.255.255.0-255.255.255.255", "2001:db8::/64", "2001:db8:0:1::/64", "2001:db8:5::7", "2001:db8:6::-2001:db8:6::9",
	"ffff:ffff::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}

func TestTheKernelHoldsWhatIsWanted(t *testing.T) {
	k := fresh(t, Inbound)
	wants := forGood(t, edges...)
	p := apply(t, k, wants, rng(t, "192.0.2.64/26"), rng(t, "2001:db8:7::/48"))
	if !p.Build || p.Added() != len(wants) {
		t.Errorf("plan builds %v and adds %d", p.Build, p.Added())
	}
	s := held(t, k)
	var want []string
	for _, w := range wants {
		want = append(want, w.Range.String())
	}
	if d := cmp.Diff(want, rangesOf(s)); d != "" {
		t.Errorf("elements (-want +got):\n%s", d)
	}
	if len(s.Faults) > 0 || len(s.Allow) != 2 {
		t.Errorf("faults %q, allow %v", s.Faults, s.Allow)
	}
	if again := apply(t, k, wants, rng(t, "192.0.2.64/26"), rng(t, "2001:db8:7::/48")); !again.Empty() || again.Unchanged != len(wants) {
		t.Errorf("the same again would change %+v", again)
	}
}

func TestEveryChangeLeavesTheRestAlone(t *testing.T) {
	k := fresh(t, Inbound)
	now := time.Now()
	soon, later := now.Add(24*time.Hour), now.Add(30*24*time.Hour)
	for _, c := range []struct {
		name  string
		wants WantList
	}{
		{"one temporary, one for good", WantList{{Range: rng(t, "192.0.2.0/28"), Until: soon}, {Range: rng(t, "198.51.100.7"), Until: time.Time{}}}},
		{"temporary to for good and back", WantList{{Range: rng(t, "192.0.2.0/28"), Until: time.Time{}}, {Range: rng(t, "198.51.100.7"), Until: soon}}},
		{"longer", WantList{{Range: rng(t, "192.0.2.0/28"), Until: time.Time{}}, {Range: rng(t, "198.51.100.7"), Until: later}}},
		{"wider over a standing one", WantList{{Range: rng(t, "192.0.2.0/27"), Until: soon}, {Range: rng(t, "198.51.100.7"), Until: later}}},
		{"a piece cut out", WantList{{Range: rng(t, "192.0.2.0-192.0.2.4"), Until: soon}, {Range: rng(t, "192.0.2.6-192.0.2.31"), Until: soon}}},
		{"narrower, sharing an end", WantList{{Range: rng(t, "192.0.2.16/28"), Until: soon}}},
		{"neighbours", WantList{{Range: rng(t, "192.0.2.16/29"), Until: soon}, {Range: rng(t, "192.0.2.24/29"), Until: later}}},
		{"nothing", nil},
	} {
		apply(t, k, c.wants)
		left, err := k.cfg.Diff(held(t, k), c.wants, nil, time.Now())
		if err != nil || !left.Empty() {
			t.Errorf("%s: still to do %+v, %v", c.name, left, err)
		}
		for i, e := range held(t, k).Elements {
			want := k.cfg.Timeout(c.wants[i], time.Now())
			if !agrees(e, want) || want > 0 && e.Expires < time.Until(c.wants[i].Until)-time.Second {
				t.Errorf("%s: %s has %s left; wanted %s", c.name, e.Range, e.Expires, want)
			}
		}
	}
}

func TestManyRangesGoInAtOnce(t *testing.T) {
	k := fresh(t, Inbound)
	var wants WantList
	for i := range 3000 {
		first := netip.AddrFrom4([4]byte{198, 18, byte(i >> 6), byte(i<<2) & 0xfc})
		r, err := netblock.Between(first, first.Next())
		if err != nil {
			t.Fatal(err)
		}
		wants = append(wants, Want{Range: r})
	}
	apply(t, k, wants)
	if got := len(held(t, k).Elements); got != len(wants) {
		t.Errorf("%d elements; wanted %d", got, len(wants))
	}
}

func TestOthersSeeTheSameTable(t *testing.T) {
	k := fresh(t, Inbound)
	nft := sandbox.Tool(t, "nft")
	apply(t, k, forGood(t, edges...), rng(t, "192.0.2.64/26"))
	text, err := exec.Command(nft, "-j", "list", "ruleset").Output()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Nftables []struct {
			Chain *struct{ Table, Name, Hook, Policy string }
			Set   *struct {
				Name string
				Elem []any
			}
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, x := range doc.Nftables {
		if x.Chain != nil && (x.Chain.Name == chainName) != (x.Chain.Hook == "prerouting" && x.Chain.Policy == "accept") {
			t.Errorf("chain %+v", *x.Chain)
		}
		if x.Set != nil && !strings.HasPrefix(x.Set.Name, "allow") {
			for _, e := range x.Set.Elem {
				seen = append(seen, nftRange(t, e))
			}
		}
	}
	want := rangesOf(held(t, k))
	slices.Sort(seen)
	slices.Sort(want)
	if d := cmp.Diff(want, seen); d != "" {
		t.Errorf("nft sees other ranges (-ours +nft's):\n%s", d)
	}
}

// nftRange reads a range as nft prints it in JSON.
func nftRange(t *testing.T, e any) string {
	t.Helper()
	for {
		m, ok := e.(map[string]any)
		if !ok {
			return rng(t, e.(string)).String()
		}
		if p, ok := m["prefix"].(map[string]any); ok {
			return rng(t, fmt.Sprintf("%s/%v", p["addr"], p["len"])).String()
		}
		if r, ok := m["range"].([]any); ok {
			return rng(t, fmt.Sprintf("%s-%s", r[0], r[1])).String()
		}
		elem, ok := m["elem"].(map[string]any)
		if !ok {
			t.Fatalf("element %v", e)
		}
		e = elem["val"]
	}
}

func TestATableThatSomebodyBrokeIsToldAndHealed(t *testing.T) {
	for name, spoil := range map[string]func(*nftables.Conn, *nftables.Table){
		"table gone":  func(c *nftables.Conn, x *nftables.Table) { c.DelTable(x) },
		"chain gone":  func(c *nftables.Conn, x *nftables.Table) { c.DelChain(&nftables.Chain{Table: x, Name: chainName}) },
		"rules gone":  func(c *nftables.Conn, x *nftables.Table) { c.FlushTable(x) },
		"ranges gone": func(c *nftables.Conn, x *nftables.Table) { c.FlushSet(rangeKind(true, nil).set(x)) },
	} {
		k := fresh(t, Inbound)
		wants := forGood(t, "192.0.2.7", "198.51.100.0/25")
		apply(t, k, wants)
		c, err := nftables.New()
		if err != nil {
			t.Fatal(err)
		}
		spoil(c, k.table())
		if err := c.Flush(); err != nil {
			t.Fatal(name, err)
		}
		s := held(t, k)
		if s.Exists && len(s.Faults) == 0 && len(s.Elements) == 2 {
			t.Errorf("%s: nobody notices", name)
		}
		apply(t, k, wants)
		if d := cmp.Diff([]string{"192.0.2.7", "198.51.100.0/25"}, rangesOf(held(t, k))); d != "" || len(held(t, k).Faults) > 0 {
			t.Errorf("%s isn't healed: %v\n%s", name, held(t, k).Faults, d)
		}
	}
}

func TestChangingTheModeBuildsTheChainAnew(t *testing.T) {
	k := fresh(t, Inbound)
	wants := forGood(t, "192.0.2.7")
	apply(t, k, wants)
	all := Open(Config{Table: "lastresort", Mode: All})
	if s := held(t, all); len(s.Faults) == 0 {
		t.Error("another mode is no fault")
	}
	apply(t, all, wants)
	if s := held(t, all); len(s.Faults) > 0 || len(s.Elements) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestAForeignTableOfOurNameIsLeftAlone(t *testing.T) {
	k := fresh(t, Inbound)
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	c.AddTable(k.table())
	c.AddChain(&nftables.Chain{Table: k.table(), Name: "theirs"})
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	_, err = k.Apply(t.Context(), forGood(t, "192.0.2.7"), nil, time.Now)
	var e *Error
	if !errors.As(err, &e) || e.Changed || !strings.Contains(err.Error(), "chain theirs, which isn't ours") {
		t.Errorf("error %v", err)
	}
}

func TestExpiryWorksWithoutUsAndDoesntFailTheNextChange(t *testing.T) {
	k := fresh(t, Inbound)
	k.cfg.Jitter = 0
	apply(t, k, WantList{{Range: rng(t, "192.0.2.0/28"), Until: time.Now().Add(time.Second)}, {Range: rng(t, "192.0.2.64/28"), Until: time.Time{}}})
	time.Sleep(1500 * time.Millisecond)
	if d := cmp.Diff([]string{"192.0.2.64/28"}, rangesOf(held(t, k))); d != "" {
		t.Errorf("after its end (-want +got):\n%s", d)
	}
	apply(t, k, forGood(t, "192.0.2.8/29"))
	if d := cmp.Diff([]string{"192.0.2.8/29"}, rangesOf(held(t, k))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAnEndedContextChangesNothing(t *testing.T) {
	k := fresh(t, Inbound)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Apply(ctx, forGood(t, "192.0.2.7"), nil, time.Now); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if held(t, k).Exists {
		t.Error("the table was made")
	}
}

// sender sends datagrams from chosen addresses and tells which arrived.
type sender struct {
	t    *testing.T
	peer *sandbox.Peer
}

// arrived sends one datagram from each address and returns the addresses whose arrived.
func (s sender) arrived(to netip.Addr, from []netip.Addr) []string {
	s.t.Helper()
	in, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 0)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer in.Close()
	port := in.LocalAddr().(*net.UDPAddr).AddrPort()
	for _, a := range from {
		err := s.peer.Do(func() error {
			c, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)), net.UDPAddrFromAddrPort(port))
			if err != nil {
				return err
			}
			_, err = c.Write([]byte("x"))
			return errors.Join(err, c.Close())
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	got := []string{}
	buf := make([]byte, 8)
	for len(got) < len(from) {
		if err := in.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			s.t.Fatal(err)
		}
		_, a, err := in.ReadFromUDPAddrPort(buf)
		if err != nil {
			break
		}
		got = append(got, a.Addr().Unmap().String())
	}
	slices.Sort(got)
	return got
}

func TestExactlyTheBlockedAreDropped(t *testing.T) {
	sandbox.Need(t)
	for _, c := range []struct {
		near   string
		wants  []string
		allow  string
		passes []string
		drops  []string
	}{
		{"192.0.2.1", []string{"198.18.0.7", "198.18.1.0/29", "198.18.2.0/24", "198.18.3.5-198.18.3.77"}, "198.18.2.128/25",
			[]string{"198.18.0.6", "198.18.0.8", "198.18.1.8", "198.18.3.4", "198.18.3.78", "198.18.2.128", "198.18.2.255"},
			[]string{"198.18.0.7", "198.18.1.1", "198.18.1.4", "198.18.1.7", "198.18.2.127", "198.18.3.5", "198.18.3.40", "198.18.3.77"}},
		{"2001:db8::1", []string{"2001:db8:1::/64", "2001:db8:2::7", "2001:db8:3::5-2001:db8:3::9"}, "2001:db8:1::ff",
			[]string{"2001:db8:1::ff", "2001:db8:0:ffff:ffff:ffff:ffff:ffff", "2001:db8:1:1::", "2001:db8:2::6", "2001:db8:2::8", "2001:db8:3::4", "2001:db8:3::a"},
			[]string{"2001:db8:1::1", "2001:db8:1:0:ffff:ffff:ffff:ffff", "2001:db8:2::7", "2001:db8:3::5", "2001:db8:3::9"}},
	} {
		for _, mode := range []Mode{Inbound, All} {
			k := fresh(t, mode)
			all := append(addrs(c.passes...), addrs(c.drops...)...)
			peer, err := sandbox.NewPeer(addrs(c.near), all)
			if err != nil {
				t.Fatal(err)
			}
			s := sender{t, peer}
			if got := s.arrived(netip.MustParseAddr(c.near), all); len(got) != len(all) {
				t.Errorf("%s: before, only %v arrive", mode, got)
			}
			apply(t, k, forGood(t, c.wants...), rng(t, c.allow))
			want := slices.Sorted(slices.Values(c.passes))
			if d := cmp.Diff(want, s.arrived(netip.MustParseAddr(c.near), all)); d != "" {
				t.Errorf("%s: arrives (-want +got):\n%s", mode, d)
			}
			dropped := uint64(0)
			for _, e := range held(t, k).Elements {
				dropped += e.Packets
			}
			if dropped != uint64(len(c.drops)) {
				t.Errorf("%s: counters say %d dropped; sent %d", mode, dropped, len(c.drops))
			}
			apply(t, k, nil)
			if got := s.arrived(netip.MustParseAddr(c.near), all); len(got) != len(all) {
				t.Errorf("%s: after unblocking, only %v arrive", mode, got)
			}
			if err := errors.Join(peer.Close(), k.Remove()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTheOffenderLearnsNothingAndItsOpenConnectionDies(t *testing.T) {
	k := fresh(t, Inbound)
	// Addresses of its own: the end of a connection that another test left is still being said to those of that one.
	near, offender, neighbour := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("203.0.113.177"), netip.MustParseAddr("203.0.113.178")
	peer, err := sandbox.NewPeer([]netip.Addr{near}, []netip.Addr{offender, neighbour})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	l, err := net.Listen("tcp", netip.AddrPortFrom(near, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	to := l.Addr().(*net.TCPAddr).AddrPort()
	heard := make(chan string, 16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				buf := make([]byte, 64)
				for {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					heard <- string(buf[:n])
				}
			}()
		}
	}()
	open, err := peer.Dial(offender, to, 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	apply(t, k, forGood(t, "203.0.113.177"))
	frames, err := peer.Capture()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open.Write([]byte("established")); err != nil {
		t.Fatal(err)
	}
	if c, err := peer.Dial(offender, to, 500*time.Millisecond); err == nil {
		c.Close()
		t.Error("the offender still gets in")
	}
	select {
	case text := <-heard:
		t.Errorf("its open connection still says %q", text)
	case <-time.After(300 * time.Millisecond):
	}
	back, err := frames.Stop()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range back {
		if sandbox.IsTo(f, offender) {
			t.Errorf("a packet went back to the offender: %x", f)
		}
	}
	if c, err := peer.Dial(neighbour, to, 500*time.Millisecond); err != nil {
		t.Errorf("the neighbour is dropped too: %v", err)
	} else {
		c.Close()
	}
}

func TestLoopbackIsNeverDropped(t *testing.T) {
	k := fresh(t, All)
	apply(t, k, forGood(t, "127.0.0.0/8", "::1"))
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.DialTimeout("tcp", l.Addr().String(), 500*time.Millisecond)
		if err != nil {
			t.Errorf("%s: %v", at, err)
		} else {
			c.Close()
		}
		l.Close()
	}
}

// flipChild is the argument with which the test binary changes the kernel back and forth until it is killed.
const flipChild = "flip-the-kernel-until-killed"

// The two states between which a killed apply must leave the kernel at one.
func flipStates() (a, b WantList) {
	for i := range 400 {
		low := netip.AddrFrom4([4]byte{198, 18, byte(i), 0})
		a = append(a, Want{Range: netblock.OfPrefix(netip.PrefixFrom(low, 25))})
		b = append(b, Want{Range: netblock.OfPrefix(netip.PrefixFrom(low, 24))})
		if i == 255 {
			break
		}
	}
	return a, b
}

func flip() error {
	k := Open(Config{Table: "lastresort", Mode: Inbound})
	a, b := flipStates()
	for {
		for _, wants := range []WantList{a, b} {
			if _, err := k.Apply(context.Background(), wants, nil, time.Now); err != nil {
				return err
			}
		}
	}
}

func TestKilledApplyLeavesTheOldStateOrTheNew(t *testing.T) {
	k := fresh(t, Inbound)
	a, b := flipStates()
	apply(t, k, a)
	counts := map[string]int{}
	for i := range 50 {
		c := exec.Command("/proc/self/exe", flipChild)
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+i*3) * time.Millisecond)
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // it was killed
		s := held(t, k)
		for name, wants := range map[string]WantList{"old": a, "new": b} {
			left, err := k.cfg.Diff(s, wants, nil, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if left.Empty() {
				counts[name]++
			}
		}
		if counts["old"]+counts["new"] != i+1 {
			t.Fatalf("after kill %d the kernel holds neither state: %d elements", i+1, len(s.Elements))
		}
	}
	t.Logf("killed 50 times: %v", counts)
}
