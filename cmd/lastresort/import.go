package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"lastresort/decide/history"
)

func (a *app) importCommand() *cobra.Command {
	return a.prints(&cobra.Command{
		Use:   "import FILE…",
		Short: "read records, one JSON object a line; - is standard input",
		Long: "Reads records, one JSON object a line, and stores them: all of a file or, where a line is bad, none of it.\n" +
			"A record that is known already counts once. - is standard input.",
		Args: atLeastOne("FILE"),
		RunE: func(c *cobra.Command, files []string) error {
			return a.writing(c.Context(), "import", func(s *history.Store) error {
				for _, name := range files {
					if err := a.importFile(c, s, name); err != nil {
						return err
					}
				}
				return nil
			})
		},
	})
}

func (a *app) importFile(c *cobra.Command, s *history.Store, name string) error {
	in, shown := io.NopCloser(a.stdin), "standard input"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("%q can't be read: %s", name, reason(err))
		}
		in, shown = f, name
	}
	got, err := s.Import(c.Context(), shown, in, a.progress("records read"))
	a.progressDone()
	if err := errors.Join(err, in.Close()); err != nil {
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
