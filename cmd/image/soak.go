//go:build arm64 && soak

package main

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"barewire/kernel/dev"
	"barewire/stack"
)

// background works the runtime and the kernel for ever, a round about a second,
// while the router routes: goroutines, timers, channels, allocation and
// collection, faults that are recovered, stacks that grow and shrink. After
// each round it prints what memory is in use once all of it was dropped.
func background(_ *stack.Namespace, logf func(string, ...any)) {
	go func() {
		// The kernel names a call that it does not know once, and the program goes on.
		_, _, e := syscall.RawSyscall(499, 0, 0, 0)
		logf("soak: system call 499: %v", e)
		for round := 1; ; round++ {
			sum := soakRound(round)
			debug.FreeOSMemory()
			m, err := dev.ReadMemory()
			if err != nil {
				logf("soak: %v", err)
				return
			}
			var s runtime.MemStats
			runtime.ReadMemStats(&s)
			logf("soak: round %d: resident %d KiB, allocated %d MiB, collections %d, goroutines %d, faults recovered %d, sum %x",
				round, (m.Total-m.Free)>>10, s.TotalAlloc>>20, s.NumGC, runtime.NumGoroutine(), recovered, sum[:4])
		}
	}()
}

var (
	recovered int
	faults    sync.Mutex // protects recovered
)

func soakRound(round int) [32]byte {
	results := make(chan [32]byte)
	var workers sync.WaitGroup
	for w := range 32 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range 8 {
				b := make([]byte, 100_000+w*1000)
				for j := 0; j < len(b); j += 64 { // every cache line
					b[j] = byte(j>>6 + 8*w + i + round)
				}
				recoverFault()
				if i%4 == 3 {
					time.Sleep(time.Millisecond)
				}
				results <- sha256.Sum256(b[:4096])
			}
		}()
	}
	go func() {
		workers.Wait()
		close(results)
	}()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	var all [32]byte
	for open := true; open; {
		select {
		case r, ok := <-results:
			// The order differs from run to run; and the 256 blocks of a round are
			// those of any other, so that the sum must always be the same.
			for i := range r {
				all[i] ^= r[i]
			}
			open = ok
		case <-ticker.C:
		}
	}
	if d := depth(20_000); d != 20_000 {
		panic(fmt.Sprintf("recursion came back with %d", d))
	}
	return all
}

type leaf struct{ value int }

// recoverFault dereferences nil and goes on, as net/http does for a handler.
func recoverFault() {
	defer func() {
		if err, ok := recover().(runtime.Error); !ok || err.Error() != "runtime error: invalid memory address or nil pointer dereference" {
			panic(fmt.Sprintf("a nil dereference gave %v", err))
		}
		faults.Lock()
		recovered++
		faults.Unlock()
	}()
	var none *leaf
	none.value++
}

// depth grows a stack to a few megabytes.
func depth(n int) int {
	var frame [100]byte
	if n == 0 {
		return int(frame[0])
	}
	frame[n%100] = byte(n)
	return depth(n-1) + 1 + int(frame[n%100]) - int(byte(n))
}
