package evidence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAHalfWrittenLineWaits(t *testing.T) {
	f := newFollower(t)
	path := f.path
	line := attempts(0, 1)
	appendTo(t, path, line[:40])
	if sum := f.read(); sum.Lines != 0 {
		t.Errorf("half a line counts: %+v", sum)
	}
	appendTo(t, path, line[40:])
	if sum := f.read(); sum.Hostile != 1 || f.total != 1 {
		t.Errorf("the whole line: %+v", sum)
	}
}

func TestAHalfWrittenLineWaitsAcrossRotation(t *testing.T) {
	f := newFollower(t)
	line := attempts(0, 1)
	f.clock = time.Now() // it is still being written
	appendTo(t, f.path, line[:3])
	f.touch(f.path)
	f.read()
	appendTo(t, f.path, line[3:])
	f.touch(f.path)
	f.rename(f.path, f.path+".1")
	appendTo(t, f.path, attempts(1, 1)) // it begins with the same letters
	if sum := f.read(); sum.Hostile != 2 || sum.Lost {
		t.Errorf("%+v", sum)
	}
}

func TestALastLineThatNobodyWillEndCounts(t *testing.T) {
	f := newFollower(t)
	path := f.path
	appendTo(t, path, strings.TrimSuffix(attempts(0, 2), "\n"))
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if sum := f.read(); sum.Hostile != 2 {
		t.Errorf("%+v", sum)
	}
}

func TestALogThatWasCutIsTold(t *testing.T) {
	f := newFollower(t)
	path := f.path
	appendTo(t, path, attempts(0, 50))
	f.read()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, attempts(100, 3))
	if sum := f.read(); !sum.Lost || sum.Hostile != 3 {
		t.Errorf("%+v", sum)
	}
}

