package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"lastresort/decide/htmlpage"
)

// width is how many columns text for people fits into.
const width = 100

// page collects lines of text for people.
type page struct {
	w      io.Writer
	colour bool
	all    bool // long lists whole
}

func (a *app) page() *page { return &page{w: a.stdout, colour: a.env.colour} }

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
	for _, line := range broken(lead, indent, text) {
		p.line("%s", line)
	}
}

// broken breaks text that begins with lead into lines that fit, indented as far as lead reaches. A word that is longer than
// a line is cut.
func broken(lead string, indent int, text string) []string {
	var out []string
	line, used := lead, indent
	for _, word := range strings.Fields(printable(text)) {
		for runes := []rune(word); len(runes) > 0; {
			if used > indent && used+1+len(runes) > width {
				out = append(out, line)
				line, used = strings.Repeat(" ", indent), indent
			}
			if used > indent {
				line, used = line+" ", used+1
			}
			n := min(len(runes), max(1, width-used))
			line, used, runes = line+string(runes[:n]), used+n, runes[n:]
		}
	}
	return append(out, line)
}

// row prints columns of a fixed width and a text that wraps behind them.
func (p *page) row(columns []column, text string) { p.wrapped(leadOf(columns), text) }

// brief is row for a text of which two lines are enough; what is cut off ends in an ellipsis.
func (p *page) brief(columns []column, text string) {
	lead := leadOf(columns)
	lines := broken(lead, len([]rune(lead)), text)
	if len(lines) > 2 && !p.all {
		lines = lines[:2]
		if last := []rune(lines[1]); len(last) > width-2 {
			lines[1] = string(last[:width-2])
		}
		lines[1] += " …"
	}
	for _, line := range lines {
		p.line("%s", line)
	}
}

func leadOf(columns []column) string {
	lead := "  "
	for _, c := range columns {
		lead += fmt.Sprintf("%-*s ", c.width, printable(c.text))
	}
	return lead
}

// shown returns how many of n rows a section shows.
func (p *page) shown(n, most int) int {
	if p.all {
		return n
	}
	return min(n, most)
}

// more says how many rows of a section are left out.
func (p *page) more(n, shown int) {
	if n > shown {
		p.wrapped("  ", fmt.Sprintf("and %d more, with --all", n-shown))
	}
}

type column struct {
	text  string
	width int
}

// printable replaces what a terminal would take as a command.
func printable(s string) string { return htmlpage.Printable(s) }

func plural(n int, what string) string { return htmlpage.Plural(n, what) }

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
func few(list []string, most int) string { return htmlpage.Few(list, most) }
