// Package pl031 reads Arm's PrimeCell real-time clock PL031 (ARM DDI 0224C).
// All code in this package runs in trap context.
package pl031

import "barewire/board/mmio"

const regDR = 0x00 // data register: seconds, DDI 0224C 3.3.1

// Seconds is the time of the clock whose registers are at base, by convention
// seconds since 1970 UTC.
func Seconds(base uintptr) uint64 { return uint64(mmio.Read32(base + regDR)) }
