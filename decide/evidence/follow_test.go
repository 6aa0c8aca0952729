package evidence

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// follower reads one log again and again, as observe does. Files get times in the order of what is done to them, however fast
// that goes.
type follower struct {
	t       *testing.T
	path    string
	at      Position
	total   int64
	written int // attempts
	clock   time.Time
	moment  time.Time // of reading
}

func newFollower(t *testing.T) *follower {
	return &follower{t: t, path: filepath.Join(t.TempDir(), "auth.log"), clock: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), moment: readAt}
}

// follow reads what is new. The position goes through JSON, as it does in the store.
func (f *follower) follow() (Summary, error) {
	f.t.Helper()
	at, sum, err := Follow(f.t.Context(), f.path, f.at, Options{At: f.moment}, NewTally("local"))
	text, failed := json.Marshal(at)
	if failed != nil {
		f.t.Fatal(failed)
	}
	f.at = Position{}
	if failed := json.Unmarshal(text, &f.at); failed != nil {
		f.t.Fatal(failed)
	}
	f.total += sum.Hostile
	return sum, err
}

func (f *follower) read() Summary {
	f.t.Helper()
	sum, err := f.follow()
	if err != nil {
		f.t.Fatal(err)
	}
	return sum
}

// touch gives a file the next time.
func (f *follower) touch(path string) {
	f.t.Helper()
	f.clock = f.clock.Add(time.Minute)
	if err := os.Chtimes(path, f.clock, f.clock); err != nil {
		f.t.Fatal(err)
	}
}

// write adds n attempts to the log.
func (f *follower) write(n int) {
	f.t.Helper()
	appendTo(f.t, f.path, attempts(f.written, n))
	f.written += n
	f.touch(f.path)
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// rotations are the ways in which a log is rotated, for the nth time.
var rotations = map[string]func(f *follower, n int){
	"rename": func(f *follower, _ int) { f.shift(""); f.rename(f.path, f.path+".1") },
	"copytruncate": func(f *follower, _ int) {
		f.shift("")
		appendTo(f.t, f.path+".1", slurp(f.t, f.path))
		f.touch(f.path + ".1")
		f.truncate()
	},
	"gzip": func(f *follower, _ int) { f.shift(".gz"); f.pack(f.path, f.path+".1.gz") },
	"gzip the day after": func(f *follower, _ int) {
		f.shift(".gz")
		if _, err := os.Stat(f.path + ".1"); err == nil {
			f.pack(f.path+".1", f.path+".2.gz")
		}
		f.rename(f.path, f.path+".1")
	},
	"copytruncate and gzip": func(f *follower, n int) {
		appendTo(f.t, fmt.Sprintf("%s-2026110%d.gz", f.path, n), string(packed(f.t, slurp(f.t, f.path))))
		f.touch(fmt.Sprintf("%s-2026110%d.gz", f.path, n))
		f.truncate()
	},
	"dateext": func(f *follower, n int) { f.rename(f.path, fmt.Sprintf("%s-2026110%d", f.path, n)) },
}

func slurp(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (f *follower) rename(from, to string) {
	f.t.Helper()
	if err := os.Rename(from, to); err != nil {
		f.t.Fatal(err)
	}
}

func (f *follower) truncate() {
	f.t.Helper()
	if err := os.Truncate(f.path, 0); err != nil {
		f.t.Fatal(err)
	}
	f.touch(f.path)
}

// pack gzips a file as gzip does: the new one has the old one's time.
func (f *follower) pack(from, to string) {
	f.t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		f.t.Fatal(err)
	}
	appendTo(f.t, to, string(packed(f.t, slurp(f.t, from))))
	if err := os.Chtimes(to, info.ModTime(), info.ModTime()); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Remove(from); err != nil {
		f.t.Fatal(err)
	}
}

// shift makes room for a new PATH.1.
func (f *follower) shift(end string) {
	f.t.Helper()
	for n := 12; n > 0; n-- {
		from := fmt.Sprintf("%s.%d%s", f.path, n, end)
		if _, err := os.Stat(from); err == nil {
			f.rename(from, fmt.Sprintf("%s.%d%s", f.path, n+1, end))
		}
	}
}

func TestEveryLineOnceAcrossRotation(t *testing.T) {
	for name, rotate := range rotations {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			for range 15 {
				f := newFollower(t)
				turned := 0
				f.write(random.IntN(30))
				for range 14 {
					switch n := random.IntN(7); {
					case n < 2 && turned < 9:
						turned++
						rotate(f, turned)
						f.write(random.IntN(3)) // an empty log, often
					case n < 4:
						f.write(random.IntN(30) + 1)
					default:
						f.read()
					}
				}
				if sum := f.read(); f.total != int64(f.written) || sum.Lost || f.at.Lines == 0 && f.at.Offset > 0 {
					t.Fatalf("counted %d of %d lines, lost %v, at %+v", f.total, f.written, sum.Lost, f.at)
				}
			}
		})
	}
}
