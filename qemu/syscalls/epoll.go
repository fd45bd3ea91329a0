package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// opened are the files that the check in progress has open.
var opened struct {
	sync.Mutex
	files []uintptr
}

func remember(fd uintptr, e syscall.Errno) uintptr {
	if e != 0 {
		panic("no file: " + name(e))
	}
	opened.Lock()
	defer opened.Unlock()
	opened.files = append(opened.files, fd)
	return fd
}

func closeOpened() {
	opened.Lock()
	defer opened.Unlock()
	for _, fd := range opened.files {
		call(unix.SYS_CLOSE, fd)
	}
	opened.files = nil
}

func newEvent(initial uintptr) uintptr {
	return remember(call(unix.SYS_EVENTFD2, initial, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC))
}

func newEpoll() uintptr { return remember(call(unix.SYS_EPOLL_CREATE1, unix.EPOLL_CLOEXEC)) }

// control is epoll_ctl; the data of a file's events is its number.
func control(ep, op, fd uintptr, events uint32) string {
	return result(call(unix.SYS_EPOLL_CTL, ep, op, fd, uintptr(eventFor(fd, events))))
}

func watch(ep, fd uintptr, events uint32) {
	if r := control(ep, unix.EPOLL_CTL_ADD, fd, events); r != "0" {
		panic("epoll_ctl: " + r)
	}
}

// eventFor is an epoll_event in the zone.
func eventFor(fd uintptr, events uint32) area {
	a := place(900, 1)
	*a.event(0) = unix.EpollEvent{Events: events, Fd: int32(fd), Pad: ^int32(fd)}
	return a
}

var eventBits = []struct {
	bit  uint32
	name string
}{{unix.EPOLLIN, "in"}, {unix.EPOLLOUT, "out"}, {unix.EPOLLERR, "err"}, {unix.EPOLLHUP, "hup"}}

