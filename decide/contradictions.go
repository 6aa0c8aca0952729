package decide

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lastresort/decide/history"
	"lastresort/netblock"
)

// Note tells of a record that contradicts another, or makes no sense, and how it is judged: in the way that blocks less.
type Note struct {
	Kind   NoteKind        `json:"note"`
	Record json.RawMessage `json:"record"` // in its text form
	Why    string          `json:"why"`    // what is wrong with it, and what it counts for
}

// NoteKind is what is wrong with a record.
type NoteKind string

// The kinds of a note.
const (
	ResponseBeforeReport  NoteKind = "response-before-report"
	ResponseWithoutReport NoteKind = "response-without-report"
	ReportToNobody        NoteKind = "report-to-nobody"
	ReportTwice           NoteKind = "report-twice"
	FollowUpOfNothing     NoteKind = "follow-up-of-nothing"
	TwoHolders            NoteKind = "two-holders"
	TwoTrusts             NoteKind = "two-trusts"
	TwoAnswers            NoteKind = "two-answers"
	BlockWithoutCase      NoteKind = "block-without-case"
	BlockAcross           NoteKind = "block-across"
	InTheFuture           NoteKind = "in-the-future"
	ClockSetBack          NoteKind = "clock-set-back"
)

func note(kind NoteKind, r history.Record, why string, args ...any) Note {
	return Note{kind, history.Encode(r), fmt.Sprintf(why, args...)}
}

// contradictions finds what contradicts itself among the records known at a night, by kind and then by record.
func (n *night) contradictions() []Note {
	out := slices.Concat([]Note{}, oddResponses(n.h), oddReports(n.h), n.twoOfOneMoment(), n.oddBlocks())
	slices.SortStableFunc(out, func(a, b Note) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), bytes.Compare(a.Record, b.Record))
	})
	return out
}

func oddResponses(h *history.History) []Note {
	reports := map[string]history.Report{}
	for _, r := range h.Reports {
		if old, ok := reports[r.ID]; !ok || r.At.Before(old.At) {
			reports[r.ID] = r
		}
	}
	var early, lost []Note
	for _, x := range h.Responses {
		switch r, ok := reports[x.Report]; {
		case !ok:
			lost = append(lost, note(ResponseWithoutReport, x, "no report %q is on record; it counts for nothing", x.Report))
		case x.At.Before(r.At):
			counts := "it can stop the path, and can't push it on"
			if x.Stance == history.Unhelpful || x.Stance == history.Bounced || x.Stance == history.Hostile {
				counts = "it counts for nothing"
			}
			early = append(early, note(ResponseBeforeReport, x, "its report is of %s; %s", momentText(r.At), counts))
		}
	}
	return append(early, lost...)
}

// toNobody tells whether a report names no addressee. It counts as if it had never been sent.
func toNobody(r history.Report) bool { return mailbox(r.To) == "" }

func oddReports(h *history.History) []Note {
	var nobody, twice, lost []Note
	ids := map[string]int{}
	for _, r := range h.Reports {
		ids[r.ID]++
	}
	for _, r := range h.Reports {
		if toNobody(r) {
			nobody = append(nobody, note(ReportToNobody, r, "it names nobody whom it went to; it counts as never sent"))
		}
		if ids[r.ID] > 1 {
			twice = append(twice, note(ReportTwice, r, "%d reports have the id %q; what came back counts for each of them", ids[r.ID], r.ID))
		}
		if r.Follows != "" && ids[r.Follows] == 0 {
			lost = append(lost, note(FollowUpOfNothing, r, "no report %q is on record; it counts as a follow-up all the same", r.Follows))
		}
	}
	return slices.Concat(nobody, twice, lost)
}

