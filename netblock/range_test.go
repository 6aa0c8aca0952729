package netblock

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func mustRange(t *testing.T, s string) Range {
	t.Helper()
	r, err := ParseRange(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParseRange(t *testing.T) {
	for _, c := range []struct{ in, first, last, text string }{
		{"192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.7"},
		{"192.0.2.7/32", "192.0.2.7", "192.0.2.7", "192.0.2.7"},
		{"192.0.2.16/29", "192.0.2.16", "192.0.2.23", "192.0.2.16/29"},
		{"192.0.2.16-192.0.2.23", "192.0.2.16", "192.0.2.23", "192.0.2.16/29"},
		{"192.0.2.16-192.0.2.20", "192.0.2.16", "192.0.2.20", "192.0.2.16-192.0.2.20"},
		{"192.0.2.17-192.0.2.24", "192.0.2.17", "192.0.2.24", "192.0.2.17-192.0.2.24"},
		{"0.0.0.0/0", "0.0.0.0", "255.255.255.255", "0.0.0.0/0"},
		{"2001:DB8::/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::/64"},
		{"2001:db8::/63", "2001:db8::", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8::/63"},
		{"2001:db8::1-2001:db8::2", "2001:db8::1", "2001:db8::2", "2001:db8::1-2001:db8::2"},
		{"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"},
	} {
		t.Run(c.in, func(t *testing.T) {
			r := mustRange(t, c.in)
			if diff := cmp.Diff([]string{c.first, c.last, c.text}, []string{r.First().String(), r.Last().String(), r.String()}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseErrorsSayWhatWasExpected(t *testing.T) {
	asRange := func(s string) error { _, err := ParseRange(s); return err }
	asPrefix := func(s string) error { _, err := ParsePrefix(s); return err }
	asAddr := func(s string) error { _, err := ParseAddr(s); return err }
	for _, c := range []struct {
		name  string
		parse func(string) error
		in    string
		want  string
	}{
		{"host bits", asRange, "10.0.0.1/8", `"10.0.0.1/8" has host bits set; expected 10.0.0.0/8`},
		{"backwards", asRange, "1.2.3.4-1.2.3.1", `"1.2.3.4-1.2.3.1" runs backwards; expected 1.2.3.1-1.2.3.4`},
		{"mapped", asRange, "::ffff:1.2.3.4", `"::ffff:1.2.3.4" is an IPv4 address in IPv6 clothing; expected 1.2.3.4`},
		{"mapped prefix", asRange, "::ffff:1.2.3.0/120", `"::ffff:1.2.3.0/120" is an IPv4 address in IPv6 clothing; expected 1.2.3.0`},
		{"mapped end", asRange, "::ffff:1.2.3.4-::ffff:1.2.3.9", `"::ffff:1.2.3.4" is an IPv4 address in IPv6 clothing; expected 1.2.3.4`},
		{"zone", asRange, "fe80::1%eth0", `"fe80::1%eth0" has a zone; expected the address without %eth0`},
		{"leading zero", asRange, "1.2.3.04", `"1.2.3.04" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"three numbers", asRange, "1.2.3", `"1.2.3" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"empty", asRange, "", `"" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"no end", asRange, "192.0.2.1-", `"" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"three ends", asRange, "192.0.2.1-192.0.2.2-192.0.2.3", `"192.0.2.2-192.0.2.3" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"two families", asRange, "192.0.2.1-2001:db8::1", `"192.0.2.1-2001:db8::1" mixes two address families; expected both ends of one`},
		{"space", asAddr, " 192.0.2.1", `" 192.0.2.1" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"number", asAddr, "3221225985", `"3221225985" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"prefix as address", asAddr, "192.0.2.0/24", `"192.0.2.0/24" is no address; expected one like 203.0.113.7 or 2001:db8::7`},
		{"address as prefix", asPrefix, "192.0.2.1", `"192.0.2.1" is no prefix; expected one like 203.0.113.0/24 or 2001:db8::/32`},
		{"too long", asPrefix, "192.0.2.0/33", `"192.0.2.0/33" is no prefix; expected one like 203.0.113.0/24 or 2001:db8::/32`},
		{"length with zero", asPrefix, "192.0.2.0/024", `"192.0.2.0/024" is no prefix; expected one like 203.0.113.0/24 or 2001:db8::/32`},
		{"netmask", asPrefix, "192.0.2.0/255.255.255.0", `"192.0.2.0/255.255.255.0" is no prefix; expected one like 203.0.113.0/24 or 2001:db8::/32`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := c.parse(c.in); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBetweenRefusesWhatIsNoAddress(t *testing.T) {
	if _, err := Between(netip.Addr{}, netip.MustParseAddr("192.0.2.1")); err == nil {
		t.Error("a range begins at no address")
	}
}

func TestRangeText(t *testing.T) {
	var r Range
	if err := r.UnmarshalText([]byte("192.0.2.16/29")); err != nil {
		t.Fatal(err)
	}
	if err := r.UnmarshalText([]byte("192.0.2.17/29")); err == nil || r.String() != "192.0.2.16/29" {
		t.Errorf("host bits: error %v, and the range became %s", err, r)
	}
	if text, err := r.MarshalText(); string(text) != "192.0.2.16/29" || err != nil {
		t.Errorf("marshals as %q, %v", text, err)
	}
	if _, err := (Range{}).MarshalText(); err == nil {
		t.Error("no range has a text")
	}
	if s := (Range{}).String(); s != "no range" {
		t.Errorf("no range prints as %q", s)
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		in, unit  string
		units     float64
		addresses float64
	}{
		{"192.0.2.7", "192.0.2.7", 1, 1},
		{"192.0.2.0/24", "192.0.2.0", 256, 256},
		{"0.0.0.0/0", "0.0.0.0", 1 << 32, 1 << 32},
		{"2001:db8::7", "2001:db8::/64", 1, 1},
		{"2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::", "2001:db8::/64", 2, 2},
		{"2001:db8::/48", "2001:db8::/64", 65536, 0x1p80},
		{"::/0", "::/64", 0x1p64, 0x1p128},
	} {
		t.Run(c.in, func(t *testing.T) {
			r := mustRange(t, c.in)
			if got := UnitRange(r.First()); got.String() != c.unit || Unit(r.First()) != got.First() {
				t.Errorf("the unit is %s, %s", got, Unit(r.First()))
			}
			if r.Units() != c.units || r.Addresses() != c.addresses {
				t.Errorf("%v units and %v addresses, not %v and %v", r.Units(), r.Addresses(), c.units, c.addresses)
			}
		})
	}
	if (Range{}).Units() != 0 || (Range{}).Addresses() != 0 {
		t.Error("no range has addresses")
	}
}

func TestZeroRangeMeetsNothing(t *testing.T) {
	for _, text := range []string{"192.0.2.1", "::/0"} {
		r := mustRange(t, text)
		if (Range{}).Overlaps(r) || r.Overlaps(Range{}) || r.Covers(Range{}) || (Range{}).Covers(r) || (Range{}).Contains(r.First()) {
			t.Errorf("the zero range meets %s", text)
		}
	}
}

func TestRangesAgreeWithWalking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, v := drawUniverse(t), drawUniverse(t)
		a, b := drawRange(t, u), drawRange(t, v)
		inA, inB := members([]Range{a}), members([]Range{b})
		overlaps, covers := false, true
		for x := range inB {
			overlaps, covers = overlaps || inA[x], covers && inA[x]
			if a.Contains(x) != inA[x] {
				t.Fatalf("%s contains %s: %v", a, x, a.Contains(x))
			}
		}
		if a.Overlaps(b) != overlaps || b.Overlaps(a) != overlaps || a.Covers(b) != covers {
			t.Fatalf("%s and %s: overlaps %v, covers %v", a, b, a.Overlaps(b), a.Covers(b))
		}
		if a.Addresses() != float64(len(inA)) || a.Compare(a) != 0 || a.Compare(b) != -b.Compare(a) {
			t.Fatalf("%s: %v addresses, compares as %d and %d", a, a.Addresses(), a.Compare(b), b.Compare(a))
		}
	})
}

func TestPrefixesOfARange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRange(t, drawUniverse(t))
		prefixes := r.Prefixes()
		next := r.First()
		for i, p := range prefixes {
			if p != p.Masked() || p.Addr() != next {
				t.Fatalf("%s falls into %v", r, prefixes)
			}
			next = OfPrefix(p).Last().Next()
			if i > 0 && p.Bits() == prefixes[i-1].Bits() && OfPrefix(netip.PrefixFrom(prefixes[i-1].Addr(), p.Bits()-1)) ==
				(Range{prefixes[i-1].Masked().Addr(), OfPrefix(p).Last()}) {
				t.Fatalf("%v and %v of %s are one prefix", prefixes[i-1], p, r)
			}
		}
		if last := OfPrefix(prefixes[len(prefixes)-1]).Last(); last != r.Last() {
			t.Fatalf("the prefixes of %s end at %s", r, last)
		}
		p, ok := r.Prefix()
		if ok != (len(prefixes) == 1) || ok && p != prefixes[0] {
			t.Fatalf("%s is a prefix %v: %s, but falls into %v", r, ok, p, prefixes)
		}
	})
	if got := (Range{}).Prefixes(); len(got) != 0 {
		t.Errorf("no range has the prefixes %v", got)
	}
}

func TestPrefixesOfTheWidest(t *testing.T) {
	for _, c := range []struct {
		in          string
		n           int
		first, last string
	}{
		{"0.0.0.0/0", 1, "0.0.0.0/0", "0.0.0.0/0"},
		{"::/0", 1, "::/0", "::/0"},
		{"0.0.0.1-255.255.255.255", 32, "0.0.0.1/32", "128.0.0.0/1"},
		{"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 128, "::/1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128"},
	} {
		got := mustRange(t, c.in).Prefixes()
		if len(got) != c.n || got[0].String() != c.first || got[len(got)-1].String() != c.last {
			t.Errorf("%s falls into %v", c.in, got)
		}
	}
}

var seeds = []string{"192.0.2.7", "192.0.2.16/29", "192.0.2.16-192.0.2.20", "2001:db8::/32", "2001:db8::1-2001:db8::2", "10.0.0.1/8",
	"1.2.3.4-1.2.3.1", "::ffff:1.2.3.4", "::ffff:0:0/96", "fe80::1%eth0", "1.2.3.04", "1.2.3", "::/0", "-", "/", "", "1.2.3.4/0x8"}

func addSeeds(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
}

// checkError holds an error to the house's form.
func checkError(t *testing.T, err error) {
	if s := err.Error(); !strings.Contains(s, "; expected ") || !strings.HasPrefix(s, `"`) {
		t.Errorf("%s doesn't quote what was read or say what was expected", s)
	}
}

func FuzzParseRange(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRange(s)
		if err != nil {
			checkError(t, err)
			return
		}
		if !r.IsValid() || r.First().BitLen() != r.Last().BitLen() || r.Last().Less(r.First()) || r.First().Zone() != "" || r.First().Is4In6() || r.Last().Is4In6() {
			t.Errorf("%q is read as %v", s, r)
		}
		if back, err := ParseRange(r.String()); err != nil || back != r {
			t.Errorf("%q prints as %q, which reads as %v, %v", s, r, back, err)
		}
	})
}

func FuzzParsePrefix(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePrefix(s)
		if err != nil {
			checkError(t, err)
			return
		}
		if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() {
			t.Errorf("%q is read as %v", s, p)
		}
		if back, err := ParsePrefix(p.String()); err != nil || back != p {
			t.Errorf("%q prints as %q, which reads as %v, %v", s, p, back, err)
		}
		if q, ok := OfPrefix(p).Prefix(); !ok || q != p {
			t.Errorf("the range of %s is the prefix %s", p, q)
		}
	})
}

func FuzzParseAddr(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddr(s)
		if err != nil {
			checkError(t, err)
			return
		}
		if !a.IsValid() || a.Zone() != "" || a.Is4In6() {
			t.Errorf("%q is read as %v", s, a)
		}
		if back, err := ParseAddr(a.String()); err != nil || back != a {
			t.Errorf("%q prints as %q, which reads as %v, %v", s, a, back, err)
		}
	})
}
