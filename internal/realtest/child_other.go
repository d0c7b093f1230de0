//go:build !linux

package realtest

import "syscall"

// childAttributes puts a server into a process group of its own, killed together. Only Linux can also end it
// with a test process that is killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
