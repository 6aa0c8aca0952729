package whois

import (
	"strings"
	"testing"
)

func TestReportedLists(t *testing.T) {
	text := "ipAddress,countryCode,abuseConfidenceScore,lastReportedAt,categories\n192.0.2.66,XX,100,2026-11-01T10:00:00+00:00,\"18,22\"\n" +
		"192.0.2.67,XX,100,2026-11-01T10:00:00+00:00,14;15\n192.0.2.68,XX,100,2026-11-01T10:00:00+00:00,SQL Injection\n192.0.2.69,XX,100,2026-11-01T10:00:00+00:00,122\n"
	in, format, err := Open(strings.NewReader(text))
	if err != nil || format != List {
		t.Fatal(format, err)
	}
	r, err := Read("test", in, format)
	if err != nil || len(r.Entries) != 4 {
		t.Fatal(r, err)
	}
	for i, want := range []string{"ssh-login", "", "web-exploit", ""} {
		if e := r.Entries[i]; e.Kind != want || e.At.Hour() != 10 {
			t.Errorf("%+v; expected %q", e, want)
		}
	}
}
