package web

import (
	"encoding/binary"
	"strings"
)

// parts are texts in lower case, ready for a look for all of them that passes over a text once. Of two places in the text it looks
// at the four bytes of one, so that each part is found by its four at one place or by those at the next.
type parts struct {
	seeds bitmap      // of the four bytes by which a part is found
	by    [256][]part // those of five bytes and more, by these four
	fours bitmap      // as seeds, of those of four bytes alone
	four  []part      // those
	short []part      // those of less, looked for one by one
}

// bitmap has a bit for each seed.
type bitmap [seedBits / 64]uint64

func (b *bitmap) has(seed uint32) bool { return b[seed>>6]&(1<<(seed&63)) != 0 }

func (b *bitmap) add(seed uint32) { b[seed>>6] |= 1 << (seed & 63) }

// seedBits is large enough that hardly any four bytes share theirs: two to the power of seedLog.
const (
	seedLog  = 16
	seedBits = 1 << seedLog
)

// part is a text and the four bytes by which it is found.
type part struct {
	text string
	of   uint64 // what it is looked for by
	at   int    // where in it they are
	four uint32 // what they are, of those that count
	mask uint32 // the bits of those
}

// anyOf is what a part is of where it doesn't matter.
const anyOf = 1

func newParts(lower []string) *parts {
	p := &parts{}
	for _, text := range lower {
		p.add(text, anyOf)
	}
	return p
}

func (p *parts) add(text string, of uint64) {
	if len(text) < 4 {
		p.short = append(p.short, part{text: text, of: of})
		return
	}
	if len(text) == 4 {
		lead := fourOf([]byte(text))
		p.four = append(p.four, part{text, of, 0, lead, 1<<32 - 1}, part{text, of, 1, lead >> 8, 1<<24 - 1})
		seeds := []uint32{seedOf(lead)}
		for next := range uint32(256) { // what follows it may be anything, or nothing
			seeds = append(seeds, seedOf(lead>>8|next<<24|anyCase))
		}
		for _, seed := range seeds {
			p.fours.add(seed)
			p.seeds.add(seed)
		}
		return
	}
	from := rarest(text)
	for i := from; i < from+2; i++ {
		four := fourOf([]byte(text[i:]))
		seed := seedOf(four)
		p.seeds.add(seed)
		p.by[byte(seed)] = append(p.by[byte(seed)], part{text, of, i, four, 1<<32 - 1})
	}
}

// rarest returns where in a part five bytes stand of which paths have few, so that a look seldom stops in vain.
func rarest(text string) int {
	best, most := 0, 0
	for i := range len(text) - 4 {
		rare := 0
		for _, c := range []byte(text[i : i+5]) {
			if !strings.ContainsRune("/-.etaoinsrhldcump", rune(c)) {
				rare++
			}
		}
		if rare >= most {
			best, most = i, rare
		}
	}
	return best
}

// anyCase is the bit by which small and large letters differ, in four bytes.
const anyCase = 0x20202020

// fourOf returns the first four bytes, whatever the case of their letters.
func fourOf(text []byte) uint32 { return binary.LittleEndian.Uint32(text) | anyCase }

// seedOf returns the bit of four bytes.
func seedOf(four uint32) uint32 { return four * 0x9e3779b1 >> (32 - seedLog) }

// in tells whether a text holds one of them, in whatever case.
func (p *parts) in(text []byte) bool { return p.find(text) != 0 }

// find returns what those are of that a text holds, in whatever case.
func (p *parts) find(text []byte) uint64 {
	of := uint64(0)
	i := 1
	for ; i+7 < len(text); i += 4 { // two places at a time
		eight := binary.LittleEndian.Uint64(text[i:]) | anyCase<<32 | anyCase
		if one, two := uint32(eight), uint32(eight>>16); p.seeds.has(seedOf(one)) || p.seeds.has(seedOf(two)) {
			of |= p.around(one, text, i) | p.around(two, text, i+2)
		}
	}
	for ; i+3 < len(text); i += 2 {
		of |= p.around(fourOf(text[i:]), text, i)
	}
	if i+3 == len(text) { // one of four may end where the text does
		of |= at(p.four, fourOf(text[i-1:])>>8, text, i)
	}
	for _, x := range p.short {
		if holdsFold(text, x.text) {
			of |= x.of
		}
	}
	return of
}

// around returns what those are of that have four bytes which stand at a place of a text.
func (p *parts) around(four uint32, text []byte, i int) uint64 {
	seed := seedOf(four)
	if !p.seeds.has(seed) {
		return 0
	}
	of := at(p.by[byte(seed)], four, text, i)
	if p.fours.has(seed) {
		of |= at(p.four, four, text, i)
	}
	return of
}

// at returns what those of a list are of that stand where four bytes were found in a text.
func at(list []part, four uint32, text []byte, i int) uint64 {
	of := uint64(0)
	for k := range list {
		x := &list[k]
		if from := i - x.at; four&x.mask == x.four && from >= 0 && len(x.text) <= len(text)-from && startsFold(text[from:], x.text) {
			of |= x.of
		}
	}
	return of
}

func holdsFold(text []byte, lower string) bool {
	for i := range len(text) - len(lower) + 1 {
		if startsFold(text[i:], lower) {
			return true
		}
	}
	return false
}

// small puts a letter of ASCII into lower case.
func small(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// begins tells whether a path begins with one of some texts in lower case, in whatever case.
func begins(path []byte, list []string) bool {
	for _, text := range list {
		if len(text) <= len(path) && startsFold(path, text) {
			return true
		}
	}
	return false
}

// ends tells whether a path ends with one of some texts in lower case, in whatever case.
func ends(path []byte, list []string) bool {
	if len(path) == 0 {
		return false
	}
	last := small(path[len(path)-1])
	for _, text := range list {
		if n := len(path) - len(text); n >= 0 && text[len(text)-1] == last && startsFold(path[n:], text) {
			return true
		}
	}
	return false
}

// startsFold tells whether a text that is long enough starts with lower.
func startsFold(text []byte, lower string) bool {
	for i := range len(lower) {
		if small(text[i]) != lower[i] {
			return false
		}
	}
	return true
}
