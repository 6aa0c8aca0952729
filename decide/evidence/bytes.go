package evidence

import (
	"bytes"
	"net/netip"
)

// trim takes the line's end off, and the NULs before it, which a crash leaves where a line was to be.
func trim(text []byte) []byte {
	for len(text) > 0 && isBlank(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	for len(text) > 0 && text[0] == 0 {
		text = text[1:]
	}
	return text
}

// sizeOf returns how much of a line was written, blanks at its end too, which may fill it up to where it was cut.
func sizeOf(text []byte) int {
	n := len(text)
	if n > 0 && text[n-1] == '\n' {
		n--
	}
	nuls := 0
	for nuls < n && text[nuls] == 0 {
		nuls++
	}
	return n - nuls
}

func isBlank(c byte) bool { return c == 0 || c == '\n' || c == '\r' || c == '\t' || c == ' ' }

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

// lastIndex is bytes.LastIndex for marks that stand near the end, which that one looks for with a hash of every place.
func lastIndex(text []byte, mark string) int {
	for i := len(text) - len(mark); i >= 0; i-- {
		if text[i] == mark[0] && string(text[i:i+len(mark)]) == mark {
			return i
		}
	}
	return -1
}

// cutLast splits text at the last place of a mark.
func cutLast(text []byte, mark string) (front, back []byte, ok bool) {
	i := lastIndex(text, mark)
	if i < 0 {
		return text, nil, false
	}
	return text[:i], text[i+len(mark):], true
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

// addresses reads addresses. It remembers the IPv6 ones that it has read, for most lines name one that was there before, and
// reading one costs memory.
type addresses map[string]netip.Addr

// knownAddresses bounds how many addresses are remembered.
const knownAddresses = 1 << 14

// longestAddress is that of an IPv6 address with a zone, which is an interface's name (IFNAMSIZ).
const longestAddress = 45 + len("%") + 15

// of reads an address, an IPv4-mapped one as IPv4, and a neighbour's without the zone, our own interface. A name, or anything
// else that isn't just an address, is none.
func (m addresses) of(text []byte) (netip.Addr, bool) {
	if a, ok := parse4(text); ok {
		return a, true
	}
	if len(text) < 2 || len(text) > longestAddress {
		return netip.Addr{}, false
	}
	if i := bytes.IndexByte(text, ':'); i < 0 || bytes.IndexByte(text[:i], '.') >= 0 { // a name, or an IPv4 address with a port
		return netip.Addr{}, false
	}
	if a, ok := m[string(text)]; ok {
		return a, true
	}
	a, err := netip.ParseAddr(string(text))
	if err != nil {
		return netip.Addr{}, false
	}
	a = a.WithZone("").Unmap()
	if len(m) >= knownAddresses {
		clear(m)
	}
	m[string(text)] = a
	return a, true
}

// parse4 reads an IPv4 address, as strictly as netip does: a leading zero might mean an octal number.
func parse4(text []byte) (netip.Addr, bool) {
	if len(text) > len("255.255.255.255") {
		return netip.Addr{}, false
	}
	a, n := leading4(text)
	return a, n > 0 && n == len(text)
}

// leading4 reads an IPv4 address at the front of text, and returns how long it is; 0 where there is none.
func leading4(text []byte) (netip.Addr, int) {
	const longest = len("255.255.255.255")
	if len(text) <= longest { // at the end of a text it may be looked at behind that
		var room [longest + 1]byte
		copy(room[:], text)
		return leading4(room[:])
	}
	var a [4]byte
	n := 0
	for part := range a {
		// The first digit, then as many more as there are; what is no digit is above 9.
		v, second, third := uint(text[n]-'0'), uint(text[n+1]-'0'), uint(text[n+2]-'0')
		switch {
		case v > 9:
			return netip.Addr{}, 0
		case second > 9:
			n++
		case v == 0:
			return netip.Addr{}, 0
		case third > 9:
			v, n = v*10+second, n+2
		default:
			if v, n = v*100+second*10+third, n+3; v > 255 {
				return netip.Addr{}, 0
			}
		}
		a[part] = byte(v)
		if part < 3 {
			if text[n] != '.' {
				return netip.Addr{}, 0
			}
			n++
		}
	}
	if uint(text[n]-'0') <= 9 {
		return netip.Addr{}, 0
	}
	return netip.AddrFrom4(a), n
}

// withPort reads ADDRESS:PORT, an IPv6 one with or without brackets.
func (m addresses) withPort(text []byte) (netip.Addr, bool) {
	i := bytes.LastIndexByte(text, ':')
	if i < 0 || !isNumber(text[i+1:]) {
		return netip.Addr{}, false
	}
	text = text[:i]
	if inner, ok := after(text, "["); ok {
		if text, ok = before(inner, "]"); !ok {
			return netip.Addr{}, false
		}
	}
	return m.of(text)
}

// pamFailure reads what pam_unix says of a login that failed: authentication failure; … rhost=A …. Users' names stand before
// and behind the address; where one looks like it, the line can be read in two ways, and nobody is meant.
func (m addresses) pamFailure(text []byte) (netip.Addr, bool) {
	rest, ok := after(text, "authentication failure;")
	mark := []byte(" rhost=")
	i := bytes.Index(rest, mark)
	if !ok || i < 0 || bytes.Contains(rest[i+1:], mark) {
		return netip.Addr{}, false
	}
	word, _ := firstWord(rest[i+len(mark):])
	return m.of(word)
}

// refused reads whom libwrap doesn't let in: [U@]HOST (A), or A alone.
func (m addresses) refused(text []byte) (netip.Addr, bool) {
	if _, word := lastWord(text); len(word) > 2 && word[0] == '(' && word[len(word)-1] == ')' {
		text = word[1 : len(word)-1]
	}
	return m.of(text)
}
