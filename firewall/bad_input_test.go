package firewall

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"lastresort/firewall/sandbox"
)

// ruleset is what nft sees of everything, so that two looks tell whether anything changed.
func ruleset(t *testing.T) string {
	t.Helper()
	out, err := exec.Command(sandbox.Tool(t, "nft"), "-a", "list", "ruleset").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestATableThatIsNotOursIsToldAndLeftAlone has tables of our name with parts of somebody else's in them.
func TestATableThatIsNotOursIsToldAndLeftAlone(t *testing.T) {
	for name, c := range map[string]struct{ table, what string }{
		"a chain":             {"table inet lastresort { chain theirs { }; }", "the chain theirs"},
		"a set":               {"table inet lastresort { set bad { type ipv4_addr; }; }", "the set bad"},
		"a map":               {"table inet lastresort { map bad { type ipv4_addr : verdict; }; }", "the set bad"},
		"only our chain":      {"table inet lastresort { chain prerouting { type filter hook prerouting priority 0; }; }", "the chain prerouting without our sets"},
		"a chain beside ours": {"", "the chain theirs"},
	} {
		t.Run(name, func(t *testing.T) {
			k := fresh(t, Inbound)
			if c.table == "" {
				apply(t, k, forGood(t, "192.0.2.7"))
				nft(t, "add chain inet lastresort theirs")
			} else {
				nft(t, c.table)
			}
			before := ruleset(t)
			_, applied := k.Apply(t.Context(), forGood(t, "192.0.2.9"), nil, time.Now)
			_, read := k.Read(t.Context())
			for _, err := range []error{applied, read} {
				var e *Error
				if !errors.As(err, &e) || e.Changed || !strings.Contains(e.Error(), "table inet lastresort holds "+c.what) ||
					!strings.Contains(e.Error(), "which isn't ours; the kernel is as it was") || !strings.Contains(e.Hint, "firewall.table") {
					t.Errorf("%v; expected to be told of %s and what to do", err, c.what)
				}
			}
			if d := cmp.Diff(before, ruleset(t)); d != "" {
				t.Errorf("the ruleset changed (-before +after):\n%s", d)
			}
		})
	}
}

// TestSetsOfAnotherKindAreToldAndMadeAnew has tables with our sets' names but another type, as an older version might have made.
func TestSetsOfAnotherKindAreToldAndMadeAnew(t *testing.T) {
	for name, set := range map[string]string{
		"without intervals":   "set range4 { type ipv4_addr; flags timeout; }",
		"without timeouts":    "set range4 { type ipv4_addr; flags interval; }",
		"of the other key":    "set range4 { type ipv6_addr; flags interval,timeout; }",
		"with a size":         "set address4 { type ipv4_addr; flags timeout; size 2; }",
		"a map":               "map address4 { type ipv4_addr : mark; flags timeout; }",
		"of addresses and so": "set address4 { type ipv4_addr . inet_service; flags timeout; }",
	} {
		t.Run(name, func(t *testing.T) {
			k := fresh(t, Inbound)
			nft(t, "table inet lastresort { "+set+"; }")
			s := held(t, k)
			if !strings.Contains(strings.Join(s.Faults, "; "), "is of another type") {
				t.Errorf("faults %q; expected to be told", s.Faults)
			}
			wants := forGood(t, "192.0.2.7", "192.0.2.9", "192.0.2.11", "198.51.100.0/25")
			if p := apply(t, k, wants); !p.Replace {
				t.Error("the table isn't made anew")
			}
			if s := held(t, k); len(s.Faults) > 0 || len(s.Elements) != len(wants) {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestElementsOfOthersGo has somebody add to our sets, what overlaps ours included.
func TestElementsOfOthersGo(t *testing.T) {
	k := fresh(t, Inbound)
	wants := forGood(t, "192.0.2.7", "198.51.100.16/28")
	apply(t, k, wants)
	nft(t, "add element inet lastresort address4 { 192.0.2.8, 203.0.113.7 timeout 1h }; add element inet lastresort range4 { 198.51.100.64/26 }; "+
		"add element inet lastresort allow4 { 198.51.100.20 }; add element inet lastresort address6 { 2001:db8::7 }")
	p := apply(t, k, wants)
	if len(p.Remove) != 4 || len(p.AllowRemove) != 1 || p.Unchanged != len(wants) {
		t.Errorf("%d and %d removed, %d unchanged; expected 4, 1 and %d", len(p.Remove), len(p.AllowRemove), p.Unchanged, len(wants))
	}
	if d := cmp.Diff([]string{"192.0.2.7", "198.51.100.16/28"}, rangesOf(held(t, k))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestWhatTheKernelRefusesIsTold has the kernel's errors that can't be brought about here.
func TestWhatTheKernelRefusesIsTold(t *testing.T) {
	for _, c := range []struct {
		err       error
		why, hint string
	}{
		{unix.EPERM, "no permission to apply the change", "run as root"},
		{unix.EPROTONOSUPPORT, "this kernel has no nf_tables", "load the module nf_tables"},
		{unix.EOPNOTSUPP, "this kernel has no nf_tables", "load the module nf_tables"},
		{unix.ENFILE, "a set of the table is full", "delete it"},
		{unix.ENOMEM, "the kernel has no memory for it", "range.budget"},
		{unix.ENOBUFS, "the kernel has no memory for it", "range.budget"},
		{unix.EMSGSIZE, "too much for one transaction", "net.core.wmem_max"},
		{unix.ERESTART, "the ruleset changes faster", "nft monitor"},
		{unix.EIO, "apply the change: input/output error", ""},
	} {
		var e *Error
		if err := edge(fmt.Errorf("send: %w", c.err), "apply the change"); !errors.As(err, &e) || !errors.Is(err, c.err) || e.Changed ||
			!strings.Contains(e.Why, strings.TrimPrefix(c.why, "apply the change: ")) || !strings.Contains(e.Hint, c.hint) || !strings.HasSuffix(e.Error(), "; the kernel is as it was") {
			t.Errorf("%v becomes %v, %q; expected %q and %q", c.err, err, e.Hint, c.why, c.hint)
		}
	}
}

// TestNobodyAnswersForAnUnknownSubsystem holds what a kernel says of a part of netfilter that it hasn't got: EINVAL, which is how
// a missing nf_tables shows.
func TestNobodyAnswersForAnUnknownSubsystem(t *testing.T) {
	sandbox.Need(t)
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const unknown = 40
	_, err = c.Execute(netlink.Message{Header: netlink.Header{Type: unknown << 8, Flags: netlink.Request}, Data: make([]byte, 4)})
	if !errors.Is(err, unix.EINVAL) {
		t.Errorf("%v; expected EINVAL", err)
	}
}

// TestASocketTooSmallForTheTable has no room for what can't be divided: nothing is changed, and that is told.
func TestASocketTooSmallForTheTable(t *testing.T) {
	k := fresh(t, Inbound)
	k.limit = 1000
	_, err := k.Apply(t.Context(), forGood(t, "203.0.113.7"), nil, time.Now)
	var e *Error
	if !errors.As(err, &e) || e.Changed || !strings.Contains(e.Why, "too much for one transaction") || !strings.Contains(e.Hint, "net.core.wmem_max") {
		t.Errorf("%v, hint %q", err, e.Hint)
	}
	k.limit = 0
	if s, err := k.Read(t.Context()); err != nil || s.Exists {
		t.Errorf("the table is there: %v %v", s.Exists, err)
	}
}
