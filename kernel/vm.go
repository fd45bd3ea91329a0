//go:build arm64

package kernel

import (
	"unsafe"

	"barewire/kernel/mem"
)

// faultAround is how much is made present around a touched page, in one block
// of memory when there is one: a 16th of the faults at no more than 60 KiB lost
// for each place that a program uses. log2 of pages.
const faultAround = 4

type faultResult uint8

const (
	faultServed   faultResult = iota
	faultUnmapped             // no region: SEGV_MAPERR
	faultDenied               // a region that does not allow it: SEGV_ACCERR
	faultNoMemory
)

// pageFault makes the page at addr present for an access.
func pageFault(addr uint64, access mem.Prot) faultResult {
	r, ok := regions.Find(addr)
	if !ok {
		return faultUnmapped
	}
	if r.Prot&access != access || r.Kind != mem.Anonymous {
		return faultDenied
	}
	addr &^= mem.PageSize - 1
	w := slot(addr, 3, true)
	if w == nil {
		return faultNoMemory
	}
	if *w&descValid != 0 {
		return faultServed // another processor was faster
	}
	desc := descriptor(r.Prot, r.Kind) | owned
	const around = mem.PageSize << faultAround
	if lo := addr &^ (around - 1); lo >= r.Lo && lo+around <= r.Hi && absent(lo, 1<<faultAround) {
		if p, ok := frames.Alloc(faultAround); ok {
			zero(directMap+uintptr(p), around)
			if !mapRange(lo, lo+around, p, desc) {
				return faultNoMemory
			}
			return faultServed
		}
	}
	p, ok := zeroFrame()
	if !ok {
		return faultNoMemory
	}
	*w = desc | p
	publishTables()
	return faultServed
}

// absent says whether none of n pages, all in one level 3 table, is present.
func absent(lo uint64, n uint64) bool {
	for i := uint64(0); i < n; i++ {
		if w := slot(lo+i*mem.PageSize, 3, false); w != nil && *w != 0 {
			return false
		}
	}
	return true
}

// touch makes sure that the kernel may access n bytes of a program's memory at
// addr: mapped for it, and present. Every system call that takes an address
// calls it first; false is EFAULT.
func touch(addr, n uint64, access mem.Prot) bool {
	if n == 0 {
		return true
	}
	if addr < userLo || addr+n < addr || addr+n > userHi {
		return false
	}
	for at := addr &^ (mem.PageSize - 1); at < addr+n; at += mem.PageSize {
		r, ok := regions.Find(at)
		if !ok || r.Prot&access != access {
			return false
		}
		if r.Kind != mem.Anonymous {
			continue
		}
		if w := slot(at, 3, false); w != nil && *w&descValid != 0 {
			continue
		}
		switch pageFault(at, access) {
		case faultServed:
		case faultNoMemory:
			outOfMemory()
		default:
			return false
		}
	}
	return true
}

func outOfMemory() {
	say(str("kernel: out of memory: "), dec(frames.TotalFrames()*mem.PageSize>>20), str(" MiB in use; restarting\n"))
	restart()
}

// bytesAt is n bytes of memory that touch has allowed, or of the kernel's own.
func bytesAt(addr, n uint64) []byte {
	return unsafe.Slice((*byte)(mem.Pointer(uintptr(addr))), n)
}

// copyOut writes b to memory that touch has allowed.
func copyOut(addr uint64, b []byte) { copy(bytesAt(addr, uint64(len(b))), b) }

func load64(addr uint64) uint64     { return *(*uint64)(mem.Pointer(uintptr(addr))) }
func store64(addr uint64, v uint64) { *(*uint64)(mem.Pointer(uintptr(addr))) = v }
func load32(addr uint64) uint32     { return *(*uint32)(mem.Pointer(uintptr(addr))) }
func store32(addr uint64, v uint32) { *(*uint32)(mem.Pointer(uintptr(addr))) = v }
func load8(addr uint64) byte        { return *(*byte)(mem.Pointer(uintptr(addr))) }
func store8(addr uint64, v byte)    { *(*byte)(mem.Pointer(uintptr(addr))) = v }

