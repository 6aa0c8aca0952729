package evidence

import (
	"slices"
	"time"
)

// digest reads lines in the forms that they may have.
type digest struct {
	name     string
	o        Options
	tally    *Tally
	sum      Summary
	number   int64     // of the present line in its file
	readers  []reader  // beside formats; nil where a form isn't asked for
	puzzlers []puzzler // those of the readers that are; nil for the others
	doubters []doubter // likewise
	seen     []bool    // beside formats: whether there were lines of that form
	clock    clock
	entry    entry // the present line, kept here so that each doesn't cost memory
	known    bool  // a line had the header of a syslog line
	trial    int64
	parts    parts           // of what stands in a container's log
	plain    bool            // it is none: a line had nothing around it
	doubts   [2]doubt        // of a log, or a container's stderr, and of its stdout
	doubtful bool            // one of them has begun
	pieces   map[string]bool // whose messages go on in the next line, by host and program
	present
	own      addresses        // that a pattern read
	alone    [1]int           // room for one form
	first    []int            // the forms that are tried before all
	programs map[string][]int // the forms of the programs that wrote lines
	// bare is the form of lines that are a message and nothing else, as a server in a container writes them. That they are its own
	// only the operator knows, who named the form; else others could write them. -1 for none.
	bare int
}

// present is what doubt needs to know of the present line.
type present struct {
	text   []byte // without what is around it
	stdout bool   // it is of a container's stdout
	unsure int64  // how many bytes fewer it may have had when it was written
	padded bool   // it ended in blanks
	head   bool   // it began as those of a server do that writes what clients send as it comes
}

func newDigest(name string, o Options, t *Tally) *digest {
	o.retold = retold{}
	d := &digest{name: name, o: o, tally: t, clock: newClock(o.At, o.Zone), seen: make([]bool, len(formats)), own: addresses{}, programs: map[string][]int{}, pieces: map[string]bool{}, bare: -1}
	for i, f := range formats {
		var r reader
		if o.Format == "" || o.Format == f.name {
			r = f.open(o)
			if f.first != nil {
				d.first = append(d.first, i)
			}
			if o.Format == f.name && f.line == nil {
				d.bare = i
			}
		}
		p, _ := r.(puzzler)
		q, _ := r.(doubter)
		d.readers, d.puzzlers, d.doubters = append(d.readers, r), append(d.puzzlers, p), append(d.doubters, q)
	}
	return d
}

// trialLines is after how many lines a log must have shown a form that is known.
const trialLines = 200

// line reads one line.
func (d *digest) line(text []byte) error {
	d.stdout, d.head, d.unsure = false, false, 0
	err := d.take(text)
	if d.doubtful {
		if q := d.inDoubt(); q.on {
			d.settle(q)
		}
	}
	return err
}

// take makes of a line what it shows.
func (d *digest) take(text []byte) error {
	d.sum.Lines++
	if d.number++; d.o.Progress != nil && d.number%4096 == 0 {
		d.o.Progress(d.number)
	}
	d.entry.size = sizeOf(text)
	text = trim(text)
	d.padded, d.text = d.entry.size > len(text), text
	if d.number == 1 {
		text, _ = after(text, "\xef\xbb\xbf") // a byte order mark
	}
	if len(text) == 0 || d.known && isBlank(text[0]) { // the journal indents what goes on with a message
		return nil
	}
	if text[0] == '-' && isRemark(text) {
		d.known = true
		d.sum.Lines-- // it is none of the log's
		return nil
	}
	if d.o.Own != nil {
		return d.readOwn(text)
	}
	e := &d.entry
	if d.isFirst(text, e) {
		d.plain = true
		return nil
	}
	outer := len(text)
	text, wrote, err := d.unwrap(text)
	if err != nil || len(text) == 0 || len(text) < outer && d.isFirst(text, e) {
		return err
	}
	if d.clock.split(text, e) && (d.bare < 0 || len(e.host)+len(e.pid) > 0 || slices.Contains(d.formsAt(e), d.bare)) {
		return d.readBy(e, d.formsAt(e))
	}
	d.loosen(text)
	if d.bare >= 0 && d.readMessage(e, text, wrote) {
		return nil
	}
	for i := range formats {
		f := &formats[i]
		if d.readers[i] == nil || f.line == nil {
			continue
		}
		if f.line(&d.clock, text, e) {
			d.doubtAt(i)
			d.alone[0] = i
			return d.readBy(e, d.alone[:])
		}
	}
	return d.notUnderstood(text)
}

// isFirst reads a line of one of the forms that are tried before all, and tells whether it is one.
func (d *digest) isFirst(text []byte, e *entry) bool {
	for n, i := range d.first {
		if formats[i].first(&d.clock, text, e) {
			if n > 0 { // the next line is mostly of the same form, and of no other
				d.first[0], d.first[n] = i, d.first[0]
			}
			d.doubtAt(i)
			if d.known = true; d.dated(e.at) {
				d.give(e, i)
			}
			return true
		}
	}
	return false
}

// readMessage reads a line that is a message alone, and tells whether it is one: where neither it nor what is around it has a time,
// because it shows something. It is then of the moment of reading.
func (d *digest) readMessage(e *entry, text []byte, wrote time.Time) bool {
	at, message, timed := d.clock.time(text)
	switch {
	case timed:
	case wrote.IsZero():
		e.fields = fields{at: d.clock.at, message: text}
		shows := d.give(e, d.bare)
		d.known = d.known || shows
		return shows
	default:
		at, message = wrote, text
	}
	e.fields = fields{at: at, message: message}
	if d.known = true; d.dated(at) {
		d.give(e, d.bare)
	}
	return true
}

