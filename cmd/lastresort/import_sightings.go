package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"path"
	"time"

	"lastresort/decide/history"
	"lastresort/decide/whois"
)

// importSightings imports what others saw, or programs of our own. Others' is context, whatever its number.
func (a *app) importSightings(ctx context.Context, s *history.Store, name string, got *whois.Result, f importFlags) error {
	b, err := a.storeSightings(ctx, s, name, got, f)
	if err != nil {
		return err
	}
	return a.printImported(name, got, b)
}

// storeSightings stores the sightings that a file's entries are, and tells what they came to.
func (a *app) storeSightings(ctx context.Context, s *history.Store, name string, got *whois.Result, f importFlags) (*imported, error) {
	var err error
	if f.seen {
		if got.Entries, err = a.aroundSources(ctx, s, got.Entries); err != nil {
			return nil, err
		}
	}
	b := &imported{now: a.env.now().UTC().Truncate(time.Second)}
	var seen ownDays
	if f.as == own {
		h, err := a.load(ctx, s, time.Time{})
		if err != nil {
			return nil, err
		}
		seen = ownDaysOf(h.Sightings)
	}
	b.sightings(got, cmp.Or(f.reporter, path.Base(name)), f.as == own, seen)
	before, err := s.Rows(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Add(ctx, b.records, nil); err != nil {
		return nil, err
	}
	after, err := s.Rows(ctx)
	if err != nil {
		return nil, err
	}
	b.fresh, b.same = after-before, len(b.records)-(after-before) // the store tells which of them it had
	return b, nil
}

// sightings makes sightings of entries. One without a time is of today. What a program of our own saw counts as ours where the
// operator says that the file is ours.
func (b *imported) sightings(got *whois.Result, reporter string, ours bool, seen ownDays) {
	told := 0
	for _, e := range got.Entries {
		at := e.At
		if at.IsZero() || at.After(b.now) {
			at = b.now.Truncate(24 * time.Hour)
		}
		if e.Range.First() != e.Range.Last() {
			got.Skipped = append(got.Skipped, whois.Skip{Why: fmt.Sprintf("%s is more than one address, and a sighting is of one", e.Range)})
			continue
		}
		x := history.Sighting{Source: e.Range.First(), First: at, Last: at, Kind: cmp.Or(e.Kind, "scan"), Count: max(1, e.Count), Proof: history.OneWay,
			Reporter: cmp.Or(e.Reporter, reporter)}
		if !e.First.IsZero() && e.First.Before(at) {
			x.First = e.First
		}
		if ours && e.Own {
			x.Reporter, x.Proof = history.Local+"/"+e.Reporter, cmp.Or(e.Proof, history.OneWay)
			if seen.has(x) {
				told++
				continue
			}
		}
		b.records = append(b.records, x)
	}
	if told > 0 {
		got.Skipped = append(got.Skipped, whois.Skip{Why: fmt.Sprintf("%d of which our own logs tell, and would count twice", told)})
	}
}

// ownDays are the days on which our own logs saw a source do something.
type ownDays map[ownDay]bool

type ownDay struct {
	source netip.Addr
	kind   string
	day    int64
}

// ownDaysOf returns those of sightings from logs: what was imported from programs of our own is reported by local/PROGRAM.
func ownDaysOf(all []history.Sighting) ownDays {
	out := ownDays{}
	for _, x := range all {
		if !history.IsLocal(x.Reporter) || x.Reporter == history.Local+"/fail2ban" || x.Reporter == history.Local+"/crowdsec" {
			continue
		}
		for day := dayOf(x.First); day <= dayOf(x.Last); day++ {
			out[ownDay{x.Source, x.Kind, day}] = true
		}
	}
	return out
}

func dayOf(t time.Time) int64 { return t.Unix() / 86400 }

// has tells whether our logs saw a sighting's source do the same on its days or the day before: a ban follows what it is for.
func (d ownDays) has(x history.Sighting) bool {
	for day := dayOf(x.First) - 1; day <= dayOf(x.Last); day++ {
		if d[ownDay{x.Source, x.Kind, day}] {
			return true
		}
	}
	return false
}
