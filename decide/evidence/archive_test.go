package evidence

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// zeekFolder is one in which Zeek writes its logs, and beside which it archives them.
type zeekFolder struct {
	*follower
	dir string
}

func newZeekFolder(t *testing.T) *zeekFolder {
	z := &zeekFolder{newFollower(t), t.TempDir()}
	z.path = filepath.Join(z.dir, zeekCurrent, "ssh.log")
	z.moment = time.Now() // files have the times of today
	z.clock = z.moment.Add(-time.Hour)
	z.folder(zeekCurrent)
	return z
}

func (z *zeekFolder) folder(name string) string {
	z.t.Helper()
	path := filepath.Join(z.dir, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		z.t.Fatal(err)
	}
	return path
}

// hour is where the archive has a log of so many days ago.
func (z *zeekFolder) hour(log string, days, hour int) string {
	z.t.Helper()
	return filepath.Join(z.folder(z.moment.AddDate(0, 0, -days).Format(time.DateOnly)), fmt.Sprintf("%s.%02d:00:00-%02d:00:00.log.gz", log, hour, hour+1))
}

// archive packs what there is of the log as that of an hour so many days ago.
func (z *zeekFolder) archive(days, hour int) {
	z.t.Helper()
	z.pack(z.path, z.hour("ssh", days, hour))
}

// TestZeeksArchive holds that what Zeek took away every hour is read, also where it has written nothing since.
func TestZeeksArchive(t *testing.T) {
	z := newZeekFolder(t)
	z.write(5)
	z.archive(31, 9) // too old to be of use the first time
	z.written = 0    // as if they had never been
	z.write(3)
	z.archive(1, 9)
	z.write(2)
	z.archive(0, 0)
	if err := os.WriteFile(z.hour("conn", 0, 0), packed(t, attempts(500, 9)), 0o600); err != nil {
		t.Fatal(err)
	}
	if sum := z.read(); sum.Hostile != 5 || sum.Lost {
		t.Errorf("the first time %+v; expected 5", sum)
	}
	if sum := z.read(); sum.Lines != 0 || sum.Lost {
		t.Errorf("with nothing new %+v", sum)
	}
	z.write(4)
	if sum := z.read(); sum.Hostile != 4 || sum.Lost {
		t.Errorf("of the log %+v; expected 4", sum)
	}
	z.write(1)
	for hour := range 3 {
		z.archive(0, 1+hour)
		z.write(2)
	}
	if sum := z.read(); sum.Hostile != 7 || sum.Lost {
		t.Errorf("of three hours and the log %+v; expected 7", sum)
	}
}