// readOwn reads a line by the operator's pattern.
func (d *digest) readOwn(text []byte) error {
	at, ev, ok := d.o.Own.read(&d.clock, d.own, text)
	switch {
	case !ok:
		d.unknown(text)
		return nil
	case !d.dated(at):
		return nil
	}
	if ev.Source.IsValid() && ev.Kind+ev.Service != "" {
		d.count(&ev, d.number)
	}
	return nil
}

// formsAt is formsOf for a line's program.
func (d *digest) formsAt(e *entry) []int {
	h := e.head
	if h == nil {
		return d.formsOf(e.program)
	}
	if !h.asked {
		h.forms, h.asked = d.formsOf(e.program), true
	}
	return h.forms
}

// formsOf returns the forms that a program's lines may be of. It remembers them, for programs are few and lines many.
func (d *digest) formsOf(program []byte) []int {
	forms, ok := d.programs[string(program)]
	if ok {
		return forms
	}
	for i, f := range formats {
		if d.readers[i] != nil && f.program != nil && f.program(program) {
			forms = append(forms, i)
		}
	}
	if len(d.programs) >= mostPrograms {
		clear(d.programs)
	}
	d.programs[string(program)] = forms
	return forms
}

// mostPrograms bounds how many programs are remembered.
const mostPrograms = 256

// readBy gives a line to the readers that it is for, until one makes an event of it.
func (d *digest) readBy(e *entry, forms []int) error {
	d.known = true
	if !d.dated(e.at) {
		return nil
	}
	for _, i := range forms {
		if d.give(e, i) || len(e.message) == 0 {
			break
		}
		if p := d.puzzlers[i]; p != nil && p.puzzled() {
			return d.notUnderstood(e.message)
		}
	}
	return nil
}

// give gives a line to one reader, and tells whether that made an event of it.
func (d *digest) give(e *entry, form int) bool {
	if !d.seen[form] {
		d.recognise(form)
	}
	f := &formats[form]
	if f.piece != nil && d.isPiece(e, f.piece(e)) {
		return false
	}
	q, cut := d.doubters[form], f.wasCut(e)
	if len(e.message) == 0 || cut && q == nil {
		return false
	}
	shows := d.readers[form].read(e) && !cut
	if q != nil {
		if raw, alone := q.raw(); raw {
			if d.doubtAll(); alone {
				d.inDoubt().own = f.name
			}
		}
	}
	switch {
	case !shows:
	case d.doubtful || e.printed:
		d.keep(&e.shows, form)
	default:
		d.count(&e.shows, d.number)
	}
	return shows
}

// mostPieces bounds whose messages are remembered to go on.
const mostPieces = 1024

// isPiece tells whether a line is a piece of a message: one that goes on, as it seems, and those behind it to the first that doesn't. All
// but the front of the message may be a client's.
func (d *digest) isPiece(e *entry, seems bool) bool {
	if !seems && len(d.pieces) == 0 {
		return false
	}
	whose := string(e.host) + " " + string(e.program)
	goesOn := d.pieces[whose]
	delete(d.pieces, whose)
	if seems && len(d.pieces) < mostPieces {
		d.pieces[whose] = true
	}
	return seems || goesOn
}

// isRemark tells what journalctl says of itself between the lines.
func isRemark(text []byte) bool {
	for _, remark := range []string{"-- No entries --", "-- cursor: ", "-- Logs begin at ", "-- Journal begins at ", "-- Boot ", "-- Reboot --"} {
		if _, ok := after(text, remark); ok {
			return true
		}
	}
	return false
}

// recognise notes that there are lines of a form.
func (d *digest) recognise(form int) {
	d.seen[form] = true
	d.sum.Formats = nil
	for i, f := range formats {
		if d.seen[i] {
			d.sum.Formats = append(d.sum.Formats, f.name)
		}
	}
}

// dated notes the time of a line, and tells whether it counts: one of the future doesn't.
func (d *digest) dated(at time.Time) bool {
	if at == d.sum.Last { // as most are: of the same second, read in the same way
		return true
	}
	newest := d.clock.future
	if !d.o.Newest.IsZero() {
		newest = d.o.Newest
	}
	if at.After(newest) {
		d.sum.Future++
		return false
	}
	if d.sum.Last.Before(at) {
		d.sum.Last = at
	}
	return true
}

// unknown counts a line that isn't understood.
func (d *digest) unknown(text []byte) {
	d.sum.Unknown++
	if d.sum.Example == "" {
		d.sum.Example = string(text[:min(len(text), 100)])
	}
}

// notUnderstood counts a line that no form has, and gives up where none of the first ones has any.
func (d *digest) notUnderstood(text []byte) error {
	d.unknown(text)
	if d.trial++; d.trial >= trialLines && !d.known {
		return &FormatError{d.name, d.sum.Example}
	}
	return nil
}

func (d *digest) count(ev *Event, line int64) {
	if ev.At.Unix() < 0 { // no record may be older; a clock that is so far behind is no reason to lose what was seen
		ev.At = time.Unix(0, 0).UTC()
	}
	if ev.Kind != "" {
		d.sum.Hostile++
	} else {
		d.sum.Honest++
	}
	d.tally.add(ev)
	if d.o.Line != nil {
		d.o.Line(line, *ev)
	}
}
