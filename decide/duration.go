package decide

import (
	"fmt"
	"strconv"
	"time"
)

// Duration is a length of time as policies and flags write it: 90d, 12h, 5m, 30s, or several of these in a row.
type Duration time.Duration

// Day is the length of a UTC calendar day.
const Day = 24 * time.Hour

var units = []struct {
	name byte
	size time.Duration
}{{'d', Day}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}

// ParseDuration reads a duration such as 90d or 1d12h: positive, its units in falling order.
func ParseDuration(s string) (Duration, error) {
	bad := fmt.Errorf("%q is no duration; expected one like 90d, 12h, 5m or 1d12h", s)
	var total time.Duration
	rest, next := s, 0
	for rest != "" {
		digits := 0
		for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil || digits == len(rest) {
			return 0, bad
		}
		for next < len(units) && units[next].name != rest[digits] {
			next++
		}
		if next == len(units) || n > int64((1<<63-1)/units[next].size) {
			return 0, bad
		}
		part := time.Duration(n) * units[next].size
		if total > 1<<63-1-part {
			return 0, bad
		}
		total += part
		next++
		rest = rest[digits+1:]
	}
	if total <= 0 {
		return 0, bad
	}
	return Duration(total), nil
}

// UnmarshalText reads what ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	got, err := ParseDuration(string(text))
	if err == nil {
		*d = got
	}
	return err
}

// MarshalText prints d as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String prints d in whole units, largest first, such as 1d12h.
func (d Duration) String() string {
	rest, out := time.Duration(d), ""
	for _, u := range units {
		if n := rest / u.size; n > 0 {
			out += strconv.FormatInt(int64(n), 10) + string(u.name)
			rest %= u.size
		}
	}
	if out == "" {
		return "0s"
	}
	return out
}

// Days returns how many whole days d is.
func (d Duration) Days() int { return int(time.Duration(d) / Day) }

// dayOf returns the number of t's UTC calendar day, counted from 1970-01-01.
func dayOf(t time.Time) int {
	s := t.Unix()
	if s < 0 {
		return int((s+1)/86400) - 1
	}
	return int(s / 86400)
}

// dateOf prints t's UTC calendar day.
func dateOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }
