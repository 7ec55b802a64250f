package file_test

import (
	"runtime"
	"syscall"
	"testing"
)

// asNobody runs f on a thread that the file system takes for another user. Only
// root can, and only what f does in its own goroutine is done so.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	const nobody = 65534
	done := make(chan bool)
	go func() {
		// The thread is not given back: it ends with its goroutine.
		runtime.LockOSThread()
		defer close(done)
		_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSGID, nobody, 0, 0)
		_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0)
		now, _, _ := syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0)
		if now != nobody {
			return
		}
		f()
		done <- true
	}()
	if !<-done && !t.Failed() {
		leftOut(t, "it acts as another user; run it as root on Linux")
	}
}
