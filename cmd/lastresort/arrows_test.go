package main

import (
	"errors"
	"go/build"
	"io/fs"
	"path/filepath"
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
	"lastresort/decide/fail2ban":  {"lastresort/netblock"},
	"lastresort/decide/mail":      {"lastresort/decide/history"},
	"lastresort/decide/whois":     {"lastresort/decide/history", "lastresort/decide/mail", "lastresort/netblock"},
	"lastresort/decide":           {"lastresort/decide/history", "lastresort/decide/web", "lastresort/netblock"},
	"lastresort/decide/backtest":  {"lastresort/decide", "lastresort/decide/history", "lastresort/netblock"},
	"lastresort/decide/htmlpage":  {"lastresort/decide", "lastresort/decide/backtest", "lastresort/decide/history", "lastresort/netblock"},
	"lastresort/decide/whatif":    {"lastresort/decide", "lastresort/decide/history", "lastresort/netblock"},
	"lastresort/firewall":         {"lastresort/netblock"},
	"lastresort/firewall/sandbox": {},
	"lastresort/cmd/lastresort": {"lastresort", "lastresort/decide", "lastresort/decide/backtest", "lastresort/decide/evidence", "lastresort/decide/fail2ban",
		"lastresort/decide/history", "lastresort/decide/htmlpage", "lastresort/decide/mail", "lastresort/decide/web", "lastresort/decide/whatif", "lastresort/decide/whois",
		"lastresort/firewall", "lastresort/firewall/sandbox", "lastresort/netblock"},
}

// soleImporters are the libraries that only these packages may know: one each, but for SQLite, which is the store's and that of
// another program's database, which is read.
var soleImporters = map[string][]string{
	"github.com/yl2chen/cidranger": {"lastresort/netblock"},
	"github.com/google/nftables":   {"lastresort/firewall"},
	"modernc.org/sqlite":           {"lastresort/decide/history", "lastresort/decide/fail2ban"},
	"github.com/spf13/cobra":       {"lastresort/cmd/lastresort"},
	"github.com/vishvananda/netns": {"lastresort/firewall/sandbox"},
	"github.com/mdlayher/netlink":  {"lastresort/firewall"},
	"github.com/mattn/go-isatty":   {"lastresort/cmd/lastresort"},
	"golang.org/x/text":            {"lastresort/decide/mail"},
}

// imports returns what each package of the house imports. It reads the files themselves: go list might have to fetch modules,
// and there is no network here.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case dir != root && (d.Name()[0] == '.' || d.Name() == "testdata"):
			return fs.SkipDir
		}
		p, err := build.ImportDir(dir, 0)
		var none *build.NoGoError
		if errors.As(err, &none) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			return err
		}
		out[strings.TrimSuffix("lastresort/"+filepath.ToSlash(rel), "/.")] = p.Imports
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestImportsPointOneWay(t *testing.T) {
	seen := map[string]bool{}
	for from, all := range imports(t) {
		allowed, known := arrows[from]
		if !known {
			t.Errorf("%s has no place in the house; expected one of those in arrows", from)
		}
		seen[from] = true
		for _, to := range all {
			if strings.HasPrefix(to, "lastresort") && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s; expected only %s", from, to, strings.Join(allowed, " "))
			}
			for library, importers := range soleImporters {
				if (to == library || strings.HasPrefix(to, library+"/")) && !slices.Contains(importers, from) {
					t.Errorf("%s imports %s; expected only %s to", from, to, strings.Join(importers, " "))
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
	all := imports(t)
	for _, from := range []string{"lastresort/decide", "lastresort/decide/backtest", "lastresort/decide/htmlpage", "lastresort/decide/web", "lastresort/decide/whatif"} {
		if len(all[from]) == 0 {
			t.Errorf("%s imports nothing; was it found?", from)
		}
		for _, to := range all[from] {
			if slices.Contains(pure, to) {
				t.Errorf("%s imports %s; expected the judging to be pure", from, to)
			}
		}
	}
}
