package history

import (
	"bytes"
	"time"
	"unicode/utf8"

	"lastresort/netblock"
)

// blockReader reads blocks, of which there may be a million, with the same few words and moments.
type blockReader struct {
	seen        names
	from, until seenMoment
	block       Block // that was read last
}

// seenMoment is the moment that was read last: what was blocked in one night shares it.
type seenMoment struct {
	text []byte
	at   time.Time
}

// read reads the text of a block as Encode writes it. Any other text is left to Decode, and so is every error.
func (b *blockReader) read(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte(`{"type":"block"`))
	if !ok || !utf8.Valid(line) {
		return false
	}
	where, rest := plainMember(rest, `,"range":`)
	from, rest := plainMember(rest, `,"from":`)
	until, rest := plainMember(rest, `,"until":`)
	of, rest := plainMember(rest, `,"case":`)
	by, rest := plainMember(rest, `,"by":`)
	reason, rest := plainMember(rest, `,"reason":`)
	if string(rest) != "}" || !b.from.read(from) || len(until) > 0 && !b.until.read(until) {
		return false
	}
	x := Block{From: b.from.at, By: b.seen.of(by), Reason: b.seen.of(reason)}
	if len(until) > 0 {
		x.Until = b.until.at
	}
	var err1, err2 error
	x.Range, err1 = netblock.ParseRange(string(where))
	if len(of) > 0 {
		x.Case, err2 = netblock.ParsePrefix(string(of))
	}
	b.block = x
	return err1 == nil && err2 == nil && (x.Until.IsZero() || !x.Until.Before(x.From))
}

// plainMember returns the string that stands behind a key, and what is behind that; where the key isn't next it is nil.
func plainMember(text []byte, key string) (value, rest []byte) {
	if len(text) < len(key) || string(text[:len(key)]) != key {
		return nil, text
	}
	value, rest, ok := plainString(text[len(key):])
	if !ok {
		return nil, text // and not at the end
	}
	return value, rest
}

func (m *seenMoment) read(text []byte) bool {
	if bytes.Equal(m.text, text) && len(text) > 0 {
		return true
	}
	m.text = m.text[:0]
	if err := m.at.UnmarshalText(text); err != nil || !storable(m.at) {
		return false
	}
	m.text = append(m.text, text...)
	return true
}
