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
			if !mapPages(lo, lo+around, p, desc) {
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
// calls it first; false is EFAULT. Registers are not memory: an access may have
// effects, be of a width that the device does not know, or fault.
func touch(addr, n uint64, access mem.Prot) bool {
	if n == 0 {
		return true
	}
	if addr < userLo || addr > userHi || n > userHi-addr {
		return false
	}
	for at := addr &^ (mem.PageSize - 1); at < addr+n; at += mem.PageSize {
		r, ok := regions.Find(at)
		if !ok || r.Prot&access != access || r.Kind == mem.Device {
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

// mmap flags, protections and advice, Linux include/uapi/asm-generic/mman-common.h.
const (
	mapType           = 0xf
	mapShared         = 1
	mapPrivate        = 2
	mapFixed          = 0x10
	mapAnon           = 0x20
	mapFixedNoReplace = 0x100000

	protKnown = 0xf // read, write, execute, semaphore: the last means nothing

	adviseNormal     = 0
	adviseRandom     = 1
	adviseSequential = 2
	adviseWillNeed   = 3
	adviseDontNeed   = 4
	adviseFree       = 8
	adviseHugePage   = 14
	adviseNoHugePage = 15
	adviseDontDump   = 16
	adviseDoDump     = 17
	adviseCold       = 20
	advisePageOut    = 21
)

// protection is what a program asked for; no processor writes what it cannot read.
func protection(prot uint64) mem.Prot {
	p := mem.Prot(prot) & (mem.ProtRead | mem.ProtWrite)
	if p&mem.ProtWrite != 0 {
		p |= mem.ProtRead
	}
	return p
}

func sysMmap(addr, length, prot, flags, fd, offset uint64) int64 {
	kind := flags & mapType
	if length == 0 || offset%mem.PageSize != 0 || kind != mapShared && kind != mapPrivate {
		return -einval
	}
	if length > userHi {
		return -enomem
	}
	if prot&uint64(mem.ProtExec) != 0 {
		return -eperm // nothing but the image's own code is executable
	}
	size := (length + mem.PageSize - 1) &^ (mem.PageSize - 1)
	fixed := flags&(mapFixed|mapFixedNoReplace) != 0
	if fixed {
		if e := fixedPlace(addr, size, flags); e != 0 {
			return e
		}
	} else if addr &^= mem.PageSize - 1; addr < userLo || addr > userHi || size > userHi-addr || !regions.IsFree(addr, addr+size) {
		var ok bool
		if addr, ok = regions.Gap(size, mmapLo, mmapHi); !ok {
			return -enomem
		}
	}
	r := mem.Region{Lo: addr, Hi: addr + size, Prot: protection(prot)}
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

// fixedPlace says what speaks against a mapping at just these addresses.
func fixedPlace(addr, size, flags uint64) int64 {
	switch {
	case addr%mem.PageSize != 0:
		return -einval
	case addr > userHi || size > userHi-addr:
		return -enomem
	case addr < userLo:
		return -eperm
	case flags&mapFixedNoReplace != 0 && !regions.IsFree(addr, addr+size):
		return -eexist
	case holdsImage(addr, addr+size):
		return -eperm
	}
	return 0
}

// holdsImage says whether part of [lo, hi) is the image. The kernel lies in it
// and would go with it: no program's memory may take its place.
func holdsImage(lo, hi uint64) bool {
	for at := lo; at < hi; {
		r, ok := regions.Next(at)
		if !ok || r.Lo >= hi {
			return false
		}
		if r.Kind == mem.Fixed {
			return true
		}
		at = r.Hi
	}
	return false
}

// userRange is the pages of [addr, addr+length); ok is false when it is not
// aligned or leaves the program's addresses.
func userRange(addr, length uint64) (lo, hi uint64, ok bool) {
	if addr%mem.PageSize != 0 || addr > userHi || length > userHi-addr {
		return 0, 0, false
	}
	return addr, (addr + length + mem.PageSize - 1) &^ (mem.PageSize - 1), true
}

func sysMunmap(addr, length uint64) int64 {
	lo, hi, ok := userRange(addr, length)
	if !ok || length == 0 {
		return -einval
	}
	if holdsImage(lo, hi) {
		return -eperm
	}
	if !regions.Remove(lo, hi) {
		return -enomem
	}
	unmapPages(lo, hi, true)
	return 0
}

func sysMadvise(addr, length, advice uint64) int64 {
	drop := false
	switch advice {
	case adviseDontNeed, adviseFree:
		drop = true
	case adviseNormal, adviseRandom, adviseSequential, adviseWillNeed, adviseHugePage, adviseNoHugePage,
		adviseDontDump, adviseDoDump, adviseCold, advisePageOut:
		// Advice is advice.
	default:
		return -einval
	}
	lo, hi, ok := userRange(addr, length)
	if !ok {
		return -einval
	}
	result := int64(0)
	for at := lo; at < hi; {
		r, ok := regions.Next(at)
		if !ok || r.Lo > at {
			result = -enomem // and yet the rest is advised, as on Linux
		}
		if !ok || r.Lo >= hi {
			break
		}
		if drop && r.Kind != mem.Anonymous {
			return -einval // it could not be made again
		}
		at = r.Hi
	}
	if drop {
		unmapPages(lo, hi, false)
	}
	return result
}

func sysMprotect(addr, length, prot uint64) int64 {
	if addr%mem.PageSize != 0 {
		return -einval
	}
	lo, hi, ok := userRange(addr, length)
	if !ok {
		return -enomem
	}
	if prot&^protKnown != 0 {
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
	r := mem.Region{Lo: lo, Hi: hi, Prot: protection(prot)}
	if !regions.Insert(r) {
		return -enomem
	}
	protectPages(lo, hi, r.Prot)
	return 0
}

// protectPages gives present pages a new protection.
func protectPages(lo, hi uint64, prot mem.Prot) {
	for at := lo; at < hi; at += mem.PageSize {
		w := slot(at, 3, false)
		if w == nil {
			at = skipAbsent(at, hi) - mem.PageSize
			continue
		}
		if *w != 0 {
			*w = descriptor(prot, mem.Anonymous) | *w&(descAddress|owned)
		}
	}
	flushAll()
}
