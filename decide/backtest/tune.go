package backtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"lastresort/decide"
	"lastresort/decide/history"
)

// Point is a policy with some keys changed, and what the nights of a period come to with it.
type Point struct {
	Keys    []string `json:"keys"` // such as hostile.days = 3; none for the policy as it is
	Stopped int64    `json:"stopped"`
	Lost    int64    `json:"honest_lost"`
	Ranges  float64  `json:"ranges_mean"`
	Front   bool     `json:"front"`          // no other point stops as much, loses as little and takes as few ranges
	Weeks   int      `json:"weeks_on_front"` // of the period's, taken each by itself
	Of      int      `json:"weeks"`
	weekly  []Sum
}

// knob is a policy key and the values to try.
type knob struct {
	key    string
	values []string // as a policy has them
	set    func(p *decide.Policy, i int)
}

// knobOf is one of a key that stands by itself.
func knobOf[T any](key string, at func(*decide.Policy) *T, values ...T) knob {
	k := knob{key: key, set: func(p *decide.Policy, i int) { *at(p) = values[i] }}
	for _, v := range values {
		k.values = append(k.values, fmt.Sprint(v))
	}
	return k
}

// firstStep is that of a policy's ladder. Its other steps are lengthened to it.
func firstStep(first ...decide.Duration) knob {
	k := knob{key: "length.ladder, first step", set: func(p *decide.Policy, i int) {
		p.Length.Ladder = slices.Clone(p.Length.Ladder)
		p.Length.Ladder[0] = first[i]
		for n := range p.Length.Ladder {
			p.Length.Ladder[n] = max(p.Length.Ladder[n], first[i])
		}
	}}
	for _, d := range first {
		k.values = append(k.values, d.String())
	}
	return k
}

// knobs are the keys that the result hangs on most.
var knobs = []knob{
	knobOf("offender.events", func(p *decide.Policy) *int64 { return &p.Offender.Events }, 3, 5, 10),
	knobOf("hostile.days", func(p *decide.Policy) *int { return &p.Hostile.Days }, 1, 2, 3),
	knobOf("danger.immediate", func(p *decide.Policy) *float64 { return &p.Danger.Immediate }, 30, 100, 300),
	firstStep(days(1), days(7), days(14), days(30)),
	knobOf("range.neighbours", func(p *decide.Policy) *float64 { return &p.Range.Neighbours }, 0, 0.1, 0.3),
	knobOf("range.prior", func(p *decide.Policy) *float64 { return &p.Range.Prior }, 0.0005, 0.002, 0.01),
}

func days(n int) decide.Duration { return decide.Duration(time.Duration(n) * decide.Day) }

// Tune replays a period with a policy as it is, with each of some keys changed alone, and with the two changes together that
// stopped most by themselves. It proposes; nothing is written.
func Tune(ctx context.Context, h *history.History, events []Event, p *decide.Policy, o Options) ([]Point, error) {
	events = sortedEvents(events)
	nights := o.nights()
	tried := 0
	progress := o.Progress
	o.Progress = nil
	try := func(keys []string, change func(*decide.Policy)) (Point, error) {
		changed := *p
		change(&changed)
		s, weekly, err := replay(ctx, newOurs(h, &changed), events, nights, o)
		if tried++; progress != nil {
			progress(tried)
		}
		return Point{Keys: keys, Stopped: s.Stopped.TwoWay, Lost: s.Stopped.Honest, Ranges: s.Mean, Of: len(weekly), weekly: weekly}, err
	}
	base, err := try([]string{}, func(*decide.Policy) {})
	if err != nil {
		return nil, err
	}
	out := []Point{base}
	best := map[int]int{} // by knob, the value that stopped most
	gain := map[int]int64{}
	for k, knob := range knobs {
		for i, value := range knob.values {
			x, err := try([]string{knob.key + " = " + value}, func(p *decide.Policy) { knob.set(p, i) })
			if err != nil {
				return nil, err
			}
			if x.same(&base) { // it is the policy's own value, or makes no difference
				continue
			}
			out = append(out, x)
			if d := x.Stopped - base.Stopped; d > gain[k] {
				best[k], gain[k] = i, d
			}
		}
	}
	var order []int
	for k := range best {
		order = append(order, k)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(gain[b], gain[a]), cmp.Compare(a, b)) })
	if len(order) >= 2 {
		var keys []string
		for _, k := range order[:2] {
			keys = append(keys, knobs[k].key+" = "+knobs[k].values[best[k]])
		}
		x, err := try(keys, func(p *decide.Policy) {
			for _, k := range order[:2] {
				knobs[k].set(p, best[k])
			}
		})
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	fronts(out)
	return out, nil
}

// same tells whether two points come to the same.
func (x *Point) same(o *Point) bool {
	return x.Stopped == o.Stopped && x.Lost == o.Lost && x.Ranges == o.Ranges && slices.Equal(x.weekly, o.weekly)
}

// fronts marks the points that no other is better than: in the whole period, and in how many of its weeks.
func fronts(points []Point) {
	for i := range points {
		x := &points[i]
		x.Front = !slices.ContainsFunc(points, func(y Point) bool { return dominates(y.Stopped, y.Lost, y.Ranges, x.Stopped, x.Lost, x.Ranges) })
		for w := range x.weekly {
			a := x.weekly[w]
			if !slices.ContainsFunc(points, func(y Point) bool {
				b := y.weekly[w]
				return dominates(b.TwoWay, b.Honest, y.Ranges, a.TwoWay, a.Honest, x.Ranges)
			}) {
				x.Weeks++
			}
		}
	}
}

// dominates tells whether one point is no worse than another in all three, and better in one.
func dominates(stopped, lost int64, ranges float64, thanStopped, thanLost int64, thanRanges float64) bool {
	return stopped >= thanStopped && lost <= thanLost && ranges <= thanRanges && (stopped > thanStopped || lost < thanLost || ranges < thanRanges)
}

// Text prints the keys of a point.
func (x *Point) Text() string {
	if len(x.Keys) == 0 {
		return "as it is"
	}
	out := x.Keys[0]
	for _, k := range x.Keys[1:] {
		out = fmt.Sprintf("%s, %s", out, k)
	}
	return out
}
