package virtionet

import (
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"

	"barewire/kernel/dev"
	"barewire/nic"
)

// Interrupt is a level interrupt that is masked when it fires: *dev.Interrupt
// of kernel/dev.
type Interrupt interface {
	Wait() error // until it fired; an error once it is closed
	Unmask() error
	Close() error
}

var _ Interrupt = (*dev.Interrupt)(nil)

// Config is what a device needs of its machine.
type Config struct {
	Bus       string    // where it was found, for the operator: "virtio-mmio@0a003e00"
	Registers Registers // WindowBytes of them
	Interrupt Interrupt // the port's once Open succeeded; closed by Close

	// AllocDMA gives zeroed memory, aligned to 64 bytes, that device and
	// processor see alike; addr is the device's address of it. It is never
	// given back.
	AllocDMA func(size int) (mem []byte, addr uint64, err error)

	// Pool feeds the queue, and gets its buffers back. Its slots decide how
	// large a frame may be.
	Pool *nic.Pool

	// Random fills p; for the address of a device that has none.
	Random func(p []byte)

	// Log takes what the operator should know. It may be nil.
	Log func(format string, args ...any)

	// QueueSize is the most descriptors in a ring, 0 for 256.
	QueueSize int
}

const (
	queueReceive, queueTransmit = 0, 1

	defaultQueueSize = 256

	headerBytes = 12 // section 5.1.6, with VERSION_1

	// rxOffset is where the device begins to write in a buffer: its header
	// comes right before the frame, in the same descriptor.
	rxOffset = nic.Headroom - headerBytes

	// leastBuffer is the least that a receive buffer must hold when the device
	// does not merge (section 5.1.6.3.1).
	leastBuffer = headerBytes + 1514
)

// Port is an open device. Its one queue belongs to a worker; Info, Carrier and
// Stats may be called by anybody, Start and Close by one goroutine.
//
//	Open -> opened -Start-> running -> broken -> quiet -> clean -> running
//	                                                        |
//	                                                        +-> dead
//
// Who makes which step is told in repair.go.
type Port struct {
	bus string
	t   transport
	irq Interrupt
	log func(string, ...any)

	facts   facts // written by Open only
	pool    *nic.Pool
	payload int
	queue   queue
	queues  [1]nic.Queue
	stats   counters

	state   atomic.Uint32 // one of the states below
	fault   atomic.Uint32 // why it is broken
	carrier atomic.Uint32 // a nic.Carrier

	wake   func()        // set by Start, before the goroutines run
	repair chan struct{} // tells the repairing goroutine to look; never blocks
	done   chan struct{} // closed by Close

	goroutines sync.WaitGroup // watch and mend
	closing    sync.Once
	closed     error // what Close returned
}

// Open resets the device, agrees with it on features and gives it empty rings.
// It may take frames into the ring with Provide, but the device is not started.
// The caller must keep Registers mapped until Close returned.
func Open(c Config) (*Port, error) {
	p, err := open(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Bus, err)
	}
	return p, nil
}

func open(c Config) (*Port, error) {
	if c.Registers == nil || c.Interrupt == nil || c.AllocDMA == nil || c.Pool == nil || c.Random == nil {
		return nil, errors.New("virtio-net needs Registers, Interrupt, AllocDMA, Pool and Random")
	}
	found, err := Probe(c.Registers)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("no network device in this slot")
	}
	if c.Pool.SlotBytes()-rxOffset < leastBuffer {
		return nil, fmt.Errorf("buffers of %d bytes hold no Ethernet frame: want %d", c.Pool.SlotBytes(), rxOffset+leastBuffer)
	}
	p := &Port{
		bus: c.Bus, t: mmio{c.Registers}, irq: c.Interrupt, log: c.Log,
		pool: c.Pool, payload: min(c.Pool.SlotBytes()-nic.Headroom-frameRoom, 65535),
		repair: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if p.log == nil {
		p.log = func(string, ...any) {}
	}
	p.queue.port = p
	p.queues[0] = &p.queue
	if p.facts, err = negotiate(p.t, p.payload); err != nil {
		return nil, err
	}
	if p.facts.features&featureMAC == 0 {
		p.facts.mac = randomMAC(c.Random)
	}
	for _, note := range p.facts.notes {
		p.log("%s: %s", p.bus, note)
	}
	if err := p.makeRings(c); err != nil {
		p.t.setStatus(statusFailed)
		return nil, err
	}
	if err := p.enableQueues(); err != nil {
		p.t.setStatus(statusFailed)
		return nil, err
	}
	if err := p.readCarrier(); err != nil {
		p.t.setStatus(statusFailed)
		return nil, err
	}
	return p, nil
}

// randomMAC makes a locally administered address (IEEE 802 8.2.2).
func randomMAC(random func([]byte)) (mac nic.MAC) {
	random(mac[:])
	mac[0] = mac[0]&^1 | 2
	return mac
}

