//go:build arm64

package kernel

import "barewire/kernel/mem"

type threadState uint8

const (
	threadUnused threadState = iota
	threadRunnable
	threadRunning
	threadBlocked
)

type waitKind uint8

const (
	waitNone  waitKind = iota
	waitSleep          // nanosleep: the deadline is the answer
	waitFutex
	waitEpoll
)

const noDeadline = ^uint64(0)

// thread is one thread of the program: a record and, while it is not running,
// its registers in a page of its own, at whose end an exception stores them.
//
//	unused -> runnable -> running -> blocked -> runnable
//	             ^           |  \-> unused (exit)
//	             \-----------/
//
// Threads are named by their index in the table; 0 is nobody. A thread is in at
// most one queue, by next and prev: the run queue, a futex's, or epoll's; and,
// when blocked with a deadline, in the list of sleepers as well.
type thread struct {
	id    uint32
	state threadState
	wait  waitKind

	next, prev           uint16
	sleepNext, sleepPrev uint16

	deadline uint64 // counter value, noDeadline if none
	frame    uintptr
	page     uint64 // physical address of the frame's page

	futex     uint64 // waitFutex: address
	events    uint64 // waitEpoll: where to write
	maxEvents uint64
	epoll     uint64 // waitEpoll: file number

	signalMask, signalPending uint64
	altStack, altSize         uint64
}

var (
	threads      [maxThreads]thread
	nextThreadID uint32 = processID
	liveThreads  uint64
)

// processID is what getpid answers, and the id of the first thread.
const processID = 1

// newThread makes a thread with a zero frame, not in any queue. It returns 0
// when the table or memory is full.
func newThread() uint16 {
	for i := uint16(1); i < maxThreads; i++ {
		t := &threads[i]
		if t.state != threadUnused {
			continue
		}
		page, ok := zeroFrame()
		if !ok {
			return 0
		}
		*t = thread{
			id:       nextThreadID,
			state:    threadBlocked,
			deadline: noDeadline,
			page:     page,
			frame:    directMap + uintptr(page) + mem.PageSize - frameSize,
		}
		nextThreadID++
		liveThreads++
		return i
	}
	return 0
}

// findThread is the thread with an id, 0 if there is none.
func findThread(id uint32) uint16 {
	for i := uint16(1); i < maxThreads; i++ {
		if threads[i].state != threadUnused && threads[i].id == id {
			return i
		}
	}
	return 0
}

// exitThread ends the running thread, and the program with the last one. The
// page of its frame is free at once: trap code runs on the processor's own stack.
func exitThread(c *cpu, code int32) {
	if liveThreads == 1 {
		exitProgram(code)
	}
	t := &threads[c.current]
	t.state = threadUnused
	frames.Free(t.page, 0)
	liveThreads--
	c.current = 0
}

const (
	cloneSettled = 0x50f00 // VM, FS, FILES, SIGHAND, SYSVSEM, THREAD: what the runtime asks for
)

// sysClone makes a thread that continues like its parent, on another stack.
func sysClone(parent uint16, flags, stack uint64) int64 {
	if flags != cloneSettled {
		return -einval // no processes, no other ways to share
	}
	i := newThread()
	if i == 0 {
		return -eagain
	}
	child, t := &threads[i], &threads[parent]
	*child.regs() = *t.regs()
	child.regs().sp = stack
	child.regs().setResult(0)
	child.signalMask = t.signalMask
	makeRunnable(i)
	return int64(child.id)
}

// queue is a doubly linked list of threads, first in, first out. The zero value
// is empty.
type queue struct{ head, tail uint16 }

func (q *queue) push(i uint16) {
	t := &threads[i]
	t.next, t.prev = 0, q.tail
	if q.tail != 0 {
		threads[q.tail].next = i
	} else {
		q.head = i
	}
	q.tail = i
}

func (q *queue) pushFront(i uint16) {
	t := &threads[i]
	t.next, t.prev = q.head, 0
	if q.head != 0 {
		threads[q.head].prev = i
	} else {
		q.tail = i
	}
	q.head = i
}

func (q *queue) remove(i uint16) {
	t := &threads[i]
	if t.prev != 0 {
		threads[t.prev].next = t.next
	} else {
		q.head = t.next
	}
	if t.next != 0 {
		threads[t.next].prev = t.prev
	} else {
		q.tail = t.prev
	}
	t.next, t.prev = 0, 0
}
