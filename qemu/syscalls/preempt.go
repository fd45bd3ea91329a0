package main

import (
	"crypto/sha256"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

var preemptionChecks = []check{
	{name: "loop without calls lets the collector finish", ask: func() string {
		// The runtime stops it by a signal alone.
		var stop atomic.Bool
		var all sync.WaitGroup
		for range runtime.NumCPU() + 1 {
			all.Go(func() {
				for !stop.Load() {
				}
			})
		}
		for range 3 {
			runtime.GC()
		}
		stop.Store(true)
		all.Wait()
		return "it does"
	}},
	{name: "floating point", ask: undisturbed(func(seed int) float64 {
		sum, x := 0.0, 1+float64(seed)
		a, b, c, d := x, x/3, x/7, x/11
		for i := range 60_000 {
			f := float64(i)
			a, b, c, d = math.FMA(a, 0.75, f), b*0.5+a, c*0.25+b, d*0.125+c
			sum += math.Sqrt(a*a+b*b) - c/(d+1)
		}
		return sum
	})},
	{name: "vector registers", ask: undisturbed(func(seed int) [32]byte {
		// Hashing uses them, and so do copies of every size.
		from, to := make([]byte, 4096), make([]byte, 4096)
		for i := range from {
			from[i] = byte(i * seed)
		}
		var sum [32]byte
		for i := range 60 {
			copy(to[i:], from[:4096-i*7])
			clear(to[4000:])
			sum = sha256.Sum256(append(to, sum[:]...))
			from[i] ^= sum[i%32]
		}
		return sum
	})},
	{name: "integers", ask: undisturbed(func(seed int) uint64 {
		x, y := uint64(seed)+1, uint64(seed)<<32|1
		for range 200_000 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			if x%3 == 0 {
				y += x*y + y/x
			} else {
				y ^= x - y
			}
		}
		return y
	})},
}

// undisturbed computes on many goroutines at once, while others collect, fault
// and make system calls, and compares with what comes out alone.
func undisturbed[T comparable](compute func(seed int) T) func() string {
	return func() string {
		const seeds, rounds = 6, 3
		var alone [seeds]T
		for i := range alone {
			alone[i] = compute(i)
		}
		var stop atomic.Bool
		var noise, all sync.WaitGroup
		noise.Go(func() {
			for !stop.Load() {
				runtime.GC()
			}
		})
		noise.Go(func() {
			for !stop.Load() {
				area(zone).read(8)
				kill(23) // SIGURG: what the runtime itself sends
				runtime.Gosched()
			}
		})
		var wrong atomic.Int32
		for i := range alone {
			all.Go(func() {
				for range rounds {
					if compute(i) != alone[i] {
						wrong.Add(1)
					}
				}
			})
		}
		all.Wait()
		stop.Store(true)
		noise.Wait()
		return fmt.Sprint(wrong.Load(), " wrong")
	}
}
