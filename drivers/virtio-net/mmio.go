package virtionet

import (
	"errors"
	"fmt"

	"barewire/kernel/dev"
	"barewire/nic"
)

// Registers is a device's register window: *dev.Registers of kernel/dev. A
// write is ordered behind the memory writes before it, a read before the memory
// reads after it.
type Registers interface {
	Read8(offset uint32) uint8
	Read16(offset uint32) uint16
	Read32(offset uint32) uint32
	Write32(offset uint32, v uint32)
}

var _ Registers = (*dev.Registers)(nil)

// Registers of the MMIO transport (section 4.2.2).
const (
	regMagicValue        = 0x000
	regVersion           = 0x004
	regDeviceID          = 0x008
	regDeviceFeatures    = 0x010
	regDeviceFeaturesSel = 0x014
	regDriverFeatures    = 0x020
	regDriverFeaturesSel = 0x024
	regQueueSel          = 0x030
	regQueueNumMax       = 0x034
	regQueueNum          = 0x038
	regQueueReady        = 0x044
	regQueueNotify       = 0x050
	regInterruptStatus   = 0x060
	regInterruptACK      = 0x064 // write 1 to clear
	regStatus            = 0x070
	regQueueDescLow      = 0x080
	regQueueDescHigh     = 0x084
	regQueueDriverLow    = 0x090
	regQueueDriverHigh   = 0x094
	regQueueDeviceLow    = 0x0a0
	regQueueDeviceHigh   = 0x0a4
	regConfigGeneration  = 0x0fc
	regConfig            = 0x100

	magicValue    = 0x74726976 // "virt"
	versionLegacy = 1
	versionModern = 2

	deviceNone    = 0 // an empty slot
	deviceNetwork = 1

	interruptQueue  = 1 << 0 // a used buffer
	interruptConfig = 1 << 1 // the configuration changed
)

// WindowBytes is the size of a device's register window.
const WindowBytes = 0x200

// Probe reports whether the window holds a network device that this driver can
// open. An empty slot and a device of another kind are not errors; a window that
// is no virtio device, or a network device that only speaks the legacy protocol,
// is.
func Probe(r Registers) (bool, error) {
	if magic := r.Read32(regMagicValue); magic != magicValue {
		return false, fmt.Errorf("no virtio device: magic %#08x, want %#08x", magic, magicValue)
	}
	if r.Read32(regDeviceID) != deviceNetwork {
		return false, nil
	}
	switch version := r.Read32(regVersion); version {
	case versionModern:
		return true, nil
	case versionLegacy:
		return false, errLegacy
	default:
		return false, fmt.Errorf("virtio-mmio version %d, want %d", version, versionModern)
	}
}

var errLegacy = errors.New("virtio-mmio version 1 (legacy) is not supported: start QEMU with -global virtio-mmio.force-legacy=false")

// transport is how a virtio device is reached. Queue numbers count as in
// section 5.1.2: receive 0, transmit 1.
type transport interface {
	deviceFeatures() uint64
	setDriverFeatures(f uint64)
	status() uint8
	setStatus(s uint8)
	queueMax(queue int) int // 0: the device has no such queue
	enableQueue(queue, size int, descriptors, driver, device uint64)
	notify(queue int)

	// interruptCause reads why the device interrupted, acknowledge takes
	// exactly these causes back.
	interruptCause() uint32
	acknowledge(cause uint32)

	generation() uint32
	config8(offset uint32) uint8
	config16(offset uint32) uint16
}

// mmio is the transport of section 4.2.
type mmio struct{ r Registers }

func (m mmio) deviceFeatures() uint64 {
	m.r.Write32(regDeviceFeaturesSel, 1)
	high := m.r.Read32(regDeviceFeatures)
	m.r.Write32(regDeviceFeaturesSel, 0)
	return uint64(high)<<32 | uint64(m.r.Read32(regDeviceFeatures))
}

func (m mmio) setDriverFeatures(f uint64) {
	m.r.Write32(regDriverFeaturesSel, 1)
	m.r.Write32(regDriverFeatures, uint32(f>>32))
	m.r.Write32(regDriverFeaturesSel, 0)
	m.r.Write32(regDriverFeatures, uint32(f))
}

func (m mmio) status() uint8     { return uint8(m.r.Read32(regStatus)) }
func (m mmio) setStatus(s uint8) { m.r.Write32(regStatus, uint32(s)) }

func (m mmio) queueMax(queue int) int {
	m.r.Write32(regQueueSel, uint32(queue))
	// A queue that is ready belongs to somebody: after a reset none is.
	if m.r.Read32(regQueueReady) != 0 {
		return 0
	}
	return int(min(m.r.Read32(regQueueNumMax), 1<<15))
}

func (m mmio) enableQueue(queue, size int, descriptors, driver, device uint64) {
	m.r.Write32(regQueueSel, uint32(queue))
	m.r.Write32(regQueueNum, uint32(size))
	m.r.Write32(regQueueDescLow, uint32(descriptors))
	m.r.Write32(regQueueDescHigh, uint32(descriptors>>32))
	m.r.Write32(regQueueDriverLow, uint32(driver))
	m.r.Write32(regQueueDriverHigh, uint32(driver>>32))
	m.r.Write32(regQueueDeviceLow, uint32(device))
	m.r.Write32(regQueueDeviceHigh, uint32(device>>32))
	m.r.Write32(regQueueReady, 1)
}

// notify rings the doorbell. Packet context.
func (m mmio) notify(queue int) { m.r.Write32(regQueueNotify, uint32(queue)) }

func (m mmio) interruptCause() uint32 {
	return m.r.Read32(regInterruptStatus) & (interruptQueue | interruptConfig)
}
func (m mmio) acknowledge(cause uint32) { m.r.Write32(regInterruptACK, cause) }

func (m mmio) generation() uint32            { return m.r.Read32(regConfigGeneration) }
func (m mmio) config8(offset uint32) uint8   { return m.r.Read8(regConfig + offset) }
func (m mmio) config16(offset uint32) uint16 { return m.r.Read16(regConfig + offset) }

// configMAC reads the device's address byte by byte, as the specification asks
// for fields that are no numbers.
func configMAC(t transport) (mac nic.MAC) {
	for i := range mac {
		mac[i] = t.config8(configMACOffset + uint32(i))
	}
	return mac
}
