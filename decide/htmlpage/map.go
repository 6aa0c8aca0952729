package htmlpage

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"lastresort/netblock"
)

// side is the length of a map's side, in units of its drawing; leastMark that of the smallest mark on it.
const (
	side      = 400
	leastMark = 5
)

// area is a kind of range on a map. Each has a fill and a pattern of its own.
type area string

// The areas, in the order in which they are drawn.
const (
	registered area = "registered" // the netblocks of the cases
	protected  area = "protected"
	blocked    area = "blocked"
	chosen     area = "chosen" // what would be blocked, were the verdict to block
	spared     area = "spared" // honest sources
	offending  area = "offending"
)

var areas = []area{registered, protected, spared, chosen, blocked, offending}

// place is a range on a map.
type place struct {
	what  area
	where netblock.Range
	id    string // of the case to which it belongs
}

// sketch is a map of a square of addresses, ready to be drawn.
type sketch struct {
	ID, Title, Desc string
	Square          netip.Prefix
	Grid            string
	Cells           []cellMark
	Shapes          []shape
	Labels          []label
}

// cellMark is one cell of the grid with a name.
type cellMark struct {
	X, Y, Size, TextX, TextY float64
	Name, Link, Title        string
	Busy                     bool
}

// shape is one drawn area.
type shape struct {
	Class area
	Path  string
	Link  string
	Title string
}

// label is a text on a drawing.
type label struct {
	X, Y float64
	Text string
}

// mostLinks bounds how many shapes of a map are drawn each by itself, with a title and a link to its case.
const mostLinks = 300

// draw draws what of places lies in a square. Each shape of a map with few is one of its own.
func draw(id, title string, square netip.Prefix, places []place) sketch {
	s := sketch{ID: id, Title: title, Square: square, Grid: grid(gridOf(square))}
	for _, a := range areas {
		var all []box
		var own []shape
		for _, p := range places {
			if p.what != a {
				continue
			}
			boxes := boxesOf(square, p.where)
			if len(boxes) == 0 {
				continue
			}
			all = append(all, boxes...)
			if a != registered && len(own) <= mostLinks {
				own = append(own, shape{a, outline(boxes, side, leastMark), link(p.id), p.where.String() + ", " + areaNames[a]})
			}
		}
		switch {
		case len(all) == 0:
		case len(own) == 0 || len(own) > mostLinks:
			s.Shapes = append(s.Shapes, shape{Class: a, Path: outline(all, side, leastMark), Title: areaNames[a]})
		default:
			s.Shapes = append(s.Shapes, own...)
		}
	}
	s.Desc = describePlaces(square, places)
	return s
}

// areaNames say what an area is.
var areaNames = map[area]string{registered: "netblocks of cases", protected: "never blocked", blocked: "blocked", chosen: "would be blocked",
	spared: "honest, spared", offending: "offender"}

// link is the address of a case on the page.
func link(id string) string {
	if id == "" {
		return ""
	}
	return "#" + id
}

// describePlaces says in words what a map shows.
func describePlaces(square netip.Prefix, places []place) string {
	whole := netblock.OfPrefix(square)
	var parts []string
	for _, a := range areas {
		if a == registered {
			continue
		}
		var names []string
		for _, p := range places {
			if p.what == a && whole.Overlaps(p.where) {
				names = append(names, p.where.String())
			}
		}
		if len(names) > 0 {
			parts = append(parts, areaNames[a]+": "+Few(names, 8))
		}
	}
	return cmp.Or(strings.Join(parts, "; "), "nothing marked")
}

// gridOf returns how many cells a side a map's grid has: 16, or as many as there are addresses.
func gridOf(square netip.Prefix) int {
	bits := min(8, netblock.UnitBits(square.Addr())-square.Bits())
	return 1 << (bits / 2)
}

// grid is the path data of the lines between the cells of a map.
func grid(n int) string {
	var out strings.Builder
	for i := 1; i < n; i++ {
		at := number(float64(i) * side / float64(n))
		fmt.Fprintf(&out, "M%s 0v%dM0 %sh%d", at, side, at, side)
	}
	return out.String()
}

