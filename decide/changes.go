package decide

import (
	"lastresort/decide/history"
	"lastresort/netblock"
)

// changes compares what stands with what is wanted.
func changes(have []Standing, want []Standing) CaseChanges {
	var out CaseChanges
	old := make(map[netblock.Range]Standing, len(have))
	for _, s := range have {
		old[s.Range] = s
	}
	for _, w := range want {
		switch s, ok := old[w.Range]; {
		case !ok:
			out.Add = append(out.Add, w)
		case s.Until.Equal(w.Until):
			out.Unchanged++
		default:
			out.Change = append(out.Change, w)
		}
		delete(old, w.Range)
	}
	for _, s := range have {
		if _, ok := old[s.Range]; ok {
			out.Remove = append(out.Remove, s.Range)
		}
	}
	return out
}

// unnoticed returns releases for blocks that ran out by themselves and have none on record.
func (n *night) unnoticed(all []piece) []history.Release {
	var out []history.Release
	for _, p := range all {
		if p.stands() || p.by != "" {
			continue
		}
		if at, ok := n.expiries[p.where]; !ok || at.Before(p.end) {
			out = append(out, history.Release{Range: p.where, At: p.end, By: history.ByExpiry, Reason: "ran out"})
		}
	}
	return out
}

func (r *Review) sum(n *night) {
	r.Totals.Cases, r.Totals.Sources, r.Totals.NoCase = len(r.Cases), n.seen, n.noCase
	r.Totals.OneWay, r.Totals.Others = n.context.oneWay, n.context.others
	for _, c := range r.Cases {
		r.Changes.Add += len(c.Changed.Add)
		r.Changes.Change += len(c.Changed.Change)
		r.Changes.Remove += len(c.Changed.Remove)
		r.Changes.Unchanged += c.Changed.Unchanged
		r.Totals.Verdicts[c.Verdict]++
		r.Totals.Offenders += len(c.Offenders)
	}
}

// rangesOf returns where blocks lie.
func rangesOf(list []Standing) []netblock.Range {
	var out []netblock.Range
	for _, s := range list {
		out = append(out, s.Range)
	}
	return out
}
