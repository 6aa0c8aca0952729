package mail

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
)

// Is tells whether what a file begins with is a mail, or the first of an mbox.
func Is(head []byte) bool {
	head = bytes.TrimLeft(head, "\r\n")
	if isFromLine(firstLine(head)) {
		return true
	}
	known, sure := 0, false
	for len(head) > 0 {
		line := firstLine(head)
		head = head[min(len(line)+1, len(head)):]
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			break
		}
		i := bytes.IndexByte(line, ':')
		if line[0] == ' ' || line[0] == '\t' || i <= 0 {
			continue
		}
		switch string(bytes.ToLower(line[:i])) {
		case "received", "return-path", "message-id", "mime-version", "delivered-to", "dkim-signature":
			known, sure = known+1, true
		case "from", "to", "subject", "date", "content-type":
			known++
		}
	}
	return sure && known >= 2 || known >= 3
}

func firstLine(text []byte) []byte {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i]
	}
	return text
}

// isFromLine tells whether a line parts the mails of an mbox: From SENDER WEEKDAY MONTH DAY TIME YEAR. In a mail's text such a line
// is written with a > in front.
func isFromLine(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("From ")) {
		return false
	}
	f := bytes.Fields(line[len("From "):])
	for i := range f {
		if len(f) >= i+5 && len(f[i]) == 3 && len(f[i+1]) == 3 && len(f[i+2]) <= 2 && bytes.Count(f[i+3], []byte(":")) >= 1 {
			return true
		}
	}
	return false
}

// Each reads the mails of an mbox, or the one that there is, and gives each to do with its number from 1. An error is one of
// reading, of the context or of do's; one about a single mail is given to do.
func Each(ctx context.Context, in io.Reader, do func(n int, m Mail, err error) error) error {
	box := &box{ctx: ctx, in: bufio.NewReaderSize(in, 64<<10)}
	if head, err := box.in.Peek(5); err == nil && string(head) == "From " {
		line, err := box.in.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = box.in.ReadSlice('\n')
		}
		box.many = isFromLine(bytes.TrimRight(line, "\r\n")) || box.many
	}
	for n := 1; ; n++ {
		box.ended, box.empty = false, false
		m, err := Read(box)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if isReading(err) {
			return err
		}
		if _, rest := io.Copy(io.Discard, box); rest != nil { // of one that was given up
			return rest
		}
		if err := do(n, m, err); err != nil {
			return err
		}
		if box.over {
			return nil
		}
	}
}

// box reads one mail of an mbox after the other: io.EOF at the end of each.
type box struct {
	ctx   context.Context
	in    *bufio.Reader
	many  bool
	rest  []byte // of a line, not read yet
	part  bool   // the line before was only the front of one
	empty bool   // the line before was empty
	ended bool   // the mail
	over  bool   // the whole
}

// Read implements io.Reader.
func (b *box) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.ended || b.over {
			return 0, io.EOF
		}
		if b.ctx.Err() != nil {
			return 0, &ReadingError{b.ctx.Err()}
		}
		line, err := b.in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			b.over = true
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			b.over = true
			return 0, &ReadingError{err}
		}
		if b.many && !b.part && b.empty && isFromLine(bytes.TrimRight(line, "\r\n")) && !b.over {
			b.ended = true
			return 0, io.EOF
		}
		b.part = errors.Is(err, bufio.ErrBufferFull)
		b.empty = !b.part && len(bytes.TrimRight(line, "\r\n")) == 0
		b.rest = line
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
