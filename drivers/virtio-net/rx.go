package virtionet

import (
	"encoding/binary"

	"barewire/nic"
)

// The header that the device writes before a frame (section 5.1.6).
const (
	headerFlags      = 0
	headerGSOType    = 1
	headerNumBuffers = 10

	headerNeedsChecksum = 1 // in flags
)

// queue is a receive and a transmit ring. All of it belongs to the worker.
type queue struct {
	port   *Port
	rx, tx *ring

	spare   nic.Chain // taken from rx, to be given to the device again
	refused nic.Chain // frames that could not be sent, on their way to the pool

	need    int // used buffers that make the next frame whole: 1, or more while pieces are missing
	armed   bool
	armedTx bool
}

// Provide fills the receive ring. Packet context.
func (q *queue) Provide(pool *nic.Pool) {
	switch q.port.state.Load() {
	case stateRunning, stateOpened:
	case stateQuiet:
		q.settle(pool)
		return
	default:
		return
	}
	r := q.rx
	for r.nfree > 0 {
		b := q.spare.Pop()
		if b == nil {
			if b = pool.Get(); b == nil {
				break
			}
		}
		r.add(b, b.Addr()+rxOffset, uint32(capacity(b)), descriptorWrite)
	}
	if r.publish() && q.port.state.Load() == stateRunning {
		q.port.t.notify(queueReceive)
	}
}

// Receive takes filled buffers. Packet context.
func (q *queue) Receive(batch []*nic.Buffer) int {
	p, r := q.port, q.rx
	if p.state.Load() != stateRunning {
		return 0
	}
	if q.armed {
		q.Disarm()
	}
	waiting, ok := r.waiting()
	if !ok {
		p.fail(faultUsedIndex)
		return 0
	}
	merge := p.facts.features&featureMergeRx != 0
	q.need = 1
	n, bytes := 0, 0
	for n < len(batch) && waiting > 0 {
		id, b, length, ok := r.peek()
		if !ok {
			p.fail(faultUsedID)
			break
		}
		if length > uint32(capacity(b)) {
			p.fail(faultLength)
			break
		}
		header := b.Mem()[rxOffset:nic.Headroom]
		pieces := 1
		if merge && length >= headerBytes {
			pieces = int(binary.LittleEndian.Uint16(header[headerNumBuffers:])) // read once
		}
		if pieces > 1 {
			if pieces > r.outstanding() {
				p.fail(faultPieces)
				break
			}
			if pieces > waiting {
				// The device should show them all at once (section 5.1.6.4),
				// but nothing is lost by waiting for the rest.
				q.need = pieces
				break
			}
		}
		r.take(id)
		waiting -= max(pieces, 1)
		whole := length > headerBytes && pieces > 0
		switch {
		case !whole:
			p.stats.rxLength.Add(1)
		case header[headerFlags]&headerNeedsChecksum != 0 || header[headerGSOType] != 0:
			// An offload that was not agreed upon: the frame is not complete.
			p.stats.rxOffload.Add(1)
			whole = false
		default:
			b.SetFrame(nic.Headroom, int(length)-headerBytes)
		}
		if pieces > 1 && !q.join(b, pieces, &whole) {
			q.spare.Push(b)
			break
		}
		if !whole {
			q.spare.Push(b)
			continue
		}
		batch[n] = b
		n++
		bytes += b.Len()
	}
	r.keepFar()
	if n > 0 {
		p.stats.rxPackets.Add(uint64(n))
		p.stats.rxBytes.Add(uint64(bytes))
	}
	return n
}

// join takes the other pieces of a merged frame, which are all waiting, from the
// ring, and appends them to the first as long as *whole. It clears *whole when
// they do not fit, and returns false when the ring is broken. Packet context.
func (q *queue) join(first *nic.Buffer, pieces int, whole *bool) bool {
	p, r := q.port, q.rx
	for range pieces - 1 {
		id, b, length, ok := r.peek()
		if !ok {
			p.fail(faultUsedID)
			return false
		}
		if length > uint32(capacity(b)) {
			p.fail(faultLength)
			return false
		}
		r.take(id)
		if *whole {
			end := first.Offset() + first.Len()
			if int(length) > len(first.Mem())-end {
				p.stats.rxTooBig.Add(1)
				*whole = false
			} else {
				copy(first.Mem()[end:], b.Mem()[rxOffset:rxOffset+int(length)])
				first.SetFrame(first.Offset(), first.Len()+int(length))
			}
		}
		q.spare.Push(b)
	}
	if *whole {
		p.stats.rxMerged.Add(1)
	}
	return true
}

// Arm asks for a wake call when a frame arrives. Packet context.
func (q *queue) Arm() bool {
	switch q.port.state.Load() {
	case stateRunning, stateOpened:
	case stateQuiet:
		return false // Provide is wanted
	default:
		return true // mend wakes
	}
	q.armed = true
	q.rx.arm(max(q.need, 1))
	if n, ok := q.rx.waiting(); !ok || n >= max(q.need, 1) {
		q.Disarm()
		return false
	}
	// With an empty pool no frame may arrive at all until one that was sent
	// comes back: on this port or on another that the pool feeds.
	if q.port.pool.Free() == 0 && q.tx.outstanding() > 0 {
		q.armedTx = true
		q.tx.arm(1)
		if n, ok := q.tx.waiting(); !ok || n > 0 {
			q.Disarm()
			return false
		}
	}
	return true
}

// Disarm takes Arm back. Packet context.
func (q *queue) Disarm() {
	if q.armed {
		q.armed = false
		q.rx.disarm()
	}
	if q.armedTx {
		q.armedTx = false
		q.tx.disarm()
	}
}

// settle is the worker's step of a repair. Packet context.
func (q *queue) settle(pool *nic.Pool) {
	q.gather(pool)
	q.port.state.Store(stateClean)
	q.port.callMend()
}

// gather puts every buffer into the pool. The device must be reset.
func (q *queue) gather(pool *nic.Pool) {
	q.rx.empty(&q.spare)
	q.tx.empty(&q.spare)
	for b := q.spare.Pop(); b != nil; b = q.spare.Pop() {
		pool.Put(b)
	}
	for b := q.refused.Pop(); b != nil; b = q.refused.Pop() {
		pool.Put(b)
	}
	q.need, q.armed, q.armedTx = 1, false, false
}
