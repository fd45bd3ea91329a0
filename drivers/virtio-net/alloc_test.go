package virtionet

import (
	"encoding/binary"
	"testing"

	"barewire/nic"
)

// quick is the least device that keeps the rings turning: what it costs is not
// the driver's.
type quick struct {
	r                *rig
	rxUsed, txUsed   []byte
	rxAvail, txAvail []byte
	rxDesc           []byte
	size             uint16
	rxNext, txNext   uint16
}

func newQuick(r *rig) *quick {
	part := func(addr uint64, n int) []byte { return r.f.mem.at(addr, n) }
	rx, tx := &r.f.q[0], &r.f.q[1]
	n := int(rx.num)
	return &quick{r: r, size: uint16(n),
		rxUsed: part(rx.device, 4+8*n), txUsed: part(tx.device, 4+8*n),
		rxAvail: part(rx.driver, 4+2*n), txAvail: part(tx.driver, 4+2*n),
		rxDesc: part(rx.desc, 16*n)}
}

// turn fills n receive buffers with frames of length bytes, and sends all.
func (d *quick) turn(n int, length uint32) {
	le := binary.LittleEndian
	for range n {
		slot := int(d.rxNext % d.size)
		id := le.Uint16(d.rxAvail[4+2*slot:])
		le.PutUint32(d.rxUsed[4+8*slot:], uint32(id))
		le.PutUint32(d.rxUsed[8+8*slot:], headerBytes+length)
		d.rxNext++
	}
	le.PutUint16(d.rxUsed[2:], d.rxNext)
	for end := le.Uint16(d.txAvail[2:]); d.txNext != end; d.txNext++ {
		slot := int(d.txNext % d.size)
		le.PutUint32(d.txUsed[4+8*slot:], uint32(le.Uint16(d.txAvail[4+2*slot:])))
	}
	le.PutUint16(d.txUsed[2:], d.txNext)
}

// stamp writes the header that quick leaves alone: one buffer, whole.
func (r *rig) stamp() {
	var all []*nic.Buffer
	for b := r.pool.Get(); b != nil; b = r.pool.Get() {
		clear(b.Mem()[rxOffset:nic.Headroom])
		b.Mem()[rxOffset+headerNumBuffers] = 1
		all = append(all, b)
	}
	for _, b := range all {
		r.pool.Put(b)
	}
}

// forward is what a worker does for one batch.
func forward(q nic.Queue, pool *nic.Pool, batch []*nic.Buffer) int {
	q.Reclaim(pool)
	n := q.Receive(batch)
	q.Provide(pool)
	sent := q.Transmit(batch[:n])
	for _, b := range batch[:n] {
		// What the header for sending wiped, and a device would write.
		b.Mem()[rxOffset+headerNumBuffers] = 1
	}
	return sent
}

func TestNoAllocs(t *testing.T) {
	combinations(t, func(t *testing.T, offered uint64) {
		r := newRig(t, func(f *fake, s *setup) { f.offered = offered; s.start = false })
		r.stamp()
		r.start()
		d := newQuick(r)
		batch := make([]*nic.Buffer, 32)
		allocs := testing.AllocsPerRun(1000, func() {
			d.turn(32, 60)
			if r.q.Arm() {
				t.Fatal("armed, though frames wait")
			}
			if n := forward(r.q, r.pool, batch); n != 32 {
				t.Fatalf("%d frames", n)
			}
			if !r.q.Arm() {
				t.Fatal("not armed")
			}
			r.q.Disarm()
			if len(r.port.Queues()) != 1 || r.port.Carrier() == nic.CarrierDown {
				t.Fatal("port changed")
			}
		})
		if allocs != 0 {
			t.Errorf("%v allocations a batch", allocs)
		}
		d.turn(0, 60)
	})
}

// BenchmarkForward is one frame in and out again, in batches, the fake device's
// work included; BenchmarkDevice is that work alone.
func BenchmarkForward(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"batch1", 1}, {"batch8", 8}, {"batch32", 32}} {
		b.Run(size.name, func(b *testing.B) {
			r := newRig(b, func(f *fake, s *setup) { s.start = false })
			r.stamp()
			r.start()
			r.f.quiet(&r.f.q[0])
			r.f.quiet(&r.f.q[1])
			d := newQuick(r)
			batch := make([]*nic.Buffer, size.n)
			b.ReportAllocs()
			frames := 0
			for b.Loop() {
				d.turn(size.n, 60)
				frames += forward(r.q, r.pool, batch)
			}
			if frames != b.N*size.n {
				b.Fatalf("%d frames in %d rounds", frames, b.N)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(frames), "ns/frame")
			d.turn(0, 60)
		})
	}
}

func BenchmarkDevice(b *testing.B) {
	r := newRig(b, nil)
	d := newQuick(r)
	// Both rings of the fake stand still; the device turns them on its own.
	b.ReportAllocs()
	for b.Loop() {
		d.turn(32, 60)
		d.txNext -= 32
		d.turn(0, 60)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/32, "ns/frame")
}
