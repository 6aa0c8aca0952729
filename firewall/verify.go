package firewall

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"sort"
	"time"

	"golang.org/x/sys/unix"

	"lastresort/netblock"
)

// After a change the kernel is asked what it holds. Nearly always that is what is wanted, and then none of it needs to be
// kept; where it isn't, or can't be read, nothing is said here, and whoever asks reads and compares all of it.

// few is how many times more elements a change leaves alone where asking for each that it touches is the quicker way.
const few = 30

// asPlanned tells whether the kernel holds what is wanted after a plan was applied to the ruleset numbered generation.
func (k Kernel) asPlanned(ctx context.Context, p *Plan, wants Wants, allow []netblock.Range, generation uint32, now func() time.Time) bool {
	allows := len(p.AllowAdd) + len(p.AllowRemove)
	touched := p.Added() + len(p.Change) + len(p.Remove)
	if !p.Build && allows == 0 && touched*few <= p.Unchanged {
		return k.touchedAsPlanned(ctx, p, behind(generation, len(p.split)))
	}
	return k.asWanted(ctx, p, wants, allow, now)
}

// asWanted reads all that the kernel holds and compares it, set by set, with what is wanted.
func (k Kernel) asWanted(ctx context.Context, p *Plan, wants Wants, allow []netblock.Range, now func() time.Time) bool {
	good, n := true, 0
	k.fresh = true
	s, err := k.read(ctx, func() take {
		good, n = true, 0
		return func(kind setKind, all []Element, at time.Time) {
			elapse(all, time.Since(at))
			good, n = good && k.cfg.same(&kind, all, wants, now()), n+len(all)
		}
	})
	return err == nil && good && n == wants.Len() && s.Exists && !s.leftover && len(s.Faults) == 0 && slices.Equal(s.Allow, allow) &&
		(!p.Build || k.cfg.fits(s.layout, wants))
}

// same tells whether a set holds what of wants belongs into it; both are sorted.
func (c Config) same(kind *setKind, held []Element, wants Wants, now time.Time) bool {
	from, to := kind.family(wants.Len(), wants.Range)
	if kind.part.IsValid() {
		first, last := kind.part.First(), kind.part.Last()
		from = sort.Search(to, func(i int) bool { return !wants.Range(i).First().Less(first) })
		to = sort.Search(to, func(i int) bool { return last.Less(wants.Range(i).First()) })
	}
	for i := from; i < to; i++ {
		if !kind.holds(wants.Range(i)) {
			continue
		}
		w := wants.At(i)
		if len(held) == 0 || held[0].Range != w.Range || !c.serves(&held[0], w, c.Timeout(w, now), now) {
			return false
		}
		held = held[1:]
	}
	return len(held) == 0
}

// touchedAsPlanned asks for what a plan touched, and no more: the rest was read before, and as long as the ruleset's number
// is the one that the plan's own transactions left nobody else has changed it since.
func (k Kernel) touchedAsPlanned(ctx context.Context, p *Plan, generation uint32) bool {
	c, closeIt, err := connect(ctx)
	if err != nil {
		return false
	}
	defer closeIt()
	q := questions{table: k.cfg.Table, since: p.at}
	sets := p.layout.kinds()[len(single):]
	for _, list := range []stepList{p.add, p.Change} {
		bySet(sets, list, func(kind *setKind, s *Step) { q.expect(c, kind, s) })
	}
	bySet(sets, stepList(p.Remove), func(kind *setKind, s *Step) {
		if !beginsAt(p.add, s.Range.First()) {
			q.expectNone(c, kind, s)
		}
	})
	q.ask(c)
	now, err := c.generation()
	return err == nil && now == generation && !q.wrong
}

// beginsAt tells whether one of steps, which are sorted, begins at an address.
func beginsAt(list []Step, a netip.Addr) bool {
	i := sort.Search(len(list), func(i int) bool { return !list[i].Range.First().Less(a) })
	return i < len(list) && list[i].Range.First() == a
}

// questions asks for rows by their keys, many in one datagram, and remembers whether an answer was another than expected.
type questions struct {
	table string
	since time.Time // from when on timeouts run
	list  []question
	wrong bool
}

// question is one row that is expected, or expected not to be there.
type question struct {
	set  *setKind
	row  row // of its timeout at least as much must be left as if it ran since then
	none bool
}

// perQuestion is how many fit into the socket's buffer: the kernel makes each answer a page or more.
const perQuestion = 32

func (q *questions) expect(c *conn, set *setKind, s *Step) {
	q.add(c, question{set: set, row: row{key: s.Range.First(), timeout: s.Timeout}})
	if after := s.Range.Last().Next(); set.interval() && after.IsValid() {
		q.add(c, question{set: set, row: row{key: after, end: true}})
	}
}

func (q *questions) expectNone(c *conn, set *setKind, s *Step) {
	q.add(c, question{set: set, row: row{key: s.Range.First()}, none: true})
}

func (q *questions) add(c *conn, x question) {
	if q.list = append(q.list, x); len(q.list) == perQuestion {
		q.ask(c)
	}
}

// ask sends the questions and judges the answers. Once one was wrong nothing more is asked.
func (q *questions) ask(c *conn) {
	defer func() { q.list = q.list[:0] }()
	if q.wrong || len(q.list) == 0 {
		return
	}
	b := batch{table: q.table}
	for _, x := range q.list {
		b.question(x.set, x.row)
	}
	b.finish()
	waiting := len(q.list)
	err := c.send(b.buf)
	if err == nil {
		err = c.receive(func(h unix.NlMsghdr, data []byte) (bool, error) {
			if int64(h.Seq) >= int64(len(q.list)) {
				return false, nil
			}
			x := q.list[h.Seq]
			got, found, err := answer(h, data)
			q.wrong = q.wrong || err != nil || !x.right(got, found, time.Since(q.since))
			waiting--
			return waiting == 0, nil
		})
	}
	q.wrong = q.wrong || err != nil
}

// answer reads the row that the kernel found, if it did.
func answer(h unix.NlMsghdr, data []byte) (r row, found bool, err error) {
	if h.Type == unix.NLMSG_ERROR {
		if err := errno(data); !errors.Is(err, unix.ENOENT) {
			return r, false, errors.Join(err, unix.EBADMSG)
		}
		return r, false, nil
	}
	if len(data) < genHeader {
		return r, false, io.ErrUnexpectedEOF
	}
	err = eachRow(data[genHeader:], func(one row) { r, found = one, true })
	return r, found, err
}

// right tells whether what was found is as expected: the kernel finds the range around a key, too.
func (x question) right(got row, found bool, since time.Duration) bool {
	there := found && got.key == x.row.key && got.end == x.row.end
	switch {
	case x.none || x.row.end:
		return there != x.none
	case x.row.timeout == 0:
		return there && got.timeout == 0
	}
	return there && (got.timeout-x.row.timeout).Abs() <= 2*tick && got.expires >= x.row.timeout-since-clocks
}
