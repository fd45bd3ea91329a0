package kernel

import "barewire/kernel/mem"

// Which vector an exception came by.
const (
	kindSync      = 0
	kindInterrupt = 1
	kindKernel    = 4 // and above: taken inside the kernel
)

// Exception classes in ESR_EL1 (Arm ARM D17.2.37).
const (
	classSVC        = 0x15
	classFetchAbort = 0x21
	classPCAlign    = 0x22
	classDataAbort  = 0x25
	classSPAlign    = 0x26
	classBreakpoint = 0x3c
)

// Fault status codes, bits 5 to 2 of the syndrome; 1 to 0 are the level.
const (
	statusTranslation = 1
	statusPermission  = 3
	statusAlignment   = 8
)

// trap serves one exception and returns the frame to resume.
func trap(frameAddr, kind, syndrome, address uint64) uintptr {
	c := this()
	f := (*frame)(mem.Pointer(uintptr(frameAddr)))
	if kind >= kindKernel {
		c.kernelDepth++
		if c.kernelDepth > 1 {
			restart() // a fault while reporting a fault
		}
		report("fault in the kernel", f, syndrome, address)
		restart()
	}
	switch kind {
	case kindSync:
		if syndrome>>26 == classSVC {
			systemCall(c)
		} else {
			fault(c, f, syndrome, address)
		}
	case kindInterrupt:
		takeInterrupts(c)
	default:
		report("exception that the machine should not raise", f, syndrome, address)
		restart()
	}
	return leave(c)
}

// fault serves what a thread's own instruction caused: a first touch of memory,
// or else a signal.
func fault(c *cpu, f *frame, syndrome, address uint64) {
	i := uint16(c.current)
	switch syndrome >> 26 {
	case classFetchAbort, classDataAbort:
		access := mem.ProtRead
		if syndrome>>26 == classFetchAbort {
			access = mem.ProtExec
		} else if syndrome>>6&1 != 0 {
			access = mem.ProtWrite
		}
		switch syndrome >> 2 & 0xf {
		case statusTranslation, statusPermission:
			switch pageFault(address, access) {
			case faultServed:
			case faultNoMemory:
				outOfMemory()
			case faultUnmapped:
				faultSignal(i, sigSEGV, codeMapError, address)
			case faultDenied:
				faultSignal(i, sigSEGV, codeAccessError, address)
			}
		case statusAlignment:
			faultSignal(i, sigBUS, codeBusAlign, address)
		default:
			faultSignal(i, sigBUS, codeBusAddress, address)
		}
	case classPCAlign, classSPAlign:
		faultSignal(i, sigBUS, codeBusAlign, address)
	case classBreakpoint:
		faultSignal(i, sigTRAP, codeTrapBreakpoint, f.pc)
	default:
		faultSignal(i, sigILL, codeIllegalOpcode, f.pc)
	}
}
