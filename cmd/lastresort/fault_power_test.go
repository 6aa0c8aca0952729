package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFaultPower takes the store's files as they are at random moments of commands that are stopped there, does to them
// what a power cut may do to what wasn't synchronised yet, and boots on that.
func TestFaultPower(t *testing.T) {
	f := newFaults(t, 4)
	hits := map[string]int{}
	boots := map[*play][2]scene{}
	f.each(deeds, func(p *play, i int) {
		if _, ok := boots[p]; !ok {
			boots[p] = f.bootsOf(p)
		}
		stored := readStore(t, f.store())
		r, done := f.begin(p.args...)
		f.sometime(p, i, done)
		cut, stopped := f.stop(r, done)
		<-done
		if s := r.said(); s.code != 0 {
			t.Fatalf("%s exits %d: %s", p.name, s.code, s.err)
		}
		what := "after its end"
		if stopped {
			what = f.tear(stored, cut)
		} else {
			cut = readStore(t, f.store())
		}
		hits[what]++

		f.reboot()
		f.putStore(cut)
		f.must("restore")
		x := f.scene()
		if x != boots[p][0] && x != boots[p][1] || !stopped && x != boots[p][1] {
			t.Fatalf("%s, power cut, %s: boots to %+v\nexpected before %+v\nor after %+v", p.name, what, x, boots[p][0], boots[p][1])
		}
		if x == boots[p][1] {
			hits["done"]++
		}
		f.heal()
	})
	t.Logf("%d rounds a command: %v", f.rounds, hits)
}

// bootsOf tells what a boot makes of the store before and after a deed.
func (f *faults) bootsOf(p *play) (out [2]scene) {
	f.t.Helper()
	for i := range out {
		f.set(p)
		if i == 1 {
			f.must(p.args...)
		}
		f.reboot()
		f.must("restore")
		out[i] = f.scene()
		if out[i].status.code != 0 {
			f.t.Fatalf("%s: restore leaves %+v", p.name, out[i])
		}
	}
	f.set(p)
	return out
}

// stop stops a command where it is and reads the store's files. It goes on then.
func (f *faults) stop(r *running, done <-chan struct{}) (map[string][]byte, bool) {
	f.t.Helper()
	if r.c.Process.Signal(syscall.SIGSTOP) != nil {
		return nil, false
	}
	stat := fmt.Sprintf("/proc/%d/stat", r.c.Process.Pid)
	for {
		text, err := os.ReadFile(stat)
		if err != nil {
			return nil, false // it has ended
		}
		state := text[bytes.LastIndexByte(text, ')')+1:]
		if strings.HasPrefix(string(state), " T") {
			break
		}
		select {
		case <-done:
			return nil, false
		case <-time.After(100 * time.Microsecond):
		}
	}
	files := readStore(f.t, f.store())
	if err := r.c.Process.Signal(unix.SIGCONT); err != nil {
		f.t.Fatal(err)
	}
	return files, true
}

// tear does to the files of a command that was stopped what a power cut may do: the log's tail never came to the disk, unless
// it has begun to go into the database, which happens only when all of it is there; of the database's pages some are the old
// ones then. What is in -shm means nothing after a boot.
func (f *faults) tear(old, cut map[string][]byte) string {
	wal, hasLog := cut["-wal"]
	what := "whole"
	switch {
	case hasLog && bytes.Equal(old[""], cut[""]):
		what = "log torn"
		cut["-wal"] = wal[:f.random.IntN(len(wal)+1)]
		if f.random.IntN(2) == 0 { // and what is there of its end is garbage
			torn := bytes.Clone(cut["-wal"])
			for i := len(torn) * f.random.IntN(4) / 4; i < len(torn); i++ {
				torn[i] = byte(f.random.Uint32())
			}
			cut["-wal"] = torn
		}
	case hasLog:
		const page = 4096
		what = "pages stale"
		stale := bytes.Clone(cut[""])
		for at := 0; at < len(stale); at += page {
			if f.random.IntN(2) == 0 && at < len(old[""]) {
				copy(stale[at:at+page], old[""][at:])
			}
		}
		cut[""] = stale
	}
	if shm := cut["-shm"]; shm != nil {
		switch f.random.IntN(3) {
		case 0:
			delete(cut, "-shm")
		case 1:
			cut["-shm"] = shm[:f.random.IntN(len(shm)+1)]
		}
	}
	maps.DeleteFunc(cut, func(end string, _ []byte) bool { return end == ".lock" && f.random.IntN(2) == 0 })
	return what
}
