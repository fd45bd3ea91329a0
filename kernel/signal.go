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

	stackDisabled = 2 // SS_DISABLE

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

func sysSigaction(signal, action, old uint64) int64 {
	if signal == 0 || signal > signals || action != 0 && (signal == sigKILL || signal == sigSTOP) {
		return -einval
	}
	a := &actions[signal]
	if action != 0 && !touch(action, 32, mem.ProtRead) || old != 0 && !touch(old, 32, mem.ProtWrite) {
		return -efault
	}
	before := *a
	if action != 0 {
		*a = signalAction{load64(action), load64(action + 8), load64(action + 16), load64(action + 24)}
	}
	if old != 0 {
		store64(old, before.handler)
		store64(old+8, before.flags)
		store64(old+16, before.restorer)
		store64(old+24, before.mask)
	}
	return 0
}

func sysSigprocmask(t *thread, how, set, old uint64) int64 {
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
		t.signalMask &^= 1<<(sigKILL-1) | 1<<(sigSTOP-1)
	}
	if old != 0 {
		store64(old, before)
	}
	return 0
}

func sysSigaltstack(t *thread, stack, old uint64) int64 {
	if stack != 0 && !touch(stack, 24, mem.ProtRead) || old != 0 && !touch(old, 24, mem.ProtWrite) {
		return -efault
	}
	if old != 0 {
		flags := t.altStackFlags
		if t.altSize == 0 {
			flags = stackDisabled
		}
		store64(old, t.altStack)
		store64(old+8, flags)
		store64(old+16, t.altSize)
	}
	if stack != 0 {
		t.altStack, t.altStackFlags, t.altSize = load64(stack), uint64(load32(stack+8)), load64(stack+16)
		if t.altStackFlags&stackDisabled != 0 {
			t.altStack, t.altSize = 0, 0
		}
	}
	return 0
}

// sendSignal makes a signal pending for a thread.
func sendSignal(id uint32, signal uint64) int64 {
	i := findThread(id)
	if i == 0 {
		return -esrch
	}
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
		switch actions[n].handler {
		case handlerDefault:
			if ignoredByDefault&bit == 0 {
				die(i, n)
			}
		case handlerIgnore:
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
	onAlt := t.altSize != 0 && sp > t.altStack && sp <= t.altStack+t.altSize
	if a.flags&actionOnStack != 0 && t.altSize != 0 && !onAlt {
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
