//go:build arm64

package kernel

import "barewire/kernel/mem"

// futex operations, Linux include/uapi/linux/futex.h. There is one process, so
// private and shared are the same.
const (
	futexWait    = 0
	futexWake    = 1
	futexPrivate = 0x80
)

var futexes [futexBuckets]queue

// futexQueue is where threads that wait on addr are, among those of other
// addresses, in order of arrival.
func futexQueue(addr uint64) *queue {
	return &futexes[(addr>>2^addr>>12)&(futexBuckets-1)]
}

func sysFutex(c *cpu, addr, op, value, timeout uint64) int64 {
	switch op &^ futexPrivate {
	case futexWait:
		return waitOnFutex(c, addr, uint32(value), timeout)
	case futexWake:
		return wakeFutex(addr, int32(value))
	}
	return -enosys
}

func waitOnFutex(c *cpu, addr uint64, value uint32, timeout uint64) int64 {
	deadline := uint64(noDeadline)
	if timeout != 0 {
		var e int64
		if deadline, e = deadlineAfter(timeout); e != 0 {
			return e
		}
	}
	if addr%4 != 0 {
		return -einval
	}
	if !touch(addr, 4, mem.ProtRead) {
		return -efault
	}
	if load32(addr) != value {
		return -eagain
	}
	i := uint16(c.current)
	threads[i].futex = addr
	futexQueue(addr).push(i)
	block(c, waitFutex, deadline)
	return 0
}

// wakeFutex wakes n threads, and one even when n is less, as Linux does. It does
// not look at the memory, which may be gone: nobody waits there then.
func wakeFutex(addr uint64, n int32) int64 {
	if addr%4 != 0 {
		return -einval
	}
	if addr >= userHi {
		return -efault
	}
	woken := int64(0)
	for i := futexQueue(addr).head; i != 0; {
		next := threads[i].next
		if threads[i].futex == addr {
			wake(i, 0)
			if woken++; woken >= int64(n) {
				break
			}
		}
		i = next
	}
	return woken
}
