package firewall

import (
	"net"
	"net/netip"
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
	if s := held(t, k); len(s.layout[2]) < 4 || len(s.layout[3]) < 4 || len(s.Faults) > 0 || !p.Build {
		t.Fatalf("parts %d and %d, faults %q", len(s.layout[2]), len(s.layout[3]), s.Faults)
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
		if len(s.layout[2]) != step.parts || p.Outgrown != step.outgrown || len(s.Faults) > 0 {
			t.Errorf("%s: %d parts, outgrown %v, faults %q; expected %d, %v", step.name, len(s.layout[2]), p.Outgrown, s.Faults, step.parts, step.outgrown)
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
	edge := held(t, k).layout[2][1]
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
	part := partName("range4", held(t, k).layout[2][1])
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
