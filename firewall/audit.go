package firewall

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AuditChange is a change of our table as the kernel's audit log has it.
type AuditChange struct {
	At      time.Time `json:"at"`
	Program string    `json:"program"` // its name, as it gives it itself
	PID     int       `json:"pid"`
	What    string    `json:"what"` // as the kernel calls it, such as nft_unregister_table
}

// auditLogs are where the audit log ends up: with auditd in its own file, without it among the kernel's messages.
var auditLogs = []string{"var/log/audit/audit.log", "var/log/kern.log", "var/log/messages"}

// auditTail is how much of a log's end is read.
const auditTail = 4 << 20

// Others returns who changed a table of ours since a moment, one line for each process and kind of change, in the order of the
// last of each. It is known only where the machine keeps an audit log: nftables itself remembers nobody, and asked for the last
// change it names who asks. root is the machine's file system; own is the name under which we run.
func Others(root fs.FS, table, own string, since time.Time) []AuditChange {
	var out []AuditChange
	for _, name := range auditLogs {
		tail(root, name, func(line []byte) {
			x, ok := auditLine(line, table)
			if !ok || x.Program == own || x.At.Before(since) {
				return
			}
			out = slices.DeleteFunc(out, func(y AuditChange) bool { return x.PID == y.PID && x.Program == y.Program && x.What == y.What })
			out = append(out, x)
		})
	}
	slices.SortStableFunc(out, func(a, b AuditChange) int { return a.At.Compare(b.At) })
	return out
}

// tail calls each for the whole lines at the end of a file. What can't be read is left out.
func tail(root fs.FS, name string, each func([]byte)) {
	f, err := root.Open(name)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	cut := info.Size() > auditTail
	if s, ok := f.(io.Seeker); cut && ok {
		if _, err := s.Seek(-auditTail, io.SeekEnd); err != nil {
			return
		}
	}
	s := bufio.NewScanner(io.LimitReader(f, auditTail))
	for s.Buffer(nil, auditTail); s.Scan(); cut = false {
		if !cut { // the first line may have lost its beginning
			each(s.Bytes())
		}
	}
}

// auditLine reads a NETFILTER_CFG record, which is number 1325 among the kernel's messages:
// "… audit(1793584800.123:45): table=NAME:GENERATION family=1 entries=1 op=nft_unregister_table pid=99 subj=… comm="nft"".
func auditLine(line []byte, table string) (x AuditChange, ok bool) {
	const inet = "1" // NFPROTO_INET
	kind, rest, found := bytes.Cut(line, []byte("audit("))
	if !found || !bytes.Contains(kind, []byte("NETFILTER_CFG")) && !bytes.Contains(kind, []byte("type=1325 ")) {
		return x, false
	}
	moment, rest, _ := bytes.Cut(rest, []byte(":"))
	seconds, err := strconv.ParseFloat(string(moment), 64)
	if err != nil {
		return x, false
	}
	x.At = time.UnixMilli(int64(seconds * 1000)).UTC()
	ours := false
	for word := range strings.FieldsSeq(string(rest)) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "table":
			name, _, _ := strings.Cut(value, ":")
			ours = name == table
		case "family":
			ok = value == inet
		case "op":
			x.What = value
		case "pid":
			x.PID, _ = strconv.Atoi(value)
		case "comm":
			x.Program = auditText(value)
		}
	}
	return x, ours && ok && strings.HasPrefix(x.What, "nft_")
}

// auditText is a text that the audit log has in quotes or, where it holds anything odd, in hexadecimal digits.
func auditText(s string) string {
	if text, ok := strings.CutPrefix(s, `"`); ok {
		return strings.TrimSuffix(text, `"`)
	}
	if b, err := hex.DecodeString(s); err == nil {
		return strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return '?'
			}
			return r
		}, strings.ToValidUTF8(string(b), "?"))
	}
	return s
}
