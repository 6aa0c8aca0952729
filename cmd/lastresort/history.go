package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide/history"
	"lastresort/netblock"
)

func (a *app) historyCommand() *cobra.Command {
	return a.replays(a.prints(&cobra.Command{
		Use:   "history RANGE",
		Short: "show the records about an address or a range",
		Long: "Shows every record that touches an address or a range, by time: netblocks and their contacts, reports and what\n" +
			"came back, sightings and traffic, answers, holds, blocks and releases. With --json each in its text form.",
		Args: exactly("RANGE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := netblock.ParseRange(args[0])
			if err != nil {
				return usage("%v", err)
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
				records := about(&h, r)
				p := a.page()
				for _, x := range records {
					if a.json {
						a.printf("%s\n", history.Encode(x))
						continue
					}
					when := "always"
					if !x.Known().IsZero() {
						when = clock(x.Known())
					}
					p.row([]column{{when, 16}}, describe(x))
				}
				if len(records) == 0 {
					a.note("no record touches %s", r)
				}
				return nil
			})
		},
	}))
}

// about returns the records that touch a range, by the moment from which they are known.
func about(h *history.History, r netblock.Range) []history.Record {
	var out []history.Record
	touches := func(p netip.Prefix) bool { return p.IsValid() && netblock.OfPrefix(p).Overlaps(r) }
	reports, addresses := map[string]bool{}, map[string]bool{}
	for _, x := range h.Netblocks {
		if touches(x.Prefix) {
			addresses[x.Abuse], addresses[x.Upstream], addresses[x.Cert] = true, true, true
			out = append(out, x)
		}
	}
	for _, x := range h.Reports {
		if r.Contains(x.Source) {
			reports[x.ID], addresses[x.To] = true, true
			out = append(out, x)
		}
	}
	out = pick(out, h.Contacts, func(x history.Contact) bool { return addresses[x.Address] })
	out = pick(out, h.Responses, func(x history.Response) bool { return reports[x.Report] })
	out = pick(out, h.Sightings, func(x history.Sighting) bool { return r.Contains(x.Source) })
	out = pick(out, h.Traffic, func(x history.Traffic) bool { return r.Contains(x.Source) })
	out = pick(out, h.Answers, func(x history.Answer) bool { return touches(x.Netblock) })
	out = pick(out, h.Blocks, func(x history.Block) bool { return x.Range.Overlaps(r) })
	out = pick(out, h.Releases, func(x history.Release) bool { return x.Range.Overlaps(r) })
	out = pick(out, h.Holds, func(x history.Hold) bool { return x.Range.Overlaps(r) })
	out = pick(out, h.Protects, func(x history.Protect) bool { return x.Range.Overlaps(r) })
	slices.SortStableFunc(out, func(a, b history.Record) int { return a.Known().Compare(b.Known()) })
	return out
}

func pick[R history.Record](out []history.Record, all []R, fits func(R) bool) []history.Record {
	for _, x := range all {
		if fits(x) {
			out = append(out, x)
		}
	}
	return out
}

// describe puts a record into words.
func describe(r history.Record) string {
	switch x := r.(type) {
	case history.Netblock:
		return fmt.Sprintf("netblock %s of %s, %s, %s, %s; abuse %s, upstream %s, cert %s", x.Prefix, some(x.Holder), some(x.Country),
			some(string(x.Kind)), some(string(x.Assignment)), some(x.Abuse), some(x.Upstream), some(x.Cert))
	case history.Contact:
		return fmt.Sprintf("contact %s, %s, trust %s", x.Address, some(string(x.Kind)), cmp.Or(string(x.Trust), "as the rules find")) + by(x.By) + reasoned(x.Reason)
	case history.Report:
		follows := ""
		if x.Follows != "" {
			follows = ", follows up " + x.Follows
		}
		return fmt.Sprintf("report %s about %s to %s %s%s", x.ID, x.Source, x.Role, some(x.To), follows)
	case history.Response:
		return fmt.Sprintf("response to %s: %s", x.Report, x.Stance) + reasoned(x.Note)
	case history.Sighting:
		return fmt.Sprintf("sighting of %s: %d %s, %s, by %s, %s to %s", x.Source, x.Count, x.Kind, x.Proof, x.Reporter, clock(x.First), clock(x.Last))
	case history.Traffic:
		return fmt.Sprintf("traffic of %s: %d %s, %s to %s", x.Source, x.Count, x.Service, clock(x.First), clock(x.Last))
	case history.Answer:
		return fmt.Sprintf("answer for %s: %s = %s%s", x.Netblock, x.Question, x.Answer, by(x.By)) + reasoned(x.Note)
	case history.Hold:
		return fmt.Sprintf("hold on %s %s%s", x.Range, ends(x.Until), by(x.By)) + reasoned(x.Reason)
	case history.Block:
		return fmt.Sprintf("block of %s from %s %s%s", x.Range, clock(x.From), ends(x.Until), by(x.By)) + reasoned(x.Reason)
	case history.Release:
		return fmt.Sprintf("release of %s%s", x.Range, by(x.By)) + reasoned(x.Reason)
	case history.Protect:
		if !x.Until.IsZero() && !x.Until.After(x.At) {
			return fmt.Sprintf("protect of %s taken back%s", x.Range, by(x.By)) + reasoned(x.Reason)
		}
		return fmt.Sprintf("protect %s %s%s", x.Range, ends(x.Until), by(x.By)) + reasoned(x.Reason)
	}
	return r.Type()
}

func some(s string) string { return cmp.Or(s, "unknown") }

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}

func reasoned(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// dateTime is a moment for JSON: nil for none.
func dateTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
