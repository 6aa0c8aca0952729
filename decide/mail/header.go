package mail

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/textproto"
)

// errHeader says that a mail's header is longer than any that is read.
var errHeader = fmt.Errorf("its header has more than %d KB", mostHeader>>10)

// readHeader reads a header to the empty line behind it. Lines that are none of a header's are left out, where the standard
// library would give the mail up: relays write many.
func readHeader(in *bufio.Reader) (textproto.MIMEHeader, error) {
	head := textproto.MIMEHeader{}
	var key string
	var value []byte
	done := func() {
		if key != "" {
			head.Add(key, string(bytes.TrimSpace(value)))
		}
		key, value = "", nil
	}
	for size := 0; ; {
		line, err := in.ReadSlice('\n')
		size += len(line)
		if size > mostHeader {
			return head, errHeader
		}
		if errors.Is(err, bufio.ErrBufferFull) { // a long line goes on: its end is a part of the value
			value = append(value, line...)
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return head, err
		}
		text := bytes.TrimRight(line, "\r\n")
		switch {
		case len(text) == 0:
			done()
			return head, nil
		case text[0] == ' ' || text[0] == '\t':
			value = append(append(value, ' '), bytes.TrimLeft(text, " \t")...)
		default:
			done()
			if i := bytes.IndexByte(text, ':'); i > 0 && isKey(text[:i]) {
				key, value = textproto.CanonicalMIMEHeaderKey(string(text[:i])), bytes.Clone(text[i+1:])
			}
		}
		if err != nil {
			done()
			return head, nil
		}
	}
}

func isKey(text []byte) bool {
	for _, c := range text {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(text) <= 76
}

// Fields reads the "Key: value" lines of which machine-readable reports are made, up to the first empty line behind them. Where one of
// some keys stands twice it is false, for then it can be read in two ways.
func Fields(text []byte, once ...string) (textproto.MIMEHeader, bool) {
	text = bytes.TrimLeft(bytes.TrimPrefix(bytes.TrimLeft(text, "\r\n"), []byte("---")), " \r\n")
	head, err := readHeader(bufio.NewReader(bytes.NewReader(text)))
	if err != nil {
		return nil, false
	}
	for _, key := range once {
		if len(head.Values(key)) > 1 {
			return nil, false
		}
	}
	return head, len(head) > 0
}

// headerOf reads the header of a mail that came within another.
func headerOf(text []byte) (textproto.MIMEHeader, error) {
	return readHeader(bufio.NewReader(bytes.NewReader(text)))
}
