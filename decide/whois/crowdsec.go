package whois

import (
	"fmt"
	"io"
	"strings"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// crowdsecAlert is an alert of CrowdSec, as cscli alerts list and cscli decisions list print them with -o json, and a decision of
// its local API, which stands for itself.
type crowdsecAlert struct {
	Scenario  string             `json:"scenario"`
	Events    int64              `json:"events_count"`
	Created   string             `json:"created_at"`
	Start     string             `json:"start_at"`
	Stop      string             `json:"stop_at"`
	Simulated bool               `json:"simulated"`
	Source    crowdsecTarget     `json:"source"`
	Decisions []crowdsecDecision `json:"decisions"`

	crowdsecDecision
}

type crowdsecTarget struct {
	Scope string `json:"scope"`
	Value string `json:"value"`
	IP    string `json:"ip"`
}

type crowdsecDecision struct {
	Origin   string `json:"origin"`
	Scope    string `json:"scope"`
	Value    string `json:"value"`
	Scenario string `json:"scenario"`
	Until    string `json:"until"`
	Duration string `json:"duration"`
}

// readCrowdSec reads alerts one after the other. What the instance found itself is its own, what it took from the community or
// from lists is others', and what a person decided is no sighting.
func readCrowdSec(name string, in io.Reader, r *Result) error {
	return readJSON(in, func(i int, x *crowdsecAlert) {
		switch {
		case x.Value != "": // a decision alone
			x.Decisions = []crowdsecDecision{x.crowdsecDecision}
		case len(x.Decisions) == 0 && x.Source == crowdsecTarget{} && x.Scenario == "":
			return // null, which cscli prints where there is nothing
		case len(x.Decisions) == 0:
			x.take(i, crowdsecDecision{Origin: "crowdsec", Scope: x.Source.Scope, Value: x.Source.Value}, r)
		}
		seen := map[string]bool{}
		for _, d := range x.Decisions {
			if key := d.Origin + "\x00" + d.Value; !seen[key] { // a ban and a captcha for the same
				seen[key] = true
				x.take(i, d, r)
			}
		}
	}, name+": alert", "an alert or a decision of CrowdSec")
}

// take adds what one decision is made of.
func (x *crowdsecAlert) take(i int, d crowdsecDecision, r *Result) {
	e, err := x.entry(d)
	if err != nil {
		r.skip(0, "alert %d: %v", i, err)
		return
	}
	r.Entries = append(r.Entries, e)
}

func (x *crowdsecAlert) entry(d crowdsecDecision) (Entry, error) {
	scenario := x.Scenario
	if d.Scenario != "" && (scenario == "" || x.Source.Value != d.Value) {
		scenario = d.Scenario
	}
	e := Entry{Source: "CrowdSec", Count: 1}
	var known bool
	e.Kind, e.Proof, known = scenarioKind(scenario)
	switch {
	case x.Simulated:
		return e, fmt.Errorf("%s was simulated", scenario)
	case d.Origin == "crowdsec":
		e.Own, e.Reporter = known, "crowdsec"
	case d.Origin == "CAPI":
		e.Reporter = "crowdsec-community"
	case d.Origin == "lists":
		e.Reporter = "crowdsec-list:" + strings.Join(strings.Fields(scenario), " ")
	case strings.HasPrefix(d.Origin, "lists:"):
		e.Reporter = "crowdsec-list:" + strings.Join(strings.Fields(d.Origin[len("lists:"):]), " ")
	default: // cscli, cscli-import, console, appsec and remediation_sync: what somebody decided
		return e, fmt.Errorf("%q was decided by %q and seen by nobody; expected the origin crowdsec, CAPI or lists", d.Value, d.Origin)
	}
	if scope := strings.ToLower(d.Scope); scope != "ip" && scope != "range" {
		return e, fmt.Errorf("%q is a %s; expected an address", d.Value, scope)
	}
	where, err := netblock.ParseRange(d.Value)
	if err != nil {
		return e, err
	}
	if where.First() != where.Last() {
		return e, fmt.Errorf("%s is more than one address, and a sighting is of one", where)
	}
	e.Range = where
	for _, text := range []string{x.Stop, x.Start, x.Created} {
		if e.At.IsZero() {
			e.At = crowdsecTime(text)
		}
	}
	if first := crowdsecTime(x.Start); !first.IsZero() && !first.After(e.At) {
		e.First = first
	}
	if e.Own && x.Events > 0 {
		e.Count = min(x.Events, mostOccurrences)
	}
	return e, nil
}

// crowdsecTime reads a time in RFC 3339, or as Go prints times.
func crowdsecTime(text string) time.Time {
	if t := moment(text); !t.IsZero() {
		return t
	}
	t, err := time.Parse("2006-01-02 15:04:05.999999999 -0700 MST", text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// scenarioKind returns what a scenario of CrowdSec's hub is a sighting of, and with what proof. It is false for one of which
// nobody knows what it watches, such as one of the operator's own.
func scenarioKind(scenario string) (kind string, proof history.Proof, known bool) {
	_, name, ok := strings.Cut(scenario, "/")
	if !ok {
		return "scan", history.OneWay, false
	}
	for _, c := range []struct{ part, kind string }{
		{"ssh-cve", "ssh-login"}, {"ssh-", "ssh-login"}, {"postfix-spam", "spam"}, {"postfix-helo", "spam"}, {"exim-spam", "spam"}, {"exim-bf", "mail-login"},
		{"dovecot", "mail-login"}, {"postfix", "mail-login"}, {"vsftpd", "ftp-login"}, {"proftpd", "ftp-login"}, {"pureftpd", "ftp-login"},
		{"http-bf", "web-login"}, {"http-wordpress_user-enum", "web-probe"}, {"http-bf-wordpress", "web-login"}, {"http-generic-bf", "web-login"}, {"nextcloud-bf", "web-login"},
		{"http-cve", "web-exploit"}, {"http-sqli", "web-exploit"}, {"http-xss", "web-exploit"}, {"http-path-traversal", "web-exploit"},
		{"http-backdoors", "web-exploit"}, {"http-open-proxy", "web-probe"}, {"http-", "web-probe"},
	} {
		if strings.HasPrefix(name, c.part) {
			return c.kind, history.TwoWay, true
		}
	}
	upper := strings.ToUpper(name)
	if strings.HasPrefix(upper, "CVE-") || strings.HasPrefix(upper, "FORTINET-CVE-") || strings.HasPrefix(name, "log4j2") || strings.HasPrefix(name, "apache_log4j2") || strings.HasPrefix(name, "vpatch-") {
		return "web-exploit", history.TwoWay, true
	}
	return "scan", history.OneWay, false
}
