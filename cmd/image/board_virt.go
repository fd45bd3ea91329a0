//go:build arm64

package main

import (
	"cmp"
	"slices"

	"barewire/board/chip/gic"
	_ "barewire/board/virt"
)

// inPortOrder: QEMU fills the slots of its virt machine from the highest address
// down, in the order of the command line, which is the order that users count in.
func inPortOrder(slots []slot) []slot {
	slices.SortFunc(slots, func(a, b slot) int { return cmp.Compare(b.address, a.address) })
	return slots
}

// interruptID is the number that the kernel knows a device tree's interrupt by.
func interruptID(kind, number uint32) (uint32, bool) { return gic.FromTree(kind, number) }
