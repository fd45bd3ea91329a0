package virtionet

import (
	"testing"

	"barewire/nic"
)

func TestMerged(t *testing.T) {
	r := newRig(t, func(f *fake, s *setup) { s.config.QueueSize = 16; s.buffers = 40 })
	for round := range 50 {
		var want [][]byte
		// Pieces of 400 bytes that fit one buffer, between small frames.
		for i := range 3 {
			small, big := frame(60, round+i), frame(700+i*500, round+i)
			if !r.f.deliver(small, 0) || !r.f.deliver(big, 400) {
				t.Fatal("no buffers")
			}
			want = append(want, small, big)
		}
		r.expect(r.receiveAll(), want...)
		r.q.Provide(r.pool)
	}
	if got := r.stat("rx_merged"); got != 150 {
		t.Errorf("rx_merged %d", got)
	}
}

// Frames of up to 9014 bytes into buffers of 2048, between small ones, and the
// ring almost empty: what fits no buffer is dropped whole.
func TestMergedTooBig(t *testing.T) {
	r := newRig(t, func(f *fake, s *setup) {
		s.config.QueueSize = 16
		s.buffers = 17
		f.config[10], f.config[11] = 0x28, 0x23 // MTU 9000
	})
	dropped := uint64(0)
	for round := range 200 {
		var want [][]byte
		for i := range 3 {
			small, big := frame(60+i, round), frame(1514+(round*3+i)*97%7500, round)
			if r.f.deliver(small, 0) {
				want = append(want, small)
			}
			if r.f.deliver(big, 0) {
				if len(big) <= 2048-nic.Headroom {
					want = append(want, big)
				} else {
					dropped++
				}
			}
		}
		r.expect(r.receiveAll(), want...)
		r.q.Provide(r.pool)
		if got := r.f.available(&r.f.q[0]); got != 16 {
			t.Fatalf("round %d: %d buffers provided", round, got)
		}
	}
	if got := r.stat("rx_errors_too_big"); got != dropped || dropped < 300 {
		t.Errorf("rx_errors_too_big %d, want %d", got, dropped)
	}
}

// Slots that hold the device's MTU take its frames in one piece.
func TestJumbo(t *testing.T) {
	r := newRig(t, func(f *fake, s *setup) { s.slot = 9216; f.config[10], f.config[11] = 0x28, 0x23 })
	if got := r.port.Info().MTUBytes; got != 9000 {
		t.Fatalf("MTU %d", got)
	}
	want := frame(9018, 1)
	r.f.deliver(want, 0)
	r.f.deliver(want, 2000)
	r.expect(r.receiveAll(), want, want)
}

// The pieces of a frame come one by one: it is waited for, and slept for.
func TestMergedPiecesArriveLate(t *testing.T) {
	for _, offered := range []uint64{wanted, wanted &^ featureEventIdx} {
		r := newRig(t, func(f *fake, s *setup) { f.offered = offered })
		want := frame(1000, 5)
		packet := append(make([]byte, headerBytes), want...)
		packet[headerNumBuffers] = 3
		q := &r.f.q[0]
		for piece := range 3 {
			if piece > 0 {
				if got := r.receiveAll(); len(got) != 0 {
					t.Fatalf("%d frames after %d pieces", len(got), piece)
				}
				if !r.q.Arm() {
					t.Fatalf("not armed after %d pieces: the worker would spin", piece)
				}
			}
			id, buf := r.f.pop(q, true)
			n := copy(buf[:min(400, len(packet))], packet)
			packet = packet[n:]
			r.f.element(q, 0, uint32(id), uint32(n))
			r.f.show(q, 1)
		}
		if r.f.raised == 0 {
			t.Error("no interrupt for the last piece")
		}
		<-r.woken
		r.expect(r.receiveAll(), want)
	}
}

// Without MRG_RXBUF num_buffers is not looked at.
func TestNumBuffersWithoutMerging(t *testing.T) {
	r := newRig(t, func(f *fake, s *setup) { f.offered &^= featureMergeRx })
	for _, n := range []byte{0, 1, 5} {
		q := &r.f.q[0]
		id, buf := r.f.pop(q, true)
		copy(buf, make([]byte, headerBytes))
		buf[headerNumBuffers] = n
		copy(buf[headerBytes:], frame(60, int(n)))
		r.f.element(q, 0, uint32(id), headerBytes+60)
		r.f.show(q, 1)
	}
	r.expect(r.receiveAll(), frame(60, 0), frame(60, 1), frame(60, 5))
}
