// Package mail reads mails that others sent: one by one, or many in an mbox. Whoever sent them chose every byte, so what is kept of
// each is bounded, and nothing of it is believed here.
package mail

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	"golang.org/x/text/encoding/htmlindex"
)

// Mail is what is kept of one mail.
type Mail struct {
	Header  textproto.MIMEHeader // as it was written, unfolded
	From    string               // the address alone, in lower case; empty where there is none or more than one
	Subject string               // in UTF-8
	Date    time.Time            // zero where none is said
	Report  string               // the report-type of a multipart/report, in lower case
	Parts   []Part               // those that programs or people read, in their order
	Cut     string               // what of it was left out because it is too much; empty for nothing
}

// Part is one part of a mail.
type Part struct {
	Type   string // such as text/plain, in lower case
	Name   string // of its file
	Text   []byte // decoded
	Quoted bool   // the header of a mail that came with this one
}

// Bounds of what is kept of a mail.
const (
	mostHeader = 256 << 10 // bytes of a header
	mostPart   = 256 << 10 // bytes of a part; the rest is passed over
	mostKept   = 1 << 20   // bytes of all parts together
	mostParts  = 100
	deepest    = 8 // parts within parts
)

// Read reads one mail to its end. An error is one of reading, not of what the mail is.
func Read(in io.Reader) (Mail, error) {
	r := &reader{}
	b := bufio.NewReader(in)
	head, err := readHeader(b)
	if err != nil {
		return r.mail, err
	}
	r.mail.Header = head
	r.mail.Subject = decode(head.Get("Subject"))
	r.mail.From = sender(head)
	if t, err := mail.ParseDate(head.Get("Date")); err == nil {
		r.mail.Date = t.UTC()
	}
	kind, params := contentType(head)
	if kind == "multipart/report" {
		r.mail.Report = strings.ToLower(params["report-type"])
	}
	if err := r.part(head, b, 0, false); err != nil && !errors.Is(err, errBroken) {
		return r.mail, err
	}
	_, err = io.Copy(io.Discard, b) // a mail ends where its reader does
	return r.mail, err
}

type reader struct {
	mail  Mail
	parts int
	kept  int
}

// errBroken is what of a mail's parts can't be taken apart; what was read before stands.
var errBroken = errors.New("broken parts")

// cut notes the first thing that is left out.
func (r *reader) cut(why string) {
	if r.mail.Cut == "" {
		r.mail.Cut = why
	}
}

// part reads a mail's body or one part of it. In a report only the first level is for programs; a mail within it is what it is
// about.
func (r *reader) part(head textproto.MIMEHeader, in io.Reader, depth int, report bool) error {
	kind, params := contentType(head)
	if r.parts++; r.parts > mostParts {
		r.cut("more than 100 parts")
		return errBroken
	}
	in = transfer(head, in)
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		if depth == deepest {
			r.cut("parts within parts, more than 8 deep")
			return nil
		}
		if params["boundary"] == "" {
			return nil
		}
		m := multipart.NewReader(in, params["boundary"])
		for {
			p, err := m.NextRawPart()
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case isReading(err):
				return err
			case err != nil:
				r.cut("parts that don't end")
				return errBroken
			}
			if err := r.part(p.Header, p, depth+1, kind == "multipart/report"); err != nil {
				return err
			}
		}
	case kind == "message/rfc822" && !report && depth < deepest:
		b := bufio.NewReader(in)
		inner, err := readHeader(b)
		if err != nil {
			return broken(err)
		}
		return r.part(inner, b, depth+1, false)
	case kind == "message/rfc822" || kind == "text/rfc822-headers" || kind == "message/global" || kind == "message/global-headers":
		return r.keep(Part{Type: kind, Quoted: true}, io.LimitReader(in, mostHeader))
	case readable(kind, nameOf(head, params)):
		return r.keep(Part{Type: kind, Name: nameOf(head, params)}, in)
	}
	return nil
}

