package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// masked runs f on a thread of its own on which no signal arrives: not even the
// runtime's own, which a check's alternate stack or mask would surprise.
func masked(f func(a area) []string) func() string {
	return func() string {
		answer := make(chan string)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			a := place(800, 1)
			*a.word(0) = ^uint64(0)
			must(0, failed(call(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(a), uintptr(a)+8, 8)))
			before := *a.word(8)
			s := strings.Join(f(a+256), " ")
			*a.word(0) = before
			must(0, failed(call(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(a), 0, 8)))
			answer <- s
		}()
		return <-answer
	}
}

func failed(_ uintptr, e syscall.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}

func mask(how uintptr, a area, set uint64) string {
	*a.word(0), *a.word(8) = set, 0
	r := result(call(unix.SYS_RT_SIGPROCMASK, how, uintptr(a), uintptr(a)+8, 8))
	return fmt.Sprintf("%s:%#x", r, *a.word(8))
}

// altstack is sigaltstack(2) of a stack_t; the old one is written behind it.
func altstack(a area, base area, flags uint32, size uint64) string {
	*a.word(0), *a.word(8), *a.word(16) = uint64(base), uint64(flags), size
	return result(call(unix.SYS_SIGALTSTACK, uintptr(a), uintptr(a)+24))
}

func tgkill(process, thread, signal int) string {
	return result(call(unix.SYS_TGKILL, uintptr(process), uintptr(thread), uintptr(signal)))
}

// noThread is the number of no thread: above what Linux counts to.
const noThread = 1<<22 + 1

var signalChecks = []check{
	{name: "mask", ask: masked(func(a area) []string {
		return []string{
			mask(unix.SIG_SETMASK, a, 0xffff_ffff_0000_0000), mask(unix.SIG_BLOCK, a, 0xf000), mask(unix.SIG_UNBLOCK, a, 0x1000),
			mask(unix.SIG_BLOCK, a, 0), mask(9, a, 1), mask(unix.SIG_SETMASK, a, ^uint64(0)), mask(unix.SIG_BLOCK, a, 0),
		}
	})},
	{name: "mask, wrong arguments", ask: masked(func(a area) []string {
		return []string{
			result(call(unix.SYS_RT_SIGPROCMASK, 9, 0, uintptr(a), 8)),
			result(call(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, uintptr(a), 0, 4)),
			result(call(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, uintptr(a), 0, 16)),
		}
	})},
	{name: "alternate stack", ask: masked(func(a area) []string {
		stack := place(810, 8)
		result(call(unix.SYS_SIGALTSTACK, 0, uintptr(a)+64))
		answer := []string{yesNo(*a.word(64 + 16) >= 8192 && *a.half(64 + 8) == 0, "set", "not set"),
			altstack(a, stack, 0, 8*page), altstack(a, 0, 2, 0)}
		answer = append(answer, yesNo(*a.word(24) == uint64(stack) && *a.half(32) == 0 && *a.word(40) == 8*page, "told", "not told"),
			altstack(a, stack, 0, 8*page), fmt.Sprint(*a.half(32)), altstack(a, stack, 0, 100), altstack(a, stack, 77, 8*page))
		// In and out at once.
		*a.word(0), *a.word(8), *a.word(16) = uint64(stack)+page, 0, 7*page
		answer = append(answer, result(call(unix.SYS_SIGALTSTACK, uintptr(a), uintptr(a))), yesNo(*a.word(0) == uint64(stack), "old", "new"))
		result(call(unix.SYS_SIGALTSTACK, 0, uintptr(a)))
		answer = append(answer, yesNo(*a.word(0) == uint64(stack)+page, "new", "old"))
		return append(answer, result(call(unix.SYS_SIGALTSTACK, uintptr(a)+64, 0)))
	})},
	{name: "action", ask: masked(func(a area) []string {
		action := func(signal, in, out, size uintptr) string {
			return result(call(unix.SYS_RT_SIGACTION, signal, in, out, size))
		}
		in, out := uintptr(a), uintptr(a)+64
		answer := []string{
			action(0, 0, out, 8), action(65, 0, out, 8), action(uintptr(unix.SIGKILL), 0, out, 8), action(50, 0, out, 4),
			action(50, 0, out, 8), yesNo(*a.word(64) > 1, "handler", "none"),
		}
		copy(a.bytes(0, 32), a.bytes(64, 32))
		answer = append(answer, action(uintptr(unix.SIGKILL), in, 0, 8), action(uintptr(unix.SIGSTOP), in, 0, 8))
		*a.word(24) = ^uint64(0)
		answer = append(answer, action(50, in, 0, 8), action(50, 0, out, 8),
			fmt.Sprintf("%#x", *a.word(64 + 24)), yesNo(*a.word(64) == *a.word(0), "the same", "another"))
		return answer
	})},
	{name: "to a thread", ask: masked(func(a area) []string {
		me, my := os.Getpid(), unix.Gettid()
		return []string{
			tgkill(me, my, 0), tgkill(me, my, 65), tgkill(me, my, -1), tgkill(me, noThread, 0), tgkill(me, noThread, 65),
			tgkill(me, 0, 0), tgkill(me, -1, 0), tgkill(0, my, 0), tgkill(noThread, my, 0),
		}
	})},
	{name: "to the process", ask: func() string { return result(call(unix.SYS_KILL, uintptr(os.Getpid()), 0)) }},
	{name: "arrives", ask: func() string {
		came := notify(unix.SIGUSR1)
		defer signal.Stop(came)
		for range 100 {
			kill(unix.SIGUSR1)
			if s := <-came; s != unix.SIGUSR1 {
				return s.String()
			}
		}
		return "a hundred times"
	}},
	{name: "waits until it may, and counts once", ask: func() string {
		came := notify(unix.SIGUSR1, unix.SIGUSR2)
		defer signal.Stop(came)
		early := masked(func(area) []string {
			for range 5 {
				kill(unix.SIGUSR1)
			}
			return []string{fmt.Sprint(len(came))}
		})()
		answer := early + " " + (<-came).String()
		kill(unix.SIGUSR2)
		return answer + " " + (<-came).String()
	}},
	{name: "ignored", ask: func() string {
		signal.Ignore(unix.SIGUSR1)
		kill(unix.SIGUSR1)
		came := notify(unix.SIGUSR1, unix.SIGUSR2)
		defer signal.Stop(came)
		kill(unix.SIGUSR2)
		return (<-came).String()
	}},
	{name: "nothing by default", ask: func() string {
		// The runtime has a handler for each; with the system's own these do nothing.
		return masked(func(a area) []string {
			*a.word(0), *a.word(8), *a.word(16), *a.word(24) = 0, 0, 0, 0
			answer := []string{}
			for _, s := range []syscall.Signal{unix.SIGCHLD, unix.SIGCONT, unix.SIGWINCH} {
				call(unix.SYS_RT_SIGACTION, uintptr(s), 0, uintptr(a)+32, 8)
				call(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(a), 0, 8)
				kill(s)
				mask(unix.SIG_UNBLOCK, a+128, 1<<(s-1))
				mask(unix.SIG_BLOCK, a+128, 1<<(s-1))
				answer = append(answer, result(call(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(a)+32, 0, 8)))
			}
			return answer
		})()
	}},
}

func notify(signals ...os.Signal) chan os.Signal {
	came := make(chan os.Signal, 100)
	signal.Notify(came, signals...)
	return came
}

// kill sends a signal to the thread that this goroutine happens to be on.
func kill(s syscall.Signal) { tgkill(os.Getpid(), unix.Gettid(), int(s)) }
