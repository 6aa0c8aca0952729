package main

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"lastresort/decide"
	"lastresort/firewall"
)

// listFormats are the forms in which list prints what is in force for other devices.
var listFormats = []struct {
	name  string
	print func(io.Writer, *decide.Policy, iter.Seq[listed], time.Time)
}{
	{"nft", printNft}, {"ipset", printIpset}, {"cidr", printCidr},
}

// formatNames are the values of --format.
func formatNames() []string {
	names := []string{"json"}
	for _, f := range listFormats {
		names = append(names, f.name)
	}
	return names
}

// printCidr prints the prefixes that make up the ranges, one a line.
func printCidr(w io.Writer, _ *decide.Policy, all iter.Seq[listed], _ time.Time) {
	for l := range all {
		for _, p := range l.Range.Prefixes() {
			fmt.Fprintln(w, p)
		}
	}
}

// left is how long a block has left at a moment, in whole seconds and at least one; 0 is for good.
func (l listed) left(now time.Time) int64 {
	if l.Until == nil {
		return 0
	}
	return max(1, int64(l.Until.Sub(now)/time.Second))
}

// printNft prints a table of its own for nft -f, which takes the place of one of the same name: what is in force, and a
// chain that drops it as the policy's mode says.
func printNft(w io.Writer, p *decide.Policy, all iter.Seq[listed], now time.Time) {
	name := p.Firewall.Table
	fmt.Fprintf(w, "table inet %s\ndelete table inet %s\ntable inet %s {\n", name, name, name)
	for _, f := range []struct {
		set, kind string
		is4       bool
	}{{"range4", "ipv4_addr", true}, {"range6", "ipv6_addr", false}} {
		fmt.Fprintf(w, "\tset %s {\n\t\ttype %s\n\t\tflags interval, timeout\n\t\tcounter\n", f.set, f.kind)
		before := "\t\telements = { "
		for l := range all {
			if l.Range.Is4() != f.is4 {
				continue
			}
			fmt.Fprintf(w, "%s%s", before, l.Range)
			if left := l.left(now); left > 0 {
				fmt.Fprintf(w, " timeout %ds", left)
			}
			before = ",\n\t\t\t"
		}
		if strings.HasPrefix(before, ",") {
			fmt.Fprint(w, " }\n")
		}
		fmt.Fprint(w, "\t}\n")
	}
	priority, direction := "mangle", "ct direction original "
	if firewall.Mode(p.Firewall.Mode) == firewall.All {
		priority, direction = "raw", ""
	}
	fmt.Fprintf(w, "\tchain prerouting {\n\t\ttype filter hook prerouting priority %s; policy accept;\n\t\tiifname \"lo\" accept\n"+
		"\t\ticmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } ip6 hoplimit 255 accept\n", priority)
	fmt.Fprintf(w, "\t\t%sip saddr @range4 drop\n\t\t%sip6 saddr @range6 drop\n\t}\n}\n", direction, direction)
}

// longestIpset is the longest timeout that an ipset takes, in seconds: its kernel counts milliseconds in 31 bits.
const longestIpset = 2147483

// mostIpset is how many elements our ipsets may hold. It takes no room, and is always the same: ipset refuses to take a set
// for one with another limit, and so a list that grew.
const mostIpset = 1 << 24

// printIpset prints two sets for ipset restore. Each is filled beside the one in use and changes places with it, so that no
// packet passes meanwhile. A block that lasts longer than a set can count ends with what it can; the next export renews it.
func printIpset(w io.Writer, p *decide.Policy, all iter.Seq[listed], now time.Time) {
	for _, f := range []struct {
		suffix, family string
		is4            bool
	}{{"4", "inet", true}, {"6", "inet6", false}} {
		set := ipsetName(p.Firewall.Table) + f.suffix
		for _, name := range []string{set, set + "_"} {
			fmt.Fprintf(w, "create %s hash:net family %s maxelem %d timeout 0 counters -exist\n", name, f.family, mostIpset)
		}
		fmt.Fprintf(w, "flush %s_\n", set)
		for l := range all {
			if l.Range.Is4() != f.is4 {
				continue
			}
			for _, prefix := range l.Range.Prefixes() {
				fmt.Fprintf(w, "add %s_ %s timeout %d\n", set, prefix, min(l.left(now), longestIpset))
			}
		}
		fmt.Fprintf(w, "swap %s_ %s\ndestroy %s_\n", set, set, set)
	}
}

// ipsetName cuts a table's name to what an ipset's may be, with a digit and a sign behind it.
func ipsetName(table string) string {
	const longest = 29
	return table[:min(len(table), longest)]
}
