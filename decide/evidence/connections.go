package evidence

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"slices"
)

// connections remembers the newest connections of sshd: a table of fixed size, for whoever attacks opens as many as he likes.
type connections struct {
	rows *[connectionRows]connectionRow // nil until there is one
	last int64                          // Unix time of the newest line
}

// connectionRow keeps the processes apart, for these are what is looked through.
type connectionRow struct {
	processes [connectionWays]uint64 // 0: none
	of        [connectionWays]connection
}

// A connection may stand in any place of its row. Together these are some thousands of connections at a time; sshd itself
// admits ten that haven't logged in (MaxStartups).
const (
	connectionRows = 1024
	connectionWays = 8
)

// connection is what is known of one connection, by its process.
type connection struct {
	source  netip.Addr
	last    int64 // Unix time of its last line
	counted bool  // an attempt of it counted
	due     bool  // something failed; it counts when the connection ends, unless an attempt did
	ended   bool
	open    teller // who told the attempt that counted last, while another line may tell it again
	user    uint64 // a hash of the user of whom pam_unix told last; 0 for none
}

// teller is which line counted an attempt first.
type teller byte

// The tellers: none, sshd as it looked up the user or refused a key of an unknown one, sshd's PAM thread, and the pam_unix
// module under its old name.
const (
	nobody teller = iota
	byUser
	byPAM
	byUnix
)

// longestConnection is how long after its last line, in seconds, a process's next line belongs to a new connection. A login
// may take sshd's LoginGraceTime, two minutes by default.
const longestConnection = 600

// processOf names a line's process by its host and number; where a log has no numbers, the source stands for it. It is the
// same on every run (FNV-1a), so that the same log is always read the same way.
func processOf(e *entry, source netip.Addr) uint64 {
	h := hostHash(e).with(e.pid)
	if len(e.pid) == 0 {
		a := source.As16()
		h = h.with(a[:])
	}
	return max(uint64(h), 1)
}

// hostHash is of a line's host, and an end to it.
func hostHash(e *entry) fnv1a {
	if e.head != nil {
		return e.head.hash
	}
	return noHash.with(e.host).with([]byte{0})
}

// fnv1a is a hash of bytes that come one after the other (Fowler, Noll and Vo's FNV-1a, 64 bits).
type fnv1a uint64

// noHash is that of nothing yet.
const noHash fnv1a = 14695981039346656037

func (h fnv1a) with(text []byte) fnv1a {
	for _, c := range text {
		h = (h ^ fnv1a(c)) * 1099511628211
	}
	return h
}

// row returns where a process's connection may stand.
func (s *connections) row(process uint64) *connectionRow {
	if s.rows == nil {
		s.rows = new([connectionRows]connectionRow)
	}
	return &s.rows[process*0x9e3779b97f4a7c15>>54]
}

// find returns a process's connection, nil where it isn't known.
func (s *connections) find(process uint64) *connection {
	row := s.row(process)
	for i, p := range row.processes {
		if p == process {
			return &row.of[i]
		}
	}
	return nil
}

// add makes a new connection: over one that has ended, else over the one that was silent longest.
func (s *connections) add(process uint64) *connection {
	row := s.row(process)
	at, best := 0, &row.of[0]
	for i, p := range row.processes {
		c := &row.of[i]
		if p == 0 {
			at, best = i, c
			break
		}
		if c.ended != best.ended && c.ended || c.ended == best.ended && c.last < best.last {
			at, best = i, c
		}
	}
	row.processes[at] = process
	*best = connection{}
	return best
}

// of returns the connection of a line's process. A line about another source, or long after, is about a new one, and so is
// one that begins something where the connection had ended.
func (s *connections) of(e *entry, source netip.Addr, begins bool) *connection {
	process, at := processOf(e, source), e.at.Unix()
	c := s.find(process)
	switch {
	case c == nil:
		c = s.add(process)
	case c.source.IsValid() && source.IsValid() && c.source != source, max(at-c.last, c.last-at) > longestConnection, begins && c.ended:
		*c = connection{}
	}
	c.last, s.last = at, max(s.last, at)
	if source.IsValid() {
		c.source = source
	}
	return c
}

// openConnection is a connection as a Position remembers it.
type openConnection struct {
	Process uint64     `json:"process,string"`
	Source  netip.Addr `json:"source,omitzero"`
	Last    int64      `json:"last"`
	Counted bool       `json:"counted,omitempty"`
	Due     bool       `json:"due,omitempty"`
	Ended   bool       `json:"ended,omitempty"`
	Open    teller     `json:"open,omitempty"`
	User    uint64     `json:"user,string,omitempty"`
}

// Connections are remembered for the next time while lines of them may still come: LoginGraceTime, and not too many.
const (
	graceTime  = 120 // seconds
	mostOfThem = 256
)

// save returns the connections of which lines may still come, the newest last.
func (s *connections) save() json.RawMessage {
	if s.rows == nil {
		return nil
	}
	var out []openConnection
	for i := range s.rows {
		for j, c := range s.rows[i].of {
			process := s.rows[i].processes[j]
			if process != 0 && (c.counted || c.due) && c.last >= s.last-graceTime {
				out = append(out, openConnection{process, c.source, c.last, c.counted, c.due, c.ended, c.open, c.user})
			}
		}
	}
	if out == nil {
		return nil
	}
	slices.SortFunc(out, func(a, b openConnection) int {
		return cmp.Or(cmp.Compare(a.Last, b.Last), cmp.Compare(a.Process, b.Process))
	})
	text, err := json.Marshal(out[max(0, len(out)-mostOfThem):])
	if err != nil {
		return nil // numbers and addresses always go into JSON
	}
	return text
}

// resume takes up what was saved.
func (s *connections) resume(text json.RawMessage) {
	var in []openConnection
	if json.Unmarshal(text, &in) != nil {
		return
	}
	for _, c := range in {
		*s.add(c.Process) = connection{c.Source, c.Last, c.Counted, c.Due, c.Ended, c.Open, c.User}
		s.last = max(s.last, c.Last)
	}
}
