package firewall

import (
	"slices"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"lastresort/netblock"
)

// A plan that doesn't fit into one datagram goes into several transactions. Each is atomic; the whole isn't, so their order
// is such that no packet of a blocked range passes in between: what is added first, what is only removed last, and what lies
// over each other, or changes its end, in one. A new table in place of a live one is filled beside it first.

// part is one transaction of a plan: lists of what goes out and then of what comes in, each sorted.
type part struct {
	beside                bool // it is about the table beside ours, see besideName
	build                 bool
	clear                 bool    // the table beside ours goes
	fill                  filling // what is built is filled with, where all of it goes into this one
	remove, add           [][]Step
	allowRemove, allowAdd []Step
}

// besideName is the table that drops while ours is made anew in several transactions.
func (c Config) besideName() string { return c.Table + "_unfinished" }

// parts divides a plan into transactions of at most limit bytes, or one where limit is zero. It returns none where some of
// the plan, which must not be divided, is longer.
func (c Config) parts(p *Plan, limit int) []part {
	first := part{build: p.Build, clear: p.leftover, remove: [][]Step{p.Remove, p.Change}, add: [][]Step{p.add, p.Change},
		allowRemove: steps(p.AllowRemove), allowAdd: steps(p.AllowAdd)}
	base := 0
	if p.Build {
		first.remove, first.allowRemove = nil, nil
		first.add, first.fill, first.allowAdd = nil, p.fill, steps(p.allow)
		base = c.tableSize(p)
	}
	w := divider{limit: limit, header: 128 + len(c.besideName()), sets: p.layout.kinds()}
	w.size = base + first.size(len(w.sets), w.header)
	if limit == 0 || w.size <= limit {
		return []part{first}
	}
	if p.Build {
		first.add = [][]Step{slices.Collect(inOrder(first.fill))}
	}
	w.begin(part{build: first.build}, base)
	w.divide(first.allowRemove, first.allowAdd, func(at *part, remove, add []Step) {
		at.allowRemove, at.allowAdd = append(at.allowRemove, remove...), append(at.allowAdd, add...)
	})
	w.divide(byAddress(first.remove), byAddress(first.add), func(at *part, remove, add []Step) {
		at.remove[0], at.add[0] = append(at.remove[0], remove...), append(at.add[0], add...)
	})
	if w.tooLong {
		return nil
	}
	out := w.out
	if p.live {
		beside := slices.Clone(out)
		for i := range beside {
			beside[i].beside = true
		}
		out = append(beside, out...)
	}
	out[len(out)-1].clear = p.live || p.leftover
	return out
}

func byAddress(lists [][]Step) []Step {
	out := slices.Concat(lists...)
	slices.SortFunc(out, func(a, b Step) int { return a.Range.Compare(b.Range) })
	return out
}

// divider fills transactions one after the other.
type divider struct {
	limit, header int
	sets          []setKind
	out           []part
	size          int
	tooLong       bool
}

func (w *divider) begin(p part, size int) {
	p.remove, p.add = make([][]Step, 1), make([][]Step, 1)
	w.out, w.size = append(w.out, p), size+2*w.header
}

// size returns how many bytes a step takes in a message, at most.
func size(s *Step) int {
	n := sizeIn(s.Range)
	if s.Old != nil && s.Old.Packets > 0 {
		n += sizeOfCounter
	}
	return n
}

// sizeOfCounter is how many more it is with a counter that goes on.
const sizeOfCounter = 48

func sizeIn(r netblock.Range) int {
	const v4, more6 = 52, 24
	if r.Is4() {
		return v4
	}
	return v4 + more6
}

// divide puts steps into transactions: each with all that it lies over, and those that only remove behind all others.
func (w *divider) divide(remove, add []Step, put func(at *part, remove, add []Step)) {
	var late []Step
	for len(remove)+len(add) > 0 {
		i, j := together(remove, add)
		if j > 0 {
			w.cluster(remove[:i], add[:j], put)
		} else {
			late = append(late, remove[:i]...)
		}
		remove, add = remove[i:], add[j:]
	}
	for i := range late {
		w.cluster(late[i:i+1], nil, put)
	}
}

