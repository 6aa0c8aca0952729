package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"lastresort/decide/history"
	"lastresort/firewall"
	"lastresort/netblock"
)

// A fault test does something bad to a command at a random moment, again and again, and holds what is left against what the
// same command leaves, and leaves untouched, in peace. LASTRESORT_LONG=1 does each 208 times, spread
// over the commands, LASTRESORT_ROUNDS=N N times to every command; LASTRESORT_SEED=N repeats the choices of the run that printed N.
type faults struct {
	machine
	dir    string
	random *rand.Rand
	rounds int
	nft    *netlink.Conn
}

func newFaults(t *testing.T, short int) *faults {
	t.Helper()
	m := newMachine(t)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("LASTRESORT_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	f := &faults{m, filepath.Dir(m.store()), rand.New(rand.NewPCG(seed, 1)), short, nil}
	var err error
	if f.nft, err = netlink.Dial(unix.NETLINK_NETFILTER, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.nft.Close() })
	if f.long() {
		f.rounds = longRounds / len(deeds)
	}
	if text := os.Getenv("LASTRESORT_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		f.rounds = n
	}
	t.Logf("LASTRESORT_SEED=%d repeats it", seed)
	return f
}

// long tells whether this is the long mode.
func (f *faults) long() bool {
	return os.Getenv("LASTRESORT_LONG") == "1" || os.Getenv("LASTRESORT_ROUNDS") != ""
}

// longRounds is how often a fault happens in the long mode, to all commands together.
const longRounds = 208

// store returns where the machine's store is.
func (m machine) store() string { return m.args[len(m.args)-1] }

// deed is a command that something bad happens to, and what goes before it.
type deed struct {
	name   string
	before [][]string
	args   []string
}

var (
	booted = [][]string{{"restore"}}
	tried  = [][]string{{"restore"}, {"apply", "--confirm-within", "1h"}}
	deeds  = []deed{
		{"apply", booted, []string{"apply"}},
		{"trial", booted, []string{"apply", "--confirm-within", "1h"}},
		{"confirm", tried, []string{"confirm"}},
		{"undo", [][]string{{"restore"}, {"apply"}}, []string{"undo"}},
		{"undo of a trial", tried, []string{"undo"}},
		{"unblock", booted, []string{"unblock", "203.0.113.0/30", "198.51.100.1", "--reason", "x"}},
		{"block", booted, []string{"block", "192.0.2.77", "--for", "7d", "--reason", "x"}},
		{"restore", nil, []string{"restore"}},
	}
)

// forms are the shapes of range that the worlds are made of: addresses and ranges of both families.
var forms = []string{"203.0.113.%d/30", "198.51.100.%d", "2001:db8:0:%x::/64", "2001:db8:1::%x"}

// world makes a store with blocks in force and a proposal that adds and removes some, all chosen at random.
func (f *faults) world() (files map[string][]byte) {
	f.t.Helper()
	at := time.Now().UTC().Add(-time.Hour).Truncate(time.Second)
	block := func(form string, i int) history.Block {
		r, err := netblock.ParseRange(fmt.Sprintf(form, i))
		if err != nil {
			f.t.Fatal(err)
		}
		b := history.Block{Range: r, From: at, Until: at.Add(time.Duration(2+f.random.IntN(20)) * 24 * time.Hour), By: "ops", Reason: "x",
			Case: netip.PrefixFrom(r.First(), 24)}
		b.Case = b.Case.Masked()
		if f.random.IntN(4) == 0 {
			b.Until = time.Time{}
		}
		return b
	}
	var records []history.Record
	var p history.Proposal
	for n, form := range forms {
		for i := range 8 {
			if n == 0 {
				i *= 4
			} else {
				i++
			}
			b := block(form, i)
			records = append(records, b)
			if i > 1 && f.random.IntN(3) == 0 {
				p.Records = append(p.Records, history.Proposed{Record: history.Release{Range: b.Range, At: at.Add(time.Minute), By: "fixed", Reason: "y"}})
			}
		}
		for i := range 2 + f.random.IntN(4) {
			b := block(form, 64+4*i)
			b.From = at.Add(time.Minute)
			p.Records = append(p.Records, history.Proposed{Record: b})
		}
	}
	p.At = at.Add(time.Minute)
	dir := f.t.TempDir()
	s, err := history.Open(f.t.Context(), filepath.Join(dir, "history.db"), history.Options{Write: true, Command: "test"})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := errors.Join(s.Add(f.t.Context(), records, nil), s.Propose(f.t.Context(), p), s.Close()); err != nil {
		f.t.Fatal(err)
	}
	return readStore(f.t, filepath.Join(dir, "history.db"))
}

