package evidence

import (
	"bytes"

	"lastresort/decide/history"
)

// doubt is about a log into which a server writes what clients send as it comes, line ends too: whole lines of it may be a
// client's. nginx does so in its error log, with the decoded path of a file that isn't there, with a user's name, and with what
// an application behind it says.
type doubt struct {
	on    bool    // the log has lines of such a server
	raw   bool    // and some that may be a client's without a sign of it: from there on nothing in it is proof
	room  int64   // what the server cuts a message to
	at    int64   // how many bytes were read
	lines int64   // and how many lines
	heads []int64 // where in the last bytes a message may have begun, as many as there is room for
	held  []held  // what these show, which the next lines may take back
	gone  int     // how many at its front were counted
}

// held is an event of a line.
type held struct {
	Event
	number int64 // of the line in the log
	line   int64 // of those that were read
	begins int64 // where it did
	safe   bool  // it is of another stream, into which no such server writes
}

// What messages are cut to, by nginx and by OpenResty (NGX_MAX_ERROR_STR).
const (
	roomOfNginx     = 2048
	roomOfOpenResty = 4096
)

// doubter is a reader of such a log.
type doubter interface {
	// raw tells whether the last line holds what may be anything without a sign of it in the rest of the message.
	raw() bool
}

// keep counts an event, now or once no line can take it back.
func (d *digest) keep(ev *Event, form int) {
	q := &d.doubt
	if !q.on {
		d.count(ev, d.number)
		return
	}
	e := held{*ev, d.number, q.lines, q.at, d.stdout}
	if e.safe || !q.raw && !formats[form].unmarked || e.lessen() {
		q.held = append(q.held, e)
	}
}

// lessen makes of an event what is no proof. It is false for honest traffic, which then is nothing.
func (e *held) lessen() bool {
	e.Proof = history.OneWay
	return e.Kind != ""
}

// settle takes back what a line shows to be a client's, and counts what nothing can show that of any more. Of a message that wasn't
// cut the last line holds the request, in which line ends are as they came. One that was cut ends where its room does: if that
// is where a line ends by itself, it may be so by chance.
func (d *digest) settle(text []byte, whole bool) {
	q := &d.doubt
	if d.stdout {
		return
	}
	begins := q.at
	q.at += int64(d.entry.size) + 1
	if q.room == 0 || q.at-begins > q.room {
		q.room = max(q.room, roomOfNginx)
		if q.at-begins > q.room {
			q.room = roomOfOpenResty
		}
	}
	if n := lineEnds(text); n > 0 {
		first := q.lines - n
		q.change(func(e *held) bool { return e.line < first || e.line >= q.lines })
	}
	q.lines++
	if d.head {
		q.heads = append(q.heads, begins)
	}
	old := 0
	for old < len(q.heads) && q.at-q.heads[old] > q.room {
		old++
	}
	q.heads = append(q.heads[:0], q.heads[old:]...)
	if len(q.heads) > 0 && q.at-q.heads[0] == q.room {
		from := q.heads[0]
		q.change(func(e *held) bool { return e.begins < from || whole && e.lessen() })
	}
	d.release(q.at - q.room)
}

// lineEnds counts the line ends in the requests that a line holds, as they are sent.
func lineEnds(text []byte) int64 {
	n := int64(0)
	for {
		i := bytes.IndexByte(text, '%')
		if i < 0 || i+2 >= len(text) {
			return n
		}
		if text[i+1] == '0' && text[i+2]|0x20 == 'a' {
			n++
		}
		text = text[i+1:]
	}
}

// change keeps what is to be kept of the events that aren't safe.
func (q *doubt) change(keep func(*held) bool) {
	kept := q.held[:0]
	for _, e := range q.held[q.gone:] {
		if e.safe || keep(&e) {
			kept = append(kept, e)
		}
	}
	q.held, q.gone = kept, 0
}

// release counts what lines show that began before a place, in their order.
func (d *digest) release(before int64) {
	q := &d.doubt
	for q.gone < len(q.held) && q.held[q.gone].begins < before {
		d.count(&q.held[q.gone].Event, q.held[q.gone].number)
		q.gone++
	}
	if q.gone*2 > len(q.held) {
		q.held = append(q.held[:0], q.held[q.gone:]...)
		q.gone = 0
	}
}
