// Package htmlpage draws a review and a backtest as one HTML file each: nothing in it comes from elsewhere, no script runs,
// and all that records hold is text. It knows no files, clock or network, and the same input gives the same bytes.
//
// The figures of a page stand in it as they do in JSON too: an element with an itemprop holds the value of the JSON key of
// that name, a data element in its attribute value, and an itemscope what belongs to one case.
package htmlpage

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"
	"sync"
)

//go:embed *.tmpl
var sources embed.FS

//go:embed page.css
var style string

// templates are parsed when a page is asked for, which most commands don't do.
var templates = sync.OnceValue(parse)

// parse reads the templates, and names the style in what the browser is told to allow.
func parse() *template.Template {
	sum := sha256.Sum256([]byte(style))
	t := template.New("").Funcs(functions)
	files, err := sources.ReadDir(".")
	if err != nil {
		panic(err)
	}
	for _, f := range files {
		text, err := sources.ReadFile(f.Name())
		if err != nil {
			panic(err)
		}
		template.Must(t.Parse(strings.ReplaceAll(string(text), "STYLE-HASH", base64.StdEncoding.EncodeToString(sum[:]))))
	}
	return t
}

// render writes one of the templates, with nothing in it but what is printable.
func render(w io.Writer, name string, data any) error {
	c := newCleaner(w)
	if err := templates().ExecuteTemplate(c, name, data); err != nil {
		return err
	}
	return c.flush()
}

// Style is the page's own.
func (document) Style() template.CSS { return template.CSS(style) }

// document is what every page has.
type document struct{ Title string }
