package main

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// knowRanges lets the reading of logs know the ranges on record by name. They are read when the first line asks for one, which
// mostly none does.
func (a *app) knowRanges(ctx context.Context, s *history.Store, now time.Time) {
	var k *knownRanges
	load := sync.OnceValue(func() *knownRanges {
		h, err := s.LoadRecords(ctx, now)
		if err != nil {
			a.note("nobody is known to come from elsewhere than they say: %v", err)
			return &knownRanges{}
		}
		return rangesOf(&h, now)
	})
	a.ranges = func(outside, holder []string, source netip.Addr, at time.Time) (inside, known bool) {
		if k == nil {
			k = load()
		}
		return k.of(outside, holder, source, at)
	}
}

// knownRanges are the ranges on record, and what they are known by.
type knownRanges struct {
	protected netblock.Set
	reasons   []knownRange // of the protected ones, in lower case
	holders   []knownRange
	byName    map[string]named
}

type knownRange struct {
	where netblock.Range
	name  string
	at    time.Time // when it was said
}

// named is what is known by some names.
type named struct {
	newest4, newest6 time.Time // when the latest range of each family was said; zero where none was
	held             netblock.Set
}

// A list of ranges that somebody uses tells of the time from listBefore before it was imported to listAfter after: they move. Lists
// of 2026 call crawlers of 2015 liars, and search engines publish new ranges several times a year.
const (
	listBefore = 30 * 24 * time.Hour
	listAfter  = 90 * 24 * time.Hour
)

// rangesOf returns the protected ranges that stand at a moment, and the netblocks.
func rangesOf(h *history.History, now time.Time) *knownRanges {
	k := &knownRanges{byName: map[string]named{}}
	last := map[netblock.Range]history.Protect{}
	for _, x := range h.Protects {
		if old, ok := last[x.Range]; !ok || !x.At.Before(old.At) {
			last[x.Range] = x
		}
	}
	var all []netblock.Range
	for _, x := range h.Protects {
		if until := last[x.Range].Until; until.IsZero() || until.After(now) {
			all = append(all, x.Range)
			k.reasons = append(k.reasons, knownRange{x.Range, strings.ToLower(x.Reason), x.At})
		}
	}
	k.protected = netblock.SetOf(all...)
	for _, x := range h.Netblocks {
		if x.Holder != "" {
			k.holders = append(k.holders, knownRange{netblock.OfPrefix(x.Prefix), strings.ToLower(x.Holder), x.At})
		}
	}
	return k
}

// of implements web.Ranges.
func (k *knownRanges) of(outside, holder []string, source netip.Addr, at time.Time) (inside, known bool) {
	key := strings.Join(outside, "\x00") + "\x00\x00" + strings.Join(holder, "\x00")
	n, ok := k.byName[key]
	if !ok {
		var held []netblock.Range
		for _, x := range k.reasons {
			newest := &n.newest6
			if x.where.Is4() {
				newest = &n.newest4
			}
			if holdsOne(x.name, outside) && newest.Before(x.at) {
				*newest = x.at
			}
		}
		for _, x := range k.holders {
			if holdsOne(x.name, holder) {
				held = append(held, x.where)
			}
		}
		n.held = netblock.SetOf(held...)
		if k.byName != nil {
			k.byName[key] = n
		}
	}
	newest := n.newest6
	if source.Is4() {
		newest = n.newest4
	}
	known = !newest.IsZero() && !at.Before(newest.Add(-listBefore)) && at.Before(newest.Add(listAfter))
	return k.protected.Contains(source) || n.held.Contains(source), known
}

func holdsOne(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
