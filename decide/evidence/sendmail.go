package evidence

import (
	"bytes"
	"net/netip"
	"slices"

	"lastresort/decide/history"
)

func isSendmail(program []byte) bool {
	return string(program) == "sendmail" || bytes.HasPrefix(program, []byte("sm-"))
}

// sendmail reads what its server says of logins and of mail that it took.
type sendmail struct{ addresses addresses }

func newSendmail(Options) reader { return &sendmail{addresses{}} }

// read implements reader. A client is [HOST ][A][ (may be forged)]; the last relay= is sendmail's own, for before it stand
// names that clients choose. Of an address that it can't parse sendmail writes ID: ADDRESS... WHY, so that any of these may be a
// client's words, but for their ends. A message that was too long is written as ID[1]: …, ID[2]: ….
func (s *sendmail) read(e *entry) bool {
	i := bytes.Index(e.message, []byte(": "))
	if i < 1 || e.message[i-1] == ']' {
		return false
	}
	text := e.message[i+2:]
	if front, count, ok := cutLast(text, ": possible SMTP attack: command=AUTH, count="); ok && isNumber(count) {
		source, ok := s.client(front)
		return hostile(e, "mail-login", source, ok)
	}
	if rest, ok := after(text, "rejecting commands from "); ok {
		rest, early := before(rest, " due to pre-greeting traffic")
		if front, back, ok := cutLast(rest, " due to pre-greeting traffic after "); ok && !early {
			number, seconds := before(back, " seconds")
			rest, early = front, seconds && isNumber(number)
		}
		source, ok := s.client(rest)
		return hostile(e, "scan", source, ok && early)
	}
	if rest, ok := after(text, "ruleset=check_"); ok {
		return s.rejected(e, rest)
	}
	if rest, ok := after(text, "AUTH=server, relay="); ok {
		client, login, named := bytes.Cut(rest, []byte(", authid="))
		_, bits, whole := cutLast(login, ", bits=")
		source, ok := s.client(client)
		return honest(e, "submission", source, ok && named && whole && isNumber(bits))
	}
	front, client, ok := cutLast(text, " relay=")
	if !ok {
		return false
	}
	source, ok := s.client(client)
	switch {
	case bytes.HasPrefix(text, []byte("AUTH failure (")):
		return hostile(e, "mail-login", source, ok)
	case bytes.HasPrefix(text, []byte("from=")):
		return honest(e, "smtp", source, ok && tookMail(front))
	}
	return false
}

// tookMail tells of from=<SENDER>, size=N, class=N, nrcpts=N[, msgid=ID], … whether a mail came; without one there is no id.
func tookMail(text []byte) bool {
	_, rest, ok := cutLast(text, ", nrcpts=")
	number, rest, more := bytes.Cut(rest, []byte(", "))
	return ok && more && isNumber(number) && bytes.HasPrefix(rest, []byte("msgid="))
}

// rejected reads NAME, arg1=WHAT, relay=CLIENT, reject=CODE ENHANCED WHY. What the client said stands before and behind its
// address; where it looks like one, the line can be read in two ways, and nobody is meant. That all of it is an address that can't
// be parsed shows in why, or in a quote or a bracket without its other half; as it may not always, it is no proof.
func (s *sendmail) rejected(e *entry, text []byte) bool {
	name, rest, named := bytes.Cut(text, []byte(", "))
	_, rest, ok := bytes.Cut(rest, []byte(", relay="))
	client, answer, refused := bytes.Cut(rest, []byte(", reject="))
	if !named || !ok || !refused || bytes.Contains(rest, []byte(", relay=")) || bytes.Contains(answer, []byte(", reject=")) || !isRuleset(name) {
		return false
	}
	if said, why, address := cutLast(answer, "... "); address {
		for _, wrong := range addressErrors {
			if bytes.HasPrefix(why, []byte(wrong)) {
				return false
			}
		}
		said = slices.Concat(text[:len(text)-len(rest)], said)
		if bytes.ContainsAny(said, `"()`) || bytes.Count(said, []byte("<")) != bytes.Count(said, []byte(">")) {
			return false
		}
	}
	kind := "spam"
	if len(answer) > 0 && answer[0] == '4' {
		kind = "scan"
	}
	source, ok := s.client(client)
	return ok && e.show(source, kind, "", history.OneWay, 1)
}

// addressErrors are how sendmail tells what is wrong with an address by itself (parseaddr.c, recipient.c).
var addressErrors = []string{"User unknown", "User address required", "Unbalanced ", "Invalid route address", "Illegal ", "Colon illegal ", "List:; syntax illegal ", "Address too long",
	"Hostname required", "Host name required", "Missing ", "Null ", "prescan: "}

// isRuleset tells whether a name can be that of a ruleset.
func isRuleset(name []byte) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return len(name) > 0
}

// client reads a client that a text consists of. Before its address stands a host or nothing, not what somebody said.
func (s *sendmail) client(text []byte) (netip.Addr, bool) {
	text, _ = before(text, " (may be forged)")
	text, ok := before(text, "]")
	i := bytes.LastIndexByte(text, '[')
	if !ok || i < 0 {
		return netip.Addr{}, false
	}
	if host, named := before(text[:i], " "); i > 0 && (!named || !isHost(host) || bytes.IndexByte(host, ' ') >= 0) {
		return netip.Addr{}, false
	}
	word, _ := after(text[i+1:], "IPv6:")
	return s.addresses.of(word)
}
