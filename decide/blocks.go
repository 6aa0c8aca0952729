package decide

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// piece is a part of a block record with one fate.
type piece struct {
	where netblock.Range
	block *history.Block // of which it is a part
	from  time.Time
	until time.Time // as it was meant; zero for good
	end   time.Time // when it ended; zero while it stands
	by    string    // who released it; empty where it reached its until
}

func (p piece) permanent() bool { return p.until.IsZero() }
func (p piece) stands() bool    { return p.end.IsZero() }

// ranOut tells whether a piece ended in a way that leaves a relapse and a step on the ladder.
func (p piece) ranOut() bool { return !p.stands() && (p.by == "" || p.by == history.ByFixed) }

// pieces cuts every block record by the releases that came since it began. A release by expiry ends nothing before the
// block's until, so it changes nothing.
func pieces(h *history.History, now time.Time) []piece {
	releases := newReleaseIndex(h.Releases)
	out := make([]piece, 0, len(h.Blocks))
	for i := range h.Blocks {
		b := &h.Blocks[i]
		whole := piece{where: b.Range, block: b, from: b.From, until: b.Until}
		if !b.Until.IsZero() && !b.Until.After(now) {
			whole.end = b.Until
		}
		ended := releases.on(b)
		if len(ended) == 0 {
			out = append(out, whole)
			continue
		}
		left := netblock.SetOf(b.Range)
		for _, r := range ended {
			cut := left.Intersect(netblock.SetOf(r.Range))
			for _, x := range cut.Ranges() {
				out = append(out, piece{x, b, b.From, b.Until, r.At, r.By})
			}
			left = left.Minus(cut)
		}
		for _, x := range left.Ranges() {
			whole.where = x
			out = append(out, whole)
		}
	}
	return out
}

// releaseIndex finds the releases that touch a range without going through all of them.
type releaseIndex struct {
	sorted  []history.Release // by first address
	highest []netip.Addr      // highest[i] is the highest last address of sorted[:i+1]
}

func newReleaseIndex(all []history.Release) releaseIndex {
	var x releaseIndex
	for _, r := range all {
		if r.By != history.ByExpiry {
			x.sorted = append(x.sorted, r)
		}
	}
	slices.SortStableFunc(x.sorted, func(a, b history.Release) int { return a.Range.Compare(b.Range) })
	for i, r := range x.sorted {
		top := r.Range.Last()
		if i > 0 && top.Less(x.highest[i-1]) {
			top = x.highest[i-1]
		}
		x.highest = append(x.highest, top)
	}
	return x
}

// on returns the releases that end something of b, in the order of their moments.
func (x releaseIndex) on(b *history.Block) []history.Release {
	if len(x.sorted) == 0 {
		return nil
	}
	end, _ := slices.BinarySearchFunc(x.sorted, b.Range.Last(), func(r history.Release, last netip.Addr) int {
		if last.Less(r.Range.First()) {
			return 1
		}
		return -1
	})
	var out []history.Release
	for i := end - 1; i >= 0 && !x.highest[i].Less(b.Range.First()); i-- {
		r := x.sorted[i]
		if r.Range.Overlaps(b.Range) && !r.At.Before(b.From) && (b.Until.IsZero() || r.At.Before(b.Until)) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b history.Release) int { return a.At.Compare(b.At) })
	return out
}

// episode is blocks of a case that overlap in time, which count as one.
type episode struct {
	from   time.Time
	end    time.Time // zero while it stands
	until  time.Time // as it was meant; zero for good
	ranges []netblock.Range
}

func (e episode) stands() bool { return e.end.IsZero() }

// episodes joins pieces that overlap in time, earliest first. What a person released leaves no trace here.
func episodes(all []piece) []episode {
	var counted []piece
	for _, p := range all {
		if (p.stands() || p.ranOut()) && !p.from.Equal(p.end) {
			counted = append(counted, p)
		}
	}
	slices.SortStableFunc(counted, func(a, b piece) int { return cmp.Or(a.from.Compare(b.from), a.where.Compare(b.where)) })
	var out []episode
	for _, p := range counted {
		if n := len(out) - 1; n >= 0 && (out[n].stands() || p.from.Before(out[n].end)) {
			out[n].end, out[n].until = later(out[n].end, p.end), later(out[n].until, p.until)
			out[n].ranges = append(out[n].ranges, p.where)
			continue
		}
		out = append(out, episode{p.from, p.end, p.until, []netblock.Range{p.where}})
	}
	return out
}

// later returns the later of two moments, where zero is for good.
func later(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	if a.Before(b) {
		return b
	}
	return a
}
