package decide

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"sort"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// Packed is what stands, disjoint and by address, in a tenth of the memory that a list takes: all blocks are put back at
// boot, when there may be a million and every program wants its share. Case, By and Reason are left in the store.
type Packed struct {
	families [2]family // IPv4, then IPv6
	runs     []run
}

// run is what blocks that were recorded one after the other share, those of a night above all: from when and until when they
// stand, in nanoseconds since 1970.
type run struct {
	record      int64 // the first's
	from, until int64
}

// forGood stands for no end; no record's is before 1970.
const forGood = -1

// Len returns how many ranges stand.
func (p *Packed) Len() int { return p.families[0].Len() + p.families[1].Len() }

// At returns a range without its Case, By and Reason, which are those of its record.
func (p *Packed) At(i int) Standing { return p.standing(p.at(i)) }

// Range returns the range alone.
func (p *Packed) Range(i int) netblock.Range {
	r, _ := p.at(i)
	return r
}

func (p *Packed) at(i int) (r netblock.Range, record int64) {
	if n := p.families[0].Len(); i >= n {
		return p.families[1].at(i - n)
	}
	return p.families[0].at(i)
}

func (p *Packed) standing(r netblock.Range, record int64) Standing {
	of := p.runs[sort.Search(len(p.runs), func(i int) bool { return p.runs[i].record > record })-1]
	s := Standing{Range: r, From: time.Unix(0, of.from).UTC(), Record: record}
	if of.until != forGood {
		s.Until = time.Unix(0, of.until).UTC()
	}
	return s
}

// Of returns what stands of exactly a range, and false where nothing does.
func (p *Packed) Of(r netblock.Range) (Standing, bool) {
	i := sort.Search(p.Len(), func(i int) bool { return p.Range(i).Compare(r) >= 0 })
	if i == p.Len() || p.Range(i) != r {
		return Standing{}, false
	}
	return p.At(i), true
}

// family are ranges of one family, each in as many bytes: its first and last address, and the number of its record.
type family struct {
	width int // of an address, in bytes
	data  []byte
}

func (f *family) size() int { return 2*f.width + 8 }

// Len implements sort.Interface.
func (f *family) Len() int { return len(f.data) / f.size() }

func (f *family) row(i int) []byte { return f.data[i*f.size() : (i+1)*f.size()] }

// Less implements sort.Interface: by range, what is the same in the order in which it was recorded.
func (f *family) Less(i, j int) bool { return bytes.Compare(f.row(i), f.row(j)) < 0 }

// Swap implements sort.Interface.
func (f *family) Swap(i, j int) {
	const largest = 2*16 + 8
	var kept [largest]byte
	a, b := f.row(i), f.row(j)
	n := copy(kept[:], a)
	copy(a, b)
	copy(b, kept[:n])
}

func (f *family) at(i int) (r netblock.Range, record int64) {
	b := f.row(i)
	first, _ := netip.AddrFromSlice(b[:f.width])
	last, _ := netip.AddrFromSlice(b[f.width : 2*f.width])
	r, _ = netblock.Between(first, last) // as it was
	return r, int64(binary.BigEndian.Uint64(b[2*f.width:]))
}

// add appends a row, and finds room for it and for as many as the rest of so many records has if these go on as those before.
func (f *family) add(r netblock.Range, record int64, after, of int) {
	f.width = r.First().BitLen() / 8
	if n := len(f.data); cap(f.data)-n < f.size() {
		f.data = slices.Grow(f.data, max(64*f.size(), n/4, n*(of-after)/max(1, after)))
	}
	f.data = appendAddr(appendAddr(f.data, r.First()), r.Last())
	f.data = binary.BigEndian.AppendUint64(f.data, uint64(record))
}

func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		raw := a.As4()
		return append(b, raw[:]...)
	}
	raw := a.As16()
	return append(b, raw[:]...)
}

// Gathering is InForce for blocks that come one by one, and of which no more is kept than Packed is.
type Gathering struct {
	Now time.Time
	all Packed
}

// Add takes a block and the number of its record, which comes after so many of all records. One that comes twice makes no
// difference to what stands.
func (g *Gathering) Add(b *history.Block, record int64, after, of int) {
	if !standsAt(b, g.Now) {
		return
	}
	x := run{record, b.From.UnixNano(), forGood}
	if !b.Until.IsZero() {
		x.until = b.Until.UnixNano()
	}
	if n := len(g.all.runs); n == 0 || g.all.runs[n-1].from != x.from || g.all.runs[n-1].until != x.until {
		g.all.runs = append(history.WithRoom(g.all.runs, after, of), x)
	}
	f := &g.all.families[0]
	if !b.Range.Is4() {
		f = &g.all.families[1]
	}
	f.add(b.Range, record, after, of)
}

// InForce returns what of the blocks is in force by the other records of a history. The gathering is done then.
func (g *Gathering) InForce(h *history.History, p *Policy) Packed {
	known := upTo(&history.History{Releases: h.Releases, Holds: h.Holds, Protects: h.Protects}, g.Now)
	s := settling{packed: &g.all, limits: newLimits(p, known, g.Now), releases: newReleaseIndex(known.Releases), shape: p.Range.Shape}
	for i := range g.all.families {
		s.settle(&g.all.families[i])
	}
	return g.all
}

// settling is what decides what is left of gathered blocks.
type settling struct {
	packed   *Packed
	limits   limits
	releases releaseIndex
	shape    netblock.Shape
}

// settle leaves of a family what is in force. Nearly always that is all of it, and stays where it is; from the first group of
// ranges that lie over each other, or are cut, it is written anew.
func (s *settling) settle(f *family) {
	if !sort.IsSorted(f) {
		sort.Sort(f)
	}
	n := f.Len()
	anew, changed := family{}, false
	var group []Standing
	for i := 0; i < n; i += len(group) {
		group = s.group(group[:0], f, i)
		if len(group) > 1 || !s.whole(&group[0]) {
			if !changed {
				anew, changed = family{f.width, append(make([]byte, 0, len(f.data)), f.data[:i*f.size()]...)}, true
			}
			// What releases leave of two may be the same: then the one counts that was recorded first.
			slices.SortFunc(group, func(a, b Standing) int { return cmp.Compare(a.Record, b.Record) })
			for _, x := range apart(released(group, s.releases), &s.limits, s.shape) {
				anew.add(x.Range, x.Record, i, n)
			}
		} else if changed {
			anew.add(group[0].Range, group[0].Record, i, n)
		}
	}
	if changed {
		*f = anew
	}
}

// group appends to out, from a place on, the ranges that lie over each other.
func (s *settling) group(out []Standing, f *family, from int) []Standing {
	var last netip.Addr
	for i := from; i < f.Len(); i++ {
		r, record := f.at(i)
		if i > from && last.Less(r.First()) {
			break
		}
		if i == from || last.Less(r.Last()) {
			last = r.Last()
		}
		out = append(out, s.packed.standing(r, record))
	}
	return out
}

// whole tells whether all of a range is in force, if nothing lies over it.
func (s *settling) whole(x *Standing) bool {
	return len(s.releases.on(&history.Block{Range: x.Range, From: x.From, Until: x.Until})) == 0 &&
		!s.limits.both.Overlaps(wholeUnits(x.Range)) && allows(s.shape, x.Range)
}
