package router

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"barewire/internal/testnet"
	"barewire/nic"
	"barewire/packet"
)

// countingHost tells each packet that it gets.
type countingHost struct{ got chan int }

func (h countingHost) Receive(link int, p []byte) { h.got <- len(p) }

// The worker sleeps and is woken: by a frame, by Output, by a change, by its
// deadline, and by the end of its context. Nothing here waits for time: each
// step waits for what the step before must cause.
func TestRunWakes(t *testing.T) {
	pool, err := nic.NewPool(make([]byte, 256*2048), 0, 2048)
	if err != nil {
		t.Fatal(err)
	}
	r := New(Options{Pool: pool})
	host := countingHost{make(chan int, 100)}
	r.AttachHost(host)
	port := testnet.NewPort(macR0, 1500, 64)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	// A port, an address and a link while the worker runs.
	index, err := r.AddPort("r0", port)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{r.AddAddress(index, netip.MustParsePrefix(addrR0+"/24")), r.SetUp(index, true)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		n := 28 + i%100
		port.Inject(testnet.IPv4{From: addrH, To: addrR0}.UDP(1, 1, make([]byte, n-28)).Frame(macR0, macH))
		if got := <-host.got; got != n {
			t.Fatalf("the host got %d bytes, want %d", got, n)
		}
		if err := r.Output(testnet.IPv4{From: addrR0, To: "127.0.0.1"}.UDP(1, 1, make([]byte, n-28)).Bytes()); err != nil {
			t.Fatal(err)
		}
		if got := <-host.got; got != n {
			t.Fatalf("the host got %d bytes back, want %d", got, n)
		}
	}
	if err := r.Run(ctx); !errors.Is(err, errRunning) {
		t.Errorf("a second Run: %v", err)
	}
	cancel()
	wg.Wait()
	if err := port.Close(); err != nil {
		t.Fatal(err)
	}
	if pool.Free() != pool.Size() {
		t.Errorf("%d of %d buffers came back", pool.Free(), pool.Size())
	}
}

