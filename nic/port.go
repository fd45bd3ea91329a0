package nic

// MAC is an Ethernet address (IEEE 802-2014 8.2).
type MAC [6]byte

// Carrier is the state of a port's medium.
type Carrier uint8

const (
	CarrierUnknown Carrier = iota // the device does not tell: taken as up
	CarrierDown
	CarrierUp
)

// Info are the facts of a port that do not change while it is open.
type Info struct {
	Driver   string // "virtio-net", "enet"
	Bus      string // where it was found, for the operator: "virtio-mmio@0a003e00"
	MAC      MAC
	MTUBytes int // largest network packet that the device carries
}

// Port is a network device. Info, Carrier and Stats may be called from any
// goroutine.
type Port interface {
	Info() Info

	// Carrier is the state of the medium as last reported by the device.
	Carrier() Carrier

	// Queues are the receive and transmit pairs. The slice does not change.
	Queues() []Queue

	// Start lets the device receive and transmit. wake is called from a
	// goroutine of the driver when a queue that was armed has work, and when
	// the carrier changed; it must not block. Before Start nothing is received.
	Start(wake func()) error

	// Stats are the device's and driver's own counters, by name, sorted.
	Stats() []Stat

	// Close stops the device. After it returned the device touches no buffer,
	// and every buffer that its queues held is back in the pool.
	Close() error
}

// Stat is one counter of a driver.
type Stat struct {
	Name  string
	Value uint64
}

// Queue is one receive and one transmit ring. It belongs to one worker.
// All methods are packet context: they do not allocate, lock or wait.
type Queue interface {
	// Provide moves free buffers from the pool to the receive ring until the
	// ring is full or the pool is empty, and tells the device once.
	Provide(p *Pool)

	// Receive moves filled buffers into batch and returns how many. The caller
	// owns them. Frames that the device delivered damaged are counted, and
	// their buffers stay with the queue.
	Receive(batch []*Buffer) int

	// Transmit takes the first n buffers of batch for sending, in order, tells
	// the device once, and returns n. The queue owns those; the caller keeps
	// the rest. n < len(batch) means that the ring is full.
	Transmit(batch []*Buffer) int

	// Reclaim moves buffers that the device has sent back to the pool.
	Reclaim(p *Pool)

	// Arm asks for one wake call when a frame arrives. It returns false, and
	// has asked for nothing, when frames are waiting already.
	Arm() bool

	// Disarm takes back what Arm asked for. A wake call may still come.
	Disarm()
}
