// Package sandbox makes throw-away user and network namespaces, in which nftables can be tried without rights and without
// touching the host's.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// marker is set in the environment of a process that runs in a sandbox of ours; its value says nothing.
const marker = "LASTRESORT_SANDBOX"

// cannot is the exit status of a process in a new namespace that has no rights there.
const cannot = 77

// ForbiddenError says that this machine allows no user namespaces, and why.
type ForbiddenError struct{ Why string }

// Error implements error.
func (e *ForbiddenError) Error() string {
	return "no new user and network namespace can be made here: " + e.Why
}

// Hint says how to go on where user namespaces are forbidden.
func (e *ForbiddenError) Hint() string {
	return "allow them (sysctl user.max_user_namespaces, on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0), or run it as root"
}

// Inside tells whether the process runs in a sandbox of ours: it was started as one, and its user namespace isn't the
// machine's own, whatever the environment says.
func Inside() bool {
	users, err := os.ReadFile("/proc/self/uid_map")
	whole := strings.Join(strings.Fields(string(users)), " ") == "0 0 4294967295"
	return os.Getenv(marker) != "" && err == nil && !whole
}

// command runs the present program again, in a new user and network namespace in which it is root.
func command(ctx context.Context, args []string) *exec.Cmd {
	c := exec.CommandContext(ctx, "/proc/self/exe", args...)
	c.Args[0] = os.Args[0]
	c.Env = append(os.Environ(), marker+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	return c
}

// Run runs the present program again with other arguments, in a new user and network namespace in which it is root, and
// returns its exit status. Where such namespaces are forbidden the error is a *ForbiddenError.
func Run(ctx context.Context, prepare func(*exec.Cmd), args ...string) (int, error) {
	c := command(ctx, args)
	prepare(c)
	err := c.Run()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.ExitCode() == cannot:
		return 0, &ForbiddenError{"it gives no rights over its own network"}
	case errors.As(err, &ended) && ended.ExitCode() >= 0:
		return ended.ExitCode(), nil
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EINVAL):
		return 0, &ForbiddenError{err.Error()}
	}
	return 0, err
}

// Enter is called first in a process that Run started: it brings up the loopback interface, and ends the process where the
// namespace gives no rights.
func Enter() error {
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if errors.Is(err, unix.EPERM) {
		os.Exit(cannot)
	}
	if err != nil {
		return fmt.Errorf("loopback interface: %v", err)
	}
	return nil
}

var skip string

// Main runs a package's tests in a sandbox: a TestMain calls it with the tests' run and exits with what it returns. Where no
// sandbox can be made the tests fail if CI=true; elsewhere they run without one, and those that Need it are skipped.
func Main(run func() int) int {
	// Administrators' programs aren't on everybody's path.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if Inside() {
		if err := Enter(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return run()
	}
	code, err := Run(context.Background(), func(c *exec.Cmd) { c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr }, os.Args[1:]...)
	if err == nil {
		return code
	}
	if os.Getenv("CI") == "true" {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	skip = err.Error()
	return run()
}

// Need skips a test that needs the sandbox where there is none.
func Need(t interface {
	Helper()
	Skip(args ...any)
}) {
	t.Helper()
	if !Inside() {
		t.Skip(skip)
	}
}

// Long tells whether tests are to take their time: LASTRESORT_LONG=1.
func Long() bool { return os.Getenv("LASTRESORT_LONG") == "1" }

// Tool returns where a program of somebody else's is that a test holds ours against. It skips the test where the machine
// hasn't got it; where CI is true, that is a failure.
func Tool(t interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
}, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	}
	t.Skip(err)
	return ""
}
