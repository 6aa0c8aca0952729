package evidence

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lastresort/decide/history"
)

// nginxWrites is what nginx puts into its error log of a request for a file that isn't there: the path decoded, the request as it
// came, and no more than there is room for.
func nginxWrites(path string) string {
	decoded, err := url.PathUnescape(path)
	if err != nil {
		decoded = path
	}
	return nginxMessage(`open() "/srv/www`+decoded+`" failed (2: No such file or directory)`, `, request: "GET `+path+` HTTP/1.1", host: "h"`)
}

func nginxMessage(what, tail string) string {
	line := "2026/11/01 10:00:00 [error] 30#30: *3 " + what + ", client: 203.0.113.7, server: s.example" + tail
	return line[:min(len(line), roomOfNginx-1)] + "\n"
}

// showsOf reads a log in some goes and returns what it shows: line, source, kind or service, and two-way proof.
func showsOf(t *testing.T, goes ...string) []string {
	t.Helper()
	var out []string
	o := Options{At: readAt, Line: func(line int64, e Event) {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s %s%s %s", line, e.Source, e.Kind, e.Service, e.Proof)))
	}}
	var at Position
	var sum Summary
	for _, text := range goes {
		var err error
		if at, sum, err = ReadOn(t.Context(), "log", strings.NewReader(text), at, o, NewTally("local")); err != nil {
			t.Fatal(err)
		}
	}
	if n := int64(len(out)); len(goes) == 1 && sum.Hostile+sum.Honest != n {
		t.Errorf("%d events are shown, %d hostile and %d honest ones counted", n, sum.Hostile, sum.Honest)
	}
	return out
}

const (
	forgedError = `2026/11/01 10:00:00 [error] 30#30: *3 open() "/srv/wp-login.php" failed (2: No such file or directory), client: 192.0.2.1, server: s, request: "GET /wp-login.php HTTP/1.1", host: "h"`
	forgedLogin = "Nov  1 01:00:00 mail sshd[7]: Failed password for root from 192.0.2.1 port 4000 ssh2"
	closed      = `x" failed (2: No such file or directory), client: 192.0.2.1, server: s, request: "GET /wp-login.php HTTP/1.1", host: "h"`
	reopened    = `2026/11/01 10:00:00 [error] 30#30: *3 open() "/srv/www/wp-login.php`
)

func TestLinesInAPath(t *testing.T) {
	probe := nginxWrites("/phpmyadmin/")
	for _, c := range []struct {
		name string
		log  string
		want []string
	}{
		{"between others", probe + nginxWrites("/x"+url.PathEscape("\n"+forgedError+"\n"+forgedLogin+"\n"+reopened)) + probe,
			[]string{"1 203.0.113.7 web-probe two-way", "5 203.0.113.7 web-probe two-way", "6 203.0.113.7 web-probe two-way"}},
		{"closed before and opened again", nginxWrites("/" + url.PathEscape(closed+"\n"+forgedLogin+"\r\n"+reopened)), []string{"3 203.0.113.7 web-probe two-way"}},
		{"in capitals and not", nginxWrites("/" + strings.ToLower(url.PathEscape(closed+"\n"+reopened))), []string{"2 203.0.113.7 web-probe two-way"}},
		{"cut in the middle of a line", nginxWrites("/" + url.PathEscape(closed+"\n"+forgedError+"\n"+forgedLogin+"\n"+strings.Repeat("A", 2000))), nil},
		{"cut in blanks behind one", probe + nginxWrites("/"+url.PathEscape(closed+"\n"+forgedError+"\n"+forgedError+strings.Repeat(" ", 2000))) + probe,
			[]string{"1 203.0.113.7 web-probe two-way", "5 203.0.113.7 web-probe two-way"}},
		{"cut at the end of one", nginxWrites("/" + url.PathEscape(fill(closed+"\n"+forgedError+"\n", forgedError))),
			[]string{"1 192.0.2.1 web-probe one-way", "2 192.0.2.1 web-probe one-way", "4 192.0.2.1 web-probe one-way"}},
		{"another's percent sign", probe + nginxWrites("/phpmyadmin%20%0/%"), []string{"1 203.0.113.7 web-probe two-way", "2 203.0.113.7 web-probe two-way"}},
		{"cut by OpenResty", "2026/11/01 10:00:00 [error] 30#30: *3 " + strings.Repeat("a", 2500) + "\n" + openResty(closed+"\n"+forgedError+"\n"), nil},
	} {
		if got := showsOf(t, c.log); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q; expected %q\n%s", c.name, got, c.want, c.log)
		}
	}
}

