package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows are all the imports within the house: from each package to those that it may use. Tests may use what helps them.
var arrows = map[string][]string{
	"lastresort":                  {},
	"lastresort/netblock":         {},
	"lastresort/decide/history":   {"lastresort/netblock"},
	"lastresort/decide/web":       {},
	"lastresort/decide/evidence":  {"lastresort/decide/history", "lastresort/decide/web"},
	"lastresort/decide/whois":     {"lastresort/decide/history", "lastresort/netblock"},
	"lastresort/decide":           {"lastresort/decide/history", "lastresort/decide/web", "lastresort/netblock"},
	"lastresort/decide/backtest":  {"lastresort/decide", "lastresort/decide/history", "lastresort/netblock"},
	"lastresort/decide/whatif":    {"lastresort/decide", "lastresort/decide/history", "lastresort/netblock"},
	"lastresort/firewall":         {"lastresort/netblock"},
	"lastresort/firewall/sandbox": {},
	"lastresort/cmd/lastresort": {"lastresort", "lastresort/decide", "lastresort/decide/backtest", "lastresort/decide/evidence", "lastresort/decide/history",
		"lastresort/decide/web", "lastresort/decide/whatif", "lastresort/decide/whois", "lastresort/firewall", "lastresort/firewall/sandbox", "lastresort/netblock"},
}

// soleImporters are the libraries that one package alone may know.
var soleImporters = map[string]string{
	"github.com/yl2chen/cidranger": "lastresort/netblock",
	"github.com/google/nftables":   "lastresort/firewall",
	"modernc.org/sqlite":           "lastresort/decide/history",
	"github.com/spf13/cobra":       "lastresort/cmd/lastresort",
	"github.com/vishvananda/netns": "lastresort/firewall/sandbox",
	"github.com/mdlayher/netlink":  "lastresort/firewall",
	"github.com/mattn/go-isatty":   "lastresort/cmd/lastresort",
}

func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "lastresort/...").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := fields[0]
		allowed, known := arrows[from]
		if !known {
			t.Errorf("%s has no place in the house; expected one of those in arrows", from)
		}
		seen[from] = true
		for _, to := range fields[1:] {
			if strings.HasPrefix(to, "lastresort") && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s; expected only %s", from, to, strings.Join(allowed, " "))
			}
			for library, importer := range soleImporters {
				if (to == library || strings.HasPrefix(to, library+"/")) && from != importer {
					t.Errorf("%s imports %s; expected only %s to", from, to, importer)
				}
			}
		}
	}
	for name := range arrows {
		if !seen[name] {
			t.Errorf("%s is gone; expected the house to stand", name)
		}
	}
}

// pure lists what decide may not touch: files, the clock, the network.
var pure = []string{"os", "net", "net/http", "os/exec", "syscall", "io/fs", "path/filepath"}

func TestDecideIsPure(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{range .Imports}}{{.}} {{end}}`, "lastresort/decide", "lastresort/decide/backtest", "lastresort/decide/whatif").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, to := range strings.Fields(string(out)) {
		if slices.Contains(pure, to) {
			t.Errorf("the judging imports %s; expected it to be pure", to)
		}
	}
}
