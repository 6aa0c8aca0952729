package whois

import (
	"bytes"
	"fmt"
	stdmail "net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"lastresort/decide/history"
	"lastresort/decide/mail"
	"lastresort/netblock"
)

// Reported returns what a mail reports of addresses: ARF (RFC 5965), X-ARF 0.1 and 0.2, XARF 1 to 4. Only what stands in the
// field that each form has for it is an address of anybody; the mail that it is about, and what people write, isn't read.
// Where parts are reports that can't be used, the skips say why.
func Reported(m mail.Mail) ([]Entry, []Skip) {
	r := Result{}
	for i, p := range m.Parts {
		var e Entry
		var err error
		switch {
		case p.Quoted:
			continue
		case p.Type == "message/feedback-report" && m.Report == "feedback-report":
			e, err = feedback(m, p.Text)
		case isXARF(p):
			if err := readXARF(fmt.Sprintf("part %d", i+1), bytes.NewReader(p.Text), &r); err != nil {
				r.skip(0, "%v", err)
			}
			continue
		default:
			fields, ok := fieldsOfXARF(p)
			if !ok {
				continue
			}
			e, err = xarfMail(m, fields)
		}
		if err != nil {
			r.skip(0, "%v", err)
			continue
		}
		r.Entries = append(r.Entries, e)
	}
	return r.Entries, r.Skipped
}

// isXARF tells whether a part is a report of XARF 1 to 4.
func isXARF(p mail.Part) bool {
	text := bytes.TrimLeft(p.Text, " \t\r\n")
	return len(text) > 0 && text[0] == '{' && p.Type != "text/plain" &&
		(bytes.Contains(text, []byte(`"ReporterInfo"`)) || bytes.Contains(text, []byte(`"xarf_version"`)))
}

// fieldsOfXARF returns the fields of a report of X-ARF 0.1 or 0.2: a text of its own, of which nothing but fields is read.
func fieldsOfXARF(p mail.Part) (textproto.MIMEHeader, bool) {
	if p.Type != "text/plain" && !strings.Contains(p.Type, "yaml") {
		return nil, false
	}
	text := bytes.TrimLeft(p.Text, " \r\n")
	if !bytes.HasPrefix(text, []byte("---")) && !bytes.HasPrefix(text, []byte("Reported-From:")) && !strings.EqualFold(p.Name, "report.txt") {
		return nil, false
	}
	fields, ok := mail.Fields(text, "Reported-From", "Report-Type", "Service", "Source", "Source-Type", "Date", "Occurrences")
	for _, key := range []string{"Reported-From", "Report-Type", "Source"} {
		ok = ok && fields.Get(key) != ""
	}
	return fields, ok
}

// xarfMail reads a report of X-ARF 0.1 or 0.2.
func xarfMail(m mail.Mail, f textproto.MIMEHeader) (Entry, error) {
	if kind := strings.ToLower(f.Get("Source-Type")); kind != "" && !strings.HasPrefix(kind, "ip") {
		return Entry{}, fmt.Errorf("it is about the %s %q; expected an address", kind, f.Get("Source"))
	}
	e, err := mailed(m, f.Get("Source"), f.Get("Date"), f.Get("Reported-From"))
	e.Kind, e.Source = kindOf(f.Get("Report-Type")+" "+f.Get("Service")), "X-ARF"
	e.Count = occurrences(f.Get("Occurrences"))
	return e, err
}

// feedback reads a report of ARF (RFC 5965).
func feedback(m mail.Mail, text []byte) (Entry, error) {
	f, ok := mail.Fields(text, "Feedback-Type", "Source-Ip", "Arrival-Date", "Received-Date", "Incidents")
	if !ok {
		return Entry{}, fmt.Errorf("a feedback report with no fields, or one of them twice")
	}
	switch kind := strings.ToLower(f.Get("Feedback-Type")); kind {
	case "abuse", "fraud", "virus", "other":
	default: // not-spam, opt-out, auth-failure and the like
		return Entry{}, fmt.Errorf("feedback of type %q; expected abuse, fraud, virus or other", kind)
	}
	at := f.Get("Arrival-Date")
	if at == "" {
		at = f.Get("Received-Date") // as the drafts of the standard had it
	}
	e, err := mailed(m, f.Get("Source-Ip"), at, m.From)
	e.Kind, e.Source, e.Count = "spam", "ARF", occurrences(f.Get("Incidents"))
	return e, err
}

// mostOccurrences bounds what one report may count: it is a claim of somebody else's.
const mostOccurrences = 1_000_000

func occurrences(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 1 {
		return 1
	}
	return min(n, mostOccurrences)
}

// mailed returns an entry of what a mail reports.
func mailed(m mail.Mail, source, at, from string) (Entry, error) {
	source = strings.Trim(strings.TrimSpace(source), "[]")
	if source == "" {
		return Entry{}, fmt.Errorf("it names no address")
	}
	a, err := netblock.ParseAddr(strings.TrimPrefix(source, "IPv6:"))
	if err != nil {
		return Entry{}, err
	}
	seen := m.Date
	if at != "" {
		if seen, err = mailTime(at); err != nil {
			return Entry{}, err
		}
	}
	reporter, err := reporterOf(from, m.From)
	return Entry{Range: netblock.Single(a), At: seen, Reporter: reporter}, err
}

// mailTime reads a time of a mail (RFC 5322) or of RFC 3339.
func mailTime(text string) (time.Time, error) {
	if t := moment(text); !t.IsZero() {
		return t, nil
	}
	t, err := stdmail.ParseDate(text)
	if err != nil {
		return t, fmt.Errorf("%q is no time; expected one like Sun, 01 Nov 2026 10:00:00 +0100", text)
	}
	return t.UTC(), nil
}

// reporterOf returns the domain of the first mail address that is one. Who sent a mail is easily forged: a report is context,
// whoever it is from.
func reporterOf(addresses ...string) (string, error) {
	for _, a := range addresses {
		if p, err := stdmail.ParseAddress(a); err == nil {
			a = p.Address
		}
		if a = mailAddress(a); a == "" {
			continue
		}
		if domain := strings.ToLower(a[strings.LastIndexByte(a, '@')+1:]); !history.IsLocal(domain) {
			return domain, nil
		}
	}
	return "", fmt.Errorf("nobody says who reports it; expected a mail address")
}
