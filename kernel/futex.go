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
	if addr%4 != 0 {
		return -einval
	}
	if !touch(addr, 4, mem.ProtRead) {
		return -efault
	}
	switch op &^ futexPrivate {
	case futexWait:
		if load32(addr) != uint32(value) {
			return -eagain
		}
		deadline := uint64(noDeadline)
		if timeout != 0 {
			var e int64
			if deadline, e = deadlineAfter(timeout); e != 0 {
				return e
			}
		}
		i := uint16(c.current)
		threads[i].futex = addr
		futexQueue(addr).push(i)
		block(c, waitFutex, deadline)
		return 0
	case futexWake:
		n := int64(0)
		q := futexQueue(addr)
		for i := q.head; i != 0 && uint64(n) < value; {
			next := threads[i].next
			if threads[i].futex == addr {
				wake(i, 0)
				n++
			}
			i = next
		}
		return n
	}
	return -enosys
}
