package evidence

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
)

// longestLine bounds a line, in bytes; what is longer is passed over without being kept.
const longestLine = 64 << 10

// unpack returns r, unpacked where it is gzipped.
func unpack(r io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, 2*longestLine)
	head, err := in.Peek(2)
	if err == nil && head[0] == 0x1f && head[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, errors.New("damaged gzip")
		}
		return bufio.NewReaderSize(z, 2*longestLine), nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, cause(err)
	}
	return in, nil
}

// cause is what went wrong, without a file's name around it.
func cause(err error) error {
	var p *os.PathError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return errors.New("damaged gzip")
	}
	return err
}

// all reads every line. A last one without an end counts where the log is whole; in one that is being written it is left for
// the next time. It returns how many bytes the lines took.
func (d *digest) all(ctx context.Context, in *bufio.Reader, whole bool) (int64, error) {
	taken := int64(0)
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return taken, ctx.Err()
		}
		text, size, err := nextLine(in)
		ended := len(text) > 0 && text[len(text)-1] == '\n' || text == nil && err == nil
		if size > 0 && (ended || whole) {
			taken += size
			if text == nil {
				d.sum.Lines++
				d.sum.Long++
			} else if failed := d.line(text); failed != nil {
				return taken, failed
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return taken, d.recognised()
		case err != nil:
			return taken, &DamageError{d.name, d.sum.Lines, cause(err).Error()}
		}
	}
}

// recognised tells whether anything of a short log was in a form that is known.
func (d *digest) recognised() error {
	if d.trial > 0 && !d.known {
		return &FormatError{d.name, d.sum.Example}
	}
	return nil
}

// nextLine returns a line with its end, and how many bytes it took; a line that is too long is nil.
func nextLine(in *bufio.Reader) ([]byte, int64, error) {
	text, err := in.ReadSlice('\n')
	if len(text) > longestLine || errors.Is(err, bufio.ErrBufferFull) {
		size := int64(len(text))
		for errors.Is(err, bufio.ErrBufferFull) {
			text, err = in.ReadSlice('\n')
			size += int64(len(text))
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, size, err
		}
		if errors.Is(err, io.EOF) && !bytes.HasSuffix(text, []byte("\n")) {
			return nil, size, io.EOF
		}
		return nil, size, nil
	}
	return text, int64(len(text)), err
}
