package main

import (
	"github.com/spf13/cobra"

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
	var b byHand
	c := &cobra.Command{
		Use:   "set ADDRESS",
		Short: "say what is known of a contact, above all whether it can be trusted",
		Long: "Records what is known of a contact. The newest record counts, also over what the contact wrote before: it makes\n" +
			"one that was hostile trusted again, or takes a trust back (--trust unknown).",
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
			return a.writing(c.Context(), "contact set", func(s *history.Store) error { return a.record(c.Context(), s, x) })
		},
	}
	c.Flags().StringVar(&trust, "trust", "", "trusted, untrusted or unknown (default: as the rules find)")
	c.Flags().StringVar(&kind, "kind", "", "major-isp, company, school, government, individual or unknown")
	c.Flags().StringVar(&x.Reason, "reason", "", "why")
	b.flags(c, a, false)
	return a.prints(c)
}
