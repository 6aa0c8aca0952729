package firewall

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sort"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"lastresort/netblock"
)

// batch is one transaction as it is sent: all its messages in one datagram, written in place.
type batch struct {
	table string
	buf   []byte
	room  []byte // see newBatch
	at    []int  // where each message begins; its number is its place in here

	// The message that elements go into at present.
	set        string
	kind       int
	list       int // where its list of elements begins
	unfinished bool
}

// perMessage is how long a message of elements grows, in bytes: a length has 16 bits, and an element takes under 200.
const perMessage = 60_000

// newBatch begins a transaction that the kernel refuses with ERESTART where its ruleset is no longer the one numbered
// generation. It is going to take about size bytes, which are the kernel's own and go back to it with free: the largest thing
// in the program would have the collector keep room for a second one.
func newBatch(table string, generation uint32, size int) *batch {
	b := &batch{table: table}
	if room, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON); err == nil {
		b.room, b.buf = room, room[:0]
	}
	b.message(unix.NFNL_MSG_BATCH_BEGIN, 0, batchMark)
	b.buf = attribute(b.buf, unix.NFNL_BATCH_GENID, binary.BigEndian.AppendUint32(nil, generation))
	b.finish()
	return b
}

var batchMark = []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES}

// free gives back the memory of a batch that is done with; nil is none.
func (b *batch) free() {
	if b == nil || b.room == nil {
		return
	}
	_ = unix.Munmap(b.room) // fails for what isn't a mapping
	b.room, b.buf = nil, nil
}

// end ends the transaction and returns its datagram.
func (b *batch) end() []byte {
	b.finish()
	b.message(unix.NFNL_MSG_BATCH_END, 0, batchMark)
	b.finish()
	return b.buf
}

// message begins a message. No message asks for an acknowledgement: errors come anyway, and thousands of those would fill
// the socket.
func (b *batch) message(kind netlink.HeaderType, flags netlink.HeaderFlags, data []byte) {
	b.finish()
	b.at = append(b.at, len(b.buf))
	b.buf = binary.NativeEndian.AppendUint32(b.buf, 0) // the length, see finish
	b.buf = binary.NativeEndian.AppendUint16(b.buf, uint16(kind))
	b.buf = binary.NativeEndian.AppendUint16(b.buf, uint16(netlink.Request|flags))
	b.buf = binary.NativeEndian.AppendUint32(b.buf, uint32(len(b.at)-1))
	b.buf = binary.NativeEndian.AppendUint32(b.buf, 0) // the port; the kernel knows it
	b.buf = append(b.buf, data...)
	b.unfinished = true
}

// finish writes the lengths of the message that was begun last.
func (b *batch) finish() {
	if !b.unfinished {
		return
	}
	if b.set != "" {
		b.buf, b.set = shut(b.buf, b.list), ""
	}
	b.buf = append(b.buf, make([]byte, -len(b.buf)&3)...)
	start := b.at[len(b.at)-1]
	binary.NativeEndian.PutUint32(b.buf[start:], uint32(len(b.buf)-start))
	b.unfinished = false
}

// add adds messages of the library's.
func (b *batch) add(list []netlink.Message) {
	for _, m := range list {
		b.message(m.Header.Type, m.Header.Flags, m.Data)
	}
}

// element adds a step's part of a message of one kind about the elements of a set: to the last message, if it is about the
// same.
func (b *batch) element(k *setKind, kind int, s *Step) {
	if b.set != k.name || b.kind != kind || len(b.buf)-b.at[len(b.at)-1] > perMessage {
		flags := netlink.HeaderFlags(0)
		if kind == unix.NFT_MSG_NEWSETELEM {
			flags = netlink.Create | netlink.Excl
		}
		b.message(nftType(kind), flags, k.setName(b.table))
		b.set, b.kind, b.list = k.name, kind, len(b.buf)
		b.buf = open(b.buf, unix.NFTA_SET_ELEM_LIST_ELEMENTS)
	}
	b.buf = k.append(b.buf, s)
}

// question adds a message that asks for one row of a set.
func (b *batch) question(k *setKind, r row) {
	b.message(nftType(unix.NFT_MSG_GETSETELEM), 0, k.setName(b.table))
	list := len(b.buf)
	b.buf = open(b.buf, unix.NFTA_SET_ELEM_LIST_ELEMENTS)
	at := len(b.buf)
	b.buf = appendKey(open(b.buf, unix.NFTA_LIST_ELEM), r.key)
	if r.end {
		b.buf = attribute(b.buf, unix.NFTA_SET_ELEM_FLAGS, intervalEnd)
	}
	b.buf = shut(shut(b.buf, at), list)
}

