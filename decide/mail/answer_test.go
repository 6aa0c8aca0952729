package mail_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lastresort/decide/history"
	"lastresort/decide/mail"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

var ourReports = mail.NewReports([]history.Report{
	{ID: "R-1", At: at("2026-10-01 09:00"), To: "abuse@example.net", Message: "<r1.x@ops.example>"},
	{ID: "R-12", At: at("2026-10-01 09:00"), To: "abuse@mail.example.net"},
	{ID: "7", At: at("2026-10-01 09:00"), To: "abuse@example.net"},
	{ID: "R-3", At: at("2026-10-01 09:00"), To: "someone@gmail.com"},
}, []string{"gmail.com"})

// answers returns what a mail says of our reports: REPORT STANCE[ DOUBT].
func answers(t *testing.T, text string) string {
	t.Helper()
	all, err := ourReports.Answers(read(t, text), at("2026-11-02 02:00"))
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, a := range all {
		x := a.Report + " " + string(a.Stance)
		if a.Doubt != "" {
			x += " (" + a.Doubt + ")"
		}
		out = append(out, x)
	}
	return strings.Join(out, ", ")
}

const dated = "Date: Fri, 02 Oct 2026 10:00:00 +0200\n"

func TestAnswers(t *testing.T) {
	desk := dated + "From: Desk <abuse@example.net>\n"
	doubt := "it is from x@example.org, and the report went to abuse@example.net"
	for _, c := range []struct{ text, want string }{
		{desk + "In-Reply-To: <r1.x@ops.example>\nSubject: Re: abuse\n\n", "R-1 "},
		{desk + "References: <a@b>\n <r1.x@ops.example>\nSubject: R-12\n\n", "R-1 "}, // the strongest way counts
		{desk + "Subject: Re: Abuse from 192.0.2.1 [lastresort R-1]\n\n", "R-1 "},
		{desk + "Subject: Ticket 8812 (r-1)\n\n", "R-1 "},
		{desk + "Subject: Re: R-1, R-12\n\n", "R-1  (it names several reports), R-12  (it names several reports)"},
		{desk + "Subject: R-11 R-1x xR-1 R-1-2 2026-R-1\n\n", ""},
		{desk + "Subject: 7 days\n\n", ""}, // it may stand for anything
		{desk + "Subject: [lastresort 7]\n\n", "7 "},
		{desk + "Subject: done\n\n> Our id: [lastresort R-1] of today\n", "R-1 "},
		{desk + "Subject: done\n\nR-1 is fixed\n", ""},
		{desk + "Subject: =?utf-8?b?W2xhc3RyZXNvcnQgUi0xXQ==?=\n\n", "R-1 "},
		{dated + "From: x@noc.example.net\nSubject: R-1\n\n", "R-1 "},
		{dated + "From: x@example.net\nSubject: R-12\n\n", "R-12 "},
		{dated + "From: x@example.org\nSubject: R-1\n\n", "R-1  (" + doubt + ")"},
		{dated + "From: \"abuse@example.net\" <x@example.org>\nSubject: R-1\n\n", "R-1  (" + doubt + ")"},
		{dated + "From: x@evil-example.net\nSubject: R-1\n\n", "R-1  (it is from x@evil-example.net, and the report went to abuse@example.net)"},
		{dated + "From: x@net\nSubject: R-1\n\n", "R-1  (it is from x@net, and the report went to abuse@example.net)"},
		{dated + "From: abuse@example.net\nFrom: x@example.org\nSubject: R-1\n\n", "R-1  (it doesn't say who it is from)"},
		{dated + "From: other@gmail.com\nSubject: R-3\n\n", "R-3  (it is from other@gmail.com, and the report went to someone@gmail.com)"},
		{dated + "From: someone@gmail.com\nSubject: R-3\n\n", "R-3 "},
		{"From: abuse@example.net\nSubject: R-1\n\n", "R-1  (it is dated before the report)"},
		{"Date: Fri, 02 Oct 2027 10:00:00 +0200\nFrom: abuse@example.net\nSubject: R-1\n\n", "an answer that is dated 2027-10-02T08:00:00Z, in the future"},
		// Programs' answers.
		{desk + "Auto-Submitted: auto-replied (vacation)\nSubject: R-1\n\n", "R-1 automatic"},
		{desk + "Auto-Submitted: no\nSubject: R-1\n\n", "R-1 "},
		{desk + "X-Autoreply: yes\nSubject: R-1\n\n", "R-1 automatic"},
		{desk + "Precedence: auto_reply\nSubject: R-1\n\n", "R-1 automatic"},
		{desk + "Precedence: BULK\nSubject: R-1\n\n", "R-1 automatic"},
		{desk + "Return-Path: <>\nSubject: R-1\n\n", "R-1 automatic"},
		{desk + "Return-Path: <abuse@example.net>\nSubject: R-1\n\n", "R-1 "},
		{dated + "From: x@example.org\nAuto-Submitted: auto-replied\nSubject: R-1\n\n", "R-1 automatic (" + doubt + ")"},
		{desk + "X-Failed-Recipients: abuse@example.net\nSubject: R-1\n\n", "R-1 bounced"},
	} {
		if got := answers(t, c.text); got != c.want {
			t.Errorf("%s\nis %q; expected %q", c.text, got, c.want)
		}
	}
}

