package decide_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lastresort/decide"
)

// TestPackedIsWhatIsInForce gathers blocks one by one and holds what is left of them against the plain list, reasons included.
func TestPackedIsWhatIsInForce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		w := world{t: r}
		for range w.number("more blocks", 12) {
			w.block()
		}
		h.Blocks, h.Releases = append(h.Blocks, w.h.Blocks...), append(h.Releases, w.h.Releases...)
		if n := len(h.Blocks); n > 1 && rapid.Bool().Draw(r, "a night's") {
			h.Blocks[n-1].From, h.Blocks[n-1].Until = h.Blocks[n-2].From, h.Blocks[n-2].Until
		}
		g := decide.Gathering{Now: clock(now)}
		record := int64(0)
		reasons := map[int64]string{}
		for i := range h.Blocks {
			h.Blocks[i].Reason = fmt.Sprint("exhausted: ", i)
			record += int64(1 + w.number("others between", 2))
			reasons[record] = h.Blocks[i].Reason
			g.Add(&h.Blocks[i], record, i, len(h.Blocks))
		}
		got := g.InForce(h, p)
		want := decide.InForce(h, p, clock(now))
		var lines [2][]string
		for _, s := range want {
			lines[0] = append(lines[0], fmt.Sprint(s.Range, s.From, s.Until, s.Reason))
		}
		for i := range got.Len() {
			s := got.At(i)
			lines[1] = append(lines[1], fmt.Sprint(s.Range, s.From, s.Until, reasons[s.Record]))
			if of, ok := got.Of(s.Range); !ok || of != s || got.Range(i) != s.Range {
				r.Errorf("by its range %v is %v, and %s", s, of, got.Range(i))
			}
		}
		if d := cmp.Diff(lines[0], lines[1]); d != "" {
			r.Error(d)
		}
		if s, ok := got.Of(rng("192.0.2.0/24")); ok {
			r.Errorf("%v stands, which nobody blocked", s)
		}
	})
}
