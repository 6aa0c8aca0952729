package evidence

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// unwrap takes the JSON off a line of a log: what container runtimes write, and journalctl -o json. inner is a line that a
// container wrote; a line of the journal is taken apart at once.
func (m *objects) unwrap(line []byte) (inner []byte, e fields, journal, ok bool) {
	if len(line) < 2 || line[0] != '{' || !bytes.Contains(line, []byte(`"log"`)) && !bytes.Contains(line, []byte(`"MESSAGE"`)) {
		return nil, e, false, false
	}
	o, ok := m.members(line)
	if !ok {
		return nil, e, false, false
	}
	message, journal := o.find("MESSAGE")
	if !journal {
		if raw, _ := o.find("log"); len(raw) == 0 || raw[0] != '"' {
			return nil, e, false, false
		}
		if at := o.text("time"); at != "" {
			var err error
			if e.at, err = time.Parse(time.RFC3339, at); err != nil {
				return nil, fields{}, false, false
			}
		}
		inner = o.bytes("log")
		return inner, e, false, len(inner) > 0
	}
	micro, err := strconv.ParseInt(o.text("__REALTIME_TIMESTAMP"), 10, 64)
	text, known := journalText(message)
	if err != nil || !known {
		return nil, e, true, false
	}
	e = fields{at: time.UnixMicro(micro), host: o.bytes("_HOSTNAME"), program: o.bytes("SYSLOG_IDENTIFIER", "_COMM"),
		pid: o.bytes("SYSLOG_PID", "_PID"), message: text}
	e.program = e.program[bytes.LastIndexByte(e.program, '/')+1:]
	return nil, e, true, true
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

// unwrapCRI takes off what Kubernetes' runtimes put before a line: TIME stdout|stderr F|P. A part of a line, P, counts for
// nothing.
func unwrapCRI(line []byte) ([]byte, bool) {
	if len(line) < 40 || line[4] != '-' || line[10] != 'T' {
		return nil, false
	}
	_, rest := firstWord(line)
	for _, stream := range []string{"stdout F ", "stderr F "} {
		if inner, ok := after(rest, stream); ok {
			return inner, true
		}
	}
	return nil, false
}
