package gic

import "barewire/board/mmio"

// Distributor registers, IHI 0048B 4.3. Version 3 kept their places.
const (
	regCTLR       = 0x000
	regTYPER      = 0x004
	regIGROUPR    = 0x080
	regISENABLER  = 0x100
	regICENABLER  = 0x180
	regICPENDR    = 0x280
	regIPRIORITYR = 0x400
	regITARGETSR  = 0x800
)

// CPU interface registers of version 2, IHI 0048B 4.4.
const (
	regCPUCTLR = 0x00
	regCPUPMR  = 0x04
	regCPUIAR  = 0x0c
	regCPUEOIR = 0x10
)

var distributor, cpuInterface uintptr

// InitV2 starts the distributor; StartV2 is owed on each processor.
func InitV2(dist, cpu uintptr) {
	distributor, cpuInterface = dist, cpu
	for i := uintptr(1); i < lines(); i++ {
		mmio.Write32(dist+regICENABLER+4*i, ^uint32(0))
		mmio.Write32(dist+regICPENDR+4*i, ^uint32(0))
		for j := uintptr(0); j < 8; j++ {
			mmio.Write32(dist+regITARGETSR+32*i+4*j, 0x01010101)
		}
	}
	mmio.Write32(dist+regCTLR, 1)
}

// lines is the number of groups of 32 interrupts, the private ones included.
func lines() uintptr { return uintptr(mmio.Read32(distributor+regTYPER)&31) + 1 }

// StartV2 lets this processor take interrupts.
func StartV2() {
	mmio.Write32(cpuInterface+regCPUPMR, 0xff)
	mmio.Write32(cpuInterface+regCPUCTLR, 1)
}

// EnableV2 lets an interrupt through.
func EnableV2(intid uint32) {
	mmio.Write32(distributor+regISENABLER+uintptr(intid/32*4), 1<<(intid%32))
}

// DisableV2 holds an interrupt back. One that is pending stays so.
func DisableV2(intid uint32) {
	mmio.Write32(distributor+regICENABLER+uintptr(intid/32*4), 1<<(intid%32))
}

// AcknowledgeV2 takes the pending interrupt of highest priority, or None.
// Each one taken is owed an EndV2 with the same token.
func AcknowledgeV2() (intid, token uint32) {
	token = mmio.Read32(cpuInterface + regCPUIAR)
	return token & 0x3ff, token
}

// EndV2 says that the interrupt was dealt with.
func EndV2(token uint32) { mmio.Write32(cpuInterface+regCPUEOIR, token) }
