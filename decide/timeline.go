package decide

import (
	"maps"
	"slices"
	"time"

	"lastresort/netblock"
)

// Episode is blocks of a case that overlap in time, which count as one on the ladder. What a person released leaves none.
type Episode struct {
	From   time.Time        `json:"from"`
	Until  *time.Time       `json:"until"` // as it was meant; nil for good
	End    *time.Time       `json:"end"`   // nil while it stands
	Step   int              `json:"step"`  // the highest rung of length.ladder that isn't longer, from 1; 0 where all are
	Ranges []netblock.Range `json:"ranges"`
}

// SeenDay is what a case's offenders did on a day: two-way events that we saw ourselves.
type SeenDay struct {
	Day    string `json:"day"` // UTC
	Events int64  `json:"events"`
}

// blockedBefore lists the case's blocks on record, the earliest first.
func (j *judge) blockedBefore() []Episode {
	out := []Episode{}
	for _, e := range episodes(j.c.pieces) {
		where := netblock.SetOf(e.ranges...).Ranges()
		out = append(out, Episode{e.from.UTC(), moment(e.until), moment(e.end), j.n.stepOf(e), where})
	}
	return out
}

// seenDays adds up by day what makes the case's offenders such, the earliest first.
func (j *judge) seenDays() []SeenDay {
	events := map[int]int64{}
	for _, o := range j.c.offenders {
		for _, s := range o.seen {
			events[dayOf(s.Last)] += s.Count
		}
	}
	out := []SeenDay{}
	for _, day := range slices.Sorted(maps.Keys(events)) {
		out = append(out, SeenDay{dateOfDay(day), events[day]})
	}
	return out
}
