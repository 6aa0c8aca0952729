package evidence

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestMembers(t *testing.T) {
	for _, c := range []struct {
		text string
		want map[string]string // nil: no object
	}{
		{`{}`, map[string]string{}},
		{` {"a":1}`, nil},
		{`{ "a" : 1 , "b":"x,}\"" ,"c" : {"a":[1,{"}":"]"}]}, "d":[], "e":null,"":true }`, map[string]string{"a": "1", "b": `"x,}\""`, "c": `{"a":[1,{"}":"]"}]}`, "d": "[]", "e": "null", "": "true"}},
		{`{"a":1,"a":2}`, nil},
		{`{"a":1,"\u0061":2}`, nil},
		{`{"a":{"b":1,"b":2}}`, map[string]string{"a": `{"b":1,"b":2}`}},
		{`{"a":1}x`, nil},
		{`{"a":1`, nil},
		{`{"a":}`, nil},
		{`[1]`, nil},
		{``, nil},
	} {
		got, ok := members([]byte(c.text))
		if ok != (c.want != nil) || len(got) != len(c.want) {
			t.Errorf("%s: %v %q; expected %q", c.text, ok, got, c.want)
		}
		for key, value := range c.want {
			if string(got[key]) != value {
				t.Errorf("%s: %q is %q; expected %q", c.text, key, got[key], value)
			}
		}
	}
}

// FuzzMembers holds it against the library: the same keys and values, but for keys that are there twice.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"b":[2,{"c":"d"}]}`, `{"a":"\\\"","\u0061":null}`, "{\"\xff\":1 , \"b\":{} }", `{"a":-1.5e3,"b":false}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := members(text)
		var want map[string]json.RawMessage
		err := json.Unmarshal(text, &want)
		if ok && err != nil {
			t.Fatalf("%q is read as %q; the library says %v", text, got, err)
		}
		if !ok {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %q; the library reads %q", text, got, want)
		}
		for key, value := range want {
			if !bytes.Equal(bytes.TrimSpace(got[key]), bytes.TrimSpace(value)) {
				t.Errorf("%q: %q is %q; the library reads %q", text, key, got[key], value)
			}
			if text, has := got.text(key), value[0] == '"'; has {
				var s string
				if json.Unmarshal(value, &s) == nil && s != text {
					t.Errorf("%q is %q; the library reads %q", value, text, s)
				}
			}
		}
	})
}

func BenchmarkMembers(b *testing.B) {
	line := []byte(`{"time_iso8601":"2026-11-01T10:00:00+01:00","remote_addr":"192.0.2.66","request":"GET /news HTTP/1.1","status":404,"http_referer":"https://example.org/","http_user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}`)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		members(line)
	}
}