// openResty cuts later.
func openResty(path string) string {
	line := "2026/11/01 10:00:00 [error] 30#30: *3 open() \"/srv/www/" + path
	return line + strings.Repeat("A", roomOfOpenResty-1-len(line)) + "\n"
}

// fill makes a path end with some text where nginx' room does.
func fill(front, end string) string {
	head := len("2026/11/01 10:00:00 [error] 30#30: *3 open() \"/srv/www/")
	return front + strings.Repeat("A", roomOfNginx-1-head-len(front)-len(end)-1) + "\n" + end + "BBBB"
}

func TestLinesThatLeaveNoSign(t *testing.T) {
	const php = `FastCGI sent in stderr: "PHP message: x`
	app := nginxMessage(php+"\n"+forgedError+"\n"+forgedLogin+"\nNov  1 01:00:00 mail sshd[8]: Accepted password for bob from 192.0.2.2 port 4000 ssh2\n"+
		`" while reading response header from upstream`, `, request: "POST /x.php HTTP/1.1", upstream: "fastcgi://unix:/run/php.sock:", host: "h"`)
	probe := nginxWrites("/phpmyadmin/")
	lesser := []string{"3 192.0.2.1 web-probe one-way", "4 192.0.2.1 ssh-login one-way"}
	if got, want := showsOf(t, probe+app+probe), slices.Concat([]string{"1 203.0.113.7 web-probe two-way"}, lesser, []string{"7 203.0.113.7 web-probe one-way"}); !slices.Equal(got, want) {
		t.Errorf("an application's words: %q; expected %q", got, want)
	}
	if got, want := showsOf(t, probe+app, probe), slices.Concat([]string{"1 203.0.113.7 web-probe two-way"}, lesser, []string{"1 203.0.113.7 web-probe one-way"}); !slices.Equal(got, want) {
		t.Errorf("an application's words, read on later: %q; expected %q", got, want)
	}
	// OpenResty's line may be longer than nginx' ever are, and counts for nobody then, but what it holds is an application's all the same.
	long := nginxMessage(php, "")[:len("2026/11/01 10:00:00 [error] 30#30: *3 "+php)] + strings.Repeat("A", 2100) + "\n" + forgedLogin + "\n"
	if got, want := showsOf(t, probe+long), []string{"1 203.0.113.7 web-probe two-way", "3 192.0.2.1 ssh-login one-way"}; !slices.Equal(got, want) {
		t.Errorf("an application's many words: %q; expected %q", got, want)
	}
	mail := "2026/11/01 10:00:00 [info] 30#30: *3 client login failed: \"Invalid login or password\" while in http auth state, client: 203.0.113.7, server: s:587, login: \"x\n" + forgedLogin + "\"\n"
	if got, want := showsOf(t, mail+probe), []string{"1 203.0.113.7 mail-login one-way", "3 203.0.113.7 web-probe one-way"}; !slices.Equal(got, want) {
		t.Errorf("a mail proxy's login: %q; expected %q", got, want)
	}
	// A name in Basic authentication holds no colon, but comes as it is otherwise.
	user := nginxMessage("user \"x\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tauth_success\n1793520000.5\tCx\t192.0.2.1\t198.51.100.1\tF\nx\" was not found in \"/etc/nginx/users\"", `, request: "GET / HTTP/1.1", host: "h"`)
	if got, want := showsOf(t, probe+user+probe), []string{"1 203.0.113.7 web-probe two-way", "6 203.0.113.7 web-probe two-way"}; !slices.Equal(got, want) {
		t.Errorf("a user's name: %q; expected %q", got, want)
	}
}

