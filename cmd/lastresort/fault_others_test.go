package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"lastresort/firewall/sandbox"
)

// tamperings are what others do to our table, as nft says it.
var tamperings = []string{
	"flush ruleset",
	"delete table inet lastresort",
	"flush set inet lastresort range4",
	"flush set inet lastresort address6",
	"delete element inet lastresort range4 { 203.0.113.0/30 }",
	"delete element inet lastresort address4 { 198.51.100.1 }",
	"add element inet lastresort address4 { 192.0.2.250 }",
	"add element inet lastresort address4 { 192.0.2.251 timeout 20m }",
	"add element inet lastresort range4 { 192.0.2.128/26 }",
	"add element inet lastresort range6 { 2001:db8:ffff::/48 timeout 10m }",
	"add element inet lastresort allow4 { 203.0.113.0/24 }",
	"flush chain inet lastresort prerouting",
	"insert rule inet lastresort prerouting accept",
	"add rule inet lastresort prerouting ip saddr 192.0.2.9 drop",
	"add table inet lastresort { flags dormant; }",
	"flush chain inet lastresort prerouting; delete chain inet lastresort prerouting",
	"add chain inet lastresort prerouting { policy drop; }",
	"add set inet lastresort theirs { type ipv4_addr; }",
	"add chain inet lastresort theirs",
	"add map inet lastresort theirs { type ipv4_addr : verdict; }",
	"add table inet other; add chain inet other c { type filter hook input priority 0; }; delete table inet other",
}

var handles = regexp.MustCompile(`"handle": \d+`)

// structure returns what nft sees of our table besides elements.
func (f *faults) structure(nft string) string {
	f.t.Helper()
	out, err := exec.Command(nft, "-j", "-t", "list", "table", "inet", "lastresort").Output()
	if err != nil {
		return ""
	}
	return handles.ReplaceAllString(string(out), "")
}

// TestFaultOthers has somebody else change our table at a random moment of each command. Status tells the truth then, and the
// next apply heals, or refuses with the way round where something isn't ours.
func TestFaultOthers(t *testing.T) {
	nft := sandbox.Tool(t, "nft")
	f := newFaults(t, 4)
	hits := map[string]int{}
	f.each(deeds, func(p *play, i int) {
		if i%worldsLast == 0 {
			f.must("restore")
			p.structure = f.structure(nft)
			f.set(p)
		}
		r, done := f.begin(p.args...)
		other := tamperings[f.random.IntN(len(tamperings))]
		wait := time.Duration(f.random.Int64N(int64(p.took)))
		time.Sleep(wait)
		ended := false
		select {
		case <-done:
			ended = true
		default:
		}
		out, err := exec.Command(nft, other).CombinedOutput()
		<-done
		s := r.said()
		switch {
		case s.code < 0 || strings.Contains(s.err, "panic"):
			t.Fatalf("%s: %+v", p.name, s)
		case ended:
			hits["after it"]++
		case err != nil:
			hits["refused by the kernel"]++
		case s.code != 0:
			hits["told"]++
		default:
			hits["meanwhile"]++
		}
		x := f.scene()
		newHistory, newKernel, _ := p.where(x)
		right := f.structure(nft) == p.structure && (newHistory && newKernel || x.history == p.before.history && x.kernel == p.before.kernel && p.before.status.code == 0 ||
			p.name == "undo of a trial" && newKernel)
		if s.code == 0 && !newHistory || s.code != 0 && newHistory && p.before.history != p.after.history {
			t.Fatalf("%s, beside %q: exits %d and the history is %s", p.name, other, s.code, x.history)
		}
		if s.code != 0 && strings.Count(s.err, "error:") != 1 {
			t.Fatalf("%s, beside %q: exits %d and says %q", p.name, other, s.code, s.err)
		}
		if (x.status.code == 0) != right {
			t.Fatalf("%s, beside %q (%v %s): status exits %d: %s%s\nthe command: %+v\nkernel %s\nbefore %s\nafter %s\nstructure %s", p.name, other, err, out,
				x.status.code, x.status.out, x.status.err, s, x.kernel, p.before.kernel, p.after.kernel, f.structure(nft))
		}
		f.heal()
		if got := f.structure(nft); got != p.structure {
			t.Fatalf("%s, beside %q: healed to\n%s\nexpected\n%s", p.name, other, got, p.structure)
		}
		healed := p.healed
		if newHistory {
			healed = p.healedNew
		}
		if got := f.inKernel(); got != healed && !p.waiting() {
			t.Fatalf("%s, beside %q: healed to\n%s\nexpected\n%s", p.name, other, got, healed)
		}
	})
	t.Logf("%d rounds a command: %v", f.rounds, hits)
}