// together returns how many steps at the beginning of two sorted lists lie over each other.
func together(remove, add []Step) (i, j int) {
	var reach Step
	switch {
	case len(add) == 0, len(remove) > 0 && remove[0].Range.Compare(add[0].Range) <= 0:
		i, reach = 1, remove[0]
	default:
		j, reach = 1, add[0]
	}
	for {
		switch {
		case i < len(remove) && remove[i].Range.Overlaps(reach.Range):
			if reach.Range.Last().Less(remove[i].Range.Last()) {
				reach = remove[i]
			}
			i++
		case j < len(add) && add[j].Range.Overlaps(reach.Range):
			if reach.Range.Last().Less(add[j].Range.Last()) {
				reach = add[j]
			}
			j++
		default:
			return i, j
		}
	}
}

// cluster puts steps that must not be divided into the last transaction, or a new one.
func (w *divider) cluster(remove, add []Step, put func(at *part, remove, add []Step)) {
	n := 0
	for _, list := range [][]Step{remove, add} {
		for i := range list {
			n += size(&list[i])
		}
	}
	room := w.limit - (2*len(w.sets)+w.limit/perMessage)*w.header // of messages that aren't full, and those that are
	if w.size+n > room && !w.fresh() {
		w.begin(part{}, 0)
	}
	w.size += n
	w.tooLong = w.tooLong || w.size > room
	put(&w.out[len(w.out)-1], remove, add)
}

// fresh tells whether the last transaction holds nothing yet.
func (w *divider) fresh() bool {
	p := &w.out[len(w.out)-1]
	return !p.build && len(p.remove[0])+len(p.add[0])+len(p.allowRemove)+len(p.allowAdd) == 0
}

// batch writes a transaction.
func (k Kernel) batch(p *Plan, x part, generation uint32) (*batch, error) {
	beside := k
	beside.cfg.Table = k.cfg.besideName()
	replace := p.Replace
	if x.beside {
		k, replace = beside, p.leftover
	}
	var built, gone []netlink.Message
	var err error
	if x.build {
		if built, err = queued(func(c *nftables.Conn) error { return k.build(c, p.layout, replace) }); err != nil {
			return nil, err
		}
	}
	if x.clear {
		if gone, err = queued(func(c *nftables.Conn) error { c.DelTable(beside.table()); return nil }); err != nil {
			return nil, err
		}
	}
	sets := p.layout.kinds()
	b := newBatch(k.cfg.Table, generation, x.size(len(sets), 128+len(k.cfg.Table))+sizeOf(built)+sizeOf(gone))
	b.add(built)
	deletion := unix.NFT_MSG_DELSETELEM
	if k.destroys() {
		deletion = destroyElement
	}
	allow, block := sets[:2], sets[2:]
	b.elements(allow, deletion, stepList(x.allowRemove))
	for _, list := range x.remove {
		b.elements(block, deletion, stepList(list))
	}
	b.elements(allow, unix.NFT_MSG_NEWSETELEM, stepList(x.allowAdd))
	for _, list := range x.add {
		b.elements(block, unix.NFT_MSG_NEWSETELEM, stepList(list))
	}
	b.elements(block, unix.NFT_MSG_NEWSETELEM, x.fill)
	b.add(gone)
	return b, nil
}

// tableSize returns how many bytes it takes to build the table.
func (c Config) tableSize(p *Plan) (size int) {
	built, err := queued(func(x *nftables.Conn) error { return Open(c).build(x, p.layout, p.Replace) })
	if err != nil {
		return 0 // sending says so
	}
	return sizeOf(built)
}

func sizeOf(messages []netlink.Message) (size int) {
	for _, m := range messages {
		size += unix.SizeofNlMsghdr + (len(m.Data)+3)&^3
	}
	return size
}

// size returns how many bytes a transaction about so many sets takes at most, but for building the table; header is how many
// a message takes before its elements.
func (x *part) size(sets, header int) int {
	n := sizeOfCounter * len(x.fill.held)
	for i := range x.fill.len() {
		n += sizeIn(x.fill.rangeAt(i))
	}
	for _, list := range slices.Concat(x.remove, x.add, [][]Step{x.allowRemove, x.allowAdd}) {
		for i := range list {
			n += size(&list[i])
		}
	}
	return n + n/perMessage*header + 2*sets*header
}
