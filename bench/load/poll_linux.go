package main

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// send writes what of b the socket has room for.
func (p *pipe) send(b []byte) (int, error) {
	n, err := unix.SendmsgN(p.fd, b, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return polled(n, err)
}

// take reads what has come into b.
func (p *pipe) take(b []byte) (int, error) {
	n, _, err := unix.Recvfrom(p.fd, b, unix.MSG_DONTWAIT)
	if n == 0 && err == nil {
		return 0, io.ErrUnexpectedEOF
	}
	return polled(n, err)
}

func polled(n int, err error) (int, error) {
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	return max(n, 0), err
}
