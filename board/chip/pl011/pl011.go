// Package pl011 drives Arm's PrimeCell UART PL011 as a console (ARM DDI 0183G).
// All code in this package runs in trap context.
package pl011

import "barewire/board/mmio"

// Registers and bits, DDI 0183G 3.2 and 3.3.
const (
	regDR   = 0x00
	regFR   = 0x18
	regIMSC = 0x38
	regICR  = 0x44

	frRXFE = 1 << 4 // receive FIFO empty
	frTXFF = 1 << 5 // transmit FIFO full

	drError = 0xf << 8 // framing, parity, break, overrun: the byte is not to be trusted

	intRX = 1 << 4 // FIFO filled to its trigger level
	intRT = 1 << 6 // bytes wait, line idle for 32 bit times
)

// spins bounds the wait for room in the transmit FIFO: about a second of
// register reads. A UART that takes no byte by then never will.
const spins = 10_000_000

var base uintptr

// Init says where the registers are. Speed and FIFOs stay as firmware set them.
func Init(registers uintptr) { base = registers }

// Put sends one byte, waiting for room in the FIFO. After a UART that never
// had room, the byte is lost.
func Put(c byte) {
	for i := 0; mmio.Read32(base+regFR)&frTXFF != 0; i++ {
		if i == spins {
			return
		}
	}
	mmio.Write32(base+regDR, uint32(c))
}

// Get takes a received byte; ok is false when there is none. Bytes that arrived
// with an error are dropped.
func Get() (c byte, ok bool) {
	for mmio.Read32(base+regFR)&frRXFE == 0 {
		d := mmio.Read32(base + regDR)
		if d&drError == 0 {
			return byte(d), true
		}
	}
	return 0, false
}

// Listen enables the interrupt for received bytes. The handler must Get until
// nothing is left, which also ends the interrupt.
func Listen() {
	mmio.Write32(base+regICR, intRX|intRT)
	mmio.Write32(base+regIMSC, intRX|intRT)
}
