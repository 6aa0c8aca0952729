package evidence

import (
	"bytes"

	"lastresort/decide/web"
)

// proxyManagerLine takes a line of Nginx Proxy Manager's access logs apart, which begin with the time and have the client behind
// the request: [TIME] [CACHE UPSTREAM ]STATUS - METHOD SCHEME HOST "PATH" [Client A] [Length N] [Gzip N] [Sent-to SERVER] "AGENT"
// "REFERER".
func proxyManagerLine(c *clock, line []byte, e *entry) bool {
	if len(line) < accessStamp+3 || line[0] != '[' || line[accessStamp+1] != ']' || !bytes.Contains(line, []byte(`" [Client `)) {
		return false
	}
	at, ok := c.accessTime(line[1 : accessStamp+1])
	e.fields = fields{at: at, message: line[accessStamp+2:]}
	return ok
}

// proxyManager reads requests as access does.
type proxyManager struct {
	addresses addresses
	rules     *web.Matcher
}

func newProxyManager(o Options) reader { return &proxyManager{addresses{}, o.Web.Matcher()} }

// read implements reader. nginx writes no quote that a client chose as one, so that the first two are those around the path.
func (p *proxyManager) read(e *entry) bool {
	open := bytes.IndexByte(e.message, '"')
	if open < 0 {
		return false
	}
	words := bytes.Fields(e.message[:open]) // … STATUS - METHOD SCHEME HOST
	from, to := quoted(e.message, open)
	if to < 0 || len(words) < 5 {
		return false
	}
	words = words[len(words)-5:]
	rest, ok := after(e.message[to+1:], " [Client ")
	word, rest, closed := bytes.Cut(rest, []byte("]"))
	source, known := p.addresses.of(word)
	if !ok || !closed || !known || string(words[1]) != "-" {
		return false
	}
	for bytes.HasPrefix(rest, []byte(" [")) {
		if _, rest, ok = bytes.Cut(rest, []byte("]")); !ok {
			return false
		}
	}
	r := request{web.Request{Status: answer(words[0]), Path: e.message[from:to]}, nil, words[2], nil}
	r.Agent, r.referer = quotedPair(rest, 0)
	return r.Status >= 100 && r.event(p.rules, e, source)
}
