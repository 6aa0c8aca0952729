package decide

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lastresort/decide/history"
)

// decay is weights of days by their age: an event half_life old weighs half.
type decay struct {
	weight []float64 // by age
	sum    float64
}

func newDecay(days int, halfLife Duration) decay {
	d := decay{weight: make([]float64, days)}
	for age := range d.weight {
		d.weight[age] = math.Exp2(-float64(age) * float64(Day) / float64(halfLife))
		d.sum += d.weight[age]
	}
	return d
}

// offender is a source of a case that we have seen attack, and what the records say of it.
type offender struct {
	addr    netip.Addr
	seen    []*history.Sighting // two-way, by us, in window, earliest first
	all     []history.Sighting  // whatever the history holds of it
	danger  float64             // per day
	days    []dayWeight         // events × severity by day, in no order
	loss    float64             // honest value per day that counts as lost
	honest  bool                // it has honest traffic on an account of its own
	ownLoss []lostPart
	guessed time.Time // when the last guess of a login succeeded; zero if none did
}

// dayWeight is what an offender did on a day.
type dayWeight struct {
	day    int
	weight float64
}

// on returns what an offender did on a day.
func (o *offender) on(day int) float64 {
	for _, d := range o.days {
		if d.day == day {
			return d.weight
		}
	}
	return 0
}

// lostPart is one part of a loss: what a source's honest traffic on a service is worth a day.
type lostPart struct {
	service string
	value   float64
}

func (n *night) newOffender(src *source) *offender {
	o := &offender{addr: src.addr, all: src.sightings}
	o.seen = src.proven(n.today, n.policy.Offender.Window.Days())
	for _, x := range o.seen {
		day, weighed := dayOf(x.Last), float64(x.Count)*n.policy.severity(x.Kind)
		if i := slices.IndexFunc(o.days, func(d dayWeight) bool { return d.day == day }); i >= 0 {
			o.days[i].weight += weighed
		} else {
			o.days = append(o.days, dayWeight{day, weighed})
		}
		o.danger += weighed * n.danger.weight[max(n.today-day, 0)]
	}
	o.danger /= n.danger.sum
	n.ownTraffic(o, src)
	return o
}

// ownTraffic weighs an offender's own honest traffic, which it can easily fake: once a service and day without an account,
// and not at all on an account that it seems to have guessed.
func (n *night) ownTraffic(o *offender, src *source) {
	var guessed []string
	for _, service := range n.policy.Loss.Account {
		at, ok := src.firstOn(service)
		if ok && src.failedBefore(at, n.policy.Offender.Window.Days()) >= n.policy.Offender.Guessed {
			guessed = append(guessed, service)
			o.guessed = lateOf(o.guessed, at)
		}
	}
	var counted []serviceDay
	for _, d := range src.honest(n.today, n.policy.Loss.Quiet.Days()) {
		switch account := slices.Contains(n.policy.Loss.Account, d.service); {
		case slices.Contains(guessed, d.service):
			continue
		case account:
			o.honest = true
		default:
			d.count = min(d.count, 1)
		}
		counted = append(counted, d)
	}
	o.loss, o.ownLoss = n.worth(counted)
}

// worth returns the value per day of honest traffic, and its parts by service, largest first.
func (n *night) worth(days []serviceDay) (float64, []lostPart) {
	if len(days) == 0 {
		return 0, nil
	}
	total, parts := 0.0, map[string]float64{}
	for _, d := range days {
		v := float64(d.count) * n.policy.value(d.service) * n.loss.weight[max(n.today-d.day, 0)]
		total += v
		parts[d.service] += v
	}
	var out []lostPart
	for service, v := range parts {
		out = append(out, lostPart{service, v / n.loss.sum})
	}
	slices.SortFunc(out, func(a, b lostPart) int {
		return cmp.Or(cmp.Compare(b.value, a.value), strings.Compare(a.service, b.service))
	})
	return total / n.loss.sum, out
}

// seenSince tells whether o was seen after a moment, which includes the moment itself.
func (o *offender) seenSince(t time.Time) bool {
	return slices.ContainsFunc(o.all, func(x history.Sighting) bool { return proves(&x) && !x.First.Before(t) })
}

// seenRecently tells whether o was seen within hostile.recent.
func (n *night) seenRecently(o *offender) bool {
	return slices.ContainsFunc(o.seen, n.recent)
}

// recent tells whether a sighting counts on a day within hostile.recent.
func (n *night) recent(x *history.Sighting) bool {
	return n.today-dayOf(x.Last) < n.policy.Hostile.Recent.Days()
}

// recentlySince returns an offender's sightings after a moment that are within hostile.recent.
func (n *night) recentlySince(o *offender, t time.Time) []*history.Sighting {
	var out []*history.Sighting
	for _, x := range o.seen {
		if !x.First.Before(t) && n.recent(x) {
			out = append(out, x)
		}
	}
	return out
}
