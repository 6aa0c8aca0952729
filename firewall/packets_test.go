package firewall

import (
	"fmt"
	"maps"
	"math/big"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/nftables"
	"pgregory.net/rapid"

	"lastresort/firewall/sandbox"
	"lastresort/netblock"
)

// patience is how long a packet that should arrive may take on a busy machine.
const patience = 10 * time.Second

// internet is a peer that sends from any address of both families, and our own addresses beside it.
type internet struct {
	t     testing.TB
	peer  *sandbox.Peer
	probe *sandbox.Probe
}

func newInternet(t testing.TB) internet {
	t.Helper()
	sandbox.Need(t)
	near, far := addrs("192.0.2.1", "fd00::1"), addrs("192.0.2.2", "fd00::2")
	peer, err := sandbox.NewPeer(near, far)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	if err := peer.AnySource(); err != nil {
		t.Fatal(err)
	}
	probe, err := peer.Probe(near...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = probe.Close() })
	return internet{t, peer, probe}
}

// model is what must be dropped.
type model struct {
	wants WantList
	allow []netblock.Range
}

func (m model) drops(a netip.Addr) bool {
	_, yes := Blocks(m.wants, m.allow, a)
	return yes
}

// packetsFrom are packets of every protocol from each address.
func packetsFrom(points []netip.Addr) []sandbox.Packet {
	var out []sandbox.Packet
	for _, a := range points {
		for _, p := range []sandbox.Protocol{sandbox.TCP, sandbox.UDP, sandbox.ICMP} {
			out = append(out, sandbox.Packet{Protocol: p, From: a})
		}
	}
	return out
}

// exactly sends packets and holds those that arrive, and what the counters say was dropped, against the model.
func (n internet) exactly(name string, k Kernel, m model, packets []sandbox.Packet) {
	n.t.Helper()
	before, dropped := droppedBy(n.t, k), uint64(0)
	const atOnce = 90 // fewer than a socket's buffer holds
	for chunk := range slices.Chunk(packets, atOnce) {
		var pass []sandbox.Packet
		for _, p := range chunk {
			if !m.drops(p.From) {
				pass = append(pass, p)
			}
		}
		dropped += uint64(len(chunk) - len(pass))
		if err := n.probe.Send(chunk...); err != nil {
			n.t.Fatal(err)
		}
		got := n.probe.Arrived(pass, patience)
		for _, p := range pass {
			if got[p] != 1 {
				n.t.Errorf("%s: %s from %s arrives %d times; expected once", name, p.Protocol, p.From, got[p])
			}
			delete(got, p)
		}
		for p := range got {
			n.t.Errorf("%s: %s from %s arrives; expected it to be dropped", name, p.Protocol, p.From)
		}
	}
	for deadline := time.Now().Add(patience); droppedBy(n.t, k)-before < dropped && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := droppedBy(n.t, k) - before; got != dropped {
		n.t.Errorf("%s: the counters say %d dropped; expected %d", name, got, dropped)
	}
	for p := range n.probe.Arrived(nil, 0) {
		n.t.Errorf("%s: %s from %s arrives late; expected it to be dropped", name, p.Protocol, p.From)
	}
}

// droppedBy adds up the elements' counters.
func droppedBy(t testing.TB, k Kernel) (sum uint64) {
	t.Helper()
	for _, e := range held(t, k).Elements {
		sum += e.Packets
	}
	return sum
}

// plus is the address by so many after a; it must be one of the family's.
func plus(a netip.Addr, by *big.Int) netip.Addr {
	sum := new(big.Int).Add(new(big.Int).SetBytes(a.AsSlice()), by)
	out, ok := netip.AddrFromSlice(sum.FillBytes(make([]byte, a.BitLen()/8)))
	if !ok {
		panic("no address")
	}
	return out
}

// around are the addresses at which a range that is off by one shows: first, middle and last, and both neighbours.
func around(r netblock.Range) []netip.Addr {
	first, last := r.First(), r.Last()
	size := new(big.Int).Sub(new(big.Int).SetBytes(last.AsSlice()), new(big.Int).SetBytes(first.AsSlice()))
	return []netip.Addr{first.Prev(), first, plus(first, size.Rsh(size, 1)), last, last.Next()}
}

// points are those around some ranges, each once, in order.
func points(ranges []netblock.Range) []netip.Addr {
	once := map[netip.Addr]bool{}
	for _, r := range ranges {
		for _, a := range around(r) {
			once[a] = true
		}
	}
	return slices.SortedFunc(maps.Keys(once), netip.Addr.Compare)
}

