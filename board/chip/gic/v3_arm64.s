#include "textflag.h"

// The assembler has no names for the ICC registers: MSR and MRS by number
// (IHI 0069H 12.2), register X0.
#define MSR_SRE_EL1 WORD $0xd518cca0
#define MRS_SRE_EL1 WORD $0xd538cca0
#define MSR_PMR_EL1 WORD $0xd5184600
#define MSR_IGRPEN1_EL1 WORD $0xd518cce0
#define MRS_IAR1_EL1 WORD $0xd538cc00
#define MSR_EOIR1_EL1 WORD $0xd518cc20

TEXT ·openCPUInterface(SB),NOSPLIT,$0
	MRS_SRE_EL1
	ORR	$1, R0
	MSR_SRE_EL1
	ISB	$15
	MOVD	$0xff, R0
	MSR_PMR_EL1
	MOVD	$1, R0
	MSR_IGRPEN1_EL1
	ISB	$15
	RET

TEXT ·readIAR1(SB),NOSPLIT,$0-4
	MRS_IAR1_EL1
	DSB	$15
	MOVW	R0, ret+0(FP)
	RET

TEXT ·writeEOIR1(SB),NOSPLIT,$0-4
	MOVWU	token+0(FP), R0
	MSR_EOIR1_EL1
	ISB	$15
	RET
