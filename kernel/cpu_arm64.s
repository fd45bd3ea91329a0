#include "textflag.h"

TEXT ·thisCPU(SB),NOSPLIT,$0-8
	MRS	TPIDR_EL1, R0
	MOVD	R0, ret+0(FP)
	RET

TEXT ·counter(SB),NOSPLIT,$0-8
	ISB	$15 // or the counter may be read early
	MRS	CNTVCT_EL0, R0
	MOVD	R0, ret+0(FP)
	RET

TEXT ·counterFrequency(SB),NOSPLIT,$0-8
	MRS	CNTFRQ_EL0, R0
	MOVD	R0, ret+0(FP)
	RET

TEXT ·setTimer(SB),NOSPLIT,$0-16
	MOVD	compare+0(FP), R0
	MOVD	control+8(FP), R1
	MSR	R0, CNTV_CVAL_EL0
	MSR	R1, CNTV_CTL_EL0
	ISB	$15
	RET

TEXT ·waitForInterrupt(SB),NOSPLIT,$0
	DSB	$15
	WFI
	RET

// PSCI by SMC calling convention: X0 to X3 in, X0 out, X4 to X17 lost.
TEXT ·firmwareCall(SB),NOSPLIT,$0-48
	MOVBU	smc+0(FP), R5
	MOVD	function+8(FP), R0
	MOVD	a+16(FP), R1
	MOVD	b+24(FP), R2
	MOVD	c+32(FP), R3
	CBNZ	R5, secure
	HVC	$0
	B	done
secure:
	SMC	$0
done:
	MOVD	R0, ret+40(FP)
	RET

TEXT ·setTables(SB),NOSPLIT,$0-16
	MOVD	user+0(FP), R0
	MOVD	kernel+8(FP), R1
	DSB	$15
	MSR	R0, TTBR0_EL1
	MSR	R1, TTBR1_EL1
	ISB	$15
	TLBI	VMALLE1
	DSB	$15
	ISB	$15
	MRS	SCTLR_EL1, R0
	ORR	$(1<<19), R0 // WXN: what can be written is not executed
	MSR	R0, SCTLR_EL1
	ISB	$15
	RET

// The table walker is an observer of its own: stores reach it behind a barrier
// (Arm ARM D8.2.6), and the processor's own view needs the ISB.
TEXT ·publishTables(SB),NOSPLIT,$0
	DSB	$10 // ISHST
	ISB	$15
	RET

TEXT ·flushPage(SB),NOSPLIT,$0-8
	MOVD	addr+0(FP), R0
	UBFX	$12, R0, $44, R0
	DSB	$10
	TLBI	VAAE1IS, R0
	DSB	$11
	ISB	$15
	RET

TEXT ·flushAll(SB),NOSPLIT,$0
	DSB	$10
	TLBI	VMALLE1IS
	DSB	$11
	ISB	$15
	RET

TEXT ·zero(SB),NOSPLIT,$0-16
	MOVD	addr+0(FP), R0
	MOVD	n+8(FP), R1
	ADD	R0, R1
	CMP	R1, R0
	BHS	done
loop:
	STP	(ZR, ZR), (R0)
	STP	(ZR, ZR), 16(R0)
	STP	(ZR, ZR), 32(R0)
	STP	(ZR, ZR), 48(R0)
	ADD	$64, R0
	CMP	R1, R0
	BLO	loop
done:
	RET

// Instructions are fetched past the first data cache: what was written must be
// cleaned to where both meet before stale instructions are dropped (Arm ARM B2.4.4).
TEXT ·syncCode(SB),NOSPLIT,$0-16
	MOVD	addr+0(FP), R0
	MOVD	n+8(FP), R1
	ADD	R0, R1
	MRS	CTR_EL0, R2
	UBFX	$16, R2, $4, R2 // DminLine: log2 of a line's words
	MOVD	$4, R3
	LSL	R2, R3, R3
clean:
	WORD	$0xd50b7b20 // DC CVAU, X0
	ADD	R3, R0
	CMP	R1, R0
	BLO	clean
	DSB	$11
	WORD	$0xd508711f // IC IALLUIS
	DSB	$11
	ISB	$15
	RET

TEXT ·instructionFeatures(SB),NOSPLIT,$0-8
	MRS	ID_AA64ISAR0_EL1, R0
	MOVD	R0, ret+0(FP)
	RET

TEXT ·randomRegister(SB),NOSPLIT,$0-9
	WORD	$0xd53b2400 // MRS X0, RNDR: sets NZCV to 0b0100 when it has nothing
	CSET	NE, R1
	MOVD	R0, v+0(FP)
	MOVB	R1, ok+8(FP)
	RET

TEXT ·linked(SB),NOSPLIT,$0-64
	MOVD	$runtime·text(SB), R0
	MOVD	R0, ret_text+0(FP)
	MOVD	$runtime·rodata(SB), R0
	MOVD	R0, ret_rodata+8(FP)
	MOVD	$runtime·noptrdata(SB), R0
	AND	$~0xffff, R0 // small sections of the linker's come first
	MOVD	R0, ret_data+16(FP)
	MOVD	$runtime·bss(SB), R0
	MOVD	R0, ret_bss+24(FP)
	MOVD	$runtime·end(SB), R0
	MOVD	R0, ret_end+32(FP)
	MOVD	$_rt0_arm64_linux(SB), R0
	MOVD	R0, ret_rt0+40(FP)
	MOVD	$·sigreturn(SB), R0
	MOVD	R0, ret_sigreturn+48(FP)
	MOVD	$·clockGettime(SB), R0
	MOVD	R0, ret_clock+56(FP)
	RET

TEXT ·machineAddress(SB),NOSPLIT,$0-8
	MOVD	$·theBoard(SB), R0
	MOVD	R0, ret+0(FP)
	RET

// Where a signal handler returns to: Linux puts this code in the vDSO.
TEXT ·sigreturn(SB),NOSPLIT|NOFRAME,$0
	MOVD	$139, R8 // rt_sigreturn
	SVC
	B	0(PC)
