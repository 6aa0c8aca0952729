package htmlpage

import (
	"fmt"
	"io"

	"lastresort/decide/backtest"
)

// Backtest writes the page of a replay.
func Backtest(w io.Writer, r *backtest.Result) error {
	course := courseOf(r)
	v := &replayView{document: document{fmt.Sprintf("Backtest from %s to %s", date(r.From), date(r.To))}, Result: r, Course: course, Charts: charts(r, course)}
	for i := range r.Scores {
		v.Ways = append(v.Ways, way{&r.Scores[i], keyOf(i), classOf(i)})
	}
	return render(w, "backtest", v)
}

// replayView is the page's data.
type replayView struct {
	document
	*backtest.Result
	Course []stretch
	Charts []chart
	Ways   []way
}

// way is one way of blocking, with its look.
type way struct {
	*backtest.Score
	Key, Class string
}

// Share is what part of all something is, in words; of nothing there is no part.
func (v *replayView) Share(n, of int64) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}

// Nightly tells whether each stretch of the course is one night.
func (v *replayView) Nightly() bool { return len(v.Course) == v.Nights }
