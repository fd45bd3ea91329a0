package main

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

func protect(at, pages uintptr, prot uintptr) string {
	return result(call(unix.SYS_MPROTECT, zone+at*page, pages*page, prot))
}

var mprotectChecks = []check{
	{name: "unaligned", ask: func() string {
		place(0, 1)
		return result(call(unix.SYS_MPROTECT, zone+1, page, readWrite))
	}},
	{name: "length 0", ask: func() string { return protect(0, 0, readWrite) }},
	{name: "nothing there", ask: func() string { return protect(0, 1, readWrite) }},
	{name: "hole", ask: func() string {
		place(0, 1)
		place(2, 1)
		return protect(0, 3, unix.PROT_READ)
	}},
	{name: "kernel's half", ask: func() string {
		return result(call(unix.SYS_MPROTECT, kernelHalf, page, readWrite))
	}},
	{name: "length that overflows", ask: func() string {
		place(0, 1)
		return result(call(unix.SYS_MPROTECT, zone, none-zone, readWrite)) + " " +
			result(call(unix.SYS_MPROTECT, zone, none, readWrite))
	}},
	{name: "unknown bits", ask: func() string {
		place(0, 1)
		return protect(0, 1, 0x40)
	}},
	{name: "taken away and given back", ask: func() string {
		a := place(0, 32)
		for i := range uintptr(32) {
			*a.byte(i * page) = byte(i)
		}
		answer := []string{protect(0, 32, unix.PROT_NONE), a.read(5 * page), protect(0, 32, readWrite)}
		for i := range uintptr(32) {
			if *a.byte(i * page) != byte(i) {
				answer = append(answer, "content is lost")
			}
		}
		return strings.Join(answer, ", ")
	}},
	{name: "read-only", ask: func() string {
		a := place(0, 3)
		*a.byte(page) = 9
		r := protect(1, 1, unix.PROT_READ)
		return fmt.Sprint(r, ", ", *a.byte(page), ", ", a.write(page+4), ", ", a.write(page-1), ", ", a.write(2*page))
	}},
	{name: "read-only before the first touch", ask: func() string {
		a := place(0, 1)
		return protect(0, 1, unix.PROT_READ) + ", " + a.write(4) + ", " + a.read(4) + ", " + a.write(4)
	}},
	{name: "writable alone", ask: func() string {
		a := place(0, 1)
		return protect(0, 1, unix.PROT_WRITE) + ", " + a.read(4) + ", " + a.write(4)
	}},
	{name: "executable", ask: func() string {
		place(0, 1)
		return protect(0, 1, unix.PROT_READ|unix.PROT_EXEC)
	}, why: "nothing but the image's own code is executable", image: "EPERM", linux: "0"},
}

func advise(at, pages, advice uintptr) string {
	return result(call(unix.SYS_MADVISE, zone+at*page, pages*page, advice))
}

var madviseChecks = []check{
	{name: "unaligned", ask: func() string {
		return result(call(unix.SYS_MADVISE, zone+1, page, unix.MADV_DONTNEED))
	}},
	{name: "length 0", ask: func() string { return advise(0, 0, unix.MADV_DONTNEED) }},
	{name: "length that overflows", ask: func() string {
		return result(call(unix.SYS_MADVISE, zone, none, unix.MADV_DONTNEED))
	}},
	{name: "unknown", ask: func() string {
		place(0, 1)
		return advise(0, 1, 999)
	}},
	{name: "nothing there", ask: func() string { return advise(0, 1, unix.MADV_DONTNEED) }},
	{name: "not needed", ask: func() string {
		a := place(0, 64)
		copy(a.bytes(0, 64*page), bytes.Repeat([]byte{7}, 64*page))
		r := advise(8, 16, unix.MADV_DONTNEED)
		return fmt.Sprint(r, " ", bytes.Count(a.bytes(0, 64*page), []byte{7})/page)
	}},
	{name: "not needed, over a hole", ask: func() string {
		a := place(0, 1)
		b := place(2, 1)
		*a.byte(0), *b.byte(0) = 1, 1
		r := advise(0, 3, unix.MADV_DONTNEED)
		return fmt.Sprint(r, " ", *a.byte(0), *b.byte(0))
	}},
	{name: "not needed, length not of pages", ask: func() string {
		a := place(0, 2)
		*a.byte(0), *a.byte(page) = 1, 1
		r := result(call(unix.SYS_MADVISE, zone, page+1, unix.MADV_DONTNEED))
		return fmt.Sprint(r, " ", *a.byte(0), *a.byte(page))
	}},
	{name: "not needed, read-only", ask: func() string {
		a := place(0, 1)
		*a.byte(0) = 1
		protect(0, 1, unix.PROT_READ)
		r := advise(0, 1, unix.MADV_DONTNEED)
		return fmt.Sprint(r, " ", *a.byte(0))
	}},
	{name: "not needed, inaccessible", ask: func() string {
		a := place(0, 1)
		*a.byte(0) = 1
		protect(0, 1, unix.PROT_NONE)
		r := advise(0, 1, unix.MADV_DONTNEED)
		return r + " " + protect(0, 1, readWrite) + " " + fmt.Sprint(*a.byte(0))
	}},
	{name: "not needed comes back", ask: func() string {
		return returned(func() {
			a := place(0, 4096)
			for range 4 {
				for i := range uintptr(4096) {
					*a.byte(i * page) = 1
				}
				advise(0, 4096, unix.MADV_DONTNEED)
			}
		})
	}},
	{name: "mere advice", ask: func() string {
		place(0, 1)
		return strings.Join([]string{advise(0, 1, unix.MADV_NORMAL), advise(0, 1, unix.MADV_RANDOM),
			advise(0, 1, unix.MADV_SEQUENTIAL), advise(0, 1, unix.MADV_WILLNEED), advise(0, 1, unix.MADV_FREE),
			advise(0, 1, unix.MADV_DONTDUMP), advise(0, 1, unix.MADV_DODUMP)}, " ")
	}},
}
