package firewall

import (
	"cmp"
	"encoding/binary"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"lastresort/netblock"
)

// destroyElement is NFT_MSG_DESTROYSETELEM of Linux 6.3's nf_tables.h: a deletion that doesn't mind what isn't there.
const destroyElement = 30

// openInterval is nft's own mark on a start without an end, a range up to the last address; without it `nft list` shows the
// first address alone.
var openInterval = []byte{1, 4, 1, 0, 0, 0}

// row is one of the kernel's entries in a set: an address, or the start or the end of a range.
type row struct {
	key              netip.Addr
	end              bool
	timeout, expires time.Duration
	packets, bytes   uint64
	to               string // the chain to go to, in a map
}

// setName begins a message about elements of a set.
func (k *setKind) setName(table string) []byte {
	b := []byte{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0}
	b = attribute(b, unix.NFTA_SET_ELEM_LIST_TABLE, append([]byte(table), 0))
	return attribute(b, unix.NFTA_SET_ELEM_LIST_SET, append([]byte(k.name), 0))
}

// append appends a step's rows: an address, or the first address of a range and the one behind its last. A range that ends
// with the last address of its family has nothing behind it, and none is sent.
func (k *setKind) append(b []byte, s *Step) []byte {
	behind := netip.Addr{}
	if k.interval() {
		behind = s.Range.Last().Next()
	}
	at := len(b)
	b = appendKey(open(b, unix.NFTA_LIST_ELEM), s.Range.First())
	if s.Timeout > 0 {
		b = append64(b, unix.NFTA_SET_ELEM_TIMEOUT, uint64((s.Timeout + time.Millisecond - 1).Milliseconds()))
	}
	if s.Old != nil && s.Old.Packets > 0 {
		b = appendCounter(b, s.Old)
	}
	if k.interval() && !behind.IsValid() {
		b = attribute(b, unix.NFTA_SET_ELEM_USERDATA, openInterval)
	}
	b = shut(b, at)
	if !behind.IsValid() {
		return b
	}
	at = len(b)
	b = appendKey(open(b, unix.NFTA_LIST_ELEM), behind)
	b = attribute(b, unix.NFTA_SET_ELEM_FLAGS, intervalEnd)
	return shut(b, at)
}

var intervalEnd = binary.BigEndian.AppendUint32(nil, unix.NFT_SET_ELEM_INTERVAL_END)

func appendKey(b []byte, a netip.Addr) []byte {
	at := len(b)
	b = open(b, unix.NFTA_SET_ELEM_KEY)
	if a.Is4() {
		raw := a.As4()
		b = attribute(b, unix.NFTA_DATA_VALUE, raw[:])
	} else {
		raw := a.As16()
		b = attribute(b, unix.NFTA_DATA_VALUE, raw[:])
	}
	return shut(b, at)
}

func append64(b []byte, kind uint16, n uint64) []byte {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], n)
	return attribute(b, kind, raw[:])
}

// appendCounter appends the counter with which an element begins that was there before.
func appendCounter(b []byte, e *Element) []byte {
	at := len(b)
	b = attribute(open(b, unix.NFTA_SET_ELEM_EXPR), unix.NFTA_EXPR_NAME, []byte("counter\x00"))
	data := len(b)
	b = append64(open(b, unix.NFTA_EXPR_DATA), unix.NFTA_COUNTER_BYTES, e.Bytes)
	b = append64(b, unix.NFTA_COUNTER_PACKETS, e.Packets)
	return shut(shut(b, data), at)
}

