package stack

import (
	"testing"

	"barewire/router"
)

// Host is what the router delivers to.
func (n *Namespace) Host() router.Host { return n.line }

// TestNoAllocs lists what runs in packet context.
func TestNoAllocs(t *testing.T) {
	l := newLine(nil)
	p := make([]byte, 1500)
	receive := func() {
		l.Receive(router.LoopbackLink, p)
		l.free <- <-l.full
	}
	receive() // makes the slot
	if n := testing.AllocsPerRun(100, receive); n != 0 {
		t.Errorf("Receive allocates %v times", n)
	}
}
