package main

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelless is the environment variable that makes the test binary, as lastresort, run as on a kernel without nf_tables.
const kernelless = "WITHOUT_NF_TABLES"

// withoutNfTables has the kernel refuse every netfilter socket from now on, as one does that was built without it.
func withoutNfTables() error {
	const number, third = 0, 16 + 2*8 // of a call's number and its third argument in struct seccomp_data
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_SOCKET, Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: third},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.NETLINK_NETFILTER, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPROTONOSUPPORT)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter))); e != 0 {
		return e
	}
	return nil
}

// init is for a process that is to run without nf_tables from its start.
func init() {
	if os.Getenv(kernelless) == "" {
		return
	}
	if err := withoutNfTables(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
}
