package history

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// decoded is what encoding/json makes of a flat object: its keys in their order, and their values.
func decoded(t *testing.T, line []byte) (keys []string, values []any, ok bool) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, nil, false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, nil, false
		}
		value, err := d.Token()
		if err != nil {
			return nil, nil, false
		}
		keys, values = append(keys, key.(string)), append(values, value)
	}
	if _, err := d.Token(); err != nil || len(bytes.TrimSpace(line[d.InputOffset():])) > 0 {
		return nil, nil, false
	}
	return keys, values, true
}

var flat = []string{
	`{"type":"netblock","prefix":"203.0.113.0/24","holder":"Beispiel ü","count":12}`, `{"a":"b"}`, `{"a":""}`, `{"a":1}`, `{}`, `{"a"}`, `{"a":}`, `{"a":"b",}`, `{"a":"b"`, `{"a":"b"}}`,
	`{"a":"b\n"}`, `{"a":"b\u0041"}`, `{"a": "b"}`, `{"a":null}`, `{"a":-1}`, `{"a":01}`, `{"a":1.5}`, `{"a":1e3}`, `{"a":"b","a":"c"}`, `{"a":{"b":"c"}}`, `{"a":["b"]}`, `{"a":true}`, `{"a":"b"}x`,
	`{"a":"b":"c"}`, `{"a":1"b":2}`, `{a:"b"}`, `"a":"b"`, "{\"a\":\"b\tc\"}", `{"a":"b","c":7}`, `{"":"x"}`, `{"a":"}"}`, `{"a":"\\"}`, ``, `{`, `}`, `{"`, `{"a`,
}

func TestPlainFieldsAgree(t *testing.T) {
	plain := 0
	for _, line := range flat {
		plain += agree(t, []byte(line))
	}
	if plain < 6 {
		t.Errorf("%d lines were read without the decoder; expected the plain ones", plain)
	}
}

// agree holds that what is read quickly is what the decoder reads, and returns 1 where it is.
func agree(t *testing.T, line []byte) int {
	t.Helper()
	f, ok := plainFields(line)
	if !ok {
		return 0
	}
	keys, values, valid := decoded(t, line)
	if !valid {
		t.Fatalf("%q was read as %v %v and is no object", line, f.keys, f.values)
	}
	if diff := cmp.Diff(keys, f.keys); diff != "" {
		t.Fatalf("%q: %s", line, diff)
	}
	if diff := cmp.Diff(values, f.values); diff != "" {
		t.Fatalf("%q: %s", line, diff)
	}
	return 1
}

func FuzzPlainFields(f *testing.F) {
	for _, line := range flat {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsRune(line, '\ufffd') { // the decoder puts these in for what is no UTF-8, which is refused before
			return
		}
		agree(t, line)
	})
}
