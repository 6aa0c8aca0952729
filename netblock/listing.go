package netblock

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strconv"
)

// Listed is one line of a plain list: an address or a range, and a weight per day of each address in it.
type Listed struct {
	Range    Range
	Weight   float64
	Weighted bool // the line has a weight; without one Weight is 1
}

// mostWeight is the largest weight that a list may give.
const mostWeight = 1e9

// ReadList reads a plain list: on each line an address, a prefix or FIRST-LAST, and after a blank, tab or comma perhaps a
// weight. Empty lines, and what follows # or ;, are skipped. A line that isn't so is an error with its place. It stops at
// the first error of each.
func ReadList(name string, in io.Reader, each func(Listed) error) error {
	if n, err := readLines(in, func(_ int, line []byte) error { return readListed(line, each) }); err != nil {
		return fmt.Errorf("%s:%d: %w", name, n, err)
	}
	return nil
}

// readLines reads lines, numbered from 1, and returns the number of the last.
func readLines(in io.Reader, each func(n int, line []byte) error) (n int, err error) {
	lines := lineReader{in: in, buffer: make([]byte, 256<<10)}
	for {
		line, err := lines.next()
		if err == io.EOF {
			return n, nil
		}
		n++
		if err == nil && len(line) > 0 {
			err = each(n, line)
		}
		if err != nil {
			return n, err
		}
	}
}

// ReadRanges reads the first column of a list: an address, a prefix or FIRST-LAST. What stands behind it isn't looked at, nor
// is a header, a first line without a digit. A line that isn't so is an error with its place.
func ReadRanges(name string, in io.Reader, each func(Range) error) error {
	n, err := readLines(in, func(n int, line []byte) error {
		first, _ := field(uncommented(line))
		if len(first) == 0 || n == 1 && !bytes.ContainsAny(first, "0123456789:") {
			return nil
		}
		r, err := ParseRange(string(first))
		if err != nil {
			return err
		}
		return each(r)
	})
	if err != nil {
		return fmt.Errorf("%s:%d: %w", name, n, err)
	}
	return nil
}

// uncommented returns what of a line stands before a remark.
func uncommented(line []byte) []byte {
	if i := bytes.IndexAny(line, "#;"); i >= 0 {
		return line[:i]
	}
	return line
}

// ReadParts is ReadList for a text that is all in memory, on all processors: each part of it, in their order, has a receiver
// of its own. It stops at the first error.
func ReadParts(name string, text []byte, parts int, each func(part int) func(Listed) error) error {
	ends := make([]int, parts) // of the parts, each behind a line
	for i := range ends {
		end := max(len(text)*(i+1)/parts, 1)
		if n := bytes.IndexByte(text[min(end-1, len(text)):], '\n'); n >= 0 && i+1 < parts {
			ends[i] = end + n
		} else {
			ends[i] = len(text)
		}
	}
	begin := func(i int) int {
		if i == 0 {
			return 0
		}
		return ends[i-1]
	}
	errs := make([]error, parts)
	onAll(parts, func(i int) {
		mine := each(i)
		n, err := readLines(bytes.NewReader(text[begin(i):ends[i]]), func(_ int, line []byte) error { return readListed(line, mine) })
		if err != nil {
			errs[i] = fmt.Errorf("%s:%d: %w", name, bytes.Count(text[:begin(i)], []byte("\n"))+n, err)
		}
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// longestLine is the most bytes a line of a list may have.
const longestLine = 64 << 10

// lineReader gives lines out of one buffer.
type lineReader struct {
	in         io.Reader
	buffer     []byte
	start, end int // of what isn't given out yet
	over       bool
}

func (l *lineReader) next() ([]byte, error) {
	for looked := l.start; ; {
		if i := bytes.IndexByte(l.buffer[looked:l.end], '\n'); i >= 0 {
			line := l.buffer[l.start : looked+i]
			l.start = looked + i + 1
			return line, nil
		}
		switch {
		case l.over && l.start == l.end:
			return nil, io.EOF
		case l.over:
			line := l.buffer[l.start:l.end]
			l.start = l.end
			return line, nil
		case l.end-l.start > longestLine:
			return nil, fmt.Errorf("the line is longer than %d bytes; expected an address and perhaps a weight", longestLine)
		}
		copy(l.buffer, l.buffer[l.start:l.end])
		l.start, l.end = 0, l.end-l.start
		looked = l.end
		n, err := l.in.Read(l.buffer[l.end:])
		l.end += n
		if err == io.EOF {
			l.over = true
		} else if err != nil {
			return nil, err
		}
	}
}

// readListed reads one line.
func readListed(line []byte, each func(Listed) error) error {
	if a, ok := dotted(line); ok { // what most lines are
		return each(Listed{Range: Single(a), Weight: 1})
	}
	line = uncommented(line)
	first, rest := field(line)
	if len(first) == 0 {
		if len(rest) > 0 {
			return fmt.Errorf("%q begins with a comma; expected an address", line)
		}
		return nil
	}
	out := Listed{Weight: 1}
	if a, ok := dotted(first); ok {
		out.Range = Single(a)
	} else {
		r, err := ParseRange(string(first))
		if err != nil {
			return err
		}
		out.Range = r
	}
	if len(rest) > 0 {
		weight, more := field(rest)
		w, err := strconv.ParseFloat(string(weight), 64)
		if err != nil || math.IsNaN(w) || w < 0 || w > mostWeight || len(more) > 0 {
			return fmt.Errorf("%q is no weight; expected one number from 0 to %g", rest, mostWeight)
		}
		out.Weight, out.Weighted = w, true
	}
	return each(out)
}

// field returns the first field of a line, and what follows.
func field(line []byte) (first, rest []byte) {
	line = bytes.TrimSpace(line)
	i := bytes.IndexAny(line, " \t,")
	if i < 0 {
		return line, nil
	}
	return line[:i], bytes.TrimSpace(line[i+1:])
}

// dotted reads an IPv4 address quickly, and leaves everything else to ParseRange.
func dotted(s []byte) (netip.Addr, bool) {
	var b [4]byte
	i := 0
	for n := range b {
		value, digits := 0, 0
		for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
			value, digits = value*10+int(s[i]-'0'), digits+1
			if digits > 3 || digits > 1 && value < 10 { // a leading zero
				return netip.Addr{}, false
			}
		}
		if digits == 0 || value > 255 {
			return netip.Addr{}, false
		}
		b[n] = byte(value)
		if n < 3 {
			if i == len(s) || s[i] != '.' {
				return netip.Addr{}, false
			}
			i++
		}
	}
	return netip.AddrFrom4(b), i == len(s)
}
