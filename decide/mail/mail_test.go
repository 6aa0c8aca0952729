package mail_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"lastresort/decide/mail"
)

func read(t testing.TB, text string) mail.Mail {
	t.Helper()
	m, err := mail.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const nested = "From: =?utf-8?q?B=C3=BCro?= <Desk@Example.net>\r\nSubject: =?koi8-r?B?8NLJ18XU?= =?iso-8859-1?q?_caf=E9?=\r\n" +
	"Date: Sun, 01 Nov 2026 10:00:00 +0100\r\nreceived: a\r\n\tb\r\nthis is no line of a header\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"a b\"\r\n\r\npreamble\r\n" +
	"--a b\r\nContent-Type: multipart/alternative; boundary=c;\r\n\r\n--c\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\none=\r\n two=3D\r\n" +
	"--c\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n--c--\r\n" +
	"--a b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"xarf.JSON\"\r\nContent-Transfer-Encoding: base64\r\n\r\ne30 K\r\n" +
	"--a b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody\r\n--a b--\r\nepilogue\r\n"

func TestNestedParts(t *testing.T) {
	m := read(t, nested)
	if m.From != "desk@example.net" || m.Subject != "Привет café" || m.Date.Format("15:04") != "09:00" || m.Header.Get("Received") != "a b" || m.Cut != "" {
		t.Errorf("%+v", m)
	}
	var got []string
	for _, p := range m.Parts {
		got = append(got, fmt.Sprintf("%s %s %q", p.Type, p.Name, p.Text))
	}
	want := []string{`text/plain  "one two="`, `application/octet-stream xarf.JSON "{}\n"`, `text/plain  "body"`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q; expected %q", got, want)
	}
}

// TestSenders that are none or several are nobody.
func TestSenders(t *testing.T) {
	for header, want := range map[string]string{
		"From: a@example.net\n":                      "a@example.net",
		"From: \"b@example.org\" <a@example.net>\n":  "a@example.net",
		"From: a@example.net, b@example.net\n":       "",
		"From: a@example.net\nFrom: b@example.net\n": "",
		"From: desk\n": "",
		"Subject: x\n": "",
		"From: =?utf-8?q?a=40example=2Eorg?= <a@b.x>\n": "a@b.x",
	} {
		if m := read(t, header+"\nbody\n"); m.From != want {
			t.Errorf("%q is from %q; expected %q", header, m.From, want)
		}
	}
}

func TestBounds(t *testing.T) {
	deep := strings.Builder{}
	for i := range 50 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	deep.WriteString("\nx\n")
	many := "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 500) + "--b--\n"
	long := "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\n"+strings.Repeat("x", 1<<20)+"\n", 8) + "--b--\n"
	for text, want := range map[string]string{deep.String(): "more than 8 deep", many: "more than 100 parts", long: "more than 256 KB"} {
		m := read(t, text)
		kept := 0
		for _, p := range m.Parts {
			kept += len(p.Text)
		}
		if !strings.Contains(m.Cut, want) || kept > 1<<20 || len(m.Parts) > 100 {
			t.Errorf("%.60q: %q, %d parts of %d bytes; expected %q", text, m.Cut, len(m.Parts), kept, want)
		}
	}
	if _, err := mail.Read(strings.NewReader("Subject: " + strings.Repeat("x", 1<<20) + "\n\nbody\n")); err == nil || !strings.Contains(err.Error(), "256 KB") {
		t.Errorf("a header without end: %v", err)
	}
	if m := read(t, "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\none\nhalf"); len(m.Parts) != 1 || string(m.Parts[0].Text) != "one\n" || m.Cut == "" {
		t.Errorf("half a mail: %+v", m)
	}
}

