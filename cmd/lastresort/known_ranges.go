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
	a.ranges = func(outside, holder []string, source netip.Addr) (inside, known bool) {
		if k == nil {
			k = load()
		}
		return k.of(outside, holder, source)
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
}

// named is what is known by some names.
type named struct {
	has4, has6 bool
	held       netblock.Set
}

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
			k.reasons = append(k.reasons, knownRange{x.Range, strings.ToLower(x.Reason)})
		}
	}
	k.protected = netblock.SetOf(all...)
	for _, x := range h.Netblocks {
		if x.Holder != "" {
			k.holders = append(k.holders, knownRange{netblock.OfPrefix(x.Prefix), strings.ToLower(x.Holder)})
		}
	}
	return k
}

// of implements web.Ranges.
func (k *knownRanges) of(outside, holder []string, source netip.Addr) (inside, known bool) {
	key := strings.Join(outside, "\x00") + "\x00\x00" + strings.Join(holder, "\x00")
	n, ok := k.byName[key]
	if !ok {
		var held []netblock.Range
		for _, x := range k.reasons {
			if holdsOne(x.name, outside) {
				n.has4, n.has6 = n.has4 || x.where.Is4(), n.has6 || !x.where.Is4()
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
	known = source.Is4() && n.has4 || !source.Is4() && n.has6
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
