// Package whois reads what others say: registries of whole ranges, in whois text, RDAP and delegation files; lists of clouds,
// crawlers, attackers and the like; and abuse reports of single addresses. Bytes in, entries out; nothing is looked up, and what
// isn't said stays unknown.
package whois

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lastresort/decide/history"
	"lastresort/decide/mail"
	"lastresort/netblock"
)

// Entry is one range and what is said of it. Label is the name that a list gives it, Parent the registration around it.
type Entry struct {
	Range   netblock.Range
	Holder  string
	Country string
	Abuse   string
	Source  string // the registry or list
	Label   string
	Parent  netblock.Range // the zero Range where none is said
	At      time.Time      // when it was seen; zero where none is said
	// Of what was reported only: the kind of sighting, and by whom.
	Kind, Reporter string
	Count          int64         // events; 0 where none is said
	First          time.Time     // of several; zero where none is said
	Own            bool          // a program on one of our own machines saw it, if the file is from one
	Proof          history.Proof // of what is our own
}

// Netblocks returns the netblock records of an entry, one for each prefix of its range.
func (e Entry) Netblocks() []history.Netblock {
	holder := e.Holder
	if holder == "" {
		holder = e.Label
	}
	var out []history.Netblock
	for _, p := range e.Range.Prefixes() {
		out = append(out, history.Netblock{Prefix: p, Holder: holder, Country: e.Country, Abuse: e.Abuse, Whois: e.Source})
	}
	return out
}

// Result is what was read of one file.
type Result struct {
	Format  Format
	Entries []Entry
	Skipped []Skip // in the order of the file
}

// Skip is a part of a file that says nothing of use, and why.
type Skip struct {
	Line int // from 1; 0 where it has none
	Why  string
}

// Format is what a file was recognised as.
type Format string

// The formats. Records are those of package history, which this package doesn't read.
const (
	Records   Format = "records"
	Text      Format = "whois"     // whois answers and registry dumps: objects of "key: value" lines
	RDAP      Format = "rdap"      // RFC 9083
	Delegated Format = "delegated" // the registries' statistics exchange format
	CloudJSON Format = "cloud"     // what clouds publish of their ranges
	List      Format = "list"      // one range a line, or CSV
	XARF      Format = "xarf"      // abuse reports that somebody sent us
	Mail      Format = "mail"      // mails, which package mail takes apart
	CrowdSec  Format = "crowdsec"  // alerts and decisions of CrowdSec
	SQLite    Format = "sqlite"    // a database, such as fail2ban's
)

// Unsaid tells whether nothing is said of who holds the ranges, so that somebody must say what they are.
func (r *Result) Unsaid() bool {
	return (r.Format == CloudJSON || r.Format == List) && !slices.ContainsFunc(r.Entries, func(e Entry) bool { return e.Country != "" })
}

// most is the most bytes of one JSON document, and of one line.
const (
	mostJSON = 64 << 20
	mostLine = 1 << 20
)

// Open returns what of in there is to read, unpacked where it is gzipped, and what format it is in.
func Open(in io.Reader) (*bufio.Reader, Format, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	if magic, err := r.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, "", fmt.Errorf("it begins like gzip and is none: %w", err)
		}
		r = bufio.NewReaderSize(z, 64<<10)
	}
	head, err := r.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", err
	}
	return r, recognise(head), nil
}

// recognise tells a format by its first bytes.
func recognise(head []byte) Format {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(text) == 0:
		return Records
	case bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return SQLite
	case string(bytes.TrimRight(text, " \r\n")) == "null" || string(bytes.TrimRight(text, " \r\n")) == "[]":
		return CrowdSec // of which there is nothing to tell
	case text[0] == '{' || text[0] == '[':
		return recogniseJSON(text)
	case mail.Is(text):
		return Mail
	}
	for _, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimRight(line, "\r")
		switch {
		case len(line) == 0 || line[0] == '#' || line[0] == '%' || line[0] == ';':
			continue
		case bytes.Count(line, []byte("|")) >= 5:
			return Delegated
		case isField(line):
			return Text
		}
		return List
	}
	if text[0] == '%' || text[0] == '#' && bytes.Contains(text, []byte("WHOIS")) {
		return Text
	}
	return List
}

