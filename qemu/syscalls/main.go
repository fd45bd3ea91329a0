// Syscalls asks a system the questions that the Go runtime and its programs ask
// of Linux, and prints one line for each answer. It runs on Linux as it is, and
// on the machine as an image: the lines must be the same. What may differ, with
// the reason, is held against an expectation of its own for each of the two.
//
// A line holds nothing that changes from run to run: no addresses, times or
// numbers of files and threads, but what they must fulfil.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"
)

// check is one question. Without a reason both systems must answer the same.
type check struct {
	name string
	ask  func() string

	why          string // the answers differ
	image, linux string // what they must be; Linux is not asked where it has none
}

// groups in the order in which they run.
var groups = []struct {
	name   string
	checks []check
}{
	{"mmap", mmapChecks},
	{"mprotect", mprotectChecks},
	{"madvise", madviseChecks},
	{"fault", faultChecks},
	{"EFAULT", badPointerChecks},
	{"futex", futexChecks},
	{"eventfd", eventChecks},
	{"epoll", epollChecks},
	{"file", fileChecks},
	{"clock", clockChecks},
	{"signal", signalChecks},
	{"preemption", preemptionChecks},
	{"thread", threadChecks},
	{"system", systemChecks},
	{"runtime", runtimeChecks},
	{"image", imageChecks},
}

// onImage tells the kernel of the image from Linux, by its own word.
var onImage = func() bool {
	var u unix.Utsname
	return unix.Uname(&u) == nil && unix.ByteSliceToString(u.Sysname[:]) == "Barewire"
}()

func main() {
	if len(os.Args) > 1 {
		crash(os.Args[1])
		os.Exit(1)
	}
	n := 0
	for _, g := range groups {
		for _, c := range g.checks {
			fmt.Printf("%s/%s: %s\n", g.name, c.name, c.answer())
			n++
		}
	}
	fmt.Println("done:", n, "checks")
}

// answer is what follows the check's name on its line.
func (c *check) answer() string {
	if c.why == "" {
		return run(c.ask)
	}
	system, want := "Linux", c.linux
	if onImage {
		system, want = "the image", c.image
	}
	if want != "" {
		if got := run(c.ask); got != want {
			return fmt.Sprintf("%s, want %s on %s", got, want, system)
		}
	}
	return "differs: " + c.why
}

// run asks with the zone empty, in a goroutine of its own, which may fault.
func run(ask func() string) string {
	answer := make(chan string)
	go func() {
		said := ""
		defer func() {
			if r := recover(); r != nil {
				said = fmt.Sprintf("panic: %v", r)
			}
			closeOpened()
			answer <- said
		}()
		debug.SetPanicOnFault(true)
		clearZone()
		said = ask()
	}()
	return <-answer
}

// name is an error number as it is written, or "0".
func name(e syscall.Errno) string {
	switch n := unix.ErrnoName(e); {
	case e == 0:
		return "0"
	case n == "":
		return fmt.Sprintf("errno %d", int(e))
	default:
		return n
	}
}

// result is what a system call returned: an error's name or the value.
func result(r uintptr, e syscall.Errno) string {
	if e != 0 {
		return name(e)
	}
	return fmt.Sprint(int(r))
}

// must panics where a check could not even be set up.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// yesNo is a condition in words.
func yesNo(ok bool, yes, no string) string {
	if ok {
		return yes
	}
	return no
}
