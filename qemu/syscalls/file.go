package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

var eventChecks = []check{
	{name: "unknown flags", ask: func() string { return result(call(unix.SYS_EVENTFD2, 0, 0x10)) }},
	{name: "counts", ask: func() string {
		fd := newEvent(7)
		return strings.Join([]string{readEvent(fd), readEvent(fd), writeEvent(fd, 3), writeEvent(fd, 4), readEvent(fd), readEvent(fd)}, " ")
	}},
	{name: "initial value has 32 bits", ask: func() string { return readEvent(newEvent(1<<32 + 5)) }},
	{name: "full", ask: func() string {
		fd := newEvent(0)
		return strings.Join([]string{
			writeEvent(fd, 1<<64-1), writeEvent(fd, 1<<64-2), writeEvent(fd, 0), writeEvent(fd, 1), writeEvent(fd, 1<<64-2), readEvent(fd),
		}, " ")
	}},
	{name: "lengths", ask: func() string {
		fd, a := newEvent(1), place(0, 1)
		answer := []string{}
		for _, n := range []uintptr{0, 4, 7} {
			answer = append(answer, result(call(unix.SYS_READ, fd, uintptr(a), n)), result(call(unix.SYS_WRITE, fd, uintptr(a), n)))
		}
		return strings.Join(append(answer, result(call(unix.SYS_READ, fd, uintptr(a), 16))), " ")
	}},
	{name: "blocking", ask: func() string { return yesNo(opens(unix.SYS_EVENTFD2, 0, 0), "file", "EINVAL") },
		why: "no read blocks: whoever waits does so in epoll", image: "EINVAL", linux: "file"},
	{name: "semaphore", ask: func() string {
		return yesNo(opens(unix.SYS_EVENTFD2, 0, unix.EFD_NONBLOCK|unix.EFD_SEMAPHORE), "file", "EINVAL")
	}, why: "the runtime has no use for it", image: "EINVAL", linux: "file"},
}

func opens(number uintptr, a ...uintptr) bool {
	fd, e := call(number, a...)
	if e == 0 {
		remember(fd, e)
	}
	return e == 0
}

// noFiles are numbers of no open file.
var noFiles = []uintptr{200_000_000, none, 1<<31 - 1, 1 << 31, 63}

func onNoFile(f func(fd uintptr) (uintptr, syscall.Errno)) func() string {
	return func() string {
		answer := []string{}
		for _, fd := range noFiles {
			answer = append(answer, result(f(fd)))
		}
		return strings.Join(answer, " ")
	}
}

func open(path string) string {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return name(err.(syscall.Errno))
	}
	unix.Close(fd)
	return "file"
}

