package history

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"lastresort/netblock"
)

// Load returns every record known at a moment, or all where it is zero: sightings and traffic sorted by source, kind or
// service, proof, reporter and first; the others in the order in which they were recorded. progress, where there is one, is
// told how many records were read.
func (s *Store) Load(ctx context.Context, known time.Time, progress func(int)) (History, error) {
	h, err := s.LoadRecords(ctx, known)
	if err != nil || s.file == memory {
		return h, err
	}
	// Grown by and by, a million rows would take twice their room.
	sightings, err := s.count(ctx, "sighting")
	if err != nil {
		return h, err
	}
	traffic, err := s.count(ctx, "traffic")
	if err != nil {
		return h, err
	}
	h.Sightings, h.Traffic = slices.Grow(h.Sightings, sightings), slices.Grow(h.Traffic, traffic)
	return s.LoadRows(ctx, h, known, netblock.Range{}, progress)
}

// LoadRows adds to a history the sightings and traffic of sources in a range that are known at a moment, as Load does for
// all; the store finds them without going through the others. The zero Range is all sources.
func (s *Store) LoadRows(ctx context.Context, h History, known time.Time, within netblock.Range, progress func(int)) (History, error) {
	if s.file == memory {
		return h, nil
	}
	until, n := momentOf(known), 0
	tick := func() {
		if n++; progress != nil && n%10000 == 0 {
			progress(n)
		}
	}
	err := s.loadRows(ctx, "sighting", until, within, func(r readRow) {
		h.Sightings = append(h.Sightings, r.sighting())
		tick()
	})
	if err == nil {
		err = s.loadRows(ctx, "traffic", until, within, func(r readRow) {
			h.Traffic = append(h.Traffic, r.traffic())
			tick()
		})
	}
	return h, s.failed(err)
}

// momentOf is a moment as the store keeps it; the zero time is after all others.
func momentOf(known time.Time) int64 {
	if known.IsZero() {
		return 1<<63 - 1
	}
	return known.UnixNano()
}

// LoadRecords is Load without sightings and traffic, which are many and which what is in force doesn't depend on.
func (s *Store) LoadRecords(ctx context.Context, known time.Time) (History, error) {
	var blocks []Block
	h, err := s.StreamBlocks(ctx, known, func(b *Block, _ int64, after, of int) {
		blocks = append(WithRoom(blocks, after, of), *b)
	})
	h.Blocks = blocks
	return h, err
}

// WithRoom returns a list with room for one more, and for as many as the rest of so many records has if these go on as those
// before: append would copy a million a dozen times, and leave as much memory behind.
func WithRoom[T any](list []T, after, of int) []T {
	if n := len(list); n == cap(list) {
		return slices.Grow(list, max(64, n/4, n*(of-after)/max(1, after)))
	}
	return list
}

// StreamBlocks is LoadRecords for whoever wants none of the blocks kept: each is called with every one, in their order, the
// number of its record, and how many of about how many records came before it.
func (s *Store) StreamBlocks(ctx context.Context, known time.Time, each func(b *Block, record int64, after, of int)) (History, error) {
	var h History
	if s.file == memory {
		return h, nil
	}
	// Every page is read once: what the cache kept of them would only be in the way of what comes next.
	const none, usual = `PRAGMA cache_size = -100`, `PRAGMA cache_size = -2000` // in KB; the latter is SQLite's default
	if _, err := s.db.ExecContext(ctx, none); err != nil {
		return h, s.failed(err)
	}
	n, err := s.count(ctx, "record")
	if err == nil {
		err = s.loadRecords(ctx, momentOf(known), &h, func(b *Block, record int64, after int) { each(b, record, after, n) })
	}
	if _, back := s.db.ExecContext(context.WithoutCancel(ctx), usual); err == nil {
		err = back
	}
	return h, s.failed(err)
}

// Rows counts the stored rows of sightings and traffic.
func (s *Store) Rows(ctx context.Context) (n int, err error) {
	if s.file == memory {
		return 0, nil
	}
	sightings, err := s.count(ctx, "sighting")
	if err != nil {
		return 0, err
	}
	traffic, err := s.count(ctx, "traffic")
	return sightings + traffic, err
}

func (s *Store) count(ctx context.Context, table string) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&n)
	return n, s.failed(err)
}

func (s *Store) loadRecords(ctx context.Context, until int64, h *History, each func(b *Block, record int64, after int)) error {
	// A context that can end makes the driver watch it by a goroutine for each row; here it is looked at now and then.
	rows, err := s.db.QueryContext(context.WithoutCancel(ctx), `SELECT seq, text FROM record WHERE known <= ? ORDER BY seq`, until)
	if err != nil {
		return err
	}
	defer rows.Close() // rows.Err tells what matters
	var seq int64
	var text []byte
	into := []any{&seq, (*raw)(&text)}
	blocks := blockReader{seen: names{}}
	for n := 0; rows.Next(); n++ {
		if n%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if blocks.read(text) {
			each(&blocks.block, seq, n)
			continue
		}
		r, err := s.decode(text)
		if err != nil {
			return err
		}
		if b, ok := r.(Block); ok {
			each(&b, seq, n)
			continue
		}
		h.Append(r)
	}
	return rows.Err()
}

// decode reads the text of a record.
func (s *Store) decode(text []byte) (Record, error) {
	r, err := Decode(text)
	if err != nil {
		return nil, &StoreError{s.path, fmt.Sprintf("holds a record that can't be read: %v", err), "keep the file and restore the last export"}
	}
	return r, nil
}

