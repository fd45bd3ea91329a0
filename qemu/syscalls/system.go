package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

var systemChecks = []check{
	{name: "unknown call", ask: func() string {
		return result(call(499)) + " " + result(call(499)) + " " + result(call(100_000)) + " " + result(call(none))
	}},
	{name: "random bytes", ask: func() string {
		a, answer := place(0, 1), []string{}
		for _, n := range []uintptr{0, 1, 16, 63, 64, 65, 256, 4000} {
			answer = append(answer, result(call(unix.SYS_GETRANDOM, uintptr(a), n, 0)))
		}
		return strings.Join(answer, " ")
	}},
	{name: "random bytes, no more than asked for", ask: func() string {
		a := place(0, 1)
		call(unix.SYS_GETRANDOM, uintptr(a), 100, 0)
		return fmt.Sprint(len(bytes.TrimRight(a.bytes(0, page), "\x00")) <= 100)
	}},
	{name: "random bytes differ", ask: func() string {
		a := place(0, 16)
		seen := make(map[string]bool)
		for i := range uintptr(16) {
			call(unix.SYS_GETRANDOM, uintptr(a)+i*page, page, 0)
		}
		for i := uintptr(0); i < 16*page; i += 16 {
			seen[string(a.bytes(i, 16))] = true
		}
		return fmt.Sprint(len(seen))
	}},
	{name: "random bytes are even", ask: func() string {
		// Of 2^18 bits 2^17 are set, give or take seven deviations of 256.
		a, ones := place(0, 8), 0
		call(unix.SYS_GETRANDOM, uintptr(a), 8*page, 0)
		for _, b := range a.bytes(0, 8*page) {
			for ; b != 0; b &= b - 1 {
				ones++
			}
		}
		return yesNo(ones > 1<<17-7*256 && ones < 1<<17+7*256, "yes", fmt.Sprint(ones))
	}},
	{name: "random bytes, flags", ask: func() string {
		a, answer := uintptr(place(0, 1)), []string{}
		for _, flags := range []uintptr{unix.GRND_NONBLOCK, unix.GRND_INSECURE, unix.GRND_RANDOM | unix.GRND_INSECURE, 8, 1 << 31} {
			answer = append(answer, result(call(unix.SYS_GETRANDOM, a, 8, flags)))
		}
		return strings.Join(answer, " ")
	}},
	{name: "name", ask: func() string {
		var u unix.Utsname
		err := unix.Uname(&u)
		return fmt.Sprint(err, u.Sysname[0] != 0, u.Nodename[0] != 0, u.Release[0] != 0, u.Machine[0] != 0)
	}},
	{name: "name of the system", ask: func() string {
		var u unix.Utsname
		unix.Uname(&u)
		return unix.ByteSliceToString(u.Sysname[:])
	}, why: "it says what it is", image: "Barewire", linux: "Linux"},
	{name: "limit of files", ask: func() string {
		var l unix.Rlimit
		err := unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &l)
		again := unix.Prlimit(0, unix.RLIMIT_NOFILE, &l, nil)
		above := unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: l.Max + 1, Max: l.Max}, nil)
		return fmt.Sprint(err, l.Cur >= 64, l.Max >= l.Cur, again, above)
	}},
	{name: "limit of files, lower", ask: func() string {
		var old unix.Rlimit
		unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &old)
		defer unix.Prlimit(0, unix.RLIMIT_NOFILE, &old, nil)
		a := place(0, 1)
		*a.word(0), *a.word(8) = 20, old.Max
		return result(call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(a), 0))
	}, why: "the table's size is fixed", image: "EPERM", linux: "0"},
	{name: "unknown limit", ask: func() string {
		return result(call(unix.SYS_PRLIMIT64, 0, 99, 0, uintptr(place(0, 1))))
	}},
	{name: "processors", ask: func() string {
		a := place(0, 1)
		n, e := call(unix.SYS_SCHED_GETAFFINITY, 0, 128, uintptr(a))
		bits := 0
		for _, b := range a.bytes(0, n) {
			for ; b != 0; b &= b - 1 {
				bits++
			}
		}
		return fmt.Sprint(name(e), " ", n%8, " ", bits == runtime.NumCPU())
	}},
	{name: "processors, wrong arguments", ask: func() string {
		a := uintptr(place(0, 1))
		return strings.Join([]string{
			result(call(unix.SYS_SCHED_GETAFFINITY, 0, 0, a)), result(call(unix.SYS_SCHED_GETAFFINITY, 0, 7, a)),
			result(call(unix.SYS_SCHED_GETAFFINITY, 0, 12, a)), result(call(unix.SYS_SCHED_GETAFFINITY, noThread, 128, a)),
		}, " ")
	}},
	{name: "who", ask: func() string {
		return fmt.Sprint(os.Getpid() > 0, " ", os.Getpagesize())
	}},
	{name: "restart by mistake", ask: func() string {
		return result(call(unix.SYS_REBOOT, 1, 2, 3)) + " " + result(call(unix.SYS_REBOOT, 0xfee1dead, 672274793, 3))
	}, why: "a check must not restart what it runs on", image: "EINVAL EINVAL"},
}

