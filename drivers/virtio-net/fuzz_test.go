package virtionet

import (
	"encoding/binary"
	"testing"

	"barewire/nic"
)

// FuzzDevice lets the device do what the input says to both rings, in the order
// that it says, while a worker uses the port as usual. Whatever the device does,
// nothing panics, no frame leaves its slot, and no buffer is lost.
func FuzzDevice(f *testing.F) {
	for _, seed := range [][]byte{
		{},
		{0, 60, 1, 0, 2, 0, 60, 9, 3, 0},   // frames in and out
		{4, 0, 0, 200, 4, 0, 1, 200, 8, 0}, // elements and an index
		{5, 3, 4, 0, 0, 100, 4, 1, 0, 100, 5, 255}, // merges
		{6, 1, 6, 255, 7, 1, 9, 0, 10, 0, 0, 60},   // index jumps, reset wanted
		{11, 200, 0, 60, 1, 1, 12, 3, 13, 77},      // doorbell wishes, scribbles
	} {
		f.Add(uint8(0), seed)
		f.Add(uint8(3), seed)
	}
	f.Fuzz(func(t *testing.T, features uint8, script []byte) {
		r := newRig(t, func(f *fake, s *setup) {
			if features&1 != 0 {
				f.offered &^= featureEventIdx
			}
			if features&2 != 0 {
				f.offered &^= featureMergeRx
			}
			s.config.QueueSize = 8
			s.buffers = 24
		})
		batch := make([]*nic.Buffer, 4)
		for len(script) > 1 {
			op, arg := script[0], script[1]
			script = script[2:]
			r.misbehave(op, arg, &script)
			r.q.Arm()
			n := r.q.Receive(batch)
			for _, b := range batch[:n] {
				if b.Len() == 0 || b.Offset() != nic.Headroom || b.Offset()+b.Len() > len(b.Mem()) {
					t.Fatalf("a frame of %d bytes at %d", b.Len(), b.Offset())
				}
			}
			sent := r.q.Transmit(batch[:n])
			for _, b := range batch[sent:n] {
				r.pool.Put(b)
			}
			r.q.Reclaim(r.pool)
			r.q.Provide(r.pool)
			if s := r.port.state.Load(); s == stateBroken || s == stateQuiet || s == stateClean {
				for s = r.port.state.Load(); s != stateRunning && s != stateDead; s = r.port.state.Load() {
					<-r.woken
					r.q.Reclaim(r.pool)
				}
				r.q.Provide(r.pool)
			}
		}
	})
}

// misbehave is one act of the device.
func (r *rig) misbehave(op, arg byte, script *[]byte) {
	more := func() uint32 {
		if len(*script) == 0 {
			return 0
		}
		b := (*script)[0]
		*script = (*script)[1:]
		if b >= 128 {
			return -uint32(256 - int(b)) // the largest values and their neighbours
		}
		return uint32(b) * 20
	}
	rx, tx := &r.f.q[queueReceive], &r.f.q[queueTransmit]
	if rx.ready == 0 || tx.ready == 0 {
		return
	}
	q := rx
	if arg&1 != 0 {
		q = tx
	}
	have := func(q *fakeQueue) bool { n := r.f.available(q); return n > 0 && n <= uint16(q.num) }
	switch op % 12 {
	case 0: // a good frame
		if have(rx) {
			r.f.deliver(frame(1+int(arg)*9, int(op)), 0)
		}
	case 1: // sends what is there
		for have(tx) {
			id, _ := r.f.pop(tx, false)
			r.f.element(tx, 0, uint32(id), 0)
			r.f.show(tx, 1)
		}
	case 2: // a frame in small pieces
		if have(rx) {
			r.f.deliver(frame(1+int(arg)*9, int(op)), headerBytes+int(arg))
		}
	case 3: // one buffer with any length and header
		if have(rx) {
			id, buf := r.f.pop(rx, true)
			buf[headerFlags] = byte(more())
			binary.LittleEndian.PutUint16(buf[headerNumBuffers:], uint16(arg))
			r.f.element(rx, 0, uint32(id), more())
			r.f.show(rx, 1)
		}
	case 4: // any element
		r.f.element(q, 0, more(), more())
		r.f.show(q, 1)
	case 5: // any id of the ring
		r.f.element(q, 0, uint32(arg>>1)%q.num, more())
		r.f.show(q, 1)
	case 6: // the index jumps
		r.f.show(q, uint16(arg))
	case 7:
		r.f.show(q, uint16(more()))
	case 8: // needs a reset
		r.f.mu.Lock()
		if arg&4 != 0 {
			r.f.status |= statusNeedsReset
		}
		r.f.config[configStatusOffset] = arg & 1
		r.f.mu.Unlock()
		r.f.interrupt(interruptConfig)
		for arg&4 != 0 && r.port.state.Load() == stateRunning {
			<-r.woken // until watch has seen it: the reset comes by itself
		}
	case 9:
		r.f.quiet(q)
	case 10:
		r.f.listen(q)
	case 11: // scribbles over its own area (the driver reads no other)
		n := 8 + 8*int(q.num)
		mem := r.f.mem.at(q.device, n)
		mem[int(more()%uint32(n))] = arg
	}
}
