// Package virt is QEMU's arm64 `virt` machine: all its devices are found in the
// device tree, only the console's place is known before (hw/arm/virt.c, memory
// map). Package has no code of its own.
package virt

import (
	_ "unsafe" // for go:linkname: the kernel takes its machine by this symbol

	"barewire/board"
	"barewire/board/chip/gic"
	"barewire/board/chip/pl011"
	"barewire/board/chip/pl031"
)

//go:linkname machine barewire/kernel.theBoard
var machine = board.Board{
	Name:         "virt",
	Compatible:   "linux,dummy-virt",
	EarlyConsole: 0x09000000,
	Consoles: []board.Console{{
		Compatible: "arm,pl011",
		Init:       pl011.Init,
		Put:        pl011.Put,
		Get:        pl011.Get,
		Listen:     pl011.Listen,
	}},
	Interrupts: []board.Interrupts{{
		Compatible:  "arm,cortex-a15-gic",
		Init:        gic.InitV2,
		Start:       gic.StartV2,
		Enable:      gic.EnableV2,
		Disable:     gic.DisableV2,
		Acknowledge: gic.AcknowledgeV2,
		End:         gic.EndV2,
		FromTree:    gic.FromTree,
	}, {
		Compatible:  "arm,gic-v3",
		Init:        gic.InitV3,
		Start:       gic.StartV3,
		Enable:      gic.EnableV3,
		Disable:     gic.DisableV3,
		Acknowledge: gic.AcknowledgeV3,
		End:         gic.EndV3,
		FromTree:    gic.FromTree,
	}},
	Clocks: []board.Clock{{Compatible: "arm,pl031", Seconds: pl031.Seconds}},
	// The tree lists secure, non-secure, virtual and hypervisor timers.
	Timers: []board.Timer{{Compatible: "arm,armv8-timer", Interrupt: 2}},
}
