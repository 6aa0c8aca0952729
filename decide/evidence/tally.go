package evidence

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lastresort/decide/history"
)

// Tally adds events up: one row for each source, kind or service, proof and UTC day. Its memory grows with these, not with
// the lines read.
type Tally struct {
	Reporter string // of the sightings
	rows     map[rowKey]*row
	whats    []what // by their numbers in the keys
	last     int32  // the number asked for last
	near     [nearRows]*row
}

// nearRows is how many rows are found without the map: most lines are about one that was there lately.
const nearRows = 1 << nearBits
const nearBits = 13

// near returns where a key's row may stand.
func (k *rowKey) near() int {
	var number uint64
	if k.source.Is4() {
		a := k.source.As4()
		number = uint64(binary.BigEndian.Uint32(a[:]))
	} else {
		a := k.source.As16()
		number = binary.BigEndian.Uint64(a[:8]) ^ binary.BigEndian.Uint64(a[8:])
	}
	return int((number*0x9e3779b97f4a7c15 + uint64(k.what)*0xc2b2ae3d27d4eb4f) >> (64 - nearBits))
}

// what is what a row counts.
type what struct {
	kind, service string
	proof         history.Proof
}

// rowKey is small, for every line that counts looks for one.
type rowKey struct {
	source netip.Addr
	what   int32
	day    int32
}

// number returns the number of what a row counts. There are few: the readers' kinds and services.
func (t *Tally) number(w what) int32 {
	if int(t.last) < len(t.whats) && t.whats[t.last] == w {
		return t.last
	}
	for i := range t.whats {
		if t.whats[i] == w {
			t.last = int32(i)
			return t.last
		}
	}
	t.whats = append(t.whats, w)
	t.last = int32(len(t.whats) - 1)
	return t.last
}

// row is small too, so that a line touches little memory: its times are those since the day's beginning.
type row struct {
	key         rowKey
	first, last time.Duration
	count       int64
}

// at returns a time of the row's day.
func (r *row) at(since time.Duration) time.Time {
	return time.Unix(int64(r.key.day)*86400, int64(since)).UTC()
}

// NewTally returns a tally of what reporter sees.
func NewTally(reporter string) *Tally { return &Tally{Reporter: reporter, rows: map[rowKey]*row{}} }

func (t *Tally) add(e *Event) {
	at := e.At.Unix()
	day := at / 86400
	if at < day*86400 {
		day-- // before 1970, rounded down
	}
	k := rowKey{e.Source, t.number(what{e.Kind, e.Service, e.Proof}), int32(day)}
	since := time.Duration(at-day*86400)*time.Second + time.Duration(e.At.Nanosecond())
	near := &t.near[k.near()]
	r := *near
	if r == nil || r.key != k {
		if r = t.rows[k]; r == nil {
			r = &row{key: k, first: since, last: since}
			t.rows[k] = r
		}
		*near = r
	}
	r.count += e.Count
	r.first, r.last = min(r.first, since), max(r.last, since)
}

// take adds another's rows. The other is of no use afterwards.
func (t *Tally) take(other *Tally) {
	if len(t.rows) == 0 {
		t.rows, t.whats = other.rows, other.whats
		return
	}
	for k, r := range other.rows {
		k.what = t.number(other.whats[k.what])
		r.key = k
		have, ok := t.rows[k]
		if !ok {
			t.rows[k] = r
			continue
		}
		have.count += r.count
		have.first, have.last = min(have.first, r.first), max(have.last, r.last)
	}
}

// Records returns the sightings and the traffic, sorted by source, kind or service, proof and day.
func (t *Tally) Records() ([]history.Sighting, []history.Traffic) {
	keys := make([]rowKey, 0, len(t.rows))
	for k := range t.rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, t.compare)
	var sightings []history.Sighting
	var traffic []history.Traffic
	for _, k := range keys {
		r, w, source := t.rows[k], t.whats[k.what], k.source
		if w.kind != "" {
			sightings = append(sightings, history.Sighting{Source: source, First: r.at(r.first), Last: r.at(r.last), Kind: w.kind,
				Count: r.count, Proof: w.proof, Reporter: t.Reporter})
			continue
		}
		traffic = append(traffic, history.Traffic{Source: source, First: r.at(r.first), Last: r.at(r.last), Service: w.service, Count: r.count})
	}
	return sightings, traffic
}

func (t *Tally) compare(a, b rowKey) int {
	if c := a.source.Compare(b.source); c != 0 {
		return c
	}
	x, y := t.whats[a.what], t.whats[b.what]
	return cmp.Or(strings.Compare(x.kind, y.kind), strings.Compare(x.service, y.service), strings.Compare(string(x.proof), string(y.proof)),
		cmp.Compare(a.day, b.day))
}
