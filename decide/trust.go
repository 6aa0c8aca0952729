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
	responses map[string][]history.Response // by report id, as recorded
	hostile   map[string]time.Time          // by contact address: the last hostile response
	contacts  map[string]history.Contact    // by address: the record that counts
}

// mailbox is the form in which two spellings of a mail address are the same.
func mailbox(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

func newLetters(h *history.History) letters {
	l := letters{map[string][]history.Response{}, map[string]time.Time{}, map[string]history.Contact{}}
	reports := make(map[string]history.Report, len(h.Reports))
	for _, r := range h.Reports {
		reports[r.ID] = r
	}
	for _, r := range h.Responses {
		l.responses[r.Report] = append(l.responses[r.Report], r)
		to, ok := reports[r.Report]
		if ok && r.Stance == history.Hostile && to.Role == history.Contacted && !r.At.Before(to.At) {
			if old, ok := l.hostile[mailbox(to.To)]; !ok || r.At.After(old) {
				l.hostile[mailbox(to.To)] = r.At
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

// Opinion is whether a contact can be trusted, and why.
type Opinion struct {
	Trust  history.Trust `json:"trust"`
	Reason string        `json:"reason"`
}

// trust judges whoever answers at an address for a netblock; the first reason that applies counts.
func (n *night) trust(address string, block history.Netblock) Opinion {
	record, known := n.letters.contacts[mailbox(address)]
	if at, ok := n.letters.hostile[mailbox(address)]; ok && !(known && !record.At.Before(at)) {
		return Opinion{history.Untrusted, "hostile response of " + dateOf(at)}
	}
	if known && record.Trust != "" {
		return Opinion{record.Trust, "the operator's record" + because(record.Reason)}
	}
	_, domain, _ := strings.Cut(mailbox(address), "@")
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
