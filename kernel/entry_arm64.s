#include "textflag.h"

// The image's entry point, where the loader jumps with the MMU off, interrupts
// masked and the device tree's physical address in R0 (Linux,
// arch/arm64/booting.rst). The image lies where it was linked: virtual and
// physical addresses are the same for it.
//
// It leaves EL2, clears the part of BSS that is used from the start, builds the
// five page tables below, turns the MMU on and calls boot. Boot makes the real
// tables; these are coarse:
//
//	TTBR0  0x0000_0000_0000_0000+  the GiB that holds the image, all permissions
//	TTBR1  0xffff_0000_0000_0000+  the same GiB again: directMap
//	       0xffff_8000_0000_0000+  the first GiB, as device registers: deviceMap
//
// bootArea: L0 user, L1 user, L0 kernel, L1 kernel RAM, L1 kernel devices, stack.

// By another name for go vet: there is no caller whose frame pointer must be saved.
#define FRAMEPOINTER R29

#define BOOT_TABLES 0x5000
#define BOOT_STACK 0x10000

// Descriptors (Arm ARM D8.3): a 1 GiB block, accessed, inner shareable,
// attribute 0; the same as device memory (attribute 1), never executable.
#define BLOCK_RAM 0x701
#define BLOCK_DEVICE 0x0060000000000405
#define TABLE 3

TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MSR	$15, DAIFSet
	MOVD	R0, R26 // the device tree, until boot is called

	MRS	CurrentEL, R1
	LSR	$2, R1, R1
	CMP	$2, R1
	BNE	el1
	// The assembler does not know the EL2 registers: MSR by number, R1.
	MOVD	$0x80000000, R1 // HCR_EL2.RW: EL1 is AArch64
	WORD	$0xd51c1101
	MOVD	$3, R1 // CNTHCTL_EL2: EL1 may use the physical counter and timer
	WORD	$0xd51ce101
	MOVD	$0, R1 // CNTVOFF_EL2
	WORD	$0xd51ce061
	MOVD	$0x33ff, R1 // CPTR_EL2: no traps of floating point
	WORD	$0xd51c1141
	MRS	ID_AA64PFR0_EL1, R1 // GIC bits: system registers of GICv3 for EL1
	UBFX	$24, R1, $4, R1
	CBZ	R1, noGICv3
	WORD	$0xd53cc9a1 // ICC_SRE_EL2
	ORR	$9, R1 // Enable, SRE
	WORD	$0xd51cc9a1
	ISB	$15
noGICv3:
	MOVD	$0x3c5, R1 // SPSR_EL2: EL1h, everything masked
	WORD	$0xd51c4001
	ADR	el1, R1
	WORD	$0xd51c4021 // ELR_EL2
	ERET

el1:
	// BSS from its start to eagerEnd; the rest is cleared when touched.
	MOVD	$runtime·bss(SB), R1
	MOVD	·eagerBSS(SB), R2
	ADD	R1, R2, R2
	MOVD	$runtime·end(SB), R3
	CMP	R3, R2
	BLS	clear
	MOVD	R3, R2
clear:
	MOVD	R2, R25 // end of what is cleared
clearing:
	MOVD	ZR, (R1)
	ADD	$8, R1
	CMP	R25, R1
	BLO	clearing

	MOVD	$·bootArea(SB), R19
	ADD	$0xfff, R19
	AND	$~0xfff, R19 // L0 user
	ADD	$0x1000, R19, R20 // L1 user
	ADD	$0x2000, R19, R21 // L0 kernel
	ADD	$0x3000, R19, R22 // L1 kernel RAM
	ADD	$0x4000, R19, R23 // L1 kernel devices

	ORR	$TABLE, R20, R1
	MOVD	R1, (R19)
	ORR	$TABLE, R22, R1
	MOVD	R1, (R21)
	ORR	$TABLE, R23, R1
	MOVD	R1, 2048(R21) // entry 256: 0xffff_8000_0000_0000
	LSR	$30, R19, R2 // which GiB holds the image
	LSL	$30, R2, R1
	MOVD	$BLOCK_RAM, R3
	ORR	R3, R1
	MOVD	R1, (R20)(R2<<3)
	MOVD	R1, (R22)(R2<<3)
	MOVD	$BLOCK_DEVICE, R1
	MOVD	R1, (R23)

	// The loader leaves no dirty line (booting.rst), but stale clean ones may lie
	// over what was written with the cache off: drop them.
	MOVD	$runtime·bss(SB), R1
invalidate:
	WORD	$0xd5087621 // DC IVAC, X1
	ADD	$64, R1
	CMP	R25, R1
	BLO	invalidate
	DSB	$15

	BL	·mmuOn(SB)

	ADD	$(BOOT_TABLES+BOOT_STACK), R19, R1
	MOVD	R1, RSP
	MOVD	$·boot(SB), R2
	MSR	R2, TPIDR_EL1
	MOVD	R1, 0(R2)
	ADD	$32, R2, R3 // fakeG
	MOVD	R3, 8(R2)
	ADD	$BOOT_TABLES, R19, R4
	MOVD	R4, 0(R3) // stack.lo
	MOVD	R1, 8(R3) // stack.hi
	ADD	$1024, R4
	MOVD	R4, 16(R3) // stackguard0
	MOVD	R4, 24(R3) // stackguard1
	MOVD	R3, g
	MOVD	$0, FRAMEPOINTER
	MOVD	$0, R30
	SUB	$32, RSP
	MOVD	R26, 8(RSP)
	BL	·start(SB)
	MOVD	16(RSP), R0
	B	·resume(SB)

// mmuOn sets the translation registers and turns MMU and caches on.
// R19, R21: L0 tables. Uses R1 and R2.
TEXT ·mmuOn(SB),NOSPLIT|NOFRAME,$0
	MOVD	$(3<<20), R1 // CPACR_EL1.FPEN: no traps of floating point
	MSR	R1, CPACR_EL1
	// Attributes: 0 normal write-back, 1 device nGnRE, 2 normal non-cacheable.
	MOVD	$0x4404ff, R1
	MSR	R1, MAIR_EL1
	// 48 bits and 4 KiB pages on both sides, tables walked through the caches,
	// inner shareable (Arm ARM D17.2.139).
	MOVD	$(16 | 1<<8 | 1<<10 | 3<<12 | 16<<16 | 1<<24 | 1<<26 | 3<<28 | 2<<30), R1
	MRS	ID_AA64MMFR0_EL1, R2
	AND	$7, R2 // PARange, at most 48 bits with 4 KiB pages
	CMP	$5, R2
	BLS	ips
	MOVD	$5, R2
ips:
	ORR	R2<<32, R1
	MSR	R1, TCR_EL1
	MSR	R19, TTBR0_EL1
	MSR	R21, TTBR1_EL1
	MOVD	$·vectors(SB), R1
	MSR	R1, VBAR_EL1
	ISB	$15
	TLBI	VMALLE1
	WORD	$0xd508751f // IC IALLU
	DSB	$15
	ISB	$15
	MRS	SCTLR_EL1, R1
	MOVD	$(1<<0 | 1<<2 | 1<<12), R2 // M, C, I
	ORR	R2, R1
	MOVD	$(1<<1 | 1<<3 | 1<<4 | 1<<19), R2 // not A, SA, SA0, WXN
	BIC	R2, R1
	MSR	R1, SCTLR_EL1
	ISB	$15
	RET