func each(t *testing.T, text string) (subjects []string) {
	t.Helper()
	err := mail.Each(context.Background(), strings.NewReader(text), func(n int, m mail.Mail, err error) error {
		if n != len(subjects)+1 {
			t.Errorf("mail %d is the %dth", n, len(subjects)+1)
		}
		subjects = append(subjects, fmt.Sprint(m.Subject, err))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return subjects
}

func TestMbox(t *testing.T) {
	from := "From MAILER-DAEMON Sun Nov  1 10:00:00 2026\n"
	one := "Subject: one\n\nFrom here on Sun it goes\n>From x Sun Nov  1 10:00:00 2026\n\n"
	for text, want := range map[string]string{
		from + one + from + "Subject: two\n\nx\n":                                                    "[one<nil> two<nil>]",
		from + one + "From nobody\n\n" + from + "Subject: b\n":                                       "[one<nil> b<nil>]",
		one + from + "Subject: two\n":                                                                "[one<nil>]", // a single mail has no such lines
		from + "Subject: " + strings.Repeat("x", 1<<19) + "\n\n\n" + from + "Subject: two\n":         "[its header has more than 256 KB two<nil>]",
		from + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n\n" + from + "Subject: two\n": "[<nil> two<nil>]",
	} {
		got := fmt.Sprint(each(t, text))
		if i := strings.Index(got, "xxx"); i >= 0 { // a header that is given up may be kept in part
			got = got[:i] + got[strings.LastIndex(got, "x")+1:]
		}
		if got != want {
			t.Errorf("%.80q: %s; expected %s", text, got, want)
		}
	}
}

// pattern is a reader without an end that was written out before.
type pattern struct {
	head, body, tail string
	left             int64
	tailed           bool
}

func (p *pattern) Read(b []byte) (int, error) {
	switch {
	case p.head != "":
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	case p.left > 0:
		n := copy(b[:min(int64(len(b)), p.left)], p.body)
		p.left -= int64(n)
		return n, nil
	case !p.tailed:
		p.tailed = true
		return copy(b, p.tail), nil
	}
	return 0, io.EOF
}

// TestLargeAttachments are read in memory that doesn't grow with them.
func TestLargeAttachments(t *testing.T) {
	line := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("attached"), 9)) + "\n"
	const size = 100 << 20
	for _, kind := range []string{"application/octet-stream", "text/plain", "application/json"} {
		in := &pattern{head: "From x Sun Nov  1 10:00:00 2026\nSubject: one\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: " + kind +
			"\nContent-Transfer-Encoding: base64\n\n", body: strings.Repeat(line, 400), left: size, tail: "\n--b--\n\nFrom x Sun Nov  1 10:00:00 2026\nSubject: two\n\nx\n"}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		mails := 0
		if err := mail.Each(context.Background(), in, func(_ int, m mail.Mail, err error) error {
			mails++
			return err
		}); err != nil || mails != 2 {
			t.Errorf("%s: %d mails, %v", kind, mails, err)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 20<<20 {
			t.Errorf("%s: %d MB were used in all for a mail of %d MB", kind, used>>20, size>>20)
		}
	}
}

type failing struct{ in io.Reader }

var errDisk = errors.New("disk")

func (f *failing) Read(b []byte) (int, error) {
	n, err := f.in.Read(b)
	if err != nil {
		err = errDisk
	}
	return n, err
}

func TestErrorsOfReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	for _, text := range []string{nested, "Subject: x\n", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhalf"} {
		if err := mail.Each(ctx, &failing{strings.NewReader(text)}, func(int, mail.Mail, error) error { return nil }); !errors.Is(err, errDisk) {
			t.Errorf("%.30q: %v; expected the disk's error", text, err)
		}
	}
	cancel()
	if err := mail.Each(ctx, strings.NewReader(nested), func(int, mail.Mail, error) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		nested: true, "From x Sun Nov  1 10:00:00 2026\nSubject: x\n": true, "Received: x\nSubject: x\n\n": true,
		"inetnum: 192.0.2.0 - 192.0.2.255\nnetname: X\nsource: RIPE\n": false, "From: a@b\nTo: c@d\n\nx": false, "192.0.2.1\n": false, "": false,
		"From here to there\n": false,
	} {
		if mail.Is([]byte(text)) != want {
			t.Errorf("%.40q: %v", text, !want)
		}
	}
}

// FuzzMail holds that whatever is sent is read within bounds.
func FuzzMail(f *testing.F) {
	f.Add([]byte(nested))
	f.Add([]byte("From x Sun Nov  1 10:00:00 2026\nSubject: x\n\n\nFrom x Sun Nov  1 10:00:00 2026\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := mail.Each(t.Context(), bytes.NewReader(text), func(_ int, m mail.Mail, err error) error {
			kept := 0
			for _, p := range m.Parts {
				kept += len(p.Text)
			}
			if kept > 1<<20+256<<10 || len(m.Parts) > 100 || strings.ContainsAny(m.From, " \n") {
				t.Errorf("%d parts of %d bytes from %q", len(m.Parts), kept, m.From)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}
