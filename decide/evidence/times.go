package evidence

import (
	"bytes"
	"strconv"
	"time"
)

// time reads the time at the front of a line and returns what stands behind it:
//
//	Mar 27 13:06:56[.5]  Mar 27 2017 13:06:56  2017 Mar 27 13:06:56  Thu Mar 27 13:06:56[.5] 2017
//	[Thu ]2017-03-27[T ]13:06:56[.5][Z|+01:00|+0100| CET| UTC]  @400000004c91b044077a9e94
func (c *clock) time(line []byte) (time.Time, []byte, bool) {
	stamped := len(line) > len(c.stamp) && line[len(c.stamp)] == ' ' && line[3] == ' ' && line[6] == ' ' && line[9] == ':'
	if stamped && string(line[:len(c.stamp)]) == string(c.stamp[:]) { // many lines are of the same second
		return c.stood, space(line[len(c.stamp):]), true
	}
	if stamped && string(line[:len(c.minute)]) == string(c.minute[:]) && !c.ahead(line) {
		if s, ok := number(line[13:15]); ok && s < 60 {
			if t := c.begins.Add(time.Duration(s) * time.Second); !t.After(c.future) {
				c.stamp, c.stood = [15]byte(line), t
				return t, space(line[len(c.stamp):]), true
			}
		}
	}
	t, rest, ok := c.read(line)
	if stamped && ok && !c.ahead(line) {
		c.stamp, c.stood = [15]byte(line), t
		if f := c.future.In(c.zone); t.Minute() != f.Minute() || t.Hour() != f.Hour() || t.Day() != f.Day() { // that one's seconds are of two years
			c.minute, c.begins = [13]byte(line), t.Add(-time.Duration(t.Second())*time.Second)
		}
	}
	return t, rest, ok
}

// ahead tells whether a number follows the time, which may be its year.
func (c *clock) ahead(line []byte) bool {
	word, _ := firstWord(space(line[len(c.stamp):]))
	return isNumber(word)
}

// read is time without a memory.
func (c *clock) read(line []byte) (time.Time, []byte, bool) {
	day := weekday(line)
	if day {
		line = line[4:]
	}
	if len(line) > 26 && line[0] == '@' {
		return tai64n(line)
	}
	if len(line) < 15 {
		return time.Time{}, nil, false
	}
	if line[4] == '-' {
		return c.iso(line)
	}
	year := int64(0)
	if line[4] == ' ' {
		if y, ok := number(line[:4]); ok {
			year, line = y, line[5:]
		}
	}
	month := monthOf(line)
	if month == 0 || len(line) < 12 || line[3] != ' ' {
		return time.Time{}, nil, false
	}
	word, rest := firstWord(bytes.TrimLeft(line[4:], " "))
	d, ok := number(word)
	if !ok || d < 1 || d > 31 {
		return time.Time{}, nil, false
	}
	rest = bytes.TrimLeft(rest, " ")
	if len(rest) > 5 && rest[4] == ' ' {
		if y, ok := number(rest[:4]); ok {
			year, rest = y, rest[5:]
		}
	}
	h, m, s, ns, rest, ok := clockTime(rest)
	if !ok {
		return time.Time{}, nil, false
	}
	if word, more := firstWord(space(rest)); day && year == 0 && len(word) == 4 {
		if y, ok := number(word); ok {
			year, rest = y, more
		}
	}
	if year != 0 {
		t := time.Date(int(year), month, int(d), h, m, s, ns, c.zone)
		return t, space(rest), t.Month() == month
	}
	t, ok := c.withYear(month, int(d), h, m, s, ns)
	return t, space(rest), ok
}

// tai64n reads the label of daemontools: seconds from 1970 by TAI, 10 ahead of UTC then, in 16 hexadecimal digits from 2^62
// on, and nanoseconds in 8 (D. J. Bernstein, TAI64N). Leap seconds since then are left out, as the writers do.
func tai64n(line []byte) (time.Time, []byte, bool) {
	seconds, err1 := strconv.ParseUint(string(line[1:17]), 16, 64)
	ns, err2 := strconv.ParseUint(string(line[17:25]), 16, 32)
	if err1 != nil || err2 != nil || seconds < 1<<62 || seconds > 1<<62+1<<40 || ns >= 1e9 || line[25] != ' ' {
		return time.Time{}, nil, false
	}
	return time.Unix(int64(seconds-1<<62)-10, int64(ns)), line[26:], true
}

// yeared is a minute with its year at its end, as a line wrote it, and when it was.
type yeared struct {
	text [len("Thu Mar 27 13:06:")]byte
	year [len(" 2017")]byte
	at   time.Time
}

// asctime reads Thu Mar 27 13:06:56[.5] 2017, all of a text. Many lines are of the same minute.
func (c *clock) asctime(text []byte) (time.Time, bool) {
	y := &c.yeared
	const second56 = len(y.text)
	if len(text) < len(time.ANSIC) {
		return time.Time{}, false
	}
	s, ns, year, ok := second(text[second56:])
	if !ok || len(year) != len(y.year) {
		return time.Time{}, false
	}
	if string(text[:second56]) != string(y.text[:]) || string(year) != string(y.year[:]) {
		at, rest, ok := c.read(text)
		if !ok || len(rest) > 0 || !weekday(text) {
			return time.Time{}, false
		}
		*y = yeared{[len(y.text)]byte(text), [len(y.year)]byte(year), at.Add(-time.Duration(s)*time.Second - time.Duration(ns))}
	}
	return y.at.Add(time.Duration(s)*time.Second + time.Duration(ns)), true
}

