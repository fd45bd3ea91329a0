// Package mmio reads and writes device registers.
//
// It is assembler because a compiler may split, merge, widen or narrow what
// looks to it like memory: a nil check alone turns a 32-bit access into a byte
// load, which many devices answer with an abort.
//
// The order is that of Linux's readl and writel: a read is complete before any
// later access to memory, and all earlier stores to memory are visible to the
// device before a write. May run in trap context.
package mmio

// Read8 reads the 8-bit register at addr.
//
//go:noescape
func Read8(addr uintptr) uint8

// Read16 reads the 16-bit register at addr.
//
//go:noescape
func Read16(addr uintptr) uint16

// Read32 reads the 32-bit register at addr.
//
//go:noescape
func Read32(addr uintptr) uint32

// Write8 writes the 8-bit register at addr.
//
//go:noescape
func Write8(addr uintptr, v uint8)

// Write16 writes the 16-bit register at addr.
//
//go:noescape
func Write16(addr uintptr, v uint16)

// Write32 writes the 32-bit register at addr.
//
//go:noescape
func Write32(addr uintptr, v uint32)
