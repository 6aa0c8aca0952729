package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/decide/whois"
	"lastresort/netblock"
)

// What --as takes beside the kinds of a netblock.
const (
	protected = "protected"
	reported  = "reported"
	own       = "own"
)

// importFlags say what the ranges of a list are, and which to keep.
type importFlags struct {
	as       string
	reporter string // of what is reported
	seen     bool
}

// check tells whether --as is one of those that there are.
func (f importFlags) check() error {
	switch {
	case f.reporter != "" && f.as != reported:
		return usage("--reporter names who saw what is reported; expected --as reported beside it")
	case history.IsLocal(f.reporter):
		return usage("--reporter %s is one of our own machines; expected the name of somebody else", f.reporter)
	case f.as == "":
		return nil
	}
	_, err := oneOf("as", f.as, protected, reported, own, string(history.ISP), string(history.Hosting), string(history.Business), string(history.Education),
		string(history.Government), string(history.Mobile))
	return err
}

// importForeign imports what a file that isn't records says of ranges.
func (a *app) importForeign(ctx context.Context, s *history.Store, name string, in io.Reader, format whois.Format, f importFlags) error {
	got, err := whois.Read(name, in, format)
	if err != nil {
		return err
	}
	if f.as == "" && got.Unsaid() && len(got.Entries) > 0 {
		return &failure{code: exitUsage, err: fmt.Errorf("%s: a list of ranges that says nothing of who holds them", name),
			hint: "--as hosting (or another kind) makes netblocks of them, --as protected what must never be blocked, --as reported what others saw"}
	}
	switch {
	case format == whois.XARF && f.as != "" && f.as != reported:
		return usage("%s holds abuse reports, which say nothing of who holds a range; expected --as reported, or no --as", name)
	case format == whois.CrowdSec && f.as != "" && f.as != reported && f.as != own:
		return usage("%s holds what CrowdSec saw; expected --as own, --as reported, or no --as", name)
	case format == whois.XARF || format == whois.CrowdSec:
		f.as = cmp.Or(f.as, reported)
	case f.as == own:
		return usage("%s is nothing that a program of our own saw; expected --as own for fail2ban's database, or CrowdSec's alerts or decisions", name)
	}
	if f.as == reported || f.as == own {
		return a.importSightings(ctx, s, name, &got, f)
	}
	h, err := s.LoadRecords(ctx, time.Time{})
	if err != nil {
		return err
	}
	now := a.env.now().UTC().Truncate(time.Second)
	if f.seen {
		if got.Entries, err = a.aroundSources(ctx, s, got.Entries); err != nil {
			return err
		}
	}
	b := imported{now: now, by: a.operator(), known: map[netip.Prefix]history.Netblock{}}
	for _, n := range h.Netblocks {
		if old, ok := b.known[n.Prefix]; !ok || !n.At.Before(old.At) {
			b.known[n.Prefix] = n
		}
	}
	switch f.as {
	case protected:
		b.protect(h.Protects, got.Entries)
	default:
		b.netblocks(got.Entries, history.NetblockKind(f.as))
	}
	if err := s.Add(ctx, b.records, nil); err != nil {
		return err
	}
	b.fresh = len(b.records)
	return a.printImported(name, &got, &b)
}

// imported is the records that come of a foreign file.
type imported struct {
	now     time.Time
	by      string
	known   map[netip.Prefix]history.Netblock // the latest record of each prefix
	records []history.Record
	fresh   int      // of them, new
	same    int      // said already
	told    []string // what contradicts what was said
}

// netblocks makes records of entries. What is unknown stays as it was on record.
func (b *imported) netblocks(entries []whois.Entry, kind history.NetblockKind) {
	fresh := map[netip.Prefix]history.Netblock{}
	var order []netip.Prefix
	for _, e := range entries {
		for _, n := range e.Netblocks() {
			n.Kind = kind
			if old, ok := fresh[n.Prefix]; !ok {
				order = append(order, n.Prefix)
			} else {
				if old.Holder != n.Holder && old.Holder != "" && n.Holder != "" {
					b.told = append(b.told, fmt.Sprintf("%s is held by %q and by %q; the later counts", n.Prefix, old.Holder, n.Holder))
				}
				n = filled(n, old)
			}
			fresh[n.Prefix] = n
		}
	}
	contact := b.contacts(fresh)
	for _, p := range order {
		n := fresh[p]
		old, known := b.known[p]
		if known {
			n = filled(n, old)
		}
		if n.Upstream == "" {
			if who := contact(p); who != n.Abuse {
				n.Upstream = who
			}
		}
		if known {
			n.At = old.At
			if n == old {
				b.same++
				continue
			}
			n.At = b.now
			if old.Holder != n.Holder && old.Holder != "" {
				b.told = append(b.told, fmt.Sprintf("%s was held by %q, and is now by %q", p, old.Holder, n.Holder))
			}
		}
		b.records = append(b.records, n)
	}
}

