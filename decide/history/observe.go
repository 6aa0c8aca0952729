package history

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Observe grows the day's rows by what logs have shown, and remembers how far each log was read, in one transaction: a
// crash loses both or neither, so that no line counts twice. Each sighting and traffic is of one UTC day.
func (s *Store) Observe(ctx context.Context, sightings []Sighting, traffic []Traffic, positions map[string]json.RawMessage) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		w, err := newWriter(ctx, tx)
		if err != nil {
			return err
		}
		if err := growAll(w, sightings); err != nil {
			return err
		}
		if err := growAll(w, traffic); err != nil {
			return err
		}
		for path, position := range positions {
			if _, err := tx.ExecContext(ctx, `INSERT INTO log VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position`,
				path, string(position)); err != nil {
				return err
			}
		}
		return w.done()
	})
}

// growing is how many rows grow with one statement: reading the SQL and going in and out of the store cost more than the row.
const growing = 64

// growAll adds a day's events to the rows that observing made for that day before, or makes them. Imported rows are left
// alone.
func growAll[R Record](w *writer, list []R) error {
	g := grower{w: w, taking: map[int]*sql.Stmt{}, putting: map[int]*sql.Stmt{}}
	rows := make([]row, 0, len(list))
	for _, r := range list {
		if err := Check(r); err != nil {
			return err
		}
		x, _ := rowOf(r)
		g.table, x.observed = r.Type(), true
		rows = append(rows, x)
	}
	if len(rows) == 0 {
		return nil
	}
	// The first time, which reads the most, there is nothing to grow.
	if err := w.tx.QueryRowContext(w.ctx, `SELECT NOT EXISTS (SELECT 1 FROM `+g.table+`)`).Scan(&g.first); err != nil {
		return err
	}
	slices.SortStableFunc(rows, compareRows)
	n := 0
	for _, x := range rows {
		if n > 0 && compareRows(x, rows[n-1]) == 0 {
			rows[n-1].add(x)
			continue
		}
		rows[n] = x
		n++
	}
	for rows = rows[:n]; len(rows) > 0; {
		n := 1
		for n < min(len(rows), growing) && rows[n].day() == rows[0].day() {
			n++
		}
		if err := g.grow(rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// compareRows orders rows by the day and by what they are of.
func compareRows(a, b row) int {
	return cmp.Or(cmp.Compare(a.day(), b.day()), bytes.Compare(a.source, b.source), strings.Compare(a.what, b.what),
		strings.Compare(a.proof, b.proof), strings.Compare(a.reporter, b.reporter))
}

// day is when a row's day begins, by UTC, in nanoseconds since 1970.
func (r row) day() int64 { return r.last - r.last%int64(24*time.Hour) }

// grower grows the rows of one table, with a statement for each number of rows.
type grower struct {
	w               *writer
	table           string
	first           bool // it had no rows
	taking, putting map[int]*sql.Stmt
}

// grow grows rows of one day, each of another source, kind or service, proof or reporter.
func (g *grower) grow(rows []row) error {
	var old map[name]grown
	if !g.first {
		var err error
		if old, err = g.take(rows); err != nil {
			return err
		}
	}
	put, err := g.prepared(g.putting, len(rows), `INSERT OR IGNORE INTO `+g.table+` VALUES `, `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, ``)
	if err != nil {
		return err
	}
	var args []any
	for _, x := range rows {
		was, known := old[x.name()]
		if known {
			x.add(was.row)
		} else {
			g.w.seq++
			was.seq = g.w.seq
		}
		args = append(append(args, x.args()...), was.seq, x.observed, nil)
	}
	_, err = put.ExecContext(g.w.ctx, args...)
	return err
}

// grown is a row that was taken out to be put back larger.
type grown struct {
	row
	seq int64
}

// take takes out the rows that observing made before for these.
func (g *grower) take(rows []row) (map[name]grown, error) {
	take, err := g.prepared(g.taking, len(rows), `DELETE FROM `+g.table+` WHERE (source, what, proof, reporter) IN (VALUES `, `(?, ?, ?, ?)`,
		`) AND first >= ? AND first < ? AND observed = 1 RETURNING source, what, proof, reporter, first, last, count, seq`)
	if err != nil {
		return nil, err
	}
	var args []any
	for _, x := range rows {
		args = append(args, x.source, x.what, x.proof, x.reporter)
	}
	day := rows[0].day()
	taken, err := take.QueryContext(g.w.ctx, append(args, day, day+int64(24*time.Hour))...)
	if err != nil {
		return nil, err
	}
	defer taken.Close() // taken.Err tells what matters
	out := map[name]grown{}
	for taken.Next() {
		var x grown
		if err := taken.Scan(&x.source, &x.what, &x.proof, &x.reporter, &x.first, &x.last, &x.count, &x.seq); err != nil {
			return nil, err
		}
		if other, twice := out[x.name()]; twice {
			x.add(other.row)
		}
		out[x.name()] = x
	}
	return out, taken.Err()
}

// prepared returns a statement with as many groups of values as there are rows. Most often there are growing.
func (g *grower) prepared(of map[int]*sql.Stmt, n int, before, group, behind string) (*sql.Stmt, error) {
	if stmt := of[n]; stmt != nil {
		return stmt, nil
	}
	stmt, err := g.w.tx.PrepareContext(g.w.ctx, before+strings.Repeat(group+", ", n-1)+group+behind)
	if err == nil {
		of[n] = stmt
	}
	return stmt, err
}

// name tells a row of a day from others.
type name struct{ source, what, proof, reporter string }

func (r row) name() name { return name{string(r.source), r.what, r.proof, r.reporter} }

// add grows a row by another of its name.
func (r *row) add(other row) {
	r.first, r.last, r.count = min(r.first, other.first), max(r.last, other.last), r.count+other.count
}

// Positions returns how far each log was read.
func (s *Store) Positions(ctx context.Context) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if s.file == memory {
		return out, nil
	}
	rows, err := s.db.QueryContext(ctx, `SELECT path, position FROM log`)
	if err != nil {
		return nil, s.failed(err)
	}
	defer rows.Close() // rows.Err tells what matters
	for rows.Next() {
		var path, position string
		if err := rows.Scan(&path, &position); err != nil {
			return nil, s.failed(err)
		}
		out[path] = json.RawMessage(position)
	}
	if err := rows.Err(); err != nil {
		return nil, s.failed(err)
	}
	return out, nil
}
