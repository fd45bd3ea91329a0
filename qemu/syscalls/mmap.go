package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// where is what mmap returned: an error, or an offset from the zone.
func where(a uintptr, e syscall.Errno) string {
	switch {
	case e != 0:
		return name(e)
	case a >= zone && a < zone+zoneSize:
		return fmt.Sprintf("+%#x", a-zone)
	default:
		call(unix.SYS_MUNMAP, a, page)
		return "elsewhere"
	}
}

func mapped(addr, length uintptr, prot, flags int) func() string {
	return func() string { return where(mmap(addr, length, prot, flags)) }
}

func unmapped(addr, length uintptr) func() string {
	return func() string { return result(call(unix.SYS_MUNMAP, addr, length)) }
}

const kernelHalf = uintptr(0xffff_8000_0000_0000)

var mmapChecks = []check{
	{name: "length 0", ask: mapped(0, 0, readWrite, private)},
	{name: "length that overflows", ask: mapped(0, none, readWrite, private)},
	{name: "length beyond all addresses", ask: mapped(0, 1<<60, readWrite, private)},
	{name: "neither private nor shared", ask: mapped(0, page, readWrite, unix.MAP_ANON)},
	{name: "shared anonymous", ask: mapped(zone, page, readWrite, unix.MAP_SHARED|unix.MAP_ANON)},
	{name: "no file", ask: mapped(0, page, readWrite, unix.MAP_PRIVATE)},
	{name: "unaligned offset", ask: func() string {
		return where(call(unix.SYS_MMAP, 0, page, readWrite, private, none, 1))
	}},
	{name: "hint", ask: mapped(zone+5*page, page, readWrite, private)},
	{name: "unaligned hint", ask: mapped(zone+5*page+1, page, readWrite, private)},
	{name: "hint that is taken", ask: func() string {
		place(5, 1)
		return mapped(zone+4*page, 2*page, readWrite, private)()
	}},
	{name: "hint in the kernel's half", ask: mapped(kernelHalf, page, readWrite, private)},
	{name: "fixed, unaligned", ask: mapped(zone+1, page, readWrite, private|unix.MAP_FIXED)},
	{name: "fixed in the kernel's half", ask: mapped(kernelHalf, page, readWrite, private|unix.MAP_FIXED)},
	{name: "fixed beyond the end", ask: mapped(zone, 1<<48, readWrite, private|unix.MAP_FIXED)},
	{name: "length not of pages", ask: func() string {
		a := where(mmap(zone, page+1, readWrite, private))
		return a + " " + area(zone).write(2*page-1) + " " + area(zone).read(2*page)
	}},
	{name: "fixed over existing", ask: func() string {
		a := place(0, 3)
		copy(a.bytes(0, 3*page), bytes.Repeat([]byte{7}, 3*page))
		at := where(mmap(zone+page, page, readWrite, private|unix.MAP_FIXED))
		return fmt.Sprint(at, *a.byte(page - 1), *a.byte(page), *a.byte(2*page - 1), *a.byte(2 * page))
	}},
	{name: "not to replace", ask: func() string {
		const flags = private | unix.MAP_FIXED_NOREPLACE
		place(2, 1)
		return strings.Join([]string{
			where(mmap(zone+2*page, page, readWrite, flags)),
			where(mmap(zone+1*page, 2*page, readWrite, flags)),
			where(mmap(zone, 10*page, readWrite, flags)),
			where(mmap(zone+1*page, page, readWrite, flags)),
			where(mmap(zone+3*page+1, page, readWrite, flags)),
		}, " ")
	}},
	{name: "fresh memory is zero", ask: func() string {
		a := place(0, 64)
		return fmt.Sprint(len(bytes.Trim(a.bytes(0, 64*page), "\x00")))
	}},
	{name: "mapped again is zero", ask: func() string {
		for range 3 {
			a := place(0, 16)
			if n := len(bytes.Trim(a.bytes(0, 16*page), "\x00")); n != 0 {
				return fmt.Sprintf("%d bytes are not", n)
			}
			copy(a.bytes(0, 16*page), bytes.Repeat([]byte{0xee}, 16*page))
			call(unix.SYS_MUNMAP, uintptr(a), 16*page)
		}
		return "zero"
	}},
	{name: "inaccessible", ask: func() string {
		mmap(zone, page, unix.PROT_NONE, private)
		return area(zone).read(8) + ", " + area(zone).write(8)
	}},
	{name: "writable alone is readable", ask: func() string {
		mmap(zone, page, unix.PROT_WRITE, private)
		return area(zone).read(8)
	}},
	{name: "executable", ask: mapped(zone, page, unix.PROT_READ|unix.PROT_EXEC, private),
		why: "nothing but the image's own code is executable", image: "EPERM", linux: "+0x0"},
	{name: "page 0", ask: mapped(0, page, readWrite, private|unix.MAP_FIXED),
		why: "on Linux it depends on privilege, and a check would take away nil", image: "EPERM"},

	{name: "unmap length 0", ask: unmapped(zone, 0)},
	{name: "unmap unaligned", ask: unmapped(zone+8, page)},
	{name: "unmap nothing", ask: unmapped(zone, 64*page)},
	{name: "unmap the kernel's half", ask: unmapped(kernelHalf, page)},
	{name: "unmap beyond the end", ask: unmapped(zone, 1<<60)},
	{name: "unmap, length that overflows", ask: unmapped(zone, none)},
	{name: "unmap, length that overflows to one page", ask: unmapped(zone, none-zone+1+page)},
	{name: "unmap the middle", ask: func() string {
		a := place(0, 3)
		*a.byte(0), *a.byte(2 * page) = 1, 3
		r := result(call(unix.SYS_MUNMAP, zone+page, page))
		return fmt.Sprint(r, " ", *a.byte(0), " ", a.read(page), " ", *a.byte(2 * page))
	}},
	{name: "unmap over holes", ask: func() string {
		for i := range uintptr(50) {
			place(3*i, 1)
		}
		return unmapped(zone, 150*page)() + " " + area(zone).read(3*page)
	}},
	{name: "memory comes back", ask: func() string {
		return returned(func() {
			for range 64 {
				a := place(0, 256)
				for i := range uintptr(256) {
					*a.byte(i * page) = 1
				}
				call(unix.SYS_MUNMAP, uintptr(a), 256*page)
			}
		})
	}},
	{name: "memory comes back from far apart", ask: func() string {
		// Each lies in a page table of its own.
		return returned(func() {
			for i := range uintptr(1500) {
				*place(i*512, 1).byte(0) = 1
			}
			clearZone()
		})
	}},
	{name: "memory comes back when mapped over", ask: func() string {
		return returned(func() {
			for range 64 {
				a := place(0, 64)
				for i := range uintptr(64) {
					*a.byte(i * page) = 1
				}
			}
		})
	}},
	{name: "many regions", ask: func() string {
		place(0, 1200)
		for i := uintptr(1); i < 1200; i += 2 {
			if r := result(call(unix.SYS_MPROTECT, zone+i*page, page, unix.PROT_READ)); r != "0" {
				return r
			}
		}
		a := area(zone)
		answer := a.write(600*page) + ", " + a.write(601*page)
		call(unix.SYS_MPROTECT, zone, 1200*page, readWrite)
		return answer + ", " + a.write(601*page)
	}},
}

// returned says whether the memory that f used is given back: not more than a
// few hundred pages are resident more than before, which are the runtime's.
func returned(f func()) string {
	debug.FreeOSMemory()
	before := resident()
	f()
	debug.FreeOSMemory()
	if more := resident() - before; more > 512 {
		return fmt.Sprintf("%d pages were not", more)
	}
	return "all"
}

// resident is the number of pages that the program has.
func resident() int {
	statm := must(os.ReadFile("/proc/self/statm"))
	return must(strconv.Atoi(strings.Fields(string(statm))[1]))
}
