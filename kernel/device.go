//go:build arm64

package kernel

import "barewire/kernel/mem"

// Devices for goroutines: interrupts, registers and memory that a device can
// reach. See file.go for the names.

func openInterrupt(number []byte) int64 {
	id := uint32(0)
	for _, c := range number {
		if c < '0' || c > '9' || id >= maxInterrupts {
			return -enoent
		}
		id = id*10 + uint32(c-'0')
	}
	if len(number) == 0 || id < 32 || id >= maxInterrupts {
		return -enoent // private ones are the kernel's
	}
	if id == consoleInterrupt || id == timerInterrupt || interruptFiles[id] != 0 {
		return -eacces
	}
	fd := newFile(fileInterrupt)
	if fd < 0 {
		return fd
	}
	files[fd].interrupt = id
	interruptFiles[id] = uint8(fd)
	interrupts().Enable(id)
	return fd
}

// deviceInterrupt masks the interrupt, because a level stays until the driver
// has looked at the device, and tells the driver.
func deviceInterrupt(id uint32) {
	interrupts().Disable(id)
	fd := interruptFiles[id]
	if fd == 0 {
		say(str("kernel: interrupt "), dec(uint64(id)), str(" that nobody asked for: masked\n"))
		return
	}
	f := &files[fd]
	f.count++
	notify(f)
}

func readInterrupt(f *file, addr, n uint64) int64 {
	if n < 4 {
		return -einval
	}
	if f.count == 0 {
		return -eagain
	}
	store32(addr, uint32(f.count))
	f.count = 0
	return 4
}

// writeInterrupt unmasks (1) or masks (0) the interrupt.
func writeInterrupt(f *file, addr, n uint64) int64 {
	if n != 4 || load32(addr) > 1 {
		return -einval
	}
	if load32(addr) == 1 {
		interrupts().Enable(f.interrupt)
	} else {
		interrupts().Disable(f.interrupt)
	}
	return 4
}

// mmapFile maps a device's registers, or memory for a device. r has the
// addresses; memory that lay there is gone on success.
func mmapFile(r *mem.Region, fd, offset uint64) int64 {
	f := fileAt(fd)
	if f == nil {
		return -ebadf
	}
	switch f.kind {
	case fileRegisters:
		return mmapRegisters(r, offset)
	case fileDMA:
		return mmapDMA(r)
	}
	return -enodev
}

func mmapRegisters(r *mem.Region, frame uint64) int64 {
	size := r.Hi - r.Lo
	if frame+size < frame || frame+size > 1<<40 || frame < ramHi && frame+size > ramLo {
		return -eacces // memory is not a device
	}
	r.Kind, r.Frame = mem.Device, frame
	if !regions.Insert(*r) {
		return -enomem
	}
	unmapPages(r.Lo, r.Hi, false)
	if !mapPages(r.Lo, r.Hi, frame, descriptor(r.Prot, mem.Device)) {
		sysMunmap(r.Lo, size)
		return -enomem
	}
	return int64(r.Lo)
}

// mmapDMA maps one contiguous block, present at once. It is ordinary memory of
// the program otherwise: munmap gives it back.
func mmapDMA(r *mem.Region) int64 {
	order := uint(0)
	for order < mem.MaxOrder && mem.PageSize<<order < r.Hi-r.Lo {
		order++
	}
	if mem.PageSize<<order < r.Hi-r.Lo {
		return -einval
	}
	block, ok := frames.Alloc(order)
	if !ok {
		return -enomem
	}
	// The tail that was not asked for goes back page by page.
	for p := block + (r.Hi - r.Lo); p < block+mem.PageSize<<order; p += mem.PageSize {
		frames.Free(p, 0)
	}
	if !regions.Insert(*r) {
		for p := block; p < block+(r.Hi-r.Lo); p += mem.PageSize {
			frames.Free(p, 0)
		}
		return -enomem
	}
	unmapPages(r.Lo, r.Hi, false)
	zero(directMap+uintptr(block), uintptr(r.Hi-r.Lo))
	for at := r.Lo; at < r.Hi; at += mem.PageSize {
		if !mapPages(at, at+mem.PageSize, block+at-r.Lo, descriptor(r.Prot, r.Kind)|owned) {
			for p := block + at - r.Lo; p < block+(r.Hi-r.Lo); p += mem.PageSize {
				frames.Free(p, 0)
			}
			sysMunmap(r.Lo, r.Hi-r.Lo)
			return -enomem
		}
	}
	return int64(r.Lo)
}

// dmaAddress is the ioctl of /dev/dma: the argument points to an address in
// memory mapped from it, which is replaced by the address that devices use.
const dmaAddress = 0xc0084201 // _IOWR('B', 1, uint64)

func sysIoctl(fd, request, addr uint64) int64 {
	f := fileAt(fd)
	if f == nil {
		return -ebadf
	}
	if f.kind != fileDMA || request != dmaAddress {
		return -enotty
	}
	if !touch(addr, 8, mem.ProtRead|mem.ProtWrite) {
		return -efault
	}
	virtual := load64(addr)
	physical, ok := frameOf(virtual)
	if !ok || virtual >= userHi {
		return -efault
	}
	store64(addr, physical)
	return 0
}
