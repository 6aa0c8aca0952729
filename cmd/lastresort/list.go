package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/firewall"
	"lastresort/netblock"
)

func (a *app) listCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "list",
		Short: "what is blocked, until when, why, and what it dropped",
		Long: "Lists the ranges in force by the history, and beside them what the kernel holds and has dropped. Where the kernel\n" +
			"may not be read, or with --at, it lists the history alone and says so.\n\n" +
			"--format prints it for another firewall: cidr is one prefix a line, nft a table of its own for nft -f, ipset two\n" +
			"sets for ipset restore, each with the time that is left.",
		Example: "  lastresort list --format nft | nft -f -",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case format != "" && !slices.Contains(formatNames(), format):
				return usage("--format is %q; expected one of %s", format, strings.Join(formatNames(), " "))
			case a.json && format != "" && format != "json":
				return usage("--json and --format %s exclude each other", format)
			}
			policy, err := a.policy()
			if err != nil {
				return err
			}
			now, replay, err := a.moment()
			if err != nil {
				return err
			}
			return a.reading(c.Context(), func(s *history.Store) error { return a.list(c.Context(), s, &policy, now, replay, format) })
		},
	}
	c.Flags().StringVar(&format, "format", "", "for another firewall: json, nft, ipset or cidr")
	return a.replays(a.prints(c))
}

// listed is one range in force.
type listed struct {
	Range   netblock.Range `json:"range"`
	From    time.Time      `json:"from"`
	Until   *time.Time     `json:"until"` // nil for good
	Case    string         `json:"case,omitempty"`
	By      string         `json:"by,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Kernel  *bool          `json:"kernel"` // whether the kernel holds it; nil where that isn't known
	Packets uint64         `json:"packets"`
	Bytes   uint64         `json:"bytes"`
}

func (a *app) list(ctx context.Context, s *history.Store, policy *decide.Policy, now time.Time, replay bool, format string) error {
	h, err := s.LoadRecords(ctx, now)
	if err != nil {
		return err
	}
	standing := decide.InForce(&h, policy, now)
	h = history.History{} // its memory
	var state firewall.State
	known := false
	if !replay && (format == "" || format == "json") {
		if state, err = a.held(ctx, policy); err != nil {
			a.note("the kernel isn't shown: %v", err)
		}
		known = err == nil
	}
	all := listing(standing, state.Elements, known)
	w := bufio.NewWriter(a.stdout)
	if a.json || format == "json" {
		if err := printListJSON(w, all); err != nil {
			return err
		}
		return w.Flush()
	}
	for _, f := range listFormats {
		if f.name == format {
			f.print(w, policy, all, now)
			return w.Flush()
		}
	}
	p := a.page()
	for l := range all {
		until := time.Time{}
		if l.Until != nil {
			until = *l.Until
		}
		kernel := fmt.Sprintf("%d dropped", l.Packets)
		switch {
		case l.Kernel == nil:
			kernel = "?"
		case !*l.Kernel:
			kernel = "not in kernel"
		}
		p.row([]column{{l.Range.String(), 20}, {ends(until), 22}, {kernel, 13}}, l.Reason)
	}
	p.line("%s in force", plural(len(standing), "range"))
	return nil
}

// listing puts together what stands and what the kernel holds, both by address. Where the kernel isn't known nothing is said
// of it.
func listing(standing []decide.Standing, held []firewall.Element, known bool) iter.Seq[listed] {
	return func(yield func(listed) bool) {
		held := held
		for _, x := range standing {
			for len(held) > 0 && held[0].Range.Compare(x.Range) < 0 {
				held = held[1:]
			}
			l := listed{Range: x.Range, From: x.From.UTC(), Until: dateTime(x.Until), By: x.By, Reason: x.Reason}
			if x.Case.IsValid() {
				l.Case = x.Case.String()
			}
			holds := len(held) > 0 && held[0].Range == x.Range
			if holds {
				l.Packets, l.Bytes = held[0].Packets, held[0].Bytes
			}
			if known {
				l.Kernel = &holds
			}
			if !yield(l) {
				return
			}
		}
	}
}

// printListJSON prints a list as printJSON would, without having all of a long one at once.
func printListJSON(w io.Writer, all iter.Seq[listed]) error {
	before := "["
	for l := range all {
		text, err := json.Marshal(l)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s%s", before, text)
		before = ","
	}
	if before == "[" {
		fmt.Fprint(w, before)
	}
	fmt.Fprintln(w, "]")
	return nil
}
