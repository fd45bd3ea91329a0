package virtionet

import (
	"testing"

	"barewire/nic"
)

// needEvent is the formula of the specification; the slow way counts.
func TestNeedEvent(t *testing.T) {
	slow := func(event, to, from uint16) bool {
		for i := from; i != to; i++ {
			if i == event {
				return true
			}
		}
		return false
	}
	edges := []uint16{0, 1, 2, 5, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff}
	for _, event := range edges {
		for _, from := range edges {
			for _, step := range []uint16{0, 1, 2, 3, 256, 0x8000} {
				if to := from + step; needEvent(event, to, from) != slow(event, to, from) {
					t.Errorf("event %d, from %d to %d: %v", event, from, to, needEvent(event, to, from))
				}
			}
		}
	}
}

func TestDoorbellOnlyWhenWanted(t *testing.T) {
	combinations(t, func(t *testing.T, offered uint64) {
		r := newRig(t, func(f *fake, s *setup) { f.offered = offered })
		tx := &r.f.q[1]
		send := func() int {
			before := tx.kicks
			r.q.Transmit([]*nic.Buffer{r.buffer(frame(60, 1)), r.buffer(frame(60, 2))})
			return tx.kicks - before
		}
		r.f.quiet(tx)
		if n := send(); n != 0 {
			t.Errorf("%d doorbells, none was wanted", n)
		}
		r.f.sent() // asks for a doorbell
		if n := send(); n != 1 {
			t.Errorf("%d doorbells, one was wanted", n)
		}
		r.q.Provide(r.pool)
		rx := &r.f.q[0]
		r.f.quiet(rx)
		r.f.deliver(frame(60, 3), 0)
		r.receiveAll()
		before := rx.kicks
		r.q.Provide(r.pool)
		r.q.Provide(r.pool) // nothing new
		if rx.kicks != before {
			t.Errorf("%d doorbells for receive buffers, none was wanted", rx.kicks-before)
		}
		r.f.sent()
	})
}

func TestInterruptOnlyWhenArmed(t *testing.T) {
	combinations(t, func(t *testing.T, offered uint64) {
		r := newRig(t, func(f *fake, s *setup) { f.offered = offered })
		r.f.deliver(frame(60, 1), 0)
		if r.f.raised != 0 {
			t.Fatal("an interrupt that nobody asked for")
		}
		if r.q.Arm() {
			t.Fatal("armed, though a frame waits")
		}
		r.f.deliver(frame(60, 2), 0)
		if r.f.raised != 0 {
			t.Fatal("an interrupt after Arm failed")
		}
		r.expect(r.receiveAll(), frame(60, 1), frame(60, 2))
		if !r.q.Arm() {
			t.Fatal("not armed, though no frame waits")
		}
		r.f.deliver(frame(60, 3), 0)
		if r.f.raised != 1 {
			t.Fatalf("%d interrupts after Arm", r.f.raised)
		}
		<-r.woken
		r.expect(r.receiveAll(), frame(60, 3)) // disarms
		r.f.deliver(frame(60, 4), 0)
		if r.f.raised != 1 {
			t.Fatal("an interrupt while polling")
		}
		r.expect(r.receiveAll(), frame(60, 4))
		if !r.q.Arm() {
			t.Fatal("not armed again")
		}
		r.q.Disarm()
		r.f.deliver(frame(60, 5), 0)
		if r.f.raised != 1 {
			t.Fatal("an interrupt after Disarm")
		}
	})
}

// All buffers are on their way out and the pool is empty: no frame can arrive,
// so it must be a sent one that wakes.
func TestWakeWhenStarved(t *testing.T) {
	combinations(t, func(t *testing.T, offered uint64) {
		r := newRig(t, func(f *fake, s *setup) { f.offered = offered; s.buffers = 8; s.start = false })
		batch := make([]*nic.Buffer, 8)
		for i := range batch {
			batch[i] = r.buffer(frame(60, i))
		}
		r.start()
		if n := r.q.Transmit(batch); n != 8 {
			t.Fatalf("Transmit took %d", n)
		}
		if !r.q.Arm() {
			t.Fatal("not armed")
		}
		r.f.sent()
		<-r.woken
		r.q.Reclaim(r.pool)
		r.q.Provide(r.pool)
		if !r.f.deliver(frame(60, 9), 0) {
			t.Fatal("the ring was not filled")
		}
		r.expect(r.receiveAll(), frame(60, 9))

		// And when they are back before the worker sleeps, it does not.
		for i := range batch {
			batch[i] = nil
		}
		r.q.Provide(r.pool)
		for i := range batch {
			r.f.deliver(frame(60, i), 0)
		}
		if n := r.q.Receive(batch); n != 8 {
			t.Fatalf("received %d", n)
		}
		r.q.Transmit(batch)
		r.f.sent()
		if r.q.Arm() {
			t.Error("armed, though buffers wait to be reclaimed")
		}
	})
}

// The device is another goroutine, the worker sleeps whenever it may: every
// frame arrives, or the test does not end.
func TestNoLostWakeUp(t *testing.T) {
	combinations(t, func(t *testing.T, offered uint64) {
		const frames = 20_000
		r := newRig(t, func(f *fake, s *setup) { f.offered = offered; s.config.QueueSize = 16 })
		stop := make(chan struct{})
		idle := make(chan struct{})
		go func() {
			defer close(idle)
			for i := range frames {
				for !r.f.deliver(frame(60, i), 0) {
					select {
					case <-stop:
						return
					default:
					}
				}
			}
		}()
		batch := make([]*nic.Buffer, 8)
		for got := 0; got < frames; {
			n := r.q.Receive(batch)
			for i, b := range batch[:n] {
				if b.Bytes()[0] != frame(60, got+i)[0] {
					t.Errorf("frame %d is not itself", got+i)
				}
				r.pool.Put(b)
			}
			got += n
			r.q.Provide(r.pool)
			if n == 0 && r.q.Arm() {
				<-r.woken
			}
		}
		close(stop)
		<-idle
	})
}
