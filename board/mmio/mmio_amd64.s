#include "textflag.h"

// x86 keeps stores in order and loads in order on uncached memory, and drains
// the store buffer before an uncached store (Intel SDM 3A 9.2.2): no fence.

TEXT ·Read8(SB),NOSPLIT,$0-9
	MOVQ	addr+0(FP), AX
	MOVB	(AX), BX
	MOVB	BX, ret+8(FP)
	RET

TEXT ·Read16(SB),NOSPLIT,$0-10
	MOVQ	addr+0(FP), AX
	MOVW	(AX), BX
	MOVW	BX, ret+8(FP)
	RET

TEXT ·Read32(SB),NOSPLIT,$0-12
	MOVQ	addr+0(FP), AX
	MOVL	(AX), BX
	MOVL	BX, ret+8(FP)
	RET

TEXT ·Write8(SB),NOSPLIT,$0-9
	MOVQ	addr+0(FP), AX
	MOVB	v+8(FP), BX
	MOVB	BX, (AX)
	RET

TEXT ·Write16(SB),NOSPLIT,$0-10
	MOVQ	addr+0(FP), AX
	MOVW	v+8(FP), BX
	MOVW	BX, (AX)
	RET

TEXT ·Write32(SB),NOSPLIT,$0-12
	MOVQ	addr+0(FP), AX
	MOVL	v+8(FP), BX
	MOVL	BX, (AX)
	RET
