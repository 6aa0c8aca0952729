package main

import (
	"bufio"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lastresort/decide/history"
	"lastresort/decide/whois"
)

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	c := a.prints(&cobra.Command{
		Use:   "import FILE…",
		Short: "read records, and what registries and lists say of ranges; - is standard input",
		Long: "Reads records, one JSON object a line, and stores them: all of a file or, where a line is bad, none of it.\n" +
			"A record that is known already counts once. - is standard input, and a file may be gzipped.\n\n" +
			"Told by their content, these are read too, as netblocks: whois answers and registry dumps, RDAP answers, the\n" +
			"registries' delegation files, and lists of ranges with --as. What they leave out stays as it is on record, and\n" +
			"what they say anew counts from now on. What others reported, in lists with --as reported, in XARF, and in mails (ARF\n" +
			"and X-ARF), is context, and blocks nobody. So is what fail2ban's database and CrowdSec's alerts and decisions in JSON\n" +
			"hold, but with --as own for what programs of our own saw: of that our logs must not tell too, and what they have\n" +
			"told is left out.\n\n" +
			"Mails come one by one, as an mbox or as a Maildir. One that answers a report of ours, by its References, or by the\n" +
			"report's id in the subject or as [lastresort ID] in the text, waits for a person to say what it amounts to:\n" +
			"lastresort response waiting shows them.",
		Example: "  lastresort netblock missing | xargs -n1 whois | lastresort import -\n  lastresort import --as protected crawlers.json\n" +
			"  lastresort import ~/Maildir\n  cscli alerts list -l 0 -o json | lastresort import --as own -",
		Args: atLeastOne("FILE"),
		RunE: func(c *cobra.Command, files []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.writing(c.Context(), "import", func(s *history.Store) error {
				for _, name := range files {
					if err := a.importFile(c.Context(), s, name, f); err != nil {
						return err
					}
				}
				return nil
			})
		},
	})
	c.Flags().StringVar(&f.as, "as", "", "what a file holds: protected, reported by others, seen by programs of our own, or a `KIND` of netblock such as hosting")
	c.Flags().StringVar(&f.reporter, "reporter", "", "`WHO` saw what is reported (default the file's name)")
	c.Flags().BoolVar(&f.seen, "seen", false, "of a foreign file keep only what lies around addresses that the history knows")
	return c
}

func (a *app) importFile(ctx context.Context, s *history.Store, name string, f importFlags) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return a.importMaildir(ctx, s, name, f)
	}
	in, shown, err := a.input(name)
	if err != nil {
		return err
	}
	text, format, err := whois.Open(in)
	if err != nil {
		return closing(fmt.Errorf("%q can't be read: %s", shown, reason(err)), in)
	}
	switch format {
	case whois.Mail:
		return closing(a.importMails(ctx, s, shown, []mailbox{{shown, text}}, f), in)
	case whois.SQLite:
		return closing(a.importFail2ban(ctx, s, name, f), in)
	}
	if format != whois.Records {
		return closing(a.importForeign(ctx, s, shown, text, format, f), in)
	}
	if _, err := text.Peek(1); err == nil && f != (importFlags{}) {
		return closing(usage("%s holds records, which say what they are; --as, --reporter and --seen are for files of others", shown), in)
	}
	got, err := s.Import(ctx, shown, text, a.progress("records read"))
	a.progressDone()
	if err := closing(err, in); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(struct {
			File string `json:"file"`
			history.Imported
		}{shown, got})
	}
	a.printf("%s: %s, %d known already\n", shown, plural(got.New, "new record"), got.Known)
	return nil
}

func (a *app) exportCommand() *cobra.Command {
	return a.prints(&cobra.Command{
		Use:   "export",
		Short: "write every record as import reads it",
		Long: "Writes every record to standard output, one JSON object a line, each as it was imported.\n" +
			"The output is JSON with or without --json.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.reading(c.Context(), func(s *history.Store) error {
				out := bufio.NewWriter(a.stdout)
				if err := s.Export(c.Context(), out); err != nil {
					return err
				}
				return out.Flush()
			})
		},
	})
}

// atLeastOne asks for one argument or more, and names what it is.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage("%s needs a %s; see lastresort %s --help", c.CommandPath(), what, c.Name())
		}
		return nil
	}
}
