package evidence

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// script is what the programs that write and rotate a log do, one operation on the file system after the other.
type script struct {
	t    *testing.T
	path string
	do   []func()
	of   []int // the part of the log, between two rotations, that a line was written to
	part int
}

// write adds what a program writes to a log with one call: the rest of a line and whole ones, or the beginning of one.
func (s *script) write(to, text string) { s.do = append(s.do, func() { appendTo(s.t, to, text) }) }

// lines adds the writing of some lines, the first in two halves.
func (s *script) lines(to string, n int) {
	var text strings.Builder
	for range n {
		fmt.Fprintf(&text, "Nov  1 01:00:00 mail sshd[%d]: Failed password for root from %s port 4000 ssh2\n", 1000+len(s.of), sourceOf(len(s.of)))
		s.of = append(s.of, s.part)
	}
	half := min(n, 1) * 20
	s.write(to, text.String()[:half])
	s.write(to, text.String()[half:])
}

func (s *script) rename(from, to string) {
	s.do = append(s.do, func() {
		if err := os.Rename(from, to); err != nil {
			s.t.Fatal(err)
		}
	})
}

func (s *script) truncate(name string) {
	s.do = append(s.do, func() {
		if err := os.Truncate(name, 0); err != nil {
			s.t.Fatal(err)
		}
	})
}

// copyTo copies a file as it is then in three steps: an empty one, half, and the rest.
func (s *script) copyTo(from, to string, change func(string) string) {
	text := ""
	s.write(to, "")
	s.do = append(s.do, func() {
		text = change(slurp(s.t, from))
		appendTo(s.t, to, text[:len(text)/2])
	}, func() { appendTo(s.t, to, text[len(text)/2:]) })
}

// pack puts a gzipped file in place of another.
func (s *script) pack(from, to string) {
	s.copyTo(from, to, func(text string) string { return string(packed(s.t, text)) })
	s.do = append(s.do, func() {
		if err := os.Remove(from); err != nil {
			s.t.Fatal(err)
		}
	})
}

// shift makes room for a new PATH.1; there were n rotations before.
func (s *script) shift(n int, end string) {
	for ; n > 0; n-- {
		s.rename(fmt.Sprintf("%s.%d%s", s.path, n, end), fmt.Sprintf("%s.%d%s", s.path, n+1, end))
	}
}

func same(text string) string { return text }

// turns are the ways in which a log is rotated for the nth time, by steps.
var turns = map[string]func(s *script, n int){
	"rename": func(s *script, n int) { s.shift(n, ""); s.rename(s.path, s.path+".1") },
	"create": func(s *script, n int) { s.shift(n, ""); s.rename(s.path, s.path+".1"); s.write(s.path, "") },
	"create, and one goes on with the old": func(s *script, n int) {
		s.shift(n, "")
		s.rename(s.path, s.path+".1")
		s.write(s.path, "")
		s.lines(s.path+".1", 1)
	},
	"copytruncate": func(s *script, n int) { s.shift(n, ""); s.copyTo(s.path, s.path+".1", same); s.truncate(s.path) },
	"copytruncate, and one writes meanwhile": func(s *script, n int) {
		s.shift(n, "")
		s.write(s.path+".1", "")
		s.lines(s.path, 2)
		s.copyTo(s.path, s.path+".1", same)
		s.truncate(s.path)
	},
	"copytruncate and gzip": func(s *script, n int) {
		s.copyTo(s.path, fmt.Sprintf("%s-2026110%d.gz", s.path, n), func(text string) string { return string(packed(s.t, text)) })
		s.truncate(s.path)
	},
	"gzip": func(s *script, n int) {
		s.shift(n, ".gz")
		s.rename(s.path, s.path+".1")
		s.write(s.path, "")
		s.pack(s.path+".1", s.path+".1.gz")
	},
	"gzip the day after": func(s *script, n int) {
		if n > 0 {
			s.pack(s.path+".1", s.path+".1.gz")
			s.shift(n, ".gz")
		}
		s.rename(s.path, s.path+".1")
		s.write(s.path, "")
	},
	"dateext": func(s *script, n int) { s.rename(s.path, fmt.Sprintf("%s-2026110%d", s.path, n)) },
	"cut":     func(s *script, _ int) { s.truncate(s.path) },
	// kubelet renames the log that a link leads to; the container's runtime makes it anew, and kubelet packs the one before.
	"behind a link": func(s *script, n int) {
		real := filepath.Join(filepath.Dir(s.path), "pod", "0.log")
		s.rename(real, fmt.Sprintf("%s.2026110%d-100000", real, n))
		s.write(real, "")
		if n > 0 {
			s.pack(fmt.Sprintf("%s.2026110%d-100000", real, n-1), fmt.Sprintf("%s.2026110%d-100000.gz", real, n-1))
		}
	},
	// Zeek makes a log anew when there is something to write.
	"into an archive": func(s *script, n int) {
		moving := movingAs(s.path, ".2006-01-02-15-04-05.log", n)
		s.rename(s.path, moving)
		s.pack(moving, archivedAs(s.path, n))
	},
	"into an archive, and one writes meanwhile": func(s *script, n int) {
		moving := movingAs(s.path, "-06-01-02_15.04.05.log", n)
		s.rename(s.path, moving)
		s.write(archivedAs(s.path, n), "")
		s.lines(s.path, 2)
		s.pack(moving, archivedAs(s.path, n))
	},
	"rotated or cut": func(s *script, n int) {
		if n%2 == 0 {
			s.shift(n/2, "")
			s.copyTo(s.path, s.path+".1", same)
		}
		s.truncate(s.path)
	},
}

