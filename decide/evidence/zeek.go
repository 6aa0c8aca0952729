package evidence

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
)

// zeekLine takes a line of a log of Zeek apart, of tab-separated values or JSON. The lines with # say what the values are.
func zeekLine(c *clock, line []byte, e *entry) bool {
	switch line[0] {
	case '#':
		for _, word := range []string{"#separator ", "#set_separator\t", "#empty_field\t", "#unset_field\t", "#path\t", "#open\t", "#close\t", "#fields\t", "#types\t"} {
			if bytes.HasPrefix(line, []byte(word)) {
				e.fields = fields{message: line}
				return true
			}
		}
	case '{':
		if !bytes.Contains(line, []byte(`"uid":`)) && !bytes.Contains(line, []byte(`"note":`)) || !bytes.Contains(line, []byte(`"ts":`)) {
			return false
		}
		o, ok := e.members(line)
		if !ok {
			return false
		}
		at, ok := c.any(o.bytes("ts"))
		e.fields = fields{at: at, message: line, object: o}
		return ok
	default:
		i := bytes.IndexByte(line, '\t')
		if i < 10 || bytes.IndexByte(line[:i], '.') < 0 {
			return false
		}
		at, ok := epoch(line[:i])
		e.fields = fields{at: at, message: line}
		return ok
	}
	return false
}

// zeek reads logins by SSH, connections that nobody answered, and notices of attacks.
type zeek struct {
	addresses addresses
	fields    []string // what the values are that follow
	lost      bool     // there were values before it was said what they are
}

func newZeek(Options) reader { return &zeek{addresses: addresses{}} }

// puzzled implements puzzler.
func (z *zeek) puzzled() bool { return z.lost }

// save implements rememberer: the header stands at the front of a log only.
func (z *zeek) save() json.RawMessage {
	if z.fields == nil {
		return nil
	}
	text, err := json.Marshal(z.fields)
	if err != nil {
		return nil
	}
	return text
}

// resume implements rememberer.
func (z *zeek) resume(text json.RawMessage) {
	if json.Unmarshal(text, &z.fields) != nil {
		z.fields = nil
	}
}

// mostFields bounds how many values are known in a line; Zeek's own logs have fewer than 60.
const mostFields = 200

// read implements reader. Zeek escapes tabs and quotes in what others send, so each value is where it belongs.
func (z *zeek) read(e *entry) bool {
	z.lost = false
	if e.message[0] == '#' {
		if rest, ok := after(e.message, "#fields\t"); ok {
			z.fields = strings.SplitN(string(rest), "\t", mostFields)
		}
		return false
	}
	if e.object != nil {
		return z.event(e, func(key string) string { return e.object.text(key) })
	}
	if z.fields == nil {
		z.lost = true
		return false
	}
	values := bytes.SplitN(e.message, []byte("\t"), mostFields)
	return z.event(e, func(key string) string {
		for i, field := range z.fields {
			if field == key && i < len(values) && string(values[i]) != "-" {
				return string(values[i])
			}
		}
		return ""
	})
}

// event tells what a line shows, by the fields that each of Zeek's logs has.
func (z *zeek) event(e *entry, value func(string) string) bool {
	from := func(key string) (netip.Addr, bool) {
		a, ok := z.addresses.of([]byte(value(key)))
		return a, ok && !a.IsLoopback()
	}
	if note := value("note"); note != "" {
		source, ok := from("src")
		return z.notice(e, note, source, ok && value("auth_success")+value("conn_state") == "") // no log has both
	}
	source, ok := from("id.orig_h")
	switch good := value("auth_success"); {
	case !ok || value("direction") == "OUTBOUND" || isTrue(value("local_orig")):
		return false
	case isTrue(good):
		return honest(e, "ssh", source, true)
	case good != "":
		if !hostile(e, "ssh-login", source, true) {
			return false
		}
		if n, known := number([]byte(value("auth_attempts"))); known && n > 1 {
			e.shows.Count = min(n, mostAttempts)
		}
		return true
	}
	switch value("conn_state") { // an attempt without an answer, or refused
	case "S0", "REJ", "SH", "RSTOS0":
		return scanned(e, source, isTrue(value("local_resp")))
	}
	return false
}

// mostAttempts bounds how many logins one connection tries: sshd's MaxAuthTries is 6 by default.
const mostAttempts = 100

// notice tells what one of Zeek's own conclusions is. That passwords are guessed is one event: the logins themselves stand in
// another log.
func (z *zeek) notice(e *entry, note string, source netip.Addr, ok bool) bool {
	switch note {
	case "Scan::Port_Scan", "Scan::Address_Scan", "Scan::Random_Scan":
		return scanned(e, source, ok)
	case "SSH::Password_Guessing":
		return hostile(e, "ssh-login", source, ok)
	case "FTP::Bruteforcing":
		return hostile(e, "ftp-login", source, ok)
	case "HTTP::SQL_Injection_Attacker":
		return hostile(e, "web-exploit", source, ok)
	}
	return false
}

func isTrue(text string) bool { return text == "T" || text == "true" }
