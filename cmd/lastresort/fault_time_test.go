package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// at sets the clock of the commands that follow, by its distance from the true one.
func (f *faults) at(distance time.Duration) {
	f.t.Setenv("NOW", time.Now().UTC().Add(distance).Format(time.RFC3339))
}

func newTimes(t *testing.T) (*faults, string) {
	f := newFaults(t, 1)
	f.reboot()
	f.putStore(f.world())
	f.must("restore")
	return f, f.inKernel()
}

// onTrial holds status to saying that the trial waits, and to finding nothing wrong with what is on trial: the kernel's clock
// counts for that, wherever ours went. That the other blocks end at another time by it is told.
func (f *faults) onTrial() {
	f.t.Helper()
	var h health
	if err := json.Unmarshal([]byte(f.do("status", "--json").out), &h); err != nil {
		f.t.Fatal(err)
	}
	if h.ConfirmBy == nil || h.Late || len(h.Missing)+len(h.Excess) > 0 {
		f.t.Errorf("the kernel holds the trial, and status says %+v", h)
	}
	for _, r := range h.Differ {
		if strings.Contains("\n"+f.inKernel(), "\n"+r+" on trial") {
			f.t.Errorf("%s is on trial, and status says that it differs", r)
		}
	}
}

func TestFaultClockGoesForwardOnTrial(t *testing.T) {
	f, _ := newTimes(t)
	f.must("apply", "--confirm-within", "30m")
	f.at(3 * time.Hour)
	f.onTrial()
	f.must("confirm")
	f.must("status")
	if strings.Contains(f.inKernel(), "on trial") {
		t.Errorf("confirmed: %s", f.inKernel())
	}
}

func TestFaultClockGoesBackOnTrial(t *testing.T) {
	f, before := newTimes(t)
	f.must("apply", "--confirm-within", "30m")
	trial := f.inKernel()
	f.at(-20 * time.Minute)
	f.onTrial()
	f.must("undo")
	if strings.Contains(f.inKernel(), "on trial") || trial == before {
		t.Errorf("undone to\n%s\nexpected\n%s", f.inKernel(), before)
	}
	f.must("status")
}

// TestFaultNobodyConfirms has a trial end by the kernel alone, with a clock that went back meanwhile so that by ours it
// would last: apply isn't kept waiting by it.
func TestFaultNobodyConfirms(t *testing.T) {
	f, before := newTimes(t)
	f.must("apply", "--confirm-within", "3s")
	f.at(-10 * time.Minute)
	for end := time.Now().Add(time.Minute); strings.Contains(f.inKernel(), "on trial"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the kernel holds the trial for good")
		}
	}
	if s := f.do("confirm"); s.code != 1 || !strings.Contains(s.err, "too late") {
		t.Errorf("confirm: %+v", s)
	}
	f.must("undo")
	if got := f.inKernel(); got != before {
		t.Errorf("undone to\n%s\nexpected\n%s", got, before)
	}
	f.must("apply", "--confirm-within", "3s")
	f.reboot()
	f.must("apply")
	f.must("status")
}

func TestFaultRebootOnTrial(t *testing.T) {
	f, before := newTimes(t)
	f.must("apply", "--confirm-within", "1h")
	f.reboot()
	if s := f.must("restore"); !strings.Contains(s.err, "was not confirmed and is undone") {
		t.Errorf("restore says %s", s.err)
	}
	if got := f.inKernel(); got != before {
		t.Errorf("restored\n%s\nexpected\n%s", got, before)
	}
	f.must("status")
}

// TestFaultUndoHoldsWhenTheClockWentBack undoes an apply at a time before that of its blocks: when the clock comes there
// they stay out.
func TestFaultUndoHoldsWhenTheClockWentBack(t *testing.T) {
	f, before := newTimes(t)
	f.must("apply")
	f.at(-2 * time.Hour)
	f.must("undo")
	f.at(time.Second)
	f.must("restore")
	if got := f.inKernel(); got != before {
		t.Errorf("undone, and then\n%s\nexpected\n%s", got, before)
	}
	f.must("status")
}

// TestFaultMissedNights runs nothing for two days: what ran out meanwhile is gone, the rest has its time.
func TestFaultMissedNights(t *testing.T) {
	f, _ := newTimes(t)
	f.must("apply")
	f.at(50 * time.Hour)
	if s := f.do("status"); s.code != 1 {
		t.Errorf("a kernel whose clock is two days behind is as intended: %s", s.out)
	}
	f.must("apply")
	f.must("status")
	f.must("restore")
}

func TestFaultWhatRanOutIsNoDrift(t *testing.T) {
	f, _ := newTimes(t)
	f.must("block", "192.0.2.9", "--for", "2s", "--reason", "x")
	f.reboot()
	f.must("restore") // it ends within the jitter, and that is no drift
	f.at(30 * time.Second)
	if s := f.do("status"); strings.Contains(s.out, "too many") {
		t.Errorf("what ran out is told as too much: %s", s.out)
	}
}

// TestFaultCommandsOfOneSecond gives commands one after the other within a second, to which their records are rounded:
// each still does what it says.
func TestFaultCommandsOfOneSecond(t *testing.T) {
	f, _ := newTimes(t)
	second := time.Now().UTC().Truncate(time.Second)
	at := func(ms int, args ...string) {
		t.Helper()
		t.Setenv("NOW", second.Add(time.Duration(ms)*time.Millisecond).Format(time.RFC3339Nano))
		f.must(args...)
		f.must("status")
	}
	in := func(r string, want bool) {
		t.Helper()
		if got := strings.Contains("\n"+f.inKernel(), "\n"+r+" "); got != want {
			t.Errorf("%s in the kernel: %v; expected %v", r, got, want)
		}
	}
	at(100, "apply")
	at(200, "undo") // puts back what apply removed
	at(300, "unblock", "192.0.2.250", "--no-hold", "--reason", "not blocked at all")
	at(400, "block", "192.0.2.9", "--for", "7d", "--reason", "x")
	in("192.0.2.9", true)
	at(500, "unblock", "192.0.2.9", "--no-hold", "--reason", "x")
	in("192.0.2.9", false)
	at(600, "block", "192.0.2.9", "--for", "7d", "--reason", "x")
	in("192.0.2.9", true)
	at(700, "unblock", "192.0.2.9", "--no-hold", "--reason", "x")
	in("192.0.2.9", false)
}