// begun is when a log began that Zeek takes away the nth time, from yesterday on.
func begun(n int) time.Time {
	y, m, d := time.Now().AddDate(0, 0, n/2-1).Date()
	return time.Date(y, m, d, 10+n, 0, 0, 0, time.UTC)
}

// movingAs is what it is called then, and archivedAs where it goes.
func movingAs(log, form string, n int) string {
	return strings.TrimSuffix(log, ".log") + begun(n).Format(form)
}

func archivedAs(log string, n int) string {
	dir, name := filepath.Split(log)
	return filepath.Join(filepath.Dir(filepath.Clean(dir)), begun(n).Format(time.DateOnly), strings.TrimSuffix(name, ".log")+begun(n).Format(".15:04:05-")+begun(n+1).Format("15:04:05.log.gz"))
}

// logOf makes an empty folder for a log that is rotated in a way, and returns the log's path.
func logOf(t *testing.T, dir, way string) string {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	folders, path := []string{dir}, filepath.Join(dir, "auth.log")
	switch {
	case strings.HasPrefix(way, "into an archive"):
		path = filepath.Join(dir, zeekCurrent, "auth.log")
		folders = []string{filepath.Dir(path)}
		for n := range 9 {
			folders = append(folders, filepath.Dir(archivedAs(path, n)))
		}
	case way == "behind a link":
		folders = []string{filepath.Join(dir, "pod")}
	}
	for _, folder := range folders {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if way == "behind a link" {
		if err := os.Symlink("pod/0.log", path); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// newScript makes a script in which a log gets lines, how many of each part, and is rotated in a way between the parts.
func newScript(t *testing.T, path, way string, lines []int) *script {
	s := &script{t: t, path: path}
	s.write(s.path, "")
	for n, some := range lines {
		if n > 0 {
			turns[way](s, n-1)
			s.part++
		}
		s.lines(s.path, some)
	}
	return s
}

// play reads a log again and again while a script is played.
type play struct {
	*script
	next  int // of its operations
	at    Position
	tally *Tally
	lost  bool
	told  []string // what was done, in order
}

// forward does the next n operations.
func (p *play) forward(n int) {
	n = min(n, len(p.do)-p.next)
	for ; n > 0; n-- {
		p.do[p.next]()
		p.next++
	}
	p.told = append(p.told, fmt.Sprintf("to %d", p.next))
}

// read reads what is new. It is an error where there is no log between two operations, and where a gzipped file is still being
// made.
func (p *play) read() {
	p.t.Helper()
	err := p.observe()
	if _, missing := os.Stat(p.path); err != nil && missing == nil && !strings.Contains(err.Error(), ".gz") {
		p.t.Fatal(err)
	}
}

// observe keeps what was read and how far together, whatever the error.
func (p *play) observe() error {
	p.t.Helper()
	at, sum, failed := Follow(p.t.Context(), p.path, p.at, Options{At: readAt}, p.tally)
	text, err := json.Marshal(at)
	if err != nil {
		p.t.Fatal(err)
	}
	p.at = Position{}
	if err := json.Unmarshal(text, &p.at); err != nil {
		p.t.Fatal(err)
	}
	p.lost = p.lost || sum.Lost
	p.told = append(p.told, fmt.Sprintf("read %d, lost %v", sum.Lines, sum.Lost))
	return failed
}

// readWhile reads once, with so many operations done before each look at the file system. It returns how many looks it took.
func (p *play) readWhile(before func(look int) int) int {
	looks := 0
	step = func() {
		if n := before(looks); n > 0 {
			p.told = append(p.told, fmt.Sprintf("at look %d", looks))
			p.forward(n)
		}
		looks++
	}
	defer func() { step = func() {} }()
	_ = p.observe() // it gives up where it is disturbed again and again
	return looks
}

// end plays the rest and tells what of the lines isn't there once. Where it was told that some are lost, those of a part that
// had been begun with may be missing.
func (p *play) end(mayLose bool) {
	p.t.Helper()
	if _, err := os.Stat(p.path); err == nil {
		p.read()
	}
	p.forward(len(p.do))
	if err := p.observe(); err != nil {
		p.t.Fatal(err)
	}
	times := map[string]int64{}
	sightings, _ := p.tally.Records()
	for _, s := range sightings {
		times[s.Source.String()] = s.Count
	}
	var missing, twice []int
	known := map[int]bool{}
	for n, part := range p.of {
		known[part] = known[part] || times[sourceOf(n)] > 0
	}
	for n, part := range p.of {
		switch times[sourceOf(n)] {
		case 0:
			if !mayLose || known[part] && !p.lost {
				missing = append(missing, n)
			}
		case 1:
		default:
			twice = append(twice, n)
		}
	}
	if len(missing)+len(twice) > 0 || p.lost && !mayLose {
		p.t.Fatalf("lines %v are missing, %v came twice, told as lost: %v; after %s", missing, twice, p.lost, strings.Join(p.told, ", "))
	}
}

// logSizes are how many lines a log gets between its rotations.
var logSizes = [][]int{{2, 1}, {1, 2, 1}, {14, 0, 1}} // 1,024 bytes are twelve lines

// TestARotationAtEachStepOfReading rotates a log, operation by operation, before each look at the file system that reading
// it takes: all of the operations, or some and the others later, from each state of the log, read before or not.
func TestARotationAtEachStepOfReading(t *testing.T) {
	for _, way := range slices.Sorted(maps.Keys(turns)) {
		t.Run(way, func(t *testing.T) {
			dir, played := t.TempDir(), 0
			for _, sizes := range logSizes[:rounds(1, len(logSizes))] {
				all := len(newScript(t, dir, way, sizes).do)
				for before := 1; before < all; before++ {
					skip := rounds(4, 1)
					for ops := 1 + before%skip; ops <= all-before; ops += skip {
						played += rotateAtEachLook(t, dir, way, sizes, before, ops, false) + rotateAtEachLook(t, dir, way, sizes, before, ops, true)
					}
				}
			}
			t.Logf("%d interleavings", played)
		})
	}
}

// rotateAtEachLook plays a script as often as a reading, after so many operations, takes looks: before each look once.
func rotateAtEachLook(t *testing.T, dir, way string, sizes []int, before, ops int, readBefore bool) int {
	t.Helper()
	for look := 0; ; look++ {
		p := newPlay(t, dir, way, sizes)
		p.forward(before)
		if p.isAway() {
			return look // nothing is read where no log is
		}
		if readBefore {
			p.read()
		}
		looks := p.readWhile(func(n int) int {
			if n == look {
				return ops
			}
			return 0
		})
		if looks <= look {
			return look
		}
		p.end(strings.Contains(way, "cut"))
	}
}

// newPlay begins to play a script in an empty folder.
func newPlay(t *testing.T, dir, way string, sizes []int) *play {
	t.Helper()
	return &play{script: newScript(t, logOf(t, dir, way), way, sizes), tally: NewTally("local")}
}

// isAway tells whether there is no log, although there should be.
func (s *script) isAway() bool {
	_, err := os.Stat(s.path)
	return err != nil && !isArchived(s.path)
}

// TestRotationsAtRandomStepsOfReading does operations before many of the looks at the file system, at random.
func TestRotationsAtRandomStepsOfReading(t *testing.T) {
	for _, way := range slices.Sorted(maps.Keys(turns)) {
		t.Run(way, func(t *testing.T) {
			dir := t.TempDir()
			for round := range rounds(20, 5000) {
				random := rand.New(rand.NewPCG(uint64(round), 3))
				sizes := make([]int, 2+random.IntN(4))
				for i := range sizes {
					sizes[i] = []int{0, 1, 2, 15}[random.IntN(4)]
				}
				p := newPlay(t, dir, way, sizes)
				p.forward(1 + random.IntN(6))
				seldom := 2 + random.IntN(20)
				for p.next < len(p.do) {
					if p.isAway() {
						p.forward(1)
						continue
					}
					p.readWhile(func(int) int {
						if random.IntN(seldom) > 0 {
							return 0
						}
						return 1 + random.IntN(8)
					})
				}
				p.end(strings.Contains(way, "cut"))
			}
		})
	}
}
