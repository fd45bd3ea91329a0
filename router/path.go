package router

// The life of a packet. The functions of this file stand in the order in which
// a packet meets them; all are packet context.
//
//	Worker.receive    a batch of frames from a queue
//	Worker.demux      Ethernet: is it for us, and what is in it; ARP goes to arp.go
//	Worker.input      what every IPv4 host owes: header, addresses, options
//	Worker.route      the FIB's answer: deliver, forward, or an ICMP error
//	Worker.deliver    for us: to the host. Ends here
//	Worker.forward    TTL and size
//	Worker.send       where our own packets join (output.go); fragments if it must
//	Worker.resolve    the next hop's MAC address; unknown: wait (neighbourtable.go)
//	Worker.transmit   into the batch of the egress port
//	Worker.flush      the batch to the queue, one doorbell
//	Worker.finish     the one exit of what did not leave: done, or dropped for a reason

import (
	"barewire/nic"
	"barewire/packet"
)

// receive takes a batch of frames that came in by p. The worker holds them.
func (w *Worker) receive(p *workerPort, batch []*nic.Buffer) {
	for _, b := range batch {
		p.counters.rxPackets++
		p.counters.rxBytes += uint64(b.Len())
		if v := w.demux(p, b); v != taken {
			w.finish(b, v)
		}
	}
}

// demux finds out whether the frame is for us, and who takes it.
func (w *Worker) demux(p *workerPort, b *nic.Buffer) verdict {
	frame := b.Bytes()
	if !p.state.up {
		return dropLinkDown
	}
	if !packet.ValidEthernet(frame) {
		return dropFrameShort
	}
	if e := packet.Ethernet(frame); e.Destination() != p.mac {
		if !e.Group() {
			return dropOtherHost
		}
		p.counters.rxMulticast++
	}
	if result := packet.Parse(frame, &b.Meta); result != packet.OK {
		return parseReasons[result]
	}
	switch {
	case b.Meta.Flags.Has(packet.FlagTagged):
		p.counters.rxDropped++
		return dropTagged
	case b.Meta.EtherType == packet.EtherTypeIPv4:
		return w.input(p, b)
	case b.Meta.EtherType == packet.EtherTypeARP:
		return w.inputARP(p, b)
	}
	p.counters.rxDropped++
	return dropEtherType
}

// input checks what every IPv4 host owes (RFC 1122 3.2.1, RFC 1812 5.2.2).
// Parse has checked the lengths.
func (w *Worker) input(p *workerPort, b *nic.Buffer) verdict {
	b.Truncate(int(b.Meta.End)) // padding stays behind
	ip := packet.IPv4(b.Bytes()[b.Meta.L3:])
	if !ip.ChecksumOK() {
		return dropChecksum
	}
	source, destination := ip.Source(), ip.Destination()
	if destination.Multicast() {
		return dropMulticast
	}
	if destination == packet.Broadcast4 {
		// The one case in which a host without an address may speak (DHCP).
		if source != 0 && w.martian(source) {
			return dropMartianSource
		}
		return w.deliver(p, b)
	}
	if destination == 0 || destination.Loopback() {
		return dropMartianDestination
	}
	if w.martian(source) {
		return dropMartianSource
	}
	if b.Meta.Flags.Has(packet.FlagOptions) {
		if v := w.options(ip, b.Meta.Flags); v != next {
			return v
		}
	}
	return w.route(p, b, ip, destination)
}

// martian tells whether no packet can come from this address (RFC 1812 5.3.7).
// Differs from Linux: the broadcast addresses of our subnets count; there they
// do only with rp_filter or policy rules.
func (w *Worker) martian(source packet.Addr4) bool {
	return source == 0 || source.Loopback() || source.Multicast() || source == packet.Broadcast4 || w.t.own.has(source)
}

// options refuses source routes and options that do not fit; the sender of the
// latter is told where (RFC 1812 4.2.2.1).
func (w *Worker) options(ip packet.IPv4, flags packet.Flags) verdict {
	o := packet.Options4{Bytes: ip.Options()}
	for o.Next() {
		if o.Type == packet.OptionLooseSourceRoute || o.Type == packet.OptionStrictSourceRoute {
			return dropSourceRoute
		}
	}
	if o.Bad {
		w.sendError(ip, flags, packet.ICMP4ParameterProblem, 0, uint32(packet.IPv4HeaderLen+o.At)<<24)
		return dropOptions
	}
	return next
}

// route asks the FIB. Errors for packets without a route come before those for
// packets without a TTL, as on Linux.
func (w *Worker) route(p *workerPort, b *nic.Buffer, ip packet.IPv4, destination packet.Addr4) verdict {
	hop := w.t.fib.lookup(destination)
	if hop.kind == RouteBroadcast {
		// Differs from Linux: a subnet's broadcast that comes in by another
		// link is not delivered either, as that link's hosts are not meant.
		if int(hop.link) != p.link.index {
			return dropDirectedBroadcast
		}
		return w.deliver(p, b)
	}
	// Differs from Linux: in a frame for all, packets to one of our addresses
	// are refused too (RFC 1122 3.3.6), as the host cannot see the frame.
	if b.Meta.Flags.Has(packet.FlagGroup) {
		return dropGroupFrame
	}
	switch hop.kind {
	case RouteUnicast:
		return w.forward(b, ip, hop)
	case RouteLocal:
		return w.deliver(p, b)
	}
	return w.unroutable(ip, b.Meta.Flags, hop.kind)
}