// withYear puts the year to a time without one: the last in which it isn't of the future. It is false for a day that no month
// has.
func (c *clock) withYear(month time.Month, d, h, m, s, ns int) (time.Time, bool) {
	for y := c.at.Year() + 1; y > c.at.Year()-9; y-- {
		t := time.Date(y, month, d, h, m, s, ns, c.zone)
		if t.Month() == month && !t.After(c.future) { // 29 February is in few years, none of eight around 1900 and 2100
			return t, true
		}
	}
	return time.Time{}, false
}

func weekday(line []byte) bool {
	if len(line) < 5 || line[3] != ' ' {
		return false
	}
	switch string(line[:3]) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

func monthOf(line []byte) time.Month {
	if len(line) < 4 {
		return 0
	}
	switch string(line[:3]) {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}

// clockTime reads 13:06:56 and a fraction of the second. A leap second is the one before.
func clockTime(text []byte) (h, m, s, ns int, rest []byte, ok bool) {
	if len(text) < 8 || text[5] != ':' {
		return
	}
	h, m, ok1 := hourMinute(text)
	s, ns, rest, ok2 := second(text[6:])
	return h, m, s, ns, rest, ok1 && ok2
}

// hourMinute reads 13:06.
func hourMinute(text []byte) (h, m int, ok bool) {
	hh, ok1 := number(text[:2])
	mm, ok2 := number(text[3:5])
	return int(hh), int(mm), ok1 && ok2 && hh <= 23 && mm <= 59 && text[2] == ':'
}

// nanoDigits is how many digits of a second's fraction there are to a nanosecond.
const nanoDigits = 9

// second reads 56 and a fraction.
func second(text []byte) (s, ns int, rest []byte, ok bool) {
	ss, ok := number(text[:2])
	rest = text[2:]
	if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') && rest[1] >= '0' && rest[1] <= '9' {
		digits := 1
		for ; digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9'; digits++ {
			if digits <= nanoDigits {
				ns = ns*10 + int(rest[digits]-'0')
			}
		}
		for n := digits; n <= nanoDigits; n++ {
			ns *= 10
		}
		rest = rest[digits:]
	}
	return int(min(ss, 59)), ns, rest, ok && ss <= 60
}

// minuteText is how long a date is, to the colon before its seconds.
const minuteText = len("2017-03-27T13:06:")

// dated is a minute as a line wrote it, and when it was: in UTC and by this machine's clock.
type dated struct {
	text       [minuteText]byte
	utc, local time.Time
}

// iso reads a date of RFC 3339 and what resembles it.
func (c *clock) iso(line []byte) (time.Time, []byte, bool) {
	if !c.isDated(line, '-') {
		return time.Time{}, nil, false
	}
	s, ns, rest, ok := second(line[minuteText:])
	offset, rest, fixed := zoneOffset(rest)
	rest = space(rest)
	if !fixed {
		rest, fixed = zoneName(rest)
	}
	t := c.dated.local
	if fixed {
		t = c.dated.utc
	}
	return t.Add(time.Duration(s-offset)*time.Second + time.Duration(ns)), rest, ok
}

// isDated reads the minute of a line's time into dated, with a dash or something else between year, month and day, and tells
// whether a second may follow. Many lines are of the same minute.
func (c *clock) isDated(line []byte, dash byte) bool {
	return len(line) >= minuteText+2 && (string(line[:minuteText]) == string(c.dated.text[:]) || c.date(line[:minuteText], dash))
}

// date reads 2017-03-27T13:06: into dated.
func (c *clock) date(text []byte, dash byte) bool {
	year, ok1 := number(text[:4])
	month, ok2 := number(text[5:7])
	day, ok3 := number(text[8:10])
	h, m, ok4 := hourMinute(text[11:])
	if !ok1 || !ok2 || !ok3 || !ok4 || text[4] != dash || text[7] != dash || text[10] != 'T' && text[10] != ' ' || text[16] != ':' {
		return false
	}
	t := time.Date(int(year), time.Month(month), int(day), h, m, 0, 0, time.UTC)
	if t.Month() != time.Month(month) || t.Day() != int(day) { // no month has such a day
		return false
	}
	c.dated = dated{[minuteText]byte(text), t, time.Date(int(year), time.Month(month), int(day), h, m, 0, 0, c.zone)}
	return true
}

// zoneOffset reads Z, +01:00 or +0100 as seconds east of UTC.
func zoneOffset(text []byte) (int, []byte, bool) {
	if rest, ok := after(text, "Z"); ok {
		return 0, rest, true
	}
	if len(text) < 5 || text[0] != '+' && text[0] != '-' {
		return 0, text, false
	}
	rest := text[3:]
	rest, _ = after(rest, ":")
	h, ok1 := number(text[1:3])
	if !ok1 || len(rest) < 2 {
		return 0, text, false
	}
	m, ok2 := number(rest[:2])
	if !ok2 || h > 14 || m > 59 {
		return 0, text, false
	}
	seconds := int(h*3600 + m*60)
	if text[0] == '-' {
		seconds = -seconds
	}
	return seconds, rest[2:], true
}

// zoneName passes over the name of the zone in which journalctl prints, and tells whether it is UTC. Any other is the
// machine's own: names such as CST mean several zones.
func zoneName(rest []byte) ([]byte, bool) {
	word, more := firstWord(rest)
	switch {
	case string(word) == "UTC", string(word) == "GMT":
		return more, true
	case len(word) >= 3 && len(word) <= 5 && allUpper(word) && string(word) != "SMTP": // exim's
		return more, false
	}
	return rest, false
}

func allUpper(word []byte) bool {
	for _, c := range word {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}

// space takes the spaces off the front.
func space(text []byte) []byte {
	for len(text) > 0 && text[0] == ' ' {
		text = text[1:]
	}
	return text
}
