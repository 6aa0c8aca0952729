package decide_test

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"pgregory.net/rapid"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// The small world of the property tests: few enough addresses that everything meets everything.
var (
	worldSources = []string{"203.0.113.1", "203.0.113.2", "203.0.113.6", "203.0.113.7", "203.0.113.9", "203.0.113.70", "203.0.113.200",
		"198.51.100.1", "198.51.100.77", "2001:db8:7:1::5", "2001:db8:7:1::6", "2001:db8:7:2::1", "2001:db8:8::1"}
	worldRanges = []string{"203.0.113.0/24", "203.0.113.0/26", "203.0.113.0/29", "203.0.113.7", "203.0.113.9", "203.0.113.70", "203.0.113.200",
		"198.51.100.0/25", "198.51.100.77", "2001:db8:7:1::/64", "2001:db8:7:2::1", "2001:db8:7:0::/62"}
	worldNetblocks = []string{"203.0.113.0/24", "203.0.113.0/26", "203.0.113.64/28", "198.51.100.0/24", "2001:db8::/32", "2001:db8:7:1::/64", "2001:db8:7:1::/80"}
	worldPolicies  = []string{"", waived, "[range]\nshape = \"range\"\n", waived + "[range]\nshape = \"range\"\nentry_cost = 2.0\n", waived + "[range]\nentry_cost = 2.0\n",
		"[path]\nstale = \"12d\"\n", waived + "[danger]\nimmediate = 30.0\n[hostile]\ndays = 1\n", waived + "[loss]\nquiet = \"20d\"\n"}
)

// world draws a history of the sixty days before the review. Records other than sightings and traffic all have moments of
// their own.
type world struct {
	t       *rapid.T
	h       history.History
	seconds int
}

func drawWorld(t *rapid.T) *history.History {
	w := &world{t: t}
	for range w.number("netblocks", 4) {
		w.netblock()
	}
	for range w.number("sightings", 14) {
		w.h.Sightings = append(w.h.Sightings, w.sighting())
	}
	for range w.number("traffic", 4) {
		w.h.Traffic = append(w.h.Traffic, w.traffic())
	}
	w.letters()
	w.operator()
	for range w.number("blocks", 4) {
		w.block()
	}
	return &w.h
}

func (w *world) number(of string, most int) int { return rapid.IntRange(0, most).Draw(w.t, of) }

func pick[T any](w *world, of string, from []T) T { return rapid.SampledFrom(from).Draw(w.t, of) }

// moment is some hour of the last days, and a second that no other record has.
func (w *world) moment(of string, days int) time.Time {
	w.seconds++
	hours := rapid.IntRange(1, 24*days).Draw(w.t, of)
	return clock(now).Add(-time.Duration(hours) * time.Hour).Add(time.Duration(w.seconds) * time.Second)
}

func (w *world) source() netip.Addr { return netip.MustParseAddr(pick(w, "source", worldSources)) }

func (w *world) rng() netblock.Range { return rng(pick(w, "range", worldRanges)) }

func (w *world) netblock() {
	b := hosting(pick(w, "prefix", worldNetblocks))
	b.Kind = pick(w, "kind", []history.NetblockKind{history.Hosting, history.ISP, history.UnknownNetblock})
	b.Assignment = pick(w, "assignment", []history.Assignment{history.Static, history.Dynamic, history.CGNAT})
	b.Abuse = pick(w, "abuse", []string{"abuse@example.net", "me@gmail.com", ""})
	b.Upstream = pick(w, "upstream", []string{"abuse@carrier.example", "abuse@example.net", ""})
	b.Holder = pick(w, "holder", []string{"Example Hosting", "Buyer"})
	b.At = w.moment("registered", 60)
	w.h.Netblocks = append(w.h.Netblocks, b)
}

func (w *world) sighting() history.Sighting {
	s := history.Sighting{Source: w.source(), Kind: pick(w, "kind", []string{"ssh-login", "ssh-login", "spam", "scan", "break-in"}),
		Count: pick(w, "count", []int64{1, 2, 4, 5, 30, 60, 500}), Proof: pick(w, "proof", []history.Proof{history.TwoWay, history.TwoWay, history.OneWay}),
		Reporter: pick(w, "reporter", []string{"local", "local", "local/mx", "partner"})}
	s.Last = w.moment("last", 40)
	s.First = s.Last.Add(-time.Duration(w.number("lasted", 30)) * time.Hour)
	return s
}

func (w *world) traffic() history.Traffic {
	t := history.Traffic{Source: w.source(), Service: pick(w, "service", []string{"web", "smtp", "imap", "ssh"}), Count: pick(w, "count", []int64{1, 3, 200})}
	t.Last = w.moment("last", 40)
	t.First = t.Last.Add(-time.Duration(w.number("lasted", 8)) * time.Hour)
	return t
}

func (w *world) letters() {
	for i := range w.number("reports", 6) {
		r := history.Report{ID: fmt.Sprintf("R%d", i), At: w.moment("reported", 50), Source: w.source(),
			Role: pick(w, "role", []history.Role{history.Contacted, history.Contacted, history.Upstream, history.Cert, history.LawEnforcement}),
			To:   pick(w, "to", []string{"abuse@example.net", "abuse@carrier.example", "cert@cert.example"})}
		if i > 0 && r.Role == history.Contacted && rapid.Bool().Draw(w.t, "follows") {
			r.Follows = "R0"
		}
		w.h.Reports = append(w.h.Reports, r)
		if rapid.Bool().Draw(w.t, "answered") {
			w.seconds++
			at := r.At.Add(time.Duration(w.number("after", 400))*time.Hour + time.Duration(w.seconds)*time.Second)
			w.h.Responses = append(w.h.Responses, history.Response{Report: r.ID, At: at, Stance: pick(w, "stance", []history.Stance{history.Automatic, history.Asked,
				history.Helping, history.Fixed, history.Unhelpful, history.Hostile, history.Bounced})})
		}
	}
	for range w.number("contacts", 1) {
		w.h.Contacts = append(w.h.Contacts, history.Contact{Address: "abuse@example.net", At: w.moment("judged", 50),
			Trust: pick(w, "trust", []history.Trust{history.Trusted, history.Untrusted, history.UnknownTrust})})
	}
}