// twoOfOneMoment finds records for the same thing and moment that say different things. Of these the one recorded later
// counts.
func (n *night) twoOfOneMoment() []Note {
	var out []Note
	type claim struct {
		of any
		at time.Time
	}
	const later = "at the same moment; the one recorded later counts"
	holders := map[claim]history.Netblock{}
	for _, x := range n.h.Netblocks {
		key := claim{x.Prefix, x.At}
		if old, ok := holders[key]; ok && old.Holder != x.Holder {
			out = append(out, note(TwoHolders, x, "%s is registered to %q and to %q %s", x.Prefix, old.Holder, x.Holder, later))
		}
		holders[key] = x
	}
	trusts := map[claim]history.Contact{}
	for _, x := range n.h.Contacts {
		key := claim{mailbox(x.Address), x.At}
		if old, ok := trusts[key]; ok && old.Trust != x.Trust {
			out = append(out, note(TwoTrusts, x, "%s is %s and %s %s", x.Address, cmp.Or(old.Trust, "as the rules find"), cmp.Or(x.Trust, "as the rules find"), later))
		}
		trusts[key] = x
	}
	answers := map[claim]history.Answer{}
	for _, x := range n.h.Answers {
		key := claim{answerKey{x.Netblock, x.Question}, x.At}
		if old, ok := answers[key]; ok && old.Answer != x.Answer {
			out = append(out, note(TwoAnswers, x, "%s is answered %q and %q %s", x.Question, old.Answer, x.Answer, later))
		}
		answers[key] = x
	}
	return out
}

// oddBlocks finds blocks that stand, or ended in window, and have no case on record or reach across the border of one.
func (n *night) oddBlocks() []Note {
	var without, across []Note
	for i := range n.h.Blocks {
		b := &n.h.Blocks[i]
		if !b.Until.IsZero() && n.now.Sub(b.Until) > time.Duration(n.policy.Offender.Window) {
			continue
		}
		key := n.registry.caseOfRange(b.Range)
		if !b.Case.IsValid() {
			without = append(without, note(BlockWithoutCase, *b, "no case is on record for it; it counts to %s, in which it lies", key))
		}
		if inner, ok := n.crossed(key, b.Range); ok {
			across = append(across, note(BlockAcross, *b, "it reaches across the border of %s; it counts to %s alone", inner, key))
		}
	}
	return append(without, across...)
}

// crossed returns a netblock whose border a range of a case crosses.
func (n *night) crossed(key netip.Prefix, r netblock.Range) (netip.Prefix, bool) {
	if !netblock.OfPrefix(key).Covers(r) {
		return key, true
	}
	for _, inner := range n.registry.trie.Inside(key) {
		if netblock.OfPrefix(inner).Overlaps(r) {
			return inner, true
		}
	}
	return netip.Prefix{}, false
}

// Ahead finds the records of a history that say to be of a moment that is still to come, the earliest first. None counts
// before its moment. last is when a command last wrote decisions of its own, zero for never: where that is still to come
// too, it was the clock that was set back.
func Ahead(h *history.History, now, last time.Time) []Note {
	now = plain(now)
	var list []history.Record
	ahead(&list, h.Netblocks, now)
	ahead(&list, h.Contacts, now)
	ahead(&list, h.Reports, now)
	ahead(&list, h.Responses, now)
	ahead(&list, h.Sightings, now)
	ahead(&list, h.Traffic, now)
	ahead(&list, h.Answers, now)
	ahead(&list, h.Holds, now)
	ahead(&list, h.Blocks, now)
	ahead(&list, h.Releases, now)
	ahead(&list, h.Protects, now)
	slices.SortStableFunc(list, func(a, b history.Record) int { return a.Known().Compare(b.Known()) })
	out := []Note{}
	if last.After(now) {
		why := fmt.Sprintf("a command wrote its decisions at %s, which is still to come: the clock was set back; what is of later than now counts for nothing yet", momentText(last))
		out = append(out, Note{ClockSetBack, json.RawMessage("null"), why})
	}
	for _, r := range list {
		out = append(out, note(InTheFuture, r, "it is of %s, which is still to come; it counts for nothing yet", momentText(r.Known())))
	}
	return out
}

func ahead[R history.Record](out *[]history.Record, list []R, now time.Time) {
	for _, r := range list {
		if r.Known().After(now) {
			*out = append(*out, r)
		}
	}
}

func momentText(t time.Time) string {
	return strings.TrimSuffix(t.UTC().Format("2006-01-02 15:04:05"), ":00")
}
