package main

import (
	"encoding/json"
	"fmt"
	"time"

	"lastresort/decide/evidence"
)

// logState is what is remembered of a log between two readings: how far it was read, and what it came to so far.
type logState struct {
	evidence.Position
	Cursor string    `json:"cursor,omitempty"` // of the journal
	Seen   logTotals `json:"seen"`
}

// logTotals is what all readings of a log came to.
type logTotals struct {
	Read    time.Time `json:"read"` // when it was read last
	Lines   int64     `json:"lines"`
	Hostile int64     `json:"hostile"`
	Honest  int64     `json:"honest"`
	oddLines
}

// oddLines are those of a log that didn't count, or less, although they might have.
type oddLines struct {
	Unknown int64  `json:"unknown"`
	Example string `json:"example,omitempty"` // of these, the last
	Long    int64  `json:"long"`
	Future  int64  `json:"future"`
	Forged  int64  `json:"forged"`
	OneWay  bool   `json:"one_way"`
}

func (o *oddLines) add(s evidence.Summary) {
	o.Unknown, o.Long, o.Future = o.Unknown+s.Unknown, o.Long+s.Long, o.Future+s.Future
	o.Forged, o.OneWay = o.Forged+s.Forged, s.OneWay
	if s.Example != "" {
		o.Example = s.Example
	}
}

func (t *logTotals) add(s evidence.Summary, now time.Time) {
	t.Read = now.UTC()
	t.Lines, t.Hostile, t.Honest = t.Lines+s.Lines, t.Hostile+s.Hostile, t.Honest+s.Honest
	t.oddLines.add(s)
}

// stateOf returns what is remembered of a log.
func stateOf(positions map[string]json.RawMessage, path string) (logState, error) {
	var out logState
	text, ok := positions[path]
	if !ok {
		return out, nil
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return out, fmt.Errorf("position in %q: %v", path, err)
	}
	return out, nil
}

// logHealth is how a log is doing.
type logHealth struct {
	Log    string     `json:"log"`
	Last   *time.Time `json:"last"`   // of its newest line; nil where none was understood
	Silent bool       `json:"silent"` // it had no line for a day when it was read last
	logTotals
}

// quietFor is how long a log may be without a line before it is told.
const quietFor = 24 * time.Hour

func logHealthOf(path string, s logState) logHealth {
	h := logHealth{Log: path, Last: dateTime(s.Last), logTotals: s.Seen}
	h.Silent = !s.Seen.Read.IsZero() && !s.Last.IsZero() && s.Seen.Read.Sub(s.Last) > quietFor
	return h
}

// leftFor is how long before the others a log was read for the last time that isn't read any more.
const leftFor = 7 * 24 * time.Hour

// stillRead takes the logs apart that aren't read any more, as those of containers that are gone.
func stillRead(logs []logHealth) (read []logHealth, left []string) {
	var newest time.Time
	for _, l := range logs {
		if l.Read.After(newest) {
			newest = l.Read
		}
	}
	for _, l := range logs {
		if newest.Sub(l.Read) > leftFor {
			left = append(left, l.Log)
		} else {
			read = append(read, l)
		}
	}
	return read, left
}

// String puts it into words.
func (h logHealth) String() string {
	out := h.Log + ": no line yet"
	switch {
	case h.Last != nil:
		out = fmt.Sprintf("%s: the last line is of %s; %d lines, %d hostile, %d honest", h.Log, clock(*h.Last), h.Lines, h.Hostile, h.Honest)
	case h.Lines > 0:
		out = fmt.Sprintf("%s: none of %d lines counts", h.Log, h.Lines)
	}
	if h.Silent {
		out += fmt.Sprintf("; no line for %.0f h when it was read", h.Read.Sub(*h.Last).Hours())
	}
	return printable(out + h.oddLines.String())
}

// String puts them into words, behind what is said of the log.
func (o oddLines) String() string {
	out := ""
	if o.Unknown > 0 {
		out += fmt.Sprintf("; %d not understood, such as %q", o.Unknown, o.Example)
	}
	if o.Long > 0 {
		out += fmt.Sprintf("; %d too long", o.Long)
	}
	if o.Future > 0 {
		out += fmt.Sprintf("; %d from the future: is a clock wrong?", o.Future)
	}
	if o.Forged > 0 {
		out += fmt.Sprintf("; %d that a client may have written count for nobody", o.Forged)
	}
	if o.OneWay {
		out += "; one-way, for what others send stands in it as it came: let an access log, JSON or syslog tell instead"
	}
	return out
}
