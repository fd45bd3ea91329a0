package stack

import (
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"barewire/router"
)

// Bounds of the queue from the router to the host: room for the burst that a
// full TCP window can be, in memory that grows only when it is needed.
const (
	inboundPackets = 512
	inboundBytes   = 2048 // a slot's first size: an Ethernet packet
)

// line is the point-to-point line between the router and gVisor: the router's
// Host above, gVisor's link endpoint below.
//
// Inbound packets are copied into a bounded queue of reused slots, which the
// deliver goroutine empties, so that no work of the host's holds the worker
// up. Outbound packets go straight into the router's own queue.
type line struct {
	n *Namespace

	mtu        atomic.Uint32
	dispatcher atomic.Pointer[stack.NetworkDispatcher]

	full chan *inbound // filled slots, in order
	free chan *inbound // empty slots
	made int           // slots there are; touched by the worker alone

	overflow atomic.Uint64 // packets for which no slot was free
	refused  atomic.Uint64 // packets that the router's output queue did not take

	done    chan struct{}
	stopped sync.WaitGroup
}

// inbound is a packet on its way to the host.
type inbound struct {
	bytes []byte
}

func newLine(n *Namespace) *line {
	l := &line{
		n:    n,
		full: make(chan *inbound, inboundPackets),
		free: make(chan *inbound, inboundPackets),
		done: make(chan struct{}),
	}
	l.mtu.Store(defaultMTUBytes)
	return l
}

func (l *line) start() {
	l.stopped.Add(1)
	go l.deliver()
}

func (l *line) stop() {
	close(l.done)
	l.stopped.Wait()
}

// Receive queues a packet of the router's for the host. It implements
// router.Host. Packet context.
func (l *line) Receive(link int, packet []byte) {
	var slot *inbound
	select {
	case slot = <-l.free:
	default:
		if l.made == inboundPackets {
			l.overflow.Add(1)
			return
		}
		// Not a cost of the path: each slot is made once.
		l.made++
		slot = &inbound{bytes: make([]byte, 0, inboundBytes)}
	}
	slot.bytes = append(slot.bytes[:0], packet...)
	l.full <- slot // has room for all slots there are
}

// deliver hands queued packets to the host side, one after the other.
func (l *line) deliver() {
	defer l.stopped.Done()
	for {
		select {
		case <-l.done:
			return
		case slot := <-l.full:
			l.host(slot.bytes)
			if cap(slot.bytes) > 4*inboundBytes {
				slot.bytes = make([]byte, 0, inboundBytes) // a jumbo: do not keep its memory
			}
			l.free <- slot
		}
	}
}

// host gives one packet to whom it concerns: a ping whose request an ICMP
// error speaks of, else gVisor.
func (l *line) host(packet []byte) {
	if l.n.echo.failed(packet) {
		return
	}
	d := l.dispatcher.Load()
	if d == nil {
		return
	}
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
	(*d).DeliverNetworkPacket(ipv4.ProtocolNumber, p)
	p.DecRef()
}

// drops are the counters of packets lost between router and host.
func (l *line) drops() []router.DropCount {
	return []router.DropCount{
		{Name: "HostQueueFull", Sentence: "more packets for the router itself than it could take in", Authority: "IpInDiscards", Count: l.overflow.Load()},
		{Name: "HostOutputRefused", Sentence: "more packets from the router itself than it could send", Authority: "IpOutDiscards", Count: l.refused.Load()},
	}
}

// WritePackets sends what gVisor made. It implements stack.LinkWriter.
func (l *line) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	for _, p := range packets.AsSlice() {
		v := p.ToView()
		err := l.n.router.Output(v.AsSlice())
		v.Release()
		if err != nil {
			// As a full device queue on Linux: lost, and TCP will notice.
			l.refused.Add(1)
		}
	}
	return packets.Len(), nil
}

// The rest of stack.LinkEndpoint: a line without addresses, headers or offloads.

// MTU is the size of the largest packet in bytes.
func (l *line) MTU() uint32 { return l.mtu.Load() }

// SetMTU sets it.
func (l *line) SetMTU(mtu uint32) { l.mtu.Store(mtu) }

// MaxHeaderLength is 0: the router has its own headroom.
func (l *line) MaxHeaderLength() uint16 { return 0 }

// LinkAddress is empty.
func (l *line) LinkAddress() tcpip.LinkAddress { return "" }

// SetLinkAddress is never called for a line without one.
func (l *line) SetLinkAddress(tcpip.LinkAddress) {}

// Capabilities are none: in particular no address resolution.
func (l *line) Capabilities() stack.LinkEndpointCapabilities { return stack.CapabilityNone }

// Attach is told where inbound packets go; nil when the line is taken down.
func (l *line) Attach(d stack.NetworkDispatcher) {
	if d == nil {
		l.dispatcher.Store(nil)
		return
	}
	l.dispatcher.Store(&d)
}

// IsAttached tells whether inbound packets go anywhere.
func (l *line) IsAttached() bool { return l.dispatcher.Load() != nil }

// Wait has nothing to wait for: Namespace.Close stops the goroutine.
func (l *line) Wait() {}

// ARPHardwareType is none.
func (l *line) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }

// AddHeader has none to add.
func (l *line) AddHeader(*stack.PacketBuffer) {}

// ParseHeader has none to parse.
func (l *line) ParseHeader(*stack.PacketBuffer) bool { return true }

// Close has nothing of its own to close.
func (l *line) Close() {}

// SetOnCloseAction is for devices that must be destroyed.
func (l *line) SetOnCloseAction(func()) {}
