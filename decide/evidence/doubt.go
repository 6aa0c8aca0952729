package evidence

import (
	"bytes"
	"math"

	"lastresort/decide/history"
)

// doubt is about a log into which a server writes what clients send as it comes, line ends too: whole lines of it may be a
// client's. nginx does so in its error log, with the decoded path of a file that isn't there, with a user's name, and with what
// an application behind it says. A container's streams are a log each.
type doubt struct {
	on    bool    // the log has lines of such a server
	raw   bool    // and some that may be a client's without a sign of it: from there on nothing in it is proof
	own   string  // the form of the lines that it has alone, where it is raw and a server's own; those of others are a client's
	room  int64   // what the server cuts a message to
	end   place   // of what was read
	lines int64   // how many were read
	heads []place // where in the last bytes a message may have begun, as many as there is room for
	held  []held  // what these show, which the next lines may take back
	gone  int     // how many at its front were counted
}

// place is how far into a log something is, in bytes. What a container's runtime didn't take for UTF-8 it writes as another letter,
// so there is a least and a most.
type place struct{ least, most int64 }

// held is an event of a line.
type held struct {
	Event
	number int64 // of the line in the log
	line   int64 // of those that were read
	begins int64 // where it did, at most
}

// What messages are cut to, by nginx and by OpenResty (NGX_MAX_ERROR_STR).
const (
	roomOfNginx     = 2048
	roomOfOpenResty = 4096
)

// doubter is a reader of lines that may be no proof.
type doubter interface {
	// raw tells whether the last line shows that clients may write whole ones without a sign of it, and whether its server alone
	// writes into its log.
	raw() (is, alone bool)
}

// inDoubt returns the present line's log. What looks like a container's line in another log may be a client's.
func (d *digest) inDoubt() *doubt {
	if d.stdout && !d.plain {
		return &d.doubts[1]
	}
	return &d.doubts[0]
}

// loosen notes a message alone of a program that writes line ends as clients send them: whatever stands in the log may be theirs.
func (d *digest) loosen(text []byte) {
	for i := range formats {
		if loose := formats[i].loose; loose != nil && d.readers[i] != nil && loose(text) {
			d.doubtAll()
		}
	}
}

// doubtAt notes a line of a form, whether it counts or not.
func (d *digest) doubtAt(form int) {
	if formats[form].raw {
		d.head, d.inDoubt().on, d.doubtful = true, true, true
	}
}

// doubtAll notes that the present line's log is no proof from here on.
func (d *digest) doubtAll() { d.inDoubt().raw, d.doubtful, d.sum.OneWay = true, true, true }

// keep counts an event, now or once no line can take it back.
func (d *digest) keep(ev *Event, form int) {
	q := d.inDoubt()
	// A name holds no colon, and the message's own end follows the last line of a client's.
	forged := q.on && !formats[form].raw && (bytes.IndexByte(d.text, ':') < 0 || bytes.Contains(d.text, []byte(", client: ")))
	forged = forged || q.own != "" && q.own != formats[form].name
	loose := q.raw || d.entry.printed && formats[form].loose != nil
	if loose && ev.lessen() || forged {
		d.sum.Forged++
		return
	}
	if !q.on {
		d.count(ev, d.number)
		return
	}
	q.held = append(q.held, held{*ev, d.number, q.lines, q.end.most})
}

// lessen makes of an event what is no proof. It is true for honest traffic, which then is nothing.
func (e *Event) lessen() (nothing bool) {
	e.Proof = history.OneWay
	return e.Kind == ""
}

// settle takes back what the present line shows to be a client's, and counts what nothing can show that of any more. Of a message
// that wasn't cut the last line holds the request, in which line ends are as they came. One that was cut ends where its room
// does: if that is where a line ends by itself, it may be so by chance.
func (d *digest) settle(q *doubt) {
	begins := q.end
	size := int64(d.entry.size) + 1
	q.end.most += size
	q.end.least += size - d.unsure
	switch {
	case size-d.unsure > roomOfNginx:
		q.room = roomOfOpenResty
	case q.room == 0:
		q.room = roomOfNginx
	}
	if n := lineEnds(d.text); n > 0 {
		first := q.lines - n
		d.sum.Forged += q.change(func(e *held) bool { return e.line < first || e.line >= q.lines })
	}
	q.lines++
	if d.head {
		q.heads = append(q.heads, begins)
	}
	old := 0
	for old < len(q.heads) && q.end.least-q.heads[old].least > q.room {
		old++
	}
	q.heads = append(q.heads[:0], q.heads[old:]...)
	for _, from := range q.heads {
		if from.reaches(q.end, roomOfNginx) || from.reaches(q.end, q.room) {
			message := d.entry.message
			whole := d.head && !d.padded && len(message) > 0 && message[len(message)-1] == '"'
			d.sum.Forged += q.change(func(e *held) bool { return e.begins < from.most || whole && !e.lessen() })
			break
		}
	}
	d.release(q, q.end.least-q.room)
}

// reaches tells whether a place may be so many bytes before another.
func (p place) reaches(end place, bytes int64) bool {
	return end.least-p.least <= bytes && bytes <= end.most-p.most
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

// change keeps what is to be kept of the events that are held, and returns how many aren't.
func (q *doubt) change(keep func(*held) bool) (gone int64) {
	kept := q.held[:0]
	for _, e := range q.held[q.gone:] {
		if keep(&e) {
			kept = append(kept, e)
		} else {
			gone++
		}
	}
	q.held, q.gone = kept, 0
	return gone
}

// release counts what lines show that began before a place, in their order.
func (d *digest) release(q *doubt, before int64) {
	for q.gone < len(q.held) && q.held[q.gone].begins < before {
		d.count(&q.held[q.gone].Event, q.held[q.gone].number)
		q.gone++
	}
	if q.gone*2 > len(q.held) {
		q.held = append(q.held[:0], q.held[q.gone:]...)
		q.gone = 0
	}
}

// releaseAll counts what is held at a log's end: nothing follows, for a message is written at once.
func (d *digest) releaseAll() {
	for i := range d.doubts {
		d.release(&d.doubts[i], math.MaxInt64)
	}
}
