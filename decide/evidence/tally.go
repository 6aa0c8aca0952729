package evidence

import (
	"cmp"
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
}

type rowKey struct {
	source        netip.Addr
	kind, service string
	proof         history.Proof
	day           int64
}

type row struct {
	first, last time.Time
	count       int64
}

// NewTally returns a tally of what reporter sees.
func NewTally(reporter string) *Tally { return &Tally{reporter, map[rowKey]*row{}} }

func (t *Tally) add(e Event) {
	at := e.At.Unix()
	day := at / 86400
	if at < 0 {
		day-- // before 1970, rounded down
	}
	k := rowKey{e.Source, e.Kind, e.Service, e.Proof, day}
	r, ok := t.rows[k]
	if !ok {
		t.rows[k] = &row{e.At, e.At, e.Count}
		return
	}
	r.count += e.Count
	if e.At.Before(r.first) {
		r.first = e.At
	}
	if r.last.Before(e.At) {
		r.last = e.At
	}
}

// take adds another's rows. The other is of no use afterwards.
func (t *Tally) take(other *Tally) {
	if len(t.rows) == 0 {
		t.rows = other.rows
		return
	}
	for k, r := range other.rows {
		have, ok := t.rows[k]
		if !ok {
			t.rows[k] = r
			continue
		}
		have.count += r.count
		if r.first.Before(have.first) {
			have.first = r.first
		}
		have.last = latest(have.last, r.last)
	}
}

// Records returns the sightings and the traffic, sorted by source, kind or service, proof and day.
func (t *Tally) Records() ([]history.Sighting, []history.Traffic) {
	keys := make([]rowKey, 0, len(t.rows))
	for k := range t.rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compareKeys)
	var sightings []history.Sighting
	var traffic []history.Traffic
	for _, k := range keys {
		r := t.rows[k]
		if k.kind != "" {
			sightings = append(sightings, history.Sighting{Source: k.source, First: r.first.UTC(), Last: r.last.UTC(), Kind: k.kind,
				Count: r.count, Proof: k.proof, Reporter: t.Reporter})
			continue
		}
		traffic = append(traffic, history.Traffic{Source: k.source, First: r.first.UTC(), Last: r.last.UTC(), Service: k.service, Count: r.count})
	}
	return sightings, traffic
}

func compareKeys(a, b rowKey) int {
	if c := a.source.Compare(b.source); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.service, b.service), strings.Compare(string(a.proof), string(b.proof)),
		cmp.Compare(a.day, b.day))
}
