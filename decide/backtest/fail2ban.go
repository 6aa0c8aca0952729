package backtest

import (
	"container/heap"
	"math"
	"net/netip"
	"time"
)

// What fail2ban 1.1 does by default (jail.conf, fail2ban.conf): five failures within ten minutes ban an address for ten. With
// bantime.increment the k-th further ban is 2^k times as long, a failure of an address that was banned k times counts
// 2^k/2 + 1 (observer.py), and a ban is forgotten a day after three times its length (database.py).
const (
	maxRetry = 5
	findTime = 10 * time.Minute
	banTime  = 10 * time.Minute
	mostBans = 20 // doublings
	purgeAge = 24 * time.Hour
	outdated = 3
)

// banner plays fail2ban event by event. It needs no night; what it bans it can't see.
type banner struct {
	increment bool
	of        map[netip.Addr]*failures
	running   moments // when the bans at hand end
	most      int     // bans at hand at most, since begin
	began     int     // bans that began since then
	end       time.Time
	banned    time.Duration // the bans' time between the first begin and the last one's end, of all addresses together
}

// failures is what it knows of an address.
type failures struct {
	first, last time.Time // of those that count
	count       int
	bans        int
	ban         time.Time // when the last ban began
	until       time.Time
}

func newBanner(increment bool) *banner {
	return &banner{increment: increment, of: map[netip.Addr]*failures{}}
}

// begin counts bans from a moment on, until another.
func (b *banner) begin(at, end time.Time) {
	b.over(at)
	for _, t := range b.running {
		b.banned += earlier(t, end).Sub(at)
	}
	b.most, b.began, b.end = len(b.running), 0, end
}

// over forgets the bans that are over at a moment.
func (b *banner) over(at time.Time) {
	for len(b.running) > 0 && !b.running[0].After(at) {
		heap.Pop(&b.running)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// drops tells whether an event comes from an address that is banned; else it counts against it. Events come in the order
// in which they began.
func (b *banner) drops(e *Event) bool {
	s := b.of[e.Source]
	if s != nil && e.First.Before(s.until) {
		return true
	}
	if !e.twoWay() {
		return false
	}
	if s == nil {
		s = &failures{}
		b.of[e.Source] = s
	}
	at := e.First
	if gone := at.Add(-purgeAge); s.bans > 0 && s.ban.Before(gone) && s.ban.Add(outdated*s.until.Sub(s.ban)).Before(gone) {
		s.bans = 0
	}
	weight := 1
	if b.increment {
		weight = int(min(1<<min(s.bans, mostBans)/2+1, maxRetry))
	}
	for range min(e.Count, maxRetry) {
		if s.fail(at, weight); s.count >= maxRetry {
			b.ban(s, at)
			break
		}
	}
	return false
}

// fail counts a failure. Of those over more than findtime it knows only the rate (ticket.py).
func (s *failures) fail(at time.Time, weight int) {
	switch {
	case s.count == 0 || at.Sub(s.last) >= findTime:
		s.first, s.count = at, 0
	case at.Sub(s.first) > findTime:
		s.count = int(math.RoundToEven(float64(s.count) * float64(findTime) / float64(at.Sub(s.first))))
		s.first = at.Add(-findTime)
	}
	s.last, s.count = at, s.count+weight
}

func (b *banner) ban(s *failures, at time.Time) {
	length := banTime
	if b.increment {
		length <<= min(s.bans, mostBans)
	}
	s.ban, s.until, s.count = at, at.Add(length), 0
	s.bans++
	b.over(at)
	heap.Push(&b.running, s.until)
	if at.Before(b.end) {
		b.began++
		b.most = max(b.most, len(b.running))
		b.banned += earlier(s.until, b.end).Sub(at)
	}
}

// moments is a heap, the earliest on top.
type moments []time.Time

// Len implements heap.Interface, as the others do.
func (m moments) Len() int           { return len(m) }
func (m moments) Less(i, j int) bool { return m[i].Before(m[j]) }
func (m moments) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *moments) Push(x any)        { *m = append(*m, x.(time.Time)) }
func (m *moments) Pop() any {
	last := len(*m) - 1
	x := (*m)[last]
	*m = (*m)[:last]
	return x
}
