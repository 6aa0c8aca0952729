package firewall

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
)

func TestLifelines(t *testing.T) {
	const heading = "  sl  local_address rem_address   st\n"
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for _, c := range []struct {
		name   string
		files  fstest.MapFS
		ours   string
		locals []netip.Addr
		want   string
	}{
		{name: "nothing to read", want: ""},
		{name: "this session", ours: "203.0.113.7 50000 192.0.2.1 22", want: "session 203.0.113.7"},
		{name: "a peer with its zone, and one mapped into IPv6", ours: "fe80::1%eth0 50000 fe80::2 22", want: "session fe80::1"},
		{name: "mapped", ours: "::ffff:203.0.113.7 50000 ::ffff:192.0.2.1 22", want: "session 203.0.113.7"},
		{name: "no session", ours: "garbage", want: ""},
		{name: "another's session counts while it is open", files: fstest.MapFS{
			"proc/net/tcp":     file(heading + "0: 010200C0:0016 057100CB:C350 01\n"),
			"proc/net/tcp6":    file(heading + "0: B80D0120000000000000000001000000:0016 B80D0120000000000000000005000000:C351 01\n1: 0000000000000000FFFF0000010200C0:0016 0000000000000000FFFF0000097100CB:C352 01\n"),
			"proc/10/environ":  file("HOME=/root\x00SSH_CONNECTION=203.0.113.5 50000 192.0.2.1 22\x00"),
			"proc/11/environ":  file("SSH_CONNECTION=2001:db8::5 50001 2001:db8::1 22"),
			"proc/12/environ":  file("SSH_CONNECTION=203.0.113.9 50002 192.0.2.1 22"),
			"proc/13/environ":  file("SSH_CONNECTION=203.0.113.99 50000 192.0.2.1 22"),
			"proc/14/environ":  file("OLD_SSH_CONNECTION=203.0.113.5 50000 192.0.2.1 22"),
			"proc/self/status": file(""),
		}, want: "session 203.0.113.5; session 203.0.113.9; session 2001:db8::5"},
		{name: "a connection that is closing, or that nobody is logged in over, is none", files: fstest.MapFS{
			"proc/net/tcp":    file(heading + "0: 010200C0:0016 057100CB:C350 06\n1: 010200C0:0016 067100CB:C350 01\nnonsense\n2: x y 01\n"),
			"proc/10/environ": file("SSH_CONNECTION=203.0.113.5 50000 192.0.2.1 22"),
		}, want: ""},
		{name: "gateways and name servers", files: fstest.MapFS{
			"proc/net/route":                   file("Iface Destination Gateway\neth0 00000000 017100CB 0003\neth0 007100CB 00000000 0001\n"),
			"proc/net/ipv6_route":              file("00000000000000000000000000000000 00 00000000000000000000000000000000 00 20010db8000000000000000000000001 00000400\n"),
			"etc/resolv.conf":                  file("search example.net\nnameserver 127.0.0.53\nnameserver 203.0.113.53\n"),
			"run/systemd/resolve/resolv.conf":  file("nameserver 2001:db8::53\nnameserver 203.0.113.53\nnameserver x\n"),
			"run/systemd/resolve/stub-resolve": file(""),
		}, want: "gateway 203.0.113.1; gateway 2001:db8::1; resolver 203.0.113.53; resolver 2001:db8::53"},
		{name: "our own addresses", locals: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("::ffff:203.0.113.11")},
			want: "local 203.0.113.10; local 203.0.113.11"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, x := range Lifelines(c.files, c.ours, c.locals) {
				got = append(got, fmt.Sprintf("%s %s", x.Guard, x.Addr))
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("%s; expected %s", strings.Join(got, "; "), c.want)
			}
		})
	}
}
