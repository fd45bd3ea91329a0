package virtionet

import (
	"sync/atomic"

	"barewire/nic"
)

// counters are written where things happen and read by anybody.
type counters struct {
	// By the worker, once a batch or for what should not happen.
	rxPackets, rxBytes, txPackets, txBytes atomic.Uint64

	rxLength  atomic.Uint64 // shorter than a header, or of no buffers
	rxMerged  atomic.Uint64 // frames that were joined
	rxTooBig  atomic.Uint64 // merged frames that fit no buffer
	rxOffload atomic.Uint64 // with an offload that was not agreed upon
	txRefused atomic.Uint64 // frames that cannot be sent
	txFull    atomic.Uint64 // times that a batch did not fit

	faults atomic.Uint64 // by the worker or watch

	// By watch and mend.
	interrupts, spurious, configChanges, repairs atomic.Uint64
}

// Stats are the driver's counters; the device has none of its own. Receive
// errors are frames, their buffers went back to the device.
func (p *Port) Stats() []nic.Stat {
	s := &p.stats
	return []nic.Stat{
		{Name: "config_changes", Value: s.configChanges.Load()},
		{Name: "device_faults", Value: s.faults.Load()},
		{Name: "device_repairs", Value: s.repairs.Load()},
		{Name: "interrupts", Value: s.interrupts.Load()},
		{Name: "interrupts_spurious", Value: s.spurious.Load()},
		{Name: "rx_bytes", Value: s.rxBytes.Load()},
		{Name: "rx_errors_length", Value: s.rxLength.Load()},
		{Name: "rx_errors_offload", Value: s.rxOffload.Load()},
		{Name: "rx_errors_too_big", Value: s.rxTooBig.Load()},
		{Name: "rx_merged", Value: s.rxMerged.Load()},
		{Name: "rx_packets", Value: s.rxPackets.Load()},
		{Name: "tx_bytes", Value: s.txBytes.Load()},
		{Name: "tx_packets", Value: s.txPackets.Load()},
		{Name: "tx_refused", Value: s.txRefused.Load()},
		{Name: "tx_ring_full", Value: s.txFull.Load()},
	}
}
