package main

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

type leaf struct{ value [64]int }

var faultChecks = []check{
	{name: "read nothing", ask: func() string { return area(zone).read(0x123) }},
	{name: "write nothing", ask: func() string { return area(zone).write(0x123) }},
	{name: "nil", ask: func() string {
		var none *leaf
		return fault(0, func() { none.value[3]++ })
	}},
	{name: "write code", ask: func() string { return area(reflect.ValueOf(crash).Pointer()).write(0) }},
	{name: "write a constant", ask: func() string { return text("constant").write(2) }},
	{name: "into the next page", ask: func() string {
		a := place(0, 1)
		return fault(uintptr(a)&^(page-1), func() { *a.word(page - 8) = 1 }) + ", " +
			yesNo(fault(0, func() { *a.word(page - 4) = 1 }) != "no fault", "fault behind it", "none behind it")
	}},
	{name: "ten thousand", ask: func() string {
		faults := 0
		for range 10_000 {
			if area(zone).read(8) == "fault at +0x8" {
				faults++
			}
		}
		return fmt.Sprint(faults)
	}},
	{name: "on many goroutines", ask: func() string {
		answers := make(chan string)
		for i := range uintptr(50) {
			go func() { answers <- area(zone + i*page).write(8) }()
		}
		right := 0
		for range 50 {
			if <-answers == "fault at +0x8" {
				right++
			}
		}
		return fmt.Sprint(right)
	}},
	{name: "touched from behind", ask: func() string {
		// A page is made present alone or with its neighbours: none may be lost.
		a := place(0, 100)
		for i := uintptr(100); i > 0; i-- {
			*a.byte(i*page - 1) = byte(i)
		}
		for i := uintptr(1); i <= 100; i++ {
			if *a.byte(i*page - 1) != byte(i) {
				return fmt.Sprintf("page %d", i)
			}
		}
		return "all there"
	}},
	{name: "not aligned for an atomic", ask: func() string {
		a := place(0, 1)
		return fault(zone, func() { atomic.AddUint64(a.word(12), 1) })
	}, why: "amd64 takes it", image: "fault at +0xc"},
}

// pointers that a system call must not follow, by what is wrong with them.
var badPointers = []struct {
	what    string
	set     func() uintptr
	toWrite bool // good enough to read from
}{
	{"nil", func() uintptr { return 0 }, false},
	{"nothing", func() uintptr { return zone + 64*page }, false},
	{"kernel", func() uintptr { return 0xffff_0000_4020_0000 }, false},
	{"end", func() uintptr { return none - 7 }, false},
	{"inaccessible", func() uintptr {
		a := place(0, 1)
		*a.word(0) = 0
		protect(0, 1, unix.PROT_NONE)
		return zone
	}, false},
	{"half", func() uintptr {
		a := place(0, 1)
		copy(a.bytes(page-8, 8), bytes.Repeat([]byte{'a'}, 8))
		return zone + page - 4
	}, false},
	{"read-only", func() uintptr {
		place(0, 1)
		protect(0, 1, unix.PROT_READ)
		return zone
	}, true},
	{"code", func() uintptr { return reflect.ValueOf(crash).Pointer() &^ 63 }, true},
}

// tryBad makes a system call with each of them and names the answers that are
// not EFAULT.
func tryBad(write bool, try func(bad uintptr) (uintptr, syscall.Errno)) func() string {
	return func() string {
		answer := ""
		for _, p := range badPointers {
			if p.toWrite && !write {
				continue
			}
			clearZone()
			closeOpened()
			if r, e := try(p.set()); e != unix.EFAULT {
				answer += fmt.Sprintf(" %s: %s", p.what, result(r, e))
			}
		}
		return "all" + answer
	}
}

const (
	fromMemory = false
	toMemory   = true
)

