package evidence

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"strconv"
	"time"
)

// object is a JSON object taken apart: what stands under each key.
type object map[string]json.RawMessage

// members takes an object apart. One that has a key twice is none, for it can be read in two ways.
func members(text []byte) (object, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	o := object{}
	for d.More() {
		token, err := d.Token()
		key, isText := token.(string)
		if _, twice := o[key]; err != nil || !isText || twice {
			return nil, false
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, false
		}
		o[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return o, err == io.EOF
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
		var s string
		if json.Unmarshal(raw, &s) == nil && s != "" {
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
