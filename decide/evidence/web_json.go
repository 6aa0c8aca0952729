package evidence

import (
	"bytes"
	"net/netip"

	"lastresort/decide/web"
)

// accessJSONLine takes a line of a web server's access log apart that is a JSON object: what people have Apache and nginx
// write, and what Caddy and Traefik write by themselves.
func accessJSONLine(c *clock, line []byte, e *entry) bool {
	if line[0] != '{' || !bytes.Contains(line, []byte(`tatus"`)) { // status, DownstreamStatus
		return false
	}
	o, ok := e.members(line)
	if !ok || !o.isAccess() {
		return false
	}
	at, ok := c.any(bytes.Trim(o.bytes(timeKeys...), "[]"))
	e.fields = fields{at: at, message: line, object: o}
	return ok
}

// isAccess tells whether an object tells of a request: others have a status too.
func (o object) isAccess() bool {
	_, asked := o.find("request")
	for _, key := range methodKeys {
		if _, ok := o.find(key); ok {
			asked = true
		}
	}
	status := o.number(statusKeys...)
	return asked && (status >= 100 && status <= 599 || status == 0) // Caddy writes 0 where the client was gone
}

// peer returns the one address that stands under the keys of the source. A server that writes what clients send as it comes
// lets them add keys: where addresses differ, nobody is meant.
func (o object) peer(m addresses) (netip.Addr, bool) {
	var found netip.Addr
	for _, key := range sourceKeys {
		a, ok := o.address(m, key)
		switch {
		case !ok:
		case found.IsValid() && a != found:
			return netip.Addr{}, false
		default:
			found = a
		}
	}
	return found, found.IsValid()
}

// isJSONServer tells the programs whose lines in the journal may be such objects.
func isJSONServer(program []byte) bool {
	return isWebServer(program) || string(program) == "caddy" || string(program) == "traefik"
}

// The keys under which servers and people put things; of most the first that is there counts. Only what the server knows by
// itself is the source: the connection's other end, or what it took for the client behind a proxy that it was told to trust.
// What a request says of where it came from is not.
var (
	statusKeys  = []string{"status", "status_code", "DownstreamStatus"}
	timeKeys    = []string{"time_iso8601", "@timestamp", "timestamp", "time_local", "StartUTC", "time", "ts", "msec"}
	sourceKeys  = []string{"client_ip", "remote_addr", "remote_ip", "remoteIP", "remote_host", "ClientHost", "client"}
	methodKeys  = []string{"method", "request_method", "RequestMethod"}
	pathKeys    = []string{"request_uri", "uri", "RequestPath", "url", "path"}
	userKeys    = []string{"remote_user", "user", "ClientUsername", "user_id"}
	refererKeys = []string{"http_referer", "http_referrer", "referer", "referrer", "request_Referer"}
	agentKeys   = []string{"http_user_agent", "user_agent", "agent", "userAgent", "request_User-Agent"}
)

// accessJSON reads requests as access does.
type accessJSON struct {
	addresses addresses
	rules     *web.Matcher
}

func newAccessJSON(o Options) reader { return &accessJSON{addresses{}, o.Web.Matcher()} }

// read implements reader.
func (a *accessJSON) read(e *entry) bool {
	o := e.object
	if o == nil { // it stood in syslog or the journal
		var ok bool
		if o, ok = e.members(e.message); !ok || !o.isAccess() {
			return false
		}
	}
	source, ok := o.peer(a.addresses)
	from := o
	if in := e.inner(o, "request"); in != nil { // Caddy keeps the request apart
		if ok { // somebody wrote it into a line of another server
			return false
		}
		from = in
		if source, ok = in.address(a.addresses, "client_ip"); !ok {
			source, ok = in.address(a.addresses, "remote_ip")
		}
		if !ok { // Caddy before 2.5
			source, ok = a.addresses.withPort(in.bytes("remote_addr"))
		}
	}
	if !ok {
		return false
	}
	r := request{web.Request{Status: o.number(statusKeys...), Path: from.bytes(pathKeys...), Agent: from.bytes(agentKeys...)},
		o.bytes(userKeys...), from.bytes(methodKeys...), from.bytes(refererKeys...)}
	if headers := e.inner(from, "headers"); headers != nil {
		r.referer, r.Agent = headers.first("Referer"), headers.first("User-Agent")
		// Caddy names no user whose password was wrong, but keeps that one was sent, to a page that asks for it.
		if _, sent := headers.find("Authorization"); sent && bytes.HasPrefix(e.inner(o, "resp_headers").first("Www-Authenticate"), []byte("Basic ")) {
			r.user = []byte("Authorization")
		}
	}
	if line := o.bytes("request"); len(line) > 0 && len(r.method) == 0 {
		r.method, r.Path, _ = requestLine(line)
	}
	if len(r.method) == 0 {
		r.method = nil
	}
	return r.event(a.rules, e, source)
}