var badPointerChecks = []check{
	{name: "write", ask: tryBad(fromMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_WRITE, newEvent(0), bad, 8)
	})},
	{name: "read", ask: tryBad(toMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_READ, newEvent(1), bad, 8)
	})},
	{name: "openat", ask: tryBad(fromMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_OPENAT, 0, bad, unix.O_RDONLY)
	})},
	{name: "fstat", ask: tryBad(toMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_FSTAT, newEvent(0), bad)
	})},
	{name: "clock_gettime", ask: tryBad(toMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, bad)
	})},
	{name: "nanosleep", ask: tryBad(fromMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_NANOSLEEP, bad, 0)
	})},
	{name: "futex", ask: tryBad(fromMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		if bad == zone+page-4 {
			bad += 4 // a futex has no second half
		}
		return call(unix.SYS_FUTEX, bad&^3, futexWait, 0, 0)
	})},
	{name: "futex timeout", ask: tryBad(fromMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		if bad == 0 {
			return 0, unix.EFAULT // nil is none
		}
		return call(unix.SYS_FUTEX, uintptr(place(500, 1)), futexWait, 0, bad)
	})},
	{name: "epoll_ctl", ask: tryBad(fromMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_EPOLL_CTL, newEpoll(), unix.EPOLL_CTL_ADD, newEvent(0), bad)
	})},
	{name: "epoll_wait", ask: tryBad(toMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		ep := newEpoll()
		watch(ep, newEvent(1), unix.EPOLLIN)
		return call(unix.SYS_EPOLL_PWAIT, ep, bad, 1, 0, 0, 8)
	})},
	{name: "rt_sigprocmask", ask: tryBad(fromMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		if bad == 0 {
			return 0, unix.EFAULT // nil is none
		}
		return call(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, bad, 0, 8)
	})},
	{name: "rt_sigprocmask old", ask: tryBad(toMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		if bad == 0 {
			return 0, unix.EFAULT // nil is none
		}
		return call(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, 0, bad, 8)
	})},
	{name: "rt_sigaction", ask: tryBad(fromMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		if bad == 0 {
			return 0, unix.EFAULT // nil is none
		}
		return call(unix.SYS_RT_SIGACTION, 50, bad, 0, 8)
	})},
	{name: "rt_sigaction old", ask: tryBad(toMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		if bad == 0 {
			return 0, unix.EFAULT // nil is none
		}
		return call(unix.SYS_RT_SIGACTION, 50, 0, bad, 8)
	})},
	{name: "sigaltstack", ask: tryBad(fromMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		if bad == 0 {
			return 0, unix.EFAULT // nil is none
		}
		return call(unix.SYS_SIGALTSTACK, bad, 0)
	})},
	{name: "getrandom", ask: tryBad(toMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		if bad == zone+page-4 {
			bad += 4 // Linux fills what it can
		}
		return call(unix.SYS_GETRANDOM, bad, 16, 0)
	})},
	{name: "uname", ask: tryBad(toMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_UNAME, bad)
	})},
	{name: "prlimit64", ask: tryBad(toMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		if bad == 0 {
			return 0, unix.EFAULT // nil is none
		}
		return call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, bad)
	})},
	{name: "sched_getaffinity", ask: tryBad(toMemory, func(bad uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_SCHED_GETAFFINITY, 0, 128, bad)
	})},
}

// crash makes the runtime print what it was told of a fault.
func crash(how string) {
	debug.SetTraceback("none")
	runtime.LockOSThread()
	place(0, 1)
	switch how {
	case "nil":
		var none *leaf
		none.value[3]++
	case "read-nothing":
		area(zone).load(9 * page)
	case "write-nothing":
		*area(zone).byte(9 * page) = 1
	case "write-read-only":
		protect(0, 1, unix.PROT_READ)
		*area(zone).byte(16) = 1
	case "read-inaccessible":
		protect(0, 1, unix.PROT_NONE)
		area(zone).load(16)
	case "execute-data":
		area(zone).jump()
	case "exit":
		os.Exit(3)
	case "panic":
		panic("on purpose")
	}
	fmt.Println("no crash:", how)
}
