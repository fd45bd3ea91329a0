package kernel

import "barewire/kernel/mem"

// The frame of a signal handler on linux/arm64 (arch/arm64/kernel/signal.c and
// include/uapi/asm/sigcontext.h): siginfo_t, then ucontext_t.
const (
	infoSize = 128

	contextOffset = infoSize
	contextStack  = contextOffset + 16
	contextMask   = contextOffset + 40

	machineOffset = contextOffset + 176 // struct sigcontext
	machineRegs   = machineOffset + 8
	machineSP     = machineOffset + 256
	machinePC     = machineOffset + 264
	machineState  = machineOffset + 272

	recordOffset = machineOffset + 288 // first of the tagged records
	recordFPSIMD = 0x46508001
	recordSize   = 528

	signalFrameSize = recordOffset + recordSize + 16 // a null record ends it

	pstateFlags = 0xf000_0000 // N, Z, C, V: all that a handler may change
)

func storeContext(sp uint64, t *thread, f *frame, address uint64) {
	store64(sp+contextStack, t.altStack)
	store64(sp+contextStack+8, t.altStackFlags(f.sp))
	store64(sp+contextStack+16, t.altSize)
	store64(sp+contextMask, t.signalMask)
	store64(sp+machineOffset, address)
	for i := range f.x {
		store64(sp+machineRegs+uint64(i)*8, f.x[i])
	}
	store64(sp+machineSP, f.sp)
	store64(sp+machinePC, f.pc)
	store64(sp+machineState, f.pstate)
	store32(sp+recordOffset, recordFPSIMD)
	store32(sp+recordOffset+4, recordSize)
	store32(sp+recordOffset+8, uint32(f.fpsr))
	store32(sp+recordOffset+12, uint32(f.fpcr))
	for i := range f.v {
		store64(sp+recordOffset+16+uint64(i)*8, f.v[i])
	}
}

// enter makes the thread continue at handler(signal, siginfo, context), with a
// return address that ends the signal: sigreturn.
func (f *frame) enter(handler, signal, sp uint64) {
	f.x[0], f.x[1], f.x[2] = signal, sp, sp+contextOffset
	f.x[30] = linked().sigreturn
	f.sp, f.pc = sp, handler
}

// signalReturn ends a handler: the registers come back from its frame, as the
// handler left them there. It returns false when the frame is not the program's
// memory.
func signalReturn(t *thread, f *frame) bool {
	sp := f.sp
	if sp%16 != 0 || !touch(sp, signalFrameSize, mem.ProtRead) {
		return false
	}
	t.signalMask = load64(sp+contextMask) &^ neverMasked
	for i := range f.x {
		f.x[i] = load64(sp + machineRegs + uint64(i)*8)
	}
	f.sp = load64(sp + machineSP)
	f.pc = load64(sp + machinePC)
	f.pstate = load64(sp+machineState)&pstateFlags | pstateEL1t
	if load32(sp+recordOffset) == recordFPSIMD {
		f.fpsr = uint64(load32(sp + recordOffset + 8))
		f.fpcr = uint64(load32(sp + recordOffset + 12))
		for i := range f.v {
			f.v[i] = load64(sp + recordOffset + 16 + uint64(i)*8)
		}
	}
	return true
}
