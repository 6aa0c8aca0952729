package decide_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/netblock"
)

// situation is a drawn history and policy.
func situation(t *rapid.T, tb testing.TB) (*history.History, *decide.Policy) {
	return drawWorld(t), policy(tb, rapid.SampledFrom(worldPolicies).Draw(t, "policy"))
}

func text(t *rapid.T, h *history.History, p *decide.Policy, at time.Time) string {
	out, err := json.MarshalIndent(decide.Judge(h, p, at), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestSameRecordsSameReview(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		before := copied(h)
		want := text(r, h, p, clock(now))
		if diff := cmp.Diff(before, h, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
			cmp.Comparer(func(a, b netblock.Range) bool { return a == b })); diff != "" {
			r.Fatalf("judging changed the history: %s", diff)
		}
		if diff := cmp.Diff(want, text(r, h, p, clock(now))); diff != "" {
			r.Fatalf("judged again: %s", diff)
		}
		if diff := cmp.Diff(want, text(r, shuffled(r, h), p, clock(now))); diff != "" {
			r.Fatalf("in another order: %s", diff)
		}
		if diff := cmp.Diff(want, text(r, doubled(h), p, clock(now))); diff != "" {
			r.Fatalf("recorded twice: %s", diff)
		}
	})
}

// TestReplay holds that what is recorded later changes nothing of what was known at a moment.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		then := clock(now).Add(-time.Duration(rapid.IntRange(0, 24*30).Draw(r, "ago")) * time.Hour)
		known := copied(h)
		known.Netblocks, known.Contacts, known.Reports, known.Responses = upTo(h.Netblocks, then), upTo(h.Contacts, then), upTo(h.Reports, then), upTo(h.Responses, then)
		known.Sightings, known.Traffic, known.Answers, known.Holds = upTo(h.Sightings, then), upTo(h.Traffic, then), upTo(h.Answers, then), upTo(h.Holds, then)
		known.Blocks, known.Releases, known.Protects = upTo(h.Blocks, then), upTo(h.Releases, then), upTo(h.Protects, then)
		if diff := cmp.Diff(text(r, known, p, then), text(r, h, p, then)); diff != "" {
			r.Fatal(diff)
		}
	})
}

func upTo[R history.Record](list []R, at time.Time) []R {
	return slices.DeleteFunc(slices.Clone(list), func(r R) bool { return r.Known().After(at) })
}

// TestShiftedByADay holds that nothing depends on the date but by its distance.
func TestShiftedByADay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		a, b := decide.Judge(h, p, clock(now)), decide.Judge(moved(h, decide.Day), p, clock(now).Add(decide.Day))
		if len(a.Cases) != len(b.Cases) {
			r.Fatalf("%d cases, a day later %d", len(a.Cases), len(b.Cases))
		}
		for i := range a.Cases {
			if x, y := outline(&a.Cases[i], decide.Day), outline(&b.Cases[i], 0); x != y {
				r.Fatalf("%s\na day later\n%s", x, y)
			}
		}
	})
}

// outline prints what is decided of a case, its dates moved.
func outline(c *decide.Case, by time.Duration) string {
	var out strings.Builder
	fmt.Fprintln(&out, c.Netblock, c.Verdict, c.Rule, c.Permanent, c.Approval, c.Offenders, c.Danger, c.Loss)
	for _, b := range c.Blocks {
		until := "for good"
		if b.Until != nil {
			until = b.Until.Add(by).String()
		}
		fmt.Fprintln(&out, b.Range, b.From.Add(by), until)
	}
	for _, a := range c.Actions {
		due, err := time.Parse(time.DateOnly, a.Due)
		fmt.Fprintln(&out, a.Action, a.To, due.Add(by), a.About, err)
	}
	for _, q := range c.Checklist {
		fmt.Fprintln(&out, q.Question, q.Status)
	}
	return out.String()
}