// filled returns a record with what it leaves out as another says it.
func filled(n, old history.Netblock) history.Netblock {
	for _, x := range []struct{ to, from *string }{{&n.Holder, &old.Holder}, {&n.Country, &old.Country}, {&n.Abuse, &old.Abuse},
		{&n.Upstream, &old.Upstream}, {&n.Cert, &old.Cert}, {&n.Whois, &old.Whois}} {
		*x.to = cmp.Or(*x.to, *x.from)
	}
	n.Kind, n.Assignment = cmp.Or(n.Kind, old.Kind), cmp.Or(n.Assignment, old.Assignment)
	return n
}

// contacts returns who answers for the closest registration around a prefix that has an abuse contact: it is that of whoever
// assigned the prefix, the upstream to ask next.
func (b *imported) contacts(fresh map[netip.Prefix]history.Netblock) func(netip.Prefix) string {
	abuse := map[netip.Prefix]string{}
	for _, list := range []map[netip.Prefix]history.Netblock{b.known, fresh} {
		for p, n := range list {
			if n.Abuse != "" {
				abuse[p] = n.Abuse
			}
		}
	}
	return func(p netip.Prefix) string {
		for bits := p.Bits() - 1; bits >= 8; bits-- {
			around, err := p.Addr().Prefix(bits)
			if err != nil {
				return ""
			}
			if who, ok := abuse[around]; ok {
				return who
			}
		}
		return ""
	}
}

// renewAfter is how old what was said of a list may be before a range of it is said again: one imported each night grows the
// history by little, and is known for almost all of listAfter from each import on.
const renewAfter = 7 * 24 * time.Hour

// protect makes records of ranges that must never be blocked. Of those that are on record already one of each family is said
// again, so that the list is known to be of now.
func (b *imported) protect(known []history.Protect, entries []whois.Entry) {
	type said struct {
		where netblock.Range
		why   string
	}
	type list struct {
		why string
		is4 bool
	}
	stands, newest := map[said]bool{}, map[list]time.Time{}
	for _, x := range known {
		stands[said{x.Range, x.Reason}] = x.Until.IsZero()
		if l := (list{x.Reason, x.Range.Is4()}); x.At.After(newest[l]) {
			newest[l] = x.At
		}
	}
	for _, e := range entries {
		x := said{e.Range, e.Source}
		if e.Label != "" && e.Label != e.Source {
			x.why = e.Source + ": " + e.Label
		}
		of := list{x.why, e.Range.Is4()}
		if stands[x] && b.now.Sub(newest[of]) < renewAfter {
			b.same++
			continue
		}
		stands[x], newest[of] = true, b.now
		b.records = append(b.records, history.Protect{Range: e.Range, At: b.now, By: b.by, Reason: x.why})
	}
}

// aroundSources keeps the entries around addresses that the history knows.
func (a *app) aroundSources(ctx context.Context, s *history.Store, entries []whois.Entry) ([]whois.Entry, error) {
	h, err := a.load(ctx, s, time.Time{})
	if err != nil {
		return nil, err
	}
	var known []netip.Addr
	for _, x := range h.Sightings {
		known = append(known, x.Source)
	}
	for _, x := range h.Traffic {
		known = append(known, x.Source)
	}
	for _, x := range h.Reports {
		known = append(known, x.Source)
	}
	slices.SortFunc(known, netip.Addr.Compare)
	return slices.DeleteFunc(entries, func(e whois.Entry) bool {
		i, _ := slices.BinarySearchFunc(known, e.Range.First(), netip.Addr.Compare)
		return i == len(known) || !e.Range.Contains(known[i])
	}), nil
}

// shownSkipped is how many parts that were skipped are told one by one.
const shownSkipped = 5

// skipped tells which parts of a file say nothing of use.
func (a *app) skipped(name string, list []whois.Skip) {
	for i, x := range list {
		if i == shownSkipped {
			a.note("%s: %d more were skipped", name, len(list)-i)
			break
		}
		where := name
		if x.Line > 0 {
			where = fmt.Sprintf("%s:%d", name, x.Line)
		}
		a.note("%s: skipped: %s", where, printable(x.Why))
	}
}

func (a *app) printImported(name string, got *whois.Result, b *imported) error {
	a.skipped(name, got.Skipped)
	for i, x := range b.told {
		if i == shownSkipped {
			a.note("%s: %d more hold other things than before", name, len(b.told)-i)
			break
		}
		a.note("%s", printable(x))
	}
	if a.json {
		return a.printJSON(struct {
			File    string       `json:"file"`
			Format  whois.Format `json:"format"`
			Ranges  int          `json:"ranges"`
			Skipped int          `json:"skipped"`
			history.Imported
		}{name, got.Format, len(got.Entries), len(got.Skipped), history.Imported{New: b.fresh, Known: b.same}})
	}
	a.printf("%s: %s, %s: %s, %d known already, %d skipped\n", name, got.Format, plural(len(got.Entries), "range"),
		plural(b.fresh, "new record"), b.same, len(got.Skipped))
	return nil
}

// closing joins the error of reading with that of closing.
func closing(err error, c io.Closer) error { return errors.Join(err, c.Close()) }
