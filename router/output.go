package router

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"

	"barewire/nic"
	"barewire/packet"
)

// outputQueue holds the packets that the host gave to Output until the worker
// takes them, all at once.
type outputQueue struct {
	mu    sync.Mutex // protects batch; held for a copy of one packet or a swap
	batch outputBatch
	limit int          // bytes
	count atomic.Int64 // packets in batch; for a look without the lock
}

// outputBatch is packets one behind the other, in memory that is used again.
type outputBatch struct {
	bytes []byte
	ends  []int // where each packet ends in bytes
}

// pending tells whether there is something to take.
func (q *outputQueue) pending() bool { return q.count.Load() > 0 }

// put copies a packet into the queue; false when it is full.
func (q *outputQueue) put(p []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.batch.bytes)+len(p) > q.limit {
		return false
	}
	q.batch.bytes = append(q.batch.bytes, p...)
	q.batch.ends = append(q.batch.ends, len(q.batch.bytes))
	q.count.Store(int64(len(q.batch.ends)))
	return true
}

// take exchanges what is in the queue for an empty batch.
func (q *outputQueue) take(empty outputBatch) outputBatch {
	q.mu.Lock()
	defer q.mu.Unlock()
	full := q.batch
	q.batch = outputBatch{empty.bytes[:0], empty.ends[:0]}
	q.count.Store(0)
	return full
}

// Output sends an IPv4 packet of the host, as it is, to where its destination
// says. The packet is copied; the worker sends it. Any goroutine may call it,
// the worker in Host.Receive too. Errors are those of a socket on Linux: EINVAL
// for what is no packet, those of Lookup, ENOBUFS (counted as OutputFull) when
// the worker does not keep up.
func (r *Router) Output(p []byte) error {
	if !packet.ValidIPv4(p) || packet.IPv4(p).TotalLen() != len(p) {
		return fmt.Errorf("output: not a whole IPv4 packet: %w", syscall.EINVAL)
	}
	destination := packet.IPv4(p).Destination()
	if err := r.tables.Load().lookupOutput(destination).kind.socketError(); err != nil {
		return fmt.Errorf("output to %v: %w", destination, err)
	}
	if !r.output.put(p) {
		r.drops[dropOutputFull].Add(1)
		return fmt.Errorf("output to %v: %w", destination, syscall.ENOBUFS)
	}
	r.wake()
	return nil
}

// lookupOutput is the hop of a packet of our own. Packets to all and to groups
// leave by the link of the route that matches, as on Linux.
func (t *tables) lookupOutput(destination packet.Addr4) nextHop {
	hop := t.fib.lookup(destination)
	if hop.kind == RouteUnicast && (destination == packet.Broadcast4 || destination.Multicast()) {
		hop.kind, hop.gateway = RouteBroadcast, 0
	}
	return hop
}

// toAll tells whether a is a broadcast or multicast address.
func (t *tables) toAll(a packet.Addr4) bool {
	return a == packet.Broadcast4 || a.Multicast() || t.fib.lookup(a).kind == RouteBroadcast
}

// takeOutput works off what the host sent. The host may send more meanwhile,
// when a packet comes back to it; that is for the next round.
func (w *Worker) takeOutput() {
	w.sending = w.r.output.take(w.sending)
	begin := 0
	for _, end := range w.sending.ends {
		w.output(w.sending.bytes[begin:end])
		begin = end
	}
}

// output sends one packet of the host. It is copied into a buffer when it goes
// to a port.
func (w *Worker) output(ip packet.IPv4) {
	hop := w.t.lookupOutput(ip.Destination())
	switch {
	case hop.kind == RouteLocal:
		w.loop(ip)
	case hop.kind != RouteUnicast && hop.kind != RouteBroadcast:
		w.drop(nil, w.unroutable(ip, packet.FlagLocal, hop.kind))
	case ip.Source().Loopback():
		w.drop(nil, dropMartianSource)
	case hop.link == LoopbackLink:
		w.drop(nil, dropMartianDestination) // the loopback link's broadcast
	case len(ip) > w.ports[hop.link].state.mtu:
		w.outputLarge(ip, hop)
	default:
		b := w.pool.Get()
		if b == nil {
			w.drop(nil, dropNoBuffer)
			return
		}
		copy(w.newPacket(b, len(ip)), ip)
		if v := w.send(w.ports[hop.link], b, b.Bytes()[b.Meta.L3:], hop); v != taken {
			w.finish(b, v)
		}
	}
}

// outputLarge sends a packet that does not fit, in pieces when it may.
func (w *Worker) outputLarge(ip packet.IPv4, hop nextHop) {
	out := w.ports[hop.link]
	if ip.DontFragment() {
		w.sendError(ip, packet.FlagLocal, packet.ICMP4Unreachable, packet.ICMP4FragmentationNeeded, uint32(out.state.mtu))
		w.drop(nil, dropTooBig)
		return
	}
	if v := w.fragment(out, ip, packet.FlagLocal, hop); v != done {
		w.drop(nil, v)
	}
}

// loop brings a packet of our own back to the host, as if by the loopback link.
func (w *Worker) loop(ip packet.IPv4) {
	if w.host == nil {
		w.drop(nil, dropNoHost)
		return
	}
	l := w.t.links[LoopbackLink].link
	l.counters.txPackets.Add(1)
	l.counters.txBytes.Add(uint64(len(ip)))
	l.counters.rxPackets.Add(1)
	l.counters.rxBytes.Add(uint64(len(ip)))
	w.host.Receive(LoopbackLink, ip)
}

// newPacket makes b a frame of our own with an IPv4 packet of n bytes, and
// returns the packet's bytes. The frame's header is written by resolve.
func (w *Worker) newPacket(b *nic.Buffer, n int) packet.IPv4 {
	b.SetFrame(nic.Headroom, packet.EthernetHeaderLen+n)
	b.Meta = packet.Meta{
		L3: packet.EthernetHeaderLen, End: uint16(b.Len()),
		EtherType: packet.EtherTypeIPv4, Flags: packet.FlagLocal,
	}
	return packet.IPv4(b.Bytes()[packet.EthernetHeaderLen:])
}

// sendToAll sends a packet to a broadcast or multicast address (RFC 1112 6.4).
func (w *Worker) sendToAll(out *workerPort, b *nic.Buffer, destination packet.Addr4) verdict {
	mac := broadcastMAC
	if destination.Multicast() {
		mac = nic.MAC{0x01, 0x00, 0x5e, byte(destination>>16) & 0x7f, byte(destination >> 8), byte(destination)}
	}
	packet.Ethernet(b.Bytes()).Set(mac, out.mac, packet.EtherTypeIPv4)
	return w.transmit(out, b)
}
