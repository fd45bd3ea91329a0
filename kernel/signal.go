//go:build arm64

package kernel

import "barewire/kernel/mem"

// Signals, as far as the Go runtime needs them: faults become panics
// (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP), and a thread asks another to stop
// at a safe point (SIGURG by tgkill). A signal is delivered when its thread
// next returns from a trap; a blocked thread is not woken for it.

// Numbers and codes, Linux include/uapi/asm-generic/signal.h and siginfo.h.
const (
	sigILL  = 4
	sigTRAP = 5
	sigBUS  = 7
	sigKILL = 9
	sigSEGV = 11
	sigSTOP = 19
	sigURG  = 23

	signals = 64

	codeThread         = -6 // SI_TKILL
	codeMapError       = 1  // SEGV_MAPERR
	codeAccessError    = 2  // SEGV_ACCERR
	codeBusAlign       = 1  // BUS_ADRALN
	codeBusAddress     = 2  // BUS_ADRERR
	codeTrapBreakpoint = 1  // TRAP_BRKPT
	codeIllegalOpcode  = 1  // ILL_ILLOPC

	actionOnStack = 0x08000000 // SA_ONSTACK
	actionNoDefer = 0x40000000 // SA_NODEFER

	handlerDefault = 0
	handlerIgnore  = 1

	stackInUse    = 1 // SS_ONSTACK
	stackDisabled = 2 // SS_DISABLE

	minSignalStack = 5120 // MINSIGSTKSZ, arch/arm64/include/uapi/asm/signal.h

	maskBlock   = 0
	maskUnblock = 1
	maskSet     = 2
)

// signalAction is struct sigaction of linux/arm64: as the program gave it.
type signalAction struct{ handler, flags, restorer, mask uint64 }

var actions [signals + 1]signalAction

// ignoredByDefault are the signals that do nothing without a handler: SIGCHLD,
// SIGCONT, SIGURG, SIGWINCH.
const ignoredByDefault = 1<<(17-1) | 1<<(18-1) | 1<<(sigURG-1) | 1<<(28-1)

// neverMasked are SIGKILL and SIGSTOP.
const neverMasked = 1<<(sigKILL-1) | 1<<(sigSTOP-1)

// signalSetSize is what a set of signals takes, as the program must say with each.
const signalSetSize = 8

func sysSigaction(signal, action, old, size uint64) int64 {
	if size != signalSetSize {
		return -einval
	}
	if action != 0 && !touch(action, 32, mem.ProtRead) || old != 0 && !touch(old, 32, mem.ProtWrite) {
		return -efault
	}
	if signal == 0 || signal > signals || action != 0 && (signal == sigKILL || signal == sigSTOP) {
		return -einval
	}
	a := &actions[signal]
	before := *a
	if action != 0 {
		*a = signalAction{load64(action), load64(action + 8), load64(action + 16), load64(action+24) &^ neverMasked}
		if ignored(signal) {
			// What waits to be delivered goes too (POSIX, 2.4.3).
			for i := range threads {
				threads[i].signalPending &^= 1 << (signal - 1)
			}
		}
	}
	if old != 0 {
		store64(old, before.handler)
		store64(old+8, before.flags)
		store64(old+16, before.restorer)
		store64(old+24, before.mask)
	}
	return 0
}

// ignored says whether a signal does nothing.
func ignored(signal uint64) bool {
	h := actions[signal].handler
	return h == handlerIgnore || h == handlerDefault && ignoredByDefault>>(signal-1)&1 != 0
}

func sysSigprocmask(t *thread, how, set, old, size uint64) int64 {
	if size != signalSetSize {
		return -einval
	}
	if set != 0 && !touch(set, 8, mem.ProtRead) || old != 0 && !touch(old, 8, mem.ProtWrite) {
		return -efault
	}
	before := t.signalMask
	if set != 0 {
		v := load64(set)
		switch how {
		case maskBlock:
			t.signalMask |= v
		case maskUnblock:
			t.signalMask &^= v
		case maskSet:
			t.signalMask = v
		default:
			return -einval
		}
		t.signalMask &^= neverMasked
	}
	if old != 0 {
		store64(old, before)
	}
	return 0
}

// onAltStack says whether the thread uses its alternate stack, with sp.
func (t *thread) onAltStack(sp uint64) bool {
	return t.altSize != 0 && sp > t.altStack && sp-t.altStack <= t.altSize
}

