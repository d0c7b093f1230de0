package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// pipe is an HTTP/2 connection for unary gRPC calls with small messages, of which many
// are written at once and answered to whoever reads. It costs a fraction of what
// grpc-go's client does, which starts, blocks and wakes a goroutine for each call.
// Calls are whole: deadline, flow control, limits of the server, status and trailers.
// There is no name resolution, retry, compression or transport security.
type pipe struct {
	conn      net.Conn
	authority string
	timeout   time.Duration // of each call
	limit     string        // the same as a header

	// What is sent, in the order of stream numbers.
	out struct {
		sync.Mutex
		frames bytes.Buffer // not written yet
		framer *http2.Framer
		header *hpack.Encoder
		block  bytes.Buffer
		next   uint32 // stream
	}

	mu struct {
		sync.Mutex
		changed sync.Cond
		settled bool  // the server's settings are known
		window  int64 // bytes that may be sent on the connection
		message int64 // bytes of the largest message that fits the window of a stream
		most    int   // calls at a time
		free    int   // of these
		calls   map[uint32]*unary
		err     error // why no more calls are taken
	}
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
	maxFrame      = 16 << 10 // what any server takes
	flushAt       = 8 << 10  // bytes that no longer wait for flush
)

// dialPipe connects and waits for the server's settings.
func dialPipe(ctx context.Context, server string, timeout time.Duration) (*pipe, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", server)
	if err != nil {
		return nil, err
	}
	p := &pipe{conn: conn, authority: server, timeout: timeout, limit: grpcTimeout(timeout)}
	p.out.framer = http2.NewFramer(&p.out.frames, nil)
	p.out.header = hpack.NewEncoder(&p.out.block)
	p.out.next = 1
	p.mu.changed.L = &p.mu
	p.mu.calls = make(map[uint32]*unary)
	p.mu.window, p.mu.message = firstWindow, firstWindow
	p.out.frames.WriteString(http2.ClientPreface)
	err = p.send(func(f *http2.Framer) error {
		return errors.Join(
			f.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: 0}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}),
			f.WriteWindowUpdate(0, window-firstWindow))
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	go p.read() // ends with the connection
	time.AfterFunc(overdue, p.giveUp)
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.mu.settled && p.mu.err == nil {
		p.mu.changed.Wait()
	}
	return p, p.mu.err
}

func (p *pipe) close() { p.end(errors.New("closed")) }

// call queues a call for flush, once there is room for it, and returns; answered is
// called when it has ended, and must neither keep its message nor use the pipe.
func (p *pipe) call(path string, message []byte, answered func(message []byte, code codes.Code)) {
	size := int64(messagePrefix + len(message))
	if err := p.room(size); err != nil {
		answered(nil, codes.Unavailable)
		return
	}
	p.out.Lock()
	defer p.out.Unlock()
	id := p.out.next
	p.out.next += 2
	p.mu.Lock()
	ended := p.mu.err != nil
	if !ended {
		p.mu.calls[id] = &unary{answered: answered, due: time.Now().Add(p.timeout)}
	}
	p.mu.Unlock()
	if ended {
		answered(nil, codes.Unavailable)
		return
	}
	p.out.block.Reset()
	for _, h := range [...]hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":path", Value: path}, {Name: ":authority", Value: p.authority},
		{Name: "content-type", Value: "application/grpc"}, {Name: "user-agent", Value: "auspex-load"}, {Name: "te", Value: "trailers"},
		{Name: "grpc-timeout", Value: p.limit},
	} {
		p.out.header.WriteField(h) // into memory
	}
	p.out.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.out.block.Bytes(), EndHeaders: true})
	p.out.block.Reset()
	p.out.block.WriteByte(0)
	p.out.block.Write(binary.BigEndian.AppendUint32(p.out.block.AvailableBuffer(), uint32(len(message))))
	p.out.block.Write(message)
	for data := p.out.block.Bytes(); len(data) > 0; {
		piece := data[:min(len(data), maxFrame)]
		data = data[len(piece):]
		p.out.framer.WriteData(id, len(data) == 0, piece)
	}
	if p.out.frames.Len() >= flushAt {
		p.write()
	}
}

