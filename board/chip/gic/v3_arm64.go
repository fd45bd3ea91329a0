package gic

import "barewire/board/mmio"

// Registers of version 3, IHI 0069H 12.9 and 12.11.
const (
	distCTLRGroup1NS = 1 << 1 // EnableGrp1A
	distCTLRARE      = 1 << 4 // ARE_NS: affinity routing
	distCTLRPending  = 1 << 31

	regIROUTER = 0x6000

	regWAKER            = 0x014
	wakerProcessorSleep = 1 << 1
	wakerChildrenAsleep = 1 << 2

	sgiFrame = 0x10000 // second 64 KiB page of a redistributor
)

// spins bounds the waits for the controller to settle: it answers in
// microseconds, or is broken.
const spins = 1_000_000

var redistributor uintptr

// InitV3 starts the distributor; StartV3 is owed on each processor. redist is
// the redistributor of the boot processor.
func InitV3(dist, redist uintptr) {
	distributor, redistributor = dist, redist
	mmio.Write32(dist+regCTLR, 0)
	settle()
	for i := uintptr(1); i < lines(); i++ {
		mmio.Write32(dist+regICENABLER+4*i, ^uint32(0))
		mmio.Write32(dist+regICPENDR+4*i, ^uint32(0))
		mmio.Write32(dist+regIGROUPR+4*i, ^uint32(0))
		for j := uintptr(0); j < 8; j++ {
			mmio.Write32(dist+regIPRIORITYR+32*i+4*j, 0xa0a0a0a0)
		}
	}
	mmio.Write32(dist+regCTLR, distCTLRARE|distCTLRGroup1NS)
	settle()
}

// settle waits until the distributor's writes took effect (GICD_CTLR.RWP).
func settle() {
	for i := 0; i < spins && mmio.Read32(distributor+regCTLR)&distCTLRPending != 0; i++ {
	}
}

// StartV3 wakes this processor's redistributor and opens its interface.
func StartV3() {
	mmio.Write32(redistributor+regWAKER, mmio.Read32(redistributor+regWAKER)&^wakerProcessorSleep)
	for i := 0; i < spins && mmio.Read32(redistributor+regWAKER)&wakerChildrenAsleep != 0; i++ {
	}
	mmio.Write32(redistributor+sgiFrame+regIGROUPR, ^uint32(0))
	for j := uintptr(0); j < 8; j++ {
		mmio.Write32(redistributor+sgiFrame+regIPRIORITYR+4*j, 0xa0a0a0a0)
	}
	openCPUInterface()
}

// EnableV3 lets an interrupt through, a shared one to the boot processor.
func EnableV3(intid uint32) {
	if intid < 32 {
		mmio.Write32(redistributor+sgiFrame+regISENABLER, 1<<intid)
		return
	}
	mmio.Write32(distributor+regIROUTER+8*uintptr(intid), 0)
	mmio.Write32(distributor+regIROUTER+8*uintptr(intid)+4, 0)
	EnableV2(intid)
}

// DisableV3 holds an interrupt back. One that is pending stays so.
func DisableV3(intid uint32) {
	if intid < 32 {
		mmio.Write32(redistributor+sgiFrame+regICENABLER, 1<<intid)
		return
	}
	DisableV2(intid)
}

// AcknowledgeV3 takes the pending interrupt of highest priority, or None.
// Each one taken is owed an EndV3 with the same token.
func AcknowledgeV3() (intid, token uint32) {
	token = readIAR1()
	return token & 0xffffff, token
}

// EndV3 says that the interrupt was dealt with.
func EndV3(token uint32) { writeEOIR1(token) }

// The processor's own interface, by system registers.
func openCPUInterface()
func readIAR1() uint32
func writeEOIR1(token uint32)
