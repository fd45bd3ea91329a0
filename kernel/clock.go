//go:build arm64

package kernel

import "barewire/kernel/mem"

// Time is the processor's counter. CLOCK_MONOTONIC and CLOCK_BOOTTIME begin
// when the kernel is entered, so that a program can tell how long booting took.

const (
	clockRealtime   = 0
	clockMonotonic  = 1
	clockRaw        = 4
	clockRealCoarse = 5
	clockCoarse     = 6
	clockBoottime   = 7
)

const second = 1_000_000_000 // in nanoseconds

// nanoseconds converts a number of counter ticks, without overflow for centuries.
func nanoseconds(ticks uint64) uint64 {
	return ticks/frequency*second + ticks%frequency*second/frequency
}

// ticksOf converts nanoseconds, rounding up: nobody wakes early.
func ticksOf(ns uint64) uint64 {
	return ns/second*frequency + (ns%second*frequency+second-1)/second
}

// deadlineAfter reads a timespec that is relative to now.
func deadlineAfter(timespec uint64) (uint64, int64) {
	if !touch(timespec, 16, mem.ProtRead) {
		return 0, -efault
	}
	s, ns := load64(timespec), load64(timespec+8)
	if int64(s) < 0 || ns >= second {
		return 0, -einval
	}
	const century = 100 * 365 * 24 * 3600
	return counter() + ticksOf(min(s, century)*second+ns), 0
}

func sysClockGettime(id, timespec uint64) int64 {
	since := uint64(0)
	switch id {
	case clockRealtime, clockRealCoarse:
		since = epoch
	case clockMonotonic, clockRaw, clockCoarse, clockBoottime:
	default:
		return -einval
	}
	if !touch(timespec, 16, mem.ProtWrite) {
		return -efault
	}
	ns := nanoseconds(counter() - started)
	store64(timespec, ns/second+since)
	store64(timespec+8, ns%second)
	return 0
}

func sysNanosleep(c *cpu, timespec uint64) int64 {
	deadline, e := deadlineAfter(timespec)
	if e != 0 {
		return e
	}
	block(c, waitSleep, deadline)
	return 0
}
