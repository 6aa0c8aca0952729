package htmlpage

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"lastresort/decide"
	"lastresort/netblock"
)

// Night is a review as a page shows it.
type Night struct {
	Review    decide.Review
	Dossiers  []decide.Dossier  // of some of its cases
	Ladder    []decide.Duration // length.ladder
	Protected []netblock.Range  // what must never be blocked, in a case's netblock or not
}

// Review writes the page of a night.
func Review(w io.Writer, n *Night) error { return render(w, "review", viewOf(n)) }

// Order returns the cases in the order of the page: what needs a person first, then what would change, then what stays.
func Order(r *decide.Review) []netip.Prefix {
	var out []netip.Prefix
	for _, g := range groupsOf(r) {
		for _, p := range g.Parts {
			for _, x := range p.Rows {
				out = append(out, x.Netblock)
			}
		}
	}
	return out
}

// group is a section of cases.
type group struct {
	ID, Title string
	Count     int
	Parts     []groupPart
}

// groupPart is the cases of a section that are so for one reason.
type groupPart struct {
	Title, What string
	Rows        []row
}

// row is a case of the list.
type row struct {
	*decide.Case
	Dossier *dossier // nil where it is left out
	Held    []string // guards that hold its new ranges back
}

// groupsOf sorts cases into sections, each into the first that fits.
func groupsOf(r *decide.Review) []group {
	held := map[string][]string{}
	for _, g := range r.Guards {
		for _, c := range g.HeldBack {
			held[c] = append(held[c], g.Guard)
		}
	}
	placed := make([]bool, len(r.Cases))
	take := func(title, what string, fits func(*decide.Case) bool) groupPart {
		p := groupPart{Title: title, What: what}
		for i := range r.Cases {
			if c := &r.Cases[i]; !placed[i] && fits(c) {
				placed[i] = true
				p.Rows = append(p.Rows, row{Case: c, Held: held[c.Netblock.String()]})
			}
		}
		return p
	}
	person := group{ID: "person", Title: "Needs a person"}
	for _, kind := range decide.ForPerson {
		p := take(kind.Action, kind.What, func(c *decide.Case) bool {
			return slices.ContainsFunc(c.Actions, func(x decide.Action) bool { return x.Action == kind.Action })
		})
		slices.SortStableFunc(p.Rows, func(a, b row) int { return cmp.Compare(b.Danger.PerDay, a.Danger.PerDay) })
		person.add(p)
	}
	changes := group{ID: "changes", Title: "Would change"}
	for _, v := range decide.Verdicts {
		changes.add(take(string(v), "", func(c *decide.Case) bool { return c.Verdict == v && c.Changed.Any() }))
	}
	stays := group{ID: "stays", Title: "Stays as it is"}
	for _, v := range decide.Verdicts {
		stays.add(take(string(v), "", func(c *decide.Case) bool { return c.Verdict == v }))
	}
	return []group{person, changes, stays}
}

func (g *group) add(p groupPart) {
	if len(p.Rows) > 0 {
		g.Parts, g.Count = append(g.Parts, p), g.Count+len(p.Rows)
	}
}

// letterRow is one letter that is due, or will be.
type letterRow struct {
	decide.Action
	Netblock netip.Prefix
	Later    bool
}

// mostLetters bounds the list of letters; each case has its own too.
const mostLetters = 200

// nightView is the page's data.
type nightView struct {
	document
	*decide.Review
	Groups      []group
	Letters     []letterRow
	LettersMore int
	Due, Later  int
	People      int // cases that need a person
	Blocked     int // ranges
	World       sketch
	Zooms       []zoom // IPv4
	Zooms6      []zoom
	Shown, Left int // cases with a dossier, and without
}

func viewOf(n *Night) *nightView {
	r := &n.Review
	v := &nightView{document: document{"Review of " + r.At.UTC().Format("2006-01-02 15:04") + " UTC"}, Review: r, Groups: groupsOf(r)}
	v.letters()
	v.People = v.Groups[0].Count
	opened := map[netip.Prefix]*decide.Dossier{}
	for i := range n.Dossiers {
		opened[n.Dossiers[i].Case.Netblock] = &n.Dossiers[i]
	}
	v.Shown, v.Left = len(opened), len(r.Cases)-len(opened)
	var places []place
	names := map[string]string{}
	for _, g := range v.Groups {
		for _, p := range g.Parts {
			for i := range p.Rows {
				x := &p.Rows[i]
				id := caseID(x.Netblock)
				names[id] = x.Netblock.String()
				var would []netblock.Range
				if d := opened[x.Netblock]; d != nil {
					x.Dossier = dossierOf(d, r.At, n.Ladder)
					would = wouldBlock(d)
				}
				places = append(places, placesOf(x.Case, id, would)...)
			}
		}
	}
	v.maps(places, netblock.SetOf(n.Protected...), names)
	return v
}

// Counted says how many cases have each verdict.
func (v *nightView) Counted() []string {
	var out []string
	for _, verdict := range decide.Verdicts {
		if n := v.Totals.Verdicts[verdict]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, verdict))
		}
	}
	return out
}

func (v *nightView) maps(places []place, never netblock.Set, names map[string]string) {
	var never4 []netblock.Range
	var of4 []place
	for _, p := range places {
		if p.what == blocked {
			v.Blocked++
		}
		if p.where.Is4() && p.what != registered { // too small to be seen from so far
			of4 = append(of4, p)
		}
	}
	for _, r := range never.Ranges() {
		if r.Is4() {
			never4 = append(never4, r)
		}
	}
	for _, z := range zooms(places, never, names) {
		if z.Square.Addr().Is4() {
			v.Zooms = append(v.Zooms, z)
		} else {
			v.Zooms6 = append(v.Zooms6, z)
		}
	}
	v.World = world(apart(of4), netblock.SetOf(never4...), v.Zooms)
}

// letters lists what is to be written, what is due first.
func (v *nightView) letters() {
	today := date(v.At)
	for i := range v.Cases {
		c := &v.Cases[i]
		for _, x := range c.Actions {
			if decide.IsLetter(x.Action) {
				v.Letters = append(v.Letters, letterRow{x, c.Netblock, x.Due > today})
			}
		}
	}
	slices.SortStableFunc(v.Letters, func(a, b letterRow) int { return strings.Compare(a.Due, b.Due) })
	for _, x := range v.Letters {
		if x.Later {
			v.Later++
		} else {
			v.Due++
		}
	}
	v.LettersMore = max(0, len(v.Letters)-mostLetters)
	v.Letters = v.Letters[:min(len(v.Letters), mostLetters)]
}
