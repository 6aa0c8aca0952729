package decide

import (
	"time"

	"lastresort/decide/history"
)

// Level is how dangerous a case is.
type Level string

// The levels, by danger a day: under 10, under 100, under 1000, and above.
const (
	Low     Level = "low"
	Medium  Level = "medium"
	High    Level = "high"
	Extreme Level = "extreme"
)

func levelOf(danger float64) Level {
	switch {
	case reaches(danger, 1000):
		return Extreme
	case reaches(danger, 100):
		return High
	case reaches(danger, 10):
		return Medium
	}
	return Low
}

// reaches tells whether a danger is at least a limit; a mean that is the limit on paper may fall short by a last bit.
func reaches(danger, limit float64) bool { return danger >= limit-1e-9*max(1, limit) }

// firstStep returns the step of the ladder, from 1, at which a level begins.
func (l Level) firstStep() int {
	switch l {
	case Low:
		return 1
	case Medium:
		return 2
	}
	return 3
}

// chain is the relapses in a row that end with a block that would begin now.
type chain struct {
	relapses int
	first    time.Time // when the first of them began
	step     int       // of the block before
}

// chainOf goes back through a case's blocks from one that would begin now. It is one with a block that still stands.
func (n *night) chainOf(eps []episode) chain {
	c := chain{first: n.now}
	begins := n.now
	for i := len(eps) - 1; i >= 0; i-- {
		e := eps[i]
		if e.stands() {
			begins = e.from
			continue
		}
		if begins.Sub(e.end) > time.Duration(n.policy.Length.Relapse) {
			break
		}
		if c.relapses == 0 {
			c.step = n.stepOf(e)
		}
		c.relapses++
		c.first = begins
		begins = e.from
	}
	return c
}

// stepOf returns the highest rung that isn't longer than a block was meant to be; 0 where all are longer.
func (n *night) stepOf(e episode) int {
	step := 0
	for i, rung := range n.policy.Length.Ladder {
		if e.until.IsZero() || time.Duration(rung) <= e.until.Sub(e.from) {
			step = i + 1
		}
	}
	return step
}

// length returns how long a block that begins now lasts, and why.
func (n *night) length(c *caseFacts, danger float64, eps []episode, asked bool) (Duration, string) {
	ladder := n.policy.Length.Ladder
	step := min(levelOf(danger).firstStep(), len(ladder))
	why := "level " + string(levelOf(danger))
	if ch := n.chainOf(eps); ch.relapses > 0 && ch.step+1 > step {
		step = min(ch.step+1, len(ladder))
		why = "a relapse, one step above the block before"
	}
	return n.capped(c, ladder[step-1], why, asked)
}

// capped holds a length to what an unasked case and the netblock's assignment allow.
func (n *night) capped(c *caseFacts, d Duration, why string, asked bool) (Duration, string) {
	limit := func(to Duration, because string) {
		if d > to {
			d, why = to, because
		}
	}
	if !asked {
		limit(n.policy.Length.Unasked, "not everyone responsible has been asked")
	}
	switch c.netblock.Assignment {
	case history.Dynamic:
		limit(n.policy.Length.DynamicCap, "dynamic addresses change hands")
	case history.CGNAT:
		limit(n.policy.Length.CGNATCap, "many people share an address")
	}
	return d, why
}
