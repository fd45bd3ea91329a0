// Package gic drives Arm's Generic Interrupt Controller: version 2 (IHI 0048B)
// by memory-mapped registers, version 3 (IHI 0069H) by system registers.
// All code in this package runs in trap context.
//
// Interrupts are named by their INTID: 0-15 between processors, 16-31 private
// to one, from 32 on shared. Every shared interrupt goes to the boot processor.
package gic

// None is what Acknowledge returns when no interrupt is pending (IHI 0048B
// 3.2.4: INTIDs from 1020 on are special).
const None = 1020

// FromTree turns the first two cells of a device tree's interrupt specifier
// into an INTID: kind 0 is shared, 1 private (Linux: interrupt-controller/arm,gic).
func FromTree(kind, number uint32) (intid uint32, ok bool) {
	switch {
	case kind == 0 && number < 988:
		return number + 32, true
	case kind == 1 && number < 16:
		return number + 16, true
	}
	return 0, false
}