var fileChecks = []check{
	{name: "read of none", ask: onNoFile(func(fd uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_READ, fd, uintptr(place(0, 1)), 8)
	})},
	{name: "write to none", ask: onNoFile(func(fd uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_WRITE, fd, uintptr(place(0, 1)), 8)
	})},
	{name: "close of none", ask: onNoFile(func(fd uintptr) (uintptr, syscall.Errno) { return call(unix.SYS_CLOSE, fd) })},
	{name: "fcntl of none", ask: onNoFile(func(fd uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_FCNTL, fd, unix.F_GETFL)
	})},
	{name: "ioctl of none", ask: onNoFile(func(fd uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_IOCTL, fd, 1)
	})},
	{name: "fstat of none", ask: onNoFile(func(fd uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_FSTAT, fd, uintptr(place(0, 1)))
	})},
	{name: "lseek of none", ask: onNoFile(func(fd uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_LSEEK, fd, 0, 0)
	})},
	{name: "mmap of none", ask: onNoFile(func(fd uintptr) (uintptr, syscall.Errno) {
		return call(unix.SYS_MMAP, 0, page, unix.PROT_READ, unix.MAP_PRIVATE, fd, 0)
	})},
	{name: "mmap of what has no memory", ask: func() string {
		return where(call(unix.SYS_MMAP, 0, page, unix.PROT_READ, unix.MAP_PRIVATE, newEvent(0), 0))
	}},
	{name: "closed twice", ask: func() string {
		fd, _ := call(unix.SYS_EVENTFD2, 0, unix.EFD_NONBLOCK)
		return result(call(unix.SYS_CLOSE, fd)) + " " + result(call(unix.SYS_CLOSE, fd))
	}},
	{name: "lowest number", ask: func() string {
		a, b, c := newEvent(0), newEvent(0), newEvent(0)
		call(unix.SYS_CLOSE, b)
		call(unix.SYS_CLOSE, a)
		x, y, z := newEvent(0), newEvent(0), newEvent(0)
		return yesNo(x == a && y == b && z > c, "taken first", "not taken first")
	}},
	{name: "flags", ask: func() string {
		fl, _ := call(unix.SYS_FCNTL, newEvent(0), unix.F_GETFL)
		return fmt.Sprintf("%#x %s", fl, result(call(unix.SYS_FCNTL, newEvent(0), 9999)))
	}},
	{name: "ioctl that it does not have", ask: func() string { return result(call(unix.SYS_IOCTL, newEvent(0), 0x1234)) }},
	{name: "lseek of what has no position", ask: func() string { return result(call(unix.SYS_LSEEK, newEvent(0), 0, 0)) },
		why: "Linux lets an eventfd have a position that nothing uses", image: "ESPIPE", linux: "0"},
	{name: "read of an epoll file", ask: func() string {
		return result(call(unix.SYS_READ, newEpoll(), uintptr(place(0, 1)), 8))
	}},
	{name: "write of nothing", ask: func() string { return result(call(unix.SYS_WRITE, 1, 0, 0)) }},
	{name: "open", ask: func() string {
		return strings.Join([]string{open("/no/such/file"), open(""), open("/no/" + strings.Repeat("long", 50))}, " ")
	}},
	{name: "open, a name beyond all limits", ask: func() string { return open(strings.Repeat("/long", 1000)) }},
	{name: "open, a name at the end of memory", ask: func() string {
		a := place(0, 1)
		copy(a.bytes(page-8, 8), "/no/file")
		return result(call(unix.SYS_OPENAT, 0, zone+page-8, 0))
	}},
	{name: "statm", ask: func() string {
		return fmt.Sprint(len(strings.Fields(string(must(os.ReadFile("/proc/self/statm"))))), " fields")
	}},
	{name: "statm, twice", ask: func() string {
		f := must(os.Open("/proc/self/statm"))
		defer f.Close()
		b := make([]byte, 1000)
		n, _ := f.Read(b)
		m, err := f.Read(b)
		return fmt.Sprint(n > 0, " ", m, " ", err)
	}},
	{name: "too many", ask: tooMany},
	{name: "0 is kept", ask: func() string {
		call(unix.SYS_CLOSE, 0)
		fd := newEvent(0)
		return yesNo(fd == 0, "taken", "kept")
	}, why: "the console keeps its numbers", image: "kept"},
}

// tooMany opens files until there are no more numbers, of which it allows 60.
func tooMany() string {
	var old, limit unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &old); err != nil {
		return err.Error()
	}
	limit = unix.Rlimit{Cur: 64, Max: old.Max}
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		return err.Error()
	}
	defer unix.Prlimit(0, unix.RLIMIT_NOFILE, &old, nil)
	n := 0
	for {
		fd, e := call(unix.SYS_EVENTFD2, 0, unix.EFD_NONBLOCK)
		if e != 0 {
			_, e2 := call(unix.SYS_EPOLL_CREATE1, 0)
			closeOpened()
			fd, e3 := call(unix.SYS_EVENTFD2, 0, unix.EFD_NONBLOCK)
			call(unix.SYS_CLOSE, fd)
			return fmt.Sprint(n > 40, " ", name(e), " ", name(e2), " ", name(e3))
		}
		remember(fd, e)
		n++
	}
}
