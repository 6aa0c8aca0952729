package main

import (
	"bytes"
	"os/exec"
)

// running is a command that was started.
type running struct {
	c        *exec.Cmd
	out, err bytes.Buffer
}

// said returns what it printed; it has ended.
func (r *running) said() said {
	return said{r.out.String(), r.err.String(), r.c.ProcessState.ExitCode()}
}