// makeRings allocates both rings, as large as the device and c allow.
func (p *Port) makeRings(c Config) error {
	for i, r := range []**ring{queueReceive: &p.queue.rx, queueTransmit: &p.queue.tx} {
		size := c.QueueSize
		if size == 0 {
			size = defaultQueueSize
		}
		most := p.t.queueMax(i)
		if most < minRing {
			return fmt.Errorf("queue %d: the device allows %d descriptors, want at least %d", i, most, minRing)
		}
		size = min(size, most, maxRing)
		size = 1 << (bits.Len(uint(size)) - 1) // a split ring is a power of two
		mem, addr, err := c.AllocDMA(ringBytes(max(size, minRing)))
		if err != nil {
			return fmt.Errorf("queue %d: memory for a ring of %d: %w", i, size, err)
		}
		if *r, err = newRing(mem, addr, size); err != nil {
			return fmt.Errorf("queue %d: %w", i, err)
		}
	}
	return nil
}

// enableQueues gives the device the rings, which must be empty.
func (p *Port) enableQueues() error {
	for i, r := range [...]*ring{queueReceive: p.queue.rx, queueTransmit: p.queue.tx} {
		if most := p.t.queueMax(i); most < int(r.size) {
			return fmt.Errorf("queue %d: the device allows %d descriptors, not %d any more", i, most, r.size)
		}
		r.reset(p.facts.features&featureEventIdx != 0)
		p.t.enableQueue(i, int(r.size), r.descAddr, r.driverAddr, r.deviceAddr)
	}
	return nil
}

func (p *Port) readCarrier() error {
	c, err := carrier(p.t, p.facts.features)
	if err == nil {
		p.carrier.Store(uint32(c))
	}
	return err
}

// Info are the facts of the port.
func (p *Port) Info() nic.Info {
	return nic.Info{Driver: "virtio-net", Bus: p.bus, MAC: p.facts.mac, MTUBytes: p.facts.mtuBytes}
}

// Carrier is the link's state as the device last told it; CarrierUnknown when
// it never does, CarrierDown once the device is given up.
func (p *Port) Carrier() nic.Carrier { return nic.Carrier(p.carrier.Load()) }

// Queues is the one queue pair.
func (p *Port) Queues() []nic.Queue { return p.queues[:] }

// Start lets the device run. wake is called from goroutines of this package.
func (p *Port) Start(wake func()) error {
	if wake == nil {
		return fmt.Errorf("%s: Start needs a wake function", p.bus)
	}
	if p.state.Load() != stateOpened || p.wake != nil {
		return fmt.Errorf("%s: started already, or closed", p.bus)
	}
	p.wake = wake
	p.run()
	p.goroutines.Add(2)
	go p.watch()
	go p.mend()
	return nil
}

// run ends the set-up and tells the device of the buffers that are there.
func (p *Port) run() {
	p.t.setStatus(statusAcknowledge | statusDriver | statusFeaturesOK | statusDriverOK)
	// The worker may be filling the ring just now. It shows a buffer, then
	// looks at the state; here the state is set, then the doorbell rung: one of
	// us rings.
	p.state.Store(stateRunning)
	p.t.notify(queueReceive)
}

// watch waits for interrupts until the port is closed.
func (p *Port) watch() {
	defer p.goroutines.Done()
	for {
		if err := p.irq.Wait(); err != nil {
			select {
			case <-p.done:
			default:
				p.log("%s: interrupt: %v; the port is not woken any more", p.bus, err)
				p.carrier.Store(uint32(nic.CarrierDown))
				p.wake()
			}
			return
		}
		cause := p.t.interruptCause()
		if cause == 0 {
			p.stats.spurious.Add(1) // a neighbour on the same line
		} else {
			// Every cause is taken back, or a level interrupt would stay. What
			// happens from here on interrupts again.
			p.t.acknowledge(cause)
			p.stats.interrupts.Add(1)
		}
		if cause&interruptConfig != 0 {
			p.configChanged()
		}
		if err := p.irq.Unmask(); err != nil {
			p.log("%s: unmask interrupt: %v", p.bus, err)
		}
		if cause != 0 {
			p.wake()
		}
	}
}

func (p *Port) configChanged() {
	p.stats.configChanges.Add(1)
	if p.t.status()&statusNeedsReset != 0 {
		p.fail(faultNeedsReset)
		return
	}
	if p.state.Load() != stateRunning {
		return // read again when it runs
	}
	if err := p.readCarrier(); err != nil {
		p.log("%s: %v", p.bus, err)
	}
}

// Close stops the device and puts every buffer back into the pool. The worker
// must not use the queue any more. When the device does not stop, the buffers
// that it has are lost, and Close says so.
func (p *Port) Close() error {
	p.closing.Do(func() { p.closed = p.close() })
	return p.closed
}

func (p *Port) close() error {
	close(p.done)
	irqErr := p.irq.Close()
	p.goroutines.Wait()
	p.state.Store(stateClosed)
	p.carrier.Store(uint32(nic.CarrierDown))
	if err := reset(p.t); err != nil {
		return errors.Join(fmt.Errorf("%s: %d buffers lost: %w", p.bus, p.queue.rx.outstanding()+p.queue.tx.outstanding(), err), irqErr)
	}
	p.queue.gather(p.pool)
	return irqErr
}
