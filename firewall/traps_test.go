package firewall

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/nftables"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"lastresort/firewall/sandbox"
	"lastresort/netblock"
)

// nft runs nft with one command in the sandbox, as somebody else would.
func nft(t *testing.T, command string) {
	t.Helper()
	if out, err := exec.Command(sandbox.Tool(t, "nft"), command).CombinedOutput(); err != nil {
		t.Fatalf("nft %s: %v: %s", command, err, out)
	}
}

// many returns n ranges of five addresses each, apart from each other.
func many(n int, until time.Time) WantList {
	var out WantList
	for i := range n {
		low := uint32(10<<24 + i*16)
		first := netip.AddrFrom4([4]byte{byte(low >> 24), byte(low >> 16), byte(low >> 8), byte(low)})
		last := netip.AddrFrom4([4]byte{byte(low >> 24), byte(low >> 16), byte(low >> 8), byte(low) + 4})
		r, err := netblock.Between(first, last)
		if err != nil {
			panic(err)
		}
		out = append(out, Want{Range: r, Until: until})
	}
	return out
}

func TestATableWithAChainOfOurNameButNotOurSetsIsLeftAlone(t *testing.T) {
	k := fresh(t, Inbound)
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	c.AddTable(k.table())
	c.AddChain(k.chain(k.table()))
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	_, err = k.Apply(t.Context(), forGood(t, "192.0.2.7"), nil, time.Now)
	var e *Error
	if !errors.As(err, &e) || e.Changed {
		t.Errorf("error %v", err)
	}
	if sets, err := c.GetSets(k.table()); err != nil || len(sets) > 0 {
		t.Errorf("%d sets, %v; expected the table as it was", len(sets), err)
	}
}

