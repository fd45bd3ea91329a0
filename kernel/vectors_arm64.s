#include "textflag.h"

// Exceptions (Arm ARM D1.3). Go threads run at EL1 with SP_EL0; exceptions from
// them come by the first four vectors and run on SP_EL1, those taken inside the
// kernel by the next four.
//
// SP_EL1 of a running thread is the end of its frame. An exception stores the
// registers there, then takes the processor's kernel stack; returning to a
// thread is loading the registers from any thread's frame. The interrupted
// thread's own stack is never written: the runtime keeps its frame pointer
// below SP.

// By another name for go vet: there is no caller whose frame pointer must be saved.
#define FRAMEPOINTER R29

// The linker's check of stack use must not count these: SUB and ADD of 816.
#define PUSHFRAME WORD $0xd10cc3ff
#define POPFRAME WORD $0x910cc3ff

// REGTMP (R27) is the assembler's; it is saved before anything needs it.
#define VECTOR(kind) \
	PUSHFRAME \
	STP	(R0, R1), 0(RSP) \
	MOVD	$kind, R1 \
	B	·save(SB) \
	PCALIGN	$128

TEXT ·vectors(SB),NOSPLIT|NOFRAME,$0
	PCALIGN	$2048
	VECTOR(0) // from a thread: synchronous
	VECTOR(1) // interrupt
	VECTOR(2) // fast interrupt
	VECTOR(3) // SError
	VECTOR(4) // from the kernel
	VECTOR(5)
	VECTOR(6)
	VECTOR(7)
	VECTOR(8) // from EL0: there is none
	VECTOR(9)
	VECTOR(10)
	VECTOR(11)
	VECTOR(12)
	VECTOR(13)
	VECTOR(14)
	VECTOR(15)

// save stores the rest of the frame and calls trap(frame, kind, ESR, FAR).
TEXT ·save(SB),NOSPLIT|NOFRAME,$0
	STP	(R2, R3), 16(RSP)
	STP	(R4, R5), 32(RSP)
	STP	(R6, R7), 48(RSP)
	STP	(R8, R9), 64(RSP)
	STP	(R10, R11), 80(RSP)
	STP	(R12, R13), 96(RSP)
	STP	(R14, R15), 112(RSP)
	STP	(R16, R17), 128(RSP)
	STP	(R18_PLATFORM, R19), 144(RSP)
	STP	(R20, R21), 160(RSP)
	STP	(R22, R23), 176(RSP)
	STP	(R24, R25), 192(RSP)
	STP	(R26, R27), 208(RSP)
	STP	(g, R29), 224(RSP)
	MRS	SP_EL0, R2
	STP	(R30, R2), 240(RSP)
	MRS	ELR_EL1, R2
	MRS	SPSR_EL1, R3
	STP	(R2, R3), 256(RSP)
	MRS	FPCR, R2
	MRS	FPSR, R3
	STP	(R2, R3), 272(RSP)
	MRS	TPIDR_EL0, R2
	MOVD	R2, 288(RSP)
	// All of them: compiled Go copies and clears memory by vector registers.
	FSTPQ	(F0, F1), 304(RSP)
	FSTPQ	(F2, F3), 336(RSP)
	FSTPQ	(F4, F5), 368(RSP)
	FSTPQ	(F6, F7), 400(RSP)
	FSTPQ	(F8, F9), 432(RSP)
	FSTPQ	(F10, F11), 464(RSP)
	FSTPQ	(F12, F13), 496(RSP)
	FSTPQ	(F14, F15), 528(RSP)
	FSTPQ	(F16, F17), 560(RSP)
	FSTPQ	(F18, F19), 592(RSP)
	FSTPQ	(F20, F21), 624(RSP)
	FSTPQ	(F22, F23), 656(RSP)
	FSTPQ	(F24, F25), 688(RSP)
	FSTPQ	(F26, F27), 720(RSP)
	FSTPQ	(F28, F29), 752(RSP)
	FSTPQ	(F30, F31), 784(RSP)

	MRS	ESR_EL1, R2
	MRS	FAR_EL1, R3
	MOVD	RSP, R0
	MRS	TPIDR_EL1, R4
	MOVD	8(R4), g
	MOVD	$0, R29
	MOVD	0(R4), R5 // the kernel stack is empty
	CMP	$4, R1
	BLT	fromThread
	MOVD	RSP, R5 // in use: stay below
fromThread:
	SUB	$64, R5
	MOVD	R5, RSP
	MOVD	R0, 8(RSP)
	MOVD	R1, 16(RSP)
	MOVD	R2, 24(RSP)
	MOVD	R3, 32(RSP)
	BL	·trap(SB)
	MOVD	40(RSP), R0
	B	·resume(SB)

// resume returns to the thread whose frame is at R0.
TEXT ·resume(SB),NOSPLIT|NOFRAME,$0
	MOVD	R0, RSP
	LDP	256(RSP), (R2, R3)
	MSR	R2, ELR_EL1
	MSR	R3, SPSR_EL1
	LDP	272(RSP), (R2, R3)
	MSR	R2, FPCR
	MSR	R3, FPSR
	MOVD	288(RSP), R2
	MSR	R2, TPIDR_EL0
	LDP	240(RSP), (R30, R2)
	MSR	R2, SP_EL0
	FLDPQ	304(RSP), (F0, F1)
	FLDPQ	336(RSP), (F2, F3)
	FLDPQ	368(RSP), (F4, F5)
	FLDPQ	400(RSP), (F6, F7)
	FLDPQ	432(RSP), (F8, F9)
	FLDPQ	464(RSP), (F10, F11)
	FLDPQ	496(RSP), (F12, F13)
	FLDPQ	528(RSP), (F14, F15)
	FLDPQ	560(RSP), (F16, F17)
	FLDPQ	592(RSP), (F18, F19)
	FLDPQ	624(RSP), (F20, F21)
	FLDPQ	656(RSP), (F22, F23)
	FLDPQ	688(RSP), (F24, F25)
	FLDPQ	720(RSP), (F26, F27)
	FLDPQ	752(RSP), (F28, F29)
	FLDPQ	784(RSP), (F30, F31)
	LDP	0(RSP), (R0, R1)
	LDP	16(RSP), (R2, R3)
	LDP	32(RSP), (R4, R5)
	LDP	48(RSP), (R6, R7)
	LDP	64(RSP), (R8, R9)
	LDP	80(RSP), (R10, R11)
	LDP	96(RSP), (R12, R13)
	LDP	112(RSP), (R14, R15)
	LDP	128(RSP), (R16, R17)
	LDP	144(RSP), (R18_PLATFORM, R19)
	LDP	160(RSP), (R20, R21)
	LDP	176(RSP), (R22, R23)
	LDP	192(RSP), (R24, R25)
	LDP	208(RSP), (R26, R27)
	LDP	224(RSP), (g, FRAMEPOINTER)
	POPFRAME
	ERET
