package evidence

import (
	"bytes"
	"net/netip"
	"time"

	"lastresort/decide/web"
)

func isApache(program []byte) bool {
	switch string(program) {
	case "httpd", "apache", "apache2":
		return true
	}
	return bytes.HasPrefix(program, []byte("httpd/"))
}

// apacheLine takes a line of Apache's error log apart: [WEEKDAY TIME YEAR] [MODULE:LEVEL] … MESSAGE.
func apacheLine(c *clock, line []byte, e *entry) bool {
	if len(line) < 26 || line[0] != '[' {
		return false
	}
	i := bytes.IndexByte(line, ']')
	if i < 0 {
		return false
	}
	at, ok := c.asctime(line[1:i])
	if !ok && line[5] == '-' { // what %{c}t makes of it
		var rest []byte
		at, rest, ok = c.time(line[1:i])
		ok = ok && len(rest) == 0
	}
	if !ok {
		return false
	}
	e.fields = fields{at: at, message: space(line[i+1:])}
	return true
}

// apacheError reads what Apache's error log says of clients.
type apacheError struct {
	addresses addresses
	rules     *web.Matcher
}

func newApacheError(o Options) reader { return &apacheError{addresses{}, o.Web.Matcher()} }

// nameTooLong stands before a message, and the client too since Apache 2.4, about a path to which nobody links.
const nameTooLong = "(36)File name too long: "

// read implements reader. Only the groups in brackets at the front are Apache's own; what a client wrote comes behind them.
func (a *apacheError) read(e *entry) bool {
	source, text, tooLong, ok := a.client(e.message)
	if !ok {
		return false
	}
	if bytes.HasPrefix(text, []byte("AH")) && len(text) > 9 && text[7] == ':' && isNumber(text[2:7]) {
		text = bytes.TrimLeft(text[8:], " ")
	}
	if again, ok := after(text, "[client "); ok { // ModSecurity says it once more
		if _, rest, ok := bytes.Cut(again, []byte("] ModSecurity: ")); ok {
			text = text[len(text)-len(rest)-len("ModSecurity: "):]
		}
	}
	if _, ok := after(text, nameTooLong); ok || tooLong {
		return hostile(e, "web-probe", source, true)
	}
	kind := apacheKind(text, func(path []byte, status int64) string {
		return a.rules.Kind(&web.Request{Source: source, At: e.at, Path: path, Status: status})
	})
	return hostile(e, kind, source, kind != "")
}

// client reads the groups up to the client's: who it is, what stands behind, and whether the name of a file that is too long was
// told of between them.
func (a *apacheError) client(text []byte) (source netip.Addr, rest []byte, tooLong, ok bool) {
	for {
		if rest, ok := after(text, nameTooLong); ok {
			text, tooLong = rest, true
		}
		group, rest, ok := bracketed(text)
		if !ok || bytes.HasPrefix(group, []byte("evasive20:")) { // which tells what it keeps off by itself
			return source, nil, false, false
		}
		who, is := after(group, "client ")
		if !is {
			who, is = after(group, "remote ")
		}
		if is {
			if source, ok = a.addresses.of(who); !ok {
				source, ok = a.addresses.withPort(who)
			}
			return source, rest, tooLong, ok
		}
		if _, process := after(group, "pid "); !process && bytes.IndexByte(group, ' ') >= 0 { // it is of what somebody wrote
			return source, nil, false, false
		}
		text = rest
	}
}

// bracketed splits text behind [GROUP].
func bracketed(text []byte) (group, rest []byte, ok bool) {
	inner, ok := after(text, "[")
	if !ok {
		return nil, nil, false
	}
	i := bytes.IndexByte(inner, ']')
	if address, ok := after(inner, "client ["); ok { // an IPv6 address in brackets of its own
		if j := bytes.IndexByte(address, ']'); j >= 0 {
			if k := bytes.IndexByte(address[j+1:], ']'); k >= 0 {
				i = len("client [") + j + 1 + k
			}
		}
	}
	if i < 0 {
		return nil, nil, false
	}
	return inner[:i], bytes.TrimLeft(inner[i+1:], " "), true
}

