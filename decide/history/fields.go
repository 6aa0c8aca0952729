package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lastresort/netblock"
)

// fields are the keys and values of one record's text, in the order in which they stand. The first thing that is wrong
// with them is kept in err, so that a record's decoder reads as a list of its keys.
type fields struct {
	keys   []string
	values []any // string, json.Number or nil
	asked  []string
	err    error
}

// splitFields takes a record's text apart. Records are flat; a key that comes twice could say two things, so it is refused.
func splitFields(line []byte) (fields, error) {
	var f fields
	if !utf8.Valid(line) {
		return f, fmt.Errorf("bytes that are no UTF-8; expected one JSON object")
	}
	if plain, ok := plainFields(line); ok {
		return plain, nil
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	open, err := d.Token()
	if err != nil || open != json.Delim('{') {
		return f, fmt.Errorf("%s is no record; expected one JSON object such as {\"type\":\"report\",…}", excerpt(line))
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return f, fmt.Errorf("%s is no JSON; expected one object a line", excerpt(line))
		}
		value, err := d.Token()
		if err != nil {
			return f, fmt.Errorf("%s is no JSON; expected one object a line", excerpt(line))
		}
		name := key.(string) // an object's keys are strings, or Token fails
		switch value.(type) {
		case string, json.Number, nil:
		default:
			return f, fmt.Errorf("%q holds %v; expected a string or a number", name, value)
		}
		if slices.Contains(f.keys, name) {
			return f, fmt.Errorf("key %q stands twice; expected it once", name)
		}
		f.keys, f.values = append(f.keys, name), append(f.values, value)
	}
	if _, err := d.Token(); err != nil {
		return f, fmt.Errorf("%s ends too early; expected a whole JSON object", excerpt(line))
	}
	if rest := bytes.TrimSpace(line[d.InputOffset():]); len(rest) > 0 {
		return f, fmt.Errorf("%s stands behind the record; expected one JSON object a line", excerpt(rest))
	}
	return f, nil
}

// plainFields takes a text apart that is as records are written: no blank, no escape, strings and whole numbers. It is what
// nearly all are, and takes an eighth of the time; any other is left to the JSON decoder, and so is every error.
func plainFields(line []byte) (fields, bool) {
	const usual = 12
	f := fields{keys: make([]string, 0, usual), values: make([]any, 0, usual), asked: make([]string, 0, usual)}
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return f, false
	}
	rest := line[1 : len(line)-1]
	for {
		key, more, ok := plainString(rest)
		if !ok || len(more) < 2 || more[0] != ':' {
			return f, false
		}
		name := string(key)
		if slices.Contains(f.keys, name) {
			return f, false
		}
		var value any
		switch more = more[1:]; {
		case more[0] == '"':
			text, after, ok := plainString(more)
			if !ok {
				return f, false
			}
			value, more = string(text), after
		case more[0] >= '1' && more[0] <= '9':
			n := 1
			for n < len(more) && more[n] >= '0' && more[n] <= '9' {
				n++
			}
			value, more = json.Number(more[:n]), more[n:]
		default:
			return f, false
		}
		f.keys, f.values = append(f.keys, name), append(f.values, value)
		if len(more) == 0 {
			return f, true
		}
		if more[0] != ',' {
			return f, false
		}
		rest = more[1:]
	}
}