func recogniseJSON(text []byte) Format {
	rest := bytes.TrimLeft(text[1:], " \t\r\n")
	if bytes.HasPrefix(rest, []byte(`"type"`)) {
		after := bytes.TrimLeft(rest[len(`"type"`):], " \t:")
		for _, t := range history.Types() {
			if bytes.HasPrefix(after, []byte(`"`+t+`"`)) {
				return Records
			}
		}
	}
	if bytes.Contains(text, []byte(`"xarf_version"`)) || bytes.Contains(text, []byte(`"ReporterInfo"`)) {
		return XARF
	}
	if bytes.Contains(text, []byte(`"origin"`)) && bytes.Contains(text, []byte(`"scenario"`)) || bytes.Contains(text, []byte(`"events_count"`)) {
		return CrowdSec
	}
	if bytes.Contains(text, []byte(`"objectClassName"`)) || bytes.Contains(text, []byte(`"rdapConformance"`)) || bytes.Contains(text, []byte(`"startAddress"`)) {
		return RDAP
	}
	for _, key := range []string{"prefixes", "addressPrefixes", "addresses", "regions", "values", "cidrs", "list", "result"} {
		if bytes.Contains(text, []byte(`"`+key+`"`)) {
			return CloudJSON
		}
	}
	if text[0] == '[' || bytes.Contains(text, []byte(`/`)) && !bytes.Contains(text, []byte(`"type"`)) {
		return CloudJSON
	}
	return Records
}

// isField tells whether a line is "key: value" as registries write it: the key a word of letters and dashes.
func isField(line []byte) bool {
	i := bytes.IndexByte(line, ':')
	if i <= 0 || i+1 < len(line) && line[i+1] != ' ' && line[i+1] != '\t' {
		return false
	}
	for _, c := range line[:i] {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// Read reads a file of any format but Records. Errors have its name and the place.
func Read(name string, in io.Reader, format Format) (Result, error) {
	r := Result{Format: format}
	var err error
	switch format {
	case Text:
		err = readText(name, in, &r)
	case RDAP:
		err = readRDAP(name, in, &r)
	case Delegated:
		err = readDelegated(name, in, &r)
	case CloudJSON:
		err = readCloud(name, in, &r)
	case List:
		err = readList(name, in, &r)
	case XARF:
		err = readXARF(name, in, &r)
	case CrowdSec:
		err = readCrowdSec(name, in, &r)
	default:
		err = fmt.Errorf("%s: format %q isn't read here", name, format)
	}
	return r, err
}

func (r *Result) skip(line int, format string, args ...any) {
	r.Skipped = append(r.Skipped, Skip{line, fmt.Sprintf(format, args...)})
}

// add adds an entry unless its range is one that nobody holds.
func (r *Result) add(line int, e Entry) {
	for _, x := range []*string{&e.Holder, &e.Label, &e.Source} {
		*x = strings.Join(strings.Fields(*x), " ")
	}
	e.Country = country(e.Country)
	e.Abuse = mailAddress(e.Abuse)
	widest := 8
	if !e.Range.Is4() {
		widest = 16
	}
	if p, ok := e.Range.Prefix(); ok && p.Bits() < widest {
		r.skip(line, "%s is no holder's; expected nothing wider than a /%d", e.Range, widest)
		return
	}
	r.Entries = append(r.Entries, e)
}

// country returns a country code as records have it, and nothing for anything else.
func country(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) < 2 || len(s) > 2 && s[2] != ' ' && s[2] != '#' {
		return ""
	}
	if s = s[:2]; s == "ZZ" || s == "EU" || s == "AP" { // a region is no country
		return ""
	}
	for _, c := range s {
		if c < 'A' || c > 'Z' {
			return ""
		}
	}
	return s
}

// mailAddress returns a mail address if that is all that a text is.
func mailAddress(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "mailto:")
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || len(s) > 254 || strings.ContainsAny(s, " \t<>()[],;:\\\"'") || strings.Count(s, "@") > 1 || !strings.Contains(s[at:], ".") {
		return ""
	}
	for _, c := range s {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return s
}

// parseRange reads a range as registries write it: with blanks around the dash, zeros in front, or the end of the address
// left out before the length.
func parseRange(s string) (netblock.Range, error) {
	s = strings.TrimSpace(s)
	first, last, two := strings.Cut(s, " - ")
	if !two {
		first, last, two = strings.Cut(s, "-")
	}
	if two {
		a, err := parseAddr(first)
		if err != nil {
			return netblock.Range{}, err
		}
		b, err := parseAddr(last)
		if err != nil {
			return netblock.Range{}, err
		}
		return netblock.Between(a, b)
	}
	addr, length, ok := strings.Cut(s, "/")
	a, err := parseAddr(addr)
	if err != nil {
		return netblock.Range{}, err
	}
	if !ok {
		return netblock.Single(a), nil
	}
	return netblock.ParseRange(a.String() + "/" + length)
}

// parseAddr reads an address as registries write it.
func parseAddr(s string) (netip.Addr, error) {
	s = strings.TrimSpace(s)
	if strings.Contains(s, ":") {
		return netblock.ParseAddr(strings.ToLower(s))
	}
	parts := strings.Split(s, ".")
	for len(parts) < 4 && len(parts) > 0 {
		parts = append(parts, "0")
	}
	for i, p := range parts {
		if p = strings.TrimLeft(p, "0"); p == "" && len(parts[i]) > 0 {
			p = "0"
		}
		parts[i] = p
	}
	a, err := netip.ParseAddr(strings.Join(parts, "."))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%q is no address; expected one like 203.0.113.7 or 2001:db8::7", s)
	}
	return a, nil
}
