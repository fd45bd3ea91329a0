package main

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Operations, Linux include/uapi/linux/futex.h.
const (
	futexWait       = 0 | futexPrivate
	futexWake       = 1 | futexPrivate
	futexWaitBitset = 9 | futexPrivate
	futexPrivate    = 128
)

func wait(f area, value uintptr, timeout uintptr) string {
	return result(patient(unix.SYS_FUTEX, uintptr(f), futexWait, value, timeout))
}

func wake(f area, n int) string {
	return result(call(unix.SYS_FUTEX, uintptr(f), futexWake, uintptr(n)))
}

// settle is time for other threads to reach what they wait in. Nothing is wrong
// when it was too short: the checks that use it try again.
func settle() { time.Sleep(10 * time.Millisecond) }

// waiters are goroutines that wait on a futex, and go on waiting until it
// changes, each with a thread of its own.
type waiters struct {
	futex area
	all   sync.WaitGroup
	wrong atomic.Pointer[string]
}

func newWaiters(futex area, n int) *waiters {
	w := &waiters{futex: futex}
	for range n {
		w.all.Go(func() {
			for atomic.LoadUint32(futex.half(0)) == 0 {
				if r := wait(futex, 0, 0); r != "0" && r != "EAGAIN" {
					w.wrong.Store(&r)
					return
				}
			}
		})
	}
	return w
}

// end wakes all and says what went wrong.
func (w *waiters) end() string {
	atomic.StoreUint32(w.futex.half(0), 1)
	wake(w.futex, 1000)
	w.all.Wait()
	if wrong := w.wrong.Load(); wrong != nil {
		return ", a wait returned " + *wrong
	}
	return ""
}

// wakeAll tries until as many threads wait as should be woken.
func (w *waiters) wakeAll(n int, want string) string {
	for range 500 {
		settle()
		if r := wake(w.futex, n); r == want {
			return r + w.end()
		}
	}
	return "never " + want + w.end()
}

var futexChecks = []check{
	{name: "other value", ask: func() string { return wait(place(0, 1), 1, 0) }},
	{name: "timeout", ask: func() string {
		a := place(0, 1)
		return atLeast(3*time.Millisecond, func() string { return wait(a, 0, a.timespec(8, 0, 3_000_000)) })
	}},
	{name: "timeout 0", ask: func() string {
		a := place(0, 1)
		return wait(a, 0, a.timespec(8, 0, 0))
	}},
	{name: "timeout without nanoseconds", ask: func() string {
		a := place(0, 1)
		return wait(a, 0, a.timespec(8, 0, 1_000_000_000)) + " " + wait(a, 0, a.timespec(8, 0, -1)) + " " +
			wait(a, 0, a.timespec(8, -1, 0)) + " " + wait(a, 1, a.timespec(8, -1, 0))
	}},
	{name: "timeout of ages", ask: func() string {
		a := place(0, 1)
		for _, s := range []int64{1 << 40, 1<<63 - 1} {
			a.timespec(8, s, 999_999_999)
			*a.half(0) = 0
			done := make(chan string)
			go func() { done <- wait(a, 0, uintptr(a)+8) }()
			for woken := "0"; woken == "0"; woken = wake(a, 1) {
				select {
				case r := <-done:
					return "ended: " + r
				default:
					settle()
				}
			}
			if r := <-done; r != "0" {
				return r
			}
		}
		return "woken"
	}},
	{name: "unaligned", ask: func() string {
		a := place(0, 1)
		return wait(a+2, 0, 0) + " " + wake(a+1, 1)
	}},
	{name: "wake nobody", ask: func() string { return wake(place(0, 1), 1) }},
	{name: "wake where nothing is", ask: func() string { return wake(area(zone), 1) }},
	{name: "wake in the kernel's half", ask: func() string { return wake(area(kernelHalf), 1) }},
	{name: "wake some", ask: func() string { return newWaiters(place(0, 1), 5).wakeAll(2, "2") }},
	{name: "wake all", ask: func() string { return newWaiters(place(0, 1), 5).wakeAll(1000, "5") }},
	{name: "wake none", ask: func() string { return newWaiters(place(0, 1), 2).wakeAll(0, "1") }},
	{name: "wake a negative number", ask: func() string { return newWaiters(place(0, 1), 2).wakeAll(-1, "1") }},
	{name: "wake on read-only memory", ask: func() string {
		a := place(0, 1)
		protect(0, 1, unix.PROT_READ)
		return wake(a, 1) + " " + wait(a, 1, 0)
	}},
	{name: "neighbours", ask: func() string {
		// They may share a queue, and must not take each other's wakes.
		a := place(0, 2)
		w := newWaiters(a, 3)
		for i := uintptr(4); i < 2*page; i += 4 {
			if r := wake(a+area(i), 1); r != "0" {
				return fmt.Sprintf("%s at +%#x%s", r, i, w.end())
			}
		}
		return w.wakeAll(1000, "3")
	}},
	{name: "first come, first woken", ask: func() string {
		var order []int
		for range 20 {
			if order = wakeOrder(6); slices.IsSorted(order) {
				return "yes"
			}
		}
		return fmt.Sprint(order)
	}},
	{name: "two threads in turn", ask: func() string {
		a := place(0, 1)
		const rounds = 2000
		turn := func(mine, other uint32) {
			for range rounds {
				for atomic.LoadUint32(a.half(0)) != mine {
					wait(a, uintptr(other), 0)
				}
				atomic.StoreUint32(a.half(0), other)
				wake(a, 1)
			}
		}
		var both sync.WaitGroup
		both.Go(func() { turn(0, 1) })
		both.Go(func() { turn(1, 0) })
		both.Wait()
		return fmt.Sprint(rounds, " times")
	}},
	{name: "unknown operation", ask: func() string {
		return result(call(unix.SYS_FUTEX, uintptr(place(0, 1)), 77, 0, 0))
	}},
	{name: "bitset", ask: func() string {
		return result(call(unix.SYS_FUTEX, uintptr(place(0, 1)), futexWaitBitset, 1, 0, 0, 1))
	}, why: "the runtime waits and wakes, nothing else", image: "ENOSYS", linux: "EAGAIN"},
}

// wakeOrder lets n threads wait one after the other, and wakes one at a time.
func wakeOrder(n int) (order []int) {
	a := place(0, 1)
	woken := make(chan int)
	for i := range n {
		go func() {
			wait(a, 0, 0)
			woken <- i
		}()
		settle()
	}
	for len(order) < n {
		if wake(a, 1) == "1" {
			order = append(order, <-woken)
		} else {
			settle()
		}
	}
	return order
}
