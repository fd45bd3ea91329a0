package virtionet

import (
	"fmt"

	"barewire/nic"
)

// A device that breaks the rules of its rings is stopped and started again.
// The worker owns the rings and may not wait; the device must be waited for. So
// the two goroutines hand the port to each other:
//
//	running -> broken   whoever sees the fault: the worker, or watch
//	broken  -> quiet    mend: the device is reset and touches nothing now
//	quiet   -> clean    worker, in Provide or Reclaim: all buffers to the pool
//	clean   -> running  mend: features, queues, DRIVER_OK once more
//
// In every state but running (and opened, for Provide) the worker leaves the
// rings alone. mend wakes the worker after its steps.
//
// A device that comes to no good is given up:
//
//	broken -> lost      it does not reset: its buffers stay where they are
//	clean  -> dead      it broke too often, or cannot be set up again
const (
	stateOpened = iota
	stateRunning
	stateBroken
	stateQuiet
	stateClean
	stateDead
	stateLost
	stateClosed
)

const (
	// maxRepairs is how often a device is started again with fewer than
	// repairedFrames received in between. More is not an accident.
	maxRepairs     = 16
	repairedFrames = 1 << 16
)

// fault is a way to break the rules.
type fault uint32

const (
	faultNone fault = iota
	faultUsedIndex
	faultUsedID
	faultLength
	faultPieces
	faultNeedsReset
)

func (f fault) String() string {
	switch f {
	case faultUsedIndex:
		return "it returns more buffers than it has"
	case faultUsedID:
		return "it returns a buffer that it does not have"
	case faultLength:
		return "it says that it wrote beyond a buffer's end"
	case faultPieces:
		return "it merges more buffers than it has"
	case faultNeedsReset:
		return "it asks for a reset"
	}
	return "unknown"
}

// fail stops the use of the rings. Packet context: it does nothing that waits,
// and no text is made here.
func (p *Port) fail(f fault) {
	if p.state.CompareAndSwap(stateRunning, stateBroken) {
		p.fault.Store(uint32(f))
		p.stats.faults.Add(1)
		p.callMend()
	}
}

func (p *Port) callMend() {
	select {
	case p.repair <- struct{}{}:
	default: // it has not yet looked for the last time
	}
}

// mend repairs the device until the port is closed.
func (p *Port) mend() {
	defer p.goroutines.Done()
	repairs, frames := 0, uint64(0)
	for {
		select {
		case <-p.done:
			return
		case <-p.repair:
		}
		switch p.state.Load() {
		case stateBroken:
			p.log("%s: the device is reset: %v", p.bus, fault(p.fault.Load()))
			if err := reset(p.t); err != nil {
				p.giveUp(stateLost, err)
				continue
			}
			p.state.Store(stateQuiet)
			p.wake()
		case stateClean:
			if got := p.stats.rxPackets.Load(); got-frames >= repairedFrames {
				repairs, frames = 0, got
			}
			if repairs++; repairs > maxRepairs {
				p.giveUp(stateDead, fmt.Errorf("broken %d times", repairs))
				continue
			}
			if err := p.restart(); err != nil {
				p.giveUp(stateDead, err)
				continue
			}
			p.stats.repairs.Add(1)
			p.wake()
		}
	}
}

func (p *Port) giveUp(state uint32, why error) {
	p.log("%s: given up: %v", p.bus, why)
	p.state.Store(state)
	p.carrier.Store(uint32(nic.CarrierDown))
	p.wake()
}

// restart sets the device up again as it was. Its address and MTU stay what the
// router was told, so a device that changed is refused.
func (p *Port) restart() error {
	again, err := negotiate(p.t, p.payload)
	if err != nil {
		return err
	}
	if again.features != p.facts.features {
		return fmt.Errorf("the device changed its features from %s to %s", featureList(p.facts.features), featureList(again.features))
	}
	if err := p.enableQueues(); err != nil {
		return err
	}
	if err := p.readCarrier(); err != nil {
		return err
	}
	p.run()
	return nil
}
