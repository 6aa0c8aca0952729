package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// width is how many columns text for people fits into.
const width = 100

// page collects lines of text for people.
type page struct {
	w      io.Writer
	colour bool
}

func (a *app) page() *page { return &page{a.stdout, a.env.colour} }

// line prints one line. What comes out of records and logs goes through printable first, for an attacker wrote it.
func (p *page) line(format string, args ...any) {
	fmt.Fprintf(p.w, "%s\n", strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

// head prints the title of a section, set off from what is above.
func (p *page) head(format string, args ...any) {
	title := fmt.Sprintf(format, args...)
	if p.colour {
		title = "\x1b[1m" + title + "\x1b[0m"
	}
	p.line("\n%s", title)
}

// wrapped prints text that begins with lead and goes on, in as many lines as it needs, indented as far as lead reaches.
func (p *page) wrapped(lead, text string) { p.wrappedAt(lead, len([]rune(lead)), text) }

// wrappedAt is wrapped for a lead whose width on the screen isn't its length.
func (p *page) wrappedAt(lead string, indent int, text string) {
	line, used := lead, indent
	for _, word := range strings.Fields(printable(text)) {
		n := len([]rune(word))
		if used > indent && used+1+n > width {
			p.line("%s", line)
			line, used = strings.Repeat(" ", indent), indent
		}
		if used > indent {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	p.line("%s", line)
}

// row prints columns of a fixed width and a text that wraps behind them.
func (p *page) row(columns []column, text string) {
	lead := "  "
	for _, c := range columns {
		lead += fmt.Sprintf("%-*s ", c.width, printable(c.text))
	}
	p.wrapped(lead, text)
}

type column struct {
	text  string
	width int
}

// printable replaces what a terminal would take as a command.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && r != ' ' {
			return '\ufffd'
		}
		return r
	}, s)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// clock prints a moment for people, to the minute, in UTC.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// ends says when something ends, or that it doesn't.
func ends(t time.Time) string {
	if t.IsZero() {
		return "for good"
	}
	return "until " + clock(t)
}

// few prints the first of a list and how many more there are.
func few(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
}
