package realtest

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

const (
	// Generous: a test machine may build and run everything else at the same time.
	readyTimeout = time.Minute
	stopTimeout  = 30 * time.Second

	// How much of a server's log a failed test prints.
	logTail = 8 << 10
)

// Server is one real server process. Its methods may be called from any goroutine of the test, one at a time.
type Server struct {
	// URL is the base address, such as "http://127.0.0.1:23456".
	URL string
	// Address is URL's host and port.
	Address string

	t       testing.TB
	command []string // executable and arguments
	ready   string   // URL that answers 2xx when the server is up
	log     *os.File

	process *os.Process
	exited  chan struct{} // closed when process has ended; nil before Start and after Stop or Kill
}

// serve starts a server and ends it with the test. The log goes to a file in dir.
func serve(t testing.TB, address, readyPath, dir string, command ...string) *Server {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, filepath.Base(command[0])+".log"))
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		URL:     "http://" + address,
		Address: address,
		t:       t,
		command: command,
		ready:   "http://" + address + readyPath,
		log:     log,
	}
	t.Cleanup(s.cleanup)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Start starts a stopped server again, at the same address and on the same data, and returns when it answers.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Error(err)
	}
}

// Stop ends the server as an operator would, by SIGTERM, and returns when it has ended.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.end(syscall.SIGTERM); err != nil {
		s.t.Error(err)
	}
}

// Kill ends the server by SIGKILL, as a crash would, and returns when it has ended.
func (s *Server) Kill() {
	s.t.Helper()
	if err := s.end(syscall.SIGKILL); err != nil {
		s.t.Error(err)
	}
}

func (s *Server) start() error {
	if s.exited != nil {
		return fmt.Errorf("start %s: it is running", s.name())
	}
	cmd := exec.Command(s.command[0], s.command[1:]...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.SysProcAttr = childAttributes()

	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		// The kernel takes the end of the thread that started a child for the death of its parent
		// (prctl(2), PR_SET_PDEATHSIG): this thread lives as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(exited)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", s.name(), err)
	}
	s.process, s.exited = cmd.Process, exited
	return s.awaitReady()
}

func (s *Server) awaitReady() error {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	deadline := time.After(readyTimeout)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	err := errors.New("not asked yet")
	for {
		select {
		case <-s.exited:
			return fmt.Errorf("start %s: it ended at once", s.name())
		case <-deadline:
			return fmt.Errorf("start %s: not ready within %v: %w", s.name(), readyTimeout, err)
		case <-poll.C:
		}
		var response *http.Response
		if response, err = client.Get(s.ready); err != nil {
			continue
		}
		response.Body.Close()
		if response.StatusCode/100 == 2 {
			return nil
		}
		err = fmt.Errorf("GET %s: %s", s.ready, response.Status)
	}
}

func (s *Server) end(signal syscall.Signal) error {
	if s.exited == nil {
		return fmt.Errorf("stop %s: it is not running", s.name())
	}
	exited := s.exited
	s.exited = nil
	select {
	case <-exited:
		return fmt.Errorf("stop %s: it had ended by itself", s.name())
	default:
	}

	group := -s.process.Pid
	_ = syscall.Kill(group, signal) // fails only when the group has just ended
	select {
	case <-exited:
		return nil
	case <-time.After(stopTimeout):
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-exited
	return fmt.Errorf("stop %s: still running %v after %v", s.name(), stopTimeout, signal)
}

func (s *Server) cleanup() {
	if s.exited != nil {
		s.Kill()
	}
	if s.t.Failed() {
		s.t.Logf("the end of the log of %s:\n%s", s.name(), tail(s.log, logTail))
	}
	s.log.Close()
}

func (s *Server) name() string { return filepath.Base(s.command[0]) }

// tail returns the last n bytes of a file.
func tail(f *os.File, n int64) []byte {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil
	}
	start := max(0, size-n)
	text := make([]byte, size-start)
	read, _ := f.ReadAt(text, start)
	return text[:read]
}

// freeAddress returns a loopback address nobody listens on. Its port is below the range the kernel hands out by
// itself, so that it stays free while a server is stopped.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000)))
		if err != nil {
			continue
		}
		defer listener.Close()
		return listener.Addr().String()
	}
	t.Fatal("no free loopback port between 20000 and 29999")
	return ""
}
