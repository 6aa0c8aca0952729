package firewall

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"lastresort/firewall/sandbox"
)

func TestAMarkTellsWhoeverChangesAnything(t *testing.T) {
	k := fresh(t, Inbound)
	look := func() Mark {
		t.Helper()
		m, err := k.Mark(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	none := look()
	apply(t, k, forGood(t, "192.0.2.7"))
	first := look()
	if none.Handle != 0 || first.Handle == 0 || none.Generation+1 != first.Generation || first.Boot == "" || first.Boot != none.Boot {
		t.Errorf("%+v, then %+v; expected a table and one transaction", none, first)
	}
	if again := look(); again != first {
		t.Errorf("%+v; expected %+v, for nothing changed", again, first)
	}
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	other := c.AddTable(&nftables.Table{Name: "other", Family: nftables.TableFamilyINet})
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	if m := look(); m.Generation != first.Generation+1 || m.Handle != first.Handle {
		t.Errorf("after another table's change %+v; expected %+v and one transaction", m, first)
	}
	c.DelTable(other)
	c.FlushRuleset()
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	apply(t, k, forGood(t, "192.0.2.7"))
	if m := look(); m.Handle == first.Handle || m.Handle == 0 {
		t.Errorf("after somebody flushed the ruleset %+v; expected another table than %+v", m, first)
	}
}

func TestFlowtables(t *testing.T) {
	k := fresh(t, Inbound)
	if got, err := k.Flowtables(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("%v, %v; expected none", got, err)
	}
	data := attribute(attribute(attribute(nil, 1, []byte("nat\x00")), 2, []byte("fast\x00")), 4, []byte{0, 0, 0, 1})
	if got, err := flowtableIn(data); err != nil || got != "table nat, flowtable fast" {
		t.Errorf("%q, %v", got, err)
	}
	peer, err := sandbox.NewPeer(addrs("192.0.2.1"), addrs("203.0.113.7"))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	table := c.AddTable(&nftables.Table{Name: "nat", Family: nftables.TableFamilyINet})
	c.AddFlowtable(&nftables.Flowtable{Table: table, Name: "fast", Devices: []string{peer.Interface}})
	if err := c.Flush(); errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("this kernel has no flowtables (CONFIG_NF_FLOW_TABLE): only the reading of their names was tested")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.DelTable(table)
		if err := c.Flush(); err != nil {
			t.Error(err)
		}
	})
	got, err := k.Flowtables(t.Context())
	if d := cmp.Diff([]string{"table nat, flowtable fast"}, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestTheAuditLogTellsWhoItWas(t *testing.T) {
	line := func(head, seconds, rest string) string { return head + " msg=audit(" + seconds + ":7): " + rest + "\n" }
	const ours = "table=lastresort:12 family=1 entries=1 op=nft_unregister_table pid=99 subj=unconfined comm=\"nft\""
	at := time.Unix(1793584800, 0)
	for _, c := range []struct{ name, file, text, want string }{
		{"auditd's", "var/log/audit/audit.log", line("type=NETFILTER_CFG", "1793584801.250", ours), "nft 99 nft_unregister_table 02:00:01"},
		{"the kernel's messages", "var/log/kern.log", "Nov  2 02:00:01 h kernel: [ 1.0] audit: type=1325 audit(1793584801.250:7): " + ours + "\n", "nft 99 nft_unregister_table 02:00:01"},
		{"odd names are in hexadecimal", "var/log/audit/audit.log", line("type=NETFILTER_CFG", "1793584801.250", strings.Replace(ours, `"nft"`, "6E661B74", 1)), "nf?t 99 nft_unregister_table 02:00:01"},
		{"the same again is told once", "var/log/audit/audit.log", line("type=NETFILTER_CFG", "1793584801.250", ours) + line("type=NETFILTER_CFG", "1793584802.250", ours), "nft 99 nft_unregister_table 02:00:02"},
		{"before", "var/log/audit/audit.log", line("type=NETFILTER_CFG", "1793584799.250", ours), ""},
		{"our own", "var/log/audit/audit.log", line("type=NETFILTER_CFG", "1793584801.250", strings.Replace(ours, `"nft"`, `"lastresort"`, 1)), ""},
		{"another table's", "var/log/audit/audit.log", line("type=NETFILTER_CFG", "1793584801.250", strings.Replace(ours, "lastresort:12", "lastresort2:12", 1)), ""},
		{"another family's", "var/log/audit/audit.log", line("type=NETFILTER_CFG", "1793584801.250", strings.Replace(ours, "family=1", "family=2", 1)), ""},
		{"another record that says it", "var/log/audit/audit.log", line("type=USER_CMD", "1793584801.250", ours), ""},
		{"no time", "var/log/audit/audit.log", line("type=NETFILTER_CFG", "x", ours), ""},
		{"half a line", "var/log/audit/audit.log", "type=NETFILTER_CFG msg=audit(", ""},
		{"long after much else", "var/log/audit/audit.log", strings.Repeat("type=SYSCALL msg=audit(1.2:3): x\n", auditTail/30) + line("type=NETFILTER_CFG", "1793584801.250", ours), "nft 99 nft_unregister_table 02:00:01"},
	} {
		var got []string
		for _, x := range Others(fstest.MapFS{c.file: {Data: []byte(c.text)}}, "lastresort", "lastresort", at) {
			got = append(got, strings.Join([]string{x.Program, "99", x.What, x.At.Format("15:04:05")}, " "))
			if x.PID != 99 {
				t.Errorf("%s: process %d", c.name, x.PID)
			}
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %q; expected %q", c.name, got, c.want)
		}
	}
}