// TestReviewIsWhole holds what every review has, whatever the history.
func TestReviewIsWhole(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		review := decide.Judge(h, p, clock(now))
		for i := range review.Cases {
			c := &review.Cases[i]
			if (c.Verdict == decide.BlockVerdict) != (len(c.Ranges) > 0) || c.Evidence == "" || len(c.Checklist) != 8 {
				r.Fatalf("%s is %s %s of %v with evidence %q", c.Netblock, c.Verdict, c.Rule, c.Ranges, c.Evidence)
			}
			if c.Rule == decide.RulePathOpen && len(c.Actions) == 0 {
				r.Fatalf("%s is open and nothing is due", c.Netblock)
			}
			for _, q := range c.Checklist {
				if q.Evidence == "" || (q.Status == decide.Open) != (q.Settles != "") {
					r.Fatalf("%s: %+v; expected evidence, and what would settle an open one", c.Netblock, q)
				}
			}
			due := c.Actions
			if len(due) > 0 && due[0].Action == decide.CheckBreakIn {
				due = due[1:]
			}
			byDate := func(a, b decide.Action) int { return strings.Compare(a.Due, b.Due) }
			if !slices.IsSortedFunc(c.Ranges, netblock.Range.Compare) || !slices.IsSortedFunc(due, byDate) {
				r.Fatalf("%s: %v, %v; expected them sorted", c.Netblock, c.Ranges, c.Actions)
			}
			inBounds(r, h, c)
		}
	})
}

// inBounds holds that the ranges of a case cover nothing protected or held, and that new ones stay in its netblock, out of
// those registered inside it, and hold an offender each.
func inBounds(t *rapid.T, h *history.History, c *decide.Case) {
	for _, x := range c.Ranges {
		for _, w := range h.Protects {
			if w.Range.Overlaps(x) {
				t.Fatalf("%s covers protected %s", x, w.Range)
			}
		}
		for _, w := range h.Holds {
			if w.Range.Overlaps(x) && w.Until.After(clock(now)) && !slices.ContainsFunc(h.Holds, func(o history.Hold) bool { return o.Range == w.Range && o.At.After(w.At) }) {
				t.Fatalf("%s covers held %s", x, w.Range)
			}
		}
	}
	for _, s := range c.Changed.Add {
		if !netblock.OfPrefix(c.Netblock).Covers(s.Range) {
			t.Fatalf("%s leaves %s", s.Range, c.Netblock)
		}
		for _, n := range h.Netblocks {
			if n.Prefix.Bits() > c.Netblock.Bits() && n.Prefix.Bits() <= netblock.UnitBits(n.Prefix.Addr()) && netblock.OfPrefix(n.Prefix).Overlaps(s.Range) {
				t.Fatalf("%s crosses %s", s.Range, n.Prefix)
			}
		}
		if !slices.ContainsFunc(c.Offenders, func(o string) bool { return s.Range.Overlaps(rng(o)) }) {
			t.Fatalf("%s holds none of %v", s.Range, c.Offenders)
		}
	}
}

// blocked is all that a review wants blocked.
func blocked(r *decide.Review) netblock.Set {
	var all []netblock.Range
	for _, c := range r.Cases {
		all = append(all, c.Ranges...)
	}
	return netblock.SetOf(all...)
}

// TestHonestTrafficNarrows holds that honest traffic never blocks anybody, and that nothing of what was known against
// somebody, or of who else would be lost, goes missing for it.
func TestHonestTrafficNarrows(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		before := decide.Judge(h, p, clock(now))
		more := copied(h)
		more.Traffic = append(more.Traffic, (&world{t: r, seconds: 1000}).traffic())
		after := decide.Judge(more, p, clock(now))
		if x := blocked(&after).Minus(blocked(&before)); !x.IsEmpty() {
			r.Fatalf("%v is blocked for %+v", x.Ranges(), more.Traffic[len(more.Traffic)-1])
		}
		for i := range after.Cases {
			a := &after.Cases[i]
			if b := caseOf(&before, a.Netblock); b != nil && slices.Equal(a.Offenders, b.Offenders) && slices.Equal(a.Ranges, b.Ranges) && a.Rule == b.Rule {
				keepsEvidence(r, b, a)
			}
		}
	})
}

// keepsEvidence holds that a case, of which more honest traffic became known and which is decided as before, has all the
// evidence that it had.
func keepsEvidence(t *rapid.T, before, after *decide.Case) {
	if after.Danger != before.Danger {
		t.Fatalf("danger %v became %v", before.Danger, after.Danger)
	}
	for i, q := range before.Checklist {
		if q.Question != "loss" && q.Question != "range" && q.Question != "duration" && q != after.Checklist[i] {
			t.Fatalf("%+v became %+v", q, after.Checklist[i])
		}
	}
	if after.Verdict != decide.BlockVerdict {
		return
	}
	for _, s := range before.Loss.Sources {
		if !slices.Contains(after.Loss.Sources, s) {
			t.Fatalf("%s is lost too, of which %v says nothing", s, after.Loss.Sources)
		}
	}
}

