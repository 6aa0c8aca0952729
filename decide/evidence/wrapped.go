package evidence

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// wrapped is a line of JSON around a line of a log: what container runtimes write, and journalctl -o json.
type wrapped struct {
	Log  string    `json:"log"`
	Time time.Time `json:"time"`

	Message    json.RawMessage `json:"MESSAGE"`
	Host       string          `json:"_HOSTNAME"`
	Identifier string          `json:"SYSLOG_IDENTIFIER"`
	Command    string          `json:"_COMM"`
	PID        string          `json:"_PID"`
	SyslogPID  string          `json:"SYSLOG_PID"`
	Written    string          `json:"__REALTIME_TIMESTAMP"` // microseconds
}

// unwrap takes the JSON off a line. inner is a line that a container wrote; a line of the journal is taken apart at once.
func unwrap(line []byte) (inner []byte, e fields, journal, ok bool) {
	if len(line) < 2 || line[0] != '{' || !bytes.Contains(line, []byte(`"log"`)) && !bytes.Contains(line, []byte(`"MESSAGE"`)) {
		return nil, e, false, false
	}
	var w wrapped
	if json.Unmarshal(line, &w) != nil {
		return nil, e, false, false
	}
	if w.Message == nil {
		return []byte(w.Log), fields{at: w.Time}, false, w.Log != ""
	}
	micro, err := strconv.ParseInt(w.Written, 10, 64)
	text, known := journalText(w.Message)
	if err != nil || !known {
		return nil, e, true, false
	}
	e = fields{at: time.UnixMicro(micro), host: []byte(w.Host), program: []byte(w.Identifier), pid: []byte(w.PID), message: text}
	if w.Identifier == "" {
		e.program = []byte(w.Command)
	}
	if w.SyslogPID != "" {
		e.pid = []byte(w.SyslogPID)
	}
	e.program = e.program[bytes.LastIndexByte(e.program, '/')+1:]
	return nil, e, true, true
}

// journalText reads a message: text, or an array of bytes where it isn't UTF-8.
func journalText(raw json.RawMessage) ([]byte, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []byte(text), true
	}
	var numbers []uint8
	var list []int
	if json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	for _, n := range list {
		if n < 0 || n > 255 {
			return nil, false
		}
		numbers = append(numbers, uint8(n))
	}
	return numbers, true
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
