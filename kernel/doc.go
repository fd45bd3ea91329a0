//go:build arm64

// Package kernel lets a stock Go program for linux run with nothing below it:
// it starts the machine, and answers the system calls that the Go runtime
// makes, in the same address space and at the same privilege level.
//
// All code in this package, in kernel/mem and kernel/chacha, and in board and below runs in trap
// context: on the kernel's own stack, with a fake g, while the runtime may be
// in the middle of anything. The law there:
//
//   - no heap, no write barrier, no map, channel, closure, defer, interface or
//     string building, and no package-level variable that needs code to start;
//   - records hold addresses and indices as integers, never Go pointers;
//   - every loop is bounded, nothing waits: who must wait is a thread, and the
//     kernel picks another;
//   - imports are unsafe, sync/atomic, math/bits and the packages named above.
//
// Goroutines reach the kernel through system calls alone, wrapped in
// kernel/dev; this package exports nothing.
//
// Reading order: entry_*.s, boot.go, trap_*.go, syscall.go, thread.go,
// sched.go, vm.go, file.go, epoll.go, signal.go; limits.go has every table's size.
package kernel
