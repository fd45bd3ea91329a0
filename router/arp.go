package router

import (
	"barewire/nic"
	"barewire/packet"
)

var broadcastMAC = nic.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// inputARP answers requests for the addresses of the link and learns from what
// is heard (RFC 826, with Linux's rules on what to believe). Packet context.
func (w *Worker) inputARP(p *workerPort, b *nic.Buffer) verdict {
	if !packet.ValidARP(b.Bytes()[b.Meta.L3:]) {
		return dropARPMalformed
	}
	a := packet.ARP(b.Bytes()[b.Meta.L3:])
	if op := a.Operation(); op != packet.ARPRequest && op != packet.ARPReply {
		return dropARPOperation
	}
	mac, sender := nic.MAC(a.SenderMAC()), a.SenderAddress()
	if packet.IsGroup(mac) || mac == (nic.MAC{}) || mac == p.mac ||
		sender.Multicast() || sender.Loopback() || sender == packet.Broadcast4 {
		return dropARPSender
	}
	if w.t.own.has(sender) {
		return dropARPConflict
	}
	if a.Operation() == packet.ARPRequest {
		return w.inputRequest(p, a, mac, sender)
	}
	return w.inputReply(p, b, mac, sender)
}

// inputRequest answers a request for an address of this link.
// Differs from Linux: arp_ignore is 1, so that the addresses of other links are
// not told.
func (w *Worker) inputRequest(p *workerPort, a packet.ARP, mac nic.MAC, sender packet.Addr4) verdict {
	n := w.neighbours.lookup(uint16(p.link.index), sender)
	if !p.state.has(a.TargetAddress()) {
		if n == nil {
			return dropARPNotOurs
		}
		w.learn(n, mac, NeighbourStale, w.now > n.updated+lockTime)
		return done
	}
	// Who asks for us will hear from us soon. A sender of 0.0.0.0 checks
	// whether the address is free (RFC 5227), one outside the link's subnets
	// cannot be a next hop: both get their answer, and nothing is learned.
	if n == nil && sender != 0 && w.onLink(p, sender) {
		n = w.newNeighbour(p, sender)
	}
	if n != nil {
		w.learn(n, mac, NeighbourStale, true)
	}
	w.sendARP(p, mac, packet.ARPReply, a.TargetAddress(), mac, sender)
	return done
}

// inputReply learns from an answer. One that was not asked for is no news of a
// neighbour that nobody needs (arp_accept 0).
func (w *Worker) inputReply(p *workerPort, b *nic.Buffer, mac nic.MAC, sender packet.Addr4) verdict {
	n := w.neighbours.lookup(uint16(p.link.index), sender)
	if n == nil {
		return dropARPUnsolicited
	}
	state := NeighbourReachable
	if b.Meta.Flags.Has(packet.FlagGroup) {
		state = NeighbourStale // it was not an answer to us
	}
	// Of several answers to one request the first counts, so that a proxy that
	// answers late does not win.
	override := n.state == NeighbourIncomplete || w.now > n.updated+lockTime
	w.learn(n, mac, state, override)
	return done
}

// onLink tells whether a is reached through p without a gateway.
func (w *Worker) onLink(p *workerPort, a packet.Addr4) bool {
	hop := w.t.fib.lookup(a)
	return hop.kind == RouteUnicast && hop.gateway == 0 && int(hop.link) == p.link.index
}

// sendRequest asks for an address. The sender's address is the best one of the
// link, whatever the packet that waits has for a source (arp_announce 2).
func (w *Worker) sendRequest(p *workerPort, to nic.MAC, target packet.Addr4) {
	source := w.t.sourceFor(nextHop{link: uint16(p.link.index), kind: RouteUnicast}, target)
	w.sendARP(p, to, packet.ARPRequest, source, nic.MAC{}, target)
}

// announce tells everybody on the link the addresses that it did not have, or
// could not tell, before (a gratuitous request, RFC 5227 3).
// Differs from Linux: there arp_notify asks for this.
func (w *Worker) announce(p *workerPort, was *linkState) {
	for i := range p.state.addresses {
		if a := p.state.addresses[i].address; !was.running() || !was.has(a) {
			w.sendARP(p, broadcastMAC, packet.ARPRequest, a, nic.MAC{}, a)
		}
	}
}

// sendARP sends an ARP packet to an Ethernet address.
func (w *Worker) sendARP(p *workerPort, to nic.MAC, operation uint16, source packet.Addr4, targetMAC nic.MAC, target packet.Addr4) {
	b := w.pool.Get()
	if b == nil {
		w.drop(nil, dropNoBuffer)
		return
	}
	b.SetFrame(nic.Headroom, packet.EthernetHeaderLen+packet.ARPLen)
	b.Meta = packet.Meta{
		L3: packet.EthernetHeaderLen, End: uint16(b.Len()),
		EtherType: packet.EtherTypeARP, Flags: packet.FlagLocal,
	}
	packet.Ethernet(b.Bytes()).Set(to, p.mac, packet.EtherTypeARP)
	packet.ARP(b.Bytes()[packet.EthernetHeaderLen:]).Set(operation, p.mac, source, targetMAC, target)
	if v := w.transmit(p, b); v != taken {
		w.finish(b, v)
	}
}
