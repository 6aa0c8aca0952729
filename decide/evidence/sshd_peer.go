package evidence

import (
	"bytes"
	"net/netip"
)

// peer reads the end of a message, A[ port P[ ssh2]], behind a mark such as " from". Only the very end counts: before it
// stands a user's name, which may look like all of this. The source is none where a host's name stands in its place.
func (s *sshd) peer(text []byte, mark string) (rest []byte, source netip.Addr, ok bool) {
	head, word := lastWord(text)
	return s.peerAt(head, word, mark)
}

// peerAt is peer for a message without its last word, and that.
func (s *sshd) peerAt(head, word []byte, mark string) (rest []byte, source netip.Addr, ok bool) {
	if string(word) == "ssh2" || string(word) == "ssh1" {
		if head, word = lastWord(head); !isNumber(word) {
			return nil, source, false
		}
	}
	if isNumber(word) {
		if before, ok := before(head, " port"); ok {
			head, word = lastWord(before)
		}
	}
	if head, ok = before(head, mark); !ok {
		return nil, source, false
	}
	source, _ = s.addresses.of(word)
	return head, source, true
}

// client reads U from A port P ssh2[: KEY]. What stands in KEY is partly the client's choice, as U is: its certificate's name,
// its user's. So A may stand at the end or before any " ssh2: ". Where these differ, that of the connection's earlier lines
// is right, and without these nobody is: a line that can be read in two ways counts for nobody.
func (s *sshd) client(e *entry, text []byte) (user []byte, source netip.Addr, ok bool) {
	user, source, ok = s.peer(text, " from")
	mark := []byte(" ssh")
	differ := false
	for i := bytes.Index(text, mark); i >= 0; {
		if end := i + len(" ssh2"); end+1 < len(text) && text[end] == ':' && text[end+1] == ' ' {
			u, a, found := s.peer(text[:end], " from")
			switch {
			case found && differ || found && ok && a != source:
				differ = true
				if a.IsValid() && a == s.known(e) {
					user, source = u, a
				}
			case found && !ok:
				user, source, ok = u, a, true
			}
		}
		next := bytes.Index(text[i+1:], mark)
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return user, source, ok && source.IsValid() && (!differ || source == s.known(e))
}

// known returns whom the connection of a line was with so far.
func (s *sshd) known(e *entry) netip.Addr {
	if c := s.find(processOf(e, netip.Addr{})); c != nil && !c.ended {
		return c.source
	}
	return netip.Addr{}
}
