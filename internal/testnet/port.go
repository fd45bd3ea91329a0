package testnet

import (
	"slices"
	"sync"

	"barewire/nic"
)

// Port is a network device in memory with one queue. The test gives frames to
// Inject and takes what was transmitted from Sent. The port's side that faces
// the wire may be used from any goroutine.
type Port struct {
	info  nic.Info
	queue Queue

	mu      sync.Mutex // protects the fields below and those of queue
	carrier nic.Carrier
	started bool
	closed  bool
	wake    func()
	stats   []nic.Stat
}

// NewPort makes a port with a carrier. Its rings hold ring buffers each.
func NewPort(mac nic.MAC, mtuBytes, ring int) *Port {
	p := &Port{
		info:    nic.Info{Driver: "testnet", Bus: "memory", MAC: mac, MTUBytes: mtuBytes},
		carrier: nic.CarrierUp,
	}
	p.queue = Queue{port: p, ring: ring}
	return p
}

// Info implements nic.Port.
func (p *Port) Info() nic.Info { return p.info }

// Carrier implements nic.Port.
func (p *Port) Carrier() nic.Carrier {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.carrier
}

// SetCarrier plugs the cable in or pulls it.
func (p *Port) SetCarrier(c nic.Carrier) {
	p.mu.Lock()
	p.carrier = c
	wake := p.wake
	p.mu.Unlock()
	if wake != nil {
		wake()
	}
}

// Queues implements nic.Port.
func (p *Port) Queues() []nic.Queue { return []nic.Queue{&p.queue} }

// Start implements nic.Port.
func (p *Port) Start(wake func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started, p.wake = true, wake
	return nil
}

// Started tells whether Start was called.
func (p *Port) Started() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.started
}

// SetStats sets what Stats returns.
func (p *Port) SetStats(stats []nic.Stat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats = stats
}

// Stats implements nic.Port.
func (p *Port) Stats() []nic.Stat {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.stats)
}

// Close implements nic.Port.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := &p.queue
	for _, b := range slices.Concat(q.free, q.sent) {
		q.pool.Put(b)
	}
	q.free, q.sent = nil, nil
	p.closed = true
	return nil
}

// Inject lets frames arrive, in order. Without room in the receive ring they
// wait; a frame that no buffer can hold is lost.
func (p *Port) Inject(frames ...[]byte) {
	p.mu.Lock()
	q := &p.queue
	for _, f := range frames {
		q.arriving = append(q.arriving, slices.Clone(f))
	}
	wake := q.armed && p.wake != nil
	q.armed = false
	p.mu.Unlock()
	if wake {
		p.wake()
	}
}

// Sent takes the frames that were transmitted since the last call.
func (p *Port) Sent() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	frames := p.queue.frames
	p.queue.frames = nil
	return frames
}

// Waiting is how many injected frames were not received yet.
func (p *Port) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue.arriving)
}

// HoldTransmits keeps sent buffers in the ring, so that it fills, until called
// with false.
func (p *Port) HoldTransmits(hold bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue.hold = hold
}

// Queue is the port's queue. It has a ring of free buffers and one of sent ones.
type Queue struct {
	port     *Port
	ring     int
	pool     *nic.Pool
	free     []*nic.Buffer // given by Provide
	sent     []*nic.Buffer // to be reclaimed
	arriving [][]byte
	frames   [][]byte
	armed    bool
	hold     bool
}

// Provide implements nic.Queue.
func (q *Queue) Provide(p *nic.Pool) {
	q.port.mu.Lock()
	defer q.port.mu.Unlock()
	q.pool = p
	for len(q.free) < q.ring && !q.port.closed {
		b := p.Get()
		if b == nil {
			return
		}
		q.free = append(q.free, b)
	}
}

// Receive implements nic.Queue.
func (q *Queue) Receive(batch []*nic.Buffer) int {
	q.port.mu.Lock()
	defer q.port.mu.Unlock()
	n := 0
	for n < len(batch) && len(q.free) > 0 && len(q.arriving) > 0 && q.port.started {
		f := q.arriving[0]
		q.arriving = q.arriving[1:]
		b := q.free[0]
		if nic.Headroom+len(f) > len(b.Mem()) {
			continue
		}
		q.free = q.free[1:]
		b.SetFrame(nic.Headroom, len(f))
		copy(b.Bytes(), f)
		batch[n] = b
		n++
	}
	return n
}

// Transmit implements nic.Queue.
func (q *Queue) Transmit(batch []*nic.Buffer) int {
	q.port.mu.Lock()
	defer q.port.mu.Unlock()
	n := min(len(batch), q.ring-len(q.sent))
	for _, b := range batch[:n] {
		q.sent = append(q.sent, b)
		q.frames = append(q.frames, slices.Clone(b.Bytes()))
	}
	return n
}

// Reclaim implements nic.Queue.
func (q *Queue) Reclaim(p *nic.Pool) {
	q.port.mu.Lock()
	defer q.port.mu.Unlock()
	if q.hold {
		return
	}
	for _, b := range q.sent {
		p.Put(b)
	}
	q.sent = q.sent[:0]
}

// Arm implements nic.Queue.
func (q *Queue) Arm() bool {
	q.port.mu.Lock()
	defer q.port.mu.Unlock()
	q.armed = len(q.arriving) == 0
	return q.armed
}

// Disarm implements nic.Queue.
func (q *Queue) Disarm() {
	q.port.mu.Lock()
	defer q.port.mu.Unlock()
	q.armed = false
}
