package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
)

func (a *app) approveCommand() *cobra.Command {
	var note string
	var lift bool
	var b byHand
	c := &cobra.Command{
		Use:   "approve CASE…",
		Short: "approve the permanent block that the review asked about",
		Long: "Answers duration = permanent for cases of which the review says that approval is needed: a permanent block is\n" +
			"proposed, or one that stands is asked about again. A case is named by its netblock or by an address in it. The next\n" +
			"review and apply put it in force. --lift takes an approval back that isn't in force yet; to end a permanent block\n" +
			"that is, answer duration=temporary.",
		Example: "  lastresort approve 203.0.113.0/24 --note \"three relapses, nobody honest there\"",
		Args:    atLeastOne("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			at, err := b.when(a)
			if err != nil {
				return err
			}
			x := history.Answer{Question: history.DurationQuestion, Answer: "permanent", At: at, By: b.by, Note: note}
			if lift {
				x.Answer = decide.AnswerOpen
			}
			return a.writing(c.Context(), "approve", func(s *history.Store) error { return a.approve(c.Context(), s, x, args) })
		},
	}
	c.Flags().StringVar(&note, "note", "", "why")
	c.Flags().BoolVar(&lift, "lift", false, "take an approval back")
	b.flags(c, a, true)
	return a.prints(c)
}

func (a *app) approve(ctx context.Context, s *history.Store, x history.Answer, names []string) error {
	done, err := a.answer(ctx, s, x, names, func(h *history.History, c *decide.Case) error { return approvable(h, c, x.Answer == decide.AnswerOpen) })
	if err != nil {
		return err
	}
	for _, c := range decide.Judge(&done.history, &done.policy, x.At).Cases {
		if slices.Contains(done.cases, c.Netblock) {
			a.note("%s with the next review: %s, %s", c.Netblock, c.Verdict, blocksText(&c))
		}
	}
	return nil
}

// approvable checks that a case asks for approval or, to lift one, that it has one that isn't in force.
func approvable(h *history.History, c *decide.Case, lift bool) error {
	key := c.Netblock
	if !lift {
		switch c.Approval {
		case decide.ApprovalNeeded:
			return nil
		case decide.ApprovalGiven:
			return usage("%s is approved already, by rule %s", key, c.Rule)
		}
		return &failure{code: exitUsage, err: fmt.Errorf("%s asks for no approval: %s, %s", key, c.Verdict, c.Reason()),
			hint: "lastresort explain " + key.String()}
	}
	var last history.Answer
	for _, a := range h.Answers {
		if a.Netblock == key && a.Question == history.DurationQuestion && !a.At.Before(last.At) {
			last = a
		}
	}
	if last.Answer != "permanent" {
		return usage("%s has no approval that could be taken back", key)
	}
	for _, s := range c.Standing {
		if s.Until.IsZero() {
			return &failure{code: exitUsage, err: fmt.Errorf("%s is blocked for good already; taking the approval back would not release it", key),
				hint: "lastresort answer duration=temporary " + key.String()}
		}
	}
	return nil
}

// blocksText says what a case's verdict blocks and until when.
func blocksText(c *decide.Case) string {
	text := few(rangeTexts(c.Ranges), 4)
	switch {
	case c.Verdict != decide.BlockVerdict:
		return string(c.Rule)
	case c.Permanent:
		return text + " for good; tell nobody"
	case c.Until != nil:
		return text + " until " + clock(*c.Until)
	}
	return text
}
