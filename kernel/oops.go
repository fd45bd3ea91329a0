//go:build arm64

package kernel

import "barewire/kernel/mem"

// oops reports a broken invariant of the kernel and restarts the machine.
func oops(what string, value uint64) {
	say(str("kernel: oops: "), str(what), str(" ("), hex(value), str(")\n"))
	restart()
}

// report prints what is known of the place where an exception came from.
func report(what string, f *frame, cause, address uint64) {
	say(str("kernel: "), str(what), str(": cause "), hex(cause), str(" address "), hex(address),
		str(" pc "), hex(f.pc), str(" sp "), hex(f.sp), str(" state "), hex(f.pstate), str("\n"))
	if i := this().current; i != 0 {
		say(str("kernel: thread "), dec(uint64(threads[i].id)), str("\n"))
	}
	for i := range f.x {
		say(str(" x"), dec(uint64(i)), str(" "), hex(f.x[i]))
		if i%4 == 3 {
			put('\n')
		}
	}
	say(str("\nkernel: called from:"))
	backtrace(f.x[29], f.x[30])
	put('\n')
}

// backtrace follows the frame pointers: each points to the caller's, with the
// return address behind it. `go tool addr2line` names the places.
func backtrace(fp, lr uint64) {
	say(str(" "), hex(lr))
	for n := 0; n < 24 && fp%8 == 0 && readable(fp) && readable(fp+8); n++ {
		say(str(" "), hex(load64(fp+8)))
		fp = load64(fp)
	}
}

// readable says whether a word is mapped, in the program's addresses or the
// kernel's memory. Registers are not: a read may have effects.
func readable(addr uint64) bool {
	if addr < userLo || addr >= userHi && addr < uint64(directMap) || addr >= uint64(deviceMap) {
		return false
	}
	if r, ok := regions.Find(addr); ok && r.Kind == mem.Device {
		return false
	}
	w := slot(addr, 3, false)
	if w == nil {
		w = slot(addr, 2, false)
	}
	return w != nil && *w&descValid != 0
}

// die ends the program for a signal that it does not take, as Linux would kill
// a process.
func die(i uint16, signal uint64) {
	f := threads[i].regs()
	report("the program was killed by a signal", f, signal, 0)
	restart()
}