func (w *world) operator() {
	for range w.number("answers", 3) {
		q := pick(w, "question", history.Questions)
		w.h.Answers = append(w.h.Answers, history.Answer{Netblock: netip.MustParsePrefix(pick(w, "netblock", worldNetblocks)), Question: q, By: "ops",
			Answer: pick(w, "answer", []string{"yes", "no", "permanent", "temporary"}), At: w.moment("answered", 50)})
	}
	for range w.number("holds", 2) {
		at := w.moment("held", 50)
		w.h.Holds = append(w.h.Holds, history.Hold{Range: w.rng(), At: at, Until: at.Add(time.Duration(w.number("for", 60)) * 24 * time.Hour), By: "ops"})
	}
	for range w.number("protects", 1) {
		w.h.Protects = append(w.h.Protects, history.Protect{Range: w.rng(), At: w.moment("protected", 50), By: "ops"})
	}
}

func (w *world) block() {
	b := history.Block{Range: w.rng(), From: w.moment("from", 60), By: "review", Reason: "exhausted: asked"}
	if days := pick(w, "days", []int{0, 1, 7, 14, 30, 90}); days > 0 {
		b.Until = b.From.Add(time.Duration(days) * 24 * time.Hour)
	}
	w.h.Blocks = append(w.h.Blocks, b)
	if w.number("released", 2) == 0 {
		w.h.Releases = append(w.h.Releases, history.Release{Range: w.rng(), At: w.moment("ended", 50),
			By: pick(w, "by", []string{history.ByExpiry, history.ByFixed, history.ByRejudged, "ops"})})
	}
}

// copied is a history of its own with the same records.
func copied(h *history.History) *history.History {
	return &history.History{Netblocks: slices.Clone(h.Netblocks), Contacts: slices.Clone(h.Contacts), Reports: slices.Clone(h.Reports),
		Responses: slices.Clone(h.Responses), Sightings: slices.Clone(h.Sightings), Traffic: slices.Clone(h.Traffic), Answers: slices.Clone(h.Answers),
		Holds: slices.Clone(h.Holds), Blocks: slices.Clone(h.Blocks), Releases: slices.Clone(h.Releases), Protects: slices.Clone(h.Protects)}
}

// doubled is a history with every record recorded twice.
func doubled(h *history.History) *history.History {
	d := copied(h)
	d.Netblocks, d.Contacts, d.Reports, d.Responses = append(d.Netblocks, h.Netblocks...), append(d.Contacts, h.Contacts...), append(d.Reports, h.Reports...), append(d.Responses, h.Responses...)
	d.Sightings, d.Traffic, d.Answers, d.Holds = append(d.Sightings, h.Sightings...), append(d.Traffic, h.Traffic...), append(d.Answers, h.Answers...), append(d.Holds, h.Holds...)
	d.Blocks, d.Releases, d.Protects = append(d.Blocks, h.Blocks...), append(d.Releases, h.Releases...), append(d.Protects, h.Protects...)
	return d
}

// shuffled is a history with its records in another order.
func shuffled(t *rapid.T, h *history.History) *history.History {
	return &history.History{Netblocks: permuted(t, h.Netblocks), Contacts: permuted(t, h.Contacts), Reports: permuted(t, h.Reports),
		Responses: permuted(t, h.Responses), Sightings: permuted(t, h.Sightings), Traffic: permuted(t, h.Traffic), Answers: permuted(t, h.Answers),
		Holds: permuted(t, h.Holds), Blocks: permuted(t, h.Blocks), Releases: permuted(t, h.Releases), Protects: permuted(t, h.Protects)}
}

func permuted[T any](t *rapid.T, list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return rapid.Permutation(list).Draw(t, "order")
}

// moved is a history with all its moments later.
func moved(h *history.History, by time.Duration) *history.History {
	m := copied(h)
	later := func(moments ...*time.Time) {
		for _, t := range moments {
			if !t.IsZero() {
				*t = t.Add(by)
			}
		}
	}
	each(m.Netblocks, func(r *history.Netblock) { later(&r.At) })
	each(m.Contacts, func(r *history.Contact) { later(&r.At) })
	each(m.Reports, func(r *history.Report) { later(&r.At) })
	each(m.Responses, func(r *history.Response) { later(&r.At) })
	each(m.Sightings, func(r *history.Sighting) { later(&r.First, &r.Last) })
	each(m.Traffic, func(r *history.Traffic) { later(&r.First, &r.Last) })
	each(m.Answers, func(r *history.Answer) { later(&r.At) })
	each(m.Holds, func(r *history.Hold) { later(&r.At, &r.Until) })
	each(m.Blocks, func(r *history.Block) { later(&r.From, &r.Until) })
	each(m.Releases, func(r *history.Release) { later(&r.At) })
	each(m.Protects, func(r *history.Protect) { later(&r.At, &r.Until) })
	return m
}

func each[T any](list []T, f func(*T)) {
	for i := range list {
		f(&list[i])
	}
}
