package virtionet

import (
	"bytes"
	"fmt"
	"testing"

	"barewire/nic"
)

func TestCloseWhileBusy(t *testing.T) {
	r := newRig(t, nil)
	batch := make([]*nic.Buffer, 8)
	for i := range 20 {
		r.f.deliver(frame(60, i), 0)
	}
	if n := r.q.Receive(batch); n != 8 {
		t.Fatal("no frames")
	}
	r.q.Transmit(batch) // none is sent
	r.q.Arm()
	if err := r.port.Close(); err != nil {
		t.Fatal(err)
	}
	r.allHome()
	if r.f.status != 0 {
		t.Errorf("the device is left with status %d", r.f.status)
	}
	// A worker that comes late finds a closed port.
	r.q.Provide(r.pool)
	r.q.Reclaim(r.pool)
	if n := r.q.Receive(batch) + r.q.Transmit(batch[:1]); n != 0 {
		t.Errorf("%d buffers moved by a closed port", n)
	}
	r.allHome()
	if r.port.Carrier() != nic.CarrierDown {
		t.Error("a closed port has a carrier")
	}
	if err := r.port.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
}

func TestCloseBeforeStart(t *testing.T) {
	r := newRig(t, func(f *fake, s *setup) { s.start = false })
	r.q.Provide(r.pool)
	if err := r.port.Close(); err != nil {
		t.Fatal(err)
	}
	r.allHome()
	if err := r.port.Start(func() {}); err == nil {
		t.Error("a closed port was started")
	}
}

// A device that does not stop may still write: its buffers must not come back.
func TestCloseOfAStuckDevice(t *testing.T) {
	r, err := tryRig(t, func(f *fake, s *setup) { s.abandon = true })
	if err != nil {
		t.Fatal(err)
	}
	r.f.mu.Lock()
	r.f.stuck = true
	r.f.mu.Unlock()
	err = r.port.Close()
	if err == nil {
		t.Fatal("closed")
	}
	if want := fmt.Sprintf("%d buffers lost", 256); !bytes.Contains([]byte(err.Error()), []byte(want)) {
		t.Errorf("%q does not say %q", err, want)
	}
	if r.pool.Free() != r.pool.Size()-256 {
		t.Errorf("%d buffers came back", r.pool.Free()-(r.pool.Size()-256))
	}
}
