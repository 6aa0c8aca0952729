package htmlpage

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"lastresort/netblock"
)

func TestNeighboursAreAdjacent(t *testing.T) {
	for order := range 7 {
		seen := map[[2]uint64]bool{}
		var px, py uint64
		for d := range uint64(1) << (2 * order) {
			x, y := cell(order, d)
			if seen[[2]uint64{x, y}] || x>>order != 0 || y>>order != 0 {
				t.Fatalf("order %d: cell %d lies at %d,%d, which is taken or outside", order, d, x, y)
			}
			seen[[2]uint64{x, y}] = true
			if step := (x-px)*(x-px) + (y-py)*(y-py); d > 0 && step != 1 {
				t.Fatalf("order %d: %d at %d,%d isn't beside %d at %d,%d", order, d, x, y, d-1, px, py)
			}
			px, py = x, y
		}
	}
}

// TestPrefixesAreBoxes holds the box of every prefix within a /20 to the cells of its addresses, one by one.
func TestPrefixesAreBoxes(t *testing.T) {
	square := netip.MustParsePrefix("198.51.96.0/20")
	base := netblock.UnitKey(square.Addr())
	in := absolute(square)
	for bits := 20; bits <= 32; bits++ {
		for i := range uint64(1) << (bits - 20) {
			size := uint64(1) << (32 - bits)
			b := box{x: 2, y: 2}
			for k := range size {
				x, y := cell(16, base+i*size+k)
				one := box{(float64(x)/65536 - in.x) * 1024, (float64(y)/65536 - in.y) * 1024, 1.0 / 64, 1.0 / 64}
				if k == 0 {
					b = one
				}
				b = b.with(one)
			}
			if area := b.w * b.h * 4096; area != float64(size) {
				t.Fatalf("/%d number %d fills %g cells; wanted %d", bits, i, area, size)
			}
			if square := bits%2 == 0; square != (b.w == b.h) {
				t.Fatalf("/%d number %d is %g by %g", bits, i, b.w, b.h)
			}
			key := uint32(base + i*size)
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(key >> 24), byte(key >> 16), byte(key >> 8), byte(key)}), bits)
			if got := boxOf(square, p); got != b {
				t.Fatalf("%s lies at %+v; wanted %+v", p, got, b)
			}
		}
	}
}

// TestZoomKeepsPlaces draws a prefix within a square within a square: the place in the inner one is that in the outer one.
func TestZoomKeepsPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address"))
		a, all := netip.AddrFrom16(b), netip.MustParsePrefix("::/0")
		unit := 64
		if rapid.Bool().Draw(t, "IPv4") {
			a, all, unit = netip.AddrFrom4([4]byte(b[:4])), netip.MustParsePrefix("0.0.0.0/0"), 32
		} else if a.Is4In6() {
			return
		}
		outer := rapid.IntRange(0, unit).Draw(t, "outer")
		inner := rapid.IntRange(outer, unit).Draw(t, "inner")
		small, big := netip.PrefixFrom(a, inner).Masked(), netip.PrefixFrom(a, outer).Masked()
		x, y := boxOf(all, small), boxOf(all, big)
		if x.with(y) != y {
			t.Fatalf("%s at %+v lies outside %s at %+v", small, x, big, y)
		}
		if outer%2 == 0 && x.w*x.h > 0 {
			z := boxOf(big, small)
			if got := (box{y.x + z.x*y.w, y.y + z.y*y.h, z.w * y.w, z.h * y.h}); got != x {
				t.Fatalf("%s lies at %+v of %s, which is %+v of all; wanted %+v", small, z, big, got, x)
			}
		}
	})
}

func TestRangesLieWhereTheirPrefixesDo(t *testing.T) {
	square := netip.MustParsePrefix("203.0.113.0/24")
	for _, c := range []struct {
		text  string
		boxes int
		area  float64
	}{
		{"203.0.113.16-203.0.113.20", 2, 5.0 / 256},
		{"203.0.0.0/16", 1, 1},
		{"203.0.112.0-203.0.113.15", 1, 16.0 / 256},
		{"198.51.100.7", 0, 0},
		{"2001:db8::/32", 0, 0},
	} {
		r, err := netblock.ParseRange(c.text)
		if err != nil {
			t.Fatal(err)
		}
		got := boxesOf(square, r)
		area := 0.0
		for _, b := range got {
			area += b.w * b.h
		}
		if len(got) != c.boxes || area != c.area {
			t.Errorf("%s: %d boxes of %g in all; wanted %d of %g", c.text, len(got), area, c.boxes, c.area)
		}
	}
}

func TestSquareAround(t *testing.T) {
	for _, c := range []struct {
		least int
		text  []string
		want  string
	}{
		{24, []string{"203.0.113.7"}, "203.0.113.0/24"},
		{24, []string{"203.0.113.7", "203.0.112.9"}, "203.0.112.0/22"},
		{24, []string{"203.0.113.7", "203.0.115.9"}, "203.0.112.0/22"},
		{24, []string{"198.51.100.1", "203.0.113.0/24"}, "192.0.0.0/4"},
		{24, []string{"0.0.0.1", "203.0.113.0/24"}, "0.0.0.0/0"},
		{56, []string{"2001:db8:7:1::/64", "2001:db8:7:2::/64"}, "2001:db8:7::/56"},
		{56, []string{"2001:db8:7:1::/64", "2001:db8:8:2::/64"}, "2001:db8::/44"},
	} {
		var ranges []netblock.Range
		for _, s := range c.text {
			r, err := netblock.ParseRange(s)
			if err != nil {
				t.Fatal(err)
			}
			ranges = append(ranges, r)
		}
		if got := squareAround(c.least, ranges...).String(); got != c.want {
			t.Errorf("%v: %s; wanted %s", c.text, got, c.want)
		}
	}
}