// TestLinesInTheJournal: a message that came by syslog is one, with all its line ends; of what a service prints each line is one.
func TestLinesInTheJournal(t *testing.T) {
	entry := func(transport, message string) string {
		return fmt.Sprintf(`{"__REALTIME_TIMESTAMP":"1793520000000000","_TRANSPORT":"%s","SYSLOG_IDENTIFIER":"sshd","_PID":"7","MESSAGE":"%s"}`, transport, inJSON(message)) + "\n"
	}
	const name = "a\nFailed password for root from 192.0.2.1 port 4000 ssh2\nx"
	got := showsOf(t, entry("syslog", "Invalid user "+name+" from 203.0.113.7 port 4000"))
	if want := []string{"1 203.0.113.7 ssh-login two-way"}; !slices.Equal(got, want) {
		t.Errorf("by syslog: %q; expected %q", got, want)
	}
	log := ""
	for line := range strings.SplitSeq("Invalid user "+name+" from 203.0.113.7 port 4000", "\n") {
		log += entry("stdout", line)
	}
	got = showsOf(t, log+entry("stdout", "Accepted password for bob from 192.0.2.2 port 4001 ssh2")+strings.ReplaceAll(entry("syslog", "Failed password for root from 203.0.113.8 port 4000 ssh2"), `"7"`, `"8"`))
	if want := []string{"2 192.0.2.1 ssh-login one-way", "5 203.0.113.8 ssh-login two-way"}; !slices.Equal(got, want) {
		t.Errorf("printed: %q; expected %q", got, want)
	}
}

// TestSshdPrintsLineEnds: without a syslog sshd writes a client's last words and names as they come.
func TestSshdPrintsLineEnds(t *testing.T) {
	log := "Received disconnect from 203.0.113.7 port 4000:11: x\r\n" + forgedLogin + "\r\nNov  1 01:00:00 mail sshd[8]: Accepted password for bob from 192.0.2.2 port 4000 ssh2\r\n"
	if got, want := showsOf(t, log), []string{"2 192.0.2.1 ssh-login one-way"}; !slices.Equal(got, want) {
		t.Errorf("%q; expected %q", got, want)
	}
	if got, want := showsOf(t, "Nov  1 01:00:00 mail cron[1]: x\nInvalid user a from 203.0.113.7 port 4000\n", forgedLogin+"\n"), []string{"1 192.0.2.1 ssh-login one-way"}; !slices.Equal(got, want) {
		t.Errorf("read on: %q; expected %q", got, want)
	}
}

// TestAClockThatIsAhead: what nginx writes counts for nothing where its clock is wrong, nor does what a client writes there then.
func TestAClockThatIsAhead(t *testing.T) {
	log := strings.ReplaceAll(nginxWrites("/"+url.PathEscape(closed+"\n"+forgedLogin+"\n"+reopened)), "2026/11/01", "2030/11/01")
	if got := showsOf(t, log); len(got) > 0 {
		t.Errorf("%q; expected nothing", got)
	}
}

// TestTraefikDecodesNames: in its common format a user's name comes out of the URL with its line ends.
func TestTraefikDecodesNames(t *testing.T) {
	const tail = ` [01/Nov/2026:10:00:00 +0000] "GET /wp-login.php HTTP/1.1" 404 19 "-" "Mozilla/5.0" 7 "-" "-" 12ms` + "\n"
	log := "203.0.113.7 - -" + tail + "203.0.113.7 - x\n192.0.2.1 - -" + tail + strings.TrimSuffix(strings.ReplaceAll(tail, "404 19", "200 19"), "\n") + "\n"
	if got, want := showsOf(t, log), []string{"1 203.0.113.7 web-probe one-way", "3 192.0.2.1 web-probe one-way"}; !slices.Equal(got, want) {
		t.Errorf("%q; expected %q", got, want)
	}
	for text, want := range map[string]bool{`"-" 12ms`: true, `"http://b:80" 0ms`: true, `"-" ms`: false, `12ms`: false, `"x 12ms"`: false, `-12ms`: false, "": false, "ms": false, `" 1s`: false} {
		if got := byTraefik([]byte(text)); got != want {
			t.Errorf("%q: %v; expected %v", text, got, want)
		}
	}
}

