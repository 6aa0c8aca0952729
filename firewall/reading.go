package firewall

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"lastresort/netblock"
)

// all reads the elements of a set, by address, and tells from when on; they hold until the next set is read. A hash set that
// has just grown is still being moved to a larger table, and a dump of it then lacks some elements and has others twice,
// without any sign of it; so it is read until it has as many as the kernel says or, where an older one doesn't say, or
// some have just expired, until two readings agree.
func (c *conn) all(k setKind, table string) (out []Element, at time.Time, err error) {
	if k.interval() {
		at = time.Now()
		out, err = c.intervals(&k, table)
		return out, at, err
	}
	var last []Element
	for i := range settling {
		n, err := c.count(&k, table)
		if err != nil {
			return nil, at, err
		}
		if i == 0 && c.fresh && n > large {
			time.Sleep(time.Duration(n) * moving) // or what takes ten times as long would have to be read twice
		}
		at = time.Now()
		if out, err = c.hashed(&k, table, n); err != nil {
			return nil, at, err
		}
		if len(out) == n || i > 0 && sameRanges(out, last) {
			return out, at, nil
		}
		if last, c.elements = out, last; i > 0 {
			time.Sleep(settleEvery)
		}
	}
	return nil, at, unix.EINTR
}

// hashed reads a hash set of about n elements, in no order, and what it may have twice once.
func (c *conn) hashed(k *setKind, table string, n int) ([]Element, error) {
	out := slices.Grow(c.elements[:0], max(0, n))
	err := c.ask(unix.NFT_MSG_GETSETELEM, netlink.Dump, k.setName(table), func(data []byte) error {
		return eachRow(data, func(r row) {
			if r.key.IsValid() && r.key.Is4() == k.is4 {
				out = append(out, r.element(k.of(r.key)))
			}
		})
	})
	slices.SortFunc(out, func(a, b Element) int { return a.Range.Compare(b.Range) })
	out = slices.CompactFunc(out, func(a, b Element) bool { return a.Range == b.Range })
	c.elements = out
	return out, err
}

// intervals reads a set of intervals.
func (c *conn) intervals(k *setKind, table string) ([]Element, error) {
	out, sorted, err := c.descending(k, table)
	if err != nil || sorted {
		return out, err
	}
	raw, err := c.read(k.setName(table))
	if err == nil {
		c.elements = k.read(raw, c.elements[:0])
	}
	return c.elements, err
}

// descending reads a set of intervals as the kernel lists it, from the highest down and an end before its start; false where
// it came in any other order.
func (c *conn) descending(k *setKind, table string) (out []Element, sorted bool, err error) {
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
			out = append(out, r.element(covers))
		})
	})
	slices.Reverse(out)
	c.elements = out
	return out, sorted, err
}

// A set is large whose reading takes longer than it takes to be moved, at so long for an element: 100,000 took 30 ms.
const (
	large  = 32768
	moving = 400 * time.Nanosecond
)

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
	const setCount = 20 // NFTA_SET_COUNT of nf_tables.h; older kernels don't send it
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

// element is what a row says of a range.
func (r row) element(covers netblock.Range) Element {
	return Element{Range: covers, Timeout: r.timeout, Expires: r.expires, Packets: r.packets, Bytes: r.bytes}
}

// read turns what the kernel holds in a set of intervals into elements by address. It comes in any order; the end of a range
// whose start has expired may still be there.
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
		out = append(out, r.element(k.upTo(r.key, raw[i+1:])))
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
