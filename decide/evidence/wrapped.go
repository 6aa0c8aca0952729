package evidence

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// unwrap takes off what is around the present line, and returns when that says that it was written. It returns nothing where a
// line counts by itself, as one of the journal does, or for nothing.
func (d *digest) unwrap(text []byte) (inner []byte, wrote time.Time, err error) {
	e := &d.entry
	if text[0] == '{' {
		w, unwrapped, journal, ok := e.unwrapJSON(text)
		switch {
		case ok && journal:
			e.fields, e.size = unwrapped, len(unwrapped.message)+unwrapped.stripped
			return nil, wrote, d.readBy(e, d.formsOf(e.program))
		case ok && !d.parts.whole(&w):
			return nil, wrote, d.notUnderstood(text)
		case ok:
			text, e.size, d.stdout = trim(w.text), sizeOf(w.text), string(w.stream) == "stdout"
			d.padded, d.text = e.size > len(text), text
			d.unsure = int64(bytes.Count(text, []byte("\uFFFD")) * (len("\uFFFD") - 1))
		default:
			d.plain = true
		}
		return text, w.at, nil
	}
	if w, ok := unwrapCRI(text); ok {
		if !d.parts.whole(&w) {
			return nil, wrote, d.notUnderstood(text)
		}
		if d.bare >= 0 { // else each line says when it was written
			wrote, _, _ = d.clock.time(text)
		}
		e.size -= len(text) - len(w.text)
		text, d.stdout, d.text = w.text, string(w.stream) == "stdout", w.text
		return text, wrote, nil
	}
	d.plain = true
	return text, wrote, nil
}

// written is a line that a container wrote, and what its runtime tells of it.
type written struct {
	text   []byte
	at     time.Time
	stream []byte
	part   bool // more of the line follows
}

// longestPart is a little less than what Docker keeps a line whole to, which it doesn't say of one that it cuts: 16 KiB.
const longestPart = 16000

// unwrapJSON takes the JSON off a line of a log: what Docker writes, and journalctl -o json. A line of the journal is taken apart at
// once.
func (m *objects) unwrapJSON(line []byte) (w written, e fields, journal, ok bool) {
	if len(line) < 2 || line[0] != '{' || !bytes.Contains(line, []byte(`"log"`)) && !bytes.Contains(line, []byte(`"MESSAGE"`)) {
		return w, e, false, false
	}
	o, ok := m.members(line)
	if !ok {
		return w, e, false, false
	}
	message, journal := o.find("MESSAGE")
	if !journal {
		if raw, _ := o.find("log"); len(raw) == 0 || raw[0] != '"' {
			return w, e, false, false
		}
		w = written{text: o.bytes("log"), stream: o.bytes("stream")}
		if at := o.text("time"); at != "" {
			var err error
			if w.at, err = time.Parse(time.RFC3339, at); err != nil {
				return w, e, false, false
			}
		}
		w.part = len(w.text) >= longestPart && w.text[len(w.text)-1] != '\n'
		return w, e, false, len(w.text) > 0
	}
	micro, err := strconv.ParseInt(o.text("__REALTIME_TIMESTAMP"), 10, 64)
	text, known := journalText(message)
	if err != nil || !known {
		return w, e, true, false
	}
	e = fields{at: time.UnixMicro(micro), host: o.bytes("_HOSTNAME"), program: o.bytes("SYSLOG_IDENTIFIER", "_COMM"),
		pid: o.bytes("SYSLOG_PID", "_PID"), message: text, printed: o.text("_TRANSPORT") == "stdout"}
	e.program = e.program[bytes.LastIndexByte(e.program, '/')+1:]
	if raw, changed := o.find("SYSLOG_RAW"); changed {
		sent, _ := journalText(raw)
		sent = bytes.TrimSuffix(sent, []byte("\n"))
		e.stripped = len(sent) - len(bytes.TrimRight(sent, " \t\r\n\x00"))
	}
	return w, e, true, true
}

// journalText reads a message: text, or an array of bytes where it isn't UTF-8.
func journalText(raw json.RawMessage) ([]byte, bool) {
	switch {
	case raw[0] == '"':
		return unquoted(raw)
	case string(raw) == "null": // one that was too large to be shown
		return nil, true
	}
	var list []uint16
	if json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	text := make([]byte, 0, len(list))
	for _, n := range list {
		if n > 255 {
			return nil, false
		}
		text = append(text, byte(n))
	}
	return text, true
}

// unwrapCRI takes off what Kubernetes' runtimes put before a line: TIME stdout|stderr F|P. P is a part of one.
func unwrapCRI(line []byte) (w written, ok bool) {
	if len(line) < 40 || line[4] != '-' || line[10] != 'T' {
		return w, false
	}
	_, rest := firstWord(line)
	w.stream, rest = firstWord(rest)
	if string(w.stream) != "stdout" && string(w.stream) != "stderr" {
		return w, false
	}
	mark, text := firstWord(rest)
	w.text, w.part = text, string(mark) == "P"
	return w, w.part || string(mark) == "F"
}

// parts tells of a container's stdout and stderr whether the last line was only a part of one.
type parts [2]bool

// whole notes a line and tells whether it is a whole one: where one begins in the middle of another, a client may have chosen
// all of it.
func (p *parts) whole(w *written) bool {
	open := &p[0]
	if string(w.stream) == "stderr" {
		open = &p[1]
	}
	begins := !*open
	*open = w.part
	return begins && !w.part
}
