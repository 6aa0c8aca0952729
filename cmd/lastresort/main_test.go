package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lastresort/firewall"
	"lastresort/firewall/sandbox"
)

// program is the name under which the test binary is lastresort itself.
const program = "lastresort"

func TestMain(m *testing.M) {
	commands := map[string]func(){program: asProgram, measured: asMeasured}
	if commands[filepath.Base(os.Args[0])] != nil {
		testscript.Main(m, commands)
	}
	os.Exit(sandbox.Main(func() int {
		testscript.Main(m, commands)
		return 1 // Main ends the process
	}))
}

// asProgram is main with a clock that a script can set.
func asProgram() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	env := environment{getenv: os.Getenv, now: time.Now, root: os.DirFS(os.Getenv("ROOT")), locals: testLocals}
	if at := os.Getenv("NOW"); at != "" {
		t, err := time.Parse(time.RFC3339, at)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(99)
		}
		env.now = func() time.Time { return t }
	}
	err := run(ctx, env, os.Stdin, os.Stdout, os.Stderr, os.Args[1:])
	stop()
	os.Exit(report(os.Stderr, err))
}

// nowhere is a machine with nothing on it.
func nowhere(now func() time.Time) environment {
	return environment{getenv: func(string) string { return "" }, now: now, root: os.DirFS("/nowhere"), locals: func() []netip.Addr { return nil }}
}

// testLocals is the interfaces' addresses of a script's own machine.
func testLocals() (out []netip.Addr) {
	if a, err := netip.ParseAddr(os.Getenv("LOCALS")); err == nil {
		out = append(out, a)
	}
	return out
}

// TestScripts runs the scenarios one after the other: they share the kernel of one network namespace.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	testscript.Run(t, testscript.Params{
		Files:               []string{file},
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("USER", "ops")
			e.Setenv("NOW", "2026-11-02T02:00:00Z")
			// A policy and a store of the script's own, so that it never meets those of the machine.
			e.Setenv("LR", "--policy="+filepath.Join(e.WorkDir, "policy.toml"))
			e.Setenv("STORE", "--store="+filepath.Join(e.WorkDir, "history.db"))
			if !sandbox.Inside() {
				return nil
			}
			return firewall.Open(firewall.Config{Table: "lastresort"}).Remove() // what the script before left
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "sandbox":
				return sandbox.Inside(), nil
			case "nft":
				_, err := exec.LookPath("nft")
				if os.Getenv("CI") == "true" {
					return true, err
				}
				return err == nil, nil
			}
			return false, fmt.Errorf("no condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"emptynft":  emptyNft,
			"powerless": powerless,
			"database":  makeDatabase,
		},
	})
}

// exits runs lastresort and holds its exit status against the first argument; what it prints goes to stdout and stderr.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits STATUS ARG…")
	}
	err := ts.Exec(program, append([]string{ts.Getenv("LR"), ts.Getenv("STORE")}, args[1:]...)...)
	code := 0
	if e, ok := err.(*exec.ExitError); ok {
		code = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit status %d; wanted %s", code, args[0])
	}
}

// makeDatabase makes a SQLite database of the statements in a file.
func makeDatabase(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: database FILE STATEMENTS")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.Exec(ts.ReadFile(args[1]))
	ts.Check(errors.Join(err, db.Close()))
}

// emptyNft takes our table away, as nft flush ruleset would.
func emptyNft(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(exec.Command("nft", "flush", "ruleset").Run())
}

// powerless runs lastresort in a user namespace that has no rights over the network, and writes what it prints to the file
// out, its status behind it.
func powerless(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: powerless ARG…")
	}
	c := exec.Command("/proc/self/exe")
	c.Args = append([]string{program, ts.Getenv("LR"), ts.Getenv("STORE")}, args...)
	c.Dir, c.SysProcAttr = ts.Getenv("WORK"), &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	c.Env = []string{"NOW=" + ts.Getenv("NOW")}
	out, err := c.CombinedOutput()
	status := 0
	if e, ok := err.(*exec.ExitError); ok {
		status = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	ts.Check(os.WriteFile(ts.MkAbs("out"), fmt.Appendf(out, "status %d\n", status), 0o600))
}

// TestEveryCommandIsDocumented holds the help of each command to saying what it does, with --json where it prints.
func TestEveryCommandIsDocumented(t *testing.T) {
	a := &app{env: environment{getenv: os.Getenv}}
	for _, c := range a.root().Commands() {
		all := append(c.Commands(), c)
		for _, c := range all {
			if c.Short == "" || strings.HasSuffix(c.Short, ".") {
				t.Errorf("%s: short help %q", c.CommandPath(), c.Short)
			}
			if !c.HasSubCommands() && c.Flags().Lookup("json") == nil {
				t.Errorf("%s prints and has no --json", c.CommandPath())
			}
		}
	}
}
