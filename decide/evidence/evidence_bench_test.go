package evidence

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"
)

// night makes n lines of a busy server: three of four attempts are a PAM failure, the rest two lines each, now and then an
// honest login, from 2,000 sources.
func night(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		var b bytes.Buffer
		at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		for i := range n {
			source := fmt.Sprintf("198.18.%d.%d", i%2000/250, i%250)
			pid := 10000 + i/2%20000
			fmt.Fprintf(&b, "%s mail sshd[%d]: ", at.Add(time.Duration(i)*40*time.Millisecond).Format(time.Stamp), pid)
			switch {
			case i%500 == 7:
				fmt.Fprintf(&b, "Accepted publickey for erika from 192.0.2.%d port %d ssh2: ED25519 SHA256:abcdefghijklmnopqrstuvwxyz\n", i%40, 1024+i%60000)
			case i%8 == 1:
				fmt.Fprintf(&b, "Invalid user oracle from %s port %d\n", source, 1024+i%60000)
			case i%8 == 3:
				fmt.Fprintf(&b, "Failed password for invalid user oracle from %s port %d ssh2\n", source, 1024+i%60000)
			default:
				fmt.Fprintf(&b, "error: PAM: Authentication failure for root from %s\n", source)
			}
			if b.Len() > 60<<10 {
				if _, err := b.WriteTo(w); err != nil {
					return
				}
			}
		}
		_, err := b.WriteTo(w)
		w.CloseWithError(err)
	}()
	return r
}

func benchmarkRead(b *testing.B, text []byte, lines int) {
	at := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		sum, err := Read(b.Context(), "log", bytes.NewReader(text), Options{At: at}, NewTally("local"))
		if err != nil || sum.Lines != int64(lines) {
			b.Fatal(sum, err)
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkSshd reads a million lines of sshd's from memory, on one core.
func BenchmarkSshd(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const lines = 1_000_000
	text, err := io.ReadAll(night(lines))
	if err != nil {
		b.Fatal(err)
	}
	benchmarkRead(b, text, lines)
}

// BenchmarkSshdGzip is BenchmarkSshd on a gzipped log.
func BenchmarkSshdGzip(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const lines = 1_000_000
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.Copy(z, night(lines)); err != nil {
		b.Fatal(err)
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	benchmarkRead(b, packed.Bytes(), lines)
}

// benchmarkLines reads a million lines from memory, on one core.
func benchmarkLines(b *testing.B, line func(text *bytes.Buffer, i int)) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const lines = 1_000_000
	var text bytes.Buffer
	for i := range lines {
		line(&text, i)
	}
	benchmarkRead(b, text.Bytes(), lines)
}

// BenchmarkNetfilter reads a million lines of dropped packets.
func BenchmarkNetfilter(b *testing.B) {
	benchmarkLines(b, func(text *bytes.Buffer, i int) {
		fmt.Fprintf(text, "Nov  1 18:01:40 mail kernel: [81234.001] [UFW BLOCK] IN=eth0 OUT= MAC=02:00:5e:00:53:01:02:00:5e:00:53:02:08:00 SRC=198.18.%d.%d DST=192.0.2.1 LEN=40 TTL=241 PROTO=TCP SPT=4000 DPT=23 WINDOW=1024 SYN\n", i/250%250, i%250)
	})
}

// BenchmarkPostfix reads a million lines of a mail server's.
func BenchmarkPostfix(b *testing.B) {
	benchmarkLines(b, func(text *bytes.Buffer, i int) {
		at := fmt.Sprintf("Nov  1 %02d:%02d:%02d mx postfix/", i/200_000, i/3600%60, i/60%60)
		source := fmt.Sprintf("unknown[198.18.%d.%d]", i*7%2000/250, i*7%250)
		switch i % 5 {
		case 0:
			fmt.Fprintf(text, "%ssmtpd[%d]: connect from %s\n", at, i/4%20000, source)
		case 1:
			fmt.Fprintf(text, "%ssmtpd[%d]: warning: %s: SASL LOGIN authentication failed: UGFzc3dvcmQ6\n", at, i/4%20000, source)
		case 2:
			fmt.Fprintf(text, "%ssmtpd[%d]: NOQUEUE: reject: RCPT from %s: 554 5.7.1 <x@example.net>: Relay access denied; from=<a@example.org>\n", at, i/4%20000, source)
		case 3:
			fmt.Fprintf(text, "%ssmtpd[%d]: %08X: client=mail.example.net[203.0.113.%d]\n", at, i/4%20000, i, i%200)
		default:
			fmt.Fprintf(text, "%sqmgr[77]: %08X: from=<a@example.net>, size=%d, nrcpt=1 (queue active)\n", at, i, i%90000)
		}
	})
}

// BenchmarkAccess reads a million lines of a web server's.
func BenchmarkAccess(b *testing.B) {
	benchmarkLines(b, func(text *bytes.Buffer, i int) {
		at := fmt.Sprintf("- - [01/Nov/2026:%02d:%02d:%02d +0000]", i/200_000, i/3600%60, i/60%60)
		if i%8 == 3 {
			fmt.Fprintf(text, "198.18.%d.%d %s \"GET /wp-login.php HTTP/1.1\" 404 153 \"-\" \"Mozilla/5.0\"\n", i*7%2000/250, i*7%250, at)
			return
		}
		fmt.Fprintf(text, "192.0.2.%d %s \"GET /news/%d.html HTTP/2.0\" 200 %d \"https://www.example.org/\" \"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\"\n", i%250, at, i%5000, i%90000)
	})
}

// BenchmarkMemory reads a stream of a million lines and reports the most memory that was live or not yet collected at a time.
func BenchmarkMemory(b *testing.B) {
	const lines = 1_000_000
	at := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	most := uint64(0)
	for b.Loop() {
		runtime.GC() // of what other benchmarks left
		seen := func(line int64, _ Event) {
			if line%100_000 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
		if _, err := Read(b.Context(), "log", night(lines), Options{At: at, Line: seen}, NewTally("local")); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(most)/(1<<20), "MB-of-heap")
}
