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
	values []string
	set    func(p *decide.Policy, i int)
}

// pick sets one of some values.
func pick[T any](at func(*decide.Policy) *T, values ...T) func(*decide.Policy, int) {
	return func(p *decide.Policy, i int) { *at(p) = values[i] }
}

// ladderFrom is the ladder of a policy with all steps below the first lengthened to it.
func ladderFrom(days ...int) func(*decide.Policy, int) {
	return func(p *decide.Policy, i int) {
		first := decide.Duration(time.Duration(days[i]) * decide.Day)
		p.Length.Ladder = slices.Clone(p.Length.Ladder)
		p.Length.Ladder[0] = first
		for k := 1; k < len(p.Length.Ladder); k++ {
			p.Length.Ladder[k] = max(p.Length.Ladder[k], first)
		}
	}
}

// knobs are the keys that the result hangs on most.
var knobs = []knob{
	{"offender.events", []string{"3", "5", "10"}, pick(func(p *decide.Policy) *int64 { return &p.Offender.Events }, 3, 5, 10)},
	{"hostile.days", []string{"1", "2", "3"}, pick(func(p *decide.Policy) *int { return &p.Hostile.Days }, 1, 2, 3)},
	{"danger.immediate", []string{"30", "100", "300"}, pick(func(p *decide.Policy) *float64 { return &p.Danger.Immediate }, 30, 100, 300)},
	{"length.ladder, first step", []string{"1d", "7d", "14d", "30d"}, ladderFrom(1, 7, 14, 30)},
	{"range.neighbours", []string{"0", "0.1", "0.3"}, pick(func(p *decide.Policy) *float64 { return &p.Range.Neighbours }, 0, 0.1, 0.3)},
	{"range.prior", []string{"0.0005", "0.002", "0.01"}, pick(func(p *decide.Policy) *float64 { return &p.Range.Prior }, 0.0005, 0.002, 0.01)},
}

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