// TestALogOnItsWayIntoAnArchive waits until it is there, and what was written since with it.
func TestALogOnItsWayIntoAnArchive(t *testing.T) {
	z := newZeekFolder(t)
	z.write(3)
	z.archive(0, 0)
	z.write(2)
	z.read()
	z.write(1)
	moving := filepath.Join(z.dir, zeekCurrent, "ssh.2026-11-02-01-00-00.log")
	z.rename(z.path, moving)
	z.write(4)
	half := z.hour("ssh", 0, 1)
	whole := packed(t, slurp(t, moving))
	if err := os.WriteFile(half, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if sum := z.read(); sum.Lines != 0 || sum.Lost {
		t.Errorf("on its way: %+v; expected nothing yet", sum)
	}
	if err := os.Remove(half); err != nil {
		t.Fatal(err)
	}
	z.pack(moving, half)
	if sum := z.read(); sum.Hostile != 5 || sum.Lost {
		t.Errorf("in the archive: %+v; expected 5", sum)
	}
}

// TestAHalfOfAnArchiveIsLeft holds that what is still being packed isn't read, whether Zeek has written anew or not.
func TestAHalfOfAnArchiveIsLeft(t *testing.T) {
	for _, since := range []int{0, 2} {
		z := newZeekFolder(t)
		z.write(3)
		z.archive(0, 0)
		z.read()
		z.write(1)
		moving := filepath.Join(z.dir, zeekCurrent, "ssh.2026-11-02-01-00-00.log")
		z.rename(z.path, moving)
		half := z.hour("ssh", 0, 1)
		if err := os.WriteFile(half, packed(t, slurp(t, moving))[:20], 0o600); err != nil {
			t.Fatal(err)
		}
		if since > 0 {
			z.write(since)
		}
		if sum := z.read(); sum.Lines != 0 || sum.Lost {
			t.Errorf("%d lines since: %+v; expected nothing yet", since, sum)
		}
		if err := os.Remove(half); err != nil {
			t.Fatal(err)
		}
		z.pack(moving, half)
		if sum := z.read(); sum.Hostile != int64(1+since) || sum.Lost {
			t.Errorf("%d lines since: %+v; expected %d", since, sum, 1+since)
		}
	}
}

// TestOthersBesideTheCurrentLog holds that only Zeek's keep a log from being read.
func TestOthersBesideTheCurrentLog(t *testing.T) {
	z := newZeekFolder(t)
	appendTo(t, filepath.Join(z.dir, zeekCurrent, "ssh-2026-11-01.log"), attempts(900, 1))
	z.write(2)
	if sum := z.read(); sum.Hostile != 2 {
		t.Errorf("%+v; expected 2: there is no archive", sum)
	}
	z = newZeekFolder(t)
	z.folder("2026-11-01")
	appendTo(t, filepath.Join(z.dir, zeekCurrent, "ssh-latest.log"), attempts(900, 1))
	z.write(2)
	if sum := z.read(); sum.Hostile != 2 {
		t.Errorf("%+v; expected 2: nothing is on its way", sum)
	}
	z = newZeekFolder(t)
	z.path = filepath.Join(z.folder("now"), "ssh.log")
	z.folder("2026-11-01")
	appendTo(t, filepath.Join(z.folder("now"), "ssh-2026-11-01.log"), attempts(900, 1))
	z.write(2)
	if sum := z.read(); sum.Hostile != 2 {
		t.Errorf("%+v; expected 2: it is none of Zeek's", sum)
	}
	if _, _, err := Follow(t.Context(), filepath.Join(z.dir, zeekCurrent, "rdp.log"), Position{}, Options{At: readAt}, NewTally("local")); err == nil {
		t.Error("a log that never was: expected an error")
	}
}

// dirEntry is a file in a folder.
type dirEntry struct {
	fs.DirEntry
	fs.FileInfo
	name string
	ctim time.Time
}

func (l dirEntry) Name() string               { return l.name }
func (l dirEntry) IsDir() bool                { return false }
func (l dirEntry) Info() (fs.FileInfo, error) { return l, nil }
func (l dirEntry) Sys() any                   { return &syscall.Stat_t{Ctim: syscall.NsecToTimespec(l.ctim.UnixNano())} }

func TestMovesAway(t *testing.T) {
	for _, c := range []struct {
		name string
		ago  time.Duration
		want bool
	}{
		{"ssh.2026-11-01-10-00-00.log", time.Minute, true},
		{"ssh-26-11-01_10.00.00.log", time.Minute, true},
		{"ssh-26-11-01_10.00.00.log", 2 * time.Hour, false}, // forgotten
		{"ssh.log", time.Minute, false},
		{"ssh..log", time.Minute, false},
		{"ssh2026-11-01.log", time.Minute, false},
		{"ssh.2026-11-01-10-00-00.log.gz", time.Minute, false},
		{"conn.2026-11-01-10-00-00.log", time.Minute, false},
		{"ssh.old.log", time.Minute, false},
	} {
		if got := movesAway(dirEntry{name: c.name, ctim: time.Now().Add(-c.ago)}, "ssh.log"); got != c.want {
			t.Errorf("%s, %v old: %v", c.name, c.ago, got)
		}
	}
}
