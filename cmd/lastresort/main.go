// Command lastresort decides which netblocks are blocked when reporting abuse has failed, how wide and for how long, and
// keeps nftables to it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// environment is what the program sees of the world besides its arguments and streams.
type environment struct {
	getenv   func(string) string
	now      func() time.Time
	terminal bool                // stderr is a terminal: progress may be shown
	colour   bool                // stdout is one, and NO_COLOR isn't set
	root     fs.FS               // the machine's files, for /proc and /etc
	locals   func() []netip.Addr // the addresses of its interfaces
}

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // a review of a million rows takes a fifth less memory, and a tenth more time
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	env := environment{getenv: os.Getenv, now: time.Now, terminal: isTerminal(os.Stderr),
		colour: isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "", root: os.DirFS("/"), locals: localAddrs}
	err := run(ctx, env, os.Stdin, os.Stdout, os.Stderr, os.Args[1:])
	stop()
	os.Exit(report(os.Stderr, err))
}

// localAddrs returns the addresses of this machine's interfaces, in its network namespace.
func localAddrs() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil // the guard that asks for them has others beside it
	}
	var out []netip.Addr
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr())
		}
	}
	return out
}

// run is the whole program: it carries its exit status in the error.
func run(ctx context.Context, env environment, stdin io.Reader, stdout, stderr io.Writer, args []string) error {
	a := &app{env: env, stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && !a.started && !errors.As(err, new(*failure)) {
		return &failure{code: exitUsage, err: err, hint: "lastresort help"}
	}
	if errors.Is(err, context.Canceled) {
		return &failure{code: exitFailed, err: errors.New("interrupted; nothing that was not yet reported as done has changed")}
	}
	return err
}

// The exit statuses.
const (
	exitFailed  = 1
	exitUsage   = 2 // usage or policy
	exitPending = 3 // changes pending, only where asked
	exitRefused = 4 // by a guard
)

// failure is an error with its exit status and, where there is one, the way round. A nil err ends with the status and
// says nothing.
type failure struct {
	code int
	err  error
	hint string
}

// Error implements error.
func (f *failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

// Unwrap lets callers test what went wrong.
func (f *failure) Unwrap() error { return f.err }

func usage(format string, args ...any) error {
	return &failure{code: exitUsage, err: fmt.Errorf(format, args...)}
}

func refused(hint, format string, args ...any) error {
	return &failure{code: exitRefused, err: fmt.Errorf(format, args...), hint: hint}
}

// report prints an error as error: and hint: lines and returns the exit status.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	code := exitFailed
	var f *failure
	if errors.As(err, &f) {
		code = f.code
		if f.err == nil {
			return code
		}
	}
	hint := hintOf(err)
	if f != nil {
		hint = f.hint
	}
	fmt.Fprintf(stderr, "error: %s\n", printable(strings.ReplaceAll(err.Error(), "\n", "; ")))
	if hint != "" {
		fmt.Fprintf(stderr, "hint: %s\n", hint)
	}
	return code
}
