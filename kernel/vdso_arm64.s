#include "textflag.h"

// clockGettime is copied into the vDSO page: clock_gettime(clock R0, timespec
// R1), C calling convention, position independent, on R0 to R17 alone. Its data
// lies 256 bytes behind its first instruction: the counter at entry, and the
// seconds since 1970 then. It answers CLOCK_REALTIME and CLOCK_MONOTONIC, the
// two that the runtime asks; any other goes to the kernel.
TEXT ·clockGettime(SB),NOSPLIT|NOFRAME,$0
	WORD	$0x10000802 // ADR X2, +256
	CMP	$1, R0
	BHI	trap
	LDP	(R2), (R3, R4)
	ISB	$15
	MRS	CNTVCT_EL0, R5
	MRS	CNTFRQ_EL0, R6
	SUB	R3, R5, R5
	UDIV	R6, R5, R7 // seconds
	MSUB	R6, R5, R7, R8 // ticks of the rest
	MOVZ	$0xca00, R9
	MOVK	$(0x3b9a<<16), R9
	MUL	R9, R8, R8
	UDIV	R6, R8, R8
	CBNZ	R0, monotonic
	ADD	R4, R7, R7
monotonic:
	STP	(R7, R8), (R1)
	MOVD	$0, R0
	RET
trap:
	MOVD	$113, R8
	SVC
	RET
