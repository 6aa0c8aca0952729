package firewall

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The library can neither send a generation with a batch nor see that a dump was cut through by a change, and its reading is
// slow: the kernel makes each part of a dump as large as the largest buffer that it saw, and the library's are small. So
// elements, and the sending of a batch, go through here; table, sets, chain and rules are still the library's.

const (
	genHeader = 4       // of nfnetlink: family, version, resource
	readSize  = 1 << 16 // above 32 KB the kernel makes the parts of a dump no larger
)

// conn is a netlink socket of nftables.
type conn struct {
	nl    *netlink.Conn
	raw   syscall.RawConn
	buf   []byte
	limit int  // the largest datagram that can be sent, in bytes
	old   bool // see Kernel
	fresh bool // the sets have just been filled

	// Of the set that was read last, for their memory.
	rows     []row
	elements []Element
}

// largest is the buffer that is asked for, in bytes: where it is granted, any list goes into one datagram. Nothing is
// allocated for it.
const largest = 1 << 29

// connect opens a socket that ends with ctx. Root's takes any datagram; in a user namespace it is bounded by
// net.core.wmem_max.
func connect(ctx context.Context) (*conn, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err // the deadline below comes only after a moment
	}
	nl, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, nil, err
	}
	raw, err := nl.SyscallConn()
	// Errors carry the whole message that they are about unless capped; a few would fill the socket.
	err = errors.Join(err, nl.SetReadBuffer(4<<20), nl.SetWriteBuffer(largest), nl.SetOption(netlink.CapAcknowledge, true))
	if err != nil {
		return nil, nil, errors.Join(err, nl.Close())
	}
	// Kernels before 4.12 don't know it; then an error doesn't say what it is about.
	_ = nl.SetOption(netlink.ExtendedAcknowledge, true)
	limit := 0
	var failed error
	err = raw.Control(func(fd uintptr) { limit, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF) })
	if err := errors.Join(err, failed); err != nil {
		return nil, nil, errors.Join(err, nl.Close())
	}
	stop := context.AfterFunc(ctx, func() { _ = nl.SetDeadline(time.Unix(1, 0)) })
	const used = 32 // by netlink itself, of each datagram's room
	return &conn{nl: nl, raw: raw, buf: make([]byte, readSize), limit: limit - used}, func() { stop(); _ = nl.Close() }, nil
}

func nftType(t int) netlink.HeaderType { return netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | t) }

// recvfrom is the system call; a test puts one in its place that loses answers.
var recvfrom = unix.Recvfrom

// receive calls each for every message that waits, or comes next, until it says that it has enough.
func (c *conn) receive(each func(h unix.NlMsghdr, data []byte) (done bool, err error)) error {
	for {
		var n int
		var failed error
		err := c.raw.Read(func(fd uintptr) bool {
			n, _, failed = recvfrom(int(fd), c.buf, 0)
			return failed != unix.EAGAIN && failed != unix.EINTR
		})
		if err := errors.Join(err, failed); err != nil {
			return err
		}
		for b := c.buf[:n]; len(b) >= unix.SizeofNlMsghdr; {
			h := unix.NlMsghdr{Len: binary.NativeEndian.Uint32(b), Type: binary.NativeEndian.Uint16(b[4:]),
				Flags: binary.NativeEndian.Uint16(b[6:]), Seq: binary.NativeEndian.Uint32(b[8:])}
			if h.Len < unix.SizeofNlMsghdr || int(h.Len) > len(b) {
				return io.ErrUnexpectedEOF
			}
			if done, err := each(h, b[unix.SizeofNlMsghdr:h.Len]); done || err != nil {
				return err
			}
			b = b[min(len(b), int(h.Len+3)&^3):]
		}
	}
}

// errno reads the kernel's error from the end of an answer; nil is success.
func errno(data []byte) error {
	if len(data) < 4 {
		return io.ErrUnexpectedEOF
	}
	if n := int32(binary.NativeEndian.Uint32(data)); n != 0 {
		return unix.Errno(-n)
	}
	return nil
}

