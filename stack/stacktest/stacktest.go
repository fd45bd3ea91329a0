// Package stacktest joins namespaces by cables in memory. It is imported by
// tests only.
package stacktest

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"barewire/internal/clock"
	"barewire/internal/testnet"
	"barewire/nic"
	"barewire/router"
	"barewire/stack"
)

// Namespace makes a namespace whose worker runs until the test ends. c is its
// clock, nil the machine's.
func Namespace(t testing.TB, name string, c clock.Clock) *stack.Namespace {
	t.Helper()
	pool, err := nic.NewPool(make([]byte, 512*2048), 0, 2048)
	if err != nil {
		t.Fatal(err)
	}
	r := router.New(router.Options{Clock: c, Pool: pool})
	n, err := stack.New(name, r, c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var worker sync.WaitGroup
	worker.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		n.Close()
		stop()
		worker.Wait()
	})
	return n
}

// Cable joins two ports: what one transmits, the other receives.
type Cable [2]*End

// End is a port at one end of a cable.
type End struct {
	*testnet.Port
	queue *queue
	mac   nic.MAC
}

// SetMAC gives the port another Ethernet address. Before it is attached only.
func (e *End) SetMAC(m nic.MAC) { e.mac = m }

// Info are the port's facts.
func (e *End) Info() nic.Info {
	info := e.Port.Info()
	info.MAC = e.mac
	return info
}

// Queues are the port's one queue.
func (e *End) Queues() []nic.Queue { return []nic.Queue{e.queue} }

// queue passes transmitted frames on.
type queue struct {
	nic.Queue
	own, other *testnet.Port
}

// Transmit sends frames through the cable.
func (q *queue) Transmit(batch []*nic.Buffer) int {
	n := q.Queue.Transmit(batch)
	q.other.Inject(q.own.Sent()...)
	return n
}

var cables struct {
	sync.Mutex
	n byte
}

// NewCable makes a cable between ports that carry packets of mtuBytes. The
// ports' addresses are 02:00:00:00:cc:00 and 02:00:00:00:cc:01, cc counting
// the cables of a test binary.
func NewCable(mtuBytes int) Cable {
	cables.Lock()
	cables.n++
	number := cables.n
	cables.Unlock()
	var ports [2]*testnet.Port
	for i := range ports {
		ports[i] = testnet.NewPort(nic.MAC{2, 0, 0, 0, number, byte(i)}, mtuBytes, 128)
	}
	var c Cable
	for i := range c {
		c[i] = &End{Port: ports[i], queue: &queue{ports[i].Queues()[0], ports[i], ports[1-i]}, mac: ports[i].Info().MAC}
	}
	return c
}

// Attach gives a namespace a port, sets it up with addresses, and returns its
// index.
func Attach(t testing.TB, n *stack.Namespace, name string, p nic.Port, addresses ...string) int {
	t.Helper()
	link, err := n.Router().AddPort(name, p)
	for _, a := range addresses {
		if err == nil {
			err = n.Router().AddAddress(link, netip.MustParsePrefix(a))
		}
	}
	if err == nil {
		err = n.Router().SetUp(link, true)
	}
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", n.Name(), err))
	}
	return link
}

// Route adds a route by a gateway.
func Route(t testing.TB, n *stack.Namespace, to, via string) {
	t.Helper()
	err := n.Router().AddRoute(router.Route{
		Destination: netip.MustParsePrefix(to), Gateway: netip.MustParseAddr(via), Protocol: router.ProtocolStatic,
	})
	if err != nil {
		t.Fatal(err)
	}
}