func TestADormantTableIsToldAndHealed(t *testing.T) {
	k := fresh(t, Inbound)
	wants := forGood(t, "192.0.2.7")
	apply(t, k, wants)
	nft(t, "add table inet lastresort { flags dormant; }")
	if len(held(t, k).Faults) == 0 {
		t.Error("nobody notices that nothing is dropped")
	}
	apply(t, k, wants)
	if s := held(t, k); len(s.Faults) > 0 || len(s.Elements) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestTimeouts(t *testing.T) {
	now := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	k := Config{Jitter: time.Hour}
	for name, until := range map[string]time.Time{"soon": now.Add(time.Minute), "in 400 years": now.AddDate(400, 0, 0)} {
		w := Want{Range: rng(t, "192.0.2.7"), Until: until}
		got := k.Timeout(w, now)
		if least := min(until.Sub(now), longest); got < least || got > least+k.Jitter+time.Second {
			t.Errorf("%s: %s; expected %s and up to the jitter more", name, got, least)
		}
	}
}

func TestAnEndBeforeUntilIsSetAnew(t *testing.T) {
	now := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	w := Want{Range: rng(t, "192.0.2.7"), Until: now.Add(time.Hour)}
	for off, want := range map[time.Duration]bool{0: true, -time.Second: true, -9 * time.Second: false, 30 * time.Second: true, 2 * time.Minute: false} {
		e := Element{Timeout: time.Hour, Expires: time.Hour + off}
		if got := agrees(e, Config{}.Timeout(w, now)) && !early(e, w, now); got != want {
			t.Errorf("%s off: agrees %v; expected %v", off, got, want)
		}
	}
}

func TestCountersOutliveAChangeAndANewTable(t *testing.T) {
	k := fresh(t, Inbound)
	near, far := addrs("192.0.2.187"), addrs("198.51.100.181", "203.0.113.187") // nobody else's: sockets of other tests may still end
	peer, err := sandbox.NewPeer(near, far)
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	until := time.Now().Add(3 * time.Hour)
	wants := func(end time.Time) WantList {
		return WantList{{Range: rng(t, "198.51.100.180/30"), Until: end}, {Range: rng(t, "203.0.113.187"), Until: end}}
	}
	apply(t, k, wants(until))
	sender{t, peer}.arrived(near[0], far)
	all := Open(Config{Table: "lastresort", Mode: All, Jitter: time.Hour})
	for _, step := range []struct {
		name   string
		k      Kernel
		end    time.Time
		change int
	}{{"as dropped", k, until, 0}, {"longer", k, until.Add(24 * time.Hour), 2}, {"for good", k, time.Time{}, 2}, {"another mode", all, time.Time{}, 0}} {
		p := apply(t, step.k, wants(step.end))
		if len(p.add) > 0 || len(p.Change) != step.change || len(p.Remove) > 0 {
			t.Errorf("%s: %d to add, %d to change, %d to remove; expected %d to change", step.name, len(p.add), len(p.Change), len(p.Remove), step.change)
		}
		for _, e := range held(t, step.k).Elements {
			if e.Packets != 1 || e.Bytes == 0 {
				t.Errorf("%s: %s has %d packets of %d bytes; expected 1", step.name, e.Range, e.Packets, e.Bytes)
			}
		}
	}
}

func TestNeighbourDiscoveryWorksWithABlockedRouter(t *testing.T) {
	near, far := netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2001:db8:2::7")
	k := fresh(t, Inbound)
	apply(t, k, forGood(t, "2001:db8:2::/64"))
	peer, err := sandbox.NewPeer([]netip.Addr{near}, []netip.Addr{far})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	var l net.Listener
	if err := peer.Do(func() (err error) { l, err = net.Listen("tcp", netip.AddrPortFrom(far, 0).String()); return err }); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.DialTimeout("tcp", l.Addr().String(), 2*time.Second)
	if err != nil {
		t.Fatalf("our own connection to a blocked neighbour: %v", err)
	}
	c.Close()
}

func TestAStalePlanChangesNothing(t *testing.T) {
	k := fresh(t, Inbound)
	apply(t, k, forGood(t, "192.0.2.64/28"))
	have := held(t, k)
	p, err := k.cfg.Diff(have, forGood(t, "192.0.2.8-192.0.2.31", "192.0.2.64/28"), nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	nft(t, "add element inet lastresort range4 { 192.0.2.16/28 }") // meanwhile, and where the plan adds
	if err := k.commit(t.Context(), &p, have.generation); !errors.Is(err, unix.ERESTART) {
		t.Errorf("%v; expected to be told that the plan is stale", err)
	}
	have.generation = held(t, k).generation
	if err := k.commit(t.Context(), &p, have.generation); !errors.Is(err, unix.EEXIST) {
		t.Errorf("%v; expected that an overlap is refused", err)
	}
	if d := cmp.Diff([]string{"192.0.2.16/28", "192.0.2.64/28"}, rangesOf(held(t, k))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestWhatExpiresMeanwhileDoesntFailABatch(t *testing.T) {
	for name, old := range map[string]bool{"this kernel": false, "one that can't delete what is gone": true} {
		k := fresh(t, Inbound)
		k.old, k.cfg.Jitter = old, 0
		apply(t, k, WantList{{Range: rng(t, "192.0.2.16/28"), Until: time.Now().Add(time.Second)}, {Range: rng(t, "198.51.100.7"), Until: time.Now().Add(time.Second)}})
		have := held(t, k)
		p, err := k.cfg.Diff(have, forGood(t, "192.0.2.20-192.0.2.40"), nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond)
		if err := k.commit(t.Context(), &p, have.generation); (err != nil) != old {
			t.Errorf("%s: %v", name, err)
		}
		apply(t, k, forGood(t, "192.0.2.20-192.0.2.40"))
		if d := cmp.Diff([]string{"192.0.2.20-192.0.2.40"}, rangesOf(held(t, k))); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestReadingBesideAWriterIsWholeOrAnError(t *testing.T) {
	k := fresh(t, Inbound)
	wants := many(2000, time.Time{})
	apply(t, k, wants)
	stop, done, wrote := make(chan struct{}), make(chan struct{}), 0
	nft := sandbox.Tool(t, "nft")
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				if exec.Command(nft, fmt.Sprintf("add table inet other%d; delete table inet other%d", i, i)).Run() == nil {
					wrote++
				}
			}
		}
	}()
	for range 20 {
		if s, err := k.Read(t.Context()); err == nil && len(s.Elements) != len(wants) {
			t.Errorf("%d elements; expected %d", len(s.Elements), len(wants))
		}
	}
	close(stop)
	<-done
	if wrote == 0 {
		t.Error("nobody wrote beside; expected changes of the ruleset")
	}
}

func TestAnyStateLeadsToAnyOther(t *testing.T) {
	k := fresh(t, Inbound)
	rapid.Check(t, func(rt *rapid.T) {
		var wants WantList
		for at := rapid.IntRange(0, 9).Draw(rt, "at"); at < 250; {
			n := rapid.IntRange(0, 20).Draw(rt, "length")
			last := min(at+n, 255)
			r, err := netblock.Between(netip.AddrFrom4([4]byte{255, 255, 255, byte(at)}), netip.AddrFrom4([4]byte{255, 255, 255, byte(last)}))
			if err != nil {
				rt.Fatal(err)
			}
			w := Want{Range: r}
			if rapid.Bool().Draw(rt, "temporary") {
				w.Until = time.Now().Add(time.Duration(rapid.IntRange(1, 9).Draw(rt, "hours")) * time.Hour)
			}
			wants = append(wants, w)
			at = last + 1 + rapid.IntRange(0, 12).Draw(rt, "gap")
		}
		if _, err := k.Apply(t.Context(), wants, nil, time.Now); err != nil {
			rt.Fatal(err)
		}
		s, err := k.Read(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		var want []string
		for _, w := range wants {
			want = append(want, w.Range.String())
		}
		if d := cmp.Diff(want, rangesOf(s)); d != "" {
			rt.Fatalf("(-want +got):\n%s", d)
		}
	})
}

func FuzzRows(f *testing.F) {
	ranges := rangeKind(true, nil)
	f.Add(ranges.append(nil, &Step{Timeout: time.Hour, Range: netblock.OfPrefix(netip.MustParsePrefix("192.0.2.0/28")), Old: &Element{Packets: 1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var rows []row
		_ = attributes(b, func(_ uint16, one []byte) error {
			r, err := parseRow(one)
			rows = append(rows, r)
			return err
		})
		for _, k := range []setKind{rangeKind(true, nil), rangeKind(false, nil)} {
			for _, e := range k.read(rows, nil) {
				if !e.Range.IsValid() || e.Range.Is4() != k.is4 {
					t.Errorf("%s in %s", e.Range, k.name)
				}
			}
		}
	})
}

func benchKernel(b *testing.B, n int) (Kernel, WantList) {
	b.Helper()
	k := fresh(b, Inbound)
	wants := many(n, time.Now().Add(24*time.Hour))
	apply(b, k, wants)
	return k, wants
}

func BenchmarkApply(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			k := fresh(b, Inbound)
			wants := many(n, time.Now().Add(24*time.Hour))
			for b.Loop() {
				apply(b, k, wants)
				b.StopTimer()
				if err := k.Remove(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkDelta takes 500 out of 100,000 ranges and puts 500 others in, neighbours or such as lie all over the list: what
// Apply does, taken apart.
func BenchmarkDelta(b *testing.B) {
	k, wants := benchKernel(b, 100_000)
	for what, outside := range map[string][2]func(i int) bool{
		"together": {func(i int) bool { return i < 500 }, func(i int) bool { return i/500 == 1 }},
		"spread":   {func(i int) bool { return i%200 == 0 }, func(i int) bool { return i%200 == 100 }},
	} {
		var lists [2]WantList
		for turn := range lists {
			for i, w := range wants {
				if !outside[turn](i) {
					lists[turn] = append(lists[turn], w)
				}
			}
		}
		apply(b, k, lists[1])
		b.Run(what, func(b *testing.B) { benchDelta(b, k, lists) })
	}
}

func benchDelta(b *testing.B, k Kernel, lists [2]WantList) {
	b.Helper()
	var spent [4]time.Duration
	for turn := 0; b.Loop(); turn = 1 - turn {
		at := []time.Time{time.Now()}
		lap := func() { at = append(at, time.Now()) }
		have := held(b, k)
		lap()
		p, err := k.cfg.Diff(have, lists[turn], nil, time.Now())
		lap()
		if err == nil {
			err = k.commit(b.Context(), &p, have.generation)
		}
		lap()
		if err != nil || !k.asPlanned(b.Context(), &p, lists[turn], nil, have.generation, time.Now) {
			b.Fatal("not as planned: ", err)
		}
		lap()
		if len(p.add)+len(p.Remove) != 1000 {
			b.Fatalf("%s; expected a change of 1,000", p.summary())
		}
		for i := range spent {
			spent[i] += at[i+1].Sub(at[i])
		}
	}
	for i, what := range []string{"read", "plan", "commit", "check"} {
		b.ReportMetric(spent[i].Seconds()*1000/float64(b.N), what+"-ms")
	}
}

func BenchmarkRead(b *testing.B) {
	k, _ := benchKernel(b, 100_000)
	for b.Loop() {
		held(b, k)
	}
}

// TestManyAddressesAreReadBackWhole reads a hash set back while the kernel still moves it to a larger table: a single dump
// of it then lacks thousands of elements.
func TestManyAddressesAreReadBackWhole(t *testing.T) {
	var wants WantList
	for _, w := range many(60_000, time.Now().Add(time.Hour)) {
		wants = append(wants, Want{Range: netblock.Single(w.Range.First()), Until: w.Until})
	}
	for _, old := range []bool{false, true} {
		k := fresh(t, Inbound)
		k.old = old
		apply(t, k, wants)
		if got := len(held(t, k).Elements); got != len(wants) {
			t.Errorf("%d elements; expected %d", got, len(wants))
		}
		if err := k.Remove(); err != nil {
			t.Fatal(err)
		}
	}
}
