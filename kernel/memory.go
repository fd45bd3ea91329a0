//go:build arm64

package kernel

import (
	"barewire/board/fdt"
	"barewire/kernel/mem"
)

// minimumFrames is the least memory that the image is started with: 12 MiB
// beyond the image itself. The runtime, gVisor and the packet buffers were seen
// to need 8 to reach the prompt.
const minimumFrames = 12 << 20 >> mem.PageShift

var (
	ram                ranges // physical memory
	ramLo, ramHi       uint64 // all of it lies in between
	initrdLo, initrdHi uint64
	treeLo, treeHi     uint64
	taken              ranges // what of it is not the allocator's to give
)

// ranges are parts of physical memory, in no order. 32 of 16 bytes.
type ranges struct {
	n    int
	r    [32]struct{ lo, hi uint64 }
	lost bool // one did not fit: the machine is not started
}

func (t *ranges) add(lo, hi uint64) {
	if lo >= hi {
		return
	}
	if t.n == len(t.r) {
		t.lost = true
		return
	}
	t.r[t.n].lo, t.r[t.n].hi = lo, hi
	t.n++
}

// free is the first part of [lo, hi) at or above lo that no range touches, page
// aligned; empty when there is none.
func (t *ranges) free(lo, hi uint64) (uint64, uint64) {
	lo = (lo + mem.PageSize - 1) &^ (mem.PageSize - 1)
	// Each pass leaves one range behind for good.
	for i := 0; i <= t.n; i++ {
		end := hi
		inside := false
		for j := 0; j < t.n; j++ {
			r := &t.r[j]
			if r.lo <= lo && lo < r.hi {
				lo = (r.hi + mem.PageSize - 1) &^ (mem.PageSize - 1)
				inside = true
				break
			}
			if r.lo > lo && r.lo < end {
				end = r.lo
			}
		}
		if !inside {
			return lo, end &^ (mem.PageSize - 1)
		}
	}
	return hi, hi
}

// findMemory reads the tree's memory map, once: a look at it walks the tree. It
// prepares the frame allocator with the memory that the first tables map:
// [mappedLo, mappedHi).
func findMemory(t *fdt.Tree, image *symbols, mappedLo, mappedHi uint64) {
	ramLo = ^uint64(0)
	total := uint64(0)
	for i := 0; ; i++ {
		r, status := t.Memory(i)
		if status != fdt.OK {
			break
		}
		ram.add(r.Address, r.Address+r.Size)
		ramLo, ramHi = min(ramLo, r.Address), max(ramHi, r.Address+r.Size)
		total += r.Size
	}
	if ramHi <= ramLo || ramHi > uint64(deviceMap-directMap) {
		stop("the device tree names no memory")
	}
	if lo, hi, status := t.Initrd(); status == fdt.OK && lo < hi {
		initrdLo, initrdHi = lo, hi
	}
	taken.add(imageStart(image), lazyBSS(image))
	taken.add(treeLo, treeHi)
	taken.add(initrdLo, initrdHi)
	for i := 0; ; i++ {
		r, ok := t.Reservation(i)
		if !ok {
			break
		}
		taken.add(r.Address, r.Address+r.Size)
	}
	for i := 0; ; i++ {
		r, status := t.ReservedMemory(i)
		if status != fdt.OK {
			break
		}
		taken.add(r.Address, r.Address+r.Size)
	}

	// The allocator's own bytes come from the first place that is mapped.
	need := (mem.StateBytes(ramLo, ramHi) + mem.PageSize - 1) &^ (mem.PageSize - 1)
	state := uint64(0)
	for i := 0; state == 0; i++ {
		if i == ram.n {
			tooLittle(total, 0)
		}
		end := min(ram.r[i].hi, mappedHi)
		for lo, hi := taken.free(max(ram.r[i].lo, mappedLo), end); lo < hi; lo, hi = taken.free(hi, end) {
			if hi-lo >= need {
				state = lo
				break
			}
		}
	}
	taken.add(state, state+need)
	if taken.lost || ram.lost {
		stop("the device tree names or reserves more ranges of memory than the kernel has room for")
	}
	zero(directMap+uintptr(state), uintptr(need))
	frames.Init(directMap, directMap+uintptr(state), ramLo, ramHi)
	releaseMemory(mappedLo, mappedHi)
	if total/mem.PageSize < minimumFrames || mappedLo <= ramLo && ramHi <= mappedHi && frames.FreeFrames() < minimumFrames {
		tooLittle(total, frames.FreeFrames()*mem.PageSize)
	}
}

func tooLittle(total, free uint64) {
	say(str("kernel: "), dec(total>>20), str(" MiB of memory, "), dec(free>>20), str(" MiB of it free: "),
		dec(minimumFrames*mem.PageSize>>20), str(" MiB must be free\n"))
	stop("too little memory")
}

// releaseMemory gives the allocator what is free of the memory in [lo, hi),
// which must be mapped.
func releaseMemory(lo, hi uint64) {
	for i := 0; i < ram.n; i++ {
		end := min(ram.r[i].hi, hi)
		for a, b := taken.free(max(ram.r[i].lo, lo), end); a < b; a, b = taken.free(b, end) {
			frames.Release(a, b)
		}
	}
}