// mapAnonymous finds addresses for size bytes of zeroed memory.
func mapAnonymous(size uint64) (uint64, bool) {
	addr, ok := regions.Gap(size, mmapLo, mmapHi)
	return addr, ok && regions.Insert(mem.Region{Lo: addr, Hi: addr + size, Prot: mem.ProtRead | mem.ProtWrite})
}

// mmap flags, Linux include/uapi/asm-generic/mman-common.h.
const (
	mapFixed          = 0x10
	mapAnon           = 0x20
	mapFixedNoReplace = 0x100000
)

const adviseDontNeed = 4

func sysMmap(addr, length, prot, flags, fd, offset uint64) int64 {
	size := (length + mem.PageSize - 1) &^ (mem.PageSize - 1)
	if size == 0 || size > userHi || offset%mem.PageSize != 0 {
		return -einval
	}
	if prot&uint64(mem.ProtExec) != 0 {
		return -eperm // nothing but the image's own code is executable
	}
	fixed := flags&(mapFixed|mapFixedNoReplace) != 0
	inRange := addr%mem.PageSize == 0 && addr >= userLo && addr+size > addr && addr+size <= userHi
	switch {
	case fixed && !inRange:
		return -einval
	case flags&mapFixedNoReplace != 0 && !regions.IsFree(addr, addr+size):
		return -eexist
	case !fixed && (!inRange || !regions.IsFree(addr, addr+size)):
		var ok bool
		if addr, ok = regions.Gap(size, mmapLo, mmapHi); !ok {
			return -enomem
		}
	}
	r := mem.Region{Lo: addr, Hi: addr + size, Prot: mem.Prot(prot & 3)}
	if flags&mapAnon == 0 {
		return mmapFile(&r, fd, offset)
	}
	if !regions.Insert(r) {
		return -enomem
	}
	if fixed {
		unmapPages(addr, addr+size, false)
	}
	return int64(addr)
}

func userRange(addr, length uint64) (lo, hi uint64, ok bool) {
	hi = (addr + length + mem.PageSize - 1) &^ (mem.PageSize - 1)
	return addr, hi, addr%mem.PageSize == 0 && hi >= addr && hi <= userHi
}

func sysMunmap(addr, length uint64) int64 {
	lo, hi, ok := userRange(addr, length)
	if !ok || length == 0 {
		return -einval
	}
	if !regions.Remove(lo, hi) {
		return -enomem
	}
	unmapPages(lo, hi, true)
	return 0
}

func sysMadvise(addr, length, advice uint64) int64 {
	lo, hi, ok := userRange(addr, length)
	if !ok {
		return -einval
	}
	if advice == adviseDontNeed {
		unmapPages(lo, hi, false)
	}
	return 0 // advice is advice: huge pages and the like are our own choice
}

func sysMprotect(addr, length, prot uint64) int64 {
	lo, hi, ok := userRange(addr, length)
	if !ok {
		return -einval
	}
	if prot&uint64(mem.ProtExec) != 0 {
		return -eperm
	}
	for at := lo; at < hi; {
		r, ok := regions.Find(at)
		if !ok {
			return -enomem
		}
		if r.Kind != mem.Anonymous {
			return -eacces
		}
		at = r.Hi
	}
	r := mem.Region{Lo: lo, Hi: hi, Prot: mem.Prot(prot & 3)}
	if !regions.Insert(r) {
		return -enomem
	}
	protectPages(lo, hi, r.Prot)
	return 0
}

// protectPages gives present pages a new protection. Pages that become
// inaccessible keep their content, out of reach of the processor.
func protectPages(lo, hi uint64, prot mem.Prot) {
	for at := lo; at < hi; at += mem.PageSize {
		w := slot(at, 3, false)
		if w == nil {
			at = skipAbsent(at, hi) - mem.PageSize
			continue
		}
		if *w != 0 {
			d := descriptor(prot, mem.Anonymous) | *w&(descAddress|owned)
			if prot == 0 {
				d &^= descValid
			}
			*w = d
		}
	}
	flushAll()
}
