package firewall

import (
	"iter"
	"slices"
	"time"

	"lastresort/netblock"
)

// sequence is a list of steps by address, whether or not it is kept as one.
type sequence interface {
	len() int
	rangeAt(i int) netblock.Range
	at(i int) Step
}

// inOrder goes through a sequence.
func inOrder(list sequence) iter.Seq[Step] {
	return func(yield func(Step) bool) {
		for i := range list.len() {
			if !yield(list.at(i)) {
				return
			}
		}
	}
}

// stepList is a sequence that is kept.
type stepList []Step

func (l stepList) len() int                     { return len(l) }
func (l stepList) rangeAt(i int) netblock.Range { return l[i].Range }
func (l stepList) at(i int) Step                { return l[i] }

// filling is what a table that is made anew is filled with. Its steps are worked out from what is wanted whenever they are
// asked for: a list of a million would take more memory than anything else there.
type filling struct {
	cfg   Config
	wants Wants
	held  []Element // which the kernel has now, by address: their counters go on
	now   time.Time
}

func (f filling) len() int {
	if f.wants == nil {
		return 0
	}
	return f.wants.Len()
}

func (f filling) rangeAt(i int) netblock.Range { return f.wants.Range(i) }

func (f filling) at(i int) Step {
	w := f.wants.At(i)
	s := Step{Range: w.Range, Timeout: f.cfg.Timeout(w, f.now)}
	if at, found := slices.BinarySearchFunc(f.held, w.Range, func(e Element, r netblock.Range) int { return e.Range.Compare(r) }); found {
		s.Old = &f.held[at]
	}
	return s
}
