package realtest

import "syscall"

// childAttributes puts a server into a process group of its own, killed together, and ends it with the test process.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
