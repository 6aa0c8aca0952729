package htmlpage

import (
	"fmt"
	"math"
	"strings"
	"time"

	"lastresort/decide"
)

// timeline is the drawing of one case's time: what was seen, who was asked and what came back, and the blocks as steps of
// the ladder. Moments run from left to right, dashed is what is to come.
type timeline struct {
	ID, Title, Desc string
	Height          float64
	Now             float64
	Late            bool // now is so far right that its name goes to its left
	Ticks           []label
	Lanes           []lane
	Seen            []shape
	Marks           []mark
	Bars            []shape
	Rungs           []label
}

// lane is one row of a time line.
type lane struct {
	Y, Base float64
	Name    string
	Note    string // in place of marks
}

// mark is a letter, or what came back on one.
type mark struct {
	X, Y  float64
	Class string // done, due, later or reply
	Title string
}

// The measures of a time line.
const (
	timeLeft, timeRight = 66, 392
	laneHeight          = 17
	seenTop, seenBase   = 13, 38
	rungHeight          = 9
)

// longest bounds how far back a time line reaches.
const longest = 400 * 24 * time.Hour

// span is a stretch of time that is drawn from left to right.
type span struct {
	from, to    time.Time
	left, right float64
}

// x returns the place of a moment; what lies outside is drawn at the end.
func (s span) x(t time.Time) float64 {
	part := float64(t.Sub(s.from)) / float64(s.to.Sub(s.from))
	return s.left + (s.right-s.left)*min(1, max(0, part))
}

// around returns the span of a case's moments, with a little room.
func around(now time.Time, moments []time.Time) span {
	s := span{now.Add(-6 * day), now.Add(2 * day), timeLeft, timeRight}
	for _, t := range moments {
		if t.Before(s.from) && now.Sub(t) < longest {
			s.from = t
		}
		if t.After(s.to) && t.Sub(now) < longest {
			s.to = t
		}
	}
	room := s.to.Sub(s.from) / 40
	s.from, s.to = s.from.Add(-room), s.to.Add(room)
	return s
}

const day = 24 * time.Hour

// laneNames name the steps of the path as rows.
var laneNames = map[string]string{decide.ReportContact: "report", decide.FollowUp: "follow-up", decide.ReportUpstream: "upstream",
	decide.ReportCert: "CERT", decide.ReportLawEnforcement: "police"}

// momentsOf gathers all moments of a dossier.
func momentsOf(d *decide.Dossier) []time.Time {
	var out []time.Time
	date := func(s string) {
		if t, err := time.Parse(time.DateOnly, s); err == nil {
			out = append(out, t)
		}
	}
	for _, x := range d.Seen {
		date(x.Day)
	}
	for _, s := range d.Path {
		date(s.Due)
		for _, x := range s.Sent {
			out = append(out, x.At)
		}
	}
	for _, e := range d.Blocked {
		out = append(out, e.From)
		if e.Until != nil {
			out = append(out, *e.Until)
		}
	}
	if d.Case.Until != nil {
		out = append(out, *d.Case.Until)
	}
	return out
}

// drawTime draws the time line of a dossier.
func drawTime(id string, d *decide.Dossier, now time.Time, ladder []decide.Duration) timeline {
	s := around(now, momentsOf(d))
	t := timeline{ID: "time-" + id, Title: "Time line of " + d.Case.Netblock.String(), Now: s.x(now), Late: s.x(now) > timeRight-30}
	var told []string
	t.seen(d, s)
	if n := len(d.Seen); n > 0 {
		told = append(told, fmt.Sprintf("seen on %s from %s to %s", Plural(n, "day"), d.Seen[0].Day, d.Seen[n-1].Day))
	}
	y := float64(seenBase + 14)
	for _, step := range d.Path {
		if step.Step == decide.ReportLawEnforcement && step.Status == decide.StepSkipped {
			continue
		}
		told = append(told, t.step(&step, y, s)...)
		y += laneHeight
	}
	top := y + 6
	base := top + float64(len(ladder)*rungHeight)
	t.Lanes = append(t.Lanes, lane{base - 2, base, "blocked", ""})
	for i, r := range ladder {
		t.Rungs = append(t.Rungs, label{timeRight, base - float64(i+1)*rungHeight, r.String()})
	}
	told = append(told, t.blocks(d, now, base, ladder, s)...)
	t.Height = base + 18
	t.ticks(s, base+12)
	t.Desc = strings.Join(told, "; ")
	return t
}

