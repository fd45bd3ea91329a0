package virtionet

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"barewire/nic"
)

// receiveAll takes all frames that wait, and gives the buffers back.
func (r *rig) receiveAll() (frames [][]byte) {
	batch := make([]*nic.Buffer, 32)
	for {
		n := r.q.Receive(batch)
		if n == 0 {
			return frames
		}
		for _, b := range batch[:n] {
			frames = append(frames, append([]byte(nil), b.Bytes()...))
			r.pool.Put(b)
		}
	}
}

func (r *rig) expect(got [][]byte, want ...[]byte) {
	r.t.Helper()
	if len(got) != len(want) {
		r.t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			r.t.Errorf("frame %d: %d bytes differ from the %d wanted", i, len(got[i]), len(want[i]))
		}
	}
}

// combinations run a test with and without the features that change the path.
func combinations(t *testing.T, test func(t *testing.T, offered uint64)) {
	for _, c := range []struct {
		name    string
		offered uint64
	}{
		{"all", wanted},
		{"no EVENT_IDX", wanted &^ featureEventIdx},
		{"no MRG_RXBUF", wanted &^ featureMergeRx},
	} {
		t.Run(c.name, func(t *testing.T) { test(t, c.offered) })
	}
}

func TestReceive(t *testing.T) {
	combinations(t, func(t *testing.T, offered uint64) {
		r := newRig(t, func(f *fake, s *setup) { f.offered = offered })
		var want [][]byte
		for i, n := range []int{1, 14, 60, 1514, 1518, 2048 - nic.Headroom} {
			want = append(want, frame(n, i))
			if !r.f.deliver(want[i], 0) {
				t.Fatal("no buffer for the frame")
			}
		}
		r.expect(r.receiveAll(), want...)
		if got := r.stat("rx_packets"); got != uint64(len(want)) {
			t.Errorf("rx_packets %d", got)
		}
	})
}

func TestTransmit(t *testing.T) {
	combinations(t, func(t *testing.T, offered uint64) {
		r := newRig(t, func(f *fake, s *setup) { f.offered = offered })
		var want [][]byte
		var batch []*nic.Buffer
		for i, n := range []int{14, 60, 1514, 1900} {
			want = append(want, frame(n, i))
			b := r.buffer(want[i])
			copy(b.Mem(), bytes.Repeat([]byte{0xee}, nic.Headroom)) // what a header would be made of
			batch = append(batch, b)
		}
		kicks := r.f.q[1].kicks
		if n := r.q.Transmit(batch); n != len(batch) {
			t.Fatalf("Transmit took %d", n)
		}
		if r.f.q[1].kicks != kicks+1 {
			t.Errorf("%d doorbells for a batch", r.f.q[1].kicks-kicks)
		}
		free := r.pool.Free()
		r.q.Reclaim(r.pool)
		if r.pool.Free() != free {
			t.Error("a buffer came back that the device still has")
		}
		r.expect(r.f.sent(), want...)
		r.q.Reclaim(r.pool)
		if r.pool.Free() != free+len(batch) {
			t.Errorf("%d buffers came back, want %d", r.pool.Free()-free, len(batch))
		}
		if r.f.raised != 0 {
			t.Errorf("%d interrupts for sending", r.f.raised)
		}
	})
}

// A frame that cannot be sent is taken, counted and given back: those behind it
// are sent.
func TestTransmitRefuses(t *testing.T) {
	r := newRig(t, nil)
	good := frame(60, 1)
	noRoom, short := r.buffer(frame(60, 2)), r.buffer(frame(13, 3))
	noRoom.SetFrame(headerBytes-1, 60)
	if n := r.q.Transmit([]*nic.Buffer{noRoom, short, r.buffer(good)}); n != 3 {
		t.Fatalf("Transmit took %d", n)
	}
	r.expect(r.f.sent(), good)
	if r.stat("tx_refused") != 2 || r.stat("tx_packets") != 1 {
		t.Errorf("tx_refused %d, tx_packets %d", r.stat("tx_refused"), r.stat("tx_packets"))
	}
}

func TestTransmitRingFull(t *testing.T) {
	r := newRig(t, func(f *fake, s *setup) { s.config.QueueSize = 8 })
	var batch []*nic.Buffer
	for i := range 10 {
		batch = append(batch, r.buffer(frame(60, i)))
	}
	if n := r.q.Transmit(batch); n != 8 {
		t.Fatalf("Transmit took %d into a ring of 8", n)
	}
	if n := r.q.Transmit(batch[8:]); n != 0 {
		t.Fatalf("Transmit took %d into a full ring", n)
	}
	if got := r.stat("tx_ring_full"); got != 2 {
		t.Errorf("tx_ring_full %d", got)
	}
	r.f.sent()
	r.q.Reclaim(r.pool)
	if n := r.q.Transmit(batch[8:]); n != 2 {
		t.Errorf("Transmit took %d of the rest", n)
	}
	r.expect(r.f.sent(), frame(60, 8), frame(60, 9))
}

// The indices are of 16 bits and wrap; batches of all sizes, both rings.
func TestIndicesWrap(t *testing.T) {
	combinations(t, func(t *testing.T, offered uint64) {
		r := newRig(t, func(f *fake, s *setup) { f.offered = offered; s.config.QueueSize = 64; s.buffers = 200 })
		random := rand.New(rand.NewPCG(1, 2))
		batch := make([]*nic.Buffer, 40)
		in, out := 0, 0
		for out < 70_000 {
			for range random.IntN(64) {
				if !r.f.deliver(frame(60, in), 0) {
					t.Fatal("the ring ran empty")
				}
				in++
			}
			for {
				n := r.q.Receive(batch[:1+random.IntN(len(batch)-1)])
				if n == 0 {
					break
				}
				for _, b := range batch[:n] {
					if !bytes.Equal(b.Bytes(), frame(60, out)) {
						t.Fatalf("frame %d is not itself", out)
					}
					out++
				}
				if sent := r.q.Transmit(batch[:n]); sent != n {
					t.Fatalf("Transmit took %d of %d", sent, n)
				}
				if got := r.f.sent(); len(got) != n || !bytes.Equal(got[n-1], frame(60, out-1)) {
					t.Fatalf("%d frames sent before %d, want %d", len(got), out, n)
				}
				r.q.Reclaim(r.pool)
			}
			if in != out {
				t.Fatalf("%d frames in, %d out", in, out)
			}
			r.q.Provide(r.pool)
			if got := r.f.available(&r.f.q[0]); got != 64 {
				t.Fatalf("%d buffers provided", got)
			}
		}
		// An index that was far away comes by at most once in its range.
		if r.f.raised > 2*70_000/(1<<15) {
			t.Errorf("%d interrupts while polling", r.f.raised)
		}
	})
}

func TestPoolEmpty(t *testing.T) {
	r := newRig(t, func(f *fake, s *setup) { s.buffers = 100 })
	if got := r.f.available(&r.f.q[0]); got != 100 {
		t.Fatalf("%d buffers provided of 100", got)
	}
	for i := range 100 {
		r.f.deliver(frame(60, i), 0)
	}
	if r.f.deliver(frame(60, 0), 0) {
		t.Fatal("a frame without a buffer")
	}
	if got := len(r.receiveAll()); got != 100 {
		t.Errorf("%d frames", got)
	}
	r.q.Provide(r.pool)
	if !r.f.deliver(frame(60, 7), 0) {
		t.Fatal("the ring was not filled again")
	}
	r.expect(r.receiveAll(), frame(60, 7))
}
