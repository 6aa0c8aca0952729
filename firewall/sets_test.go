package firewall

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/firewall/sandbox"
	"lastresort/netblock"
)

func listen(t testing.TB, at netip.Addr) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// both returns many ranges of both families, and addresses of both, IPv4 first.
func both(n int) (out WantList) {
	out = many(n, time.Time{})
	for i := range n {
		a := netip.MustParseAddr("2001:db8::").As16()
		a[5], a[6], a[7] = byte(i>>16), byte(i>>8), byte(i)
		out = append(out, Want{Range: netblock.OfPrefix(netip.PrefixFrom(netip.AddrFrom16(a), 64))})
	}
	return out
}

func TestALongListIsSpreadAndDropsExactlyItself(t *testing.T) {
	k := fresh(t, Inbound)
	near, near6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db9::1")
	wants := both(20_000)
	var drops, passes []netip.Addr
	for _, i := range []int{0, 4095, 4096, 4097, 10_000, 19_999} {
		v4, v6 := wants[i].Range, wants[20_000+i].Range
		drops = append(drops, v4.First(), v4.Last(), v6.First(), v6.Last())
		passes = append(passes, v4.Last().Next())
	}
	passes = append(passes, netip.MustParseAddr("9.255.255.255"), netip.MustParseAddr("198.51.100.1"),
		netip.MustParseAddr("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"), wants[len(wants)-1].Range.Last().Next())
	peer, err := sandbox.NewPeer([]netip.Addr{near, near6}, append(append([]netip.Addr{}, drops...), passes...))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	p := apply(t, k, wants)
	if s := held(t, k); len(s.layout.parts["range4"]) < 4 || !slices.Equal(s.layout.lengths[1], []int{64}) || len(s.Faults) > 0 || !p.Build {
		t.Fatalf("layout %v, faults %q", s.layout, s.Faults)
	} else if d := cmp.Diff(texts(wants), rangesOf(s)); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	for _, f := range []struct {
		near netip.Addr
		is4  bool
	}{{near, true}, {near6, false}} {
		var from, want []netip.Addr
		for _, a := range append(append([]netip.Addr{}, drops...), passes...) {
			if a.Is4() == f.is4 {
				from = append(from, a)
			}
		}
		for _, a := range passes {
			if a.Is4() == f.is4 {
				want = append(want, a)
			}
		}
		got := sender{t, peer}.arrived(f.near, from)
		if len(got) != len(want) {
			t.Errorf("%v arrive; expected %v", got, want)
		}
	}
}

// place is the n-th of places that lie 64 addresses apart, or a /56 of IPv6.
func place(is4 bool, n int) netip.Addr {
	if is4 {
		n *= 64
		return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
	}
	a := netip.MustParseAddr("2001:db8::").As16()
	a[4], a[5], a[6] = byte(n>>16), byte(n>>8), byte(n)
	return netip.AddrFrom16(a)
}

// mixed returns so many prefixes of each of some lengths, and an eighth as many ranges that are none and prefixes of another
// length, of both families.
func mixed(each int) (out WantList) {
	for _, f := range []struct {
		is4     bool
		lengths []int
		rare    int
	}{{true, []int{26, 29, 31, 32}, 30}, {false, []int{56, 64, 128}, 60}} {
		n := 0
		add := func(bits int) {
			out = append(out, Want{Range: netblock.OfPrefix(netip.PrefixFrom(place(f.is4, n), bits))})
			n++
		}
		for i := range each {
			for _, bits := range f.lengths {
				add(bits)
			}
			if i%8 == 0 {
				add(f.rare)
				first := place(f.is4, n).Next()
				odd, _ := netblock.Between(first, first.Next().Next()) // in order
				out = append(out, Want{Range: odd})
				n++
			}
		}
	}
	return out
}

