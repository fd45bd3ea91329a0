package dev

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"barewire/board/mmio"
)

// Registers is a window on a device's registers. Offsets are in bytes from its
// start; one outside the window panics. Safe for concurrent use as far as the
// device is.
type Registers struct {
	base uintptr
	size uint32
}

// MapRegisters maps size bytes of registers at a physical address, for good. It
// refuses what is memory.
func MapRegisters(physical uint64, size int) (*Registers, error) {
	f, err := os.OpenFile("/dev/mem", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("map registers at %#x: %w", physical, err)
	}
	defer f.Close()
	page := uint64(os.Getpagesize())
	start := physical &^ (page - 1)
	length := int(physical-start) + size
	if size <= 0 || length > 1<<30 {
		return nil, fmt.Errorf("map registers at %#x: size %d", physical, size)
	}
	m, err := syscall.Mmap(int(f.Fd()), int64(start), length, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map registers at %#x: %w", physical, err)
	}
	return &Registers{base: uintptr(unsafe.Pointer(&m[physical-start])), size: uint32(size)}, nil
}

func (r *Registers) at(offset, width uint32) uintptr {
	if offset > r.size || r.size-offset < width {
		panic(fmt.Sprintf("register at offset %#x of a window of %#x bytes", offset, r.size))
	}
	return r.base + uintptr(offset)
}

// Read8 reads an 8-bit register. Packet context.
func (r *Registers) Read8(offset uint32) uint8 { return mmio.Read8(r.at(offset, 1)) }

// Read16 reads a 16-bit register. Packet context.
func (r *Registers) Read16(offset uint32) uint16 { return mmio.Read16(r.at(offset, 2)) }

// Read32 reads a 32-bit register. Packet context.
func (r *Registers) Read32(offset uint32) uint32 { return mmio.Read32(r.at(offset, 4)) }

// Write8 writes an 8-bit register. Packet context.
func (r *Registers) Write8(offset uint32, v uint8) { mmio.Write8(r.at(offset, 1), v) }

// Write16 writes a 16-bit register. Packet context.
func (r *Registers) Write16(offset uint32, v uint16) { mmio.Write16(r.at(offset, 2), v) }

// Write32 writes a 32-bit register. Packet context.
func (r *Registers) Write32(offset uint32, v uint32) { mmio.Write32(r.at(offset, 4), v) }
