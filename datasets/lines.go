package datasets

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

const (
	readBuffer = 256 << 10
	maxLine    = 4 << 20 // longer ones are not text
)

var (
	gzipMagic = []byte{0x1f, 0x8b}
	byteOrder = []byte{0xef, 0xbb, 0xbf} // a UTF-8 byte order mark
)

// lines reads a text file, plain or gzip, line by line.
type lines struct {
	path   string
	number int // of the line last read, from 1
	in     *bufio.Reader
	long   []byte
	closer io.Closer
}

// open starts reading a file; what is read is counted in fs.
func (fs *files) open(path string) (*lines, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	l, err := newLines(path, &countingReader{f, &fs.read})
	if err != nil {
		f.Close()
		return nil, err
	}
	l.closer = f
	return l, nil
}

// newLines reads from r what errors call path.
func newLines(path string, r io.Reader) (*lines, error) {
	in, err := decompress(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &lines{path: path, in: in}, nil
}

func (l *lines) close() { l.closer.Close() }

// next returns the next line without its end, or io.EOF. The line is valid
// until the following call.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line, err = l.rest(line)
	}
	l.number++
	if err != nil && (err != io.EOF || len(line) == 0) {
		if err == io.EOF {
			l.number--
			return nil, err
		}
		return nil, l.at(explain(err))
	}
	if l.number == 1 {
		line = bytes.TrimPrefix(line, byteOrder)
	}
	line = bytes.TrimSuffix(line, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'}), nil
}

// rest reads on where a line is longer than the buffer.
func (l *lines) rest(start []byte) ([]byte, error) {
	l.long = append(l.long[:0], start...)
	for {
		part, err := l.in.ReadSlice('\n')
		if len(l.long)+len(part) > maxLine {
			return nil, fmt.Errorf("line is longer than %d bytes: not a text file?", maxLine)
		}
		l.long = append(l.long, part...)
		if err != bufio.ErrBufferFull {
			return l.long, err
		}
	}
}

// at says where err happened.
func (l *lines) at(err error) error { return fmt.Errorf("%s:%d: %w", l.path, l.number, err) }

// decompress returns r, or what it holds if that is gzip.
func decompress(r io.Reader) (*bufio.Reader, error) {
	raw := bufio.NewReaderSize(r, readBuffer)
	magic, err := raw.Peek(len(gzipMagic))
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read: %w", err)
	}
	if !bytes.Equal(magic, gzipMagic) {
		return raw, nil
	}
	z, err := gzip.NewReader(raw)
	if err != nil {
		return nil, explain(err)
	}
	return bufio.NewReaderSize(z, readBuffer), nil
}

func explain(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) {
		return fmt.Errorf("read gzip: %w (the file is cut short or damaged; fetch it again)", err)
	}
	return fmt.Errorf("read: %w", err)
}

// countingReader counts the bytes that pass.
type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
