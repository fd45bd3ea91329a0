package kernel

import "barewire/board/fdt"

// PSCI function numbers (Arm DEN 0022F 5.1).
const (
	psciSystemOff   = 0x84000008
	psciSystemReset = 0x84000009
)

func findPower(t *fdt.Tree) {
	conduit, _ := t.PSCI()
	haveFirmware = conduit != fdt.ConduitNone
	secureFirmware = conduit == fdt.ConduitSMC
	if !haveFirmware {
		say(str("kernel: no PSCI in the device tree: power off and restart only stop the processor\n"))
	}
}

// powerOff and restart do not return.

func powerOff() {
	if haveFirmware {
		firmwareCall(secureFirmware, psciSystemOff, 0, 0, 0)
	}
	halt()
}

func restart() {
	if haveFirmware {
		firmwareCall(secureFirmware, psciSystemReset, 0, 0, 0)
	}
	halt()
}

func halt() {
	say(str("kernel: stopped\n"))
	for {
		waitForInterrupt()
	}
}
