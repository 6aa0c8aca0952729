package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// benchLines is how many lines each of the logs has.
const benchLines = 1_000_000

// peerLogs are logs of a busy night on documentation and benchmark addresses, the filters of fail2ban that read them, a word
// that an operator would look for with grep, and what finds the lines that count as hostile.
var peerLogs = []struct {
	name    string
	filters []string
	word    string
	grep    string
	line    func(i int, at time.Time) string
}{
	{"sshd", []string{"sshd"}, "Failed password", "Failed password|Invalid user|Authentication failure|Connection closed by invalid", func(i int, at time.Time) string {
		source := fmt.Sprintf("198.18.%d.%d", i*7%2000/250, i*7%250)
		head := fmt.Sprintf("%s mail sshd[%d]: ", at.Format(time.Stamp), 10000+i/2%20000)
		switch {
		case i%500 == 7:
			return head + fmt.Sprintf("Accepted publickey for erika from 192.0.2.%d port %d ssh2: ED25519 SHA256:abcdefghijklmnopqrstuvwxyz", i%40, 1024+i%60000)
		case i%50 == 9:
			return head + fmt.Sprintf("Failed password for root from %s port %d ssh2", source, 1024+i%60000)
		case i%8 == 1:
			return head + fmt.Sprintf("Invalid user oracle from %s port %d", source, 1024+i%60000)
		case i%8 == 3:
			return head + fmt.Sprintf("Connection closed by invalid user oracle %s port %d [preauth]", source, 1024+i%60000)
		}
		return head + "error: PAM: Authentication failure for root from " + source
	}},
	{"postfix", []string{"postfix[mode=aggressive]"}, "authentication failed", "authentication failed|reject:", func(i int, at time.Time) string {
		source := fmt.Sprintf("unknown[198.18.%d.%d]", i*7%2000/250, i*7%250)
		head := fmt.Sprintf("%s mx postfix/smtpd[%d]: ", at.Format(time.Stamp), 10000+i/4%20000)
		switch i % 10 {
		case 0, 4:
			return head + "connect from " + source
		case 1, 5:
			return head + "warning: " + source + ": SASL LOGIN authentication failed: UGFzc3dvcmQ6"
		case 2, 6:
			return head + "disconnect from " + source + " ehlo=1 auth=0/1 quit=1 commands=2/3"
		case 3:
			return head + fmt.Sprintf("NOQUEUE: reject: RCPT from %s: 554 5.7.1 <x%d@example.net>: Relay access denied; from=<a@example.org> to=<x%d@example.net> proto=ESMTP helo=<User>", source, i, i)
		case 7:
			return head + fmt.Sprintf("%08X: client=mail.example.net[203.0.113.%d]", i, i%200)
		case 8:
			return fmt.Sprintf("%s mx postfix/qmgr[77]: %08X: from=<a@example.net>, size=%d, nrcpt=1 (queue active)", at.Format(time.Stamp), i, i%90000)
		}
		return fmt.Sprintf("%s mx postfix/lmtp[78]: %08X: to=<b@example.org>, relay=mx[private/lmtp], delay=0.3, status=sent (250 2.0.0 Saved)", at.Format(time.Stamp), i)
	}},
	{"nginx", []string{"nginx-botsearch", "nginx-bad-request"}, "wp-login", `wp-login|/\.env`, func(i int, at time.Time) string {
		const person = `"https://www.example.org/news" "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"`
		when := at.Format("02/Jan/2006:15:04:05 -0700")
		switch {
		case i%10 == 3:
			return fmt.Sprintf(`198.18.%d.%d - - [%s] "GET /wp-login.php HTTP/1.1" 404 153 "-" "Mozilla/5.0"`, i*7%2000/250, i*7%250, when)
		case i%50 == 7:
			return fmt.Sprintf(`198.18.%d.%d - - [%s] "GET /.env HTTP/1.1" 404 153 "-" "-"`, i*7%2000/250, i*7%250, when)
		case i%5 == 1:
			return fmt.Sprintf(`203.0.113.%d - - [%s] "GET /robots.txt HTTP/1.1" 200 90 "-" "Mozilla/5.0 (compatible; Examplebot/2.1; +https://www.example.net/bot)"`, i%200, when)
		}
		return fmt.Sprintf(`192.0.2.%d - - [%s] "GET /static/page-%d.html?v=3 HTTP/2.0" 200 %d %s`, i%250, when, i%5000, 900+i%90000, person)
	}},
	{"nginx-error", []string{"nginx-http-auth", "nginx-limit-req", "nginx-botsearch"}, "was not found in", `password mismatch|was not found in`, func(i int, at time.Time) string {
		head := fmt.Sprintf("%s [error] %d#%d: *%d ", at.Format("2006/01/02 15:04:05"), 1000+i%4, 1000+i%4, i)
		source := fmt.Sprintf("198.18.%d.%d", i*7%2000/250, i*7%250)
		const site = `, server: www.example.org, request: `
		switch i % 10 {
		case 1, 4, 6, 8:
			return head + `user "admin": password mismatch, client: ` + source + site + `"GET /private/ HTTP/1.1", host: "www.example.org"`
		case 2, 5:
			return head + fmt.Sprintf(`user "u%d" was not found in "/etc/nginx/users", client: %s%s"GET /private/ HTTP/1.1", host: "www.example.org"`, i, source, site)
		case 3:
			return head + `limiting requests, excess: 10.240 by zone "one", client: ` + source + site + `"POST /login HTTP/1.1", host: "www.example.org"`
		}
		return head + fmt.Sprintf(`open() "/srv/www/page-%d.html" failed (2: No such file or directory), client: 192.0.2.%d%s"GET /page-%d.html HTTP/2.0", host: "www.example.org"`, i%5000, i%250, site, i%5000)
	}},
}

