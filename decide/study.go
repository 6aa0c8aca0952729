package decide

import (
	"net/netip"
	"time"

	"lastresort/decide/history"
)

// Study judges every case as Judge does, and lays open the dossiers of those that pick chooses from the review. A dossier
// tells of its case what the review does, range.budget included. onward is asked before each, with how many are done: its
// error ends the study and is returned.
func Study(h *history.History, p *Policy, now time.Time, pick func(*Review) []netip.Prefix, onward func(done int) error) (Review, []Dossier, error) {
	n := newNight(h, p, plain(now))
	r := n.review()
	var out []Dossier
	for i, key := range pick(&r) {
		if err := onward(i); err != nil {
			return r, nil, err
		}
		if c, ok := n.cases[key]; ok && n.listed(c) {
			out = append(out, n.dossier(c))
		}
	}
	return r, out, nil
}