// TestPrefixesOfManyAreInSetsByLength holds what a table with sets for lengths drops, at the edges of ranges of each, and the
// ways into and out of it.
func TestPrefixesOfManyAreInSetsByLength(t *testing.T) {
	k := fresh(t, Inbound)
	near, near6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db9::1")
	wants := mixed(4_000)
	var drops, passes []netip.Addr
	for _, i := range []int{0, 1, 2, 3, 4, 5, 10_001, 10_002, 10_003} {
		for _, r := range []netblock.Range{wants[i].Range, wants[len(wants)-1-i].Range} {
			drops = append(drops, r.First(), r.Last())
			for _, a := range []netip.Addr{r.First().Prev(), r.Last().Next()} {
				if !slices.ContainsFunc(wants, func(w Want) bool { return w.Range.Contains(a) }) {
					passes = append(passes, a)
				}
			}
		}
	}
	for _, list := range []*[]netip.Addr{&drops, &passes} {
		slices.SortFunc(*list, netip.Addr.Compare)
		*list = slices.Compact(*list)
	}
	peer, err := sandbox.NewPeer([]netip.Addr{near, near6}, slices.Concat(drops, passes))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	apply(t, k, wants)
	s := held(t, k)
	if !slices.Equal(s.layout.lengths[0], []int{26, 29, 31}) || !slices.Equal(s.layout.lengths[1], []int{56, 64}) || len(s.layout.parts) > 0 || len(s.Faults) > 0 {
		t.Fatalf("layout %v, faults %q", s.layout, s.Faults)
	}
	if d := cmp.Diff(texts(wants), rangesOf(s)); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	for _, f := range []netip.Addr{near, near6} {
		own := func(list []netip.Addr) []netip.Addr {
			return slices.DeleteFunc(slices.Clone(list), func(a netip.Addr) bool { return a.Is4() != f.Is4() })
		}
		got := sender{t, peer}.arrived(f, own(slices.Concat(drops, passes)))
		var want []string
		for _, a := range own(passes) {
			want = append(want, a.String())
		}
		slices.Sort(got)
		slices.Sort(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("what arrives (-want +got):\n%s", d)
		}
	}

	// A prefix becomes two halves, two become one, one another end, some go and others come.
	next := slices.Clone(wants)
	halves := func(r netblock.Range) (a, b Want) {
		p, _ := r.Prefix()
		low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
		a.Range = netblock.OfPrefix(low)
		b.Range, _ = netblock.Between(a.Range.Last().Next(), r.Last())
		return a, b
	}
	first, second := halves(next[0].Range)
	next[1].Until = time.Now().Add(time.Hour)
	next = append(append(WantList{first, second}, next[1:5000]...), next[5001:]...)
	if p := apply(t, k, next); p.Build || p.Added() != 2 || len(p.Change) != 1 || len(p.Remove) != 2 || p.Transactions != 1 {
		t.Errorf("%s in %d transactions, built anew %v", p.summary(), p.Transactions, p.Build)
	}
	if d := cmp.Diff(texts(next), rangesOf(held(t, k))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	apply(t, k, wants)
	if p := apply(t, k, wants); !p.Empty() {
		t.Errorf("%s, of what is there already", p.summary())
	}

	for _, step := range []struct {
		name    string
		wants   WantList
		lengths []int
		parts   []string
		build   bool
	}{
		{"fewer", mixed(2_000), []int{26, 29, 31}, nil, false},
		{"few", mixed(1_000), nil, nil, true},
		{"as many as one set takes", mixed(2_000), nil, nil, false},
		{"too many of a length", mixed(40_000), []int{26, 29, 31}, []string{"prefix4_26", "prefix4_29", "prefix4_31", "prefix6_56", "prefix6_64", "range4", "range6"}, true},
	} {
		p := apply(t, k, step.wants)
		s := held(t, k)
		if !slices.Equal(s.layout.lengths[0], step.lengths) || p.Build != step.build || !slices.Equal(slices.Sorted(maps.Keys(s.layout.parts)), step.parts) || len(s.Faults) > 0 {
			t.Errorf("%s: layout %v of parts %v, built anew %v, faults %q", step.name, s.layout.lengths, slices.Sorted(maps.Keys(s.layout.parts)), p.Build, s.Faults)
		}
		if d := cmp.Diff(texts(step.wants), rangesOf(s)); d != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, d)
		}
	}
}

func TestALayoutComesAndGoesWithTheList(t *testing.T) {
	k := fresh(t, Inbound)
	long := many(20_000, time.Time{})
	for _, step := range []struct {
		name     string
		wants    WantList
		parts    int
		outgrown bool
	}{
		{"short", long[:10_000], 0, false},
		{"grown", long, 5, true},
		{"a little shorter", long[:6000], 5, false},
		{"much shorter", long[:2000], 0, true},
		{"none", nil, 0, false},
	} {
		if step.name == "short" {
			apply(t, k, long[:8000])
		}
		p := apply(t, k, step.wants)
		s := held(t, k)
		if len(s.layout.parts["range4"]) != step.parts || p.Outgrown != step.outgrown || len(s.Faults) > 0 {
			t.Errorf("%s: %d parts, outgrown %v, faults %q; expected %d, %v", step.name, len(s.layout.parts["range4"]), p.Outgrown, s.Faults, step.parts, step.outgrown)
		}
		if d := cmp.Diff(texts(step.wants), rangesOf(s)); d != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, d)
		}
	}
}