func caseOf(review *decide.Review, netblock netip.Prefix) *decide.Case {
	for i := range review.Cases {
		if review.Cases[i].Netblock == netblock {
			return &review.Cases[i]
		}
	}
	return nil
}

// TestWallsNarrow holds that what is protected or held blocks nobody in its stead. Where a wall takes in a block that stands,
// or some of it, the case is judged as if that had been let go: an offender in there is outside the block then, and may count
// with others for a spread. So it is held to what it would have blocked with that released, or
// never blocked, too.
func TestWallsNarrow(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		before := decide.Judge(h, p, clock(now))
		w := world{t: r, seconds: 1000}
		more := copied(h)
		wall := w.rng()
		if rapid.Bool().Draw(r, "held") {
			more.Holds = append(more.Holds, history.Hold{Range: wall, At: clock(now), Until: clock("12-01 00:00")})
		} else {
			more.Protects = append(more.Protects, history.Protect{Range: wall, At: clock(now)})
		}
		after := decide.Judge(more, p, clock(now))
		allowed := blocked(&before)
		freed := copied(h)
		for _, s := range decide.InForce(h, p, clock(now)) {
			if wall.Overlaps(s.Range) {
				freed.Releases = append(freed.Releases, history.Release{Range: wall, At: clock(now), By: "ops"})
			}
		}
		if len(freed.Releases) > len(h.Releases) {
			never := copied(h)
			never.Blocks = slices.DeleteFunc(never.Blocks, func(b history.Block) bool { return wall.Overlaps(b.Range) })
			for _, without := range []*history.History{freed, never} {
				review := decide.Judge(without, p, clock(now))
				allowed = allowed.Union(blocked(&review))
			}
		}
		if x := blocked(&after).Minus(allowed); !x.IsEmpty() {
			r.Fatalf("%v is blocked for %v %v", x.Ranges(), more.Holds, more.Protects)
		}
	})
}

// TestOthersDecideNothing holds that what others report or what may be forged changes no verdict.
func TestOthersDecideNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		before := decide.Judge(h, p, clock(now))
		more := copied(h)
		w := world{t: r, seconds: 1000}
		for range 1 + w.number("more", 5) {
			s := w.sighting()
			if s.Reporter != "partner" {
				s.Proof = history.OneWay
			}
			more.Sightings = append(more.Sightings, s)
		}
		after := decide.Judge(more, p, clock(now))
		seen := map[netip.Prefix]string{}
		for i := range after.Cases {
			c := &after.Cases[i]
			seen[c.Netblock] = outline(c, 0)
			if len(c.Offenders) > 0 && !slices.ContainsFunc(before.Cases, func(b decide.Case) bool { return b.Netblock == c.Netblock }) {
				r.Fatalf("%s has offenders %v", c.Netblock, c.Offenders)
			}
		}
		for i := range before.Cases {
			c := &before.Cases[i]
			if got := seen[c.Netblock]; got != outline(c, 0) {
				r.Fatalf("%s\nwith others'\n%s", outline(c, 0), got)
			}
		}
	})
}

// TestMoreEventsNeverFree holds that an offender can't get out of a block by attacking more on the same days.
func TestMoreEventsNeverFree(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, p := situation(r, t)
		before := decide.Judge(h, p, clock(now))
		who := (&world{t: r}).source()
		more := copied(h)
		factor := rapid.Int64Range(2, 100).Draw(r, "factor")
		each(more.Sightings, func(s *history.Sighting) {
			if netblock.Unit(s.Source) == netblock.Unit(who) {
				s.Count *= factor
			}
		})
		after := decide.Judge(more, p, clock(now))
		if blocked(&before).Covers(netblock.UnitRange(who)) && !blocked(&after).Covers(netblock.UnitRange(who)) {
			r.Fatalf("%s got out with %d times as many events", who, factor)
		}
	})
}
