package evidence

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"syscall"
)

// longestLine bounds a line, in bytes; what is longer is passed over without being kept.
const longestLine = 64 << 10

var errUTF16 = errors.New("it is UTF-16; expected UTF-8")

// unpack returns r, unpacked where it is gzipped, and whether it is.
func unpack(r io.Reader) (in *bufio.Reader, packed bool, err error) {
	in = bufio.NewReaderSize(r, 2*longestLine)
	head, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	if packed = bytes.HasPrefix(head, []byte{0x1f, 0x8b}); packed {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, true, gzip.ErrHeader
		}
		in = bufio.NewReaderSize(z, 2*longestLine)
		if head, err = in.Peek(4); err != nil && !errors.Is(err, io.EOF) {
			return nil, true, err
		}
	}
	if isUTF16(head) {
		return nil, packed, errUTF16
	}
	return in, packed, nil
}

// isUTF16 tells a byte order mark, or two Latin letters, of UTF-16.
func isUTF16(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	return head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff ||
		head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0 || head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0
}

// cause is what went wrong, without a file's name around it.
func cause(err error) error {
	var p *os.PathError
	switch {
	case errors.Is(err, syscall.EMFILE):
		return errors.New("too many open files; expected a higher limit on them (ulimit -n)")
	case errors.As(err, &p):
		return p.Err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), isFlate(err):
		return errors.New("damaged gzip")
	}
	return err
}

func isFlate(err error) bool { return errors.As(err, new(flate.CorruptInputError)) }

// all reads every line. A last one without an end counts where the log is whole; in one that is being written it is left for
// the next time. It returns how many bytes the lines took.
func (d *digest) all(ctx context.Context, in *bufio.Reader, whole bool) (int64, error) {
	defer d.releaseAll()
	taken := int64(0)
	for {
		if ctx.Err() != nil {
			return taken, ctx.Err()
		}
		n, err := d.buffered(in)
		if taken += n; err != nil {
			return taken, err
		}
		text, size, err := nextLine(ctx, in)
		ended := len(text) > 0 && text[len(text)-1] == '\n' || text == nil && err == nil
		// What stands right before damage isn't a line: its end, where the peer's address is, may be missing.
		if size > 0 && (ended || whole && errors.Is(err, io.EOF)) {
			taken += size
			if text == nil {
				d.long()
			} else if failed := d.line(text); failed != nil {
				return taken, failed
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return taken, d.recognised()
		case ctx.Err() != nil:
			return taken, ctx.Err()
		default:
			return taken, &DamageError{d.name, d.number, cause(err).Error()}
		}
	}
}

// buffered reads the lines that are whole in a reader's buffer, and returns how many bytes they took.
func (d *digest) buffered(in *bufio.Reader) (int64, error) {
	text, err := in.Peek(in.Buffered())
	if err != nil {
		return 0, err
	}
	n := 0
	for {
		i := bytes.IndexByte(text[n:], '\n') + 1
		if i == 0 {
			break
		}
		line := text[n : n+i]
		if n += i; i > longestLine {
			d.long()
		} else if err = d.line(line); err != nil {
			break
		}
	}
	if _, failed := in.Discard(n); failed != nil {
		return 0, failed
	}
	return int64(n), err
}

// long counts a line that is too long to be read.
func (d *digest) long() {
	d.sum.Lines++
	d.number++
	d.sum.Long++
	d.parts = parts{true, true} // what follows in a container's log may be the rest of it
}

// recognised tells whether anything of a short log was in a form that is known.
func (d *digest) recognised() error {
	if d.trial > 0 && !d.known {
		return &FormatError{d.name, d.sum.Example}
	}
	return nil
}

// nextLine returns a line with its end, and how many bytes it took; a line that is too long is nil.
func nextLine(ctx context.Context, in *bufio.Reader) ([]byte, int64, error) {
	text, err := in.ReadSlice('\n')
	if err == nil && len(text) <= longestLine {
		return text, int64(len(text)), nil
	}
	if len(text) <= longestLine && !errors.Is(err, bufio.ErrBufferFull) {
		return text, int64(len(text)), err
	}
	size := int64(len(text))
	for errors.Is(err, bufio.ErrBufferFull) {
		if ctx.Err() != nil {
			return nil, size, ctx.Err()
		}
		text, err = in.ReadSlice('\n')
		size += int64(len(text))
	}
	return nil, size, err
}