// all reads the elements of a set, by address, and tells from when on; they hold until the next set is read. A hash set that
// has just grown is still being moved to a larger table, and a dump of it then lacks some elements and has others twice,
// without any sign of it; so it is read until it has as many as the kernel says or, where an older one doesn't say, or
// some have just expired, until two readings agree.
func (c *conn) all(k setKind, table string) (out []Element, at time.Time, err error) {
	if k.interval() {
		at = time.Now()
		out, sorted, err := c.intervals(&k, table)
		if err != nil || sorted {
			return out, at, err
		}
	}
	var last []Element
	for i := range settling {
		n, err := c.count(&k, table)
		if err != nil {
			return nil, at, err
		}
		at = time.Now()
		raw, err := c.read(k.setName(table))
		if err != nil {
			return nil, at, err
		}
		out := k.read(raw, c.elements[:0])
		c.elements = out
		if k.interval() || len(out) == n || i > 0 && sameRanges(out, last) {
			return out, at, nil
		}
		if last, c.elements = out, last; i > 0 {
			time.Sleep(settleEvery)
		}
	}
	return nil, at, unix.EINTR
}

// intervals reads a set of intervals as the kernel lists it, from the highest down and an end before its start; false where it
// came in any other order.
func (c *conn) intervals(k *setKind, table string) (out []Element, sorted bool, err error) {
	out, sorted = c.elements[:0], true
	last := netblock.OfPrefix(netip.PrefixFrom(k.lowest(), 0)).Last() // what a range reaches to if nothing is above it
	var above row
	err = c.ask(unix.NFT_MSG_GETSETELEM, netlink.Dump, k.setName(table), func(data []byte) error {
		return eachRow(data, func(r row) {
			if !r.key.IsValid() || r.key.Is4() != k.is4 || above.key.IsValid() && compareRows(r, above) >= 0 {
				sorted = false
			}
			if !sorted {
				return
			}
			if above.key.IsValid() {
				last = above.key.Prev()
			}
			if above = r; r.end {
				return
			}
			covers, err := netblock.Between(r.key, last)
			if err != nil {
				covers = netblock.Single(r.key)
			}
			out = append(out, Element{Range: covers, Timeout: r.timeout, Expires: r.expires, Packets: r.packets, Bytes: r.bytes})
		})
	})
	slices.Reverse(out)
	c.elements = out
	return out, sorted, err
}

// How often, and how far apart, a hash set that doesn't keep still is read.
const (
	settling    = 100
	settleEvery = 20 * time.Millisecond
)

// count returns how many elements are in a set, those included that have expired and are still to be cleared away; -1 where
// the kernel doesn't say.
func (c *conn) count(k *setKind, table string) (n int, err error) {
	if c.old {
		return -1, nil
	}
	const setCount = 20 // NFTA_SET_COUNT of nf_tables.h since 2025
	n = -1
	question := attribute([]byte{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0}, unix.NFTA_SET_TABLE, append([]byte(table), 0))
	question = attribute(question, unix.NFTA_SET_NAME, append([]byte(k.name), 0))
	err = c.ask(unix.NFT_MSG_GETSET, 0, question, func(data []byte) error {
		return attributes(data, func(kind uint16, value []byte) error {
			if kind == setCount {
				n = int(number(value))
			}
			return nil
		})
	})
	return n, err
}

func sameRanges(a, b []Element) bool {
	return slices.EqualFunc(a, b, func(x, y Element) bool { return x.Range == y.Range })
}

// read reads all that a set holds, as the kernel sends it; it holds until the next set is read.
func (c *conn) read(set []byte) ([]row, error) {
	out := c.rows[:0]
	err := c.ask(unix.NFT_MSG_GETSETELEM, netlink.Dump, set, func(data []byte) error {
		return eachRow(data, func(r row) { out = append(out, r) })
	})
	c.rows = out
	return out, err
}

// eachRow calls each for the rows of a message about elements.
func eachRow(data []byte, each func(row)) error {
	return attributes(data, func(kind uint16, list []byte) error {
		if kind != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
			return nil
		}
		return attributes(list, func(_ uint16, one []byte) error {
			r, err := parseRow(one)
			each(r)
			return err
		})
	})
}

