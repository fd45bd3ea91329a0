// Package board is what the kernel knows of a machine: the type that holds a
// machine's facts, and the few functions that the kernel calls on it.
//
// All code in this package and below it runs in trap context: no heap, no write
// barrier, no map, channel, closure or interface; bounded loops; statically
// initialised data, because it is read before the runtime starts.
package board

// Board is one kind of machine. A package board/<name> gives the kernel its
// machine as a statically initialised variable, linked as kernel.theBoard; an
// image without one does not link.
//
// Lists of parts are tried in order; the first that the device tree has is used.
type Board struct {
	Name       string
	Compatible string // what the root of the device tree must say

	// EarlyConsole is the physical address of the console's registers for what
	// must be said before the tree is read.
	EarlyConsole uint64

	Consoles   []Console
	Interrupts []Interrupts
	Clocks     []Clock
	Timers     []Timer
}

// Console is a serial port.
type Console struct {
	Compatible string

	Init   func(registers uintptr)
	Put    func(c byte)             // waits for room, not for ever
	Get    func() (c byte, ok bool) // takes a received byte
	Listen func()                   // lets received bytes interrupt
}

// Interrupts is an interrupt controller. Each of Regs in the tree is mapped
// before Init.
type Interrupts struct {
	Compatible string

	Init        func(regs0, regs1 uintptr)
	Start       func() // on each processor
	Enable      func(id uint32)
	Disable     func(id uint32)
	Acknowledge func() (id, token uint32)
	End         func(token uint32)
	FromTree    func(cell0, cell1 uint32) (id uint32, ok bool)
}

// Clock is a real-time clock that survives power off.
type Clock struct {
	Compatible string
	Seconds    func(registers uintptr) uint64 // since 1970 UTC
}

// Timer is the processor's timer; Interrupt is the index of the one that the
// kernel uses in its interrupts property.
type Timer struct {
	Compatible string
	Interrupt  int
}