// storeFiles are what a store is made of, by the ends of their names.
var storeFiles = []string{"", "-wal", "-shm", ".lock"}

func readStore(t *testing.T, path string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, end := range storeFiles {
		text, err := os.ReadFile(path + end)
		if err == nil {
			out[end] = text
		} else if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return out
}

func (f *faults) putStore(files map[string][]byte) {
	f.t.Helper()
	for _, end := range storeFiles {
		path := f.store() + end
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			f.t.Fatal(err)
		}
		if text, ok := files[end]; ok {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				f.t.Fatal(err)
			}
		}
	}
}

// reboot empties the kernel.
func (f *faults) reboot() {
	f.t.Helper()
	if err := firewall.Open(firewall.Config{Table: "lastresort"}).Remove(); err != nil {
		f.t.Fatal(err)
	}
}

// said is what a command printed and how it ended.
type said struct {
	out, err string
	code     int // -1 where it was killed
}

func (f *faults) do(args ...string) said {
	f.t.Helper()
	c := f.command(args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		f.t.Fatal(err)
	}
	return said{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

func (f *faults) must(args ...string) said {
	f.t.Helper()
	s := f.do(args...)
	if s.code != 0 {
		f.t.Fatalf("%v exits %d: %s%s", args, s.code, s.out, s.err)
	}
	return s
}

// scene is the history and the kernel at a moment, without the times that differ from run to run.
type scene struct {
	history string // what export prints, and whether an apply waits for confirm
	kernel  string
	status  said
}

// applied returns what the store has as the last apply.
func (f *faults) applied() history.Applied {
	f.t.Helper()
	s, err := history.Open(f.t.Context(), f.store(), history.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	last, _, err := s.Applied(f.t.Context())
	if err := errors.Join(err, s.Close()); err != nil {
		f.t.Fatal(err)
	}
	return last
}

var dates = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?`)

// scene looks at what is there.
func (f *faults) scene() scene {
	f.t.Helper()
	var x scene
	x.status = f.do("status", "--json")
	x.status.out = dates.ReplaceAllString(x.status.out, "T")
	if f.applied().Waits() {
		x.history = "waits\n"
	}
	x.history += dates.ReplaceAllString(f.must("export").out, "T")
	x.kernel = f.inKernel()
	return x
}

// inKernel prints what the kernel drops and lets through, and how long.
func (f *faults) inKernel() string {
	f.t.Helper()
	s, err := firewall.Open(firewall.Config{Table: "lastresort", Mode: firewall.Inbound}).Read(f.t.Context())
	var foreign *firewall.Error
	if errors.As(err, &foreign) {
		return err.Error()
	}
	if err != nil {
		f.t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range s.Elements {
		ends := "for good"
		switch {
		case e.Timeout > 24*time.Hour:
			ends = fmt.Sprint((e.Expires + 20*time.Minute).Round(24 * time.Hour)) // jitter, and an hour that each block is old
		case e.Timeout > 0:
			ends = "on trial"
		}
		fmt.Fprintf(&b, "%s %s\n", e.Range, ends)
	}
	for _, r := range s.Allow {
		fmt.Fprintf(&b, "allow %s\n", r)
	}
	return b.String()
}

// play is a deed in a world: what was before, what is after, and what the next apply makes of either.
type play struct {
	deed
	files             map[string][]byte // of the store before it all
	before, after     scene
	healed, healedNew string // the kernel
	took              time.Duration
	structure         string // of the table, as nft sees it
}

// waiting tells whether an apply waits for confirm before the deed or after it, so that it is undone before all is healed.
func (p *play) waiting() bool {
	return strings.HasPrefix(p.before.history, "waits") || strings.HasPrefix(p.after.history, "waits")
}

func (f *faults) set(p *play) {
	f.t.Helper()
	f.reboot()
	f.putStore(p.files)
	for _, args := range p.deed.before {
		f.must(args...)
	}
}

// rehearse does a deed in peace.
func (f *faults) rehearse(d deed) *play {
	f.t.Helper()
	p := &play{deed: d, files: f.world()}
	f.set(p)
	p.before = f.scene()
	begin := time.Now()
	f.must(d.args...)
	p.took = time.Since(begin)
	p.after = f.scene()
	f.heal()
	p.healedNew = f.inKernel()
	f.set(p)
	f.heal()
	p.healed = f.inKernel()
	f.set(p)
	if p.after.status.code != 0 || p.before == p.after {
		f.t.Fatalf("%s: in peace, status says %+v", d.name, p.after.status)
	}
	return p
}

// heal runs apply, and where that says what else is to be done first, that; status is content then.
func (f *faults) heal() {
	f.t.Helper()
	if s := f.do("apply"); s.code != 0 {
		switch {
		case strings.Contains(s.err, "waits for confirm"):
			f.must("undo")
		case strings.Contains(s.err, "isn't ours"):
			_, command, ok := strings.Cut(strings.TrimSpace(s.err), "delete that one: ")
			if !ok {
				f.t.Fatalf("no way round: %s", s.err)
			}
			if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
				f.t.Fatalf("%s: %v: %s", command, err, out)
			}
		default:
			f.t.Fatalf("apply exits %d: %s", s.code, s.err)
		}
		f.must("apply")
	}
	if s := f.do("status"); s.code != 0 {
		f.t.Fatalf("not healed: %s%s", s.out, s.err)
	}
}

// where tells which of the states before and after a scene is in.
func (p *play) where(x scene) (newHistory, newKernel, known bool) {
	newHistory = x.history == p.after.history
	newKernel = x.kernel == p.after.kernel
	known = (newHistory || x.history == p.before.history) && (newKernel || x.kernel == p.before.kernel)
	return newHistory, newKernel, known
}

// judge holds what is left after a fault against what may be.
func (f *faults) judge(p *play, what string, s said) scene {
	f.t.Helper()
	x := f.scene()
	newHistory, newKernel, known := p.where(x)
	switch {
	case !known:
		f.t.Fatalf("%s, %s: half a change\nbefore %+v\nafter %+v\nnow %+v", p.name, what, p.before, p.after, x)
	case s.code == 0 && !(newHistory && newKernel):
		f.t.Fatalf("%s, %s: it ended well, and isn't done: %+v", p.name, what, x)
	}
	f.checkStatus(p, what, x, newKernel || p.before.kernel == p.after.kernel)
	f.heal()
	healed := p.healed
	if newHistory {
		healed = p.healedNew
	}
	if got := f.inKernel(); got != healed && !p.waiting() {
		f.t.Fatalf("%s, %s: the next apply left\n%s\ninstead of\n%s", p.name, what, got, healed)
	}
	return x
}

// checkStatus holds what status says against what is there.
func (f *faults) checkStatus(p *play, what string, x scene, newKernel bool) {
	f.t.Helper()
	want := 1
	switch {
	case p.name == "undo of a trial" && x.kernel == p.after.kernel:
		want = 0 // what the kernel let go of doesn't wait any more, whoever ended it
	case x.history == p.after.history && x.kernel == p.after.kernel:
		want = p.after.status.code
	case x.history == p.before.history && x.kernel == p.before.kernel:
		want = p.before.status.code
	}
	if x.status.code != want {
		f.t.Fatalf("%s, %s: status exits %d, expected %d: %s%s\nkernel %s\nbefore %s\nafter %s", p.name, what, x.status.code, want, x.status.out,
			x.status.err, x.kernel, p.before.kernel, p.after.kernel)
	}
}

// worldsLast is how many rounds are played in one world.
const worldsLast = 30

// each calls do for every round of every deed, in the short mode of three of them.
func (f *faults) each(all []deed, do func(p *play, i int)) {
	f.t.Helper()
	if !f.long() { // some of them each time
		all = slices.Clone(all)
		f.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:3]
	}
	for _, d := range all {
		var p *play
		for i := range f.rounds {
			if i%worldsLast == 0 {
				p = f.rehearse(d)
			} else {
				f.set(p)
			}
			do(p, i)
		}
	}
}

// sometime waits for a random moment of a command's run: of all of it or, every other time, just after the kernel changed.
func (f *faults) sometime(p *play, i int, done <-chan struct{}) {
	if i%2 == 0 {
		select {
		case <-done:
		case <-time.After(time.Duration(f.random.Int64N(int64(p.took * 11 / 10)))):
		}
		return
	}
	later := time.Duration(f.random.IntN(4000)) * time.Microsecond
	old, k := f.generation(), 0
	for f.generation() == old && k < 20000 {
		select {
		case <-done:
			return
		default:
			k++
		}
	}
	time.Sleep(later)
}
