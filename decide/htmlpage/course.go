package htmlpage

import (
	"time"

	"lastresort/decide/backtest"
)

// mostStretches bounds how finely the course of a replay is drawn.
const mostStretches = 500

// stretch is one night of a replay and the time after it until the next or, where there are more than 500, several.
type stretch struct {
	From, To time.Time
	Nights   int
	Seen     backtest.Sum
	Ways     []backtest.NightScore // of each way: what was stopped and changed in all, and held at most
}

// courseOf cuts a replay into stretches.
func courseOf(r *backtest.Result) []stretch {
	each := max(1, (len(r.Series)+mostStretches-1)/mostStretches)
	var out []stretch
	for i, night := range r.Series {
		if i%each == 0 {
			out = append(out, stretch{From: night.At, Ways: make([]backtest.NightScore, len(r.Scores))})
		}
		s := &out[len(out)-1]
		s.Nights++
		s.To = r.To
		if i+1 < len(r.Series) {
			s.To = r.Series[i+1].At
		}
		addSum(&s.Seen, night.Seen)
		for k, score := range r.Scores {
			if i >= len(score.Series) {
				continue
			}
			x, all := score.Series[i], &s.Ways[k]
			addSum(&all.Stopped, x.Stopped)
			all.Ranges, all.Addresses, all.Changes = max(all.Ranges, x.Ranges), max(all.Addresses, x.Addresses), all.Changes+x.Changes
		}
	}
	return out
}

func addSum(to *backtest.Sum, x backtest.Sum) {
	to.TwoWay, to.OneWay, to.Honest = to.TwoWay+x.TwoWay, to.OneWay+x.OneWay, to.Honest+x.Honest
}