// invoke makes a call and waits for its end. answer may be nil.
func (p *pipe) invoke(path string, request, answer proto.Message) error {
	message, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	p.call(path, message, func(message []byte, code codes.Code) {
		switch {
		case code != codes.OK:
			ended <- status.Error(code, "")
		case answer != nil:
			ended <- proto.Unmarshal(message, answer)
		default:
			ended <- nil
		}
	})
	p.flush() // what goes wrong ends the call
	return <-ended
}

// grpcTimeout writes d as the header of that name, which takes eight digits.
func grpcTimeout(d time.Duration) string {
	if ms := d.Milliseconds(); ms < 1e8 {
		return fmt.Sprintf("%dm", max(ms, 1))
	}
	return fmt.Sprintf("%dS", min(int64(d.Seconds()), 1e8-1))
}

// room takes size bytes of the connection's window and waits for them, and for the
// server to take another call. Who waits writes first what others may answer.
func (p *pipe) room(size int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for flushed := false; p.mu.err == nil; flushed = true {
		switch {
		case size > p.mu.message:
			return fmt.Errorf("a message of %d bytes is more than a stream's window", size)
		case p.mu.window >= size && p.mu.free > 0:
			p.mu.window -= size
			p.mu.free--
			return nil
		case flushed:
			p.mu.changed.Wait()
		default:
			p.mu.Unlock()
			p.flush()
			p.mu.Lock()
		}
	}
	return p.mu.err
}

// flush writes what is queued.
func (p *pipe) flush() error { return p.send(func(*http2.Framer) error { return nil }) }

// send writes what is queued and then what add adds.
func (p *pipe) send(add func(*http2.Framer) error) error {
	p.out.Lock()
	defer p.out.Unlock()
	if err := add(p.out.framer); err != nil || p.out.frames.Len() == 0 {
		return err
	}
	return p.write()
}

// write is for who holds the lock of what is sent.
func (p *pipe) write() error {
	_, err := p.out.frames.WriteTo(p.conn)
	if err != nil {
		p.end(err)
	}
	return err
}

// end takes no more calls and tells those under way that they have failed.
func (p *pipe) end(why error) {
	p.mu.Lock()
	if p.mu.err == nil {
		p.mu.err = fmt.Errorf("connection to %s: %w", p.authority, why)
	}
	left := p.mu.calls
	p.mu.calls = make(map[uint32]*unary)
	p.mu.changed.Broadcast()
	p.mu.Unlock()
	p.conn.Close()
	for _, u := range left {
		u.answered(nil, codes.Unavailable)
	}
}

// overdue is how much later than its deadline a call is given up that the server has not.
const overdue = time.Second

// giveUp ends what is overdue, now and from time to time as long as the pipe is open.
func (p *pipe) giveUp() {
	latest := time.Now().Add(-overdue)
	var late []*unary
	p.mu.Lock()
	for stream, u := range p.mu.calls {
		if u.due.Before(latest) {
			delete(p.mu.calls, stream)
			p.mu.free++
			late = append(late, u)
		}
	}
	if p.mu.err == nil {
		time.AfterFunc(overdue, p.giveUp)
	}
	p.mu.changed.Broadcast()
	p.mu.Unlock()
	for _, u := range late {
		u.answered(nil, codes.DeadlineExceeded)
	}
}

// read deals with what the server sends until the connection ends.
func (p *pipe) read() {
	r := reader{pipe: p, framer: http2.NewFramer(nil, bufio.NewReaderSize(p.conn, 64<<10))}
	r.framer.SetReuseFrames()
	r.decoder = hpack.NewDecoder(4096, r.field)
	for {
		f, err := r.framer.ReadFrame()
		if err == nil {
			err = r.frame(f)
		}
		if err != nil {
			p.end(err)
			return
		}
	}
}

