package whois

import "strings"

// categoryKinds are AbuseIPDB's numbers of categories, which others use too, for what is sighted here. Where a report has several,
// the first of these counts.
var categoryKinds = []struct{ number, kind string }{
	{"16", "web-exploit"}, // SQL injection
	{"21", "web-exploit"}, // web application attack
	{"22", "ssh-login"},
	{"5", "ftp-login"},
	{"11", "spam"},
	{"10", "spam"},      // web spam
	{"19", "web-probe"}, // bad web bot
}

// categoryKind returns the kind of a sighting that a list's categories are about, in numbers or words; empty for none that is known.
func categoryKind(text string) string {
	numbers := strings.FieldsFunc(text, func(c rune) bool { return c < '0' || c > '9' })
	if len(numbers) == 0 {
		return kindOf(text)
	}
	for _, c := range categoryKinds {
		for _, n := range numbers {
			if n == c.number {
				return c.kind
			}
		}
	}
	return ""
}
