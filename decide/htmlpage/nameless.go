package htmlpage

import (
	"slices"

	"lastresort/decide/history"
)

// Nameless returns a history to draw a page from: who answered, unblocked or protected, and what was noted in free words are
// left out, for anybody's name may stand there. Nothing that is judged hangs on them. Registrations keep their holder and
// the mail addresses that are to be written to.
func Nameless(h *history.History) *history.History {
	out := *h
	out.Contacts = each(h.Contacts, func(x *history.Contact) { x.By, x.Reason = "", "" })
	out.Responses = each(h.Responses, func(x *history.Response) { x.Note = "" })
	out.Answers = each(h.Answers, func(x *history.Answer) { x.By, x.Note = "", "" })
	out.Holds = each(h.Holds, func(x *history.Hold) { x.By, x.Reason = "", "" })
	out.Protects = each(h.Protects, func(x *history.Protect) { x.By, x.Reason = "", "" })
	return &out
}

// each returns a copy of a list with every record changed.
func each[R any](list []R, change func(*R)) []R {
	out := slices.Clone(list)
	for i := range out {
		change(&out[i])
	}
	return out
}
