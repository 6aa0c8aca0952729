package evidence_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastresort/decide/evidence"
	"lastresort/decide/history"
)

func TestPattern(t *testing.T) {
	const own = `^(?P<time>\S+ \S+) app login (?P<outcome>\w+) user=(?P<user>.*) peer=(?P<source>[0-9a-fA-F.:]+)$`
	lines := `2026-11-01 10:00:00 app login failed user=a peer=192.0.2.66
2026-11-01 10:00:01 app login OK user=me peer=198.51.100.7
2026-11-01 10:00:02 app started
2026-11-01 10:00:03 app login failed user=a peer=203.0.113.99 peer=192.0.2.66
2026-11-01 10:00:04 app login failed user=a peer=999.0.2.66
2026-12-24 10:00:05 app login failed user=a peer=192.0.2.66
`
	for _, c := range []struct {
		name, pattern, kind, service, lines string
		proof                               history.Proof
		want                                []string
		unknown                             int64
	}{
		{"outcomes", own, "app-login", "app", lines, history.TwoWay, []string{"1 192.0.2.66 app-login two-way 10:00:00", "2 198.51.100.7 app 10:00:01", "4 192.0.2.66 app-login two-way 10:00:03"}, 1},
		{"hostile ones only, by default one-way", own, "app-login", "", lines, "", []string{"1 192.0.2.66 app-login one-way 10:00:00", "4 192.0.2.66 app-login one-way 10:00:03"}, 1},
		{"honest by themselves, seconds", `^(?P<time>[0-9.]+) hit (?P<source>\S+)`, "", "app", "1793534400.5 hit 2001:db8::7\n", "", []string{"1 2001:db8::7 app 12:00:00"}, 0},
		{"the line's own time", `probe from (?P<source>\S+)$`, "scan", "", "Nov  1 10:00:00 h x: probe from 192.0.2.66\n", "", []string{"1 192.0.2.66 scan one-way 10:00:00"}, 0},
		{"a web server's time", `^(?P<source>\S+) .*\[(?P<time>[^]]+)\]`, "scan", "", "192.0.2.66 - [01/Nov/2026:10:00:00 +0000]\n", "", []string{"1 192.0.2.66 scan one-way 10:00:00"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := evidence.NewPattern(c.pattern, c.kind, c.service, c.proof)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			o := evidence.Options{At: time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC), Own: p, Line: func(n int64, e evidence.Event) {
				got = append(got, strings.Join(strings.Fields(fmt.Sprint(n, " ", e.Source, " ", e.Kind+e.Service, " ", e.Proof, " ", e.At.UTC().Format("15:04:05"))), " "))
			}}
			sum, err := evidence.Read(context.Background(), "own", strings.NewReader(c.lines), o, evidence.NewTally("local"))
			if err != nil || sum.Unknown != c.unknown {
				t.Errorf("%d not understood, %v; expected %d", sum.Unknown, err, c.unknown)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, c := range []struct{ pattern, kind, want string }{
		{`(`, "scan", `"(" is no pattern: error parsing regexp: missing closing ): ` + "`(`; expected a regular expression (RE2)"},
		{`x`, "scan", `"x" has no group source; expected one such as (?P<source>[0-9a-fA-F.:]+)`},
		{`(?P<peer>x)`, "scan", `"(?P<peer>x)" has a group "peer"; expected time, source, user and outcome`},
		{`(?P<source>x)`, "", `"(?P<source>x)" says nothing of what its lines are; expected a kind, a service or both beside it`},
	} {
		if _, err := evidence.NewPattern(c.pattern, c.kind, "", ""); err == nil || err.Error() != c.want {
			t.Errorf("%v, not %s", err, c.want)
		}
	}
}

// TestTrapASlowPattern has the pattern and the line that take others' regular expressions longer than the machine will last.
func TestTrapASlowPattern(t *testing.T) {
	p, err := evidence.NewPattern(`^((a+)+)+ from (?P<source>\S+)$`, "scan", "", "")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Repeat(strings.Repeat("a", 8000)+"!\n", 20) + "aaa from 192.0.2.66\n"
	o := evidence.Options{At: time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC), Own: p}
	sum, err := evidence.Read(context.Background(), "own", strings.NewReader("2026-11-01T10:00:00Z h x: "+lines), o, evidence.NewTally("local"))
	if err != nil || sum.Lines != 21 {
		t.Errorf("%+v, %v; expected 21 lines to be read", sum, err)
	}
}

func TestWrapped(t *testing.T) {
	lines := `{"log":"192.0.2.66 - - [01/Nov/2026:10:00:00 +0100] \"GET /.env HTTP/1.1\" 404 47 \"-\" \"-\"\n","stream":"stdout","time":"2026-11-01T09:00:00.1Z"}
2026-11-01T09:00:01.123456789Z stdout F 192.0.2.66 - - [01/Nov/2026:10:00:01 +0100] "GET /.env HTTP/1.1" 404 47 "-" "-"
2026-11-01T09:00:01.123456789Z stdout P 192.0.2.66 - - [01/Nov/2026:10:00:01 +0100] "GET /.env HTTP
{"__REALTIME_TIMESTAMP":"1793527200000000","_HOSTNAME":"h","SYSLOG_IDENTIFIER":"sshd","_PID":"8","MESSAGE":"Failed password for root from 192.0.2.66 port 9 ssh2"}
{"__REALTIME_TIMESTAMP":"1793527201000000","_HOSTNAME":"h","_COMM":"postfix/smtpd","_PID":"9","MESSAGE":[119,97,114,110,105,110,103,58,32,120,91,49,57,50,46,48,46,50,46,54,54,93,58,32,83,65,83,76,32,80,32,97,117,116,104,101,110,116,105,99,97,116,105,111,110,32,102,97,105,108,101,100,58,255]}
{"__REALTIME_TIMESTAMP":"soon","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"Failed password for root from 192.0.2.66 port 9 ssh2"}
{"log":"` + strings.Repeat("[", 11000) + `
`
	want := []string{"1 192.0.2.66 web-probe two-way 1", "2 192.0.2.66 web-probe two-way 1", "4 192.0.2.66 ssh-login two-way 1", "5 192.0.2.66 mail-login two-way 1"}
	if diff := cmp.Diff(want, shown(t, lines)); diff != "" {
		t.Error(diff)
	}
}