// world draws the map of all IPv4 addresses, a cell for each /8, linked to the maps of those that hold something.
func world(places []place, never netblock.Set, zooms []zoom) sketch {
	for _, r := range never.Ranges() {
		places = append(places, place{what: protected, where: r})
	}
	s := draw("map", "Hilbert map of all IPv4 addresses, a cell for each /8", netip.MustParsePrefix("0.0.0.0/0"), places)
	to := map[netip.Prefix]string{}
	for _, z := range zooms {
		to[z.Square] = "#" + z.ID
	}
	for i := range 256 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i)}), 8)
		b := boxOf(s.Square, p).drawn(side, 0)
		s.Cells = append(s.Cells, cellMark{X: b.x, Y: b.y, Size: b.w, TextX: b.x + 2, TextY: b.y + 8, Name: fmt.Sprint(i), Link: to[p], Title: p.String(), Busy: to[p] != ""})
	}
	for i := range s.Shapes {
		s.Shapes[i].Link = "" // the cell's is in the way
	}
	return s
}

// zoom is the map of one stretch of the address space, with what it holds in figures.
type zoom struct {
	sketch
	Counts   map[string]int // of ranges
	Blocked  float64        // addresses, or /64s
	Unit     string
	Cases    []caseLink
	CaseMore int
}

// caseLink names a case and where it is on the page.
type caseLink struct{ Name, Link string }

// zooms draws a map for each /8 or, for IPv6, each /32 that holds something of a case. never is what must not be blocked.
func zooms(places []place, never netblock.Set, names map[string]string) []zoom {
	held := map[netip.Prefix][]place{}
	for _, p := range places {
		for _, square := range stretchesOf(p.where) {
			held[square] = append(held[square], p)
		}
	}
	var out []zoom
	for square, list := range held {
		for _, r := range never.Within(netblock.OfPrefix(square)).Ranges() {
			list = append(list, place{what: protected, where: r})
		}
		out = append(out, zoomOf(square, list, names))
	}
	slices.SortFunc(out, func(a, b zoom) int { return a.Square.Addr().Compare(b.Square.Addr()) })
	return out
}

// mostNamed bounds how many cases a zoom names below its map.
const mostNamed = 24

// zoomOf draws one stretch and counts what it holds.
func zoomOf(square netip.Prefix, list []place, names map[string]string) zoom {
	z := zoom{sketch: draw("map-"+anchor(square.String()), "Hilbert map of "+square.String(), square, apart(list)), Counts: map[string]int{}, Unit: "addresses"}
	if !square.Addr().Is4() {
		z.Unit = "/64s"
	}
	whole, ids := netblock.OfPrefix(square), map[string]bool{}
	for _, p := range list {
		z.Counts[string(p.what)]++
		if p.what == blocked {
			for _, r := range netblock.SetOf(p.where).Within(whole).Ranges() {
				z.Blocked += r.Units()
			}
		}
		switch {
		case p.id == "" || ids[p.id]:
			continue
		case len(ids) < mostNamed:
			z.Cases = append(z.Cases, caseLink{names[p.id], "#" + p.id})
		default:
			z.CaseMore++
		}
		ids[p.id] = true
	}
	z.nameCells(list)
	return z
}

// apart leaves out the offenders that lie in a range of their case: from far off the one would hide the other.
func apart(list []place) []place {
	var ranges []netblock.Range
	for _, p := range list {
		if p.what == blocked || p.what == chosen {
			ranges = append(ranges, p.where)
		}
	}
	in := netblock.SetOf(ranges...)
	return slices.DeleteFunc(slices.Clone(list), func(p place) bool { return p.what == offending && in.Covers(p.where) })
}

// nameCells names the /16s of an IPv4 map that hold something, by their second number.
func (z *zoom) nameCells(list []place) {
	if !z.Square.Addr().Is4() {
		return
	}
	seen := map[netip.Prefix]bool{}
	for _, p := range list {
		cell, err := p.where.First().Prefix(16)
		if err != nil || p.what == protected || seen[cell] || !z.Square.Contains(cell.Addr()) {
			continue
		}
		seen[cell] = true
		b := boxOf(z.Square, cell).drawn(side, 0)
		z.Labels = append(z.Labels, label{b.x + 2, b.y + 8, fmt.Sprint(cell.Addr().As4()[1])})
	}
}

// stretchesOf returns the /8s or /32s that a range touches, at most a few: nothing wider than one of them is ever blocked.
func stretchesOf(r netblock.Range) []netip.Prefix {
	bits := 8
	if !r.Is4() {
		bits = 32
	}
	var out []netip.Prefix
	for a := r.First(); len(out) < 16; {
		p, err := a.Prefix(bits)
		if err != nil {
			return out
		}
		out = append(out, p)
		last := netblock.OfPrefix(p).Last()
		if !last.Less(r.Last()) {
			return out
		}
		a = last.Next()
	}
	return out
}

// anchor makes an id of a range's text.
func anchor(text string) string { return strings.NewReplacer("/", "-", ":", "_").Replace(text) }
