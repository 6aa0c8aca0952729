package whois

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"lastresort/netblock"
)

// readDelegated reads the registries' statistics exchange format:
// registry|country|ipv4|first|addresses|date|status[|holder], or ipv6 with the length of the prefix.
func readDelegated(name string, in io.Reader, r *Result) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), mostLine)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "|")
		switch {
		case len(f) >= 6 && f[1] == "*" && f[5] == "summary": // how many lines follow
		case len(f) >= 7 && isNumber(f[0]): // the version
		case len(f) < 7:
			return fmt.Errorf("%s:%d: %q has %d fields; expected registry|country|type|first|count|date|status", name, n, line, len(f))
		case f[2] == "asn":
		case f[6] != "allocated" && f[6] != "assigned":
		default:
			where, err := delegation(f)
			if err != nil {
				return fmt.Errorf("%s:%d: %w", name, n, err)
			}
			r.add(n, Entry{Range: where, Country: f[1], Source: f[0]})
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s:%d: %w", name, n+1, err)
	}
	return nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// delegation returns the range of one line.
func delegation(f []string) (netblock.Range, error) {
	first, err := parseAddr(f[3])
	if err != nil {
		return netblock.Range{}, err
	}
	n, err := strconv.ParseUint(f[4], 10, 64)
	switch {
	case f[2] == "ipv6" && err == nil && n <= 128 && first.Is6():
		return netblock.ParseRange(fmt.Sprintf("%s/%d", first, n))
	case f[2] == "ipv4" && err == nil && n > 0 && n <= 1<<32 && first.Is4():
		b := first.As4()
		start := uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
		if end := start + n - 1; bits.Len64(end) <= 32 {
			return netblock.Between(first, netip.AddrFrom4([4]byte{byte(end >> 24), byte(end >> 16), byte(end >> 8), byte(end)}))
		}
	}
	return netblock.Range{}, fmt.Errorf("%q is no %s delegation of %q; expected a first address and a count, for ipv6 a length", f[4], f[2], f[3])
}

// The names of columns, in the order in which they are looked for.
var (
	rangeColumns = []string{"cidr", "prefix", "ip_prefix", "network", "range", "ip", "address", "ipaddress"}
	labelColumns = []string{"provider", "name", "list", "kind", "label", "service", "asn"}
	kindColumns  = []string{"categories", "category"}
	timeColumns  = []string{"reported_at", "last", "last_seen", "lastseen", "date", "time", "ts", "timestamp", "lastreportedat"}
)

// timeLayouts are the forms of times in lists; without an offset they are UTC.
var timeLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly}

// moment reads a time of a list; zero where it is none.
func moment(text string) time.Time {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// readList reads one range a line, or CSV with a header that names its columns. What stands behind a range is its label.
func readList(name string, in io.Reader, r *Result) error {
	c := csv.NewReader(bufio.NewReaderSize(in, 64<<10))
	c.FieldsPerRecord, c.Comment, c.ReuseRecord, c.LazyQuotes, c.TrimLeadingSpace = -1, '#', true, true, true
	where, label, nation, when, what := 0, 1, -1, -1, -1
	for first := true; ; first = false {
		f, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		line, _ := c.FieldPos(0)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if first {
			if i := column(f, rangeColumns); i >= 0 {
				what = column(f, kindColumns)
				where, label, nation = i, column(f, labelColumns), column(f, []string{"cc", "country"})
				when = column(f, timeColumns)
				continue
			}
		}
		if where >= len(f) {
			return fmt.Errorf("%s:%d: the line has %d columns; expected the range in column %d", name, line, len(f), where+1)
		}
		text, rest, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(f[where], "\ufeff")), " ")
		if text == "" || text[0] == ';' {
			continue
		}
		x, err := netblock.ParseRange(text)
		if err != nil {
			if len(r.Entries) == 0 && len(r.Skipped) == 0 && !likeRange(text) {
				return fmt.Errorf("%s:%d: %w", name, line, err)
			}
			r.skip(line, "%v", err)
			continue
		}
		e := Entry{Range: x, Label: strings.TrimSpace(rest), Source: path.Base(name)}
		if label >= 0 && label < len(f) && label != where {
			e.Label = f[label]
		}
		if nation >= 0 && nation < len(f) {
			e.Country = f[nation]
		}
		if what >= 0 && what < len(f) {
			e.Kind = categoryKind(f[what])
		}
		if when >= 0 && when < len(f) {
			e.At = moment(f[when])
		}
		r.add(line, e)
	}
}

// likeRange tells whether a text may be meant for a range: files of other kinds aren't read to their end.
func likeRange(s string) bool {
	return strings.ContainsAny(s, ".:") && strings.ContainsAny(s, "0123456789")
}

func column(header, names []string) int {
	for _, n := range names {
		for i, h := range header {
			if strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")), n) {
				return i
			}
		}
	}
	return -1
}

// readCloud reads JSON in which a cloud or a search engine publishes its ranges. Each does so in its own way, and all have in
// common that a range stands as a text by itself: so every such text is taken, and what stands beside it is its label.
func readCloud(name string, in io.Reader, r *Result) error {
	limit := &io.LimitedReader{R: in, N: mostJSON}
	var doc any
	if err := json.NewDecoder(limit).Decode(&doc); err != nil {
		if limit.N <= 0 {
			err = fmt.Errorf("more than %d bytes", mostJSON)
		}
		return fmt.Errorf("%s: %w; expected JSON with ranges in it", name, err)
	}
	r.gather(path.Base(name), "", doc)
	if len(r.Entries) == 0 && len(r.Skipped) == 0 {
		return fmt.Errorf("%s: no range in it; expected texts such as \"203.0.113.0/24\"", name)
	}
	return nil
}

// gather takes the ranges out of a document. The keys of objects come in order, so that the same document gives the same.
func (r *Result) gather(source, label string, x any) {
	switch x := x.(type) {
	case string:
		if !strings.ContainsAny(x, "/") || strings.ContainsAny(x, " ") {
			if _, err := netip.ParseAddr(x); err != nil {
				return
			}
		}
		where, err := netblock.ParseRange(x)
		if err != nil {
			if strings.Contains(err.Error(), "host bits") {
				r.skip(0, "%v", err)
			}
			return
		}
		r.add(0, Entry{Range: where, Label: label, Source: source})
	case []any:
		for _, y := range x {
			r.gather(source, label, y)
		}
	case map[string]any:
		for _, key := range []string{"service", "name", "region", "scope", "provider"} {
			if name, ok := x[key].(string); ok && name != "" {
				label = name
				break
			}
		}
		keys := make([]string, 0, len(x))
		for key := range x {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			r.gather(source, label, x[key])
		}
	}
}
