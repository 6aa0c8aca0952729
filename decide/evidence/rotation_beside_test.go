package evidence

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// rounds returns how often a random test is done: more with LASTRESORT_LONG=1.
func rounds(quick, long int) int {
	if os.Getenv("LASTRESORT_LONG") == "1" {
		return long
	}
	return quick
}

// besides are the ways in which a log is rotated while it is read, for the nth time, by the program that writes it: nothing
// of what it wrote is lost by that.
var besides = []struct {
	name string
	turn func(w *writer, n int) error
}{
	{"rename", func(w *writer, _ int) error { return w.shift("", os.Rename) }},
	{"create", func(w *writer, _ int) error {
		if err := w.shift("", os.Rename); err != nil {
			return err
		}
		return os.WriteFile(w.path, nil, 0o600)
	}},
	{"copytruncate", func(w *writer, _ int) error { return w.shift("", w.copyTruncate) }},
	{"gzip", func(w *writer, _ int) error { return w.shift(".gz", w.gzip) }},
	{"dateext", func(w *writer, n int) error { return os.Rename(w.path, fmt.Sprintf("%s-%d", w.path, 20261101+n)) }},
}

// writer writes lines of as many sources, in pieces, and rotates its log.
type writer struct {
	t       *testing.T
	path    string
	random  *rand.Rand
	written int
}

// sourceOf is the address of the nth line.
func sourceOf(n int) string { return fmt.Sprintf("198.18.%d.%d", n>>8, n&255) }

// piece adds some lines, the last sometimes in two halves.
func (w *writer) piece() error {
	f, err := os.OpenFile(w.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for range 1 + w.random.IntN(4) {
		line := fmt.Sprintf("Nov  1 01:00:00 mail sshd[%d]: Failed password for root from %s port 4000 ssh2\n", 1000+w.written, sourceOf(w.written))
		half := w.random.IntN(len(line))
		for _, part := range []string{line[:half], line[half:]} {
			if _, err := f.WriteString(part); err != nil {
				return err
			}
			if w.random.IntN(4) == 0 {
				time.Sleep(time.Duration(w.random.IntN(300)) * time.Microsecond)
			}
		}
		w.written++
	}
	return f.Close()
}

// shift makes room for a new PATH.1 and moves the log there.
func (w *writer) shift(end string, move func(from, to string) error) error {
	for n := 30; n > 0; n-- {
		from := fmt.Sprintf("%s.%d%s", w.path, n, end)
		if _, err := os.Stat(from); err == nil {
			if err := os.Rename(from, fmt.Sprintf("%s.%d%s", w.path, n+1, end)); err != nil {
				return err
			}
		}
	}
	return move(w.path, w.path+".1"+end)
}

func (w *writer) copyTruncate(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	half := w.random.IntN(len(text) + 1)
	for _, part := range [][]byte{text[:half], text[half:]} {
		if _, err := f.Write(part); err != nil {
			return err
		}
		time.Sleep(time.Duration(w.random.IntN(300)) * time.Microsecond)
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Truncate(from, 0)
}

func (w *writer) gzip(from, to string) error {
	plain := from + ".1"
	if err := os.Rename(from, plain); err != nil {
		return err
	}
	text, err := os.ReadFile(plain)
	if err != nil {
		return err
	}
	z := packed(w.t, string(text))
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	half := w.random.IntN(len(z) + 1)
	for _, part := range [][]byte{z[:half], z[half:]} {
		if _, err := f.Write(part); err != nil {
			return err
		}
		time.Sleep(time.Duration(w.random.IntN(300)) * time.Microsecond)
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Remove(plain)
}

// TestEveryLineOnceWhileItIsRotated has a writer that rotates its log at random points while it is read again and again.
func TestEveryLineOnceWhileItIsRotated(t *testing.T) {
	for _, way := range besides {
		t.Run(way.name, func(t *testing.T) {
			for round := range rounds(6, 200) {
				rotateBeside(t, round, way.turn)
				if t.Failed() {
					t.Fatalf("in round %d", round)
				}
			}
		})
	}
}

func rotateBeside(t *testing.T, round int, turn func(*writer, int) error) {
	t.Helper()
	w := &writer{t: t, path: filepath.Join(t.TempDir(), "auth.log"), random: rand.New(rand.NewPCG(uint64(round), 7))}
	if err := w.piece(); err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	failed := make(chan error, 1)
	go func() {
		defer done.Store(true)
		for n := range 12 {
			for range w.random.IntN(6) {
				if err := w.piece(); err != nil {
					failed <- err
					return
				}
			}
			if _, err := os.Stat(w.path); err == nil && w.random.IntN(2) == 0 {
				if err := turn(w, n); err != nil {
					failed <- err
					return
				}
			}
			time.Sleep(time.Duration(w.random.IntN(2000)) * time.Microsecond)
		}
		failed <- w.piece()
	}()
	tally := NewTally("local")
	var at Position
	lost := false
	for last := false; ; {
		last = done.Load()
		mine := NewTally("local")
		to, sum, err := Follow(t.Context(), w.path, at, Options{At: readAt}, mine)
		if err == nil { // as in the store: what was read and how far, or neither
			tally.take(mine)
			text, _ := json.Marshal(to)
			at = Position{}
			if err := json.Unmarshal(text, &at); err != nil {
				t.Fatal(err)
			}
			lost = lost || sum.Lost
		} else if last {
			t.Fatal(err)
		}
		if last {
			break
		}
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	times := map[string]int64{}
	sightings, _ := tally.Records()
	for _, s := range sightings {
		times[s.Source.String()] += s.Count
	}
	var missing, twice []int
	for n := range w.written {
		switch times[sourceOf(n)] {
		case 0:
			missing = append(missing, n)
		case 1:
		default:
			twice = append(twice, n)
		}
		delete(times, sourceOf(n))
	}
	if len(missing)+len(twice)+len(times) > 0 || lost {
		names, _ := filepath.Glob(w.path + "*")
		slices.Sort(names)
		t.Errorf("of %d lines %v are missing, %v came twice, %v were never written; told as lost: %v; files %v", w.written, missing, twice, times, lost, names)
	}
}
