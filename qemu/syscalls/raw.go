package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Memory by its address: what the checks hand to system calls must not move and
// must not be the collector's, and some of it must not be there at all.

const page = 4096

// zone is where checks map memory at addresses of their own choice: nobody else
// does on either system, so the lines can tell offsets from it. It is emptied
// before each check.
const (
	zone     = uintptr(0x2000_0000_0000)
	zoneSize = uintptr(1 << 33)
)

func clearZone() {
	if _, e := call(unix.SYS_MUNMAP, zone, zoneSize); e != 0 {
		panic("the zone cannot be emptied: " + name(e))
	}
}

// call makes a system call that may block.
func call(number uintptr, a ...uintptr) (uintptr, syscall.Errno) {
	var b [6]uintptr
	copy(b[:], a)
	r, _, e := syscall.Syscall6(number, b[0], b[1], b[2], b[3], b[4], b[5])
	return r, e
}

// patient is call, made again when a signal ended it: the runtime sends its
// threads some, on Linux also to those that wait.
func patient(number uintptr, a ...uintptr) (uintptr, syscall.Errno) {
	for {
		if r, e := call(number, a...); e != unix.EINTR {
			return r, e
		}
	}
}

const (
	readWrite = unix.PROT_READ | unix.PROT_WRITE
	private   = unix.MAP_PRIVATE | unix.MAP_ANON
	none      = ^uintptr(0) // no file
)

func mmap(addr, length uintptr, prot, flags int) (uintptr, syscall.Errno) {
	return call(unix.SYS_MMAP, addr, length, uintptr(prot), uintptr(flags), none, 0)
}

// place maps pages of the zone, at an offset in pages, readable and writable.
func place(at, pages uintptr) area {
	a, e := mmap(zone+at*page, pages*page, readWrite, private|unix.MAP_FIXED)
	if e != 0 {
		panic("no memory in the zone: " + name(e))
	}
	return area(a)
}

// area is the address of memory.
type area uintptr

// pointer is not inlined: the compiler would see a constant where it expects a
// pointer.
//
//go:noinline
func (a area) pointer(offset uintptr) unsafe.Pointer {
	addr := uintptr(a) + offset
	// Not the collector's memory: by this detour go vet need not believe it.
	return *(*unsafe.Pointer)(unsafe.Pointer(&addr))
}

func (a area) byte(offset uintptr) *byte   { return (*byte)(a.pointer(offset)) }
func (a area) half(offset uintptr) *uint32 { return (*uint32)(a.pointer(offset)) }
func (a area) word(offset uintptr) *uint64 { return (*uint64)(a.pointer(offset)) }
func (a area) event(offset uintptr) *unix.EpollEvent {
	return (*unix.EpollEvent)(a.pointer(offset))
}
func (a area) bytes(offset, n uintptr) []byte { return unsafe.Slice(a.byte(offset), n) }

// timespec writes a time and returns its address.
func (a area) timespec(offset uintptr, s, ns int64) uintptr {
	*a.word(offset), *a.word(offset + 8) = uint64(s), uint64(ns)
	return uintptr(a) + offset
}

// text is the address of a string's bytes, which lie among the constants.
func text(s string) area { return area(unsafe.Pointer(unsafe.StringData(s))) }

const eventSize = unsafe.Sizeof(unix.EpollEvent{})

// load reads a byte that nobody wants: inlined it would be left out.
//
//go:noinline
func (a area) load(offset uintptr) byte { return *a.byte(offset) }

// fault says what came of f: where it faulted, as an offset from base.
func fault(base uintptr, f func()) (answer string) {
	debug.SetPanicOnFault(true)
	defer func() {
		switch r := recover().(type) {
		case nil:
			answer = "no fault"
		case interface {
			runtime.Error
			Addr() uintptr
		}:
			answer = fmt.Sprintf("fault at +%#x", r.Addr()-base)
		case runtime.Error:
			answer = r.Error()
		default:
			panic(r)
		}
	}()
	f()
	return
}

func (a area) read(offset uintptr) string {
	return fault(uintptr(a), func() { a.load(offset) })
}

func (a area) write(offset uintptr) string {
	return fault(uintptr(a), func() { *a.byte(offset) = 1 })
}

// jump calls what lies there.
func (a area) jump() {
	code := &a
	(*(*func())(unsafe.Pointer(&code)))() // a function's value is a pointer to its code's address
}
