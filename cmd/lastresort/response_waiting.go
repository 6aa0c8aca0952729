package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide/history"
)

func (a *app) responseWaitingCommand() *cobra.Command {
	return a.prints(&cobra.Command{
		Use:   "waiting",
		Short: "show the answers to our reports that wait for a person to say what they amount to",
		Long: "Shows the answers that import found in mails, each with the command that records it. STANCE is for you to say, after you\n" +
			"have read the mail: asked, helping, fixed, unhelpful or hostile. Until then it changes nothing, whoever sent it. One\n" +
			"that is of no account is settled as automatic.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.reading(c.Context(), func(s *history.Store) error {
				open, err := waitingAnswers(c.Context(), s)
				if err != nil {
					return err
				}
				if a.json {
					if open == nil {
						open = []history.Waiting{}
					}
					return a.printJSON(open)
				}
				a.printWaiting(open)
				return nil
			})
		},
	})
}

// waitingAnswers returns the answers that wait for a person.
func waitingAnswers(ctx context.Context, s *history.Store) ([]history.Waiting, error) {
	h, err := s.LoadRecords(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	return s.Waiting(ctx, h.Responses)
}

// noteWaiting tells how many answers wait.
func (a *app) noteWaiting(ctx context.Context, s *history.Store, responses []history.Response) error {
	open, err := s.Waiting(ctx, responses)
	if err == nil && len(open) > 0 {
		a.note("%s to our reports waiting for a person to say what it amounts to: lastresort response waiting", plural(len(open), "answer"))
	}
	return err
}

// printWaiting prints answers, each with the command that records it.
func (a *app) printWaiting(open []history.Waiting) {
	p := a.page()
	for _, w := range open {
		stance := string(w.Stance)
		if stance == "" {
			stance = "STANCE"
		}
		from := w.From
		if from == "" {
			from = "nobody that is named"
		}
		p.line("%s", printable("answer to "+w.Report+" from "+from+" on "+clock(w.At)+": "+w.Subject))
		if w.Doubt != "" {
			p.line("  doubtful: %s", printable(w.Doubt))
		}
		p.line("  lastresort response add %s %s --at %s --note %s", quoteArgument(w.Report), stance, w.At.UTC().Format(time.RFC3339), quoteArgument(w.Subject))
	}
}

// quoteArgument quotes a text of somebody else's for a shell: what isn't plain stands in single quotes, and none in it is left
// alone, nor anything that a terminal might act on.
func quoteArgument(s string) string {
	s = printable(s)
	plain := s != "" && s[0] != '-'
	for _, c := range s {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_./@:+", c)) {
			plain = false
		}
	}
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