// altStackFlags is ss_flags.
func (t *thread) altStackFlags(sp uint64) uint64 {
	switch {
	case t.altSize == 0:
		return stackDisabled
	case t.onAltStack(sp):
		return stackInUse
	}
	return 0
}

func sysSigaltstack(t *thread, stack, old uint64) int64 {
	if stack != 0 && !touch(stack, 24, mem.ProtRead) || old != 0 && !touch(old, 24, mem.ProtWrite) {
		return -efault
	}
	sp := t.regs().sp
	base, flags, size := t.altStack, t.altStackFlags(sp), t.altSize
	if stack != 0 {
		mode := load32(stack + 8)
		switch {
		case t.onAltStack(sp):
			return -eperm
		case mode == stackDisabled:
			t.altStack, t.altSize = 0, 0
		case mode != 0 && mode != stackInUse:
			return -einval
		case load64(stack+16) < minSignalStack:
			return -enomem
		default:
			t.altStack, t.altSize = load64(stack), load64(stack+16)
		}
	}
	if old != 0 { // may be the same memory
		store64(old, base)
		store64(old+8, flags)
		store64(old+16, size)
	}
	return 0
}

func sysTgkill(process, id int32, signal uint64) int64 {
	if process <= 0 || id <= 0 {
		return -einval
	}
	i := findThread(uint32(id))
	if i == 0 || process != processID {
		return -esrch
	}
	return sendSignal(i, signal)
}

// sysKill sends to the process: the thread that asks takes the signal, because
// it is the one that surely runs, unless it holds it back and another does not.
func sysKill(self uint16, process int32, signal uint64) int64 {
	if process != processID {
		return -esrch
	}
	if signal == 0 || signal > signals || threads[self].signalMask>>(signal-1)&1 == 0 {
		return sendSignal(self, signal)
	}
	for i := uint16(1); i < maxThreads; i++ {
		if threads[i].state != threadUnused && threads[i].signalMask>>(signal-1)&1 == 0 {
			return sendSignal(i, signal)
		}
	}
	return sendSignal(self, signal)
}

// sendSignal marks a signal for a thread; signal 0 only asks whether it is there.
func sendSignal(i uint16, signal uint64) int64 {
	if signal > signals {
		return -einval
	}
	if signal != 0 {
		threads[i].signalPending |= 1 << (signal - 1)
	}
	return 0
}

// deliverPending makes the thread, which is about to run, enter the handlers of
// its pending signals, the lowest number innermost.
func deliverPending(i uint16) {
	t := &threads[i]
	for n := uint64(1); t.signalPending&^t.signalMask != 0 && n <= signals; n++ {
		bit := uint64(1) << (n - 1)
		if t.signalPending&^t.signalMask&bit == 0 {
			continue
		}
		t.signalPending &^= bit
		switch {
		case ignored(n):
		case actions[n].handler == handlerDefault:
			die(i, n)
		default:
			enterHandler(i, n, codeThread, 0)
		}
	}
}

// faultSignal delivers a signal for what the thread's last instruction did. It
// cannot be ignored or put off: the program dies of it then, as on Linux.
func faultSignal(i uint16, signal uint64, code int64, address uint64) {
	if h := actions[signal].handler; h <= handlerIgnore || threads[i].signalMask>>(signal-1)&1 != 0 {
		report("fault in the program, which takes no signal for it", threads[i].regs(), signal, address)
		restart()
	}
	enterHandler(i, signal, code, address)
}

// enterHandler makes the thread continue in a signal's handler, on the
// alternate stack if the program said so, with its registers in a frame there.
func enterHandler(i uint16, signal uint64, code int64, address uint64) {
	t, a := &threads[i], &actions[signal]
	f := t.regs()
	sp := f.sp
	if a.flags&actionOnStack != 0 && t.altSize != 0 && !t.onAltStack(sp) {
		sp = t.altStack + t.altSize
	}
	sp = (sp - signalFrameSize) &^ 15
	if !touch(sp, signalFrameSize, mem.ProtRead|mem.ProtWrite) {
		report("no stack for a signal handler", f, signal, address)
		restart()
	}
	for at := sp; at < sp+signalFrameSize; at += 8 {
		store64(at, 0)
	}
	// siginfo_t: number, errno, code, then the address of a fault.
	store32(sp, uint32(signal))
	store32(sp+8, uint32(code))
	store64(sp+16, address)
	storeContext(sp, t, f, address)
	t.signalMask |= a.mask
	if a.flags&actionNoDefer == 0 {
		t.signalMask |= 1 << (signal - 1)
	}
	f.enter(a.handler, signal, sp)
}