// apacheKind weighs a message, the paths in it by the rules.
func apacheKind(text []byte, rules func(path []byte, status int64) string) string {
	starts := func(lead string) bool { return bytes.HasPrefix(text, []byte(lead)) }
	has := func(part string) bool { return bytes.Contains(text, []byte(part)) }
	switch {
	case starts("user ") && (has(" not found") || has("authentication failure for ") || has("password mismatch") || has("authorization failure for ")),
		starts("Digest: user "), starts("client used wrong authentication scheme"), starts("Authorization of user "),
		starts("Digest: realm mismatch"), starts("realm mismatch"), starts("Digest: unknown algorithm"), starts("unknown algorithm"), starts("invalid qop"):
		return "web-login"
	case starts("Digest: invalid nonce "), starts("invalid nonce "):
		if has("hash is not") || has("hash for ") { // one that ran out
			return ""
		}
		return "web-login"
	case has("ignoring function definition attempt"), has("error importing function definition for"):
		return "web-exploit"
	case starts("Invalid URI in request"), starts("invalid URI path"), starts("request failed: "):
		if kind := rules(text, 400); kind != "" {
			return kind
		}
		return "web-probe"
	case starts("client denied by server configuration: "):
		if has("/.ht") { // what Apache never gives, link checkers ask for too
			return ""
		}
		return "web-probe"
	case starts("ModSecurity: Access denied with code "):
		return "web-probe"
	case starts("Invalid method in request"), starts("Got error 'Primary script unknown"),
		// Where it names two hosts it is a browser that asks for one over its connection to the other (RFC 7540, section 9.1.1).
		starts("Hostname ") && has(" provided via SNI, but no hostname provided"), starts("No hostname was provided via SNI"):
		return "web-probe"
	}
	if rest, ok := after(text, "stderr from "); ok {
		i := bytes.Index(rest, []byte(": script not found or unable to stat"))
		if i < 0 {
			return ""
		}
		return "web-probe"
	}
	for _, lead := range []string{"File does not exist: ", "script not found or unable to stat: "} {
		if path, ok := after(text, lead); ok {
			path, _, _ = bytes.Cut(path, []byte(", referer: "))
			return rules(inSite(path), 404)
		}
	}
	if rest, ok := after(text, "script '"); ok {
		if path, _, ok := bytes.Cut(rest, []byte("' not found or unable to stat")); ok {
			return rules(inSite(path), 404)
		}
	}
	return ""
}

// inSite returns what of a file's path was asked for, where it is known: a package's own directory has a name that others are
// asked for in vain, such as a web mail's.
func inSite(path []byte) []byte {
	for _, parent := range []string{"/usr/share/", "/var/lib/", "/opt/"} {
		if rest, ok := after(path, parent); ok {
			return rest[max(0, bytes.IndexByte(rest, '/')):]
		}
	}
	return path
}

// nginxLine takes a line of nginx's error log apart: 2015/01/21 10:56:10 [error] PID#TID: *N MESSAGE.
func nginxLine(c *clock, line []byte, e *entry) bool {
	if len(line) < 22 || line[4] != '/' || line[10] != ' ' || !c.isDated(line, '/') {
		return false
	}
	s, _, rest, ok := second(line[minuteText:])
	rest = space(rest)
	if !ok || len(rest) == 0 || rest[0] != '[' {
		return false
	}
	i := bytes.Index(rest, []byte(": "))
	if i < 0 {
		return false
	}
	e.fields = fields{at: c.dated.local.Add(time.Duration(s) * time.Second), message: rest[i+2:]}
	return true
}

// nginxError reads what nginx's error log says of clients.
type nginxError struct {
	addresses addresses
	rules     *web.Matcher
	passed    bool // the last message passed on what others sent
}

func newNginxError(o Options) reader {
	return &nginxError{addresses: addresses{}, rules: o.Web.Matcher()}
}

// raw implements doubter.
func (n *nginxError) raw() (is, alone bool) { return n.passed, false }

// passes tells the messages that hold what may be any bytes: of an application, of whoever speaks the PROXY protocol, or a name
// that came in base64 with colons in it.
func passes(text []byte) bool {
	for _, lead := range []string{"FastCGI sent in stderr: ", `broken header: "`, "upstream sent "} {
		if _, ok := after(text, lead); ok {
			return true
		}
	}
	return false
}

