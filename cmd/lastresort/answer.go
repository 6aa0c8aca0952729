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
			return a.writing(c.Context(), "answer", func(s *history.Store) error {
				_, err := a.answer(c.Context(), s, x, args[1:], func(*history.History, *decide.Case) error { return nil })
				return err
			})
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

// answer records an answer for cases, if each of them may have it. It returns the history with it, and the cases.
func (a *app) answer(ctx context.Context, s *history.Store, x history.Answer, names []string, may func(*history.History, *decide.Case) error) (answered, error) {
	policy, err := a.policy()
	if err != nil {
		return answered{}, err
	}
	h, err := a.load(ctx, s, x.At)
	if err != nil {
		return answered{}, err
	}
	out := answered{policy: policy}
	review := decide.Judge(&h, &policy, x.At)
	var records []history.Record
	for _, name := range names {
		c, err := findCase(&review, &h, name)
		if err != nil {
			return out, err
		}
		if err := may(&h, c); err != nil {
			return out, err
		}
		x.Netblock = c.Netblock
		records, out.cases = append(records, x), append(out.cases, c.Netblock)
	}
	out.history = with(h, records)
	return out, a.record(ctx, s, records...)
}

// answered is what an answer was judged from and now is.
type answered struct {
	policy  decide.Policy
	history history.History // with the answer
	cases   []netip.Prefix
}

// findCase returns the case that a netblock, a range or an address names. Only a case that the review knows is one: an
// answer to another would count for nothing and nobody would notice.
func findCase(r *decide.Review, h *history.History, name string) (*decide.Case, error) {
	x, err := netblock.ParseRange(name)
	if err != nil {
		return nil, usage("%v", err)
	}
	key := decide.CaseOf(h, x)
	for _, fits := range []func(netip.Prefix) bool{func(p netip.Prefix) bool { return netblock.OfPrefix(p) == x }, func(p netip.Prefix) bool { return p == key }} {
		if i := slices.IndexFunc(r.Cases, func(c decide.Case) bool { return fits(c.Netblock) }); i >= 0 {
			return &r.Cases[i], nil
		}
	}
	return nil, &failure{code: exitUsage, err: fmt.Errorf("%q is in no case at that moment; it would belong to %s", name, key),
		hint: "lastresort review lists the cases"}
}