// ask sends a request and calls each with every answer. A dump that a change of the ruleset cut through is EINTR.
func (c *conn) ask(kind int, flags netlink.HeaderFlags, data []byte, each func(data []byte) error) error {
	sent, err := c.nl.Send(netlink.Message{Header: netlink.Header{Type: nftType(kind), Flags: netlink.Request | flags}, Data: data})
	if err != nil {
		return err
	}
	cut := false
	err = c.receive(func(h unix.NlMsghdr, data []byte) (bool, error) {
		if h.Seq != sent.Header.Sequence {
			return false, nil
		}
		cut = cut || h.Flags&unix.NLM_F_DUMP_INTR != 0
		switch {
		case h.Type == unix.NLMSG_ERROR, h.Type == unix.NLMSG_DONE:
			return true, errno(data)
		case len(data) < genHeader:
			return true, io.ErrUnexpectedEOF
		}
		return h.Flags&unix.NLM_F_MULTI == 0, each(data[genHeader:])
	})
	if err == nil && cut {
		return unix.EINTR
	}
	return err
}

// generation returns the number of the kernel's ruleset, which every change by anybody raises. It is the first thing that
// anybody asks: EINVAL is netfilter's way to say that nobody answers for nf_tables.
func (c *conn) generation() (id uint32, err error) {
	err = c.ask(unix.NFT_MSG_GETGEN, 0, make([]byte, genHeader), func(data []byte) error {
		id, err = generationIn(data)
		return err
	})
	if errors.Is(err, unix.EINVAL) {
		err = unix.EPROTONOSUPPORT
	}
	return id, err
}

func generationIn(data []byte) (id uint32, err error) {
	attributes, err := netlink.NewAttributeDecoder(data)
	if err != nil {
		return 0, err
	}
	attributes.ByteOrder = binary.BigEndian
	for attributes.Next() {
		if attributes.Type() == unix.NFTA_GEN_ID {
			id = attributes.Uint32()
		}
	}
	return id, attributes.Err()
}

// queued returns the messages that the library would send: a connection that goes nowhere is the only way to get at them.
func queued(fill func(*nftables.Conn) error) (out []netlink.Message, err error) {
	c, err := nftables.New(nftables.WithTestDial(func(batch []netlink.Message) ([]netlink.Message, error) {
		if len(batch) > 2 {
			out = append(out, batch[1:len(batch)-1]...) // without the library's own begin and end
		}
		return nil, io.EOF
	}))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(fill(c), c.Flush()); err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Header = netlink.Header{Type: out[i].Header.Type, Flags: out[i].Header.Flags &^ (netlink.Acknowledge | netlink.Echo)}
	}
	return out, nil
}

// send sends a datagram as it is.
func (c *conn) send(datagram []byte) error {
	var failed error
	err := c.raw.Write(func(fd uintptr) bool {
		failed = unix.Sendto(int(fd), datagram, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return failed != unix.EAGAIN && failed != unix.EINTR
	})
	return errors.Join(err, failed)
}

// transact sends a batch. Where the kernel refuses it, nothing of it is done, and the error says which range it was, if it
// was one. A question behind the batch tells when all errors there are have been read.
func (c *conn) transact(b *batch) error {
	if err := c.send(b.end()); err != nil {
		return err
	}
	question, err := c.nl.Send(netlink.Message{Header: netlink.Header{Type: nftType(unix.NFT_MSG_GETGEN), Flags: netlink.Request,
		Sequence: asked}, Data: make([]byte, genHeader)})
	if err != nil {
		return err
	}
	var first error
	err = c.receive(func(h unix.NlMsghdr, data []byte) (bool, error) {
		if h.Seq == question.Header.Sequence {
			return true, nil
		}
		if h.Type == unix.NLMSG_ERROR && first == nil {
			first = b.refused(data)
		}
		return false, nil
	})
	if first != nil {
		return first
	}
	return err
}

// asked is the number of the question behind a batch, whose messages have the numbers from 0 on.
const asked = 1 << 31

// attribute appends a netlink attribute to b.
func attribute(b []byte, kind uint16, data []byte) []byte {
	const header = 4
	b = binary.NativeEndian.AppendUint16(b, uint16(header+len(data)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), data...)
	return append(b, make([]byte, -len(data)&3)...)
}

// open begins an attribute that holds others; shut writes its length.
func open(b []byte, kind uint16) []byte {
	return binary.NativeEndian.AppendUint16(append(b, 0, 0), kind|unix.NLA_F_NESTED)
}

// shut ends the attribute that was opened at a place of b.
func shut(b []byte, at int) []byte {
	binary.NativeEndian.PutUint16(b[at:], uint16(len(b)-at))
	return b
}
