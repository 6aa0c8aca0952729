package evidence

import (
	"encoding/json"
	"maps"
	"slices"
)

// format is one form of log. A new one is one file with its reader, and one line in formats.
type format struct {
	name    string
	program func(name []byte) bool                     // whether a program's syslog lines are for it; nil for none
	line    func(c *clock, line []byte, e *entry) bool // takes a line of its own apart that isn't syslog's; nil for none
	first   func(c *clock, line []byte, e *entry) bool // is line for those that no other form can have, and tried before all; nil for none
	open    func(Options) reader
	// cut is from how many bytes on a line counts for nobody: its end may have been cut off, and with it the address, which stands
	// behind what a client chose. 0 where the address comes first.
	cut int
	// piece tells whether a line may be a piece of a message, of which the rest follows without a sign, as a line of its own. nil where
	// its programs don't write such ones.
	piece func(e *entry) bool
	// raw tells that its program writes what clients send as it comes, line ends too.
	raw bool
	// loose tells of a message whether its program writes such ones, and line ends in them as clients send them where no syslog
	// takes them. nil where it never does.
	loose func(message []byte) bool
}

// What cuts lines: the syslog of BusyBox, at 256 bytes with a mark of up to five before its time
// (FEATURE_SYSLOGD_READ_BUFFER_SIZE); relays of syslog, at 1,024 bytes (RFC 3164, section 4.1); nginx, at 2,048
// (NGX_MAX_ERROR_STR); exim and rsyslog, at 8,192 (LOG_BUFFER_SIZE, maxMessageSize).
const (
	cutByBusyBox  = 245
	roomOfBusyBox = 256
	cutByRelay    = 1000
	cutByNginx    = 2000
	cutByExim     = 8000
)

// wasCut tells whether a line may miss the address that it is about.
func (f *format) wasCut(e *entry) bool { return f.cut > 0 && e.mayBeCut(f.cut) }

// mayBeCut tells whether a line's end may have been cut off, by what cuts at so many bytes or by BusyBox.
func (e *entry) mayBeCut(at int) bool { return e.cut || e.size >= at }

// formats are all forms that are known. Most stand in syslog lines, which are taken apart once for all.
var formats = []format{
	{name: "sshd", program: isSshd, open: newSshd, cut: cutByRelay, loose: isSshdMessage},
	{name: "netfilter", program: isKernel, open: newNetfilter},
	{name: "dropbear", program: isDropbear, line: dropbearLine, open: newDropbear, cut: cutByRelay},
	{name: "postfix", program: isPostfix, open: newPostfix},
	{name: "dovecot", program: isDovecot, open: newDovecot, cut: cutByRelay},
	{name: "exim", program: isExim, line: eximLine, first: etrnLine, open: newExim, cut: cutByExim},
	{name: "sendmail", program: isSendmail, open: newSendmail, cut: cutByRelay},
	{name: "mailboxes", program: isMailbox, open: newMailboxes, cut: cutByRelay, piece: isPieceOfCourier},
	{name: "proftpd", program: isProftpd, line: proftpdLine, open: newProftpd},
	{name: "access", program: isWebServer, line: accessLine, first: requestOf, open: newAccess},
	{name: "proxy-manager", line: proxyManagerLine, open: newProxyManager},
	{name: "suricata", line: suricataLine, open: newSuricata},
	{name: "zeek", line: zeekLine, open: newZeek},
	{name: "access-json", program: isJSONServer, line: accessJSONLine, open: newAccessJSON},
	{name: "apache-error", program: isApache, line: apacheLine, first: apacheLine, open: newApacheError},
	{name: "nginx-error", line: nginxLine, first: nginxLine, open: newNginxError, cut: cutByNginx, raw: true},
	{name: "vsftpd", program: isVsftpd, line: vsftpdLine, open: newVsftpd, cut: cutByRelay},
	{name: "fail2ban", program: isFail2ban, line: fail2banLine, open: newFail2ban},
}

// reader reads the lines of one form, from the first to the last of a log, with a memory of its own that is bounded.
type reader interface {
	// read tells what a line shows, if it shows anything. The line is gone when it returns.
	read(e *entry) bool
}

// rememberer is a reader that must know the next time what it knew at the end of the last, lest an attempt whose lines came
// partly before and partly after count twice.
type rememberer interface {
	// save returns what it knows, a few KB of JSON at most; nil for nothing.
	save() json.RawMessage
	// resume takes it up again. What it can't read it ignores.
	resume(json.RawMessage)
}

// puzzler is a reader that may not understand a line which its form's header is right for.
type puzzler interface {
	// puzzled tells whether the last line was such a one.
	puzzled() bool
}

// Formats lists the names of the forms of log that are known.
func Formats() []string {
	var out []string
	for _, f := range formats {
		out = append(out, f.name)
	}
	return out
}

// Under these is remembered, beside the forms, what the parts of a container's lines are, that a log is no proof, and whose messages
// go on.
const (
	inContainer = "container"
	inDoubt     = "doubt"
	inPieces    = "pieces"
)

// save returns what the readers that remember know, by form.
func (d *digest) save() map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for i, f := range formats {
		if r, ok := d.readers[i].(rememberer); ok {
			if text := r.save(); text != nil {
				out[f.name] = text
			}
		}
	}
	if d.parts != (parts{}) {
		if text, err := json.Marshal(d.parts); err == nil {
			out[inContainer] = text
		}
	}
	if raw := [2]rawLog{d.doubts[0].remembered(), d.doubts[1].remembered()}; raw != [2]rawLog{} {
		if text, err := json.Marshal(raw); err == nil {
			out[inDoubt] = text
		}
	}
	if len(d.pieces) > 0 {
		if text, err := json.Marshal(slices.Sorted(maps.Keys(d.pieces))); err == nil {
			out[inPieces] = text
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// resume gives the readers back what they knew.
func (d *digest) resume(state map[string]json.RawMessage) {
	for i, f := range formats {
		if r, ok := d.readers[i].(rememberer); ok && state[f.name] != nil {
			r.resume(state[f.name])
		}
	}
	if text := state[inContainer]; text != nil && json.Unmarshal(text, &d.parts) != nil {
		d.parts = parts{true, true}
	}
	if text := state[inPieces]; text != nil {
		var whose []string
		if json.Unmarshal(text, &whose) == nil {
			for _, w := range whose {
				d.pieces[w] = true
			}
		}
	}
	if text := state[inDoubt]; text != nil {
		var raw [2]rawLog
		if json.Unmarshal(text, &raw) != nil {
			raw = [2]rawLog{{Raw: true}, {Raw: true}}
		}
		for i, r := range raw {
			d.doubts[i].raw, d.doubts[i].own = r.Raw, r.Own
			d.doubtful, d.sum.OneWay = d.doubtful || r.Raw, d.sum.OneWay || r.Raw
		}
	}
}

// rawLog is what is remembered of a log that is no proof.
type rawLog struct {
	Raw bool   `json:"raw"`
	Own string `json:"own,omitempty"`
}

func (q *doubt) remembered() rawLog { return rawLog{q.raw, q.own} }
