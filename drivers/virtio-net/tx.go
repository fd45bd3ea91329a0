package virtionet

import (
	"encoding/binary"

	"barewire/nic"
)

// leastFrame is an Ethernet header: a device may refuse less.
const leastFrame = 14

// Transmit takes frames for sending. Packet context.
func (q *queue) Transmit(batch []*nic.Buffer) int {
	p, r := q.port, q.tx
	if p.state.Load() != stateRunning {
		return 0
	}
	n, sent, bytes := 0, 0, 0
	for ; n < len(batch) && r.nfree > 0; n++ {
		b := batch[n]
		at := b.Offset() - headerBytes
		if at < 0 || b.Len() < leastFrame {
			// Not the ring's fault: taken, counted, and back to the pool by Reclaim.
			p.stats.txRefused.Add(1)
			q.refused.Push(b)
			continue
		}
		// No offload: the header is zero (section 5.1.6.2), num_buffers too.
		header := b.Mem()[at : at+headerBytes]
		binary.LittleEndian.PutUint64(header, 0)
		binary.LittleEndian.PutUint32(header[8:], 0)
		r.add(b, b.Addr()+uint64(at), uint32(headerBytes+b.Len()), 0)
		sent++
		bytes += b.Len()
	}
	if r.publish() {
		p.t.notify(queueTransmit)
	}
	if sent > 0 {
		p.stats.txPackets.Add(uint64(sent))
		p.stats.txBytes.Add(uint64(bytes))
	}
	if n < len(batch) {
		p.stats.txFull.Add(1)
	}
	return n
}

// Reclaim returns sent frames to the pool. Nobody waits for them: sending
// interrupts only when Arm found the pool empty. Packet context.
func (q *queue) Reclaim(pool *nic.Pool) {
	for b := q.refused.Pop(); b != nil; b = q.refused.Pop() {
		pool.Put(b)
	}
	p, r := q.port, q.tx
	switch p.state.Load() {
	case stateRunning:
	case stateQuiet:
		q.settle(pool)
		return
	default:
		return
	}
	if r.outstanding() == 0 {
		return
	}
	waiting, ok := r.waiting()
	if !ok {
		p.fail(faultUsedIndex)
		return
	}
	for ; waiting > 0; waiting-- {
		id, b, _, ok := r.peek() // the length means nothing: nothing was written
		if !ok {
			p.fail(faultUsedID)
			return
		}
		r.take(id)
		pool.Put(b)
	}
	r.keepFar()
}
