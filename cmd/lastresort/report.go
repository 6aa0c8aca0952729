package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

func (a *app) reportCommand() *cobra.Command {
	c := &cobra.Command{Use: "report", Short: "abuse reports that we filed"}
	c.AddCommand(a.reportAddCommand())
	return needsSubcommand(c)
}

func (a *app) reportAddCommand() *cobra.Command {
	var r history.Report
	var role string
	var b byHand
	c := &cobra.Command{
		Use:   "add SOURCE",
		Short: "record an abuse report that was filed about a source",
		Long: "Records an abuse report that was filed about one source. Nothing is sent. Without --to it went to whom the\n" +
			"source's netblock names for that role; without --id it gets the next free one.",
		Example: "  lastresort report add 203.0.113.7 --to abuse@example.net\n  lastresort report add 203.0.113.7 --follows R-1",
		Args:    exactly("SOURCE"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if r.Source, err = netblock.ParseAddr(args[0]); err != nil {
				return usage("%v", err)
			}
			if r.Role, err = oneOf("role", role, history.Contacted, history.Upstream, history.Cert, history.LawEnforcement); err != nil {
				return err
			}
			if r.At, err = b.when(a); err != nil {
				return err
			}
			return a.writing(c.Context(), "report add", func(s *history.Store) error { return a.addReport(c.Context(), s, r) })
		},
	}
	c.Flags().StringVar(&r.To, "to", "", "mail `ADDRESS` that it went to")
	c.Flags().StringVar(&role, "role", string(history.Contacted), "in what capacity: contact, upstream, cert or law-enforcement")
	c.Flags().StringVar(&r.Follows, "follows", "", "`ID` of the report that it follows up")
	c.Flags().StringVar(&r.ID, "id", "", "`ID` of the report, such as a ticket's number")
	c.Flags().StringVar(&r.Message, "message-id", "", "Message-ID of the mail that it was, by which an answer is known: `ID`")
	b.flags(c, a, false)
	return a.prints(c)
}

func (a *app) addReport(ctx context.Context, s *history.Store, r history.Report) error {
	h, err := s.LoadRecords(ctx, time.Time{})
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, old := range h.Reports {
		known[old.ID] = true
	}
	switch {
	case r.Follows != "" && !known[r.Follows]:
		return usage("%q is no report on record; expected the id of the report that this one follows up", r.Follows)
	case r.ID != "" && known[r.ID]:
		return usage("%q is a report on record already; expected an id of its own", r.ID)
	}
	for i := len(h.Reports) + 1; r.ID == ""; i++ {
		if id := fmt.Sprintf("R-%d", i); !known[id] {
			r.ID = id
		}
	}
	if r.To == "" {
		if r.To = addressee(&h, r.Source, r.Role); r.To == "" {
			return usage("nobody is known for role %s of %s; name the address with --to", r.Role, r.Source)
		}
	}
	return a.record(ctx, s, r)
}

// addressee returns whom the source's netblock names for a role; "" where nobody is known.
func addressee(h *history.History, source netip.Addr, role history.Role) string {
	n := decide.RegistrationOf(h, source)
	switch role {
	case history.Contacted:
		return n.Abuse
	case history.Upstream:
		return n.Upstream
	case history.Cert:
		return n.Cert
	}
	return ""
}

func (a *app) responseCommand() *cobra.Command {
	c := &cobra.Command{Use: "response", Short: "what came back on our reports"}
	c.AddCommand(a.responseAddCommand(), a.responseWaitingCommand())
	return needsSubcommand(c)
}

func (a *app) responseAddCommand() *cobra.Command {
	var r history.Response
	var b byHand
	c := &cobra.Command{
		Use:   "add REPORT STANCE",
		Short: "record what came back on a report",
		Long: "Records what came back on a report, and what it amounts to: automatic, asked, helping, fixed, unhelpful, hostile\n" +
			"or bounced.",
		Example: "  lastresort response add R-1 helping --note \"customer was told\"",
		Args:    exactly("REPORT", "STANCE"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			r.Report = args[0]
			r.Stance, err = oneOf("STANCE", args[1], history.Automatic, history.Asked, history.Helping, history.Fixed,
				history.Unhelpful, history.Hostile, history.Bounced)
			if err != nil {
				return err
			}
			if r.At, err = b.when(a); err != nil {
				return err
			}
			return a.writing(c.Context(), "response add", func(s *history.Store) error { return a.addResponse(c.Context(), s, r) })
		},
	}
	c.Flags().StringVar(&r.Note, "note", "", "what it said")
	b.flags(c, a, false)
	return a.prints(c)
}

func (a *app) addResponse(ctx context.Context, s *history.Store, r history.Response) error {
	h, err := s.LoadRecords(ctx, time.Time{})
	if err != nil {
		return err
	}
	for _, report := range h.Reports {
		if report.ID == r.Report {
			return a.record(ctx, s, r)
		}
	}
	return usage("%q is no report on record; expected the id of one, as lastresort history shows them", r.Report)
}

// oneOf checks that a word is one of those that it may be.
func oneOf[T ~string](what, got string, values ...T) (T, error) {
	var names []string
	for _, v := range values {
		if string(v) == got {
			return v, nil
		}
		names = append(names, string(v))
	}
	return "", usage("%s is %q; expected one of %s", what, got, strings.Join(names, " "))
}

// exactly asks for the arguments that it names.
func exactly(what ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != len(what) {
			return usage("%s takes %s; got %s", c.CommandPath(), strings.Join(what, " "), plural(len(args), "argument"))
		}
		return nil
	}
}

// needsSubcommand makes a command that does nothing by itself say so.
func needsSubcommand(c *cobra.Command) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		var names []string
		for _, sub := range c.Commands() {
			names = append(names, sub.Name())
		}
		if len(args) > 0 {
			return usage("%s has no %q; expected one of %s", c.CommandPath(), args[0], strings.Join(names, " "))
		}
		return usage("%s needs one of %s", c.CommandPath(), strings.Join(names, " "))
	}
	return c
}
