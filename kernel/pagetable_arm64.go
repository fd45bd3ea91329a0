package kernel

import "barewire/kernel/mem"

// Where the kernel sees physical memory. Both lie in the half of the addresses
// that TTBR1 translates, so that no stray Go pointer reaches them by accident.
const (
	directMap uintptr = 0xffff_0000_0000_0000 // all RAM but the image's code
	deviceMap uintptr = 0xffff_8000_0000_0000 // registers that the kernel uses

	userLo = 64 << 10 // below: never mapped, so that nil faults
	userHi = 1 << 48  // TTBR0
	mmapLo = 1 << 47  // the kernel's choice; the runtime's heap hints lie below
	mmapHi = userHi - 1<<32
)

// Descriptor bits, stage 1, 4 KiB granule (Arm ARM D8.3).
const (
	descValid    = 1 << 0
	descTable    = 3
	descPage     = 3
	descBlock    = 1
	attrNormal   = 0 << 2 // indices into MAIR_EL1, see mmuOn
	attrDevice   = 1 << 2
	apReadOnly   = 1 << 7
	shareInner   = 3 << 8
	accessed     = 1 << 10
	neverExec    = 1<<53 | 1<<54 // PXN, UXN
	neverEL0Exec = 1 << 54
	owned        = 1 << 55 // ours: the frame goes back to the allocator when unmapped

	descAddress = 0x0000_ffff_ffff_f000
	blockSize   = 2 << 20
	tableSpan   = 1 << 21 // addresses that one level 3 table maps
)

var userTable, kernelTable uint64 // physical addresses of the level 0 tables

// descriptor is a page's, without its address. A page that nobody may use keeps
// its frame, out of reach of the processor.
func descriptor(prot mem.Prot, kind mem.Kind) uint64 {
	d := uint64(descPage | shareInner | accessed)
	if prot == 0 {
		d &^= descValid
	}
	if kind == mem.Device {
		d |= attrDevice
	}
	if prot&mem.ProtWrite == 0 {
		d |= apReadOnly
	}
	if prot&mem.ProtExec == 0 {
		return d | neverExec
	}
	return d | neverEL0Exec
}

func tableWord(table uint64, i uint64) *uint64 {
	return (*uint64)(mem.Pointer(directMap + uintptr(table+8*i)))
}

// zeroFrame is a cleared frame for a page table.
func zeroFrame() (uint64, bool) {
	p, ok := frames.Alloc(0)
	if ok {
		zero(directMap+uintptr(p), mem.PageSize)
	}
	return p, ok
}

// slot is the descriptor of addr at a level (2: 2 MiB, 3: 4 KiB). Without create
// it is nil where the tables do not reach; with it, when memory is out.
func slot(addr uint64, level uint, create bool) *uint64 {
	table := userTable
	if addr>>63 != 0 {
		table = kernelTable
	}
	for l := uint(0); ; l++ {
		w := tableWord(table, addr>>(39-9*l)&511)
		if l == level {
			return w
		}
		if *w&descValid == 0 {
			if !create {
				return nil
			}
			p, ok := zeroFrame()
			if !ok {
				return nil
			}
			publishTables() // the cleared table before the link to it
			*w = p | descTable
		}
		if *w&descTable != descTable {
			return nil // a block: not split
		}
		table = *w & descAddress
	}
}

// mapRange maps [lo, hi) for good to physical memory from frame on, in blocks
// where both are aligned to them. What a block maps already, to the same place,
// stays: the registers of two devices may lie in one. It returns false when
// memory for tables is out.
func mapRange(lo, hi, frame, desc uint64) bool {
	for lo < hi {
		w := slot(lo, 2, true)
		if w == nil {
			return false
		}
		next := min((lo|(blockSize-1))+1, hi)
		switch {
		case *w&descValid == 0 && next-lo == blockSize && frame%blockSize == 0:
			*w = desc&^descPage | descBlock | frame
		case *w&descTable == descBlock:
			if *w&descAddress != frame&^(blockSize-1) {
				return false
			}
		default:
			if !mapPages(lo, next, frame, desc) {
				return false
			}
		}
		frame += next - lo
		lo = next
	}
	publishTables()
	return true
}

// mapPages is mapRange without blocks: what may be unmapped again, or in parts.
func mapPages(lo, hi, frame, desc uint64) bool {
	for ; lo < hi; lo, frame = lo+mem.PageSize, frame+mem.PageSize {
		w := slot(lo, 3, true)
		if w == nil {
			return false
		}
		*w = desc | frame
	}
	publishTables()
	return true
}

// mapRegisters gives the kernel's address of a device's registers.
func mapRegisters(frame, size uint64) (uintptr, bool) {
	lo := frame &^ (mem.PageSize - 1)
	hi := (frame + size + mem.PageSize - 1) &^ (mem.PageSize - 1)
	if hi <= lo || hi > 1<<40 {
		return 0, false
	}
	ok := mapRange(uint64(deviceMap)+lo, uint64(deviceMap)+hi, lo, descriptor(mem.ProtRead|mem.ProtWrite, mem.Device))
	return deviceMap + uintptr(frame), ok
}

// imageStart is where the loader put the image's first byte: the ELF header's
// page lies before the text.
func imageStart(image *symbols) uint64 { return image.text - mem.PageSize }

