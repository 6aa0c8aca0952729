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

// BenchmarkNetfilter reads a million lines of dropped packets.
func BenchmarkNetfilter(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const lines = 1_000_000
	var text bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&text, "Nov  1 18:01:40 mail kernel: [81234.001] [UFW BLOCK] IN=eth0 OUT= MAC=02:00:5e:00:53:01:02:00:5e:00:53:02:08:00 SRC=198.18.%d.%d DST=192.0.2.1 LEN=40 TTL=241 PROTO=TCP SPT=4000 DPT=23 WINDOW=1024 SYN\n", i/250%250, i%250)
	}
	benchmarkRead(b, text.Bytes(), lines)
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
