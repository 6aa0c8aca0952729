package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
)

func (a *app) reviewCommand() *cobra.Command {
	var noObserve, all bool
	c := &cobra.Command{
		Use:   "review",
		Short: "observe, judge every case, and propose what to block",
		Long: "Reads new log lines, judges every case and prints the night's review: what needs a person, what would change,\n" +
			"what is due to whom. The decisions are stored as proposed; diff shows them, apply puts them in force. The kernel is\n" +
			"not touched. With --at it replays a moment: it neither observes nor stores.\n\n" +
			"--html writes the same as a page to look at, with the dossiers of the cases, their time lines and a map: one file\n" +
			"that loads nothing from elsewhere and holds no names of people.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.review(c.Context(), !noObserve, all) },
	}
	c.Flags().BoolVar(&noObserve, "no-observe", false, "judge what is stored, without reading logs")
	c.Flags().BoolVar(&all, "all", false, "print every line of long lists, and every reason whole; on a page, every dossier")
	return a.draws(a.replays(a.prints(c)))
}

func (a *app) review(ctx context.Context, observe, all bool) error {
	policy, err := a.policy()
	if err != nil {
		return err
	}
	now, replay, err := a.moment()
	if err != nil {
		return err
	}
	html, err := a.htmlAsked()
	if err != nil {
		return err
	}
	if replay {
		return a.reading(ctx, func(s *history.Store) error {
			h, err := a.load(ctx, s, now)
			if err != nil {
				return err
			}
			if html {
				if err := a.drawReview(ctx, &h, &policy, now, nil, all); err != nil {
					return err
				}
			}
			return a.printReview(decide.Judge(&h, &policy, now), all)
		})
	}
	return a.writing(ctx, "review", func(s *history.Store) error {
		if observe {
			seen, err := a.observeLogs(ctx, s, &policy, nil, now)
			for _, o := range seen {
				if o.Error == "" || o.Lines > 0 {
					a.note("%s", o)
				}
			}
			if err != nil {
				return err
			}
		}
		h, err := a.load(ctx, s, time.Time{})
		if err != nil {
			return err
		}
		before, _, err := s.Proposal(ctx)
		if err != nil {
			return err
		}
		r := decide.Judge(&h, &policy, now)
		ahead := decide.Ahead(&h, now, before.At)
		r.Notes = append(ahead, r.Notes...)
		if err := s.Propose(ctx, proposal(&r)); err != nil {
			return err
		}
		if html {
			if err := a.drawReview(ctx, &h, &policy, now, ahead, all); err != nil {
				return err
			}
		}
		if err := a.noteWaiting(ctx, s, h.Responses); err != nil {
			return err
		}
		return a.printReview(r, all)
	})
}

// load reads the history as known at a moment.
func (a *app) load(ctx context.Context, s *history.Store, now time.Time) (history.History, error) {
	h, err := s.Load(ctx, now, a.progress("records read"))
	a.progressDone()
	return h, err
}

// proposal is a review as it waits to be applied.
func proposal(r *decide.Review) history.Proposal {
	out := history.Proposal{At: r.At}
	names := []string{}
	for _, g := range r.Guards {
		names = append(names, g.Guard)
		out.Guards = append(out.Guards, history.Guarded(g))
	}
	free, all := r.Proposed(nil), r.Proposed(names)
	isFree := map[history.Block]bool{}
	for _, b := range free.Blocks {
		isFree[b] = true
	}
	for _, b := range all.Blocks {
		p := history.Proposed{Record: b}
		if !isFree[b] {
			for _, g := range r.Guards {
				if slices.Contains(g.HeldBack, b.Case.String()) {
					p.HeldBy = append(p.HeldBy, g.Guard)
				}
			}
		}
		out.Records = append(out.Records, p)
	}
	for _, x := range all.Releases {
		out.Records = append(out.Records, history.Proposed{Record: x})
	}
	for _, c := range r.Cases {
		if c.Verdict == decide.Exempt {
			for _, o := range c.Offenders {
				out.Exempt = append(out.Exempt, history.Exemption{Range: o, Rule: string(c.Rule), Why: c.Evidence})
			}
		}
	}
	return out
}

// printReview prints a review; one that a guard holds back in part ends with exit status 4.
func (a *app) printReview(r decide.Review, all bool) error {
	switch {
	case a.html == "-": // printed already
	case a.json:
		if err := a.printJSON(r); err != nil {
			return err
		}
	default:
		p := a.page()
		p.all = all
		p.review(&r)
	}
	if len(r.Guards) == 0 {
		return nil
	}
	var names []string
	for _, g := range r.Guards {
		names = append(names, g.Guard)
	}
	return refused("lastresort apply --accept-risk "+strings.Join(names, " --accept-risk "),
		"guard %s holds back new ranges of %s; everything else can be applied", strings.Join(names, " and "), few(r.Guards[0].HeldBack, 3))
}
