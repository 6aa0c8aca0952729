package whois

import (
	"fmt"
	"strings"
	"testing"

	"lastresort/decide/mail"
)

// reportedIn returns what a mail reports, one line an address, and how many parts were skipped.
func reportedIn(t testing.TB, text string) (string, int) {
	t.Helper()
	m, err := mail.Read(strings.NewReader(text))
	if err != nil {
		return "", 0
	}
	entries, skipped := Reported(m)
	var out []string
	for _, e := range entries {
		out = append(out, fmt.Sprintf("%s %s %d %s by %s", e.Range, e.Kind, e.Count, e.At.Format("01-02 15:04"), e.Reporter))
	}
	return strings.Join(out, "\n"), len(skipped)
}

const (
	mailHead = "From: \"Abuse\" <noreply@Reporter.example>\nSubject: abuse\nDate: Sun, 01 Nov 2026 11:00:00 +0100\n"
	arf      = mailHead + "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nAbout 203.0.113.99.\n--b\nContent-Type: message/feedback-report\n\n%s\n" +
		"--b\nContent-Type: message/rfc822\n\nReceived: from x ([203.0.113.99])\nSubject: x\n\nSource-IP: 203.0.113.99\n--b--\n"
	arfFields = "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nSource-IP: 192.0.2.66\nArrival-Date: Sun, 01 Nov 2026 10:00:00 +0000\nReported-Domain: a.example\nReported-Domain: b.example\nIncidents: 3\n"
	xarf2     = mailHead + "X-XARF: PLAIN\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHello 203.0.113.99.\n" +
		"--b\nContent-Type: text/plain; name=\"report.txt\"\n\n%s--b\nContent-Type: text/plain; name=\"log.txt\"\n\nSource: 203.0.113.99\n--b--\n"
	xarf2Fields = "---\nReported-From: abuse@reporter.example\nCategory: abuse\nReport-Type: login-attack\nService: postfix\nVersion: 0.2\nDate: Sun, 01 Nov 2026 10:00:00 +0000\n" +
		"Source-Type: ipv4\nSource: 192.0.2.66\nSchema-URL: http://x.example/1\nAttachment: text/plain\n"
	xarf3     = mailHead + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello.\n--b\nContent-Type: application/json; name=xarf.json\n\n%s\n--b--\n"
	xarf3JSON = `{"Version":"3","ReporterInfo":{"ReporterOrg":"x","ReporterOrgDomain":"reporter.example"},"Report":{"ReportType":"LoginAttack","Date":"2026-11-01T10:00:00Z","SourceIp":"192.0.2.66"}}`
)

func TestReportedInMails(t *testing.T) {
	for _, c := range []struct {
		text, want string
		skipped    int
	}{
		{fmt.Sprintf(arf, arfFields), "192.0.2.66 spam 3 11-01 10:00 by reporter.example", 0},
		{fmt.Sprintf(arf, strings.Replace(arfFields, "Arrival-Date", "Received-Date", 1)), "192.0.2.66 spam 3 11-01 10:00 by reporter.example", 0},
		{fmt.Sprintf(arf, strings.Replace(arfFields, "192.0.2.66", "[2001:db8::66]", 1)), "2001:db8::66 spam 3 11-01 10:00 by reporter.example", 0},
		{fmt.Sprintf(arf, strings.Replace(arfFields, "abuse", "not-spam", 1)), "", 1},
		{fmt.Sprintf(arf, arfFields+"Source-IP: 203.0.113.99\n"), "", 1},
		{fmt.Sprintf(arf, "Feedback-Type: abuse\n"), "", 1},
		{strings.Replace(fmt.Sprintf(arf, arfFields), "report-type=feedback-report", "report-type=delivery-status", 1), "", 0},
		{fmt.Sprintf(xarf2, xarf2Fields), "192.0.2.66 mail-login 1 11-01 10:00 by reporter.example", 0},
		{fmt.Sprintf(xarf2, xarf2Fields+"Occurrences: 12\n"), "192.0.2.66 mail-login 12 11-01 10:00 by reporter.example", 0},
		{fmt.Sprintf(xarf2, strings.Replace(xarf2Fields, "ipv4", "uri", 1)), "", 1},
		{fmt.Sprintf(xarf2, strings.Replace(xarf2Fields, "192.0.2.66", "192.0.2.0/24", 1)), "", 1},
		{fmt.Sprintf(xarf2, strings.Replace(xarf2Fields, "Sun, 01 Nov 2026", "some day", 1)), "", 1},
		{fmt.Sprintf(xarf2, strings.Replace(xarf2Fields, "abuse@reporter.example", "local", 1)), "192.0.2.66 mail-login 1 11-01 10:00 by reporter.example", 0},
		{fmt.Sprintf(xarf3, xarf3JSON), "192.0.2.66 ssh-login 0 11-01 10:00 by reporter.example", 0},
		{fmt.Sprintf(xarf3, strings.Replace(xarf3JSON, "reporter.example", "local", 1)), "", 1},
		{fmt.Sprintf(xarf3, xarf3JSON[:80]), "", 1},
		{mailHead + "\n" + xarf3JSON + xarf2Fields, "", 0}, // people's words
	} {
		got, skipped := reportedIn(t, c.text)
		if got != c.want || skipped != c.skipped {
			t.Errorf("%s\nreports %q, %d skipped; expected %q, %d", c.text, got, skipped, c.want, c.skipped)
		}
	}
}