// cost is what a process used.
type cost struct {
	cpu time.Duration
	mb  float64
}

// costOf runs a command to its end. What it prints is read, for grep does nothing where nobody reads.
func costOf(b *testing.B, c *exec.Cmd) cost {
	b.Helper()
	var said strings.Builder
	c.Stdout, c.Stderr = new(strings.Builder), &said
	if err := c.Run(); err != nil {
		b.Fatalf("%v: %v: %s", c.Args, err, said.String())
	}
	out := cost{cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime()}
	if used, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		out.mb = float64(used.Maxrss) / 1024
	}
	return out
}

// writeBenchLog writes a log of benchLines lines and returns its path and size.
func writeBenchLog(b *testing.B, name string, line func(int, time.Time) string) (string, int64) {
	b.Helper()
	path := filepath.Join(b.TempDir(), name+".log")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	start := time.Now().Add(-26 * time.Hour).UTC()
	for i := range benchLines {
		fmt.Fprintln(w, line(i, start.Add(time.Duration(i)*80*time.Millisecond)))
	}
	size, sized := f.Seek(0, 2)
	if err := errors.Join(w.Flush(), sized, f.Close()); err != nil {
		b.Fatal(err)
	}
	if info, err := os.Stat(path); err == nil {
		size = info.Size()
	}
	return path, size
}

// built is the program as it is shipped: this test's binary has more to do before it begins.
func built(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "lastresort")
	c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, text)
	}
	return path
}

// observing is lastresort observe on one core, with a store of its own.
func observing(b *testing.B, program string, args ...string) *exec.Cmd {
	b.Helper()
	dir := b.TempDir()
	policy := filepath.Join(dir, "policy.toml")
	if err := os.WriteFile(policy, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	c := exec.Command(program, append([]string{"--policy", policy, "--store", filepath.Join(dir, "history.db"), "observe"}, args...)...)
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	return c
}

// BenchmarkObserveAgainstPeers reads a million lines in a process of its own, on one core, its store included, and compares
// the CPU time with that of fail2ban-regex, for each of its filters that read such a log and for all of them, and of grep -c
// (LC_ALL=C, its fastest) on the same file. A peer that isn't installed is left out.
func BenchmarkObserveAgainstPeers(b *testing.B) {
	binary := built(b)
	for _, log := range peerLogs {
		b.Run(log.name, func(b *testing.B) {
			path, size := writeBenchLog(b, log.name, log.line)
			b.SetBytes(size)
			var own cost
			for b.Loop() {
				own = costOf(b, observing(b, binary, path))
			}
			b.ReportMetric(own.cpu.Seconds(), "CPU-s")
			b.ReportMetric(own.mb, "MB")
			for unit, args := range map[string][]string{"times-grep-word": {"-c", log.word}, "times-grep-hostile": {"-cE", log.grep}} {
				grep := exec.Command("grep", append(args, path)...)
				grep.Env = append(os.Environ(), "LC_ALL=C")
				b.ReportMetric(own.cpu.Seconds()/costOf(b, grep).cpu.Seconds(), unit)
			}
			if regex, err := exec.LookPath("fail2ban-regex"); err == nil {
				all := time.Duration(0)
				for _, filter := range log.filters {
					f := costOf(b, exec.Command(regex, path, filter))
					all += f.cpu
					b.ReportMetric(f.cpu.Seconds()/own.cpu.Seconds(), "times-quicker-than-"+filter)
					b.ReportMetric(f.mb, filter+"-MB")
				}
				b.ReportMetric(all.Seconds()/own.cpu.Seconds(), "times-quicker-than-all")
			}
		})
	}
}

// BenchmarkObserveByBytes reads logs of one, two and four times the size, and one of lines of 1 MB: the cost is that of the
// bytes.
func BenchmarkObserveByBytes(b *testing.B) {
	binary := built(b)
	text := strings.Repeat("x", 1<<20-100)
	for _, c := range []struct {
		name string
		mb   int
		line string
	}{{"50MB", 50, ""}, {"100MB", 100, ""}, {"200MB", 200, ""}, {"100MB-in-lines-of-1MB", 100, text}} {
		b.Run(c.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "auth.log")
			f, err := os.Create(path)
			if err != nil {
				b.Fatal(err)
			}
			w := bufio.NewWriterSize(f, 1<<16) // this process must stay small: the most memory of a child begins with its parent's
			at, size := time.Now().Add(-26*time.Hour).UTC(), 0
			for i := 0; size < c.mb<<20; i++ {
				n, _ := fmt.Fprintln(w, peerLogs[0].line(i, at)+c.line)
				size += n
			}
			if err := errors.Join(w.Flush(), f.Close()); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			var own cost
			for b.Loop() {
				own = costOf(b, observing(b, binary, path))
			}
			b.ReportMetric(own.cpu.Seconds()*1000/float64(c.mb), "CPU-ms/MB")
			b.ReportMetric(own.mb, "MB")
		})
	}
}
