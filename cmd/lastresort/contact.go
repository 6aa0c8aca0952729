package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
)

func (a *app) contactCommand() *cobra.Command {
	c := &cobra.Command{Use: "contact", Short: "who answers for netblocks"}
	c.AddCommand(a.contactSetCommand())
	return needsSubcommand(c)
}

func (a *app) contactSetCommand() *cobra.Command {
	var kind, trust string
	var x history.Contact
	var lift bool
	var b byHand
	c := &cobra.Command{
		Use:   "set ADDRESS",
		Short: "say what is known of a contact, above all whether it can be trusted",
		Long: "Records what is known of a contact. The newest record counts, also over what the contact wrote before: it makes\n" +
			"one that was hostile trusted again. --lift takes the trust back that was said: it is again as the rules find, and\n" +
			"untrusted where the contact was hostile.",
		Example: "  lastresort contact set abuse@example.net --trust trusted --reason \"answered in 2025\"",
		Args:    exactly("ADDRESS"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			x.Address = args[0]
			if kind != "" {
				x.Kind, err = oneOf("kind", kind, history.MajorISP, history.Company, history.School, history.GovernmentContact,
					history.Individual, history.UnknownContact)
				if err != nil {
					return err
				}
			}
			if trust != "" {
				if x.Trust, err = oneOf("trust", trust, history.Trusted, history.Untrusted, history.UnknownTrust); err != nil {
					return err
				}
			}
			if x.At, err = b.when(a); err != nil {
				return err
			}
			x.By = b.by
			switch {
			case lift && trust != "":
				return usage("--lift and --trust exclude each other; --lift takes back what was said")
			case !lift && trust == "" && kind == "" && x.Reason == "":
				return usage("contact set says nothing of %s; expected --trust, --kind, --reason or --lift", x.Address)
			}
			return a.writing(c.Context(), "contact set", func(s *history.Store) error {
				if lift {
					if x, err = a.untold(c.Context(), s, x); err != nil {
						return err
					}
				}
				return a.record(c.Context(), s, x)
			})
		},
	}
	c.Flags().StringVar(&trust, "trust", "", "trusted, untrusted or unknown (default: as the rules find)")
	c.Flags().StringVar(&kind, "kind", "", "major-isp, company, school, government, individual or unknown")
	c.Flags().StringVar(&x.Reason, "reason", "", "why")
	c.Flags().BoolVar(&lift, "lift", false, "take the trust back that was said")
	b.flags(c, a, true)
	return a.prints(c)
}

// untold is a record that takes back what was said of a contact's trust. A record of any sort makes up for what the contact
// wrote before, so one that was hostile has to be called untrusted again.
func (a *app) untold(ctx context.Context, s *history.Store, x history.Contact) (history.Contact, error) {
	h, err := s.LoadRecords(ctx, x.At)
	if err != nil {
		return x, err
	}
	var last history.Contact
	for _, c := range h.Contacts {
		if strings.EqualFold(c.Address, x.Address) && !c.At.Before(last.At) {
			last = c
		}
	}
	if last.Trust == "" {
		return x, usage("nothing was said of the trust of %q; expected a contact that was set trusted, untrusted or unknown", x.Address)
	}
	if x.Kind == "" {
		x.Kind = last.Kind
	}
	if at, hostile := decide.HostileSince(&h, x.Address); hostile {
		x.Trust = history.Untrusted
		x.Reason = strings.TrimPrefix(x.Reason+"; hostile response of "+at.UTC().Format(time.DateOnly), "; ")
	}
	return x, nil
}
