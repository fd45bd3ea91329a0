package kernel

import (
	"unsafe"

	"barewire/kernel/mem"
)

// frame is a thread's registers while it is not running, laid out as
// vectors_arm64.s stores them.
type frame struct {
	x      [31]uint64
	sp     uint64
	pc     uint64
	pstate uint64
	fpcr   uint64
	fpsr   uint64
	tls    uint64 // TPIDR_EL0
	_      uint64
	v      [64]uint64 // V0 to V31
}

const (
	frameSize = 816

	pstateEL1t = 4 // EL1 with SP_EL0, interrupts enabled: Go threads
)

// cpu is what one processor's kernel code works with. The first four words
// have fixed places for the assembler.
type cpu struct {
	stackTop uint64 // 0: kernel stack of traps from threads
	g        uint64 // 8: address of fakeG
	current  uint64 // 16: index of the running thread, 0 when idle
	_        uint64
	fakeG    [64]uint64 // runtime.g: only its first four words, the stack bounds, are used

	armed       uint64 // counter value at which the timer fires, noDeadline when it is off
	quantumEnd  uint64 // counter value at which the running thread must give way
	preempt     bool   // choose again before returning to the thread
	interrupted bool   // inside takeInterrupts
	kernelDepth uint64 // exceptions taken inside the kernel: more than one means give up
}

const _ = uint(unsafe.Sizeof(frame{}) - frameSize) // both ways: the size is exact
const _ = uint(frameSize - unsafe.Sizeof(frame{}))

var boot cpu

// this is the record of the processor that runs this code.
func this() *cpu { return (*cpu)(mem.Pointer(thisCPU())) }

func (t *thread) regs() *frame { return (*frame)(mem.Pointer(t.frame)) }

// call is the number and the arguments of the system call that f stopped in.
func (f *frame) call() (n uint64, a *[6]uint64) {
	return f.x[8], (*[6]uint64)(unsafe.Pointer(&f.x))
}

func (f *frame) setResult(r int64) { f.x[0] = uint64(r) }

// Called by assembler alone: what they reach is in use.
var (
	_ = start
	_ = trap
	_ = eagerBSS
	_ = &bootArea
)

// Written in cpu_arm64.s.

func thisCPU() uintptr
func counter() uint64                  // CNTVCT_EL0
func counterFrequency() uint64         // CNTFRQ_EL0, Hz
func setTimer(compare, control uint64) // CNTV_CVAL_EL0, CNTV_CTL_EL0
func waitForInterrupt()                // interrupts stay masked
func firmwareCall(smc bool, function, a, b, c uint64) int64
func setTables(user, kernel uint64) // TTBR0_EL1, TTBR1_EL1; turns on WXN
func publishTables()                // page table stores before their use
func flushPage(addr uint64)
func flushAll()
func zero(addr, n uintptr)                // both multiples of 64
func syncCode(addr, n uintptr)            // code was written there
func instructionFeatures() uint64         // ID_AA64ISAR0_EL1
func randomRegister() (v uint64, ok bool) // RNDR; only where ID_AA64ISAR0_EL1 tells of it

// symbols are addresses that the linker chose, in ascending order but for rt0
// and sigreturn.
type symbols struct {
	text, rodata, data, bss, end uint64
	rt0, sigreturn, clock        uint64
}

func linked() symbols

// machineAddress is the address of the symbol that board/<name> defines. An
// image without a board does not link.
func machineAddress() uintptr
