package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lastresort"
	"lastresort/firewall/sandbox"
)

func (a *app) demoCommand() *cobra.Command {
	return a.prints(&cobra.Command{
		Use:   "demo",
		Short: "a whole night on bundled data, in a throw-away network namespace",
		Long: "Reviews a bundled night, shows the diff, applies it to the real nftables of a network namespace of its own, tries a\n" +
			"connection of an offender before and after, and lets it in again. It needs no root, touches nothing else, and\n" +
			"leaves nothing behind.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if sandbox.Inside() {
				return a.demoInside(c.Context())
			}
			args := []string{"demo"}
			if a.json {
				args = append(args, "--json")
			}
			code, err := sandbox.Run(c.Context(), func(c *exec.Cmd) { c.Stdout, c.Stderr = a.stdout, a.stderr }, args...)
			var forbidden *sandbox.ForbiddenError
			if errors.As(err, &forbidden) {
				return &failure{code: exitFailed, err: err, hint: forbidden.Hint()}
			}
			if err == nil && code != 0 {
				return &failure{code: code} // it has said why
			}
			return err
		},
	})
}

// The cast of the demo: our server, an offender that the night blocks, and an honest mail server beside it.
var (
	demoServer    = netip.MustParseAddr("192.0.2.1")
	demoOffender  = netip.MustParseAddr("203.0.113.22")
	demoNeighbour = netip.MustParseAddr("203.0.113.200")
	demoTime      = time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
)

// demo is one run of it.
type demo struct {
	*app
	dir   string
	peer  *sandbox.Peer
	steps []demoStep
}

// demoStep is one step for JSON.
type demoStep struct {
	Command string `json:"command,omitempty"`
	Output  string `json:"output"`
}

func (a *app) demoInside(ctx context.Context) (err error) {
	if err := sandbox.Enter(); err != nil {
		return err
	}
	d := demo{app: a}
	if d.dir, err = os.MkdirTemp("", "lastresort-demo-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	if err := d.unpack(); err != nil {
		return err
	}
	if d.peer, err = sandbox.NewPeer([]netip.Addr{demoServer}, []netip.Addr{demoOffender, demoNeighbour}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.peer.Close()) }()
	l, err := net.Listen("tcp", netip.AddrPortFrom(demoServer, 22).String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	go welcome(l)
	if err := d.play(ctx); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(d.steps)
	}
	return nil
}

// welcome takes every connection and says what an SSH server says first.
func welcome(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		fmt.Fprint(c, "SSH-2.0-demo\r\n")
		c.Close()
	}
}

// unpack writes the bundled night where the demo works.
func (d *demo) unpack() error {
	const root = "testdata/demo"
	return fs.WalkDir(lastresort.DemoNight, root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(lastresort.DemoNight, path)
		if err != nil {
			return err
		}
		text = bytes.ReplaceAll(text, []byte(`path = "`), []byte(`path = "`+d.dir+"/"))
		return os.WriteFile(filepath.Join(d.dir, filepath.Base(path)), text, 0o600)
	})
}

func (d *demo) play(ctx context.Context) error {
	offender := demoOffender.String()
	for _, do := range []func() error{
		func() error {
			return d.say("It is %s UTC on a mail server at %s. This network namespace is ours alone; nothing outside is touched.", clock(demoTime), demoServer)
		},
		func() error { return d.say("What was reported, what came back, and what was seen since September:") },
		func() error { return d.run(ctx, "import", "records.jsonl") },
		func() error { return d.say("The night's log is read and every case is judged:") },
		func() error { return d.run(ctx, "review") },
		func() error { return d.say("Nothing has changed yet. Before:") },
		d.try,
		func() error { return d.run(ctx, "diff") },
		func() error { return d.run(ctx, "apply") },
		func() error { return d.say("After. Nothing goes back to the offender, and its neighbour gets in:") },
		d.try,
		func() error { return d.run(ctx, "list") },
		func() error { return d.run(ctx, "status") },
		func() error {
			return d.say("A customer calls: that address is his now. It is cut out of its block, and held:")
		},
		func() error {
			return d.run(ctx, "unblock", offender, "--hold", "30d", "--reason", "a customer of ours")
		},
		d.try,
		func() error { return d.say("The next review keeps to that:") },
		func() error { return d.run(ctx, "review") },
		func() error { return d.run(ctx, "diff") },
		func() error { return d.run(ctx, "explain", offender) },
		func() error {
			return d.say("That was the whole of it. What this namespace held is gone when this program ends.")
		},
	} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) say(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	d.steps = append(d.steps, demoStep{Output: text})
	if !d.json {
		d.page().line("\n# %s", text)
	}
	return nil
}

// run does what an operator would type. Only the policy, the store and the time are the demo's own.
func (d *demo) run(ctx context.Context, args ...string) error {
	shown := "lastresort"
	for _, x := range args {
		if strings.Contains(x, " ") {
			x = fmt.Sprintf("%q", x)
		}
		shown += " " + x
	}
	env := d.env
	env.now = func() time.Time { return demoTime }
	env.terminal = false
	env.getenv = func(key string) string { return map[string]string{"USER": "ops"}[key] }
	full := []string{"--policy", filepath.Join(d.dir, "policy.toml"), "--store", filepath.Join(d.dir, "history.db")}
	for _, x := range args {
		if x == "records.jsonl" {
			x = filepath.Join(d.dir, x)
		}
		full = append(full, x)
	}
	var out bytes.Buffer
	err := run(ctx, env, nil, &out, &out, full)
	text := strings.ReplaceAll(out.String(), d.dir+"/", "")
	d.steps = append(d.steps, demoStep{shown, text})
	if !d.json {
		d.page().line("\n$ %s\n%s", shown, strings.TrimRight(text, "\n"))
	}
	if err != nil {
		return fmt.Errorf("%s: %v", shown, err)
	}
	return nil
}

// try connects from the offender and from its neighbour.
func (d *demo) try() error {
	for _, from := range []struct {
		who  string
		addr netip.Addr
	}{{"offender", demoOffender}, {"neighbour", demoNeighbour}} {
		said := "connects"
		c, err := d.peer.Dial(from.addr, netip.AddrPortFrom(demoServer, 22), 1500*time.Millisecond)
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			said = "gets no answer"
		case err != nil:
			return err
		default:
			if err := c.Close(); err != nil {
				return err
			}
		}
		text := fmt.Sprintf("  %s %s -> %s port 22: %s", from.who, from.addr, demoServer, said)
		d.steps = append(d.steps, demoStep{Output: text})
		if !d.json {
			d.page().line("%s", text)
		}
	}
	return nil
}