// TestTheOtherStreamIsSure: in a container the access log goes to stdout, where each line is a server's.
func TestTheOtherStreamIsSure(t *testing.T) {
	const access = `203.0.113.8 - - [01/Nov/2026:10:00:00 +0100] "GET /.env HTTP/1.1" 404 47 "-" "-"`
	for name, wrap := range map[string]func(stream, text string) string{
		"docker": func(stream, text string) string {
			return fmt.Sprintf(`{"log":"%s\n","stream":"%s","time":"2026-11-01T09:00:00.1Z"}`, inJSON(text), stream) + "\n"
		},
		"cri": func(stream, text string) string {
			return "2026-11-01T09:00:01.123456789Z " + stream + " F " + text + "\n"
		},
	} {
		var log strings.Builder
		for _, text := range strings.SplitAfter(nginxWrites("/"+url.PathEscape(closed+"\n"+forgedLogin+"\n"+reopened)), "\n") {
			if text = strings.TrimSuffix(text, "\n"); text != "" {
				log.WriteString(wrap("stderr", text) + wrap("stdout", access))
			}
		}
		log.WriteString(wrap("stderr", `2026/11/01 10:00:00 [error] 30#30: *3 FastCGI sent in stderr: "x" while reading response header from upstream, client: 203.0.113.7`) + wrap("stdout", access))
		want := []string{"2 203.0.113.8 web-probe two-way", "4 203.0.113.8 web-probe two-way", "5 203.0.113.7 web-probe two-way", "6 203.0.113.8 web-probe two-way", "8 203.0.113.8 web-probe two-way"}
		got := showsOf(t, log.String())
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %q; expected %q", name, got, want)
		}
	}
}

// nginxTells is what nginx makes of a request, a user's name and a referrer, plain and by way of Docker and of Kubernetes.
func nginxTells(path, user, referrer string) []string {
	noLine := strings.NewReplacer("\n", "", "\r", "", "\x00", "")
	tail := func(path string) string {
		return `, request: "GET ` + path + ` HTTP/1.1", host: "h", referrer: "` + noLine.Replace(referrer) + `"`
	}
	user, _, _ = strings.Cut(strings.ReplaceAll(user, "\x00", ""), ":")
	path = "/" + strings.ReplaceAll(path, "\x00", "")
	escaped := strings.ReplaceAll(url.PathEscape(path), "%2F", "/")
	plain := nginxMessage(`open() "/srv/www`+path+`" failed (2: No such file or directory)`, tail(escaped)) + nginxMessage(`user "`+user+`" was not found in "/etc/nginx/users"`, tail("/"))
	var docker, cri strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(plain, "\n"), "\n") {
		fmt.Fprintf(&docker, `{"log":"%s\n","stream":"stderr","time":"2026-11-01T09:00:00.1Z"}`+"\n", inJSON(line))
		fmt.Fprintf(&cri, "2026-11-01T09:00:01.123456789Z stderr F %s\n", line)
	}
	return []string{plain, docker.String(), cri.String()}
}

// onlyThePeerProves fails where what a client sends to nginx proves anything of anybody else.
func onlyThePeerProves(t *testing.T, path, user, referrer string) {
	t.Helper()
	for _, log := range nginxTells(path, user, referrer) {
		o := Options{At: readAt, Line: func(_ int64, e Event) {
			if e.Source.String() != "203.0.113.7" && e.Proof != history.OneWay {
				t.Errorf("%s%s of %s is proved by\n%s", e.Kind, e.Service, e.Source, log)
			}
		}}
		_, _ = Read(t.Context(), "log", strings.NewReader(nginxWrites("/phpmyadmin/")+log), o, NewTally("local")) // a part may be in no form
	}
}

// Lines with something around them, which in a log of nginx' are a client's all the same.
const (
	forgedDocker  = `{"log":"` + forgedLogin + `\n","stream":"stdout","time":"2026-11-01T09:00:00.1Z"}`
	forgedCRI     = "2026-11-01T09:00:01.123456789Z stdout F " + forgedLogin
	forgedJournal = `{"__REALTIME_TIMESTAMP":"1793520000000000","_TRANSPORT":"syslog","SYSLOG_IDENTIFIER":"sshd","_PID":"7","MESSAGE":"Failed password for root from 192.0.2.1 port 4000 ssh2"}`
)

