package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

func (a *app) answerCommand() *cobra.Command {
	var note string
	var b byHand
	c := &cobra.Command{
		Use:   "answer QUESTION=ANSWER CASE…",
		Short: "answer a question of the checklist, for one case or many",
		Long: "Records an operator's answer to a question that the records can't settle. A case is named by its netblock or by\n" +
			"an address in it. A later answer to the same question counts instead; QUESTION=open takes an answer back, as if\n" +
			"it had never been given.\n\n" +
			"  contact          trying, silent, ignoring, aggravating, \"not asked\"\n" +
			"  others           no: nobody else can be asked; yes: somebody can\n" +
			"  hostile          yes: we are positive; no: we were wrong, what is blocked is released\n" +
			"  law-enforcement  no: not warranted; yes: they know\n" +
			"  duration         permanent: approve a permanent block; temporary: no, or no longer\n" +
			"  range            yes: a range wider than range.widest4 or widest6 may be blocked; no: it may not",
		Example: "  lastresort answer hostile=yes 203.0.113.0/24 198.51.100.7 --note \"looked at the logs\"",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usage("answer takes QUESTION=ANSWER and at least one CASE; got %s", plural(len(args), "argument"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			q, said, ok := strings.Cut(args[0], "=")
			allowed := decide.AnswersTo(history.Question(q))
			switch {
			case len(allowed) == 0:
				return usage("%q is no question that can be answered; expected one of %s", q, strings.Join(answerable(), " "))
			case !ok || !slices.Contains(allowed, said):
				return usage("%s=%q is no answer; expected one of %s", q, said, strings.Join(allowed, " "))
			}
			at, err := b.when(a)
			if err != nil {
				return err
			}
			x := history.Answer{Question: history.Question(q), Answer: said, At: at, By: b.by, Note: note}
			return a.writing(c.Context(), "answer", func(s *history.Store) error { return a.answer(c.Context(), s, x, args[1:]) })
		},
	}
	c.Flags().StringVar(&note, "note", "", "why")
	b.flags(c, a, true)
	return a.prints(c)
}

func answerable() []string {
	var out []string
	for _, q := range history.Questions {
		if len(decide.AnswersTo(q)) > 0 {
			out = append(out, string(q))
		}
	}
	return out
}

func (a *app) answer(ctx context.Context, s *history.Store, x history.Answer, cases []string) error {
	policy, err := a.policy()
	if err != nil {
		return err
	}
	h, err := a.load(ctx, s, x.At)
	if err != nil {
		return err
	}
	review := decide.Judge(&h, &policy, x.At)
	var records []history.Record
	for _, name := range cases {
		c, err := findCase(&review, &h, name)
		if err != nil {
			return err
		}
		x.Netblock = c
		records = append(records, x)
	}
	return a.record(ctx, s, records...)
}

// findCase returns the case that a netblock, a range or an address names. Only a case that the review knows is one: an
// answer to another would count for nothing and nobody would notice.
func findCase(r *decide.Review, h *history.History, name string) (netip.Prefix, error) {
	x, err := netblock.ParseRange(name)
	if err != nil {
		return netip.Prefix{}, usage("%v", err)
	}
	for _, c := range r.Cases {
		if netblock.OfPrefix(c.Netblock) == x {
			return c.Netblock, nil
		}
	}
	want := decide.CaseOf(h, x)
	for _, c := range r.Cases {
		if c.Netblock == want {
			return want, nil
		}
	}
	return netip.Prefix{}, &failure{code: exitUsage, err: fmt.Errorf("%q is in no case at that moment; it would belong to %s", name, want),
		hint: "lastresort review lists the cases"}
}