var runtimeChecks = []check{
	{name: "deep recursion", ask: func() string { return fmt.Sprint(depth(150_000)) }},
	{name: "recursion on many goroutines", ask: func() string {
		sum, answers := 0, make(chan int)
		for range 200 {
			go func() { answers <- depth(500) }()
		}
		for range 200 {
			sum += <-answers
		}
		return fmt.Sprint(sum)
	}},
	{name: "large allocations", ask: func() string {
		for i := range 6 {
			b := make([]byte, 24<<20)
			for j := 0; j < len(b); j += page {
				if b[j] != 0 {
					return fmt.Sprintf("round %d: byte %d is not zero", i, j)
				}
				b[j] = byte(i + 1)
			}
			for j := 0; j < len(b); j += page {
				if b[j] != byte(i+1) {
					return fmt.Sprintf("round %d: byte %d is lost", i, j)
				}
			}
		}
		return "zero, and kept"
	}},
	{name: "many goroutines", ask: func() string {
		const n = 10_000
		start, sum := make(chan bool), make(chan int)
		for i := range n {
			go func() {
				<-start
				sum <- i
			}()
		}
		runtime.GC()
		close(start)
		total := 0
		for range n {
			total += <-sum
		}
		return fmt.Sprint(total)
	}},
	{name: "timers", ask: func() string {
		const n = 1000
		early, fired := 0, make(chan time.Duration)
		start := time.Now()
		for i := range n {
			at := time.Duration(i*389%n) * 100 * time.Microsecond // not in the order of their ends
			time.AfterFunc(at-time.Since(start), func() { fired <- time.Since(start) - at })
		}
		for range n {
			if <-fired < 0 {
				early++
			}
		}
		return fmt.Sprint(n, " fired, ", early, " early")
	}},
	{name: "memory in many sizes", ask: func() string {
		// Each holds its own number all over, while the collector runs.
		var all sync.WaitGroup
		wrong := make(chan string, 8)
		for w := range 8 {
			all.Go(func() {
				var kept [32][]byte
				for i := range 400 {
					b := bytes.Repeat([]byte{byte(i ^ w)}, 1+(i*i*37+w)%40_000)
					kept[i%32] = b
					if j := (i * 7) % 32; len(kept[j]) > 0 && bytes.Count(kept[j], kept[j][:1]) != len(kept[j]) {
						wrong <- fmt.Sprintf("worker %d, round %d", w, i)
						return
					}
				}
			})
		}
		all.Wait()
		close(wrong)
		return "undamaged" + <-wrong
	}},
}

// depth grows a stack.
func depth(n int) int {
	var frame [64]byte
	if n == 0 {
		return int(frame[0])
	}
	frame[n%64] = byte(n)
	return depth(n-1) + 1 + int(frame[n%64]) - int(byte(n))
}
