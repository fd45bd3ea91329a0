package dev

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// MaxDMABytes is the largest block that AllocDMA gives: the largest of the
// kernel's frame allocator.
const MaxDMABytes = 4 << 20

// DMA is memory that a device can read and write: contiguous, zeroed, page
// aligned, never moved and never freed. Processor and device see the same bytes
// without cache maintenance.
type DMA struct {
	Mem  []byte
	Addr uint64 // of Mem[0], for the device
}

// dmaAddress asks for the physical address behind a virtual one (kernel/device.go).
const dmaAddress = 0xc0084201

// AllocDMA takes size bytes from the kernel, at most MaxDMABytes.
func AllocDMA(size int) (DMA, error) {
	f, err := os.OpenFile("/dev/dma", os.O_RDWR, 0)
	if err != nil {
		return DMA{}, fmt.Errorf("memory for devices: %w", err)
	}
	defer f.Close()
	fd := f.Fd()
	m, err := syscall.Mmap(int(fd), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return DMA{}, fmt.Errorf("memory for devices: %d bytes: %w", size, err)
	}
	addr := uint64(uintptr(unsafe.Pointer(&m[0])))
	// The kernel reads the address from a variable and writes the answer there.
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, fd, dmaAddress, uintptr(unsafe.Pointer(&addr))); e != 0 {
		return DMA{}, fmt.Errorf("memory for devices: physical address: %w", e)
	}
	return DMA{Mem: m, Addr: addr}, nil
}