func between(first, last netip.Addr) netblock.Range {
	r, err := netblock.Between(first, last)
	if err != nil {
		panic(err)
	}
	return r
}

// lengths are all prefixes within p that lie apart from each other and are of every second length: with both choices of
// second, and p itself, of every length there is.
func lengths(p netip.Prefix, second int) (out []netblock.Range) {
	for bits := p.Bits() + 1 + second; bits <= p.Addr().BitLen(); bits += 2 {
		offset := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-bits))
		out = append(out, netblock.OfPrefix(netip.PrefixFrom(plus(p.Addr(), offset), bits)))
	}
	slices.SortFunc(out, netblock.Range.Compare)
	return out
}

func wantAll(ranges []netblock.Range, until time.Time) (out WantList) {
	for _, r := range ranges {
		out = append(out, Want{Range: r, Until: until})
	}
	slices.SortFunc(out, func(a, b Want) int { return a.Range.Compare(b.Range) })
	return out
}

// tables are how a table may be built: for either mode, and with sets for prefixes of every length.
var tables = []Config{{Mode: Inbound}, {Mode: All}, {Mode: Inbound, byLength: true}}

// built returns a kernel with a table as one of them.
func built(t testing.TB, x Config) Kernel {
	k := fresh(t, x.Mode)
	k.cfg.byLength = x.byLength
	return k
}