func TestARangeAcrossPartsMovesThem(t *testing.T) {
	k := fresh(t, Inbound)
	wants := many(20_000, time.Time{})
	apply(t, k, wants)
	edge := held(t, k).layout.parts["range4"][1]
	wide := netblock.OfPrefix(netip.PrefixFrom(edge.Prev(), 16))
	var next WantList
	for _, w := range wants {
		if !w.Range.Overlaps(wide) {
			next = append(next, w)
		}
	}
	next = append(next, Want{Range: wide})
	sortWants(next)
	if edge == wide.First() {
		t.Skip("the edge is that of a /16")
	}
	if p := apply(t, k, next); !p.Outgrown {
		t.Errorf("%+v isn't outgrown", wide)
	}
	if d := cmp.Diff(texts(next), rangesOf(held(t, k))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestASpreadTableThatSomebodyBrokeIsToldAndHealed(t *testing.T) {
	k := fresh(t, Inbound)
	wants := both(9_000)
	apply(t, k, wants)
	part := partName("range4", held(t, k).layout.parts["range4"][1])
	for name, command := range map[string]string{
		"a rule of a part":     "flush chain inet lastresort " + part,
		"the map":              "flush map inet lastresort parts_range4",
		"another's rule":       "add rule inet lastresort " + part + " accept",
		"in the wrong part":    "add element inet lastresort " + part + " { 198.51.100.0/24 }",
		"an address in ranges": "add element inet lastresort " + part + " { 10.2.0.9 }",
		"ranges of a part":     "flush set inet lastresort " + part,
		"another set of ours":  "add set inet lastresort range4 { type ipv4_addr; flags interval, timeout; }",
	} {
		nft(t, command)
		if s := held(t, k); len(s.Faults) == 0 && len(s.Elements) == len(wants) {
			t.Errorf("%s: nobody notices", name)
		}
		apply(t, k, wants)
		if s := held(t, k); len(s.Faults) > 0 || len(s.Elements) != len(wants) {
			t.Errorf("%s isn't healed: %q, %d ranges", name, s.Faults, len(s.Elements))
		}
	}
}

func sortWants(w WantList) {
	slices.SortFunc(w, func(a, b Want) int { return a.Range.Compare(b.Range) })
}

// TestALayoutServesWhatItIsMadeFor holds layouts for lists of many make-ups: each range has one set, none is too large, and
// the names of the sets say the same layout.
func TestALayoutServesWhatItIsMadeFor(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 25 {
		var wants WantList
		for _, is4 := range []bool{true, false} {
			lengths := make([]int, 1+random.IntN(12))
			for i := range lengths {
				lengths[i] = width(is4) - random.IntN(6)
				if !is4 && random.IntN(2) == 0 {
					lengths[i] = 56 + random.IntN(9)
				}
			}
			odd := random.IntN(4)
			for n := range []int{0, 100, 9_000, 20_000, 60_000, 160_000}[random.IntN(6)] {
				r := netblock.OfPrefix(netip.PrefixFrom(place(is4, n), lengths[random.IntN(len(lengths))]))
				if random.IntN(10) < odd {
					r, _ = netblock.Between(r.First().Next(), r.First().Next().Next()) // in order
				}
				wants = append(wants, Want{Range: r})
			}
		}
		l := Config{}.layoutFor(wants)
		if !(Config{}).fits(l, wants) {
			t.Fatalf("%d ranges don't fit into the layout made for them, %v", len(wants), l)
		}
		var names []string
		for _, k := range l.kinds()[len(single):] {
			names = append(names, k.name)
		}
		if d := cmp.Diff(l.kinds(), layoutOf(names).kinds(), cmp.AllowUnexported(setKind{}), cmp.Comparer(func(a, b netblock.Range) bool { return a == b })); d != "" {
			t.Fatalf("by the names of its sets the layout is another one (-is +names):\n%s", d)
		}
		kinds := l.kinds()
		for i := 0; i < len(wants); i += 1 + random.IntN(100) {
			held := 0
			for _, k := range kinds[len(single):] {
				if k.holds(wants[i].Range) {
					held++
				}
			}
			if held != 1 {
				t.Fatalf("%s belongs into %d sets of %v; expected 1", wants[i].Range, held, l)
			}
		}
		filled, all := map[string]int{}, 0
		bySet(kinds[len(single):], filling{wants: wants}, func(k *setKind, s *Step) {
			if !k.holds(s.Range) {
				t.Fatalf("%s goes into %s", s.Range, k.name)
			}
			filled[k.name]++
			all++
		})
		if all != len(wants) {
			t.Fatalf("%d of %d ranges go into a set", all, len(wants))
		}
		for _, k := range kinds[len(single):] {
			if _, most, _ := k.limits(); filled[k.name] > most {
				t.Errorf("%s holds %d; expected %d at most", k.name, filled[k.name], most)
			}
		}
	}
}

// TestNftTakesBackWhatItLists has nft load the table's structure as it prints it, as a service does that saves the whole
// ruleset.
func TestNftTakesBackWhatItLists(t *testing.T) {
	tool := sandbox.Tool(t, "nft")
	for name, wants := range map[string]WantList{"few": mixed(10), "by length": mixed(4_000), "in parts": many(20_000, time.Time{})} {
		for _, mode := range []Mode{Inbound, All} {
			k := fresh(t, mode)
			apply(t, k, wants)
			text, err := exec.Command(tool, "-t", "list", "table", "inet", "lastresort").Output()
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Remove(); err != nil {
				t.Fatal(err)
			}
			c := exec.Command(tool, "-f", "-")
			c.Stdin = bytes.NewReader(text)
			if said, err := c.CombinedOutput(); err != nil {
				t.Errorf("%s, %s: %v, %.300s", name, mode, err, said)
			}
			if s := held(t, k); len(s.Faults) > 0 && name != "in parts" { // without elements its map leads nowhere
				t.Errorf("%s, %s: faults %q", name, mode, s.Faults)
			}
			if err := k.Remove(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
