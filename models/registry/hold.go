package registry

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ErrHeld says that another night is being spent on the registry.
var ErrHeld = errors.New("another night is being spent on this registry")

// nightLock is locked for as long as a night goes on, and says by whom. It stays
// when the night is over: whoever deleted it might delete another's.
const nightLock = "night.lock"

// looksLast is for how many milliseconds a night waits for those who only look.
const looksLast = 200

// HoldNight keeps other nights away, of this process and of all others, until
// release is called or the process ends, however it does. Promotions and readers
// go on. The error wraps ErrHeld where a night is going on, and says whose.
func (r *Registry) HoldNight() (release func() error, err error) {
	lock, err := os.OpenFile(filepath.Join(r.dir, nightLock), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("hold registry: %w", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	for range looksLast {
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		time.Sleep(time.Millisecond) // somebody may be looking, see HeldBy
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = fmt.Errorf("%s: %w, by %s (wait until it ends, or stop that process: the next night goes on from where it was)", r.dir, ErrHeld, holder(lock))
		return nil, errors.Join(err, lock.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("hold registry: %w", err), lock.Close())
	}
	if err := sign(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("hold registry: %w", err), lock.Close())
	}
	release = func() error {
		return errors.Join(lock.Truncate(0), lock.Close()) // closing unlocks
	}
	return release, nil
}

// HeldBy returns who spends a night on the registry now, "" when nobody does. It
// shares the lock for the instant it looks; a night that begins just then waits for it.
func (r *Registry) HeldBy() (string, error) {
	lock, err := os.Open(filepath.Join(r.dir, nightLock))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look who holds the registry: %w", err)
	}
	defer lock.Close()
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return holder(lock), nil
	case err != nil:
		return "", fmt.Errorf("look who holds the registry: %w", err)
	}
	return "", nil
}

// sign writes down who holds the lock.
func sign(lock *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err = fmt.Fprintf(lock, "process %d on %s since %s\n", os.Getpid(), host, now().Format(time.RFC3339))
	return err
}

// holder reads what sign wrote. The holder may be about to write it.
func holder(lock *os.File) string {
	text, err := io.ReadAll(io.LimitReader(lock, 1024))
	if name := strings.TrimSpace(string(text)); err == nil && name != "" {
		return name
	}
	return "a process that has just begun"
}
