package history

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strconv"
	"time"

	"lastresort/netblock"
)

// object writes one record's text: keys in the order of the contract, what isn't known left out.
type object struct{ buf []byte }

func newObject(kind string) *object {
	o := &object{buf: make([]byte, 0, 256)}
	o.buf = append(o.buf, `{"type":"`...)
	o.buf = append(append(o.buf, kind...), '"')
	return o
}

func (o *object) key(k string) {
	o.buf = append(append(append(o.buf, `,"`...), k...), `":`...)
}

// text writes a string; an empty one is left out.
func (o *object) text(k, v string) *object {
	if v != "" {
		o.must(k, v)
	}
	return o
}

// must writes a string even where it is empty.
func (o *object) must(k, v string) *object {
	o.key(k)
	o.buf = appendString(o.buf, v)
	return o
}

// appendString quotes a string as JSON without escaping what only HTML minds.
func appendString(buf []byte, s string) []byte {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] < 0x7f && s[i] != '"' && s[i] != '\\'
	}
	if plain {
		return append(append(append(buf, '"'), s...), '"')
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // strings always encode
	}
	return append(buf, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

func (o *object) time(k string, t time.Time) *object {
	if !t.IsZero() {
		o.key(k)
		o.buf = append(t.AppendFormat(append(o.buf, '"'), time.RFC3339Nano), '"')
	}
	return o
}

func (o *object) count(k string, n int64) *object {
	o.key(k)
	o.buf = strconv.AppendInt(o.buf, n, 10)
	return o
}

func (o *object) addr(k string, a netip.Addr) *object { return o.must(k, a.String()) }

func (o *object) prefix(k string, p netip.Prefix) *object {
	if p.IsValid() {
		o.must(k, p.String())
	}
	return o
}

func (o *object) rng(k string, r netblock.Range) *object { return o.must(k, r.String()) }

func (o *object) end() []byte { return append(o.buf, '}') }

// Encode returns the text form of a record: one JSON object, type first, without a newline. Times keep their offset.
func Encode(r Record) []byte {
	o := newObject(r.Type())
	switch r := r.(type) {
	case Netblock:
		o.prefix("prefix", r.Prefix).text("holder", r.Holder).text("country", r.Country).text("kind", string(r.Kind)).
			text("assignment", string(r.Assignment)).text("abuse", r.Abuse).text("upstream", r.Upstream).text("cert", r.Cert).
			text("whois", r.Whois).time("at", r.At)
	case Contact:
		o.must("address", r.Address).text("kind", string(r.Kind)).text("trust", string(r.Trust)).text("reason", r.Reason).time("at", r.At).
			text("by", r.By)
	case Report:
		o.must("id", r.ID).time("at", r.At).addr("source", r.Source).must("to", r.To).must("role", string(r.Role)).text("follows", r.Follows).text("message", r.Message)
	case Response:
		o.must("report", r.Report).time("at", r.At).must("stance", string(r.Stance)).text("note", r.Note)
	case Sighting:
		o.addr("source", r.Source).time("first", r.First).time("last", r.Last).must("kind", r.Kind).count("count", r.Count).
			must("proof", string(r.Proof)).must("reporter", r.Reporter)
	case Traffic:
		o.addr("source", r.Source).time("first", r.First).time("last", r.Last).must("service", r.Service).count("count", r.Count)
	case Answer:
		o.prefix("netblock", r.Netblock).must("question", string(r.Question)).must("answer", r.Answer).time("at", r.At).
			text("by", r.By).text("note", r.Note)
	case Hold:
		o.rng("range", r.Range).time("until", r.Until).time("at", r.At).text("by", r.By).text("reason", r.Reason)
	case Block:
		o.rng("range", r.Range).time("from", r.From).time("until", r.Until).prefix("case", r.Case).text("by", r.By).text("reason", r.Reason)
	case Release:
		o.rng("range", r.Range).time("at", r.At).must("by", r.By).text("reason", r.Reason)
	case Protect:
		o.rng("range", r.Range).time("at", r.At).time("until", r.Until).text("by", r.By).text("reason", r.Reason)
	}
	return o.end()
}

// identity returns the text by which the same record is known again, however its times are written.
func identity(r Record) []byte {
	switch x := r.(type) {
	case Netblock:
		x.At = utc(x.At)
		r = x
	case Contact:
		x.At = utc(x.At)
		r = x
	case Report:
		x.At = utc(x.At)
		r = x
	case Response:
		x.At = utc(x.At)
		r = x
	case Sighting:
		x.First, x.Last = utc(x.First), utc(x.Last)
		r = x
	case Traffic:
		x.First, x.Last = utc(x.First), utc(x.Last)
		r = x
	case Answer:
		x.At = utc(x.At)
		r = x
	case Hold:
		x.At, x.Until = utc(x.At), utc(x.Until)
		r = x
	case Block:
		x.From, x.Until = utc(x.From), utc(x.Until)
		r = x
	case Release:
		x.At = utc(x.At)
		r = x
	case Protect:
		x.At, x.Until = utc(x.At), utc(x.Until)
		r = x
	}
	return Encode(r)
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}