// attributes calls each for every netlink attribute in b.
func attributes(b []byte, each func(kind uint16, data []byte) error) error {
	const header = 4
	for len(b) >= header {
		n := int(binary.NativeEndian.Uint16(b))
		if n < header || n > len(b) {
			return io.ErrUnexpectedEOF
		}
		kind := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
		if err := each(kind, b[header:n]); err != nil {
			return err
		}
		b = b[min(len(b), (n+3)&^3):]
	}
	return nil
}

func parseRow(b []byte) (r row, err error) {
	err = attributes(b, func(kind uint16, data []byte) error {
		switch kind {
		case unix.NFTA_SET_ELEM_KEY:
			return attributes(data, func(_ uint16, value []byte) error {
				r.key, _ = netip.AddrFromSlice(value)
				return nil
			})
		case unix.NFTA_SET_ELEM_FLAGS:
			r.end = number(data)&unix.NFT_SET_ELEM_INTERVAL_END != 0
		case unix.NFTA_SET_ELEM_TIMEOUT:
			r.timeout = time.Duration(number(data)) * time.Millisecond
		case unix.NFTA_SET_ELEM_EXPIRATION:
			r.expires = time.Duration(number(data)) * time.Millisecond
		case unix.NFTA_SET_ELEM_EXPR:
			return r.count(data)
		case unix.NFTA_SET_ELEM_DATA:
			return r.verdict(data)
		}
		return nil
	})
	return r, err
}

func (r *row) verdict(b []byte) error {
	return attributes(b, func(kind uint16, data []byte) error {
		if kind != unix.NFTA_DATA_VERDICT {
			return nil
		}
		return attributes(data, func(kind uint16, data []byte) error {
			if kind == unix.NFTA_VERDICT_CHAIN {
				r.to = unix.ByteSliceToString(data)
			}
			return nil
		})
	})
}

func (r *row) count(b []byte) error {
	return attributes(b, func(kind uint16, data []byte) error {
		if kind != unix.NFTA_EXPR_DATA {
			return nil
		}
		return attributes(data, func(kind uint16, data []byte) error {
			switch kind {
			case unix.NFTA_COUNTER_BYTES:
				r.bytes = number(data)
			case unix.NFTA_COUNTER_PACKETS:
				r.packets = number(data)
			}
			return nil
		})
	})
}

// number reads a number of four or eight bytes in network order.
func number(b []byte) uint64 {
	switch len(b) {
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	case 8:
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// read turns what the kernel holds in a set into elements by address. It comes in any order; the end of a range whose start
// has expired may still be there.
func (k setKind) read(raw []row, out []Element) []Element {
	raw = slices.DeleteFunc(raw, func(r row) bool { return !r.key.IsValid() || r.key.Is4() != k.is4 })
	if slices.Reverse(raw); !slices.IsSortedFunc(raw, compareRows) { // intervals come from the highest down
		slices.SortFunc(raw, compareRows)
	}
	out = slices.Grow(out, len(raw)/2)
	for i, r := range raw {
		if r.end {
			continue
		}
		if !k.interval() && i > 0 && raw[i-1].key == r.key {
			continue // read twice, see all
		}
		covers := k.of(r.key)
		if k.interval() {
			covers = k.upTo(r.key, raw[i+1:])
		}
		out = append(out, Element{Range: covers, Timeout: r.timeout, Expires: r.expires, Packets: r.packets, Bytes: r.bytes})
	}
	return out
}

// compareRows orders by address, and an end before the start of what follows it.
func compareRows(a, b row) int {
	return cmp.Or(a.key.Compare(b.key), cmp.Compare(order(a), order(b)))
}

// order puts an end before the start of the next range at the same key.
func order(r row) int {
	if r.end {
		return 0
	}
	return 1
}

// upTo returns the range from first to before the next end or start, or to the last address of the family.
func (k setKind) upTo(first netip.Addr, rest []row) netblock.Range {
	last := netblock.OfPrefix(netip.PrefixFrom(first, 0)).Last()
	if len(rest) > 0 {
		last = rest[0].key.Prev()
	}
	r, err := netblock.Between(first, last)
	if err != nil {
		return netblock.Single(first)
	}
	return r
}