// reader is the side of a pipe that one goroutine reads.
type reader struct {
	pipe     *pipe
	framer   *http2.Framer
	decoder  *hpack.Decoder
	code     codes.Code // of the headers being read
	ends     bool       // whether these end their stream
	consumed uint32     // bytes the server does not know of yet
}

func (r *reader) field(h hpack.HeaderField) {
	switch {
	case h.Name == "grpc-status":
		if n, err := strconv.ParseUint(h.Value, 10, 32); err == nil {
			r.code = codes.Code(n)
		}
	case h.Name == ":status" && h.Value != "200":
		r.code = codes.Unavailable
	}
}

func (r *reader) frame(f http2.Frame) error {
	p := r.pipe
	switch f := f.(type) {
	case *http2.HeadersFrame:
		r.code, r.ends = codes.Unknown, f.StreamEnded()
		return r.headers(f.StreamID, f.HeaderBlockFragment(), f.HeadersEnded())
	case *http2.ContinuationFrame:
		return r.headers(f.StreamID, f.HeaderBlockFragment(), f.HeadersEnded())
	case *http2.DataFrame:
		p.mu.Lock()
		if u := p.mu.calls[f.StreamID]; u != nil {
			u.body = append(u.body, f.Data()...)
		}
		p.mu.Unlock()
		if f.StreamEnded() { // without trailers
			p.answer(f.StreamID, codes.Internal)
		}
		if r.consumed += f.Length; r.consumed >= windowRefill {
			more := r.consumed
			r.consumed = 0
			return p.send(func(f *http2.Framer) error { return f.WriteWindowUpdate(0, more) })
		}
	case *http2.RSTStreamFrame:
		p.answer(f.StreamID, codes.Unavailable)
	case *http2.GoAwayFrame:
		return fmt.Errorf("the server goes away: %s", f.ErrCode)
	case *http2.PingFrame:
		if !f.IsAck() {
			return p.send(func(w *http2.Framer) error { return w.WritePing(true, f.Data) })
		}
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			p.mu.Lock()
			p.mu.window += int64(f.Increment)
			p.mu.changed.Broadcast()
			p.mu.Unlock()
		}
	case *http2.SettingsFrame:
		if !f.IsAck() {
			return p.settle(f)
		}
	}
	return nil
}

func (r *reader) headers(stream uint32, fragment []byte, ended bool) error {
	if _, err := r.decoder.Write(fragment); err != nil {
		return err
	}
	if !ended {
		return nil
	}
	if err := r.decoder.Close(); err != nil {
		return err
	}
	if r.ends {
		r.pipe.answer(stream, r.code)
	}
	return nil
}

// settle takes over the server's settings.
func (p *pipe) settle(f *http2.SettingsFrame) error {
	p.mu.Lock()
	most := p.mu.most
	if !p.mu.settled {
		p.mu.settled, p.mu.most = true, maxInFlight // where the server sets none
	}
	if n, ok := f.Value(http2.SettingMaxConcurrentStreams); ok {
		p.mu.most = int(min(n, maxInFlight))
	}
	p.mu.free += p.mu.most - most
	if n, ok := f.Value(http2.SettingInitialWindowSize); ok {
		p.mu.message = int64(n)
	}
	p.mu.changed.Broadcast()
	p.mu.Unlock()
	return p.send(func(f *http2.Framer) error { return f.WriteSettingsAck() })
}

// answer ends a call.
func (p *pipe) answer(stream uint32, code codes.Code) {
	p.mu.Lock()
	u := p.mu.calls[stream]
	if u == nil {
		p.mu.Unlock()
		return
	}
	if code == codes.Unavailable && !time.Now().Before(u.due) {
		code = codes.DeadlineExceeded // the server gave it up
	}
	delete(p.mu.calls, stream)
	p.mu.free++
	p.mu.changed.Signal()
	p.mu.Unlock()
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
