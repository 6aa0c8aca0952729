package firewall

import (
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
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
