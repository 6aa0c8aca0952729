package netblock

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func trieOf(texts ...string) Trie {
	var out []netip.Prefix
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return NewTrie(out)
}

func TestTrieAround(t *testing.T) {
	trie := trieOf("198.51.100.0/24", "198.51.100.16/28", "198.51.100.16/28", "198.18.0.0/15", "2001:db8::/32", "2001:db8:1::/48")
	for _, c := range []struct{ in, want string }{
		{"198.51.100.17", "198.51.100.16/28"},
		{"198.51.100.32", "198.51.100.0/24"},
		{"198.51.100.16-198.51.100.32", "198.51.100.0/24"},
		{"198.51.100.16/28", "198.51.100.16/28"},
		{"198.51.100.0-198.51.101.0", ""},
		{"198.20.0.0", ""},
		{"2001:db8:1:ffff::9", "2001:db8:1::/48"},
		{"2001:db8:2::9", "2001:db8::/32"},
		{"2001:db9::", ""},
		{"::198.51.100.17", ""},
	} {
		t.Run(c.in, func(t *testing.T) {
			p, ok := trie.AroundRange(mustRange(t, c.in))
			if got := textOf(p, ok); got != c.want {
				t.Errorf("around is %q, not %q", got, c.want)
			}
		})
	}
}

func textOf(p netip.Prefix, ok bool) string {
	if !ok {
		return ""
	}
	return p.String()
}

func TestEmptyTrie(t *testing.T) {
	for name, trie := range map[string]Trie{"zero": {}, "of none": NewTrie(nil)} {
		if p, ok := trie.Around(netip.MustParseAddr("192.0.2.1")); ok {
			t.Errorf("%s: %s is around", name, p)
		}
		if got := trie.Inside(netip.MustParsePrefix("0.0.0.0/0")); len(got) != 0 {
			t.Errorf("%s: %v are inside", name, got)
		}
	}
	if p, ok := trieOf("0.0.0.0/0", "::/0").AroundRange(Range{}); ok {
		t.Errorf("%s is around no range", p)
	}
}

func TestTrieInside(t *testing.T) {
	trie := trieOf("198.51.100.128/25", "198.51.100.0/26", "198.51.100.0/24", "198.51.100.0/24", "198.51.100.0/25", "198.51.101.0/24", "::/0")
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"198.51.100.0/24", []string{"198.51.100.0/25", "198.51.100.0/26", "198.51.100.128/25"}},
		{"198.51.100.0/25", []string{"198.51.100.0/26"}},
		{"198.51.100.0/23", []string{"198.51.100.0/24", "198.51.100.0/25", "198.51.100.0/26", "198.51.100.128/25", "198.51.101.0/24"}},
		{"198.51.100.128/25", nil},
		{"::/0", nil},
	} {
		t.Run(c.in, func(t *testing.T) {
			var got []string
			for _, p := range trie.Inside(netip.MustParsePrefix(c.in)) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTrieAgreesWithLookingAtAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var prefixes []netip.Prefix
		for range rapid.IntRange(0, 12).Draw(t, "prefixes") {
			prefixes = append(prefixes, drawPrefix(t))
		}
		q := drawPrefix(t)
		r := OfPrefix(q)
		var around netip.Prefix
		var inside []netip.Prefix
		for _, p := range prefixes {
			if OfPrefix(p).Covers(r) && (!around.IsValid() || p.Bits() > around.Bits()) {
				around = p
			}
			if r.Covers(OfPrefix(p)) && p != q {
				inside = append(inside, p)
			}
		}
		slices.SortFunc(inside, func(a, b netip.Prefix) int {
			return OfPrefix(a).First().Compare(OfPrefix(b).First())*1000 + a.Bits() - b.Bits()
		})
		inside = slices.Compact(inside)
		for most, trie := range map[int]Trie{len(prefixes): newTrie(prefixes, len(prefixes)), -1: newTrie(prefixes, -1)} {
			if got, ok := trie.AroundRange(r); ok != around.IsValid() || got != around {
				t.Fatalf("around %s in %v is %s, not %s, with %d in the ranger", r, prefixes, got, around, most)
			}
			if got := trie.Inside(q); !slices.Equal(got, inside) {
				t.Fatalf("inside %s in %v are %v, not %v, with %d in the ranger", q, prefixes, got, inside, most)
			}
		}
	})
}

// delegations is a table of the shape of all registries' delegations, by lengths: mostly /24s to /16s and IPv6 /32s to /48s.
func delegations(n int) []netip.Prefix {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	out := make([]netip.Prefix, 0, n)
	for len(out) < n {
		a := netip.AddrFrom4([4]byte{byte(1 + r.IntN(222)), byte(r.IntN(256)), byte(r.IntN(256)), 0})
		bits := oneOf(r, 24, 24, 24, 24, 23, 22, 22, 22, 21, 20, 19, 18, 17, 16)
		if r.IntN(3) == 0 {
			a = netip.AddrFrom16([16]byte{0: 0x20 | byte(r.IntN(16)), 1: byte(r.IntN(256)), 2: byte(r.IntN(256)), 3: byte(r.IntN(256)), 4: byte(r.IntN(8))})
			bits = oneOf(r, 29, 32, 32, 32, 44, 48, 48)
		}
		p, err := a.Prefix(bits)
		if err != nil {
			panic(err)
		}
		out = append(out, p)
	}
	return out
}

// BenchmarkMatch looks up one address an operation.
func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"90k", 90_000}, {"330k", 330_000}} {
		b.Run(c.name, func(b *testing.B) {
			trie := NewTrie(delegations(c.n))
			r := rand.New(rand.NewPCG(8, 8))
			asked := make([]netip.Addr, 1<<16)
			for i := range asked {
				asked[i] = lastOf(trie.sorted[r.IntN(len(trie.sorted))])
			}
			found := 0
			i := 0
			for b.Loop() {
				if _, ok := trie.Around(asked[i&(1<<16-1)]); ok {
					found++
				}
				i++
			}
			if found == 0 {
				b.Fatal("nothing found")
			}
		})
	}
}

// BenchmarkTable builds the table that BenchmarkMatch asks.
func BenchmarkTable(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"90k", 90_000}, {"330k", 330_000}} {
		b.Run(c.name, func(b *testing.B) {
			all := delegations(c.n)
			b.ReportAllocs()
			for b.Loop() {
				if t := NewTrie(all); len(t.sorted) == 0 {
					b.Fatal("nothing in it")
				}
			}
		})
	}
}