// plainString reads a quoted string without escapes, and returns what stands behind it.
func plainString(text []byte) (inner, rest []byte, ok bool) {
	if len(text) < 2 || text[0] != '"' {
		return nil, nil, false
	}
	for i, c := range text[1:] {
		switch {
		case c == '"':
			return text[1 : i+1], text[i+2:], true
		case c == '\\' || c < ' ':
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// excerpt quotes the beginning of a text for an error.
func excerpt(text []byte) string {
	const most = 40
	if len(text) <= most {
		return strconv.Quote(string(text))
	}
	return strconv.Quote(string(text[:most])) + "…"
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// get returns the value of a key, and false where the key is absent or null.
func (f *fields) get(key string) (any, bool) {
	f.asked = append(f.asked, key)
	for i, k := range f.keys {
		if k == key {
			return f.values[i], f.values[i] != nil
		}
	}
	return nil, false
}

// text returns the string of a key; "" where it is absent.
func (f *fields) text(key string) string {
	v, ok := f.get(key)
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		f.fail("%q is %v; expected a string", key, v)
	}
	return s
}

// need returns the string of a key that must be there, though it may be empty.
func (f *fields) need(key string) string {
	if v, ok := f.get(key); !ok {
		f.fail("key %q is missing", key)
	} else if s, ok := v.(string); ok {
		return s
	} else {
		f.fail("%q is %v; expected a string", key, v)
	}
	return ""
}

// name is need for what may not be empty.
func (f *fields) name(key string) string {
	s := f.need(key)
	if s == "" {
		f.fail("%q is empty; expected a value", key)
	}
	return s
}

func (f *fields) time(key string) time.Time { return f.moment(key, f.name(key)) }

// timeIf returns the time of a key that may be absent; then it is zero.
func (f *fields) timeIf(key string) time.Time {
	s := f.text(key)
	if s == "" {
		return time.Time{}
	}
	return f.moment(key, s)
}

// The store keeps moments as nanoseconds in 64 bits; these years are well inside.
const firstYear, lastYear = 1970, 2200

func storable(t time.Time) bool { return t.UTC().Year() >= firstYear && t.UTC().Year() <= lastYear }

func (f *fields) moment(key, s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || !storable(t) {
		f.fail("%q is %q; expected a time with an offset such as 2026-11-02T02:00:00Z, from %d to %d", key, s, firstYear, lastYear)
		return time.Time{}
	}
	return t
}

func (f *fields) addr(key string) netip.Addr {
	a, err := netblock.ParseAddr(f.name(key))
	if err != nil {
		f.fail("%q: %v", key, err)
	}
	return a
}

func (f *fields) prefix(key string) netip.Prefix { return f.parsePrefix(key, f.name(key)) }

func (f *fields) prefixIf(key string) netip.Prefix {
	s := f.text(key)
	if s == "" {
		return netip.Prefix{}
	}
	return f.parsePrefix(key, s)
}

func (f *fields) parsePrefix(key, s string) netip.Prefix {
	p, err := netblock.ParsePrefix(s)
	if err != nil {
		f.fail("%q: %v", key, err)
	}
	return p
}

func (f *fields) rng(key string) netblock.Range {
	r, err := netblock.ParseRange(f.name(key))
	if err != nil {
		f.fail("%q: %v", key, err)
	}
	return r
}

// mostCount bounds a count: sums of many stay far from what a number holds.
const mostCount = 1 << 40

// count returns a number of events; 1 where it is absent.
func (f *fields) count(key string) int64 {
	v, ok := f.get(key)
	if !ok {
		return 1
	}
	number, ok := v.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if !ok || err != nil || n < 1 || n > mostCount {
		f.fail("%q is %v; expected a whole number from 1 to %d", key, v, int64(mostCount))
		return 1
	}
	return n
}

// oneOf returns the value of a key that has a fixed set of them; absent is the first, where that may be so.
func oneOf[T ~string](f *fields, key string, required bool, values ...T) T {
	s := f.text(key)
	if s == "" && !required {
		return values[0]
	}
	if !slices.Contains(values, T(s)) {
		names := make([]string, 0, len(values))
		for _, v := range values {
			if v != "" {
				names = append(names, string(v))
			}
		}
		f.fail("%q is %q; expected one of %s", key, s, strings.Join(names, " "))
	}
	return T(s)
}

// rest refuses the keys that nobody asked for.
func (f *fields) rest(kind string) error {
	for _, k := range f.keys {
		if !slices.Contains(f.asked, k) {
			f.fail("%q is no key of a %s; expected %s", k, kind, strings.Join(f.asked[1:], ", "))
		}
	}
	return f.err
}
