package backtest

import "time"

// mostStretches bounds how finely the course of a replay is told.
const mostStretches = 500

// Stretch is one night of a replay and the time after it until the next or, where there are more than 500, several.
type Stretch struct {
	From   time.Time `json:"from"`
	Nights int       `json:"nights"`
	Seen   Sum       `json:"seen"`
}

// Course is what one way of blocking came to in a stretch.
type Course struct {
	Stopped Sum `json:"stopped"`
	Ranges  int `json:"ranges"`  // in force, at most
	Changes int `json:"changes"` // ranges that came or went
}

// nightsEach returns how many nights a stretch holds.
func (o Options) nightsEach() int {
	nights := int((o.To.Sub(o.From) + o.Every - 1) / o.Every)
	return max(1, (nights+mostStretches-1)/mostStretches)
}

// stretchOf returns in which stretch a moment of the replay lies.
func (o Options) stretchOf(t time.Time) int {
	return int(t.Sub(o.From) / (o.Every * time.Duration(o.nightsEach())))
}

// stretches returns the stretches of a replay, with nothing seen in them yet.
func (o Options) stretches() []Stretch {
	out := []Stretch{}
	each := o.nightsEach()
	for i, at := range o.nights() {
		if i%each == 0 {
			out = append(out, Stretch{From: at})
		}
		out[len(out)-1].Nights++
	}
	return out
}

// courses counts what a way of blocking does, stretch by stretch.
type courses struct {
	o    Options
	list []Course
}

func newCourses(o Options) courses { return courses{o, make([]Course, len(o.stretches()))} }

// at returns the stretch that a moment of the replay lies in.
func (c *courses) at(t time.Time) *Course { return &c.list[c.o.stretchOf(t)] }
