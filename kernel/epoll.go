//go:build arm64

package kernel

import "barewire/kernel/mem"

// epoll, as far as the Go runtime's netpoller goes: any number of epoll files,
// each file watched by at most one of them.

// Linux include/uapi/linux/eventpoll.h.
const (
	epollIn            = 0x001
	epollOut           = 0x004
	epollEdgeTriggered = 1 << 31

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
		if f.count != 0 {
			return epollIn | epollOut
		}
		return epollOut
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

// collect writes the events that an epoll file has to tell, and returns how many.
func collect(epoll, addr, most uint64) int64 {
	n := uint64(0)
	for i := range files {
		f := &files[i]
		if f.kind == fileNone || f.epoll != epoll || n == most {
			continue
		}
		events := f.ready() & f.events
		if events == 0 || f.events&epollEdgeTriggered != 0 && !f.edge {
			continue
		}
		f.edge = false
		store32(addr+n*epollEventSize, events)
		store64(addr+n*epollEventSize+8, f.data)
		n++
	}
	return int64(n)
}

func sysEpollCreate() int64 { return newFile(fileEpoll) }

func sysEpollCtl(epfd, op, fd, event uint64) int64 {
	e, f := fileAt(epfd), fileAt(fd)
	if e == nil || f == nil {
		return -ebadf
	}
	if e.kind != fileEpoll {
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
	if !touch(event, epollEventSize, mem.ProtRead) {
		return -efault
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
	if e.kind != fileEpoll || most == 0 {
		return -einval
	}
	most = min(most, maxFiles)
	if !touch(addr, most*epollEventSize, mem.ProtWrite) {
		return -efault
	}
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

func sysEventfd(initial, flags uint64) int64 {
	if flags&^(openNonBlock|0x80000) != 0 { // EFD_NONBLOCK, EFD_CLOEXEC
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
	return 8
}

func writeEvent(fd uint64, f *file, addr, n uint64) int64 {
	if n < 8 || load64(addr) == noDeadline {
		return -einval
	}
	if f.count+load64(addr) < f.count {
		return -eagain
	}
	f.count += load64(addr)
	notify(f)
	return 8
}
