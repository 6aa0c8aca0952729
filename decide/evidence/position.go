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
}

// open opens a file of a log and reads what tells it from others.
func open(path string) (f *file, err error) {
	step()
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
	step()
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

// isAt tells whether a file is the one that has a name now.
func (f *file) isAt(path string) bool {
	step()
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return !ok || f.isFile(Position{Device: uint64(s.Dev), Inode: s.Ino})
}

// begun tells whether the first line of a file can tell it from others: many begin with the same half of one.
func (f *file) begun() bool { return len(f.head) == headSize || bytes.IndexByte(f.head, '\n') >= 0 }

// isUnborn tells whether a log that is being written hasn't begun yet. It isn't read then, for what it begins with tells nothing:
// it may be filled, copied away and filled again before it is read, and would begin as before.
func (f *file) isUnborn() bool {
	return f.live && !f.pos.isZero() && !f.begun() && (f.size == 0 || !f.settled())
}

// stands tells whether what was read of a file since it was opened is that file's: it wasn't emptied meanwhile, and written
// anew. That is looked at after reading, for no file becomes again what it was. It notes when what still stands was written.
func (f *file) stands() bool {
	if f.packed && f.begun() || f.pos.isZero() { // what is gzipped isn't emptied, but may be in the making
		return true
	}
	step()
	info, err := f.Stat()
	if err != nil {
		return false
	}
	if !f.begun() {
		return info.Size() == f.size && info.ModTime().Equal(f.pos.Written)
	}
	f.pos.Written = info.ModTime().UTC()
	return bytes.HasPrefix(f.headNow(), f.head)
}

// headNow returns the first bytes of a file that isn't packed.
func (f *file) headNow() []byte {
	step()
	head := make([]byte, headSize)
	n, _ := f.ReadAt(head, 0) // what can't be read isn't there any more
	return head[:n]
}

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	step()
	return f.File.Read(p)
}

// step is called before every look at a log, so that a test can rotate it there.
var step = func() {}

// text opens the text of a file from where it is to be read, or from its end if that comes before. It returns from where.
func (f *file) text() (*bufio.Reader, int64, error) {
	offset := f.pos.Offset
	if !f.packed && offset > 0 {
		at, err := f.Seek(min(offset, f.size), io.SeekStart)
		return bufio.NewReaderSize(f, 2*longestLine), at, err
	}
	in, _, err := unpack(f)
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