// read reads [*N ]MESSAGE, client: A, server: S, request: "…". Both a user's name before the address and a request behind it
// may look like it: where addresses differ, and only one can be meant, it is that one, else nobody.
func (n *nginxError) read(e *entry) bool {
	text := e.message
	if text[0] == '*' {
		_, text = firstWord(text)
	}
	n.passed = passes(text)
	_, user := after(text, `user "`)
	var found, next clients
	var request []byte // behind the first client
	left, certain := false, true
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], ',')
		if i < 0 {
			break
		}
		i += from
		from = i + 1
		if rest, ok := after(text[i:], ", client: "); ok {
			a, ok := n.client(rest)
			next.add(clients{number: 1, at: i, source: a, odd: !ok})
			continue
		}
		if _, ok := after(text[i:], `, login: "`); ok { // of mail
			n.passed = true
		}
		if next.number == 0 {
			continue
		}
		if rest, ok := after(text[i:], `, request: "`); ok {
			if user {
				whole, wrong := weighed(rest)
				if wrong {
					next, left = clients{}, true
					continue
				}
				certain = certain && whole
			}
			if found.number == 0 {
				request = rest
			}
			found.add(next)
			next = clients{}
		}
	}
	certain = certain && next.number == 0
	found.add(next)
	if found.number == 0 || found.odd || left && !certain {
		return false
	}
	kind := nginxKind(text[:found.at], func(what []byte) string {
		return n.rules.Kind(&web.Request{Source: found.source, At: e.at, Path: pathAsked(what, request), Status: 404})
	})
	return hostile(e, kind, found.source, kind != "")
}

// clients are what a message calls its client, once or more.
type clients struct {
	number int
	at     int // where the first stands
	source netip.Addr
	odd    bool // one is no address, or another one
}

// add adds those that come later.
func (c *clients) add(more clients) {
	if more.number == 0 {
		return
	}
	if c.number == 0 {
		*c = more
		return
	}
	c.number += more.number
	c.odd = c.odd || more.odd || more.source != c.source
}

// client reads the address that a message goes on with.
func (n *nginxError) client(text []byte) (netip.Addr, bool) {
	if a, i := leading4(text); i > 0 && i < len(text) && text[i] == ',' {
		return a, true
	}
	word, _, _ := bytes.Cut(text, []byte(","))
	word, _ = before(word, " using starttls")
	return n.addresses.of(word)
}

// nginxKind weighs a message, that of a file which isn't there by the rules.
func nginxKind(what []byte, rules func([]byte) string) string {
	starts := func(lead string) bool { _, ok := after(what, lead); return ok }
	ends := func(tail string) bool { _, ok := before(what, tail); return ok }
	has := func(part string) bool { return bytes.Contains(what, []byte(part)) }
	switch {
	case ends(" (36: File name too long)"): // nobody links to such a name
		return "web-probe"
	case starts(`open() "`), starts(`"`) && has(`" is not found (2: `):
		return rules(what)
	case starts(`user "`) && (ends(": password mismatch") || has(`" was not found in "`) || has(`": was not found in "`)), starts("PAM: user '"):
		return "web-login"
	case starts("client sent invalid "), starts("access forbidden by rule"), starts("ModSecurity: Access denied with code "):
		return "web-probe"
	case starts(`client login failed: "`) && ends(`nvalid" while in http auth state`),
		starts(`client login failed: "Invalid `) && ends(`" while in http auth state`):
		return "mail-login"
	}
	return ""
}

// pathAsked returns the path that was asked for: of a request's line, else of the file that wasn't found.
func pathAsked(what, request []byte) []byte {
	if line, _, ok := bytes.Cut(request, []byte(" HTTP/")); ok {
		_, path := firstWord(line)
		return path
	}
	path, _, _ := bytes.Cut(what[bytes.IndexByte(what, '"')+1:], []byte(`" `))
	return inSite(path)
}

// weighed weighs what stands behind a client's address from its request on, in a message about one that nginx took: such a
// request's line ends where the protocol's version does, and its host holds no slash (ngx_http_parse_request_line and
// ngx_http_validate_host refuse what doesn't). whole: nothing speaks against it; wrong: nginx can't have written it, so that it
// is a part of a name.
func weighed(text []byte) (whole, wrong bool) {
	_, rest, ok := bytes.Cut(text, []byte(" HTTP/"))
	if !ok {
		return false, false
	}
	for len(rest) > 0 && (rest[0] >= '0' && rest[0] <= '9' || rest[0] == '.') {
		rest = rest[1:]
	}
	rest, quote := after(rest, `"`)
	rest, host := after(rest, `, host: "`)
	if i := bytes.Index(rest, []byte(`", referrer: "`)); i >= 0 {
		rest = rest[:i]
	}
	slash := bytes.IndexByte(rest, '/') >= 0
	return quote && (host || len(rest) == 0) && !slash, quote && host && slash
}
