package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

func (a *app) netblockCommand() *cobra.Command {
	c := &cobra.Command{Use: "netblock", Short: "registered ranges, their holders and contacts"}
	c.AddCommand(a.netblockAddCommand(), a.netblockMissingCommand())
	return needsSubcommand(c)
}

func (a *app) netblockAddCommand() *cobra.Command {
	var x history.Netblock
	var kind, assignment string
	var b byHand
	c := &cobra.Command{
		Use:   "add PREFIX",
		Short: "record a registered range with its holder and contacts",
		Long: "Records a registered range. Of a prefix that is on record already the newer record counts, and it counts from --at\n" +
			"on, else from now; the first record of a prefix counts always.",
		Example: "  lastresort netblock add 203.0.113.0/24 --holder \"Example Hosting\" --kind hosting --assignment static \\\n" +
			"      --abuse abuse@example.net --upstream abuse@carrier.example --cert cert@cert.example",
		Args: exactly("PREFIX"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if x.Prefix, err = netblock.ParsePrefix(args[0]); err != nil {
				return usage("%v", err)
			}
			if kind != "" {
				x.Kind, err = oneOf("kind", kind, history.ISP, history.Hosting, history.Business, history.Education, history.Government,
					history.Mobile, history.UnknownNetblock)
				if err != nil {
					return err
				}
			}
			if assignment != "" {
				x.Assignment, err = oneOf("assignment", assignment, history.Static, history.Dynamic, history.CGNAT, history.UnknownAssignment)
				if err != nil {
					return err
				}
			}
			return a.writing(c.Context(), "netblock add", func(s *history.Store) error { return a.addNetblock(c.Context(), s, x, b) })
		},
	}
	f := c.Flags()
	f.StringVar(&x.Holder, "holder", "", "who holds it")
	f.StringVar(&x.Country, "country", "", "ISO 3166 `CODE`, as registered")
	f.StringVar(&kind, "kind", "", "isp, hosting, business, education, government, mobile or unknown")
	f.StringVar(&assignment, "assignment", "", "static, dynamic, cgnat or unknown")
	f.StringVar(&x.Abuse, "abuse", "", "mail `ADDRESS` of the abuse contact")
	f.StringVar(&x.Upstream, "upstream", "", "mail `ADDRESS` of the upstream's")
	f.StringVar(&x.Cert, "cert", "", "mail `ADDRESS` of the CERT")
	f.StringVar(&x.Whois, "whois", "", "where the registration was read")
	b.flags(c, a, false)
	return a.prints(c)
}

func (a *app) netblockMissingCommand() *cobra.Command {
	var contacts bool
	c := a.replays(&cobra.Command{
		Use:   "missing",
		Short: "the addresses whose registration is unknown, for your own whois or RDAP client",
		Long: "Writes one address of each case whose registration is unknown, the most dangerous first. Nothing is looked up: give\n" +
			"them to your own client, and its answers to import.",
		Example: "  lastresort netblock missing | xargs -n1 whois | lastresort import -",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := a.policy()
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
				list := decide.MissingAt(&h, &p, now, contacts)
				if a.json {
					return a.printJSON(list)
				}
				for _, x := range list {
					a.printf("%s\n", x.Addr)
				}
				return nil
			})
		},
	})
	c.Flags().BoolVar(&contacts, "contacts", false, "also those that are registered without an abuse contact")
	return a.prints(c)
}

func (a *app) addNetblock(ctx context.Context, s *history.Store, x history.Netblock, b byHand) error {
	h, err := s.LoadRecords(ctx, time.Time{})
	if err != nil {
		return err
	}
	again := b.at != ""
	for _, old := range h.Netblocks {
		again = again || old.Prefix == x.Prefix
	}
	if again {
		if x.At, err = b.when(a); err != nil {
			return err
		}
	}
	return a.record(ctx, s, x)
}
