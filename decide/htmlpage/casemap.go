package htmlpage

import (
	"fmt"
	"net/netip"

	"lastresort/decide"
	"lastresort/netblock"
)

// placesOf lists what a case has on the maps. would are the ranges that would be blocked, were the verdict to block.
func placesOf(c *decide.Case, id string, would []netblock.Range) []place {
	var out []place
	add := func(what area, r netblock.Range) { out = append(out, place{what, r, id}) }
	add(registered, netblock.OfPrefix(c.Netblock))
	for _, r := range c.Ranges {
		add(blocked, r)
	}
	for _, r := range would {
		add(chosen, r)
	}
	for _, s := range c.Spared {
		if r, err := netblock.ParseRange(s); err == nil {
			add(spared, r)
		}
	}
	for _, s := range c.Offenders {
		if r, err := netblock.ParseRange(s); err == nil {
			add(offending, r)
		}
	}
	return out
}

// wouldBlock returns the ranges that a dossier chose though its verdict doesn't block.
func wouldBlock(d *decide.Dossier) []netblock.Range {
	if d.Case.Verdict == decide.BlockVerdict || len(d.Choices) == 0 {
		return nil
	}
	return d.Choices[0].Ranges
}

// How narrow a case's map may be, and from which length on each address can be made out on it.
const (
	narrowest4, clear4 = 24, 22
	narrowest6, clear6 = 56, 54
	mostCloser         = 4 // closer maps of one case
)

// caseMaps draws the smallest square around all that a case has and, where an address is too small on that, the groups
// that hold ranges or else offenders; how many of these were left out.
func caseMaps(c *decide.Case, id string, would []netblock.Range) (maps []sketch, more int) {
	places := placesOf(c, "", would)
	for _, r := range c.Protected {
		places = append(places, place{what: protected, where: r})
	}
	var marked []netblock.Range
	var near []netip.Prefix
	seen := map[netip.Prefix]bool{}
	for _, what := range []area{blocked, chosen, offending, spared} {
		for _, p := range places {
			if p.what != what {
				continue
			}
			marked = append(marked, p.where)
			if group := netblock.Group(p.where.First()); !seen[group] && (what != spared) {
				seen[group] = true
				near = append(near, group)
			}
		}
	}
	if len(marked) == 0 {
		marked = append(marked, netblock.OfPrefix(c.Netblock))
	}
	least, clear := narrowest4, clear4
	if !c.Netblock.Addr().Is4() {
		least, clear = narrowest6, clear6
	}
	square := squareAround(least, marked...)
	maps = append(maps, closer("near-"+id, square, places))
	if square.Bits() >= clear {
		return maps, 0
	}
	for i, group := range near {
		if i == mostCloser {
			return maps, len(near) - i
		}
		maps = append(maps, closer(fmt.Sprintf("near-%s-%d", id, i), group, places))
	}
	return maps, 0
}

// closer draws a square with the last number of each marked IPv4 address, where there is room for it.
func closer(id string, square netip.Prefix, places []place) sketch {
	s := draw(id, "Hilbert map of "+square.String(), square, places)
	if !square.Addr().Is4() || square.Bits() < 24 {
		return s
	}
	for _, p := range places {
		a := p.where.First()
		if p.where.Addresses() == 1 && square.Contains(a) && (p.what == offending || p.what == spared) {
			b := boxOf(square, netip.PrefixFrom(a, 32)).drawn(side, 0)
			s.Labels = append(s.Labels, label{b.x + b.w/2, b.y + b.h/2 + 3, fmt.Sprint(a.As4()[3])})
		}
	}
	return s
}
