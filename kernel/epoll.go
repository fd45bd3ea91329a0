//go:build arm64

package kernel

import "barewire/kernel/mem"

// epoll, as far as the Go runtime's netpoller goes: any number of epoll files,
// each file watched by at most one of them.

// Linux include/uapi/linux/eventpoll.h.
const (
	epollIn            = 0x001
	epollOut           = 0x004
	epollOneShot       = 1 << 30
	epollEdgeTriggered = 1 << 31
	epollCloseOnExec   = 0x80000

	epollAdd    = 1
	epollDelete = 2
	epollModify = 3
)

// epollEventSize is struct epoll_event on arm64: not packed, data at 8.
const epollEventSize = 16

var epollWaiters queue

// ready is what can be done with a file without waiting, in epoll's bits.
func (f *file) ready() uint32 {
	switch f.kind {
	case fileConsole:
		if console.in != console.out {
			return epollIn | epollOut
		}
		return epollOut
	case fileEvent:
		events := uint32(0)
		if f.count != 0 {
			events |= epollIn
		}
		if f.count < eventFull {
			events |= epollOut
		}
		return events
	case fileInterrupt:
		if f.count != 0 {
			return epollIn
		}
	}
	return 0
}

// notify tells whoever watches the file that something came.
func notify(f *file) {
	f.edge = true
	if f.epoll == 0 {
		return
	}
	for i := epollWaiters.head; i != 0; {
		t := &threads[i]
		next := t.next
		if t.epoll == f.epoll {
			if n := collect(t.epoll, t.events, t.maxEvents); n != 0 {
				wake(i, n)
				return
			}
		}
		i = next
	}
}

// collect writes the events that an epoll file has to tell, and returns how
// many, or EFAULT. It begins behind the file that was told last, so that one that
// is always ready does not keep the others from it.
func collect(epoll, addr, most uint64) int64 {
	n := uint64(0)
	begin := files[epoll].position
	for k := uint64(0); k < maxFiles && n < most; k++ {
		i := (begin + k) % maxFiles
		f := &files[i]
		if f.kind == fileNone || f.epoll != epoll {
			continue
		}
		events := f.ready() & f.events
		if events == 0 || f.events&epollEdgeTriggered != 0 && !f.edge {
			continue
		}
		// Here and not when the wait began: the memory may have gone since.
		at := addr + n*epollEventSize
		if !touch(at, epollEventSize, mem.ProtWrite) {
			if n == 0 {
				return -efault
			}
			break
		}
		store32(at, events)
		store64(at+8, f.data)
		n++
		f.edge = false
		if f.events&epollOneShot != 0 {
			f.events = epollOneShot // nothing more until it is modified
		}
		files[epoll].position = i + 1
	}
	return int64(n)
}

func sysEpollCreate(flags uint64) int64 {
	if flags&^epollCloseOnExec != 0 {
		return -einval
	}
	return newFile(fileEpoll)
}

func sysEpollCtl(epfd, op, fd, event uint64) int64 {
	if op != epollDelete && !touch(event, epollEventSize, mem.ProtRead) {
		return -efault
	}
	e, f := fileAt(epfd), fileAt(fd)
	if e == nil || f == nil {
		return -ebadf
	}
	if e.kind != fileEpoll || e == f {
		return -einval
	}
	switch f.kind {
	case fileEvent, fileInterrupt:
	case fileConsole:
		if fd != 0 {
			return -eperm // output never waits
		}
	default:
		return -eperm // as Linux says of regular files
	}
	if op == epollDelete {
		if f.epoll != epfd {
			return -enoent
		}
		f.epoll = 0
		return 0
	}
	switch {
	case op == epollAdd && f.epoll == epfd:
		return -eexist
	case op == epollAdd && f.epoll != 0:
		return -enospc
	case op == epollModify && f.epoll != epfd:
		return -enoent
	case op != epollAdd && op != epollModify:
		return -einval
	}
	f.epoll, f.events, f.data = epfd, load32(event), load64(event+8)
	notify(f) // what is there already counts as an edge
	return 0
}

func sysEpollWait(c *cpu, epfd, addr, most uint64, timeout int32) int64 {
	e := fileAt(epfd)
	if e == nil {
		return -ebadf
	}
	if e.kind != fileEpoll || int32(most) <= 0 {
		return -einval
	}
	most = min(uint64(uint32(most)), maxFiles)
	if n := collect(epfd, addr, most); n != 0 || timeout == 0 {
		return n
	}
	deadline := uint64(noDeadline)
	if timeout > 0 {
		deadline = counter() + ticksOf(uint64(timeout)*1_000_000)
	}
	i := uint16(c.current)
	t := &threads[i]
	t.epoll, t.events, t.maxEvents = epfd, addr, most
	epollWaiters.push(i)
	block(c, waitEpoll, deadline)
	return 0
}

// eventfd(2): a counter that a read takes and a write adds to.

// eventFull is the most that it counts.
const eventFull = 1<<64 - 2

func sysEventfd(initial, flags uint64) int64 {
	// EFD_NONBLOCK, with or without EFD_CLOEXEC: no read waits.
	if flags&^epollCloseOnExec != openNonBlock {
		return -einval
	}
	fd := newFile(fileEvent)
	if fd >= 0 {
		files[fd].count = uint64(uint32(initial))
	}
	return fd
}

func readEvent(f *file, addr, n uint64) int64 {
	if n < 8 {
		return -einval
	}
	if f.count == 0 {
		return -eagain
	}
	store64(addr, f.count)
	f.count = 0
	notify(f) // there is room
	return 8
}

func writeEvent(f *file, addr, n uint64) int64 {
	if n != 8 {
		return -einval
	}
	v := load64(addr)
	if v > eventFull {
		return -einval
	}
	if v > eventFull-f.count {
		return -eagain
	}
	f.count += v
	notify(f)
	return 8
}
