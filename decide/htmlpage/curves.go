package htmlpage

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"lastresort/decide/backtest"
)

// chart is one drawing of a figure of all ways of blocking over the nights of a replay.
type chart struct {
	ID, Title, Desc string
	Unit            string
	Lines           []line
	Keys            []keys
	Across, Down    []label // the marks of the axes
}

// line is the course of one way.
type line struct {
	Class  string // of its colour and dashes
	Path   string
	PointY float64 // where the line ends
	Title  string
}

// keys are the letters of some ways whose lines end at one place.
type keys struct {
	X, Y float64
	List []key
}

// key is the letter by which the table knows a way.
type key struct{ Key, Class string }

// keysARow is how many letters have room beside each other.
const keysARow = 4

// The measures of a chart.
const (
	chartLeft, chartRight = 46, 362
	chartTop, chartBase   = 12, 196
)

// ways are as many as have a look of their own.
const ways = 10

// keyOf is the letter by which a page knows the i-th way.
func keyOf(i int) string { return string(rune('A' + i%26)) }

// classOf is the look of the i-th way.
func classOf(i int) string { return "way" + strconv.Itoa(i%ways) }

// seenClass is the look of what there was in all.
const seenClass = "all"

// series is one figure of one way, stretch by stretch.
type series struct {
	name, key, class string
	values           []float64
}

// charts draws the four figures of a replay over its course. How much a bound holds isn't known.
func charts(r *backtest.Result, course []stretch) []chart {
	var out []chart
	for _, c := range []struct {
		id, title, unit string
		soFar           bool // of all nights until then
		known           func(*backtest.Score) bool
		of              func(s *stretch, way int) float64
	}{
		{"stopped", "Hostile events with proof, stopped so far", "events", true, nil, func(s *stretch, way int) float64 { return float64(s.Ways[way].Stopped.TwoWay) }},
		{"lost", "Honest events, lost so far", "events", true, nil, func(s *stretch, way int) float64 { return float64(s.Ways[way].Stopped.Honest) }},
		{"ranges", "Ranges in force", "ranges", false, counted, func(s *stretch, way int) float64 { return float64(s.Ways[way].Ranges) }},
		{"changes", "Changes a night", "ranges", false, counted, func(s *stretch, way int) float64 { return float64(s.Ways[way].Changes) / float64(s.Nights) }},
	} {
		var all []series
		add := func(x series, of func(*stretch) float64) {
			for i := range course {
				x.values = append(x.values, of(&course[i]))
				if c.soFar && i > 0 {
					x.values[i] += x.values[i-1]
				}
			}
			all = append(all, x)
		}
		if c.id == "stopped" {
			add(series{"all there were", "", seenClass, nil}, func(s *stretch) float64 { return float64(s.Seen.TwoWay) })
		}
		for i := range r.Scores {
			if c.known == nil || c.known(&r.Scores[i]) {
				add(series{r.Scores[i].Name, keyOf(i), classOf(i), nil}, func(s *stretch) float64 { return c.of(s, i) })
			}
		}
		out = append(out, drawChart("curve-"+c.id, c.title, c.unit, span{r.From, r.To, chartLeft, chartRight}, course, all))
	}
	return out
}

// counted tells whether a way's figures are no bound.
func counted(s *backtest.Score) bool { return !s.AtMost }

// drawChart draws series as lines, each value at the end of its stretch.
func drawChart(id, title, unit string, s span, course []stretch, all []series) chart {
	c := chart{ID: id, Title: title, Unit: unit}
	top := 0.0
	for _, x := range all {
		for _, v := range x.values {
			top = max(top, v)
		}
	}
	marks := steps(top, 5)
	top = marks[len(marks)-1]
	y := func(v float64) float64 { return chartBase - (chartBase-chartTop)*v/top }
	for _, v := range marks {
		c.Down = append(c.Down, label{chartLeft - 4, y(v), short(v)})
	}
	c.Across = dates(s)
	of := map[float64][]key{} // by where their lines end
	for _, one := range all {
		xs, ys := []float64{}, []float64{}
		for i, v := range one.values {
			xs, ys = append(xs, s.x(course[i].To)), append(ys, y(v))
		}
		l, last := line{Class: one.class, Path: polyline(xs, ys), PointY: chartBase}, 0.0
		if n := len(ys); n > 0 {
			l.PointY, last = ys[n-1], one.values[n-1]
		}
		l.Title = fmt.Sprintf("%s: %s at the end", one.name, short(last))
		if one.key != "" {
			of[l.PointY] = append(of[l.PointY], key{one.key, one.class})
		}
		c.Lines = append(c.Lines, l)
	}
	c.name(of)
	for i, l := range c.Lines {
		if i > 0 {
			c.Desc += "; "
		}
		c.Desc += l.Title
	}
	slices.Reverse(c.Lines) // ours above the others
	return c
}

// name puts the letters of the lines beside their ends, a few in a row, the rows apart.
func (c *chart) name(of map[float64][]key) {
	ends := []float64{}
	for _, at := range slices.Sorted(maps.Keys(of)) {
		for row := range slices.Chunk(of[at], keysARow) {
			c.Keys = append(c.Keys, keys{X: chartRight + 6, List: row})
			ends = append(ends, at)
		}
	}
	for i, at := range spread(ends, 11, chartTop, chartBase) {
		c.Keys[i].Y = at
	}
}

// dates are a few dates of a span: each its own day, so that they are round whatever it is.
func dates(s span) []label {
	var out []label
	days := int(s.to.Sub(s.from) / day)
	step := max(1, (days+4)/5)
	for at := s.from.Truncate(day); !at.After(s.to); at = at.Add(time.Duration(step) * day) {
		if !at.Before(s.from) && s.x(at) < chartRight-8 {
			out = append(out, label{s.x(at), chartBase + 16, at.Format("2 Jan")})
		}
	}
	return out
}

// short prints a figure in few characters.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
