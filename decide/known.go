package decide

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"lastresort/decide/history"
)

// upTo returns what of h is known at a moment: each record once, and of a sighting or traffic that grew the state of then.
// Sightings and traffic come sorted by source. Lists that are so already are not copied, and none of h's is changed.
func upTo(h *history.History, now time.Time) *history.History {
	return &history.History{
		Netblocks: once(h.Netblocks, now, func(r *history.Netblock) { r.At = plain(r.At) }),
		Contacts:  once(h.Contacts, now, func(r *history.Contact) { r.At = plain(r.At) }),
		Reports:   once(h.Reports, now, func(r *history.Report) { r.At = plain(r.At) }),
		Responses: once(h.Responses, now, func(r *history.Response) { r.At = plain(r.At) }),
		Answers:   once(h.Answers, now, func(r *history.Answer) { r.At = plain(r.At) }),
		Holds:     once(h.Holds, now, func(r *history.Hold) { r.At, r.Until = plain(r.At), plain(r.Until) }),
		Blocks:    once(h.Blocks, now, func(r *history.Block) { r.From, r.Until = plain(r.From), plain(r.Until) }),
		Releases:  once(h.Releases, now, func(r *history.Release) { r.At = plain(r.At) }),
		Protects:  once(h.Protects, now, func(r *history.Protect) { r.At, r.Until = plain(r.At), plain(r.Until) }),
		Sightings: grown(h.Sightings, now, compareSightings, growSighting),
		Traffic:   grown(h.Traffic, now, compareTraffic, growTraffic),
	}
}

// plain returns t in the form in which equal moments are equal values.
func plain(t time.Time) time.Time { return t.Round(0).UTC() }

// once returns the records known at a moment, in their order, the first of several that are the same.
func once[R interface {
	comparable
	history.Record
}](list []R, now time.Time, normal func(*R)) []R {
	// By hash: a map of a million whole records would take more memory than they do.
	seed := maphash.MakeSeed()
	seen := make(map[uint64]int32, len(list))
	out := make([]R, 0, len(list))
	for _, r := range list {
		normal(&r)
		if r.Known().After(now) {
			continue
		}
		h := maphash.Comparable(seed, r)
		if first, ok := seen[h]; !ok {
			seen[h] = int32(len(out))
		} else if slices.Contains(out[first:], r) {
			continue
		}
		out = append(out, r)
	}
	return out
}

// grown returns the records known at a moment, sorted, those that are one and the same merged.
func grown[R history.Record](list []R, now time.Time, compare func(a, b *R) int, grow func(into, from *R)) []R {
	out := known(list, now)
	strict, sorted := true, true
	for i := 1; i < len(out) && sorted; i++ {
		c := compare(&out[i-1], &out[i])
		strict, sorted = strict && c < 0, c <= 0
	}
	if sorted && strict {
		return out
	}
	out = slices.Clone(out)
	if !sorted {
		slices.SortFunc(out, func(a, b R) int { return compare(&a, &b) })
	}
	n := 0
	for i := range out {
		if i > 0 && compare(&out[n-1], &out[i]) == 0 {
			grow(&out[n-1], &out[i])
			continue
		}
		out[n] = out[i]
		n++
	}
	return out[:n:n]
}

// known returns the records known at a moment: the list itself where it holds nothing newer.
func known[R history.Record](list []R, now time.Time) []R {
	newer := func(r R) bool { return r.Known().After(now) }
	if !slices.ContainsFunc(list, newer) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), newer)
}

// compareSightings orders sightings by what makes two of them one, by source first.
func compareSightings(a, b *history.Sighting) int {
	if c := a.Source.Compare(b.Source); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(string(a.Proof), string(b.Proof)),
		strings.Compare(a.Reporter, b.Reporter), a.First.Compare(b.First))
}

func growSighting(into, from *history.Sighting) {
	into.Count, into.Last = max(into.Count, from.Count), lateOf(into.Last, from.Last)
}

// compareTraffic orders traffic by what makes two records of it one, by source first.
func compareTraffic(a, b *history.Traffic) int {
	if c := a.Source.Compare(b.Source); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.Service, b.Service), a.First.Compare(b.First))
}

func growTraffic(into, from *history.Traffic) {
	into.Count, into.Last = max(into.Count, from.Count), lateOf(into.Last, from.Last)
}

func lateOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