// elements adds steps, which are sorted, to messages of one kind about the sets that they belong into.
func (b *batch) elements(sets []setKind, kind int, list sequence) {
	bySet(sets, list, func(k *setKind, s *Step) { b.element(k, kind, s) })
}

// bySet calls each for steps, which are sorted, with the set that each belongs into, one set after the other.
func bySet(sets []setKind, list sequence, each func(*setKind, *Step)) {
	var s Step
	for _, group := range groups(sets) {
		at := 0
		from, to := group[0].family(list.len(), list.rangeAt)
		for i := from; i < to; i++ {
			r := list.rangeAt(i)
			if !group[0].takes(r) {
				continue
			}
			if !group[at].inPart(r) {
				at = sort.Search(len(group), func(i int) bool { return !group[i].part.Last().Less(r.First()) })
			}
			s = list.at(i)
			each(&group[at], &s)
		}
	}
}

// groups returns the sets of a layout in runs that are parts of one.
func groups(sets []setKind) (out [][]setKind) {
	for from, i := 0, 1; i <= len(sets); i++ {
		if i == len(sets) || sets[i].is4 != sets[from].is4 || sets[i].bits != sets[from].bits || sets[i].allow != sets[from].allow {
			out, from = append(out, sets[from:i]), i
		}
	}
	return out
}

// RefusedError is the kernel's refusal of one range, and with it of a whole transaction.
type RefusedError struct {
	Range netblock.Range
	err   error
}

// Error implements error.
func (e *RefusedError) Error() string { return fmt.Sprintf("%s: %v", e.Range, e.err) }

// Unwrap returns the kernel's own error.
func (e *RefusedError) Unwrap() error { return e.err }

// refused reads an error about a message, and from its offset which of the elements in there it is about.
func (b *batch) refused(data []byte) error {
	err := errno(data)
	const number, header = 4 + 8, 4 + unix.SizeofNlMsghdr
	if err == nil || len(data) < header {
		return err
	}
	message := binary.NativeEndian.Uint32(data[number:])
	place := uint64(0)
	_ = attributes(data[header:], func(kind uint16, value []byte) error {
		if kind == unix.NLMSGERR_ATTR_OFFS && len(value) == 4 {
			place = uint64(binary.NativeEndian.Uint32(value))
		}
		return nil
	})
	if int64(message)+1 >= int64(len(b.at)) || place == 0 {
		return err
	}
	place += uint64(b.at[message])
	if place >= uint64(len(b.buf)) {
		return err
	}
	r, found := rangeAt(b.buf[b.at[message]:b.at[message+1]], int(place)-b.at[message])
	if !found {
		return err
	}
	return &RefusedError{r, err}
}

// rangeAt returns the range of which a row, its start or its end, is at a place of a message about elements.
func rangeAt(message []byte, place int) (netblock.Range, bool) {
	const header = 4
	length := func(at int) int { return max(header, int(binary.NativeEndian.Uint16(message[at:]))) }
	at := unix.SizeofNlMsghdr + genHeader
	alone := netblock.Single // what a start without an end is
	for at+header <= len(message) {
		kind := binary.NativeEndian.Uint16(message[at+2:]) &^ unix.NLA_F_NESTED
		if kind == unix.NFTA_SET_ELEM_LIST_ELEMENTS {
			break
		}
		n := length(at)
		if kind == unix.NFTA_SET_ELEM_LIST_SET && at+n <= len(message) {
			if k, _, ok := kindOf(unix.ByteSliceToString(message[at+header : at+n])); ok && !k.interval() {
				alone = k.of
			}
		}
		at += (n + 3) &^ 3
	}
	var start netip.Addr
	found := false
	for at += header; at+header <= len(message); {
		n := length(at)
		if at+n > len(message) {
			break
		}
		r, err := parseRow(message[at+header : at+n])
		switch {
		case err != nil || found && !r.end:
			return alone(start), found
		case !r.end:
			start, found = r.key, place < at+n
		case found || place < at+n:
			out, err := netblock.Between(start, r.key.Prev())
			return out, err == nil
		}
		at += (n + 3) &^ 3
	}
	return alone(start), found
}
