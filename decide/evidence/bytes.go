package evidence

import (
	"bytes"
	"net/netip"
)

// trim takes the line's end off, and NULs, which a crash leaves where a line was to be.
func trim(text []byte) []byte { return bytes.Trim(text, "\x00\r\n\t ") }

// after returns what stands behind a prefix, and whether it was there.
func after(text []byte, prefix string) ([]byte, bool) {
	if len(text) >= len(prefix) && string(text[:len(prefix)]) == prefix {
		return text[len(prefix):], true
	}
	return text, false
}

// before returns what stands before a suffix, and whether it was there.
func before(text []byte, suffix string) ([]byte, bool) {
	if n := len(text) - len(suffix); n >= 0 && string(text[n:]) == suffix {
		return text[:n], true
	}
	return text, false
}

// lastWord splits text at its last space.
func lastWord(text []byte) (rest, word []byte) {
	i := bytes.LastIndexByte(text, ' ')
	if i < 0 {
		return nil, text
	}
	return text[:i], text[i+1:]
}

// firstWord splits text at its first space.
func firstWord(text []byte) (word, rest []byte) {
	i := bytes.IndexByte(text, ' ')
	if i < 0 {
		return text, nil
	}
	return text[:i], text[i+1:]
}

func isNumber(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

// number reads a number of at most seven digits.
func number(text []byte) (int64, bool) {
	if !isNumber(text) || len(text) > 7 {
		return 0, false
	}
	n := int64(0)
	for _, c := range text {
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// addresses reads addresses and remembers those that it has read: most lines name one that was there before.
type addresses map[string]netip.Addr

// knownAddresses bounds how many addresses are remembered.
const knownAddresses = 1 << 15

// of reads an address. A name, a zone, or anything else that isn't just an address is none.
func (m addresses) of(text []byte) (netip.Addr, bool) {
	if a, ok := m[string(text)]; ok {
		return a, a.IsValid()
	}
	if len(text) < 2 || len(text) > 45 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(string(text))
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	a = a.Unmap()
	if len(m) >= knownAddresses {
		clear(m)
	}
	m[string(text)] = a
	return a, true
}