// poll is epoll_wait for at most n events: their bits, and the place of each
// file in names, in the order of the places.
func poll(ep uintptr, n, timeout int, names ...uintptr) string {
	a := place(910, 1)
	got, e := patient(unix.SYS_EPOLL_PWAIT, ep, uintptr(a), uintptr(n), uintptr(timeout), 0, 8)
	if e != 0 {
		return name(e)
	}
	events := make([]unix.EpollEvent, got)
	for i := range events {
		events[i] = *a.event(uintptr(i) * eventSize)
	}
	slices.SortFunc(events, func(a, b unix.EpollEvent) int { return cmp.Compare(a.Fd, b.Fd) })
	words := []string{fmt.Sprint(got)}
	for _, v := range events {
		word := "?"
		if i := slices.Index(names, uintptr(v.Fd)); i >= 0 && v.Pad == ^v.Fd {
			word = string(rune('a' + i))
		}
		for _, b := range eventBits {
			if v.Events&b.bit != 0 {
				word += " " + b.name
				v.Events &^= b.bit
			}
		}
		if v.Events != 0 {
			word += fmt.Sprintf(" %#x", v.Events)
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func signalEvent(fd uintptr) { writeEvent(fd, 1) }

func writeEvent(fd uintptr, v uint64) string {
	a := place(920, 1)
	*a.word(0) = v
	return result(call(unix.SYS_WRITE, fd, uintptr(a), 8))
}

func readEvent(fd uintptr) string {
	a := place(920, 1)
	if _, e := call(unix.SYS_READ, fd, uintptr(a), 8); e != 0 {
		return name(e)
	}
	return fmt.Sprint(*a.word(0))
}

const edge = uint32(1 << 31)

// with is a check on an epoll file and an eventfd that it watches.
func with(events uint32, steps func(ep, fd uintptr) []string) func() string {
	return func() string {
		ep, fd := newEpoll(), newEvent(0)
		watch(ep, fd, events)
		return strings.Join(steps(ep, fd), "; ")
	}
}

var epollChecks = []check{
	{name: "create with unknown flags", ask: func() string {
		return result(call(unix.SYS_EPOLL_CREATE1, 1))
	}},
	{name: "errors", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		other := newEvent(0)
		return []string{
			control(ep, unix.EPOLL_CTL_ADD, fd, 0),
			control(ep, unix.EPOLL_CTL_MOD, other, 0),
			control(ep, unix.EPOLL_CTL_DEL, other, 0),
			control(ep, 9, fd, 0),
			control(ep, 9, other, 0),
			control(ep, unix.EPOLL_CTL_ADD, 999, 0),
			control(999, unix.EPOLL_CTL_ADD, fd, 0),
			control(none, unix.EPOLL_CTL_ADD, fd, 0),
			control(fd, unix.EPOLL_CTL_ADD, other, 0),
			control(ep, unix.EPOLL_CTL_ADD, ep, 0),
		}
	})},
	{name: "file that is always ready", ask: func() string {
		fd := must(unix.Open("/proc/self/statm", unix.O_RDONLY, 0))
		defer unix.Close(fd)
		return control(newEpoll(), unix.EPOLL_CTL_ADD, uintptr(fd), unix.EPOLLIN)
	}},
	{name: "level", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		before := poll(ep, 8, 0, fd)
		signalEvent(fd)
		return []string{before, poll(ep, 8, 0, fd), poll(ep, 8, 0, fd), readEvent(fd), poll(ep, 8, 0, fd)}
	})},
	{name: "edge", ask: with(unix.EPOLLIN|edge, func(ep, fd uintptr) []string {
		signalEvent(fd)
		answer := []string{poll(ep, 8, 0, fd), poll(ep, 8, 0, fd)}
		signalEvent(fd)
		return append(answer, poll(ep, 8, 0, fd), readEvent(fd), poll(ep, 8, 0, fd))
	})},
	{name: "edge, read before it was told", ask: with(unix.EPOLLIN|edge, func(ep, fd uintptr) []string {
		signalEvent(fd)
		answer := []string{readEvent(fd), poll(ep, 8, 0, fd)}
		signalEvent(fd)
		return append(answer, poll(ep, 8, 0, fd))
	})},
	{name: "edge, ready before", ask: func() string {
		ep, fd := newEpoll(), newEvent(1)
		watch(ep, fd, unix.EPOLLIN|edge)
		return poll(ep, 8, 0, fd) + "; " + poll(ep, 8, 0, fd)
	}},
	{name: "edge, changed", ask: with(unix.EPOLLIN|edge, func(ep, fd uintptr) []string {
		signalEvent(fd)
		return []string{poll(ep, 8, 0, fd), control(ep, unix.EPOLL_CTL_MOD, fd, unix.EPOLLIN|edge), poll(ep, 8, 0, fd)}
	})},
	{name: "edge for input, of output", ask: with(unix.EPOLLIN|unix.EPOLLOUT|edge, func(ep, fd uintptr) []string {
		answer := []string{poll(ep, 8, 0, fd), poll(ep, 8, 0, fd)}
		signalEvent(fd)
		return append(answer, poll(ep, 8, 0, fd), readEvent(fd), poll(ep, 8, 0, fd), poll(ep, 8, 0, fd))
	})},
	{name: "output", ask: with(unix.EPOLLOUT, func(ep, fd uintptr) []string {
		return []string{poll(ep, 8, 0, fd), writeEvent(fd, 1<<64-3), poll(ep, 8, 0, fd), writeEvent(fd, 1), poll(ep, 8, 0, fd)}
	})},
	{name: "once", ask: with(unix.EPOLLIN|unix.EPOLLONESHOT, func(ep, fd uintptr) []string {
		signalEvent(fd)
		answer := []string{poll(ep, 8, 0, fd), poll(ep, 8, 0, fd)}
		signalEvent(fd)
		return append(answer, poll(ep, 8, 0, fd),
			control(ep, unix.EPOLL_CTL_MOD, fd, unix.EPOLLIN|unix.EPOLLONESHOT), poll(ep, 8, 0, fd), poll(ep, 8, 0, fd))
	})},
	{name: "no longer watched", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		signalEvent(fd)
		return []string{control(ep, unix.EPOLL_CTL_DEL, fd, 0), poll(ep, 8, 0, fd), control(ep, unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN), poll(ep, 8, 0, fd)}
	})},
	{name: "deleted without an event", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		return []string{result(call(unix.SYS_EPOLL_CTL, ep, unix.EPOLL_CTL_DEL, fd, 0))}
	})},
	{name: "closed", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		signalEvent(fd)
		call(unix.SYS_CLOSE, fd)
		answer := []string{poll(ep, 8, 0, fd)}
		again := newEvent(1)
		return append(answer, yesNo(again == fd, "same number", "other number"), poll(ep, 8, 0, fd),
			control(ep, unix.EPOLL_CTL_MOD, again, unix.EPOLLIN))
	})},
	{name: "epoll closed", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		call(unix.SYS_CLOSE, ep)
		answer := []string{poll(ep, 8, 0, fd)}
		again := newEpoll()
		signalEvent(fd)
		return append(answer, yesNo(again == ep, "same number", "other number"), poll(again, 8, 0, fd),
			control(again, unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN), poll(again, 8, 0, fd))
	})},
	{name: "several", ask: func() string {
		ep, files := newEpoll(), manyEvents(5)
		for _, fd := range files {
			watch(ep, fd, unix.EPOLLIN)
		}
		signalEvent(files[1])
		signalEvent(files[3])
		signalEvent(files[4])
		return poll(ep, 8, 0, files...)
	}},
	{name: "more than asked for", ask: func() string {
		// Whoever is ready all the time must not keep the others from being told.
		ep, files := newEpoll(), manyEvents(6)
		for _, fd := range files {
			watch(ep, fd, unix.EPOLLIN)
			signalEvent(fd)
		}
		told := make(map[byte]int)
		for range 6 {
			for i, word := range strings.Split(poll(ep, 2, 0, files...), ", ") {
				if i > 0 {
					told[word[0]]++
				}
			}
		}
		return fmt.Sprint(len(told), " files, each told: ", told['a'], told['b'], told['c'], told['d'], told['e'], told['f'])
	}},
	{name: "room for none", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		return []string{poll(ep, 0, 0, fd), poll(ep, -1, 0, fd), poll(ep, -1<<31, 0, fd)}
	})},
	{name: "wait on no epoll", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		return []string{poll(fd, 8, 0), poll(999, 8, 0), poll(none, 8, 0)}
	})},
	{name: "timeout", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		return []string{atLeast(4*time.Millisecond, func() string { return poll(ep, 8, 4, fd) })}
	})},
	{name: "timeout with an event", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		signalEvent(fd)
		return []string{poll(ep, 8, 1<<31-1, fd)}
	})},
	{name: "woken", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		go func() {
			settle()
			writeOne(fd, 930)
		}()
		return []string{poll(ep, 8, -1, fd)}
	})},
	{name: "woken, edge, many times", ask: with(unix.EPOLLIN|edge, func(ep, fd uintptr) []string {
		back := make(chan bool)
		go func() {
			for range 500 {
				writeOne(fd, 930)
				<-back
			}
		}()
		right := 0
		for range 500 {
			if poll(ep, 8, -1, fd) == "1, a in" && readEvent(fd) == "1" {
				right++
			}
			back <- true
		}
		return []string{fmt.Sprint(right)}
	})},
	{name: "woken when changed", ask: with(0, func(ep, fd uintptr) []string {
		signalEvent(fd)
		a := eventFor(fd, unix.EPOLLIN)
		go func() {
			settle()
			call(unix.SYS_EPOLL_CTL, ep, unix.EPOLL_CTL_MOD, fd, uintptr(a))
		}()
		return []string{poll(ep, 8, -1, fd)}
	})},
	{name: "one of two waiters", ask: with(unix.EPOLLIN|edge, func(ep, fd uintptr) []string {
		answers := make(chan string)
		for i := range uintptr(2) {
			go func() {
				n, e := patient(unix.SYS_EPOLL_PWAIT, ep, uintptr(place(940+i, 1)), 4, none, 0, 8)
				answers <- result(n, e)
			}()
		}
		settle()
		signalEvent(fd)
		first := <-answers
		signalEvent(fd)
		return []string{first, <-answers}
	})},
	{name: "memory that went away", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		a := place(950, 1)
		answer := make(chan string)
		go func() { answer <- result(patient(unix.SYS_EPOLL_PWAIT, ep, uintptr(a), 8, none, 0, 8)) }()
		settle()
		call(unix.SYS_MUNMAP, uintptr(a), page)
		writeOne(fd, 930)
		return []string{<-answer, poll(ep, 8, 0, fd)}
	})},
	{name: "memory that was not needed", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		a := place(950, 1)
		*a.word(0) = 1
		answer := make(chan string)
		go func() { answer <- result(patient(unix.SYS_EPOLL_PWAIT, ep, uintptr(a), 8, none, 0, 8)) }()
		settle()
		advise(950, 1, unix.MADV_DONTNEED)
		writeOne(fd, 930)
		return []string{<-answer, fmt.Sprint(a.event(0).Events)}
	})},
	{name: "two that watch one file", ask: with(unix.EPOLLIN, func(ep, fd uintptr) []string {
		return []string{control(newEpoll(), unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN)}
	}), why: "a file has one watcher: the runtime's netpoller is the only one", image: "ENOSPC", linux: "0"},
	{name: "epoll in epoll", ask: func() string {
		return control(newEpoll(), unix.EPOLL_CTL_ADD, newEpoll(), unix.EPOLLIN)
	}, why: "an epoll file is never ready itself", image: "EPERM", linux: "0"},
}

func manyEvents(n int) (files []uintptr) {
	for range n {
		files = append(files, newEvent(0))
	}
	return files
}

// writeOne is signalEvent with memory of its own, for a second goroutine.
func writeOne(fd, at uintptr) {
	a := place(at, 1)
	*a.word(0) = 1
	call(unix.SYS_WRITE, fd, uintptr(a), 8)
}
