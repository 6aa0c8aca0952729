package main

import (
	"context"
	"fmt"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/firewall"
)

// kernelMark is how the kernel's ruleset stood when we last brought it to what is wanted.
type kernelMark struct {
	At     time.Time     `json:"at"`
	Kernel firewall.Mark `json:"kernel"`
}

// beside is what happened beside us.
type beside struct {
	Since      *time.Time             `json:"since"`      // we last brought the kernel to what is wanted; nil where that isn't known
	Booted     bool                   `json:"booted"`     // the machine was, since then
	Changes    uint32                 `json:"changes"`    // transactions of anybody on the whole ruleset since then
	Replaced   bool                   `json:"replaced"`   // the table isn't the one that we left: it was deleted, or made anew
	By         []firewall.AuditChange `json:"by"`         // who changed our table, where there is an audit log
	Flowtables []string               `json:"flowtables"` // forwarded connections in one pass our chain by
}

// mark keeps how the ruleset stands now. Where that fails status has less to tell, and nothing else is lost.
func (a *app) mark(ctx context.Context, s *history.Store, p *decide.Policy) {
	m, err := a.kernel(p).Mark(ctx)
	if err == nil {
		err = s.SetMark(ctx, kernelMark{a.env.now().UTC(), m})
	}
	if err != nil {
		a.note("how the kernel stands isn't kept, so status can't tell what others change: %v", err)
	}
}

// beside finds what happened since the last mark.
func (a *app) beside(ctx context.Context, s *history.Store, p *decide.Policy) (beside, error) {
	out := beside{By: []firewall.AuditChange{}, Flowtables: []string{}}
	k := a.kernel(p)
	flowtables, err := k.Flowtables(ctx)
	if err != nil {
		return out, err
	}
	out.Flowtables = append(out.Flowtables, flowtables...)
	var last kernelMark
	known, err := s.Mark(ctx, &last)
	if err != nil || !known {
		return out, err
	}
	now, err := k.Mark(ctx)
	if err != nil {
		return out, err
	}
	out.Since = &last.At
	out.By = append(out.By, firewall.Others(a.env.root, p.Firewall.Table, "lastresort", last.At)...)
	if out.Booted = now.Boot != last.Kernel.Boot; !out.Booted {
		out.Changes, out.Replaced = now.Generation-last.Kernel.Generation, now.Handle != last.Kernel.Handle
	}
	return out, nil
}

func (p *page) beside(b beside, w int) {
	switch {
	case b.Since == nil:
	case b.Booted:
		p.row([]column{{"beside", w}}, "the machine was booted since "+clock(*b.Since)+"; lastresort restore belongs into its start")
	case b.Replaced:
		p.row([]column{{"beside", w}}, fmt.Sprintf("our table of %s is gone or another one; the ruleset changed %s since", clock(*b.Since), times(b.Changes)))
	case b.Changes > 0:
		p.row([]column{{"beside", w}}, fmt.Sprintf("the ruleset, all tables together, changed %s since lastresort did, %s", times(b.Changes), clock(*b.Since)))
	}
	for _, x := range b.By {
		p.row([]column{{"by", w}}, fmt.Sprintf("%s, process %d: %s, last %s", x.Program, x.PID, x.What, clock(x.At)))
	}
	for _, f := range b.Flowtables {
		p.row([]column{{"beside", w}}, f+": a forwarded connection that was in it before a block passes until it ends")
	}
}

func times(n uint32) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
