package evidence

import (
	"fmt"
	"os"
	"path/filepath"
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

// move calls the log what Zeek calls it until it is in the archive as that of an hour of today.
func (z *zeekFolder) move(form string, hour int) (moving, archived string) {
	z.t.Helper()
	y, m, d := z.moment.Date()
	moving = filepath.Join(z.dir, zeekCurrent, time.Date(y, m, d, hour, 0, 0, 0, time.UTC).Format(form))
	z.rename(z.path, moving)
	return moving, z.hour("ssh", 0, hour)
}

// TestALogOnItsWayIntoAnArchive is read where it is, and not once more when it is there, nor what there is of it until then.
func TestALogOnItsWayIntoAnArchive(t *testing.T) {
	for _, form := range []string{"ssh.2006-01-02-15-04-05.log", "ssh-06-01-02_15.04.05.log"} {
		for _, since := range []int{0, 4} {
			z := newZeekFolder(t)
			z.write(3)
			z.archive(0, 0)
			z.write(2)
			z.read()
			z.write(1)
			moving, archived := z.move(form, 1)
			if since > 0 {
				z.write(since)
			}
			whole := packed(t, slurp(t, moving))
			for _, there := range []int{0, 9, len(whole) / 2, len(whole)} {
				if err := os.WriteFile(archived, whole[:there], 0o600); err != nil {
					t.Fatal(err)
				}
				if sum := z.read(); sum.Lost || there > 0 && sum.Lines > 0 {
					t.Errorf("%d bytes in the archive: %+v; expected nothing more", there, sum)
				}
			}
			if err := os.Remove(moving); err != nil {
				t.Fatal(err)
			}
			if sum := z.read(); sum.Lines > 0 || sum.Lost {
				t.Errorf("in the archive: %+v; expected nothing more", sum)
			}
			z.write(1)
			if sum := z.read(); z.total != int64(7+since) || sum.Lost {
				t.Errorf("%s, %d since: %d, then %+v; expected %d", form, since, z.total, sum, 7+since)
			}
		}
	}
}

// TestALogThatZeekForgot is read although it never comes into the archive, in its order.
func TestALogThatZeekForgot(t *testing.T) {
	z := newZeekFolder(t)
	z.write(1)
	z.read()
	z.archive(0, 0)
	z.write(2)
	moving, archived := z.move("ssh.2006-01-02-15-04-05.log", 1)
	z.write(3)
	z.archive(0, 2)
	if sum := z.read(); sum.Hostile != 5 || sum.Lost {
		t.Errorf("%+v; expected 5", sum)
	}
	z.pack(moving, archived)
	z.write(1)
	if sum := z.read(); sum.Hostile != 1 || sum.Lost {
		t.Errorf("when it comes: %+v; expected 1", sum)
	}
}

// TestOthersBesideTheCurrentLog holds that what only looks like Zeek's is no old file of a log.
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
		t.Errorf("%+v; expected 2: it has no time", sum)
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

func TestMovedAway(t *testing.T) {
	for name, want := range map[string]string{
		"/logs/current/ssh.2026-11-01-10-00-00.log": "/logs/current/ssh.log 2026-11-01.10:00:00", "/logs/current/x509-26-11-01_10.00.00.log": "/logs/current/x509.log 2026-11-01.10:00:00",
		"/logs/current/ssh.log": " ", "/logs/current/.2026-11-01-10-00-00.log": " ", "/logs/current/ssh2026-11-01-10-00-00.log": " ", "/logs/current/ssh.2026-11-31-10-00-00.log": " ",
		"/logs/now/ssh.2026-11-01-10-00-00.log": " ", "/logs/current/ssh.2026-11-01-10-00-00.log.gz": " ", "/logs/current/ssh.2026-11-01.log": " ",
	} {
		log, turn, _ := movedAway(name)
		if got := log + " " + turn; got != want {
			t.Errorf("%s: %q; expected %q", name, got, want)
		}
	}
}
