package evidence

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"slices"
)

// retold is what several programs tell of the same attempts: of each source as many count as the one tells that tells most.
type retold map[netip.Addr]retelling

// retelling is what was told of a source, without a pause.
type retelling struct {
	Source  netip.Addr       `json:"source"`
	Last    int64            `json:"last"` // Unix time of the last line
	Counted int64            `json:"counted"`
	Told    [retellers]int64 `json:"told"`
}

// Who tells.
const (
	toldByPAM = iota
	toldByAuth
	toldAtEnd // of a connection, how many there were, or by who asked for the login, as postfix does
	retellers
)

const (
	// longestPause is after how many seconds without a line what was told before is over. dovecot waits three minutes for a login.
	longestPause = 600
	mostRetold   = 1 << 12 // sources that are remembered
	savedRetold  = 64      // and those that are until the next reading
)

// news returns how many of the attempts that somebody tells of a source are new.
func (r retold) news(source netip.Addr, by int, attempts, at int64) int64 {
	t := r[source]
	if at-t.Last > longestPause {
		if len(r) >= mostRetold {
			r.forget(at)
		}
		t = retelling{Source: source}
	}
	t.Last = max(t.Last, at)
	t.Told[by] += attempts
	n := max(0, t.Told[by]-t.Counted)
	t.Counted += n
	r[source] = t
	return n
}

// forget makes room: of what is over, or of all where that isn't enough.
func (r retold) forget(now int64) {
	for source, t := range r {
		if now-t.Last > longestPause {
			delete(r, source)
		}
	}
	if len(r) > mostRetold/2 {
		clear(r)
	}
}

// save implements rememberer: the newest.
func (r retold) save() json.RawMessage {
	var list []retelling
	newest := int64(0)
	for _, t := range r {
		list = append(list, t)
		newest = max(newest, t.Last)
	}
	list = slices.DeleteFunc(list, func(t retelling) bool { return newest-t.Last > longestPause })
	slices.SortFunc(list, func(a, b retelling) int { return cmp.Or(cmp.Compare(b.Last, a.Last), a.Source.Compare(b.Source)) })
	if len(list) == 0 {
		return nil
	}
	text, err := json.Marshal(list[:min(len(list), savedRetold)])
	if err != nil {
		return nil
	}
	return text
}

// resume implements rememberer.
func (r retold) resume(text json.RawMessage) {
	var list []retelling
	if json.Unmarshal(text, &list) != nil {
		return
	}
	for _, t := range list[:min(len(list), savedRetold)] {
		r[t.Source] = t
	}
}