func TestOldFilesAreReadByTheOrderOfTheirNames(t *testing.T) {
	for name, ends := range map[string][]string{ // oldest first
		"numbers":             {".10.gz", ".9.gz", ".2.gz", ".1"},
		"dates":               {"-20251231.gz", "-20261001.gz", "-20261101", "-20261101-1762000000"},
		"dates with dashes":   {".2026-10-31", ".2026-11-01"},
		"numbers, then dates": {".3", ".2", "-20261101"},
	} {
		f := newFollower(t)
		for i, end := range ends {
			line := attempts(i, 1)
			if strings.HasSuffix(end, ".gz") {
				line = string(packed(t, line))
			}
			appendTo(t, f.path+end, line)
			f.touch(f.path + end)
		}
		// Neither of these is an old file.
		for _, end := range []string{".bak", "-old", ".1x", ".", "2"} {
			appendTo(t, f.path+end, attempts(50, 1))
		}
		f.written = len(ends)
		f.write(1)
		var got []int
		o := Options{At: readAt, Line: func(_ int64, e Event) { got = append(got, e.At.Second()) }}
		if _, _, err := Follow(t.Context(), f.path, Position{}, o, NewTally("local")); err != nil {
			t.Fatal(err)
		}
		var want []int
		for i := range f.written {
			want = append(want, i)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestIsOldFile(t *testing.T) {
	for _, c := range []struct {
		name, log string
		want      bool
	}{
		{"/var/log/auth.log.1", "/var/log/auth.log", true},
		{"/var/log/auth.log.2.gz", "/var/log/auth.log", true},
		{"/var/log/secure-20261101", "/var/log/secure", true},
		{"/var/log/auth.log", "/var/log/auth.log", false},
		{"/var/log/auth.log.gz", "/var/log/auth.log", false},
		{"/old/auth.log.1", "/var/log/auth.log", false},
		{"/var/log/auth.log.10", "/var/log/auth.log.1", false},
		{"./auth.log.1", "auth.log", true},
		{"/logs/2026-11-01/ssh.10:00:00-11:00:00.log.gz", "/logs/current/ssh.log", true},
		{"/logs/2026-11-01/ssh.10:00:00-11:00:00.log", "/logs/current/ssh.log", true},
		{"/logs/2026-11-01/conn.10:00:00-11:00:00.log.gz", "/logs/current/ssh.log", false},
		{"/logs/2026-11-01/ssh.10:00:00-11:00:00.log.gz", "/logs/now/ssh.log", false},
		{"/logs/2026-11-31/ssh.10:00:00-11:00:00.log.gz", "/logs/current/ssh.log", false},
		{"/logs/2026-11-01/ssh.10:00:00-11:60:00.log.gz", "/logs/current/ssh.log", false},
		{"/logs/2026-11-01/.10:00:00-11:00:00.log.gz", "/logs/current/.log", false},
	} {
		if got := IsOldFile(c.name, c.log); got != c.want {
			t.Errorf("%s of %s: %v", c.name, c.log, got)
		}
	}
}

func TestAnAttemptAcrossTwoReadingsCountsOnce(t *testing.T) {
	lines := strings.SplitAfter(sshdLog("Invalid user bob from 203.0.113.7 port 4000", "Failed password for invalid user bob from 203.0.113.7 port 4000 ssh2",
		"error: maximum authentication attempts exceeded for invalid user bob from 203.0.113.7 port 4000 ssh2 [preauth]",
		"Disconnecting invalid user bob 203.0.113.7 port 4000: Too many authentication failures [preauth]",
		"2|Failed publickey for erika from 203.0.113.8 port 4000 ssh2: RSA SHA256:abc", "2|Connection closed by 203.0.113.8 port 4000 [preauth]"), "\n")
	f := newFollower(t)
	got := []int64{}
	for i, line := range lines[:6] {
		appendTo(t, f.path, line)
		f.touch(f.path)
		got = append(got, f.read().Hostile)
		if i == 3 { // the state goes through a rotation as well
			f.rename(f.path, f.path+".1")
		}
	}
	if d := cmp.Diff([]int64{1, 0, 0, 0, 0, 1}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	appendTo(t, f.path, "Nov  1 01:05:00 mail sshd[3]: Failed password for root from 203.0.113.7 port 4000 ssh2\n")
	f.touch(f.path)
	if sum := f.read(); sum.Hostile != 1 || strings.Contains(string(f.at.State["sshd"]), "203.0.113.8") {
		t.Errorf("%+v, %s", sum, f.at.State)
	}
}

func TestLinesAreNumberedWithinTheirFile(t *testing.T) {
	f := newFollower(t)
	f.write(3)
	f.read()
	f.write(2)
	var got []int64
	o := Options{At: readAt, Line: func(line int64, _ Event) { got = append(got, line) }}
	at, _, err := Follow(t.Context(), f.path, f.at, o, NewTally("local"))
	if d := cmp.Diff([]int64{4, 5}, got); err != nil || d != "" || at.Lines != 5 {
		t.Errorf("%v, at %+v (-want +got):\n%s", err, at, d)
	}
}

// TestRotatedTwiceWithoutUs has the file that was read gone, but not those that came after it.
func TestRotatedTwiceWithoutUs(t *testing.T) {
	f := newFollower(t)
	rotate := rotations["rename"]
	f.write(4)
	rotate(f, 1)
	f.write(5)
	f.read() // 9
	f.write(1)
	rotate(f, 2)
	f.write(6)
	rotate(f, 3)
	f.write(7)
	if err := os.Remove(f.path + ".2"); err != nil {
		t.Fatal(err)
	}
	if sum := f.read(); !sum.Lost || sum.Hostile != 6+7 {
		t.Errorf("%+v", sum)
	}
	if sum := f.read(); sum.Lost || sum.Lines != 0 {
		t.Errorf("the next time: %+v", sum)
	}
}

// TestRotatedWhileItIsOpened has the log stand among its old files as well, as it does for whoever opens it in that moment.
func TestRotatedWhileItIsOpened(t *testing.T) {
	f := newFollower(t)
	f.write(3)
	if err := os.Link(f.path, f.path+".1"); err != nil {
		t.Fatal(err)
	}
	if sum := f.read(); sum.Hostile != 3 {
		t.Errorf("%+v", sum)
	}
}

func TestALogThatBecameShorter(t *testing.T) {
	f := newFollower(t)
	f.write(50)
	f.read()
	if err := os.Truncate(f.path, int64(len(attempts(0, 40)))); err != nil {
		t.Fatal(err)
	}
	f.write(2)
	if sum := f.read(); !sum.Lost || sum.Hostile > 2 {
		t.Errorf("%+v; wanted none of the lines again", sum)
	}
	f.write(3)
	if sum := f.read(); sum.Lost || sum.Hostile != 3 {
		t.Errorf("the next time: %+v", sum)
	}
}

func TestAGzippedLogIsReadOnce(t *testing.T) {
	f := newFollower(t)
	f.path += ".2.gz"
	appendTo(t, f.path, string(packed(t, attempts(0, 5000))))
	if sum := f.read(); sum.Hostile != 5000 {
		t.Errorf("%+v", sum)
	}
	if sum := f.read(); sum.Lines != 0 || sum.Lost {
		t.Errorf("the second time: %+v", sum)
	}
}

func TestADamagedOldFileKeepsNothingBack(t *testing.T) {
	whole := packed(t, attempts(0, 5000))
	for name, old := range map[string]string{
		"half a gzip":        string(whole[:len(whole)/2]),
		"a gzip's head":      string(whole[:5]),
		"not a log at all":   "It was a dark night.\n",
		"another one's text": string(packed(t, "\xff\xfeN\x00")),
	} {
		f := newFollower(t)
		end := ".2"
		if strings.Contains(name, "gzip") {
			end += ".gz"
		}
		appendTo(t, f.path+end, old)
		appendTo(t, f.path+".1", attempts(6000, 10))
		f.written = 6010
		f.write(1)
		sum, err := f.follow()
		var damage *DamageError
		if !errors.As(err, &damage) || damage.Name != f.path+end || sum.Hostile < 11 {
			t.Errorf("%s: %+v, %v", name, sum, err)
		}
		f.write(3)
		if sum := f.read(); sum.Hostile != 3 {
			t.Errorf("%s, the next time: %+v", name, sum)
		}
	}
}

func TestALogOfAnotherKindIsRefused(t *testing.T) {
	f := newFollower(t)
	appendTo(t, f.path, "It was a dark night.\n")
	if _, err := f.follow(); !errors.As(err, new(*FormatError)) || !f.at.isZero() && f.at.Lines > 1 {
		t.Errorf("%+v, %v", f.at, err)
	}
	f = newFollower(t)
	if err := os.Mkdir(f.path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := f.follow(); !errors.As(err, new(*DamageError)) || !f.at.isZero() {
		t.Errorf("a folder: %+v, %v", f.at, err)
	}
}

func TestAPipeIsReadToItsEnd(t *testing.T) {
	f := newFollower(t)
	if err := syscall.Mkfifo(f.path, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		done := make(chan error)
		go func() { done <- os.WriteFile(f.path, packed(t, attempts(0, 3)), 0o600) }()
		if sum := f.read(); sum.Hostile != 3 || !f.at.isZero() {
			t.Errorf("%+v, at %+v", sum, f.at)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// TestFollowARotationWithinOneTick rotates a log that was read while it was empty, within the time that file systems tell
// apart: what it got meanwhile is read.
func TestFollowARotationWithinOneTick(t *testing.T) {
	f := newFollower(t)
	appendTo(t, f.path, "")
	empty, err := os.Stat(f.path)
	if err != nil {
		t.Fatal(err)
	}
	f.read()
	appendTo(t, f.path+".1", attempts(0, 1))
	if err := os.Chtimes(f.path+".1", empty.ModTime(), empty.ModTime()); err != nil {
		t.Fatal(err)
	}
	appendTo(t, f.path, attempts(1, 1))
	if sum := f.read(); sum.Hostile != 2 || sum.Lost {
		t.Errorf("%+v; wanted two lines", sum)
	}
}

// TestALogThatWasCutAndIsEmptyIsToldOnce reads it before it gets lines again, and has old files beside it.
func TestALogThatWasCutAndIsEmptyIsToldOnce(t *testing.T) {
	f := newFollower(t)
	f.write(3)
	rotations["rename"](f, 1)
	f.write(3)
	f.read()
	f.truncate()
	var got []string
	for _, n := range []int{0, 0, 2, 1} {
		if n > 0 {
			f.write(n)
		}
		sum := f.read()
		got = append(got, fmt.Sprintf("%d, lost %v", sum.Hostile, sum.Lost))
	}
	if d := cmp.Diff([]string{"0, lost true", "0, lost false", "2, lost false", "1, lost false"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestALogBehindALink is read although its old files lie elsewhere, as those of containers do.
func TestALogBehindALink(t *testing.T) {
	f := newFollower(t)
	f.write(3)
	link := filepath.Join(t.TempDir(), "auth.log")
	if err := os.Symlink(f.path, link); err != nil {
		t.Fatal(err)
	}
	f.path = link
	if sum := f.read(); sum.Hostile != 3 {
		t.Errorf("%+v", sum)
	}
	f.write(2)
	if sum := f.read(); sum.Hostile != 2 || sum.Lost {
		t.Errorf("the next time: %+v", sum)
	}
}

// TestStandardInputHasNoOldFiles: what a process reads has a name in /proc, and that may lead to a log.
func TestStandardInputHasNoOldFiles(t *testing.T) {
	f := newFollower(t)
	f.write(3)
	rotations["rename"](f, 1)
	f.write(2)
	in, err := os.Open(f.path)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll([]*file{{File: in}})
	f.path = fmt.Sprintf("/proc/self/fd/%d", in.Fd())
	if sum := f.read(); sum.Hostile != 2 {
		t.Errorf("%+v; expected 2", sum)
	}
}

// TestALogThatNeverRests is given up, with nothing of it counted, and is read when it rests.
func TestALogThatNeverRests(t *testing.T) {
	f := newFollower(t)
	f.write(2)
	f.read()
	f.written += 1000 // other lines
	t.Cleanup(func() { step = func() {} })
	step = func() {
		f.truncate()
		f.write(1)
	}
	tally := NewTally("local")
	at, sum, err := Follow(t.Context(), f.path, f.at, Options{At: readAt}, tally)
	step = func() {}
	seen, _ := tally.Records()
	if d := cmp.Diff(f.at, at); !errors.As(err, new(*DamageError)) || sum.Lines > 0 || len(seen) > 0 || d != "" {
		t.Errorf("%+v, %v, %v (-want +got):\n%s", sum, seen, err, d)
	}
	if sum := f.read(); sum.Hostile != 1 || !sum.Lost {
		t.Errorf("%+v", sum)
	}
}

// TestALogThatIsMissingForAMoment is between being renamed and being there anew.
func TestALogThatIsMissingForAMoment(t *testing.T) {
	f := newFollower(t)
	f.write(2)
	f.read()
	f.write(1)
	rotations["rename"](f, 1)
	t.Cleanup(func() { step = func() {} })
	looks := 0
	step = func() {
		if looks++; looks == 3 {
			f.write(1)
		}
	}
	if sum := f.read(); sum.Hostile != 2 || sum.Lost {
		t.Errorf("%+v", sum)
	}
}

// TestTooManyOpenFiles holds that nothing counts, and nothing is passed over, where the machine can't open what there is, whichever
// file or folder that is.
func TestTooManyOpenFiles(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	const rotated = 20
	refused := 0
	for most := uint64(3); ; most++ {
		f := newFollower(t)
		for n := range rotated {
			f.write(1)
			f.rename(f.path, fmt.Sprintf("%s-202611%02d", f.path, n))
		}
		f.write(1)
		few := limit
		few.Cur = most
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
			t.Fatal(err)
		}
		sum, err := f.follow()
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			if sum.Hostile != rotated+1 {
				t.Errorf("with %d files %+v; expected all, or an error", most, sum)
			}
			break
		}
		refused++
		if !strings.Contains(err.Error(), "too many open files; expected a higher limit") || sum.Lines > 0 || f.at.Offset > 0 {
			t.Errorf("with %d files %+v, %v, at %d; expected nothing read", most, sum, err, f.at.Offset)
		}
		if sum := f.read(); sum.Hostile != rotated+1 {
			t.Errorf("then %+v; expected all", sum)
		}
	}
	if refused <= rotated {
		t.Errorf("%d times too many files; expected more than there are", refused)
	}
}