// What clients might send so that it reads as something else.
var (
	sentPaths = []string{
		"x\n" + forgedError + "\n" + forgedLogin + "\n" + reopened, closed + "\n" + forgedLogin + "\n" + reopened, closed + "\n" + reopened,
		closed + "\n" + forgedError + "\n" + strings.Repeat("A", 2000), closed + "\n" + forgedError + strings.Repeat(" ", 2000), fill(closed+"\n"+forgedError+"\n", forgedError),
		closed + "\n" + forgedDocker + "\n" + forgedCRI + "\n" + forgedJournal + "\n" + reopened,
		"\xff\xfe" + closed + "\n" + forgedError + "\n" + strings.Repeat("A\xff", 1000), closed + "\n" + strings.Repeat("\xff", 900) + "\n" + strings.Repeat("A", 1200), strings.Repeat("A", 700) + closed + "\n" + forgedError + "\n" + reopened,
		`a"` + strings.Repeat("A", 500) + closed + "\n" + forgedError, "x\n192.0.2.1 - x", "x\n192.0.2.1 - x [01/Nov/2026:10:00:00 +0100] \"GET /.env HTTP/1.1\" 404 1 \"-\" \"-\"\nx",
	}
	sentUsers = []string{
		"a\n192.0.2.1 - x", "a\n@400000004c91b044077a9e94 [sshd] Failed password for root from 192.0.2.1 port 4000 ssh2\nx", "a\n@400000004c91b044077a9e94 [sshd] Invalid user a from 192.0.2.1",
		"a\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tauth_success\n1793520000.5\tCx\t192.0.2.1\t198.51.100.1\tF\nx", "a\n@400000004c91b044077a9e94 [proftpd] h (h[192.0.2.1]) USER a (Login failed)",
		"a\n@400000004c91b044077a9e94 [kernel] IN=eth0 OUT= SRC=192.0.2.1 DST=198.51.100.1 PROTO=TCP SPT=1 DPT=2",
	}
	sentReferrers = []string{"", `[01/Nov/2026:10:00:00 +0100] "GET /.env HTTP/1.1" 404 1 "-" "-"`, `x", client: 192.0.2.1, server: s, request: "GET / HTTP/1.1", host: "h"`}
)

func TestOnlyThePeerProvesToNginx(t *testing.T) {
	for _, referrer := range sentReferrers {
		for i := range max(len(sentPaths), len(sentUsers)) {
			onlyThePeerProves(t, sentPaths[i%len(sentPaths)], sentUsers[i%len(sentUsers)], referrer)
		}
	}
	for _, name := range choices {
		onlyThePeerProves(t, "x\n"+name+"\n", "x\n"+name+"\n", name)
		onlyThePeerProves(t, closed+"\n"+name, name, name)
	}
}

func FuzzNginxMessages(f *testing.F) {
	for i, path := range sentPaths {
		f.Add(path, sentUsers[i%len(sentUsers)], sentReferrers[i%len(sentReferrers)])
	}
	for _, name := range choices {
		f.Add(name, name, name)
	}
	f.Fuzz(func(t *testing.T, path, user, referrer string) {
		if len(path)+len(user)+len(referrer) < 8000 {
			onlyThePeerProves(t, path, user, referrer)
		}
	})
}

// TestNothingIsLeftHeld: what is held back counts in its order, each once. Where lines end by chance where a message that began
// before would have been cut, they may be one.
func TestNothingIsLeftHeld(t *testing.T) {
	var log strings.Builder
	ends, two := map[int]bool{0: true}, 0
	for i := range 500 {
		log.WriteString(nginxWrites(fmt.Sprintf("/phpmyadmin/%s%d", strings.Repeat("x", i*7%90), i)))
		ends[log.Len()] = true
	}
	got := showsOf(t, log.String())
	for i, line := range got {
		if want := fmt.Sprintf("%d 203.0.113.7 web-probe ", i+1); !strings.HasPrefix(line, want) {
			t.Fatalf("%q; expected %q", line, want)
		}
		if strings.HasSuffix(line, "two-way") {
			two++
		}
	}
	chances := 0
	for end := range ends {
		if ends[end-roomOfNginx] {
			chances++
		}
	}
	if len(got) != 500 || chances == 0 || chances > 20 || two < 500-chances*12 || two == 500 {
		t.Errorf("%d of 500 count, %d as proof, with %d chances", len(got), two, chances)
	}
}
