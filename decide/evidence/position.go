package evidence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

// Position is how far a log that is being written was read. It is remembered as JSON. The zero Position is that of a log that
// was never read.
type Position struct {
	Device  uint64    `json:"device"`
	Inode   uint64    `json:"inode"`
	Offset  int64     `json:"offset"` // bytes, of the unpacked text
	Lines   int64     `json:"lines"`  // before it
	Head    int64     `json:"head"`   // how many of the first bytes Hash is of
	Hash    string    `json:"hash"`
	Written time.Time `json:"written,omitzero"` // when the file was last written to, when it was read
	Last    time.Time `json:"last,omitzero"`    // of the newest line
	// State is what the readers of the forms remember: the connections that hadn't ended.
	State map[string]json.RawMessage `json:"state,omitempty"`
}

// isZero tells whether the log was never read.
func (p Position) isZero() bool { return p.Hash == "" }

// headSize is how many of a log's first bytes tell it from others: two rotations never begin with the same lines.
const headSize = 1024

// file is one file of a log, open, and from where on it is to be read.
type file struct {
	*os.File
	path   string
	live   bool // it is still being written
	final  bool // it won't be written any more
	packed bool
	pos    Position // where it would begin
	head   []byte
	size   int64 // bytes, packed
	broken error // why it can't be read
	tee    *headTee
}

// open opens a file of a log and reads what tells it from others.
func open(path string) (f *file, err error) {
	opened, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f = &file{File: opened, path: path}
	if err = f.identify(); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return f, nil
}

var errFolder = errors.New("it is a folder; expected a log")

// identify sets all but the path. A pipe can be read only once, so it begins with nothing.
func (f *file) identify() error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errFolder
	case !info.Mode().IsRegular():
		return nil
	}
	f.size, f.pos.Written = info.Size(), info.ModTime().UTC()
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		f.pos.Device, f.pos.Inode = uint64(s.Dev), s.Ino
	}
	in, packed, err := unpack(io.NewSectionReader(f, 0, f.size))
	if err != nil {
		return err
	}
	f.packed = packed
	head, err := in.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return err
	}
	f.head = bytes.Clone(head) // its buffer is large, and there may be many files
	f.pos.Head, f.pos.Hash = int64(len(head)), hashOf(head)
	return nil
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// begins tells whether a file begins with what was read: at least a whole line, for many begin with the same few letters.
func (f *file) begins(with Position) bool {
	return with.Offset > 0 && with.Head <= int64(len(f.head)) && hashOf(f.head[:with.Head]) == with.Hash
}

// isFile tells whether a file is the one that was read, under whatever name.
func (f *file) isFile(p Position) bool { return f.pos.Device == p.Device && f.pos.Inode == p.Inode }

// headTee passes a file's bytes on and remembers those of its first headSize.
type headTee struct {
	in   io.Reader
	at   int64 // where in the file seen begins
	seen []byte
}

// Read implements io.Reader.
func (h *headTee) Read(p []byte) (int, error) {
	n, err := h.in.Read(p)
	if room := headSize - h.at - int64(len(h.seen)); room > 0 {
		h.seen = append(h.seen, p[:min(int64(n), room)]...)
	}
	return n, err
}

// wasCut tells whether a file was emptied after it was opened: it doesn't begin any more with what was read there. Where it
// began with less than a position remembers, that now takes in what was written meanwhile.
func (f *file) wasCut() bool {
	if f.packed || f.pos.Hash == "" || f.tee == nil {
		return false
	}
	head := make([]byte, headSize)
	n, _ := f.ReadAt(head, 0) // what can't be read isn't there any more
	head = head[:n]
	if !bytes.HasPrefix(head, f.head) || len(f.tee.seen) > 0 && (int64(n) < f.tee.at || !bytes.HasPrefix(head[f.tee.at:], f.tee.seen)) || int64(n) < min(f.pos.Offset, headSize) {
		return true
	}
	f.head = head
	f.pos.Head, f.pos.Hash = int64(n), hashOf(head)
	return false
}

// text opens the text of a file from where it is to be read, or from its end if that comes before. It returns from where.
func (f *file) text() (*bufio.Reader, int64, error) {
	offset := f.pos.Offset
	if !f.packed && offset > 0 {
		at, err := f.Seek(min(offset, f.size), io.SeekStart)
		f.tee = &headTee{in: f, at: at}
		return bufio.NewReaderSize(f.tee, 2*longestLine), at, err
	}
	f.tee = &headTee{in: f}
	in, _, err := unpack(f.tee)
	if err != nil {
		return nil, 0, err
	}
	at, err := io.CopyN(io.Discard, in, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return in, at, err
}

// settled tells whether nobody is writing to a log any more: a last line without an end won't get one.
func (f *file) settled() bool { return f.final || time.Since(f.pos.Written) > time.Minute }
