package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// onSmallDisk puts the store on a file system of its own with room for size bytes, which this test alone sees.
func (f *faults) onSmallDisk(size string) {
	f.t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread ends with the test, and its mounts with it
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		f.t.Skip("no mount namespace: ", err)
	}
	dir := filepath.Join(f.dir, "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)); err != nil {
		f.t.Skip("no file system can be mounted: ", err)
	}
	f.t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // where the cleaning up is on another thread the mount isn't there
	f.args[len(f.args)-1] = filepath.Join(dir, "history.db")
	f.dir = dir
}

// fill leaves so many bytes of the disk.
func (f *faults) fill(left int) (undo func()) {
	f.t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(f.dir, &s); err != nil {
		f.t.Fatal(err)
	}
	path := filepath.Join(f.dir, "full")
	if n := int(s.Bavail)*int(s.Bsize) - left; n > 0 {
		if err := os.WriteFile(path, make([]byte, n), 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			f.t.Fatal(err)
		}
	}
}

// TestFaultDisk leaves a command anything from nothing to enough of the store's disk. Where that is too little nothing
// changes, in the history and in the kernel, and one message says so.
func TestFaultDisk(t *testing.T) {
	f := newFaults(t, 4)
	f.onSmallDisk("2m")
	hits := map[string]int{}
	f.each(deeds, func(p *play, i int) {
		room := f.fill(f.random.IntN(160 << 10))
		s := f.do(p.args...)
		room()
		switch {
		case s.code == 0:
			hits["room enough"]++
		case s.code != 1 || strings.Count(s.err, "error:") != 1 || strings.Contains(s.err, "panic"):
			t.Fatalf("%s on a full disk exits %d: %s", p.name, s.code, s.err)
		case !strings.Contains(s.err, "disk is full") && !strings.Contains(s.err, "no space left"):
			t.Fatalf("%s on a full disk says %s", p.name, s.err)
		default:
			_, why, _ := strings.Cut(s.err, "history.db\" ")
			why, _, _ = strings.Cut(why, "\n")
			hits[why]++
		}
		x := f.judge(p, "on a full disk: "+s.err, s)
		if newHistory, newKernel, _ := p.where(x); s.code != 0 && p.before.history != p.after.history && (newHistory || newKernel && p.before.kernel != p.after.kernel && p.name != "undo of a trial") {
			t.Fatalf("%s failed for want of room, and something changed: %+v\n%s", p.name, x, s.err)
		}
	})
	t.Logf("%d rounds a command:", f.rounds)
	for why, n := range hits {
		t.Logf("%4d %s", n, why)
	}
	if f.long() && len(hits) < 2 {
		t.Error("the disk was never full, or always")
	}
}
