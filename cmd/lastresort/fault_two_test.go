package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestFaultTwo runs two commands at once: each is done or told who else is writing, and what was done is all there.
func TestFaultTwo(t *testing.T) {
	f := newFaults(t, 12)
	if os.Getenv("LASTRESORT_LONG") == "1" { // there is but one world
		f.rounds = longRounds
	}
	files := f.world()
	commands := [][]string{
		{"apply"}, {"restore"}, {"undo"}, {"apply", "--confirm-within", "1h"}, {"confirm"}, {"status"}, {"list"}, {"diff"},
		{"block", "192.0.2.%d", "--for", "7d", "--reason", "x"}, {"unblock", "192.0.2.%d", "--no-hold", "--reason", "x"},
		{"protect", "192.0.2.%d", "--reason", "x"},
	}
	p := &play{deed: deed{before: booted}, files: files}
	f.set(p)
	hits := map[string]int{}
	for i := range f.rounds {
		if i%worldsLast == 0 {
			f.set(p)
		}
		var pair [2]*running
		var done [2]<-chan struct{}
		for n := range pair {
			var args []string
			for _, a := range commands[f.random.IntN(len(commands))] {
				if strings.Contains(a, "%d") {
					a = fmt.Sprintf(a, 1+f.random.IntN(4)*2+n)
				}
				args = append(args, a)
			}
			pair[n], done[n] = f.begin(args...)
			time.Sleep(time.Duration(f.random.IntN(30_000)) * time.Microsecond)
		}
		<-done[0]
		<-done[1]
		for n, r := range pair {
			s, args := r.said(), r.c.Args[len(f.args):]
			reads := args[0] == "status" || args[0] == "list" || args[0] == "diff"
			switch {
			case s.code == 0:
				hits["done"]++
			case strings.Contains(s.err, "is being written by lastresort "+pair[1-n].c.Args[len(f.args)]):
				hits["told who writes"]++
			case strings.Contains(s.err, "is being written by") && !reads:
				hits["told"]++
			case args[0] == "status" && s.code == 1 && strings.Contains(s.err, "the kernel doesn't hold what is intended"):
				hits["status between"]++ // kernel and history, of the other
			case s.code == 1 && (strings.Contains(s.err, "waits for confirm") || strings.Contains(s.err, "no apply")):
				hits["not its time"]++
			case s.code == 4 && args[0] == "block":
				hits["protected"]++
			default:
				t.Fatalf("%v beside %v exits %d: %s", args, pair[1-n].c.Args[len(f.args):], s.code, s.err)
			}
		}
		if s := f.do("status"); s.code != 0 && !protects(pair) {
			t.Fatalf("after %v (%+v) and %v (%+v) status says %s%s", pair[0].c.Args[len(f.args):], pair[0].said(), pair[1].c.Args[len(f.args):], pair[1].said(), s.out, s.err)
		}
		if protects(pair) {
			f.heal()
		}
		held, wanted := f.held(), f.wanted()
		for n, r := range pair {
			args, other := r.c.Args[len(f.args):], pair[1-n].c.Args[len(f.args):]
			if r.said().code != 0 || len(args) < 2 || len(other) > 1 && other[1] == args[1] || other[0] == "undo" {
				continue
			}
			has := strings.Contains("\n"+strings.Join(held, "\n")+"\n", "\n"+args[1]+"\n")
			if args[0] == "block" && !has || args[0] == "unblock" && has {
				t.Fatalf("%v exits 0, beside %v, and the kernel holds %v, the history %v", args, other, held, wanted)
			}
		}
	}
	t.Logf("%d pairs: %v", f.rounds, hits)
}

// protects tells whether one of two commands was protect, which is for the next apply to put in force.
func protects(pair [2]*running) bool {
	for _, r := range pair {
		for _, a := range r.c.Args {
			if a == "protect" {
				return true
			}
		}
	}
	return false
}
