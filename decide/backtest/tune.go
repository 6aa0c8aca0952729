package backtest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

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
	Held    int      `json:"nights_held_back"` // by a guard
	weekly  []weekSum
	changes []change
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

// change is a knob and the value that it is set to.
type change struct{ knob, value int }

func (c change) text() string { return knobs[c.knob].key + " = " + knobs[c.knob].values[c.value] }

// Tune replays a period with a policy as it is, with each of some keys changed alone, and with those changes two at a time
// that no other single one beats. It proposes; nothing is written. Points that come to the same as the policy are left out.
func Tune(ctx context.Context, h *history.History, events []Event, p *decide.Policy, o Options, exact bool) ([]Point, error) {
	list := newTimeline(events, o)
	tell := counted(o.Progress)
	try := func(tries [][]change) ([]Point, error) {
		points := make([]Point, len(tries))
		var g errgroup.Group
		g.SetLimit(runtime.GOMAXPROCS(0))
		for i, changes := range tries {
			g.Go(func() (err error) {
				points[i], err = point(ctx, h, list, p, o.Accepted, changes, exact)
				tell()
				return err
			})
		}
		return points, g.Wait()
	}
	tries := [][]change{nil}
	for k, knob := range knobs {
		for i := range knob.values {
			tries = append(tries, []change{{k, i}})
		}
	}
	points, err := try(tries)
	if err != nil {
		return nil, err
	}
	base := points[0]
	out := []Point{base}
	for _, x := range points[1:] {
		if !x.same(&base) { // it is the policy's own value, or makes no difference
			out = append(out, x)
		}
	}
	fronts(out)
	pairs, err := try(pairsOf(out))
	if err != nil {
		return nil, err
	}
	single := slices.Clone(out)
	for _, x := range pairs {
		if !slices.ContainsFunc(single, func(y Point) bool { return x.same(&y) }) { // else one of the two does nothing
			out = append(out, x)
		}
	}
	fronts(out)
	return out, nil
}

// mostPairs bounds how many pairs of changes are tried.
const mostPairs = 40

// pairsOf returns the changes on the front two at a time, of two keys.
func pairsOf(points []Point) [][]change {
	var out [][]change
	for i, x := range points {
		for _, y := range points[i+1:] {
			if x.Front && y.Front && len(x.changes) == 1 && len(y.changes) == 1 && x.changes[0].knob != y.changes[0].knob && len(out) < mostPairs {
				out = append(out, []change{x.changes[0], y.changes[0]})
			}
		}
	}
	return out
}

// point replays a period with a changed policy.
func point(ctx context.Context, h *history.History, list *timeline, p *decide.Policy, accepted []string, changes []change, exact bool) (Point, error) {
	changed := *p
	keys := []string{}
	for _, c := range changes {
		knobs[c.knob].set(&changed, c.value)
		keys = append(keys, c.text())
	}
	s, err := replay(ctx, way{Ours, newOurs(h, &changed, accepted, exact), nil}, list, nil)
	if err != nil {
		return Point{}, err
	}
	weekly := make([]weekSum, (list.to.Sub(list.from)+week-1)/week)
	for i, n := range s.Series {
		w := &weekly[list.nights[i].Sub(list.from)/week]
		w.stopped, w.lost, w.ranges, w.nights = w.stopped+n.Stopped.TwoWay, w.lost+n.Stopped.Honest, w.ranges+n.Ranges, w.nights+1
	}
	weekly = slices.DeleteFunc(weekly, func(w weekSum) bool { return w.nights == 0 }) // nights further apart than a week
	return Point{Keys: keys, Stopped: s.Stopped.TwoWay, Lost: s.Stopped.Honest, Ranges: s.Mean, Of: len(weekly), Held: s.HeldBack, weekly: weekly, changes: changes}, nil
}

const week = 7 * decide.Day

// weekSum is what the nights of a week came to.
type weekSum struct {
	stopped, lost  int64
	ranges, nights int
}

func (w weekSum) mean() float64 { return float64(w.ranges) / float64(w.nights) }

// same tells whether two points come to the same.
func (x *Point) same(o *Point) bool {
	return x.Stopped == o.Stopped && x.Lost == o.Lost && x.Ranges == o.Ranges && slices.Equal(x.weekly, o.weekly)
}

// fronts marks the points that no other is better than: in the whole period, and in how many of its weeks.
func fronts(points []Point) {
	for i := range points {
		x := &points[i]
		x.Weeks = 0
		x.Front = !slices.ContainsFunc(points, func(y Point) bool { return dominates(y.Stopped, y.Lost, y.Ranges, x.Stopped, x.Lost, x.Ranges) })
		for w := range x.weekly {
			a := x.weekly[w]
			if !slices.ContainsFunc(points, func(y Point) bool {
				b := y.weekly[w]
				return dominates(b.stopped, b.lost, b.mean(), a.stopped, a.lost, a.mean())
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