// unroutable tells the sender, as far as the route's type says so, that its
// packet goes nowhere.
func (w *Worker) unroutable(ip packet.IPv4, flags packet.Flags, kind RouteType) verdict {
	switch kind {
	case RouteBlackhole:
		return dropBlackhole
	case RouteUnreachable:
		w.sendError(ip, flags, packet.ICMP4Unreachable, packet.ICMP4HostUnreachable, 0)
		return dropUnreachable
	case RouteProhibit:
		w.sendError(ip, flags, packet.ICMP4Unreachable, packet.ICMP4AdminProhibited, 0)
		return dropProhibited
	}
	w.sendError(ip, flags, packet.ICMP4Unreachable, packet.ICMP4NetUnreachable, 0)
	return dropNoRoute
}

// deliver gives the packet to the host. Fragments are its business as well.
func (w *Worker) deliver(p *workerPort, b *nic.Buffer) verdict {
	if w.host == nil {
		return dropNoHost
	}
	ip := b.Bytes()[b.Meta.L3:b.Meta.End]
	if w.isEchoToAll(p, ip) {
		return dropEchoBroadcast
	}
	w.host.Receive(p.link.index, ip)
	return done
}

// isEchoToAll tells whether the packet is an echo request to a broadcast
// address: the host would answer it.
func (w *Worker) isEchoToAll(p *workerPort, ip packet.IPv4) bool {
	if ip.Proto() != packet.ProtoICMP || ip.FragmentOffset() != 0 {
		return false
	}
	m := ip.Payload()
	return len(m) > 0 && packet.ICMP4(m).Type() == packet.ICMP4EchoRequest && !p.state.has(ip.Destination()) &&
		w.t.toAll(ip.Destination())
}

// forward does what a router owes a packet that passes (RFC 1812 5.2.1.2).
func (w *Worker) forward(b *nic.Buffer, ip packet.IPv4, hop nextHop) verdict {
	if w.bound(ip.Source()) || w.bound(ip.Destination()) {
		return dropNotForwarded
	}
	if ip.TTL() <= 1 {
		w.sendError(ip, b.Meta.Flags, packet.ICMP4TimeExceeded, 0, 0)
		return dropTTL
	}
	out := w.ports[hop.link]
	if len(ip) > out.state.mtu && ip.DontFragment() {
		w.sendError(ip, b.Meta.Flags, packet.ICMP4Unreachable, packet.ICMP4FragmentationNeeded, uint32(out.state.mtu))
		return dropTooBig
	}
	ip.DecrementTTL()
	return w.send(out, b, ip, hop)
}

// bound tells whether an address has no meaning beyond its link.
// Differs from Linux: it forwards 169.254.0.0/16 and 0.0.0.0/8; RFC 3927
// section 7 and RFC 6890 say that a router must not.
func (w *Worker) bound(a packet.Addr4) bool {
	return a.ThisNetwork() || a.LinkLocal() && !w.r.forwardLinkLocal
}

// send puts a packet that has its final header on its way through out. What
// does not fit and may be fragmented is.
func (w *Worker) send(out *workerPort, b *nic.Buffer, ip packet.IPv4, hop nextHop) verdict {
	if len(ip) > out.state.mtu {
		return w.fragment(out, ip, b.Meta.Flags, hop)
	}
	if hop.kind == RouteBroadcast {
		return w.sendToAll(out, b, ip.Destination())
	}
	to := hop.gateway
	if to == 0 {
		to = ip.Destination()
	}
	return w.resolve(out, b, to, hop.gateway != 0)
}

// resolve finds the Ethernet address of the next hop.
func (w *Worker) resolve(out *workerPort, b *nic.Buffer, to packet.Addr4, gateway bool) verdict {
	n := w.neighbours.lookup(uint16(out.link.index), to)
	if n == nil || !n.state.settled() {
		return w.resolveSlowly(out, b, n, to, gateway)
	}
	n.used = w.now
	n.writeHeader(b)
	return w.transmit(out, b)
}

// transmit puts a whole frame into the port's batch.
func (w *Worker) transmit(out *workerPort, b *nic.Buffer) verdict {
	if !out.state.running() {
		return dropEgressDown
	}
	if out.ntx == len(out.tx) {
		w.flush(out)
	}
	out.tx[out.ntx] = b
	out.ntx++
	out.counters.txBytes += uint64(b.Len())
	return taken
}

// flush gives the port's batch to its queue. When the ring stays full after
// the sent buffers were taken out, the rest is lost.
func (w *Worker) flush(p *workerPort) {
	batch := p.tx[:p.ntx]
	p.ntx = 0
	if !w.firstForward {
		for _, b := range batch {
			w.firstForward = w.firstForward || !b.Meta.Flags.Has(packet.FlagLocal)
		}
	}
	q := p.queues[0]
	n := q.Transmit(batch)
	if n < len(batch) {
		q.Reclaim(w.pool)
		n += q.Transmit(batch[n:])
	}
	p.counters.txPackets += uint64(n)
	for _, b := range batch[n:] {
		p.counters.txBytes -= uint64(b.Len())
		p.counters.txDropped++
		w.drop(b, dropRingFull)
	}
}

// finish ends the way of a buffer that the worker still holds.
func (w *Worker) finish(b *nic.Buffer, v verdict) {
	switch {
	case v >= firstReason:
		w.drop(b, v)
	case v == done:
		w.pool.Put(b)
	case v == next:
		panic("router: a packet was left in the middle of its way")
	}
}

// drop is the only exit for losses. b may be nil when the packet never had a
// buffer.
func (w *Worker) drop(b *nic.Buffer, reason verdict) {
	w.drops[reason]++
	w.anyDrops = true
	if b != nil {
		w.pool.Put(b)
	}
}
