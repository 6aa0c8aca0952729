package htmlpage

import (
	"bufio"
	"cmp"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lastresort/decide"
	"lastresort/netblock"
)

// Printable replaces what isn't to be seen, such as control characters and what turns the direction of text, by U+FFFD.
func Printable(s string) string { return strings.Map(printable, s) }

func printable(r rune) rune {
	if !unicode.IsPrint(r) && r != ' ' {
		return utf8.RuneError
	}
	return r
}

// Plural prints a number of things.
func Plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Few prints the first of a list and how many more there are.
func Few(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
}

// cleaner writes only what is printable, and line ends: whatever a record holds, it comes out as plain text.
type cleaner struct {
	out  *bufio.Writer
	rest []byte // the beginning of a character
}

func newCleaner(w io.Writer) *cleaner { return &cleaner{out: bufio.NewWriterSize(w, 1<<16)} }

// Write implements io.Writer.
func (c *cleaner) Write(p []byte) (int, error) {
	text := append(c.rest, p...)
	c.rest = nil
	for len(text) > 0 {
		if !utf8.FullRune(text) {
			c.rest = slices.Clone(text)
			break
		}
		r, n := utf8.DecodeRune(text)
		if r != '\n' {
			r = printable(r)
		}
		if _, err := c.out.WriteRune(r); err != nil {
			return 0, err
		}
		text = text[n:]
	}
	return len(p), nil
}

func (c *cleaner) flush() error {
	if len(c.rest) > 0 {
		c.out.WriteRune(utf8.RuneError)
	}
	return c.out.Flush()
}

// functions are what the templates print values with.
var functions = template.FuncMap{
	"anchor":  func(v fmt.Stringer) string { return anchor(v.String()) },
	"case":    caseID,
	"clock":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
	"moment":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"date":    date,
	"exact":   exact,
	"fixed":   func(digits int, v float64) string { return strconv.FormatFloat(v, 'f', digits, 64) },
	"percent": func(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" },
	"part":    part,
	"logpart": logPart,
	"kinds":   kinds,
	"plural":  Plural,
	"few":     Few,
	"first":   first,
	"join":    strings.Join,
	"texts":   texts,
	"long":    longDate,
	"short":   short,
	"num":     number,
	"count":   func(v int64) string { return strconv.FormatInt(v, 10) },
	"letter":  decide.IsLetter,
	"sub":     func(a, b int) int { return a - b },
	"add":     func(a, b int) int { return a + b },
	"or2":     func(a, b string) string { return cmp.Or(a, b) },
	"args":    func(v ...any) []any { return v },
}

// caseID is the id of a case on the page.
func caseID(netblock fmt.Stringer) string { return "case-" + anchor(netblock.String()) }

// exact prints a figure so that nothing of it is lost.
func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// barSide is the length of a full bar.
const barSide = 100

// part is how long a bar is for a value of most.
func part(v, most float64) string {
	if !(most > 0) {
		return "0"
	}
	return number(barSide * min(1, max(0, v/most)))
}

// logPart is how long the bar of a danger or loss a day is, from 0.01 to 10,000 by powers of ten.
func logPart(v float64) string {
	if !(v > 0) {
		return "0"
	}
	return number(barSide * min(1, max(0.02, (math.Log10(v)+2)/6)))
}

// kinds prints events by their kinds, the most frequent first.
func kinds(events map[string]int64) string {
	names := slices.SortedFunc(maps.Keys(events), func(a, b string) int {
		return cmp.Or(cmp.Compare(events[b], events[a]), strings.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", events[name], name)
	}
	return Few(names, 6)
}

// first returns at most so many of a list of strings.
func first(most int, list []string) []string { return list[:min(most, len(list))] }

// texts prints each of a list of ranges.
func texts(list []netblock.Range) []string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = r.String()
	}
	return out
}

// longDate prints a moment as a title.
func longDate(t time.Time) string { return t.UTC().Format("Monday 2 January 2006, 15:04") + " UTC" }
