package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
)

// pipe is an HTTP/2 connection for unary gRPC calls with small messages that one
// goroutine writes to and polls, when it likes. It costs a fraction of what grpc-go's
// client does, which wakes a goroutine or two for each call and whenever bytes come.
// Calls are whole: deadline, flow control, limits of the server, status and trailers.
// There is no name resolution, retry, compression or transport security.
type pipe struct {
	socket    *os.File
	fd        int // of it
	authority string
	timeout   time.Duration // of each call
	limit     string        // the same as a header

	// What is sent.
	frames bytes.Buffer // not written yet
	framer *http2.Framer
	header *hpack.Encoder
	block  bytes.Buffer
	next   uint32 // stream
	window int64  // bytes that may be sent on the connection

	// What is received.
	unread   []byte // the start of a frame
	whole    bytes.Reader
	reader   *http2.Framer // of whole frames
	decoder  *hpack.Decoder
	code     codes.Code // of the headers being read
	ends     bool       // whether these end their stream
	consumed uint32     // bytes the server does not know of yet

	settled bool  // the server's settings are known
	message int64 // bytes of the largest message that fits the window of a stream
	most    int   // calls at a time
	calls   map[uint32]*unary
	err     error // why no more calls are taken
}

// unary is a call under way.
type unary struct {
	answered func(message []byte, code codes.Code)
	due      time.Time // by when
	body     []byte
}

const (
	firstWindow   = 65535 // of streams and connections, by RFC 9113
	windowRefill  = window / 4
	messagePrefix = 5        // bytes: whether it is compressed, and its length
	frameHeader   = 9        // bytes, the first three of them the length
	maxFrame      = 16 << 10 // what any server takes
	piece         = 64 << 10 // bytes received at once
	pollEvery     = 50 * time.Microsecond
	overdue       = time.Second // how much later than its deadline a call is given up that the server has not
)

// dialPipe connects and waits for the server's settings.
func dialPipe(ctx context.Context, server string, timeout time.Duration) (*pipe, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", server)
	if err != nil {
		return nil, err
	}
	socket, err := conn.(*net.TCPConn).File()
	conn.Close() // the runtime is not to be woken by what comes
	if err != nil {
		return nil, err
	}
	p := &pipe{
		socket: socket, fd: int(socket.Fd()), authority: server, timeout: timeout, limit: grpcTimeout(timeout),
		next: 1, window: firstWindow, message: firstWindow, calls: make(map[uint32]*unary),
	}
	p.framer, p.header = http2.NewFramer(&p.frames, nil), hpack.NewEncoder(&p.block)
	p.reader, p.decoder = http2.NewFramer(nil, &p.whole), hpack.NewDecoder(4096, p.field)
	p.reader.SetReuseFrames()
	p.frames.WriteString(http2.ClientPreface)
	p.framer.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: 0}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	p.framer.WriteWindowUpdate(0, window-firstWindow)
	patience := time.Now().Add(timeout)
	for !p.settled && p.err == nil {
		p.turn()
		switch {
		case ctx.Err() != nil:
			p.end(ctx.Err())
		case time.Now().After(patience):
			p.end(errors.New("it says nothing"))
		}
	}
	return p, p.err
}

func (p *pipe) close() { p.end(os.ErrClosed) }

// room reports whether the pipe takes a call with a message of so many bytes now, be it
// to tell that it has failed.
func (p *pipe) room(size int) bool {
	return p.err != nil || int64(size+messagePrefix) > p.message || p.window >= int64(size+messagePrefix) && len(p.calls) < p.most
}

// call queues a call for poll; there must be room. answered is called when it has
// ended, and must not keep its message.
func (p *pipe) call(path string, message []byte, answered func(message []byte, code codes.Code)) {
	size := int64(messagePrefix + len(message))
	if p.err != nil || size > p.message {
		answered(nil, codes.Unavailable)
		return
	}
	id := p.next
	p.next += 2
	p.window -= size
	p.calls[id] = &unary{answered: answered, due: time.Now().Add(p.timeout)}
	p.block.Reset()
	for _, h := range [...]hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":path", Value: path}, {Name: ":authority", Value: p.authority},
		{Name: "content-type", Value: "application/grpc"}, {Name: "user-agent", Value: "auspex-load"}, {Name: "te", Value: "trailers"},
		{Name: "grpc-timeout", Value: p.limit},
	} {
		p.header.WriteField(h) // into memory, as all that follows
	}
	p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block.Bytes(), EndHeaders: true})
	p.block.Reset()
	p.block.WriteByte(0)
	p.block.Write(binary.BigEndian.AppendUint32(p.block.AvailableBuffer(), uint32(len(message))))
	p.block.Write(message)
	for data := p.block.Bytes(); len(data) > 0; {
		piece := data[:min(len(data), maxFrame)]
		data = data[len(piece):]
		p.framer.WriteData(id, len(data) == 0, piece)
	}
}

// grpcTimeout writes d as the header of that name, which takes eight digits.
func grpcTimeout(d time.Duration) string {
	if ms := d.Milliseconds(); ms < 1e8 {
		return fmt.Sprintf("%dm", max(ms, 1))
	}
	return fmt.Sprintf("%dS", min(int64(d.Seconds()), 1e8-1))
}

