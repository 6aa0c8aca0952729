package decide

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lastresort/decide/history"
)

// letters is the reports and responses of the whole history, found by what ties them together.
type letters struct {
	responses map[string][]response      // by report id, as recorded
	hostile   map[string]time.Time       // by contact address: the last hostile response
	contacts  map[string]history.Contact // by address: the record that counts
}

// response is a response with its place among all, by which those of one moment are ordered.
type response struct {
	history.Response
	order int
}

// mailbox is the form in which two spellings of a mail address are the same.
func mailbox(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

func newLetters(h *history.History) letters {
	l := letters{map[string][]response{}, map[string]time.Time{}, map[string]history.Contact{}}
	for i, r := range h.Responses {
		l.responses[r.Report] = append(l.responses[r.Report], response{r, i})
	}
	for _, to := range h.Reports {
		for _, r := range l.responses[to.ID] {
			if who := mailbox(to.To); r.Stance == history.Hostile && to.Role == history.Contacted && who != "" && !r.At.Before(to.At) {
				l.hostile[who] = lateOf(l.hostile[who], r.At)
			}
		}
	}
	for _, c := range h.Contacts {
		if old, ok := l.contacts[mailbox(c.Address)]; !ok || !c.At.Before(old.At) {
			l.contacts[mailbox(c.Address)] = c
		}
	}
	return l
}

// signed says who made a record and when, as far as that is known.
func signed(c history.Contact) string {
	out := ""
	if c.By != "" {
		out = " by " + c.By
	}
	if !c.At.IsZero() {
		out += " of " + dateOf(c.At)
	}
	return out
}

// wasHostile returns when a contact was last hostile, and whether no later record of it makes up for that.
func (l *letters) wasHostile(address string) (time.Time, bool) {
	at, hostile := l.hostile[mailbox(address)]
	record, known := l.contacts[mailbox(address)]
	return at, hostile && !(known && !record.At.Before(at))
}

// Opinion is whether a contact can be trusted, and why.
type Opinion struct {
	Trust  history.Trust `json:"trust"`
	Reason string        `json:"reason"`
}

// trust judges whoever answers at an address for a netblock; the first reason that applies counts.
func (n *night) trust(address string, block history.Netblock) Opinion {
	record, known := n.letters.contacts[mailbox(address)]
	if at, ok := n.letters.wasHostile(address); ok {
		return Opinion{history.Untrusted, "hostile response of " + dateOf(at)}
	}
	if known && record.Trust != "" {
		return Opinion{record.Trust, "the operator's record" + signed(record) + because(record.Reason)}
	}
	domain := mailbox(address)
	domain = domain[strings.LastIndexByte(domain, '@')+1:]
	distrusted := slices.ContainsFunc(n.policy.Path.DistrustedCountries, func(c string) bool { return strings.EqualFold(c, block.Country) })
	switch {
	case domain != "" && slices.ContainsFunc(n.policy.Path.FreeMail, func(d string) bool { return strings.EqualFold(d, domain) }):
		return Opinion{history.Untrusted, fmt.Sprintf("%q is free mail", domain)}
	case record.Kind == history.Individual:
		return Opinion{history.Untrusted, "an individual"}
	case distrusted && (record.Kind == history.School || block.Kind == history.Education):
		return Opinion{history.Untrusted, "a school in " + block.Country}
	case distrusted && (record.Kind == history.GovernmentContact || block.Kind == history.Government):
		return Opinion{history.Untrusted, "a government agency in " + block.Country}
	case block.Kind == "" || block.Kind == history.UnknownNetblock:
		return Opinion{history.UnknownTrust, "nobody knows what kind of netblock it is"}
	}
	return Opinion{history.Trusted, "nothing speaks against it"}
}
