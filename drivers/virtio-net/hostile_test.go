package virtionet

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"barewire/nic"
)

// put returns one receive buffer with a header and length of the caller's choice.
func (r *rig) put(length uint32, numBuffers uint16, flags byte) {
	q := &r.f.q[queueReceive]
	id, buf := r.f.pop(q, true)
	copy(buf, make([]byte, headerBytes))
	buf[headerFlags] = flags
	binary.LittleEndian.PutUint16(buf[headerNumBuffers:], numBuffers)
	r.f.element(q, 0, uint32(id), length)
	r.f.show(q, 1)
}

// healthy checks that frames pass both ways, and that none of those before did.
func (r *rig) healthy() {
	r.t.Helper()
	in, out := frame(77, 1), frame(78, 2)
	if !r.f.deliver(in, 0) {
		r.t.Fatal("no receive buffer")
	}
	r.expect(r.receiveAll(), in)
	if n := r.q.Transmit([]*nic.Buffer{r.buffer(out)}); n != 1 {
		r.t.Fatal("nothing was sent")
	}
	r.expect(r.f.sent(), out)
	r.q.Reclaim(r.pool)
}

// Damaged frames are dropped and counted, and their buffers used again.
func TestDamagedFrames(t *testing.T) {
	for name, c := range map[string]struct {
		length     uint32
		numBuffers uint16
		flags      byte
		counter    string
	}{
		"no length":             {0, 1, 0, "rx_errors_length"},
		"shorter than a header": {headerBytes - 1, 1, 0, "rx_errors_length"},
		"no frame":              {headerBytes, 1, 0, "rx_errors_length"},
		"of no buffers":         {headerBytes + 60, 0, 0, "rx_errors_length"},
		"checksum missing":      {headerBytes + 60, 1, headerNeedsChecksum, "rx_errors_offload"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(f *fake, s *setup) { s.config.QueueSize = 8 })
			for range 20 { // more than the ring holds
				r.put(c.length, c.numBuffers, c.flags)
				if got := r.receiveAll(); len(got) != 0 {
					t.Fatalf("%d frames received", len(got))
				}
				r.q.Provide(r.pool)
			}
			if got := r.stat(c.counter); got != 20 {
				t.Errorf("%s %d", c.counter, got)
			}
			if got := r.stat("device_faults"); got != 0 {
				t.Errorf("device_faults %d", got)
			}
			r.healthy()
		})
	}
}

// Every way to break a ring ends in a reset, without a buffer lost, and the
// device works again.
func TestBrokenRings(t *testing.T) {
	rx, tx := queueReceive, queueTransmit
	for name, c := range map[string]struct {
		fault fault
		act   func(r *rig)
	}{
		"length beyond the buffer": {faultLength, func(r *rig) { r.put(2048-nic.Headroom+headerBytes+1, 1, 0) }},
		"length of all ones":       {faultLength, func(r *rig) { r.put(1<<32-1, 1, 0) }},
		"more pieces than buffers": {faultPieces, func(r *rig) { r.put(headerBytes+60, 300, 0) }},
		"65535 pieces":             {faultPieces, func(r *rig) { r.put(headerBytes+60, 65535, 0) }},
		"second piece too long": {faultLength, func(r *rig) {
			r.put(headerBytes+60, 2, 0)
			r.put(1<<20, 0, 0)
		}},
		"second piece not owned": {faultUsedID, func(r *rig) {
			r.put(headerBytes+60, 2, 0)
			q := &r.f.q[rx]
			r.f.element(q, 0, 1<<20, 60)
			r.f.show(q, 1)
		}},
		"second piece is the first": {faultUsedID, func(r *rig) {
			q := &r.f.q[rx]
			id, buf := r.f.pop(q, true)
			buf[headerNumBuffers] = 2
			r.f.element(q, 0, uint32(id), headerBytes+60)
			r.f.element(q, 1, uint32(id), 60)
			r.f.show(q, 2)
		}},
		"id out of range": {faultUsedID, func(r *rig) {
			q := &r.f.q[rx]
			r.f.element(q, 0, 256, 100)
			r.f.show(q, 1)
		}},
		"id of all ones": {faultUsedID, func(r *rig) {
			q := &r.f.q[rx]
			r.f.element(q, 0, 1<<32-1, 100)
			r.f.show(q, 1)
		}},
		"id twice": {faultUsedID, func(r *rig) {
			q := &r.f.q[rx]
			id, buf := r.f.pop(q, true)
			copy(buf, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0})
			r.f.element(q, 0, uint32(id), headerBytes) // damaged, so that nothing is received
			r.f.element(q, 1, uint32(id), headerBytes)
			r.f.show(q, 2)
		}},
		"used index too far": {faultUsedIndex, func(r *rig) { r.f.show(&r.f.q[rx], 257) }},
		"used index back":    {faultUsedIndex, func(r *rig) { r.f.show(&r.f.q[rx], 1<<16-1) }},
		"sent id not owned": {faultUsedID, func(r *rig) {
			r.q.Transmit([]*nic.Buffer{r.buffer(frame(60, 1))})
			q := &r.f.q[tx]
			id, _ := r.f.pop(q, false)
			r.f.element(q, 0, uint32(id)+100, 0)
			r.f.show(q, 1)
		}},
		"sent too many": {faultUsedIndex, func(r *rig) {
			r.q.Transmit([]*nic.Buffer{r.buffer(frame(60, 1))})
			r.f.show(&r.f.q[tx], 3)
		}},
		"asks for a reset": {faultNeedsReset, func(r *rig) {
			r.f.mu.Lock()
			r.f.status |= statusNeedsReset
			r.f.mu.Unlock()
			r.f.interrupt(interruptConfig)
			<-r.woken
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.q.Transmit([]*nic.Buffer{r.buffer(frame(60, 9))}) // one that is on its way
			c.act(r)
			if got := r.receiveAll(); len(got) != 0 {
				t.Fatalf("%d frames received", len(got))
			}
			r.q.Reclaim(r.pool)
			r.untilRunning()
			if got := r.stat("device_faults"); got != 1 {
				t.Errorf("device_faults %d", got)
			}
			if got := r.stat("device_repairs"); got != 1 {
				t.Errorf("device_repairs %d", got)
			}
			if l := r.log(); !strings.Contains(l, c.fault.String()) {
				t.Errorf("log %q does not say %q", l, c.fault)
			}
			r.healthy()
		})
	}
}

