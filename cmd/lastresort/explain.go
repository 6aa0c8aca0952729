package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

func (a *app) explainCommand() *cobra.Command {
	return a.replays(a.prints(&cobra.Command{
		Use:   "explain RANGE",
		Short: "why, or why not: the case of an address, a range or a netblock",
		Long: "Shows the case to which an address, a range or a netblock belongs: the verdict with its rule, the eight questions\n" +
			"with their evidence and what would settle the open ones, what is due to whom, the ranges, and what they lose.",
		Args: exactly("RANGE"),
		RunE: func(c *cobra.Command, args []string) error {
			where, err := netblock.ParseRange(args[0])
			if err != nil {
				return usage("%v", err)
			}
			policy, err := a.policy()
			if err != nil {
				return err
			}
			now, _, err := a.moment()
			if err != nil {
				return err
			}
			return a.reading(c.Context(), func(s *history.Store) error {
				h, err := a.load(c.Context(), s, now)
				if err != nil {
					return err
				}
				r := decide.Judge(&h, &policy, now)
				e := explain(&r, &h, &policy, where)
				if a.json {
					return a.printJSON(e)
				}
				a.page().explanation(e)
				return nil
			})
		},
	}))
}

// explanation is why a range is blocked, or why not.
type explanation struct {
	Range    netblock.Range `json:"range"`
	Netblock string         `json:"netblock"`
	Blocked  []standingJSON `json:"blocked"`
	Limit    string         `json:"limit,omitempty"` // what forbids blocking it
	Case     *decide.Case   `json:"case"`            // nil where it is in no case
}

func explain(r *decide.Review, h *history.History, p *decide.Policy, where netblock.Range) explanation {
	key := decide.CaseOf(h, where)
	i := slices.IndexFunc(r.Cases, func(c decide.Case) bool { return netblock.OfPrefix(c.Netblock) == where })
	if i < 0 {
		i = slices.IndexFunc(r.Cases, func(c decide.Case) bool { return c.Netblock == key })
	}
	e := explanation{Range: where, Netblock: key.String(), Blocked: []standingJSON{}, Limit: decide.LimitOn(h, p, r.At, where)}
	if i >= 0 {
		e.Case = &r.Cases[i]
		e.Netblock = e.Case.Netblock.String()
	}
	for _, x := range decide.InForce(h, p, r.At) {
		if x.Range.Overlaps(where) {
			e.Blocked = append(e.Blocked, standingOf(x))
		}
	}
	return e
}

func (p *page) explanation(e explanation) {
	p.line("%s, in %s", e.Range, e.Netblock)
	for _, b := range e.Blocked {
		p.row([]column{{"blocked", 10}}, fmt.Sprintf("%s since %s %s", b.Range, clock(b.From), b.ends()))
	}
	if len(e.Blocked) == 0 {
		p.row([]column{{"blocked", 10}}, "no")
	}
	if e.Limit != "" {
		p.row([]column{{"limit", 10}}, e.Limit)
	}
	if e.Case == nil {
		p.row([]column{{"case", 10}}, "none: no offender, block or report of ours in the window")
		return
	}
	p.dossier(e.Case)
}

// dossier prints one case.
func (p *page) dossier(c *decide.Case) {
	p.row([]column{{"verdict", 10}}, string(c.Verdict)+". "+c.Reason())
	if c.Until != nil {
		p.row([]column{{"until", 10}}, clock(*c.Until))
	}
	holder := c.Holder
	if !c.Registered {
		holder = "unregistered"
	}
	p.row([]column{{"holder", 10}}, some(holder))
	p.row([]column{{"contact", 10}}, fmt.Sprintf("%s, %s: %s", some(c.Contact.Address), c.Contact.Trust, c.Contact.Reason))
	p.row([]column{{"offenders", 10}}, few(c.Offenders, 12))
	p.row([]column{{"danger", 10}}, fmt.Sprintf("%.1f a day, %s", c.Danger.PerDay, c.Danger.Level))
	p.row([]column{{"loss", 10}}, fmt.Sprintf("%.3f a day", c.Loss.PerDay))
	if c.Approval != decide.ApprovalNone {
		p.row([]column{{"approval", 10}}, c.Approval)
	}
	if c.Context.OneWay+c.Context.Others > 0 {
		p.row([]column{{"context", 10}}, fmt.Sprintf("%d one-way events, %d reported by others: they block nobody", c.Context.OneWay, c.Context.Others))
	}
	p.head("questions")
	for _, q := range c.Checklist {
		text := q.Answer + ". " + q.Evidence
		if q.Status == decide.Open {
			text = "open. " + q.Evidence + ". Settled by " + q.Settles
		}
		p.row([]column{{string(q.Question), 15}}, strings.TrimPrefix(text, ". "))
	}
	if len(c.Actions) > 0 {
		p.head("actions")
	}
	for _, x := range c.Actions {
		text := x.Action
		if x.To != "" {
			text += " to " + x.To
		}
		if len(x.About) > 0 {
			text += " about " + few(x.About, 8)
		}
		p.row([]column{{x.Due, 10}}, text)
	}
	if len(c.Blocks) > 0 {
		p.head("ranges")
	}
	for _, b := range c.Blocks {
		end := "for good"
		if b.Until != nil {
			end = "until " + clock(*b.Until)
		}
		p.row([]column{{b.Range.String(), 24}}, "from "+clock(b.From)+" "+end)
	}
}
