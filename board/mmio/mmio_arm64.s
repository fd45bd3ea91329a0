#include "textflag.h"

// DMB OSHLD behind a read, DMB OSHST before a write (Arm ARM C6.2.89): DMA by
// devices is in the outer shareable domain.
#define LOADED DMB $1
#define STORED DMB $2

TEXT ·Read8(SB),NOSPLIT,$0-9
	MOVD	addr+0(FP), R0
	MOVBU	(R0), R1
	LOADED
	MOVB	R1, ret+8(FP)
	RET

TEXT ·Read16(SB),NOSPLIT,$0-10
	MOVD	addr+0(FP), R0
	MOVHU	(R0), R1
	LOADED
	MOVH	R1, ret+8(FP)
	RET

TEXT ·Read32(SB),NOSPLIT,$0-12
	MOVD	addr+0(FP), R0
	MOVWU	(R0), R1
	LOADED
	MOVW	R1, ret+8(FP)
	RET

TEXT ·Write8(SB),NOSPLIT,$0-9
	MOVD	addr+0(FP), R0
	MOVBU	v+8(FP), R1
	STORED
	MOVB	R1, (R0)
	RET

TEXT ·Write16(SB),NOSPLIT,$0-10
	MOVD	addr+0(FP), R0
	MOVHU	v+8(FP), R1
	STORED
	MOVH	R1, (R0)
	RET

TEXT ·Write32(SB),NOSPLIT,$0-12
	MOVD	addr+0(FP), R0
	MOVWU	v+8(FP), R1
	STORED
	MOVW	R1, (R0)
	RET