// poll writes what is queued and deals with what has come, as far as neither waits.
func (p *pipe) poll() {
	if p.err != nil {
		return
	}
	if err := p.write(); err != nil {
		p.end(err)
		return
	}
	for n := piece; n == piece; {
		var err error
		if n, err = p.receive(); err != nil {
			p.end(err)
			return
		}
	}
	if err := p.write(); err != nil { // acknowledgements
		p.end(err)
	}
}

// turn is poll and a pause, for those who wait.
func (p *pipe) turn() {
	p.poll()
	nap(time.Now().Add(pollEvery))
}

// write writes what is queued, as far as there is room for it.
func (p *pipe) write() error {
	for p.frames.Len() > 0 {
		n, err := p.send(p.frames.Bytes())
		if n == 0 || err != nil {
			return err
		}
		p.frames.Next(n)
	}
	return nil
}

// receive deals with bytes that have come, and returns how many, 0 for none.
func (p *pipe) receive() (int, error) {
	kept := len(p.unread)
	p.unread = slices.Grow(p.unread, piece)
	n, err := p.take(p.unread[kept : kept+piece])
	p.unread = p.unread[:kept+n]
	if n == 0 || err != nil {
		return 0, err
	}
	rest := p.unread
	for len(rest) >= frameHeader {
		size := frameHeader + int(rest[0])<<16 + int(rest[1])<<8 + int(rest[2])
		if len(rest) < size {
			break
		}
		p.whole.Reset(rest[:size])
		rest = rest[size:]
		f, err := p.reader.ReadFrame()
		if err == nil {
			err = p.frame(f)
		}
		if err != nil {
			return 0, err
		}
	}
	p.unread = p.unread[:copy(p.unread, rest)]
	return n, nil
}

func (p *pipe) frame(f http2.Frame) error {
	switch f := f.(type) {
	case *http2.HeadersFrame:
		p.code, p.ends = codes.Unknown, f.StreamEnded()
		return p.headers(f.StreamID, f.HeaderBlockFragment(), f.HeadersEnded())
	case *http2.ContinuationFrame:
		return p.headers(f.StreamID, f.HeaderBlockFragment(), f.HeadersEnded())
	case *http2.DataFrame:
		if u := p.calls[f.StreamID]; u != nil {
			u.body = append(u.body, f.Data()...)
		}
		if f.StreamEnded() { // without trailers
			p.answer(f.StreamID, codes.Internal)
		}
		if p.consumed += f.Length; p.consumed >= windowRefill {
			p.framer.WriteWindowUpdate(0, p.consumed)
			p.consumed = 0
		}
	case *http2.RSTStreamFrame:
		p.answer(f.StreamID, codes.Unavailable)
	case *http2.GoAwayFrame:
		return fmt.Errorf("the server goes away: %s", f.ErrCode)
	case *http2.PingFrame:
		if !f.IsAck() {
			p.framer.WritePing(true, f.Data)
		}
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			p.window += int64(f.Increment)
		}
	case *http2.SettingsFrame:
		if !f.IsAck() {
			p.settle(f)
		}
	}
	return nil
}

func (p *pipe) headers(stream uint32, fragment []byte, ended bool) error {
	if _, err := p.decoder.Write(fragment); err != nil {
		return err
	}
	if !ended {
		return nil
	}
	if err := p.decoder.Close(); err != nil {
		return err
	}
	if p.ends {
		p.answer(stream, p.code)
	}
	return nil
}

// field notes what a header says of how a call ended.
func (p *pipe) field(h hpack.HeaderField) {
	switch {
	case h.Name == "grpc-status":
		if n, err := strconv.ParseUint(h.Value, 10, 32); err == nil {
			p.code = codes.Code(n)
		}
	case h.Name == ":status" && h.Value != "200":
		p.code = codes.Unavailable
	}
}

// settle takes over the server's settings.
func (p *pipe) settle(f *http2.SettingsFrame) {
	if !p.settled {
		p.settled, p.most = true, maxInFlight // where the server sets none
	}
	if n, ok := f.Value(http2.SettingMaxConcurrentStreams); ok {
		p.most = int(min(n, maxInFlight))
	}
	if n, ok := f.Value(http2.SettingInitialWindowSize); ok {
		p.message = int64(n)
	}
	p.framer.WriteSettingsAck()
}

// answer ends a call.
func (p *pipe) answer(stream uint32, code codes.Code) {
	u := p.calls[stream]
	if u == nil {
		return
	}
	delete(p.calls, stream)
	if code == codes.Unavailable && !time.Now().Before(u.due) {
		code = codes.DeadlineExceeded // the server gave it up
	}
	var message []byte
	if code == codes.OK {
		if len(u.body) < messagePrefix || u.body[0] != 0 || int(binary.BigEndian.Uint32(u.body[1:])) != len(u.body)-messagePrefix {
			code = codes.Internal
		} else {
			message = u.body[messagePrefix:]
		}
	}
	u.answered(message, code)
}

// giveUp ends calls that the server should have ended.
func (p *pipe) giveUp() {
	latest := time.Now().Add(-overdue)
	for stream, u := range p.calls {
		if u.due.Before(latest) {
			p.answer(stream, codes.DeadlineExceeded)
		}
	}
}

// end takes no more calls and tells those under way that they have failed.
func (p *pipe) end(why error) {
	if p.err != nil {
		return
	}
	p.err = fmt.Errorf("connection to %s: %w", p.authority, why)
	p.socket.Close()
	for stream := range p.calls {
		p.answer(stream, codes.Unavailable)
	}
}
