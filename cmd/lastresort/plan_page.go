package main

import (
	"fmt"
	"slices"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/firewall"
	"lastresort/netblock"
)

// change is one line of a diff.
type change struct {
	Sign   string         `json:"sign"` // + ~ - or !
	Range  netblock.Range `json:"range"`
	What   string         `json:"what"`
	Reason string         `json:"reason"`
}

// difference is a plan as diff and apply show it.
type difference struct {
	Table    string `json:"table"`
	Build    bool   `json:"build"`    // the table is made
	Replace  bool   `json:"replace"`  // in place of one that isn't as it should be
	Outgrown bool   `json:"outgrown"` // or whose sets the list doesn't fit any more
	// Transactions is in how many the change goes: each is atomic, several together are not.
	Transactions int       `json:"transactions"`
	Changes      []change  `json:"changes"`
	Add          int       `json:"add"`
	Change       int       `json:"change"`
	Remove       int       `json:"remove"`
	Exempt       int       `json:"exempt"`
	Unchanged    int       `json:"unchanged"`
	Allow        [2]int    `json:"allow"` // ranges added to and removed from the allow set
	Held         []guarded `json:"held_back"`

	total int // of the changes, where Changes are the first of them
}

// guarded is a new range that a guard keeps back.
type guarded struct {
	Range  netblock.Range `json:"range"`
	Guards []string       `json:"guards"`
}

// differenceOf puts a plan into words.
func differenceOf(cfg firewall.Config, p firewall.Plan, want intent, exempt []history.Exemption) difference {
	return beginningOf(cfg, p, want, exempt, p.Added()+len(p.Change)+len(p.Remove)+len(exempt))
}

// beginningOf is differenceOf for whoever shows so many of the changes at most.
func beginningOf(cfg firewall.Config, p firewall.Plan, want intent, exempt []history.Exemption, most int) difference {
	d := difference{Table: "inet " + cfg.Table, Build: p.Build, Replace: p.Replace, Outgrown: p.Outgrown, Transactions: p.Transactions, Changes: []change{}, Add: p.Added(), Change: len(p.Change), Remove: len(p.Remove),
		Unchanged: p.Unchanged, Allow: [2]int{len(p.AllowAdd), len(p.AllowRemove)}, Held: []guarded{}}
	of := func(r netblock.Range) decide.Standing {
		i, found := slices.BinarySearchFunc(want.standing, r, func(s decide.Standing, r netblock.Range) int { return s.Range.Compare(r) })
		if !found {
			return decide.Standing{}
		}
		return want.standing[i]
	}
	d.total = p.Added() + len(p.Change) + len(p.Remove)
	first := func(steps []firewall.Step) []firewall.Step { return steps[:min(most+1, len(steps))] }
	d.Changes = slices.Grow(d.Changes, min(3*most+3, d.total))
	for s := range p.Adds() {
		if len(d.Changes) > most { // they are sorted; one more tells that there are
			break
		}
		x := of(s.Range)
		d.Changes = append(d.Changes, change{"+", s.Range, ends(x.Until), x.Reason})
	}
	for _, s := range first(p.Change) {
		d.Changes = append(d.Changes, change{"~", s.Range, left(s.Old.Timeout, s.Old.Expires) + " -> " + left(s.Timeout, s.Timeout), of(s.Range).Reason})
	}
	var known netblock.Set
	if len(p.Remove) > 0 {
		known = want.known()
	}
	for _, s := range first(p.Remove) {
		why := "no longer wanted"
		if !known.Overlaps(s.Range) {
			why = "not ours"
		}
		d.Changes = append(d.Changes, change{"-", s.Range, "", fmt.Sprintf("%s; %d packets dropped", why, s.Old.Packets)})
	}
	for _, x := range exempt {
		if r, err := netblock.ParseRange(x.Range); err == nil {
			d.Changes = append(d.Changes, change{"!", r, "exempt", x.Why})
			d.Exempt++
			d.total++
		}
	}
	slices.SortStableFunc(d.Changes, func(a, b change) int { return a.Range.Compare(b.Range) })
	return d
}

// left prints how long an element has left: for good where it has no timeout.
func left(timeout, expires time.Duration) string {
	switch {
	case timeout == 0:
		return "for good"
	case expires >= 48*time.Hour:
		return fmt.Sprintf("%dd", (expires+12*time.Hour)/(24*time.Hour))
	case expires >= 2*time.Hour:
		return fmt.Sprintf("%dh", (expires+30*time.Minute)/time.Hour)
	}
	return expires.Round(time.Second).String()
}

// signColours marks what is added, changed, removed and spared on a terminal.
var signColours = map[string]string{"+": "\x1b[31m", "~": "\x1b[33m", "-": "\x1b[32m", "!": "\x1b[36m"}

// difference prints a plan, of its changes at most so many.
func (p *page) difference(d difference, most int) {
	p.line("%s", d.Table)
	switch {
	case d.Outgrown:
		p.line("  the list has outgrown its sets, and the table is made anew with others")
	case d.Replace:
		p.line("  the table isn't as it should be and is made anew")
	case d.Build:
		p.line("  the table is made")
	}
	for i, c := range d.Changes {
		if i == most {
			p.line("  and %d more; lastresort list shows what is in force", d.total-most)
			break
		}
		sign := c.Sign
		if p.colour {
			sign = signColours[c.Sign] + c.Sign + "\x1b[0m"
		}
		lead := fmt.Sprintf("  %s %-22s %-23s ", sign, c.Range, c.What)
		p.wrappedAt(lead, 2+1+1+max(22, len(c.Range.String()))+1+max(23, len(c.What))+1, c.Reason)
	}
	for _, h := range d.Held {
		p.wrapped(fmt.Sprintf("  ! %-22s %-23s ", h.Range, "held back"), fmt.Sprintf("by guard %s", few(h.Guards, 3)))
	}
	if d.Allow != [2]int{} {
		p.line("  allow set: %d ranges added, %d removed", d.Allow[0], d.Allow[1])
	}
	if d.Transactions > 1 {
		p.wrapped("  ", fmt.Sprintf("it goes in %d transactions, for one would be larger than the kernel takes here: each is atomic, the whole is not; what is "+
			"added comes first, and what is only removed last", d.Transactions))
	}
	p.line("")
	p.line("%d to add, %d to change, %d to remove, %d exempt, %d unchanged", d.Add, d.Change, d.Remove, d.Exempt, d.Unchanged)
}