// returned is what a mail server writes of a mail that it couldn't deliver.
func returned(recipient, action, status, header string) string {
	return dated + "From: MAILER-DAEMON@mx.example\nReturn-Path: <>\nSubject: Undelivered mail\nAuto-Submitted: auto-replied\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nI'm sorry.\n--b\nContent-Type: message/delivery-status\n\n" +
		"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; " + recipient + "\nAction: " + action + "\nStatus: " + status + "\n\n--b\n" +
		"Content-Type: message/rfc822\n\n" + header + "\n\ntext\n--b--\n"
}

func TestBounces(t *testing.T) {
	id := "Message-ID: <r1.x@ops.example>"
	for _, c := range []struct{ text, want string }{
		{returned("abuse@example.net", "failed", "5.1.1", id), "R-1 bounced"},
		{returned("Abuse@Example.net", "Failed", "5.1.1", "Subject: abuse [lastresort R-1]"), "R-1 bounced"},
		{returned("x@example.org", "failed", "5.1.1", id), "R-1 bounced (it isn't said that it was for abuse@example.net)"},
		{returned("abuse@example.net", "delayed", "4.4.1", id), ""},
		{returned("abuse@example.net", "failed", "4.4.1", id), ""},
		{returned("abuse@example.net", "delivered", "2.0.0", id), "R-1 automatic (it is from mailer-daemon@mx.example, and the report went to abuse@example.net)"},
		{returned("abuse@example.net", "failed", "5.1.1", "Subject: newsletter"), ""},
		// What doesn't come as a report of a mail server is none, whatever is attached.
		{strings.Replace(returned("abuse@example.net", "failed", "5.1.1", id), "multipart/report", "multipart/mixed", 1), ""},
	} {
		if got := answers(t, c.text); got != c.want {
			t.Errorf("%s\nis %q; expected %q", c.text, got, c.want)
		}
	}
}

// FuzzAnswers holds that no mail is taken for an answer of a person, and none without doubt from elsewhere than the report went to.
func FuzzAnswers(f *testing.F) {
	f.Add("x@example.org", "R-1", "[lastresort R-12]")
	f.Add("a@example.net, b@example.org", "=?utf-8?q?R-1?=", "fixed")
	f.Add("\"abuse@example.net\" <x@example.org>", "[lastresort R-1] [lastresort 7]", "\x00")
	f.Fuzz(func(t *testing.T, from, subject, text string) {
		line := strings.NewReplacer("\n", "", "\r", "")
		m, err := mail.Read(strings.NewReader(fmt.Sprintf("%sFrom: %s\nSubject: %s\n\n%s", dated, line.Replace(from), line.Replace(subject), text)))
		if err != nil {
			return
		}
		all, err := ourReports.Answers(m, at("2026-11-02 02:00"))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			fits := strings.HasSuffix(a.From, "@example.net") || strings.HasSuffix(a.From, ".example.net") || a.From == "someone@gmail.com"
			if a.Stance != "" || a.Doubt == "" && !fits || len(a.Subject) > 210 || strings.ContainsAny(a.Subject, "\n\x00"[:1]) {
				t.Errorf("%+v", a)
			}
		}
	})
}
