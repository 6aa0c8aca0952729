package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"lastresort/firewall/sandbox"
	"lastresort/netblock"
)

// narrow returns a kernel with a table of its own that takes little in one transaction.
func narrow(t testing.TB, limit int) Kernel {
	k := fresh(t, Inbound)
	k.limit = limit
	return k
}

func texts(wants WantList) []string {
	out := []string{}
	for _, w := range wants {
		out = append(out, w.Range.String())
	}
	return out
}

func TestAPlanTooLongForOneTransactionGoesInSeveral(t *testing.T) {
	k := narrow(t, 16<<10)
	until := time.Now().Add(24 * time.Hour)
	if p := apply(t, k, many(1000, until)); p.Transactions < 4 {
		t.Errorf("%d transactions", p.Transactions)
	}
	// The first half goes, others come, some become permanent, and one wider takes the place of narrower ones.
	next := append(many(1600, until)[500:], Want{Range: rng(t, "192.0.2.0/24")})
	for i := range 100 {
		next[i*2].Until = time.Time{}
	}
	p := apply(t, k, next)
	if p.Transactions < 3 || len(p.Remove) != 500 || len(p.Change) != 100 || len(p.add) != 601 {
		t.Errorf("%d transactions, %d to remove, %d to change, %d to add", p.Transactions, len(p.Remove), len(p.Change), len(p.add))
	}
	if d := cmp.Diff(texts(next), rangesOf(held(t, k))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if again := apply(t, k, next); !again.Empty() || again.Transactions != 0 {
		t.Errorf("the same again takes %d transactions", again.Transactions)
	}
}

func TestTheOrderOfTransactionsLeavesNoGap(t *testing.T) {
	var have State
	have.Exists, have.limit = true, 6000
	now := time.Now()
	old := many(300, now.Add(time.Hour))
	for i := range old {
		e := Element{Range: old[i].Range, Timeout: time.Hour, Expires: time.Hour}
		have.Elements = append(have.Elements, e)
	}
	// Every third only goes, every third becomes permanent, and every third grows by an address.
	var wants WantList
	for i, w := range old {
		switch i % 3 {
		case 1:
			wants = append(wants, Want{Range: w.Range})
		case 2:
			wider, err := netblock.Between(w.Range.First(), w.Range.Last().Next())
			if err != nil {
				t.Fatal(err)
			}
			wants = append(wants, Want{Range: wider, Until: now.Add(time.Hour)})
		}
	}
	p, err := Config{}.Diff(have, wants, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	if p.Transactions != len(p.split) || p.Transactions < 3 {
		t.Fatalf("%d transactions in %d parts", p.Transactions, len(p.split))
	}
	onlyRemoves, gone, come := false, 0, 0
	for i, x := range p.split {
		for _, s := range x.remove[0] {
			gone++
			covered := false
			for _, a := range x.add[0] {
				covered = covered || a.Range.Covers(s.Range)
			}
			wanted := false
			for _, w := range wants {
				wanted = wanted || w.Range.Covers(s.Range)
			}
			if wanted && !covered {
				t.Errorf("transaction %d takes %s out, and another puts it in", i, s.Range)
			}
			onlyRemoves = onlyRemoves || !wanted
		}
		if come += len(x.add[0]); onlyRemoves && i+1 < len(p.split) && len(p.split[i+1].add[0]) > 0 {
			t.Errorf("transaction %d adds behind what only removes", i+1)
		}
	}
	if gone != len(old) || come != len(wants) {
		t.Errorf("%d go and %d come; expected %d and %d", gone, come, len(old), len(wants))
	}
}

func TestALaterTransactionThatFailsIsToldAndTheNextApplyHeals(t *testing.T) {
	k := narrow(t, 16<<10)
	wants := many(1000, time.Now().Add(24*time.Hour))
	k.before = func(n int) error {
		if n == 2 {
			return unix.ENOMEM
		}
		return nil
	}
	_, err := k.Apply(t.Context(), wants, nil, time.Now)
	var e *Error
	var half *HalfError
	if !errors.As(err, &e) || !e.Changed || !errors.As(err, &half) || half.Done != 2 || half.Of < 4 {
		t.Fatalf("%v", err)
	}
	in := len(held(t, k).Elements)
	if in == 0 || in == len(wants) || !strings.Contains(err.Error(), fmt.Sprintf("of a plan in %d transactions not all are in", half.Of)) ||
		!strings.Contains(err.Error(), fmt.Sprintf("%d ranges are missing", len(wants)-in)) || !strings.Contains(e.Hint, "apply") {
		t.Errorf("%d are in; %v, hint %s", in, err, e.Hint)
	}
	k.before = nil
	apply(t, k, wants)
	if d := cmp.Diff(texts(wants), rangesOf(held(t, k))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSomebodyElseBetweenTransactionsIsNoticed(t *testing.T) {
	k := narrow(t, 16<<10)
	wants := many(1000, time.Now().Add(24*time.Hour))
	calls := 0
	k.before = func(n int) error {
		if calls++; n == 1 && calls < 4 {
			nft(t, "add table inet other; delete table inet other; delete element inet lastresort range4 { 10.0.0.0-10.0.0.4 }")
		}
		return nil
	}
	p := apply(t, k, wants)
	if p.Added() != len(wants) {
		t.Errorf("the plan told of adds %d", p.Added())
	}
	if d := cmp.Diff(texts(wants), rangesOf(held(t, k))); d != "" || calls <= p.Transactions {
		t.Errorf("%d calls (-want +got):\n%s", calls, d)
	}
}

func TestAnUnfinishedTableIsToldAndRemoved(t *testing.T) {
	k := narrow(t, 16<<10)
	wants := many(1000, time.Now().Add(24*time.Hour))
	apply(t, k, wants)
	other := k
	other.cfg.Mode = All // another chain: the table is made anew
	other.before = func(n int) error {
		if n == 3 {
			return unix.ENOMEM
		}
		return nil
	}
	if _, err := other.Apply(t.Context(), wants, nil, time.Now); err == nil {
		t.Fatal("no error")
	}
	if s := held(t, k); len(s.Elements) != len(wants) || len(s.Faults) != 1 || !strings.Contains(s.Faults[0], "lastresort_unfinished") {
		t.Errorf("%d elements, faults %q", len(s.Elements), s.Faults)
	}
	other.before = nil
	apply(t, other, wants)
	if s := held(t, other); len(s.Faults) > 0 || len(s.Elements) != len(wants) {
		t.Errorf("%d elements, faults %q", len(s.Elements), s.Faults)
	}
}

func TestAClusterTooLongForATransactionIsMadeBesideTheTable(t *testing.T) {
	k := narrow(t, 16<<10)
	apply(t, k, WantList{{Range: rng(t, "10.0.0.0/8")}})
	wants := many(1000, time.Time{})
	p := apply(t, k, wants)
	if !p.Replace || p.Transactions < 4 {
		t.Errorf("replace %v in %d", p.Replace, p.Transactions)
	}
	if d := cmp.Diff(texts(wants), rangesOf(held(t, k))); d != "" || len(held(t, k).Faults) > 0 {
		t.Errorf("%q (-want +got):\n%s", held(t, k).Faults, d)
	}
}

// TestNoPacketPassesWhileATableIsMadeAnewInSeveral floods from a blocked source while the table changes its mode and back,
// in more transactions than one.
func TestNoPacketPassesWhileATableIsMadeAnewInSeveral(t *testing.T) {
	k := narrow(t, 16<<10)
	all := k
	all.cfg.Mode = All
	near, far := addrs("192.0.2.1"), addrs("10.0.0.2")
	peer, err := sandbox.NewPeer(near, far)
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	sink := listen(t, near[0])
	defer sink.Close()
	wants := many(500, time.Time{})
	apply(t, k, wants)
	flood, err := peer.Flood(far, netip.MustParseAddrPort(sink.LocalAddr().String()))
	if err != nil {
		t.Fatal(err)
	}
	defer flood.Close()
	var stop atomic.Bool
	sent := make(chan int)
	go func() {
		n := 0
		for ; !stop.Load(); n += 50 {
			if flood.Send(50) != nil {
				break
			}
		}
		sent <- n
	}()
	for range 10 {
		apply(t, all, wants)
		apply(t, k, wants)
	}
	stop.Store(true)
	n := <-sent
	if err := sink.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := sink.ReadFromUDPAddrPort(make([]byte, 64)); err == nil || n < 1000 {
		t.Errorf("of %d packets at least one passed", n)
	}
}

func TestAnyStateLeadsToAnyOtherInSeveralTransactions(t *testing.T) {
	k := narrow(t, 6<<10)
	rapid.Check(t, func(rt *rapid.T) {
		var wants WantList
		for at := rapid.IntRange(0, 9).Draw(rt, "at"); at < 2000; {
			n := rapid.IntRange(0, 40).Draw(rt, "length")
			first := netip.AddrFrom4([4]byte{198, 18, byte(at >> 8), byte(at)})
			last := netip.AddrFrom4([4]byte{198, 18, byte((at + n) >> 8), byte(at + n)})
			r, err := netblock.Between(first, last)
			if err != nil {
				rt.Fatal(err)
			}
			w := Want{Range: r}
			if rapid.Bool().Draw(rt, "temporary") {
				w.Until = time.Now().Add(time.Duration(rapid.IntRange(1, 9).Draw(rt, "hours")) * time.Hour)
			}
			wants = append(wants, w)
			at += n + 1 + rapid.IntRange(0, 12).Draw(rt, "gap")
		}
		if _, err := k.Apply(t.Context(), wants, nil, time.Now); err != nil {
			rt.Fatal(err)
		}
		s, err := k.Read(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(texts(wants), rangesOf(s)); d != "" {
			rt.Fatalf("(-want +got):\n%s", d)
		}
	})
}

func TestARefusalNamesTheRange(t *testing.T) {
	k := fresh(t, Inbound)
	apply(t, k, forGood(t, "203.0.113.64/28"))
	have := held(t, k)
	p, err := k.cfg.Diff(have, append(many(3000, time.Now().Add(time.Hour)), forGood(t, "192.0.2.8-192.0.2.31", "198.51.100.0/24", "203.0.113.64/28")...), nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	nft(t, "add element inet lastresort range4 { 192.0.2.16/28 }")
	err = k.commit(t.Context(), &p, held(t, k).generation)
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Range != rng(t, "192.0.2.8-192.0.2.31") || !errors.Is(err, unix.EEXIST) {
		t.Errorf("%v; expected the range that is in the way of another", err)
	}
	if d := cmp.Diff([]string{"192.0.2.16/28", "203.0.113.64/28"}, rangesOf(held(t, k))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestARefusalNamesThePrefix is the same for a set of prefixes of one length, which have no ends.
func TestARefusalNamesThePrefix(t *testing.T) {
	k := fresh(t, Inbound)
	wants := mixed(4_000)
	apply(t, k, wants)
	p, err := k.cfg.Diff(held(t, k), append(slices.Clone(wants), Want{Range: rng(t, "2001:db9:0:100::/56")}, Want{Range: rng(t, "2001:db9:0:200::/56")}), nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	nft(t, "add element inet lastresort prefix6_56 { 2001:db9:0:200:: }")
	err = k.commit(t.Context(), &p, held(t, k).generation)
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Range != rng(t, "2001:db9:0:200::/56") || !errors.Is(err, unix.EEXIST) {
		t.Errorf("%v; expected the prefix that is there already", err)
	}
}