// seen draws the events of each day, the square root of their number high.
func (t *timeline) seen(d *decide.Dossier, s span) {
	t.Lanes = append(t.Lanes, lane{seenBase - 2, seenBase, "seen", ""})
	most := int64(1)
	for _, x := range d.Seen {
		most = max(most, x.Events)
	}
	for _, x := range d.Seen {
		at, err := time.Parse(time.DateOnly, x.Day)
		if err != nil {
			continue
		}
		left, right := s.x(at), s.x(at.Add(day))
		height := max(1.5, (seenBase-seenTop)*math.Sqrt(float64(x.Events)/float64(most)))
		path := fmt.Sprintf("M%s %sh%sv%sh%sz", number(left), number(seenBase-height), number(max(1, right-left-0.4)), number(height), number(-max(1, right-left-0.4)))
		t.Seen = append(t.Seen, shape{Class: "seen", Path: path, Title: fmt.Sprintf("%s: %s", x.Day, Plural(int(x.Events), "event"))})
	}
}

// step draws one step of the path, and says in words what it shows.
func (t *timeline) step(step *decide.PathStep, y float64, s span) []string {
	name := laneNames[step.Step]
	row := lane{Y: y + 4, Base: y, Name: name}
	var told []string
	for _, x := range step.Sent {
		text := fmt.Sprintf("%s %s on %s", name, x.Report, date(x.At))
		t.Marks = append(t.Marks, mark{s.x(x.At), y, "done", text})
		for _, got := range x.Received {
			answer := fmt.Sprintf("%s on %s", got.Stance, date(got.At))
			t.Marks = append(t.Marks, mark{s.x(got.At), y, "reply", "answer to " + x.Report + ": " + answer})
			text += ", " + answer
		}
		told = append(told, text)
	}
	switch at, err := time.Parse(time.DateOnly, step.Due); {
	case step.Status == decide.StepSkipped && len(step.Sent) == 0:
		row.Note = "skipped"
	case err == nil && step.Status != decide.StepDone:
		class := "later"
		if step.Status == decide.StepDue {
			class = "due"
		}
		t.Marks = append(t.Marks, mark{s.x(at), y, class, fmt.Sprintf("%s %s %s", name, step.Status, step.Due)})
		told = append(told, fmt.Sprintf("%s %s %s", name, step.Status, step.Due))
	case step.Status == decide.StepLater:
		row.Note = "later"
	}
	t.Lanes = append(t.Lanes, row)
	return few8(told)
}

// few8 keeps the first of what a step tells in words; a table beside the drawing has the rest.
func few8(told []string) []string {
	if len(told) > 8 {
		return append(told[:8:8], fmt.Sprintf("and %d more", len(told)-8))
	}
	return told
}

// blocks draws the blocks of a case, each as high as its rung of the ladder, and says in words what they are.
func (t *timeline) blocks(d *decide.Dossier, now time.Time, base float64, ladder []decide.Duration, s span) []string {
	var told []string
	bar := func(class area, from, to time.Time, step int, title string) {
		height := float64(max(1, step)) * rungHeight
		x, w := s.x(from), max(1.5, s.x(to)-s.x(from))
		path := fmt.Sprintf("M%s %sh%sv%sh%sz", number(x), number(base-height), number(w), number(height), number(-w))
		t.Bars = append(t.Bars, shape{Class: class, Path: path, Title: title})
	}
	for _, e := range d.Blocked {
		end, text := s.to, fmt.Sprintf("blocked from %s", date(e.From))
		switch {
		case e.End != nil:
			end = *e.End
			text += " to " + date(end)
		case e.Until != nil:
			end = *e.Until
			text += " until " + date(end)
		default:
			text += " for good"
		}
		text += fmt.Sprintf(", step %d of the ladder", e.Step)
		told = append(told, text)
		past := end
		if now.Before(end) {
			past = now
			bar("coming", now, end, e.Step, text)
		}
		bar("past", e.From, past, e.Step, text)
	}
	if c := &d.Case; len(c.Changed.Add)+len(c.Changed.Change) > 0 {
		end, text, step := s.to, "decided now: blocked for good", len(ladder)
		if c.Until != nil {
			end, step = *c.Until, stepOf(c.Until.Sub(now), ladder)
			text = "decided now: blocked until " + date(end)
		}
		bar("coming", now, end, step, text)
		told = append(told, text)
	}
	return few8(told)
}

// stepOf returns the highest rung of a ladder that isn't longer than a block.
func stepOf(long time.Duration, ladder []decide.Duration) int {
	step := 0
	for i, r := range ladder {
		if time.Duration(r) <= long {
			step = i + 1
		}
	}
	return step
}

// ticks names some round dates of a span: days, weeks, or months.
func (t *timeline) ticks(s span, y float64) {
	days := s.to.Sub(s.from).Hours() / 24
	layout, step := "2 Jan", 1
	for _, step = range []int{1, 2, 7, 14, 28, 56, 91, 182} {
		if days/float64(step) <= 6 {
			break
		}
	}
	if step > 28 {
		layout = "Jan 2006"
	}
	for at := s.from.Truncate(day).Add(day); at.Before(s.to); at = at.Add(day) {
		if (at.Unix()/86400-4)%int64(step) == 0 && s.x(at) < timeRight-14 { // weeks begin on Mondays
			t.Ticks = append(t.Ticks, label{s.x(at), y, at.Format(layout)})
		}
	}
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }
