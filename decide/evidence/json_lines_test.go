package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
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
		got, ok := new(objects).members([]byte(c.text))
		if ok != (c.want != nil) || len(got) != len(c.want) {
			t.Errorf("%s: %v %q; expected %q", c.text, ok, got, c.want)
		}
		for key, value := range c.want {
			if is, there := got.find(key); !there || string(is) != value {
				t.Errorf("%s: %q is %q; expected %q", c.text, key, is, value)
			}
		}
	}
}

// FuzzMembers holds it against the library: the same keys and values, but for keys that are there twice.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"b":[2,{"c":"d"}]}`, `{"a":"\\\"","\u0061":null}`, "{\"\xff\":1 , \"b\":{} }", `{"a":-1.5e3,"b":false}`, `{"a":["\"\\\/\b\f\n\r\t"],"b":"\ud83d\ude00\n\ud83d"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m := objects{room: make([]member, 0, len(text)%5)}
		got, ok := m.members(text)
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
			if is, there := got.find(key); !there || !bytes.Equal(bytes.TrimSpace(is), bytes.TrimSpace(value)) {
				t.Errorf("%q: %q is %q; the library reads %q", text, key, is, value)
			}
			if list := []string(nil); value[0] == '[' && json.Unmarshal(value, &list) == nil && len(list) > 0 && string(got.first(key)) != list[0] {
				t.Errorf("%q: the first is %q; the library reads %q", value, got.first(key), list[0])
			}
			if inner := map[string]json.RawMessage(nil); value[0] == '{' && json.Unmarshal(value, &inner) == nil {
				if in := m.inner(got, key); in != nil && len(in) != len(inner) {
					t.Errorf("%q: inside is %q; the library reads %q", value, in, inner)
				}
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

// TestMembersOfALargeObject: the cost of one with thousands of keys is that of its bytes.
func TestMembersOfALargeObject(t *testing.T) {
	object := func(keys int) []byte {
		text := []byte("{")
		for i := range keys {
			text = fmt.Appendf(text, `"k%d":%d,`, i, i)
		}
		text[len(text)-1] = '}'
		return text
	}
	if o, ok := new(objects).members(object(mostMembers)); !ok || len(o) != mostMembers {
		t.Errorf("%v, %d members of %d", ok, len(o), mostMembers)
	}
	if o, ok := new(objects).members(object(mostMembers + 1)); ok {
		t.Errorf("%d members; expected none of so many", len(o))
	}
}

func BenchmarkMembers(b *testing.B) {
	line := []byte(`{"time_iso8601":"2026-11-01T10:00:00+01:00","remote_addr":"192.0.2.66","request":"GET /news HTTP/1.1","status":404,"http_referer":"https://example.org/","http_user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}`)
	b.SetBytes(int64(len(line)))
	var m objects
	for b.Loop() {
		m.members(line)
	}
}
