package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

var threadChecks = []check{
	{name: "many that wait", ask: manyThreads},
	{name: "each has a number", ask: func() string {
		seen := make(map[int]bool)
		var lock sync.Mutex
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				runtime.LockOSThread()
				a := unix.Gettid()
				runtime.Gosched()
				lock.Lock()
				defer lock.Unlock()
				seen[a] = a == unix.Gettid()
				runtime.UnlockOSThread()
			})
		}
		all.Wait()
		for id, same := range seen {
			if id <= 0 || !same {
				return fmt.Sprint("thread ", id)
			}
		}
		return "and keeps it"
	}},
	{name: "their stacks come back", ask: func() string {
		manyThreads() // the runtime keeps records of as many as there ever were
		return returned(func() {
			for range 5 {
				manyThreads()
			}
		})
	}},
	{name: "yield", ask: func() string { return result(call(unix.SYS_SCHED_YIELD)) }},
	{name: "clone of a process", ask: func() string {
		return result(call(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0))
	}, why: "there is one process; Linux would make a second of this", image: "EINVAL"},
}

// manyThreads lets goroutines with a thread each wait on a futex until it times
// out; their threads end with them.
func manyThreads() string {
	const n, rounds = 80, 3
	before := threads()
	answers := make(map[string]int)
	for range rounds {
		a := place(0, 1)
		timeout := a.timespec(8, 0, 100_000_000)
		var lock sync.Mutex
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
				r := wait(a, 0, timeout)
				lock.Lock()
				defer lock.Unlock()
				answers[r]++
			})
		}
		all.Wait()
	}
	// A thread ends a little after its goroutine; a few more are the runtime's.
	left := 0
	for range 500 {
		if left = threads() - before; left < 10 {
			return fmt.Sprint(answers, ", none left")
		}
		settle()
	}
	return fmt.Sprint(answers, ", left: ", left)
}

// threads is how many threads the program has.
func threads() int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b = must(os.ReadFile("/proc/meminfo")) // the image's word for all that it knows
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if n, ok := strings.CutPrefix(s.Text(), "Threads:"); ok {
			return must(strconv.Atoi(strings.TrimSpace(n)))
		}
	}
	panic("the number of threads is not told")
}
