package history

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes the lock on f, or fails at once where another process has it. The kernel lets go of it when the process
// ends, however it ends.
func tryLock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