// Frames that were received before the ring broke are good.
func TestFramesBeforeTheFault(t *testing.T) {
	r := newRig(t, nil)
	r.f.deliver(frame(60, 1), 0)
	r.put(1<<20, 1, 0)
	r.f.deliver(frame(60, 2), 0)
	r.expect(r.receiveAll(), frame(60, 1))
	r.untilRunning()
	r.healthy()
}

func TestBrokenTooOften(t *testing.T) {
	r := newRig(t, nil)
	for range maxRepairs {
		r.put(1<<20, 1, 0)
		r.receiveAll()
		r.untilRunning()
	}
	r.put(1<<20, 1, 0)
	r.receiveAll()
	for r.port.state.Load() != stateDead {
		<-r.woken
		r.q.Reclaim(r.pool)
	}
	r.allHome()
	if r.port.Carrier() != nic.CarrierDown {
		t.Error("a device that was given up has a carrier")
	}
	if l := r.log(); !strings.Contains(l, "given up: broken 17 times") {
		t.Errorf("log %q", l)
	}
	if !r.q.Arm() {
		t.Error("the worker of a dead device would spin")
	}
}

func TestRepairFails(t *testing.T) {
	for name, c := range map[string]struct {
		change func(f *fake)
		state  uint32
		err    string
	}{
		"features changed": {func(f *fake) { f.offered &^= featureMergeRx }, stateDead, "changed its features from MTU, MAC, MRG_RXBUF"},
		"features refused": {func(f *fake) { f.refused = featureMAC }, stateDead, "refuses the features"},
		"queue shrunk":     {func(f *fake) { f.q[1].max = 128 }, stateDead, "queue 1: the device allows 128 descriptors, not 256"},
		"configuration":    {func(f *fake) { f.onConfig = func(uint32) { f.generation++ } }, stateDead, "does not come to rest"},
		"never resets":     {func(f *fake) { f.stuck = true }, stateLost, "does not reset"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(f *fake, s *setup) { s.abandon = true })
			r.f.mu.Lock()
			c.change(r.f)
			r.f.mu.Unlock()
			r.put(1<<20, 1, 0)
			r.receiveAll()
			for r.port.state.Load() != c.state {
				<-r.woken
				r.q.Reclaim(r.pool)
			}
			if l := r.log(); !strings.Contains(l, c.err) {
				t.Errorf("log %q does not say %q", l, c.err)
			}
			if err := r.port.Close(); (err != nil) != (c.state == stateLost) {
				t.Errorf("Close: %v", err)
			}
			if c.state == stateDead {
				r.allHome()
			}
		})
	}
}

func TestLinkState(t *testing.T) {
	r := newRig(t, nil)
	set := func(up byte) {
		r.f.mu.Lock()
		r.f.config[configStatusOffset] = up
		r.f.generation++
		r.f.mu.Unlock()
		r.f.interrupt(interruptConfig)
		<-r.woken
	}
	for i := range 3 {
		set(0)
		if r.port.Carrier() != nic.CarrierDown {
			t.Fatal("the carrier did not go")
		}
		set(configLinkUp)
		if r.port.Carrier() != nic.CarrierUp {
			t.Fatal("the carrier did not come")
		}
		if got := r.stat("config_changes"); got != uint64(2*i+2) {
			t.Errorf("config_changes %d", got)
		}
	}
	r.healthy()
}

// On a shared line the device looks at its cause, takes back what it finds, and
// lets the line go in any case.
func TestSharedLine(t *testing.T) {
	r := newRig(t, func(f *fake, s *setup) { s.abandon = true })
	r.f.irq.set(true) // the neighbour
	for r.f.unmasked() < 3 {
		// The line stays up, so it fires again and again.
		r.stat("interrupts_spurious")
	}
	r.f.irq.set(false)
	if got := r.stat("interrupts"); got != 0 {
		t.Errorf("interrupts %d", got)
	}
	r.q.Arm()
	r.f.deliver(frame(60, 1), 0)
	<-r.woken
	r.f.mu.Lock()
	isr := r.f.isr
	r.f.mu.Unlock()
	if isr != 0 {
		t.Errorf("cause %d was not acknowledged", isr)
	}
	if got := r.stat("interrupts_spurious"); got < 2 {
		t.Errorf("interrupts_spurious %d", got)
	}
	r.finish()
}

func (f *fake) unmasked() int {
	f.irq.mu.Lock()
	defer f.irq.mu.Unlock()
	return f.irq.unmasked
}

// brokenInterrupt fails as soon as it is waited for.
type brokenInterrupt struct{ *line }

func (brokenInterrupt) Wait() error { return errors.New("no such interrupt") }

func TestInterruptLost(t *testing.T) {
	r := newRig(t, func(f *fake, s *setup) { s.config.Interrupt = brokenInterrupt{f.irq} })
	<-r.woken
	if r.port.Carrier() != nic.CarrierDown {
		t.Error("a port that cannot be woken has a carrier")
	}
	if l := r.log(); !strings.Contains(l, "no such interrupt") {
		t.Errorf("log %q", l)
	}
}
