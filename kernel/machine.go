//go:build arm64

package kernel

import (
	"barewire/board"
	"barewire/board/fdt"
	"barewire/kernel/mem"
)

// machine is the board that this image was linked with.
func machine() *board.Board { return (*board.Board)(mem.Pointer(machineAddress())) }

// The machine's parts that the device tree showed, as indices into the board's
// lists: a pointer here would be a Go pointer in a kernel record.
var (
	consoleModel, interruptModel int
	consoleInterrupt             uint32
	timerInterrupt               uint32
	secureFirmware               bool // PSCI by SMC, else HVC
	haveFirmware                 bool
	epoch                        uint64 // seconds since 1970 when the kernel was entered
)

func interrupts() *board.Interrupts { return &machine().Interrupts[interruptModel] }

// earlyConsole makes the console usable before the tree is read.
func earlyConsole() {
	m := machine()
	m.Consoles[0].Init(deviceMap + uintptr(m.EarlyConsole))
}

// registers maps a node's i-th register range.
func registers(t *fdt.Tree, n fdt.Node, i int) (uintptr, bool) {
	r, status := t.Reg(n, i)
	if status != fdt.OK || r.Size == 0 {
		return 0, false
	}
	return mapRegisters(r.Address, r.Size)
}

// interruptOf is the number of a node's i-th interrupt.
func interruptOf(t *fdt.Tree, n fdt.Node, i int) (uint32, bool) {
	in, status := t.Interrupt(n, i)
	if status != fdt.OK || in.Count < 2 {
		return 0, false
	}
	return interrupts().FromTree(in.Cells[0], in.Cells[1])
}

func findInterrupts(t *fdt.Tree) {
	list := machine().Interrupts
	for i := range list {
		n, ok := t.NextCompatible(t.Root(), list[i].Compatible)
		if !ok {
			continue
		}
		regs0, ok0 := registers(t, n, 0)
		regs1, ok1 := registers(t, n, 1)
		if !ok0 || !ok1 {
			stop2("the device tree gives no registers for ", list[i].Compatible)
		}
		interruptModel = i
		list[i].Init(regs0, regs1)
		list[i].Start()
		return
	}
	stop("the device tree has no interrupt controller that this board knows")
}

// findConsole takes the port that firmware names, else the first of a kind that
// the board knows.
func findConsole(t *fdt.Tree) {
	list := machine().Consoles
	chosen, _, named := t.Console()
	for i := range list {
		n, ok := t.NextCompatible(t.Root(), list[i].Compatible)
		if named && t.Compatible(chosen, list[i].Compatible) {
			n, ok = chosen, true
		}
		if !ok {
			continue
		}
		regs, ok := registers(t, n, 0)
		if !ok {
			stop2("the device tree gives no registers for ", list[i].Compatible)
		}
		list[i].Init(regs)
		consoleModel = i
		id, ok := interruptOf(t, n, 0)
		if !ok {
			say(str("kernel: the console has no interrupt: it takes no input\n"))
			return
		}
		consoleInterrupt = id
		list[i].Listen()
		interrupts().Enable(id)
		return
	}
	stop("the device tree has no console that this board knows")
}

// findClock reads the time of day, once; without a clock the epoch is 1970.
func findClock(t *fdt.Tree) {
	list := machine().Clocks
	for i := range list {
		if n, ok := t.NextCompatible(t.Root(), list[i].Compatible); ok {
			if regs, ok := registers(t, n, 0); ok {
				epoch = list[i].Seconds(regs) - nanoseconds(counter()-started)/1_000_000_000
				return
			}
		}
	}
	say(str("kernel: no real-time clock: the date is 1970-01-01\n"))
}

func findTimer(t *fdt.Tree) {
	list := machine().Timers
	for i := range list {
		if n, ok := t.NextCompatible(t.Root(), list[i].Compatible); ok {
			id, ok := interruptOf(t, n, list[i].Interrupt)
			if !ok {
				stop2("the device tree gives no interrupt for ", list[i].Compatible)
			}
			timerInterrupt = id
			interrupts().Enable(id)
			return
		}
	}
	stop("the device tree has no timer that this board knows")
}