// TestEveryPrefixLengthDropsExactlyItself goes through /8 to /32 and, for IPv6, /32 to /128.
func TestEveryPrefixLengthDropsExactlyItself(t *testing.T) {
	n := newInternet(t)
	wide := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, x := range tables {
		k := built(t, x)
		for name, of := range map[string]func(netip.Prefix) []netblock.Range{
			"the widest":          func(p netip.Prefix) []netblock.Range { return []netblock.Range{netblock.OfPrefix(p)} },
			"every second length": func(p netip.Prefix) []netblock.Range { return lengths(p, 0) },
			"the other lengths":   func(p netip.Prefix) []netblock.Range { return lengths(p, 1) },
		} {
			ranges := append(of(wide[0]), of(wide[1])...)
			packets := packetsFrom(points(ranges))
			n.exactly(name+" before", k, model{}, packets)
			m := model{wants: wantAll(ranges, time.Time{})}
			apply(t, k, m.wants)
			n.exactly(name, k, m, packets)
			apply(t, k, nil)
			n.exactly(name+" afterwards", k, model{}, packets)
		}
		if err := k.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}

// spot is a range, and room around it for what becomes of it.
type spot struct{ plain, wide, narrow, before, after netblock.Range }

// spotAt makes a spot in the room of 8×2^e addresses from base on: of 2^e addresses and aligned, or else of a few more and not.
func spotAt(base netip.Addr, e uint, aligned bool) spot {
	n := new(big.Int).Lsh(big.NewInt(1), e)
	at := func(times, more int64) netip.Addr {
		offset := new(big.Int).Mul(n, big.NewInt(times))
		return plus(base, offset.Add(offset, big.NewInt(more)))
	}
	s := spot{plain: between(at(4, 0), at(5, -1)), wide: between(at(3, 0), at(6, -1))}
	if !aligned {
		third := new(big.Int).Div(n, big.NewInt(3))
		s = spot{plain: between(at(4, -1), plus(at(5, 0), third)), wide: between(at(3, -1), plus(at(6, 0), third))}
	}
	s.narrow, s.before, s.after = s.plain, s.plain, s.plain
	if first, last := s.plain.First(), s.plain.Last(); first.Next().Compare(last.Prev()) <= 0 {
		middle := around(s.plain)[2]
		s.narrow = between(first.Next(), last.Prev())
		s.before, s.after = between(first, middle.Prev()), between(middle.Next(), last)
	}
	return s
}

// spots are spots of every size that fits into p, or with some left out of every few.
func spots(p netip.Prefix, aligned bool) (out []spot) {
	base := p.Addr()
	for e := uint(0); int(e)+4 <= p.Addr().BitLen()-p.Bits(); e++ {
		room := new(big.Int).Lsh(big.NewInt(8), e)
		if aligned { // or they were no prefixes
			base = plus(p.Addr(), room)
		}
		if sandbox.Long() || e < 4 || e%5 == 0 || int(e)+4 == p.Addr().BitLen()-p.Bits() {
			out = append(out, spotAt(base, e, aligned))
		}
		if !aligned {
			base = plus(base, room)
		}
	}
	return out
}

// pick returns a range or two of each spot.
func pick(all []spot, of func(i int, s spot) []netblock.Range) (out []netblock.Range) {
	for i, s := range all {
		for _, r := range of(i, s) {
			if !slices.Contains(out, r) { // a single address has no halves
				out = append(out, r)
			}
		}
	}
	slices.SortFunc(out, netblock.Range.Compare)
	return out
}

// TestEveryChangeDropsExactlyTheBlocked takes ranges of every size and both families through every kind of change.
func TestEveryChangeDropsExactlyTheBlocked(t *testing.T) {
	n := newInternet(t)
	all := slices.Concat(spots(netip.MustParsePrefix("10.0.0.0/8"), true), spots(netip.MustParsePrefix("172.16.0.0/12"), false),
		spots(netip.MustParsePrefix("2001:db8::/33"), true), spots(netip.MustParsePrefix("2001:db8:8000::/33"), false))
	plain := func(_ int, s spot) []netblock.Range { return []netblock.Range{s.plain} }
	half := func(rest int) func(int, spot) []netblock.Range {
		return func(i int, s spot) []netblock.Range {
			if i%2 != rest {
				return nil
			}
			return []netblock.Range{s.plain}
		}
	}
	none := func(int, spot) []netblock.Range { return nil }
	wide := func(_ int, s spot) []netblock.Range { return []netblock.Range{s.wide} }
	narrow := func(_ int, s spot) []netblock.Range { return []netblock.Range{s.narrow} }
	split := func(_ int, s spot) []netblock.Range { return []netblock.Range{s.before, s.after} }
	packets := packetsFrom(points(slices.Concat(pick(all, plain), pick(all, wide), pick(all, narrow), pick(all, split))))
	t.Logf("%d ranges, %d packets a step", len(all), len(packets))

	now := time.Now()
	week, month, good := now.Add(7*24*time.Hour), now.Add(30*24*time.Hour), time.Time{}
	for _, x := range tables {
		mode := x.Mode
		other := map[Mode]Mode{Inbound: All, All: Inbound}[mode]
		k := built(t, x)
		if x.byLength {
			// Or only half of them would ever have sets. They are of every size, some left out.
			apply(t, k, wantAll(pick(all, plain), week))
			if got := held(t, k).layout.lengths; len(got[0]) < 6 || len(got[1]) < 20 {
				t.Errorf("lengths %v; expected sets for all", got)
			}
		}
		for _, step := range []struct {
			name  string
			of    func(int, spot) []netblock.Range
			until time.Time
			allow func(int, spot) []netblock.Range
			mode  Mode
			later time.Duration // than now
			spoil func(*nftables.Conn)
		}{
			{name: "before", of: none},
			{name: "half of them", of: half(0), until: week},
			{name: "the others added", of: plain, until: week},
			{name: "the same again", of: plain, until: week},
			{name: "temporary to permanent", of: plain, until: good},
			{name: "permanent to temporary", of: plain, until: week},
			{name: "re-asserted a day later", of: plain, until: week, later: 24 * time.Hour},
			{name: "a step of the ladder", of: plain, until: month},
			{name: "a step back", of: plain, until: week},
			{name: "widened", of: wide, until: week},
			{name: "narrowed", of: narrow, until: week},
			{name: "widened again, and permanent", of: wide, until: good},
			{name: "back, and temporary", of: plain, until: week},
			{name: "split", of: split, until: week},
			{name: "joined", of: plain, until: week},
			{name: "their inside allowed", of: plain, until: week, allow: narrow},
			{name: "the whole and more allowed", of: plain, until: week, allow: wide},
			{name: "no longer allowed", of: plain, until: week},
			{name: "another mode", of: plain, until: week, mode: other},
			{name: "the mode from before", of: plain, until: week},
			{name: "rebuilt after its rules were flushed", of: plain, until: week, spoil: func(c *nftables.Conn) { c.FlushTable(k.table()) }},
			{name: "rebuilt after the whole ruleset was flushed", of: plain, until: week, spoil: func(c *nftables.Conn) { c.FlushRuleset() }},
			{name: "half of them removed", of: half(1), until: week},
			{name: "the others in their place", of: half(0), until: good},
			{name: "all removed", of: none},
		} {
			if step.spoil != nil {
				c, err := nftables.New()
				if err != nil {
					t.Fatal(err)
				}
				step.spoil(c)
				if err := c.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			k := Open(k.cfg)
			if step.mode != "" {
				k.cfg.Mode = step.mode
			}
			m := model{wants: wantAll(pick(all, step.of), step.until)}
			if step.allow != nil {
				m.allow = pick(all, step.allow)
			}
			if _, err := k.Apply(t.Context(), m.wants, m.allow, func() time.Time { return time.Now().Add(step.later) }); err != nil {
				t.Fatalf("%s, %s: %v", mode, step.name, err)
			}
			n.exactly(fmt.Sprintf("%s, %s", mode, step.name), k, m, packets)
			if t.Failed() {
				t.FailNow() // one wrong step is enough to read about
			}
		}
		if err := k.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheEndOfIPv4IsDropped looks at the last addresses there are, of which nothing is ever delivered: what says that they are
// dropped is the counter. Those of IPv6 are multicast, and as a source the kernel itself refuses them.
func TestTheEndOfIPv4IsDropped(t *testing.T) {
	n := newInternet(t)
	k := fresh(t, Inbound)
	wants := forGood(t, "240.0.0.5-255.255.255.255")
	apply(t, k, wants)
	packets := packetsFrom(around(wants[0].Range)[:4]) // there is nobody behind it
	if err := n.probe.Send(packets...); err != nil {
		t.Fatal(err)
	}
	const inside = 9
	for deadline := time.Now().Add(patience); droppedBy(t, k) < inside && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := droppedBy(t, k); got != inside {
		t.Errorf("%d dropped; expected %d", got, inside)
	}
}

// TestAnyListDropsExactlyItself tries every address of a small network against lists made at random, one after the other.
func TestAnyListDropsExactlyItself(t *testing.T) {
	n := newInternet(t)
	k := fresh(t, Inbound)
	networks := []netip.Addr{netip.MustParseAddr("203.0.113.0"), netip.MustParseAddr("2001:db8::")}
	var every []sandbox.Packet
	for _, base := range networks {
		for i := range int64(256) {
			every = append(every, sandbox.Packet{Protocol: sandbox.UDP, From: plus(base, big.NewInt(i))})
		}
	}
	rounds := 5
	if sandbox.Long() {
		rounds = 500
	}
	for i := range rounds {
		lists := rapid.Custom(func(rt *rapid.T) (m model) {
			for _, base := range networks {
				for at := rapid.Int64Range(0, 9).Draw(rt, "at"); at < 250; {
					last := min(at+rapid.Int64Range(0, 20).Draw(rt, "length"), 255)
					r := between(plus(base, big.NewInt(at)), plus(base, big.NewInt(last)))
					w := Want{Range: r}
					switch rapid.IntRange(0, 4).Draw(rt, "what") {
					case 0:
						m.allow = append(m.allow, r)
					case 1:
						w.Until = time.Now().Add(time.Duration(rapid.IntRange(1, 9).Draw(rt, "hours")) * time.Hour)
					}
					m.wants = append(m.wants, w)
					at = last + 1 + rapid.Int64Range(0, 12).Draw(rt, "gap")
				}
			}
			return m
		})
		m := lists.Example(i)
		apply(t, k, m.wants, m.allow...)
		n.exactly(fmt.Sprintf("list %d", i), k, m, every)
		if t.Failed() {
			t.Fatalf("%+v", m)
		}
	}
}

// TestALongListDropsExactlyItself has more ranges than are kept in one place, and looks at some of them while the list grows,
// changes and shrinks.
func TestALongListDropsExactlyItself(t *testing.T) {
	n := newInternet(t)
	k := fresh(t, Inbound)
	size := 9_000
	if sandbox.Long() {
		size = 40_000
	}
	long := many(size, time.Time{})
	var some []netblock.Range
	for i := 0; i < len(long); i += 400 {
		some = append(some, long[i].Range)
	}
	some = append(some, long[len(long)-1].Range)
	packets := packetsFrom(points(some))
	week := slices.Clone(long)
	for i := range week {
		week[i].Until = time.Now().Add(7 * 24 * time.Hour)
	}
	for _, step := range []struct {
		name  string
		wants WantList
	}{{"a few", long[:10]}, {"all", long}, {"without one", slices.Concat(long[:800], long[801:])}, {"all of them temporary", week}, {"half", week[:size/2]}, {"a few again", long[:10]}} {
		apply(t, k, step.wants)
		n.exactly(step.name, k, model{wants: step.wants}, packets)
	}
}