// lazyBSS is the first address of BSS that is not cleared and mapped by entry.
func lazyBSS(image *symbols) uint64 {
	end := min(image.bss+eagerBSS, image.end)
	return (end + mem.PageSize - 1) &^ (mem.PageSize - 1)
}

// buildTables makes the tables that the machine runs on and switches to them:
// code read-only and executable, constants read-only, everything else never
// executable, page 0 and a guard below the kernel stack not there.
func buildTables(image *symbols) {
	if image.rodata%mem.PageSize != 0 || image.data%mem.PageSize != 0 {
		stop("the image's segments are not page aligned")
	}
	var ok0, ok1 bool
	userTable, ok0 = zeroFrame()
	kernelTable, ok1 = zeroFrame()
	end := (image.end + mem.PageSize - 1) &^ (mem.PageSize - 1)
	ok := ok0 && ok1 &&
		mapImage(imageStart(image), image.rodata, mem.ProtRead|mem.ProtExec) &&
		mapImage(image.rodata, image.data, mem.ProtRead) &&
		mapImage(image.data, lazyBSS(image), mem.ProtRead|mem.ProtWrite) &&
		regions.Insert(mem.Region{Lo: lazyBSS(image), Hi: end, Prot: mem.ProtRead | mem.ProtWrite})
	for i := 0; ok && i < ram.n; i++ {
		// The image's code and constants stay out: no writable alias.
		lo := (ram.r[i].lo + mem.PageSize - 1) &^ (mem.PageSize - 1)
		hi := ram.r[i].hi &^ (mem.PageSize - 1)
		ok = mapDirect(lo, min(hi, imageStart(image))) && mapDirect(max(lo, image.data), hi)
	}
	if ok {
		_, ok = mapRegisters(machine().EarlyConsole, mem.PageSize)
	}
	if !ok {
		stop("too little memory for page tables")
	}
	*slot(boot.fakeG[0]-mem.PageSize, 3, true) = 0
	setTables(userTable, kernelTable)
}

func mapImage(lo, hi uint64, prot mem.Prot) bool {
	if !regions.Insert(mem.Region{Lo: lo, Hi: hi, Prot: prot, Kind: mem.Fixed}) {
		return false
	}
	if prot&mem.ProtWrite != 0 {
		return mapPages(lo, hi, lo, descriptor(prot, mem.Fixed)) // one of them becomes the stack's guard
	}
	return mapRange(lo, hi, lo, descriptor(prot, mem.Fixed))
}

func mapDirect(lo, hi uint64) bool {
	return lo >= hi || mapRange(uint64(directMap)+lo, uint64(directMap)+hi, lo,
		descriptor(mem.ProtRead|mem.ProtWrite, mem.Fixed))
}

// unmapPages takes away every page of [lo, hi), gives the frames that are ours
// back, and with tables set also level 3 tables that became empty.
func unmapPages(lo, hi uint64, tables bool) {
	// Frames may be used again only when no processor can reach them by a stale
	// translation: collect, flush, then free.
	var gone [64]uint64
	n := 0
	for at := lo; at < hi; {
		next := min((at|(tableSpan-1))+1, hi)
		w := slot(at, 3, false)
		if w == nil {
			at = skipAbsent(at, hi)
			continue
		}
		for ; at < next; at += mem.PageSize {
			w := slot(at, 3, false)
			if *w == 0 {
				continue
			}
			if *w&owned != 0 {
				gone[n] = *w & descAddress
			} else {
				gone[n] = 0
			}
			*w = 0
			if n++; n == len(gone) {
				flushAll()
				freeFrames(gone[:n])
				n = 0
			} else if n <= 16 {
				flushPage(at)
			}
		}
		if tables {
			n = dropEmptyTable(next-mem.PageSize, gone[:], n)
		}
	}
	if n > 16 {
		flushAll()
	}
	freeFrames(gone[:n])
}

// skipAbsent is the first address above at, at most hi, that a level 3 table
// might map, when none maps at.
func skipAbsent(at, hi uint64) uint64 {
	for level := uint(0); level < 3; level++ {
		if w := slot(at, level, false); w == nil || *w&descValid == 0 {
			size := uint64(1) << (39 - 9*level)
			return min((at|(size-1))+1, hi)
		}
	}
	return min((at|(tableSpan-1))+1, hi)
}

// dropEmptyTable frees the level 3 table that maps at if it maps nothing, and then
// what is in gone as well. It returns how many are left in gone.
func dropEmptyTable(at uint64, gone []uint64, n int) int {
	up := slot(at, 2, false)
	if up == nil || *up&descTable != descTable {
		return n
	}
	table := *up & descAddress
	for i := uint64(0); i < 512; i++ {
		if *tableWord(table, i) != 0 {
			return n
		}
	}
	*up = 0
	flushAll() // walk caches too
	freeFrames(gone[:n])
	gone[0] = table
	freeFrames(gone[:1])
	return 0
}

func freeFrames(gone []uint64) {
	for _, p := range gone {
		if p != 0 && !frames.Free(p, 0) {
			oops("a page frame was freed twice", p)
		}
	}
}

// frameOf is the physical address behind addr, if a page is there.
func frameOf(addr uint64) (uint64, bool) {
	if w := slot(addr, 3, false); w != nil && *w&descValid != 0 {
		return *w&descAddress | addr&(mem.PageSize-1), true
	}
	return 0, false
}
