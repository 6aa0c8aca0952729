package evidence

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"
)

// object is a JSON object taken apart: what stands under each key.
type object map[string]json.RawMessage

// members takes an object apart. One that has a key twice is none, for it can be read in two ways. The values are parts of
// text.
func members(text []byte) (object, bool) {
	if len(text) == 0 || text[0] != '{' || !json.Valid(text) {
		return nil, false
	}
	o := object{}
	for rest := bytes.TrimLeft(text[1:], blanks); rest[0] != '}'; rest = bytes.TrimLeft(rest, blanks+",") {
		n := valueLength(rest)
		key, ok := unquote(rest[:n])
		rest = bytes.TrimLeft(rest[n:], blanks+":")
		n = valueLength(rest)
		if _, twice := o[key]; !ok || twice {
			return nil, false
		}
		o[key] = json.RawMessage(rest[:n])
		rest = rest[n:]
	}
	return o, true
}

// blanks are what may stand between the parts of JSON.
const blanks = " \t\r\n"

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

// unquote reads a text of JSON.
func unquote(raw []byte) (string, bool) {
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1]), true
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// text returns the text under the first of some keys that is there and isn't empty, or a number or truth as it is written.
func (o object) text(keys ...string) string {
	for _, key := range keys {
		raw := o[key]
		if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
			continue
		}
		if raw[0] != '"' {
			return string(raw)
		}
		if s, ok := unquote(raw); ok && s != "" {
			return s
		}
	}
	return ""
}

// number returns the whole number under the first of some keys that is there, -1 for none.
func (o object) number(keys ...string) int64 {
	if n, ok := number([]byte(o.text(keys...))); ok {
		return n
	}
	return -1
}

// address returns the address under the first of some keys that is there.
func (o object) address(m addresses, keys ...string) (netip.Addr, bool) {
	return m.of([]byte(o.text(keys...)))
}

// inner returns the object under a key; without members where there is none.
func (o object) inner(key string) object {
	in, _ := members(o[key])
	return in
}

// first returns the first text of the list under a key.
func (o object) first(key string) string {
	var list []string
	if json.Unmarshal(o[key], &list) != nil || len(list) == 0 {
		return ""
	}
	return list[0]
}

// epoch reads seconds since 1970 and a fraction of one.
func epoch(text []byte) (time.Time, bool) {
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || seconds < 1e8 || seconds > 1e11 {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(seconds * 1e6)), true
}