// outsideTemplates are mails and files in which others write what they like at %s.
var outsideTemplates = []string{
	"Subject: %s\n" + fmt.Sprintf(arf, arfFields),
	"X-Note: %s\n" + fmt.Sprintf(xarf2, xarf2Fields),
	"From: \"%s\" <x@y.example>\n" + strings.Replace(fmt.Sprintf(arf, arfFields), mailHead, "", 1),
	fmt.Sprintf(arf, arfFields+"Original-Mail-From: %s\n"),
	fmt.Sprintf(arf, arfFields+"Reported-URI: %s\n"),
	strings.Replace(fmt.Sprintf(arf, arfFields), "About", "%s", 1),
	strings.Replace(fmt.Sprintf(arf, arfFields), "Subject: x", "Subject: %s", 1),
	fmt.Sprintf(xarf2, xarf2Fields+"User-Agent: %s\n"),
	fmt.Sprintf(xarf2, xarf2Fields+"Report-ID: %s\n"),
	strings.Replace(fmt.Sprintf(xarf2, xarf2Fields), "Hello", "%s", 1),
	strings.Replace(fmt.Sprintf(xarf2, xarf2Fields), "Source: 203.0.113.99\n--b--", "%s\n--b--", 1),
	strings.Replace(fmt.Sprintf(xarf3, xarf3JSON), "Hello", "%s", 1),
	strings.Replace(fmt.Sprintf(xarf3, xarf3JSON), `"ReporterOrg":"x"`, `"ReporterOrg":"%s"`, 1),
	strings.Replace(fmt.Sprintf(xarf3, xarf3JSON), `"SourceIp"`, `"UserAgent":"%s","SourceIp"`, 1),
	`[{"scenario":"crowdsecurity/ssh-bf","events_count":6,"message":"%s","start_at":"2026-11-01T10:00:00Z","source":{"scope":"Ip","value":"192.0.2.66"},"decisions":[{"origin":"crowdsec","scope":"Ip","value":"192.0.2.66"}]}]`,
	`[{"scenario":"crowdsecurity/ssh-bf","events_count":6,"events":[{"meta":[{"key":"target_user","value":"%s"}]}],"source":{"scope":"Ip","value":"192.0.2.66","as_name":"%s"},"decisions":null}]`,
}

// outsideNames are what is written there to have somebody else reported: 203.0.113.99.
var outsideNames = []string{
	"203.0.113.99", "Source-IP: 203.0.113.99", "Source: 203.0.113.99", "--b", "--b--", "---", `","SourceIp":"203.0.113.99`[2:], "=?utf-8?q?Source-IP:_203.0.113.99?=",
	"=?utf-8?b?U291cmNlLUlQOiAyMDMuMC4xMTMuOTkK?=", "\x00", "\xff\xfe", "\x1b[2J", "[203.0.113.99]", "203.0.113.99 - - [01/Nov/2026:10:00:00 +0100] \\\"GET /.env\\\"", "%0aSource-IP:%20203.0.113.99",
	"\\nSource: 203.0.113.99", "\\u000aSource: 203.0.113.99", "From x Sun Nov  1 10:00:00 2026", "::ffff:203.0.113.99", strings.Repeat("203.0.113.99 ", 100),
}

// onlyTheReported holds that a file reports its own address or nobody, and returns how many it does.
func onlyTheReported(t *testing.T, text, name string) int {
	t.Helper()
	text = strings.ReplaceAll(text, "%s", strings.NewReplacer("\n", "", "\r", "").Replace(name))
	var entries []Entry
	if text[0] == '[' {
		r, _ := Read("test", strings.NewReader(text), CrowdSec)
		entries = r.Entries
	} else if m, err := mail.Read(strings.NewReader(text)); err == nil {
		entries, _ = Reported(m)
	}
	for _, e := range entries {
		if e.Range.String() != "192.0.2.66" || e.Reporter == "" || strings.HasPrefix(e.Reporter, "local") {
			t.Errorf("%s\nreports %+v", text, e)
		}
	}
	return len(entries)
}

