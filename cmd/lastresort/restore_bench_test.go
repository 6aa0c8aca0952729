package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"lastresort/decide/history"
	"lastresort/firewall"
	"lastresort/firewall/sandbox"
	"lastresort/netblock"
)

// measured is the name under which the test binary runs lastresort and prints what it took. A process's peak of memory
// begins with that of the one that started it, so a small one has to.
const measured = "measured"

// toll is what a process took.
type toll struct {
	Wall time.Duration
	Peak int64 // of resident memory, in KB
}

func asMeasured() {
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Args[0] = program
	c.Stderr = os.Stderr
	begin := time.Now()
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	x := toll{time.Since(begin), c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss}
	if err := json.NewEncoder(os.Stdout).Encode(x); err != nil {
		os.Exit(1)
	}
}

// measure runs a command of lastresort as a process of its own.
func measure(b *testing.B, args ...string) toll {
	b.Helper()
	c := exec.Command("/proc/self/exe", args...)
	c.Args[0] = measured
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		b.Fatal(args, err)
	}
	var x toll
	if err := json.Unmarshal(out, &x); err != nil {
		b.Fatal(err)
	}
	return x
}

// spot is the n-th of some ranges of five addresses, or of single ones, apart from each other. They lie in 10.0.0.0/8, for
// the documentation ranges hold too few.
func spot(n int, ranges bool) netblock.Range {
	at := func(x int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(x >> 16), byte(x >> 8), byte(x)}) }
	if !ranges {
		return netblock.Single(at(n * 16))
	}
	r, err := netblock.Between(at(n*16), at(n*16+4))
	if err != nil {
		panic(err) // no caller asks for so many
	}
	return r
}

// blockedSince is from when on the blocks stand, and blockedUntil until when.
var (
	blockedSince = time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	blockedUntil = blockedSince.AddDate(0, 1, 0)
)

// blocked writes a store with n blocks, and a policy that lets them be.
func blocked(b *testing.B, n int, ranges bool) (policy, store string) {
	b.Helper()
	dir := b.TempDir()
	policy, store = filepath.Join(dir, "policy.toml"), filepath.Join(dir, "history.db")
	if err := os.WriteFile(policy, []byte("[range]\nprivate = true\nshape = \"range\"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	r, w := io.Pipe()
	go func() {
		out := bufio.NewWriter(w)
		for i := range n {
			where := spot(i, ranges)
			x := history.Block{Range: where, From: blockedSince, Until: blockedUntil, Case: netip.PrefixFrom(where.First(), 26).Masked(), By: "ops",
				Reason: "exhausted: 22 events a day"}
			if _, err := out.Write(append(history.Encode(x), '\n')); err != nil {
				return // the import gave up, and says why
			}
		}
		_ = w.CloseWithError(out.Flush())
	}()
	s, err := history.Open(b.Context(), store, history.Options{Write: true, Command: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Import(b.Context(), "made up", r, nil); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return policy, store
}

func (c *toll) add(o toll) { c.Wall, c.Peak = c.Wall+o.Wall, max(c.Peak, o.Peak) }

func (c toll) report(b *testing.B) {
	b.ReportMetric(c.Wall.Seconds()*1000/float64(b.N), "ms/op")
	b.ReportMetric(float64(c.Peak)/1024, "MB")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRestore is the whole process that puts stored blocks into the kernel, from the store to what is read back, each
// with a timeout and a counter; one that lists them as JSON with what the kernel holds; and one that takes 500 out and puts
// 500 others in. In the user namespace of the tests nft -f gives up on so many; .ci/compare-nft holds them against each other
// as root.
func BenchmarkRestore(b *testing.B) {
	sandbox.Need(b)
	const change = 500
	for _, what := range []string{"addresses", "ranges"} {
		for _, n := range []int{100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", what, n), func(b *testing.B) {
				policy, store := blocked(b, n, what == "ranges")
				args := []string{"--policy", policy, "--store", store}
				for _, command := range []string{"restore", "list", "apply"} {
					b.Run(command, func(b *testing.B) {
						var sum toll
						for b.Loop() {
							b.StopTimer()
							switch command {
							case "restore":
								forget(b)
							case "apply":
								shifted(b, n, change, what == "ranges")
							}
							b.StartTimer()
							sum.add(measure(b, append(args, command, "--json")...))
						}
						sum.report(b)
					})
				}
				forget(b)
			})
		}
	}
}

func forget(b *testing.B) {
	b.Helper()
	if err := firewall.Open(firewall.Config{Table: "lastresort"}).Remove(); err != nil {
		b.Fatal(err)
	}
}

// shifted brings the kernel to a list that lacks some of the stored ranges and has as many others.
func shifted(b *testing.B, n, by int, ranges bool) {
	b.Helper()
	var wants firewall.WantList
	for i := range n {
		wants = append(wants, firewall.Want{Range: spot(i+by, ranges), Until: blockedUntil})
	}
	k := firewall.Open(firewall.Config{Table: "lastresort", Mode: firewall.Inbound, Jitter: time.Hour})
	if _, err := k.Apply(b.Context(), wants, nil, time.Now); err != nil {
		b.Fatal(err)
	}
}
