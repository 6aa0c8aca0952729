package whois

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"lastresort/netblock"
)

// object is one object of whois text: fields by key, in lower case, as they came.
type object struct {
	line   int
	kind   string // the key of its first field
	fields map[string][]string
}

func (o *object) first(keys ...string) string {
	for _, k := range keys {
		for _, v := range o.fields[k] {
			if v != "" {
				return v
			}
		}
	}
	return ""
}

// answers gathers the objects of whois text. References between them are resolved at the end, for the object that is
// referred to comes later, or in another answer.
type answers struct {
	nets    []object
	handles map[string]*object        // by handle, of persons, roles, organisations and incident response teams
	said    map[netblock.Range]string // abuse contacts that the server names beside the objects
}

// readText reads whois answers, of any of the registries and any number, and their dumps: objects of "key: value" lines,
// parted by empty ones.
func readText(name string, in io.Reader, r *Result) error {
	a := answers{handles: map[string]*object{}, said: map[netblock.Range]string{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), mostLine)
	var open *object
	key := ""
	done := func() {
		if open != nil {
			a.add(open)
		}
		open, key = nil, ""
	}
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimRight(lines.Text(), " \t\r")
		switch {
		case line == "":
			done()
		case line[0] == '%' || line[0] == '#':
			a.remark(line)
		case line[0] == ' ' || line[0] == '\t' || line[0] == '+':
			if open != nil && key != "" { // the value goes on
				list := open.fields[key]
				list[len(list)-1] = strings.TrimSpace(list[len(list)-1] + " " + strings.TrimSpace(line[1:]))
			}
		case isField([]byte(line)):
			k, v, _ := strings.Cut(line, ":")
			k = strings.ToLower(k)
			if k == "inetnum" || k == "inet6num" || k == "netrange" { // some clients leave no empty line between answers
				done()
			}
			key = k
			if open == nil {
				open = &object{line: n, kind: key, fields: map[string][]string{}}
			}
			open.fields[key] = append(open.fields[key], strings.TrimSpace(v))
		default:
			key = "" // what people write between answers
		}
	}
	done()
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%s:%d: the line is longer than %d bytes; expected \"key: value\"", name, n+1, mostLine)
	} else if err != nil {
		return fmt.Errorf("%s:%d: %w", name, n+1, err)
	}
	a.resolve(r)
	return nil
}

// remark reads what RIPE's and APNIC's servers say beside the objects.
func (a *answers) remark(line string) {
	const lead = "Abuse contact for '"
	if i := strings.Index(line, lead); i >= 0 {
		where, rest, _ := strings.Cut(line[i+len(lead):], "'")
		_, rest, _ = strings.Cut(rest, "'")
		who, _, _ := strings.Cut(rest, "'")
		if x, err := parseRange(where); err == nil && mailAddress(who) != "" {
			a.said[x] = who
		}
	}
}

// add files an object. ARIN parts what belongs together with empty lines: what follows a network is its organisation.
func (a *answers) add(o *object) {
	switch o.kind {
	case "inetnum", "inet6num", "netrange":
		a.nets = append(a.nets, *o)
		return
	case "orgname", "custname", "orgabusehandle", "orgtechhandle", "rabusehandle", "orgnochandle":
		if n := len(a.nets); n > 0 && a.nets[n-1].kind == "netrange" {
			for k, v := range o.fields {
				a.nets[n-1].fields[k] = append(a.nets[n-1].fields[k], v...)
			}
		}
		return
	}
	for _, key := range []string{"nic-hdl", "nic-hdl-br", "organisation", "irt"} {
		if h := strings.ToUpper(o.first(key)); h != "" {
			a.handles[h] = o
		}
	}
}

// resolve makes entries of the networks.
func (a *answers) resolve(r *Result) {
	for i := range a.nets {
		o := &a.nets[i]
		text := o.first("inetnum", "inet6num", "netrange")
		where, err := parseRange(text)
		if err != nil {
			r.skip(o.line, "%s %q: %v", o.kind, text, err)
			continue
		}
		e := Entry{Range: where, Country: o.first("country"), Source: strings.ToUpper(firstWord(o.first("source"))), Abuse: a.abuse(o, where)}
		e.Parent, _ = parseRange(o.first("parent"))
		switch {
		case o.kind == "netrange":
			e.Source, e.Holder = "ARIN", o.first("custname", "orgname", "organization", "netname")
		case e.Source == "" && (o.first("ownerid", "owner") != ""):
			e.Source, e.Holder = "LACNIC", o.first("owner")
		default:
			if org := a.handles[strings.ToUpper(o.first("org"))]; org != nil {
				e.Holder = org.first("org-name")
			}
			if e.Holder == "" {
				e.Holder = o.first("descr", "owner", "netname")
			}
		}
		if why := nobody(o); why != "" {
			r.skip(o.line, "%s %s: %s", o.kind, where, why)
			continue
		}
		r.add(o.line, e)
	}
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

// nobody tells why a network isn't held by anybody who could be asked.
func nobody(o *object) string {
	status, name := strings.ToUpper(o.first("status", "nettype")), strings.ToUpper(o.first("netname"))
	switch {
	case strings.Contains(name, "NON-RIPE-NCC-MANAGED") || strings.HasPrefix(name, "IANA-") || strings.HasPrefix(name, "NOT-ALLOCATED"):
		return "not this registry's"
	case strings.Contains(status, "ALLOCATED TO ") || strings.Contains(status, "TRANSFERRED TO ") || status == "ALLOCATED UNSPECIFIED" || strings.HasPrefix(status, "IANA"):
		return "another registry's"
	case strings.Contains(status, "RESERVED") || strings.Contains(status, "AVAILABLE"):
		return "nobody's"
	}
	return ""
}

// abuse finds the abuse contact of a network: as the server names it, else of whom the object refers to, else as the object
// says in passing.
func (a *answers) abuse(o *object, where netblock.Range) string {
	if who := a.said[where]; who != "" {
		return who
	}
	for _, key := range []string{"abuse-mailbox", "rabuseemail", "orgabuseemail", "e-mail-abuse"} {
		if who := mailAddress(o.first(key)); who != "" {
			return who
		}
	}
	refers := func(o *object, keys ...string) []*object {
		var out []*object
		for _, k := range keys {
			for _, h := range o.fields[k] {
				if x := a.handles[strings.ToUpper(firstWord(h))]; x != nil {
					out = append(out, x)
				}
			}
		}
		return out
	}
	for _, x := range refers(o, "abuse-c", "mnt-irt") {
		if who := mailAddress(x.first("abuse-mailbox", "e-mail", "email")); who != "" {
			return who
		}
	}
	for _, org := range refers(o, "org") {
		for _, x := range append(refers(org, "abuse-c"), org) {
			if who := mailAddress(x.first("abuse-mailbox")); who != "" {
				return who
			}
		}
	}
	for _, x := range refers(o, "admin-c", "tech-c") {
		if who := mailAddress(x.first("abuse-mailbox")); who != "" {
			return who
		}
	}
	return inPassing(o.fields["remarks"])
}

// inPassing returns the mail address of remarks such as "send abuse reports to abuse@example.net"; nothing where they name
// several.
func inPassing(remarks []string) string {
	found := ""
	for _, line := range remarks {
		if !strings.Contains(strings.ToLower(line), "abuse") {
			continue
		}
		for _, word := range strings.Fields(line) {
			who := mailAddress(strings.Trim(word, ".,;:<>()[]\"'*"))
			if who == "" || who == found {
				continue
			}
			if found != "" {
				return ""
			}
			found = who
		}
	}
	return found
}
