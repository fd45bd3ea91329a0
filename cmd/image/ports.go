//go:build arm64

package main

import (
	"crypto/rand"
	"fmt"

	"barewire/board/fdt"
	virtionet "barewire/drivers/virtio-net"
	"barewire/kernel/dev"
	"barewire/nic"
	"barewire/router"
)

const (
	// slotBytes holds a full Ethernet frame with a VLAN tag, the driver's header
	// and the headroom, with a cache line or two to spare.
	slotBytes = 2048

	// poolBytes is the packet memory: 2048 buffers, enough to fill the rings of
	// four ports twice.
	poolBytes = 4 << 20
)

func newPool() (*nic.Pool, error) {
	m, err := dev.AllocDMA(poolBytes)
	if err != nil {
		return nil, err
	}
	return nic.NewPool(m.Mem, m.Addr, slotBytes)
}

// addPorts opens every network device of the machine and gives it to the
// router as eth0, eth1 and so on, down. One that cannot be opened is named and
// left out.
func addPorts(r *router.Router, pool *nic.Pool, logf func(string, ...any)) {
	blob, err := dev.DeviceTree()
	if err != nil {
		logf("ports: device tree: %v", err)
		return
	}
	tree, status := fdt.Open(blob)
	if status != fdt.OK {
		logf("ports: device tree: %v", status)
		return
	}
	n := 0
	for _, s := range inPortOrder(virtioSlots(&tree)) {
		port, err := openVirtio(&tree, s, pool, logf)
		if err == nil && port != nil {
			_, err = r.AddPort(fmt.Sprintf("eth%d", n), port)
			n++
		}
		if err != nil {
			logf("ports: %v", err)
		}
	}
	if n == 0 {
		logf("ports: no network device found: this machine routes nothing")
	}
}

// slot is a place where the device tree says that a virtio device may be.
type slot struct {
	node    fdt.Node
	address uint64
}

func (s slot) String() string { return fmt.Sprintf("virtio-mmio@%08x", s.address) }

func virtioSlots(t *fdt.Tree) (slots []slot) {
	for n, ok := t.NextCompatible(t.Root(), "virtio,mmio"); ok; n, ok = t.NextCompatible(n, "virtio,mmio") {
		if r, status := t.Reg(n, 0); status == fdt.OK && r.Size >= virtionet.WindowBytes {
			slots = append(slots, slot{n, r.Address})
		}
	}
	return slots
}

// openVirtio opens the network device in a slot; nil, without an error, when
// there is none.
func openVirtio(t *fdt.Tree, s slot, pool *nic.Pool, logf func(string, ...any)) (nic.Port, error) {
	registers, err := dev.MapRegisters(s.address, virtionet.WindowBytes)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", s, err)
	}
	found, err := virtionet.Probe(registers)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", s, err)
	}
	if !found {
		return nil, nil
	}
	// Looking an interrupt up walks the tree: only for slots that are in use.
	line, status := t.Interrupt(s.node, 0)
	id, ok := interruptID(line.Cells[0], line.Cells[1])
	if status != fdt.OK || line.Count < 2 || !ok {
		return nil, fmt.Errorf("%v: the device tree gives it no interrupt", s)
	}
	interrupt, err := dev.OpenInterrupt(id)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", s, err)
	}
	return virtionet.Open(virtionet.Config{
		Bus:       s.String(),
		Registers: registers,
		Interrupt: interrupt,
		Pool:      pool,
		AllocDMA: func(size int) ([]byte, uint64, error) {
			m, err := dev.AllocDMA(size)
			return m.Mem, m.Addr, err
		},
		Random: func(p []byte) { rand.Read(p) },
		Log:    logf,
	})
}