// Changes and snapshots from many goroutines while packets flow: for the race
// detector, and everything is consistent at the end.
func TestConcurrentControl(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	ctx, cancel := context.WithCancel(context.Background())
	var running, control sync.WaitGroup
	running.Go(func() { l.must(l.r.Run(ctx)) })
	for i := range 4 {
		control.Go(func() {
			d := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16)
			a := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 1, byte(100 + i)}), 24)
			for j := range 100 {
				if err := errors.Join(
					l.r.AddRoute(Route{Destination: d, Gateway: netip.MustParseAddr(addrG)}),
					l.r.AddAddress(linkR0, a),
					l.r.Output(testnet.IPv4{From: addrR1, To: addrS}.UDP(1, 1, nil).Bytes()),
					l.r.SetMTU(linkR0, 1000+j),
				); err != nil {
					t.Error(err)
				}
				l.r0.Inject(udp(j).Frame(macR0, macH))
				l.r.Links()
				l.r.Addresses()
				l.r.Routes()
				l.r.Neighbours()
				l.r.Drops()
				if err := errors.Join(l.r.DeleteRoute(Route{Destination: d}), l.r.DeleteAddress(linkR0, a)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	control.Wait()
	cancel()
	running.Wait()
	if got := len(l.r.Addresses()); got != 3 {
		t.Errorf("%d addresses are left, want 3", got)
	}
	if got := len(l.r.Neighbours()); got < 2 {
		t.Errorf("%d neighbours are left", got)
	}
}

// armQueue is a queue in which a frame arrives just when it is armed.
type armQueue struct {
	nic.Queue
	onArm func() bool
}

func (q *armQueue) Arm() bool { return q.onArm() && q.Queue.Arm() }

// What comes between the last look and the sleep is seen before the sleep.
func TestNoLostWakeUp(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	w := l.r.worker
	noTimer := resetter(func(time.Duration) bool { return false })
	frame := udp(0).Frame(macR0, macH)
	p := w.ports[linkR0]
	q := &armQueue{Queue: p.queues[0]}
	p.queues = []nic.Queue{q}

	for name, event := range map[string]func() bool{
		"frame before Arm":  func() bool { l.r0.Inject(frame); return true },
		"Output before Arm": func() bool { l.must(l.r.Output(testnet.IPv4{From: addrR0, To: addrR1}.Bytes())); return true },
		"change before Arm": func() bool { l.must(l.r.SetMTU(linkR0, 1400)); return true },
	} {
		l.poll()
		q.onArm = event
		w.sleep(noTimer) // must return: nothing else would wake it
		q.onArm = func() bool { return true }
		l.poll()
		t.Log(name)
	}
	l.one(l.r1)
	if len(l.host.take()) != 1 {
		t.Error("the packet to ourselves was lost")
	}
}

type resetter func(time.Duration) bool

func (f resetter) Reset(d time.Duration) bool { return f(d) }

// The sleep ends at the next deadline, and soon when there are no buffers.
func TestSleepDeadline(t *testing.T) {
	l := newLab(t, labOptions{})
	l.in(udp(0).Frame(macR0, macH)) // asks for the gateway
	var asked time.Duration
	timer := resetter(func(d time.Duration) bool {
		asked = d
		l.clock.Advance(d)
		l.r.wake()
		return false
	})
	l.r.worker.sleep(timer)
	if asked != retransmitTime {
		t.Errorf("slept for %v, want %v", asked, retransmitTime)
	}
	l.r1.Sent()
	l.poll()
	l.arp(l.one(l.r1))
	for l.pool.Free() > 0 {
		defer l.pool.Put(l.pool.Get())
	}
	l.r.worker.sleep(timer)
	if asked != starvedPoll {
		t.Errorf("slept for %v without buffers, want %v", asked, starvedPoll)
	}
}

// A port whose link was never up is not started, and what comes in on a link
// that is down again goes nowhere.
func TestPortStartsWithLink(t *testing.T) {
	l := newLab(t, labOptions{})
	port := testnet.NewPort(macK, 9000, 8)
	l.addPort("r2", port, 4)
	l.poll()
	if port.Started() || l.pool.Size()-l.pool.Free() != 128 {
		t.Errorf("started %v, %d buffers taken", port.Started(), l.pool.Size()-l.pool.Free())
	}
	if info := l.r.Links()[3]; info.MTUBytes != 1500 || info.AdminUp || info.Driver != "testnet" || info.MAC != macK {
		t.Errorf("link %+v", info)
	}
	l.must(l.r.SetName(4, "wan0"))
	l.must(l.r.SetName(4, "wan0"))
	if info := l.r.Links()[3]; info.Name != "wan0" || info.MaxMTUBytes != 2048-nic.Headroom-ethernetRoom {
		t.Errorf("link %+v", info)
	}
	l.must(l.r.SetUp(4, true))
	l.poll()
	if !port.Started() {
		t.Error("not started")
	}
	l.must(port.Close())
}

// The driver's counters are added to the link's.
func TestDriverCounters(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	l.r0.SetStats([]nic.Stat{
		{Name: "rx_dropped", Value: 7}, {Name: "rx_errors", Value: 1}, {Name: "rx_missed", Value: 2}, {Name: "something", Value: 9},
		{Name: "tx_carrier", Value: 3}, {Name: "tx_collisions", Value: 4}, {Name: "tx_dropped", Value: 5}, {Name: "tx_errors", Value: 6},
	})
	l.in(testnet.Ethernet(testnet.BroadcastMAC, macH, packet.EtherTypeIPv6, nil))
	c := l.r.Links()[linkR0-1].Counters
	if c.RxDropped != 8 || c.RxErrors != 1 || c.RxMissed != 2 || c.TxCarrier != 3 || c.TxCollisions != 4 || c.TxDropped != 5 || c.TxErrors != 6 || c.RxMulticast != 1 {
		t.Errorf("counters %+v", c)
	}
}

func TestOnChange(t *testing.T) {
	l := newLab(t, labOptions{})
	calls := 0
	l.r.OnChange(func() {
		calls++
		l.r.Addresses() // may look
	})
	l.must(l.r.AddAddress(linkR0, netip.MustParsePrefix("10.0.0.1/8")))
	l.must(l.r.SetMTU(linkR0, 1000))
	if err := l.r.SetMTU(linkR0, 1); err == nil {
		t.Error("MTU 1 was taken")
	}
	l.r1.SetCarrier(nic.CarrierDown)
	l.poll()
	if calls != 3 {
		t.Errorf("%d calls, want 3", calls)
	}
}