// readable tells whether a part is one that a report or an answer may stand in.
func readable(kind, name string) bool {
	switch kind {
	case "text/plain", "message/feedback-report", "message/delivery-status", "message/global-delivery-status", "application/json", "text/json",
		"application/xarf+json", "application/yaml", "text/yaml", "text/x-yaml":
		return true
	}
	name = strings.ToLower(name)
	return kind == "application/octet-stream" && (strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"))
}

func (r *reader) keep(p Part, in io.Reader) error {
	most := min(mostPart, mostKept-r.kept)
	text, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
	whole := err == nil
	switch {
	case len(text) > most:
		text, whole = text[:most], false
		if !p.Quoted {
			r.cut("more than 256 KB of a part or 1 MB of all")
		}
	case errors.Is(err, io.ErrUnexpectedEOF):
		r.cut("parts that don't end")
	case broken(err) == nil && err != nil:
		r.cut("a part that can't be decoded")
	}
	if !whole { // half a line may say something else than the whole
		text = text[:bytes.LastIndexByte(text, '\n')+1]
	}
	r.kept += len(text)
	p.Text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	r.mail.Parts = append(r.mail.Parts, p)
	return broken(err)
}

// broken keeps errors of reading apart from what is wrong with the mail itself.
func broken(err error) error {
	if err == nil || isReading(err) {
		return err
	}
	return nil
}

// ReadingError is an error of the reader beneath, such as a damaged gzip.
type ReadingError struct{ Err error }

// Error implements error.
func (e *ReadingError) Error() string { return e.Err.Error() }

// Unwrap returns the error of the reader.
func (e *ReadingError) Unwrap() error { return e.Err }

func isReading(err error) bool { return errors.As(err, new(*ReadingError)) }

// transfer undoes a part's transfer encoding.
func transfer(head textproto.MIMEHeader, in io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(head.Get("Content-Transfer-Encoding"))) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, &letters{in: in})
	case "quoted-printable":
		return quotedprintable.NewReader(in)
	}
	return in
}

// letters passes only what base64 is made of: senders put blanks between.
type letters struct{ in io.Reader }

func (l *letters) Read(b []byte) (int, error) {
	n, err := l.in.Read(b)
	kept := 0
	for _, c := range b[:n] {
		if 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '=' {
			b[kept] = c
			kept++
		}
	}
	return kept, err
}

// contentType returns a part's type and its parameters; of one that says nothing, or what can't be read, text/plain.
func contentType(head textproto.MIMEHeader) (string, map[string]string) {
	text := strings.TrimRight(head.Get("Content-Type"), "; \t")
	kind, params, err := mime.ParseMediaType(text)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		// A parameter that stands there twice: its first is taken, as other readers do.
		first, rest, _ := strings.Cut(text, ";")
		kind, params = strings.ToLower(strings.TrimSpace(first)), map[string]string{}
		for _, p := range strings.Split(rest, ";") {
			if k, v, ok := strings.Cut(p, "="); ok && params[strings.ToLower(strings.TrimSpace(k))] == "" {
				params[strings.ToLower(strings.TrimSpace(k))] = strings.Trim(strings.TrimSpace(v), `"`)
			}
		}
	}
	if !strings.Contains(kind, "/") {
		kind = "text/plain"
	}
	return kind, params
}

func nameOf(head textproto.MIMEHeader, params map[string]string) string {
	if _, p, err := mime.ParseMediaType(head.Get("Content-Disposition")); err == nil && p["filename"] != "" {
		return p["filename"]
	}
	return params["name"]
}

// sender returns the one address that a mail says it is from.
func sender(head textproto.MIMEHeader) string {
	if len(head.Values("From")) != 1 {
		return ""
	}
	p := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: charset}}
	list, err := p.ParseList(head.Get("From"))
	if err != nil || len(list) != 1 {
		return ""
	}
	return strings.ToLower(list[0].Address)
}

// decode puts a header's text into UTF-8, as far as that can be done.
func decode(text string) string {
	d := mime.WordDecoder{CharsetReader: charset}
	if out, err := d.DecodeHeader(text); err == nil {
		text = out
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "\ufffd")), " ")
}

// charset reads text in one of the character sets that mails are written in.
func charset(name string, in io.Reader) (io.Reader, error) {
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil, err
	}
	return e.NewDecoder().Reader(in), nil
}
