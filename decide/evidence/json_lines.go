package evidence

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"
)

// object is a JSON object taken apart, in its order.
type object []member

// member is what stands under a key.
type member struct {
	key   []byte
	value json.RawMessage
}

// mostMembers bounds how many an object has; what tells of a request or an alert has far fewer.
const mostMembers = 256

// objects takes JSON apart, one line after the other.
type objects struct{ room []member }

// members takes an object apart. One that has a key twice is none, for it can be read in two ways. Keys and values are parts of
// text; they are gone with the next object that is no part of this one.
func (m *objects) members(text []byte) (object, bool) {
	if len(text) == 0 || text[0] != '{' || !json.Valid(text) {
		return nil, false
	}
	m.room = m.room[:0]
	return m.ofValid(text)
}

// inner returns the object under a key of one that was taken apart; nil where there is none.
func (m *objects) inner(o object, key string) object {
	value, _ := o.find(key)
	if len(value) == 0 || value[0] != '{' {
		return nil
	}
	in, _ := m.ofValid(value)
	return in
}

// ofValid is members for JSON that is known to be valid.
func (m *objects) ofValid(text []byte) (object, bool) {
	o := object(m.room[len(m.room):])
	for rest := unblank(text[1:]); rest[0] != '}'; {
		n := valueLength(rest)
		key, ok := unquoted(rest[:n])
		rest = unblank(rest[n:])
		rest = unblank(rest[1:]) // behind the colon
		n = valueLength(rest)
		if _, twice := o.find(string(key)); !ok || twice || len(o) == mostMembers {
			return nil, false
		}
		o = append(o, member{key, json.RawMessage(rest[:n])})
		if rest = unblank(rest[n:]); rest[0] == ',' {
			rest = unblank(rest[1:])
		}
	}
	if len(o) == 0 {
		return object{}, true
	}
	if len(m.room)+len(o) <= cap(m.room) {
		m.room = m.room[:len(m.room)+len(o)]
	} else {
		m.room = make([]member, 0, 2*(cap(m.room)+len(o))) // o had to move out
	}
	return o[:len(o):len(o)], true
}

// find returns what stands under a key, and whether it is there.
func (o object) find(key string) (json.RawMessage, bool) {
	for i := range o {
		if string(o[i].key) == key {
			return o[i].value, true
		}
	}
	return nil, false
}

// unblank takes off what may stand between the parts of JSON.
func unblank(text []byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t' || text[0] == '\r' || text[0] == '\n') {
		text = text[1:]
	}
	return text
}

// valueLength returns how long the value at the front of valid JSON is.
func valueLength(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // of what is around it
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// unquoted reads a text of valid JSON. It is a part of raw where that holds it as it is.
func unquoted(raw []byte) ([]byte, bool) {
	if utf8.Valid(raw) {
		text := raw[1 : len(raw)-1]
		n := bytes.IndexByte(text, '\\')
		if n < 0 {
			return text, true
		}
		if text, ok := unescaped(text, n); ok {
			return text, true
		}
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return []byte(s), err == nil
}

// unescaped reads what has its first backslash at a place; it is false where a letter is written as a number.
func unescaped(text []byte, first int) ([]byte, bool) {
	out := append(make([]byte, 0, len(text)), text[:first]...)
	for i := first; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			i++
			switch c = text[i]; c {
			case 'b':
				c = '\b'
			case 'f':
				c = '\f'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			case 'u':
				return nil, false
			}
		}
		out = append(out, c)
	}
	return out, true
}

// bytes returns the text under the first of some keys that is there and isn't empty, or a number or truth as it is written.
func (o object) bytes(keys ...string) []byte {
	for _, key := range keys {
		raw, _ := o.find(key)
		if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
			continue
		}
		if raw[0] != '"' {
			return raw
		}
		if s, ok := unquoted(raw); ok && len(s) > 0 {
			return s
		}
	}
	return nil
}

// text is bytes as a string.
func (o object) text(keys ...string) string { return string(o.bytes(keys...)) }

// number returns the whole number under the first of some keys that is there, -1 for none.
func (o object) number(keys ...string) int64 {
	if n, ok := number(o.bytes(keys...)); ok {
		return n
	}
	return -1
}

// address returns the address under the first of some keys that is there.
func (o object) address(m addresses, keys ...string) (netip.Addr, bool) {
	return m.of(o.bytes(keys...))
}

// first returns the first text of the list of texts under a key.
func (o object) first(key string) []byte {
	value, _ := o.find(key)
	var list []string
	if len(value) == 0 || value[0] != '[' {
		return nil
	}
	if inner := unblank(value[1:]); inner[0] == '"' {
		n := valueLength(inner)
		if rest := unblank(inner[n:]); rest[0] == ']' { // it is the only one
			s, _ := unquoted(inner[:n])
			return s
		}
	}
	if json.Unmarshal(value, &list) != nil || len(list) == 0 {
		return nil
	}
	return []byte(list[0])
}

// epoch reads seconds since 1970 and a fraction of one.
func epoch(text []byte) (time.Time, bool) {
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || seconds < 1e8 || seconds > 1e11 {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(seconds * 1e6)), true
}
