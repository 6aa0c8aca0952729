package netblock

import (
	"net/netip"

	"pgregory.net/rapid"
)

// universe is a few addresses next to each other, so that random ranges meet, touch and end at the end of the family.
type universe struct {
	first netip.Addr
	size  int
}

func (u universe) at(i int) netip.Addr {
	a := u.first
	for range i {
		a = a.Next()
	}
	return a
}

var universes = []universe{
	{netip.MustParseAddr("198.51.100.0"), 40},
	{netip.MustParseAddr("0.0.0.0"), 40},
	{netip.MustParseAddr("255.255.255.216"), 40},
	{netip.MustParseAddr("2001:db8::ffff:ffff:ffff:fff0"), 40}, // across the border of a /64
	{netip.MustParseAddr("::"), 40},
	{netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffd8"), 40},
}

func drawRange(t *rapid.T, u universe) Range {
	i := rapid.IntRange(0, u.size-1).Draw(t, "first")
	j := rapid.IntRange(i, min(i+9, u.size-1)).Draw(t, "last")
	return Range{u.at(i), u.at(j)}
}

func drawRanges(t *rapid.T, us ...universe) []Range {
	var out []Range
	for range rapid.IntRange(0, 8).Draw(t, "ranges") {
		out = append(out, drawRange(t, rapid.SampledFrom(us).Draw(t, "universe")))
	}
	return out
}

func drawUniverse(t *rapid.T) universe { return rapid.SampledFrom(universes).Draw(t, "universe") }

// drawPrefix draws from prefixes that often lie in one another.
func drawPrefix(t *rapid.T) netip.Prefix {
	base := rapid.SampledFrom([]string{"198.51.100.77", "198.51.100.200", "198.18.3.4", "255.255.255.255", "0.0.0.0",
		"2001:db8::1", "2001:db8:0:1::9", "2001:db8:8000::", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}).Draw(t, "base")
	a := netip.MustParseAddr(base)
	p, err := a.Prefix(rapid.IntRange(0, a.BitLen()).Draw(t, "bits"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