func TestNobodyElseIsReported(t *testing.T) {
	counted := 0
	for _, text := range outsideTemplates {
		for _, name := range outsideNames {
			counted += onlyTheReported(t, text, name)
		}
	}
	if all := len(outsideTemplates) * len(outsideNames); counted < all*3/4 {
		t.Errorf("%d of %d were read; expected most", counted, all)
	}
}

func FuzzReported(f *testing.F) {
	for i := range outsideTemplates {
		f.Add(i, outsideNames[i])
	}
	f.Fuzz(func(t *testing.T, i int, name string) {
		if i < 0 || i >= len(outsideTemplates) || len(name) > 4000 || outsideTemplates[i][0] == '[' && strings.Contains(name, `"`) || strings.Contains(name, `"`) && i > 10 {
			return // what ends a text of JSON is JSON
		}
		onlyTheReported(t, outsideTemplates[i], name)
	})
}

func TestCrowdSec(t *testing.T) {
	text := `[
 {"scenario":"crowdsecurity/ssh-bf","events_count":6,"start_at":"2026-11-01T09:59:00Z","stop_at":"2026-11-01T10:00:00Z","source":{"scope":"Ip","value":"192.0.2.66","ip":"192.0.2.66"},
  "decisions":[{"origin":"crowdsec","scope":"Ip","value":"192.0.2.66","type":"ban"},{"origin":"crowdsec","scope":"Ip","value":"192.0.2.66","type":"captcha"}]},
 {"scenario":"me/own-scenario","events_count":4,"created_at":"2026-11-01 10:00:00.5 +0000 UTC","source":{"scope":"Ip","value":"192.0.2.67"},"decisions":[{"origin":"crowdsec","scope":"Ip","value":"192.0.2.67"}]},
 {"scenario":"update : +2/-0 IPs","created_at":"2026-11-01T10:00:00Z","source":{"scope":"crowdsecurity/community-blocklist","value":""},
  "decisions":[{"origin":"CAPI","scenario":"crowdsecurity/http-probing","scope":"ip","value":"192.0.2.68"},{"origin":"CAPI","scenario":"crowdsecurity/ssh-bf","scope":"range","value":"198.51.100.0/24"}]},
 {"scenario":"firehol","created_at":"2026-11-01T10:00:00Z","source":{"scope":"lists:firehol","value":""},"decisions":[{"origin":"lists","scenario":"firehol","scope":"ip","value":"192.0.2.69"}]},
 {"scenario":"manual","source":{"scope":"Ip","value":"192.0.2.70"},"decisions":[{"origin":"cscli","scope":"Ip","value":"192.0.2.70"}]},
 {"scenario":"crowdsecurity/http-crawl-non_statics","events_count":40,"start_at":"2026-11-01T10:00:00Z","source":{"scope":"Ip","value":"2001:db8::66"},"decisions":[]},
 {"scenario":"crowdsecurity/ssh-bf","simulated":true,"source":{"scope":"Ip","value":"192.0.2.71"},"decisions":[]},
 {"id":9,"origin":"crowdsec","scope":"Ip","value":"192.0.2.72","scenario":"crowdsecurity/ssh-bf","duration":"3h"},
 {"scenario":"x/y","source":{"scope":"Country","value":"XX"},"decisions":[]}
]`
	for _, empty := range []string{"null\n", "[]"} { // what cscli prints where there is nothing
		in, format, err := Open(strings.NewReader(empty))
		if err != nil || format != CrowdSec {
			t.Fatal(format, err)
		}
		if r, err := Read("test", in, format); err != nil || len(r.Entries)+len(r.Skipped) != 0 {
			t.Errorf("%q: %+v, %v", empty, r, err)
		}
	}
	_, format, err := Open(strings.NewReader(text))
	if err != nil || format != CrowdSec {
		t.Fatal(format, err)
	}
	r, err := Read("test", strings.NewReader(text), format)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range r.Entries {
		got = append(got, fmt.Sprintf("%s %s %d by %s %v %s", e.Range, e.Kind, e.Count, e.Reporter, e.Own, e.Proof))
	}
	want := []string{"192.0.2.66 ssh-login 6 by crowdsec true two-way", "192.0.2.67 scan 1 by crowdsec false one-way", "192.0.2.68 web-probe 1 by crowdsec-community false two-way",
		"192.0.2.69 scan 1 by crowdsec-list:firehol false one-way", "2001:db8::66 web-probe 40 by crowdsec true two-way", "192.0.2.72 ssh-login 1 by crowdsec true two-way"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || len(r.Skipped) != 4 {
		t.Errorf("%s\n%v", strings.Join(got, "\n"), r.Skipped)
	}
}
