package router

// The slow part of Worker.resolve: what to do when the next hop is not known,
// what becomes of it in time, and of the packets that wait for it.

import (
	"time"

	"barewire/nic"
	"barewire/packet"
)

// resolveSlowly sends to a stale neighbour, or lets the packet wait for one
// that is asked. n may be nil.
func (w *Worker) resolveSlowly(out *workerPort, b *nic.Buffer, n *neighbour, to packet.Addr4, gateway bool) verdict {
	if !out.state.running() {
		return dropEgressDown
	}
	if n == nil {
		n = w.newNeighbour(out, to)
	}
	n.used = w.now
	n.gateway = n.gateway || gateway
	switch n.state {
	case NeighbourStale:
		w.setNeighbour(n, NeighbourDelay, w.now+delayFirstProbe)
		n.updated = w.now
		n.writeHeader(b)
		return w.transmit(out, b)
	case NeighbourNone, NeighbourFailed:
		n.probes = 0
		w.setNeighbour(n, NeighbourIncomplete, w.now+retransmitTime)
		w.hold(n, b)
		w.probe(n)
		return taken
	}
	w.hold(n, b)
	return taken
}

// newNeighbour makes an entry that has not answered, at the cost of the oldest
// such when there are too many.
func (w *Worker) newNeighbour(out *workerPort, to packet.Addr4) *neighbour {
	t := &w.neighbours
	if t.unresolved.n >= t.maxUnresolved {
		w.evict(t.unresolved.oldest)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.insert(uint16(out.link.index), to)
	t.setState(n, NeighbourFailed, w.now+idleTime) // it is asked in a moment
	return n
}

// hold lets a packet wait. When a neighbour has too many, its oldest goes; when
// all together have too many, the neighbour that waits for longest is given up.
func (w *Worker) hold(n *neighbour, b *nic.Buffer) {
	t := &w.neighbours
	if n.waiting.Len() >= t.maxWaitingEach {
		w.drop(t.release(n), dropNeighbourQueue)
	}
	if t.waiting >= t.maxWaiting {
		w.makeRoom(n)
	}
	t.hold(n, b)
}

// makeRoom frees at least one waiting packet's buffer.
func (w *Worker) makeRoom(n *neighbour) {
	t := &w.neighbours
	for oldest := t.unresolved.oldest; oldest != nil; oldest = t.unresolved.oldest {
		if oldest == n {
			if b := t.release(n); b != nil {
				w.drop(b, dropNeighbourQueue)
				return
			}
			t.mu.Lock()
			t.moveTo(n, &t.unresolved) // the youngest: somebody else has them all
			t.mu.Unlock()
			continue
		}
		had := oldest.waiting.Len()
		w.evict(oldest)
		if had > 0 {
			return
		}
	}
}

// evict gives up a neighbour that has not answered, and what waits for it.
func (w *Worker) evict(n *neighbour) {
	w.dropWaiting(n, dropNeighbourEvicted)
	w.removeNeighbour(n)
}

func (w *Worker) dropWaiting(n *neighbour, reason verdict) {
	for b := w.neighbours.release(n); b != nil; b = w.neighbours.release(n) {
		w.drop(b, reason)
	}
}

func (w *Worker) setNeighbour(n *neighbour, s NeighbourState, deadline time.Duration) {
	w.neighbours.mu.Lock()
	w.neighbours.setState(n, s, deadline)
	w.neighbours.mu.Unlock()
}

func (w *Worker) removeNeighbour(n *neighbour) {
	w.neighbours.mu.Lock()
	w.neighbours.remove(n)
	w.neighbours.mu.Unlock()
}

// neighbourTimers looks at the neighbours that are due.
func (w *Worker) neighbourTimers() {
	for {
		at, ok := w.neighbours.next()
		if !ok || at > w.now {
			return
		}
		w.neighbourTimer(w.neighbours.timers[0])
	}
}

// neighbourTimer moves one neighbour on; it leaves it with a later deadline or
// none.
func (w *Worker) neighbourTimer(n *neighbour) {
	switch n.state {
	case NeighbourReachable:
		switch {
		case n.confirmed+n.reachable > w.now:
			w.setNeighbour(n, NeighbourReachable, n.confirmed+n.reachable)
		case n.used+delayFirstProbe > w.now:
			n.updated = w.now
			w.setNeighbour(n, NeighbourDelay, w.now+delayFirstProbe)
		default:
			n.updated = w.now
			w.setNeighbour(n, NeighbourStale, w.now+idleTime)
		}
	case NeighbourDelay:
		n.probes = 0
		w.setNeighbour(n, NeighbourProbe, w.now+retransmitTime)
		w.probe(n)
	case NeighbourProbe, NeighbourIncomplete:
		if n.probes >= probesIn(n.state) {
			w.failNeighbour(n)
			return
		}
		w.setNeighbour(n, n.state, w.now+retransmitTime)
		w.probe(n)
	default: // STALE, FAILED
		w.idleNeighbour(n)
	}
}

func probesIn(s NeighbourState) uint8 {
	if s == NeighbourProbe {
		return unicastProbes
	}
	return multicastProbes
}

// probe asks for a neighbour: directly when its address is known.
func (w *Worker) probe(n *neighbour) {
	n.probes++
	to := broadcastMAC
	if n.state == NeighbourProbe {
		to = n.mac()
	}
	w.sendRequest(w.ports[n.link], to, n.address)
}

// failNeighbour gives up asking. The senders of what waits are told.
func (w *Worker) failNeighbour(n *neighbour) {
	n.updated = w.now
	waiting := n.waiting
	w.neighbours.waiting -= waiting.Len()
	n.waiting = nic.Chain{}
	w.setNeighbour(n, NeighbourFailed, w.now+idleTime)
	for b := waiting.Pop(); b != nil; b = waiting.Pop() {
		ip := packet.IPv4(b.Bytes()[b.Meta.L3:])
		w.sendError(ip, b.Meta.Flags, packet.ICMP4Unreachable, packet.ICMP4HostUnreachable, 0)
		w.drop(b, dropNeighbourFailed)
	}
}

// idleNeighbour lets an entry go that nobody used for long, when there are many.
func (w *Worker) idleNeighbour(n *neighbour) {
	since := max(n.used, n.confirmed, n.updated)
	many := w.neighbours.resolved+w.neighbours.unresolved.n > keptIdle
	switch {
	case since+idleTime > w.now:
		w.setNeighbourDeadline(n, since+idleTime)
	case n.state == NeighbourFailed, many && !n.gateway:
		w.removeNeighbour(n)
	default:
		w.setNeighbourDeadline(n, w.now+idleTime)
	}
}

// setNeighbourDeadline keeps state and place in the list.
func (w *Worker) setNeighbourDeadline(n *neighbour, deadline time.Duration) {
	w.neighbours.timers.set(n, deadline)
}

// learn notes what ARP told about a neighbour, as Linux's neigh_update does.
// state is REACHABLE or STALE. override lets a new Ethernet address replace a
// known one.
func (w *Worker) learn(n *neighbour, mac nic.MAC, state NeighbourState, override bool) {
	if n.state == NeighbourPermanent {
		return
	}
	known, same := n.state.valid(), n.mac() == mac
	if known && !same && !override {
		return
	}
	if state == NeighbourReachable {
		n.confirmed = w.now
	}
	if known && same && state == NeighbourStale {
		return // no news
	}
	if !known && !w.makeResolved(n) {
		return
	}
	if n.state != state || !same {
		n.updated = w.now
	}
	p := w.ports[n.link]
	deadline := w.now + idleTime
	if state == NeighbourReachable {
		n.reachable = minReachableTime + time.Duration(w.random.Int64N(int64(reachableTime)))
		deadline = w.now + n.reachable
	}
	w.neighbours.mu.Lock()
	packet.Ethernet(n.header[:]).Set(mac, p.mac, packet.EtherTypeIPv4)
	w.neighbours.setState(n, state, deadline)
	w.neighbours.mu.Unlock()
	w.sendWaiting(p, n)
}

// makeResolved finds a place for a neighbour that answers now, at the cost of
// one that is stale. Without one, the neighbour is given up.
func (w *Worker) makeResolved(n *neighbour) bool {
	t := &w.neighbours
	if t.resolved < t.maxResolved {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if idle := t.idle(); idle != nil {
		t.remove(idle)
		return true
	}
	if n.waiting.Len() == 0 {
		w.drop(nil, dropNeighbourLimit)
	}
	w.dropWaiting(n, dropNeighbourLimit)
	t.remove(n)
	return false
}

// sendWaiting sends what waited for a neighbour, in order.
func (w *Worker) sendWaiting(p *workerPort, n *neighbour) {
	for b := w.neighbours.release(n); b != nil; b = w.neighbours.release(n) {
		n.writeHeader(b)
		if v := w.transmit(p, b); v != taken {
			w.finish(b, v)
		}
	}
}

// dropNeighbours forgets the neighbours of a link that went down. Permanent
// ones are configuration and stay.
func (w *Worker) dropNeighbours(link uint16) {
	for _, n := range w.neighbours.buckets {
		for n != nil {
			after := n.inBucket
			if n.link == link && n.state != NeighbourPermanent {
				w.dropWaiting(n, dropEgressDown)
				w.removeNeighbour(n)
			}
			n = after
		}
	}
}

// adoptStatic brings the permanent entries up to date.
func (w *Worker) adoptStatic(before, now []Neighbour) {
	for _, s := range before {
		n := w.neighbours.lookup(uint16(s.Link), packet.Addr4From(s.Address))
		if n != nil && n.state == NeighbourPermanent && !containsNeighbour(now, s) {
			w.removeNeighbour(n)
		}
	}
	for _, s := range now {
		if !containsNeighbour(before, s) {
			w.setPermanent(s)
		}
	}
}

func containsNeighbour(list []Neighbour, s Neighbour) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// setPermanent makes or changes an entry. It takes no part in the limits: the
// operator wants it.
func (w *Worker) setPermanent(s Neighbour) {
	t, a := &w.neighbours, packet.Addr4From(s.Address)
	p := w.ports[s.Link]
	t.mu.Lock()
	n := t.lookup(uint16(s.Link), a)
	if n == nil {
		n = t.insert(uint16(s.Link), a)
	}
	packet.Ethernet(n.header[:]).Set(s.MAC, p.mac, packet.EtherTypeIPv4)
	t.setState(n, NeighbourPermanent, 0)
	t.mu.Unlock()
	w.sendWaiting(p, n)
}
