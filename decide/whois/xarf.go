package whois

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// xarf is an abuse report in JSON that somebody sent us: XARF 4, and 3 in its two spellings.
type xarf struct {
	Version  string       `json:"xarf_version"`
	At       string       `json:"timestamp"`
	Reporter xarfReporter `json:"reporter"`
	Source   string       `json:"source_identifier"`
	Category string       `json:"category"`
	Type     string       `json:"type"`

	OldVersion string `json:"Version"`
	Old        struct {
		Org    string `json:"ReporterOrg"`
		Domain string `json:"ReporterOrgDomain"`
	} `json:"ReporterInfo"`
	Report struct {
		At string `json:"Date"`
		IP string `json:"SourceIp"`
		// Of an account that was broken into, it is the other side that attacked.
		Attacker string `json:"AttackerIp"`
		Source   struct {
			IP string `json:"IP"`
		} `json:"Source"`
		Type string `json:"ReportType"`
	} `json:"Report"`
}

type xarfReporter struct {
	Org    string `json:"org"`
	Domain string `json:"domain"`
}

// readXARF reads reports one after the other. One that names no address, such as one about a site's name, is skipped.
func readXARF(name string, in io.Reader, r *Result) error {
	return readJSON(in, func(i int, x *xarf) {
		if e, err := x.entry(); err != nil {
			r.skip(0, "report %d: %v", i, err)
		} else {
			r.Entries = append(r.Entries, e)
		}
	}, name+": report", "an XARF object")
}

func (x *xarf) entry() (Entry, error) {
	source, at, kind, reporter := x.Source, x.At, x.Category+" "+x.Type, x.Reporter.Domain
	if reporter == "" {
		reporter = x.Reporter.Org
	}
	if x.Version == "" {
		source, at, kind, reporter = x.Report.IP, x.Report.At, x.Report.Type, x.Old.Domain
		source = cmp.Or(source, x.Report.Source.IP, x.Report.Attacker)
		if reporter == "" {
			reporter = x.Old.Org
		}
	}
	if source == "" {
		return Entry{}, fmt.Errorf("it names no address")
	}
	a, err := netblock.ParseAddr(source)
	if err != nil {
		return Entry{}, err
	}
	seen, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return Entry{}, fmt.Errorf("%q is no time; expected RFC 3339", at)
	}
	reporter = strings.Join(strings.Fields(reporter), " ")
	if reporter == "" || history.IsLocal(reporter) { // nobody else is one of our own machines
		return Entry{}, fmt.Errorf("%q is nobody who reports; expected a domain or an organisation", reporter)
	}
	return Entry{Range: netblock.Single(a), At: seen.UTC(), Kind: kindOf(kind), Reporter: reporter, Source: "XARF"}, nil
}

// kindOf returns the kind of a sighting that a type of report is about.
func kindOf(what string) string {
	what = strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(what))
	if strings.Contains(what, "login") || strings.Contains(what, "bruteforce") {
		for _, c := range []struct{ part, kind string }{{"postfix", "mail-login"}, {"imap", "mail-login"}, {"pop3", "mail-login"}, {"smtp", "mail-login"}, {"dovecot", "mail-login"},
			{"mail", "mail-login"}, {"ftp", "ftp-login"}, {"apache", "web-login"}, {"http", "web-login"}, {"wordpress", "web-login"}} {
			if strings.Contains(what, c.part) {
				return c.kind
			}
		}
		return "ssh-login"
	}
	for _, c := range []struct{ part, kind string }{{"spam", "spam"}, {"bulkmessaging", "spam"}, {"sqlinjection", "web-exploit"}, {"exploit", "web-exploit"},
		{"scraping", "web-probe"}, {"vulnerabilityscan", "web-probe"}} {
		if strings.Contains(what, c.part) {
			return c.kind
		}
	}
	return "scan"
}