// Block returns the block of a record's number, see StreamBlocks.
func (s *Store) Block(ctx context.Context, record int64) (Block, error) {
	var text []byte
	err := s.db.QueryRowContext(ctx, `SELECT text FROM record WHERE seq = ?`, record).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.damaged()
	}
	if err != nil {
		return Block{}, s.failed(err)
	}
	r, err := s.decode(text)
	if err != nil {
		return Block{}, err
	}
	b, ok := r.(Block)
	if !ok {
		return Block{}, s.damaged()
	}
	return b, nil
}

// Append adds a record to the list of its type.
func (h *History) Append(r Record) {
	switch r := r.(type) {
	case Netblock:
		h.Netblocks = append(h.Netblocks, r)
	case Contact:
		h.Contacts = append(h.Contacts, r)
	case Report:
		h.Reports = append(h.Reports, r)
	case Response:
		h.Responses = append(h.Responses, r)
	case Sighting:
		h.Sightings = append(h.Sightings, r)
	case Traffic:
		h.Traffic = append(h.Traffic, r)
	case Answer:
		h.Answers = append(h.Answers, r)
	case Hold:
		h.Holds = append(h.Holds, r)
	case Block:
		h.Blocks = append(h.Blocks, r)
	case Release:
		h.Releases = append(h.Releases, r)
	case Protect:
		h.Protects = append(h.Protects, r)
	}
}

// readRow is a row on its way out. Names that repeat a million times are kept once.
type readRow struct {
	source                netip.Addr
	what, proof, reporter string
	first, last           time.Time
	count                 int64
}

func (r readRow) sighting() Sighting {
	return Sighting{Source: r.source, First: r.first, Last: r.last, Kind: r.what, Count: r.count, Proof: Proof(r.proof), Reporter: r.reporter}
}

func (r readRow) traffic() Traffic {
	return Traffic{Source: r.source, First: r.first, Last: r.last, Service: r.what, Count: r.count}
}

// names gives equal strings one memory. What isn't repeated must not fill it.
type names map[string]string

const mostNames = 1 << 12

func (n names) of(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	if len(n) >= mostNames {
		clear(n)
	}
	s := string(b)
	n[s] = s
	return s
}

func (s *Store) loadRows(ctx context.Context, table string, until int64, within netblock.Range, each func(readRow)) error {
	where, args := ` WHERE last <= ?`, []any{until}
	if within.IsValid() {
		where, args = where+` AND source BETWEEN ? AND ?`, append(args, key(within.First()), key(within.Last()))
	}
	rows, err := s.db.QueryContext(ctx, `SELECT source, what, proof, reporter, first, last, count FROM `+table+where+
		` ORDER BY source, what, proof, reporter, first, last, count`, args...)
	if err != nil {
		return err
	}
	defer rows.Close() // rows.Err tells what matters
	var source, what, proof, reporter []byte
	var first, last int64
	var r readRow
	seen := names{}
	into := []any{(*raw)(&source), (*raw)(&what), (*raw)(&proof), (*raw)(&reporter), &first, &last, &r.count}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if r.source, err = s.addr(source); err != nil {
			return err
		}
		r.what, r.proof, r.reporter = seen.of(what), seen.of(proof), seen.of(reporter)
		r.first, r.last = time.Unix(0, first).UTC(), time.Unix(0, last).UTC()
		each(r)
	}
	return rows.Err()
}

func (s *Store) addr(key []byte) (netip.Addr, error) {
	if len(key) > 0 {
		if a, ok := netip.AddrFromSlice(key[1:]); ok {
			return a, nil
		}
	}
	return netip.Addr{}, s.damaged()
}

// raw takes a column's bytes without a copy; they hold until the next row.
type raw []byte

// Scan implements sql.Scanner.
func (b *raw) Scan(v any) error {
	switch v := v.(type) {
	case []byte:
		*b = v
	case string:
		*b = append((*b)[:0], v...)
	default:
		return fmt.Errorf("column holds %T; expected text", v)
	}
	return nil
}

// Export writes every record in the order in which they were recorded, each as it was imported, one a line.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	if s.file == memory {
		return nil
	}
	out := bufio.NewWriterSize(w, 64<<10)
	const columns = `source, what, proof, reporter, first, last, count, text FROM `
	rows, err := s.db.QueryContext(ctx, `SELECT seq, 'record', NULL, NULL, NULL, NULL, NULL, NULL, NULL, text FROM record
		UNION ALL SELECT seq, 'sighting', `+columns+`sighting UNION ALL SELECT seq, 'traffic', `+columns+`traffic ORDER BY 1`)
	if err != nil {
		return s.failed(err)
	}
	defer rows.Close() // rows.Err tells what matters
	for rows.Next() {
		text, err := s.exported(rows.Scan)
		if err != nil {
			return s.failed(err)
		}
		if _, err := out.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return s.failed(err)
	}
	return out.Flush()
}

func (s *Store) exported(scan func(...any) error) ([]byte, error) {
	var seq int64
	var table string
	var source, text []byte
	var what, proof, reporter *string
	var first, last, count *int64
	if err := scan(&seq, &table, &source, &what, &proof, &reporter, &first, &last, &count, &text); err != nil || text != nil {
		return text, err
	}
	a, err := s.addr(source)
	if err != nil {
		return nil, err
	}
	r := readRow{a, *what, *proof, *reporter, time.Unix(0, *first).UTC(), time.Unix(0, *last).UTC(), *count}
	if table == "traffic" {
		return Encode(r.traffic()), nil
	}
	return Encode(r.sighting()), nil
}
