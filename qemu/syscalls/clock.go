package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// atLeast says that f took no less than a time; nothing says how much more.
func atLeast(d time.Duration, f func() string) string {
	start := time.Now()
	answer := f()
	if took := time.Since(start); took < d {
		return fmt.Sprintf("%s after %v, want at least %v", answer, took, d)
	}
	return answer
}

// rawClock asks the system itself; the runtime asks its vDSO.
func rawClock(id uintptr) int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(id), &t); err != nil {
		panic(err)
	}
	if t.Nsec < 0 || t.Nsec >= 1e9 {
		panic(fmt.Sprintf("%d nanoseconds", t.Nsec))
	}
	return t.Nano()
}

func clock(id uintptr) string {
	return result(call(unix.SYS_CLOCK_GETTIME, id, uintptr(place(0, 1))))
}

func sleep(s, ns int64) string {
	return result(patient(unix.SYS_NANOSLEEP, place(0, 1).timespec(0, s, ns), 0))
}

var clockChecks = []check{
	{name: "which there are", ask: func() string {
		return strings.Join([]string{clock(unix.CLOCK_REALTIME), clock(unix.CLOCK_MONOTONIC), clock(unix.CLOCK_MONOTONIC_RAW),
			clock(unix.CLOCK_REALTIME_COARSE), clock(unix.CLOCK_MONOTONIC_COARSE), clock(unix.CLOCK_BOOTTIME)}, " ")
	}},
	{name: "which there are not", ask: func() string {
		return clock(16) + " " + clock(99) + " " + clock(1<<31-1) + " " + result(call(unix.SYS_CLOCK_GETTIME, 99, 1))
	}},
	{name: "time that a process took", ask: func() string {
		return clock(unix.CLOCK_PROCESS_CPUTIME_ID) + " " + clock(unix.CLOCK_THREAD_CPUTIME_ID)
	}, why: "nobody counts it", image: "EINVAL EINVAL", linux: "0 0"},
	{name: "monotonic, on four threads", ask: monotonic},
	{name: "vDSO and system call agree", ask: agree},
	{name: "realtime, vDSO and system call agree", ask: func() string {
		for range 2000 {
			a := rawClock(unix.CLOCK_REALTIME)
			b := time.Now().UnixNano()
			c := rawClock(unix.CLOCK_REALTIME)
			if a > b || b > c {
				return fmt.Sprintf("%d, %d, %d", a, b, c)
			}
		}
		return "yes"
	}},
	{name: "sleep", ask: func() string {
		answer := []string{}
		for _, d := range []time.Duration{0, 1, time.Microsecond, time.Millisecond, 7*time.Millisecond + 1} {
			answer = append(answer, atLeast(d, func() string { return sleep(0, int64(d)) }))
		}
		return strings.Join(answer, " ")
	}},
	{name: "sleep more than a second", ask: func() string {
		return atLeast(time.Second+time.Millisecond, func() string { return sleep(1, 1_000_000) })
	}},
	{name: "sleep for no time", ask: func() string {
		return strings.Join([]string{sleep(0, 1_000_000_000), sleep(0, -1), sleep(-1, 0), sleep(-1<<63, 0), sleep(0, 1<<62)}, " ")
	}},
	{name: "many that sleep", ask: func() string {
		// In an order that is not that of their ends.
		early, all := atomic.Int32{}, sync.WaitGroup{}
		for i := range 30 {
			all.Go(func() {
				d := time.Duration(i*7%30) * time.Millisecond / 4
				t := place(uintptr(i), 1).timespec(0, 0, int64(d))
				start := time.Now()
				if _, e := patient(unix.SYS_NANOSLEEP, t, 0); e != 0 || time.Since(start) < d {
					early.Add(1)
				}
			})
		}
		all.Wait()
		return fmt.Sprint(early.Load(), " early")
	}},
}

// monotonic asks both ways on four threads, which tell each other the latest.
func monotonic() string {
	var raw, vdso, back atomic.Int64
	start := time.Now()
	later := func(latest *atomic.Int64, ask func() int64) {
		before := latest.Load()
		now := ask()
		if now < before {
			back.Add(1)
		}
		for !latest.CompareAndSwap(before, max(before, now)) {
			before = latest.Load()
		}
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 5000 {
				later(&raw, func() int64 { return rawClock(unix.CLOCK_MONOTONIC) })
				later(&vdso, func() int64 { return int64(time.Since(start)) })
			}
		})
	}
	all.Wait()
	return fmt.Sprint(back.Load(), " times back")
}

// agree asks in turn: what the runtime counts from must lie between what the
// system says before and after, each time.
func agree() string {
	start := time.Now()
	low, high := int64(-1<<63), int64(1<<63-1)
	for range 5000 {
		before := rawClock(unix.CLOCK_MONOTONIC)
		since := int64(time.Since(start))
		after := rawClock(unix.CLOCK_MONOTONIC)
		low, high = max(low, before-since), min(high, after-since)
		if low > high {
			return fmt.Sprintf("apart by %d ns", low-high)
		}
	}
	return "yes"
}
