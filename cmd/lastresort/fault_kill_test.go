package main

import (
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// generation returns what the kernel says of its ruleset's generation: another after every change.
func (f *faults) generation() string {
	f.t.Helper()
	const nfgenmsg = 4
	answer, err := f.nft.Execute(netlink.Message{Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN, Flags: netlink.Request},
		Data: make([]byte, nfgenmsg)})
	if err != nil || len(answer) != 1 || len(answer[0].Data) < nfgenmsg+8 {
		f.t.Fatal(answer, err)
	}
	return string(answer[0].Data[nfgenmsg : nfgenmsg+8])
}

// begin starts a command; done is closed when it has ended.
func (f *faults) begin(args ...string) (*running, <-chan struct{}) {
	f.t.Helper()
	r := &running{c: f.command(args...)}
	r.c.Stdout, r.c.Stderr = &r.out, &r.err
	if err := r.c.Start(); err != nil {
		f.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.c.Wait() // how it ended is in its state
	}()
	return r, done
}

// TestFaultKill kills each command at random moments.
func TestFaultKill(t *testing.T) {
	f := newFaults(t, 4)
	hits := map[string]int{}
	f.each(deeds, func(p *play, i int) {
		r, done := f.begin(p.args...)
		f.sometime(p, i, done)
		_ = r.c.Process.Kill() // or it was quicker
		<-done
		x := f.judge(p, "killed", r.said())
		newHistory, newKernel, _ := p.where(x)
		switch {
		case r.said().code >= 0:
			hits["quicker"]++
		case newKernel && !newHistory:
			hits["between kernel and history"]++
		case newKernel && newHistory:
			hits["after both"]++
		default:
			hits["before"]++
		}
	})
	t.Logf("%d rounds a command; killed: %v", f.rounds, hits)
	if f.long() && (hits["before"] == 0 || hits["between kernel and history"]+hits["after both"] == 0) {
		t.Errorf("the kills all hit in one place: %v", hits)
	}
}
