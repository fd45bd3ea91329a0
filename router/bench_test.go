package router

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"github.com/gaissmai/bart"

	"barewire/internal/testnet"
	"barewire/nic"
	"barewire/packet"
)

// loopQueue receives what it is set to and takes everything for sent at once:
// the cost of a driver is not in it.
type loopQueue struct {
	rx []*nic.Buffer
	tx []*nic.Buffer
}

func (q *loopQueue) Provide(*nic.Pool) {}

func (q *loopQueue) Receive(batch []*nic.Buffer) int {
	n := copy(batch, q.rx)
	q.rx = q.rx[n:]
	return n
}

func (q *loopQueue) Transmit(batch []*nic.Buffer) int {
	q.tx = append(q.tx, batch...)
	return len(batch)
}

func (q *loopQueue) Reclaim(p *nic.Pool) {}
func (q *loopQueue) Arm() bool           { return true }
func (q *loopQueue) Disarm()             {}

// forwarding is a lab in which a batch of frames goes round from r0 to r1.
type forwarding struct {
	*lab
	in, out *loopQueue
	frames  []*nic.Buffer
	sent    [][]byte // the frames as they came in
}

// newForwarding makes packets to flows different destinations, in a table of
// routes, through a gateway.
func newForwarding(t testing.TB, flows, routes int) *forwarding {
	l := newLab(t, labOptions{}).know()
	random := rand.New(rand.NewPCG(3, 4))
	for i := range routes {
		p := netip.PrefixFrom(packet.Addr4(random.Uint32()&0x1fffffff|0x40000000).Netip(), 12+i%13).Masked()
		l.r.AddRoute(Route{Destination: p, Gateway: netip.MustParseAddr(addrG)}) // doubles are refused
	}
	l.poll()
	f := &forwarding{lab: l, in: &loopQueue{}, out: &loopQueue{tx: make([]*nic.Buffer, 0, batchSize)}}
	l.r.worker.ports[linkR0].queues = []nic.Queue{f.in}
	l.r.worker.ports[linkR1].queues = []nic.Queue{f.out}
	for range batchSize {
		f.frames = append(f.frames, l.pool.Get())
	}
	for range flows {
		to := packet.Addr4(random.Uint32()&0x1fffffff | 0x40000000).String()
		f.sent = append(f.sent, testnet.IPv4{From: addrH, To: to}.UDP(5, 5, make([]byte, 18)).Frame(macR0, macH))
	}
	t.Cleanup(func() {
		l.r.worker.report() // answers to r0 that are not on their way yet
		for _, b := range append(f.frames, f.in.tx...) {
			l.pool.Put(b)
		}
	})
	return f
}

// round has one batch received, forwarded and transmitted.
func (f *forwarding) round(at int) {
	for i, b := range f.frames {
		s := f.sent[(at+i)%len(f.sent)]
		b.SetFrame(nic.Headroom, len(s))
		copy(b.Bytes(), s)
	}
	f.in.rx, f.out.tx = f.frames, f.out.tx[:0]
	f.r.worker.poll()
	if len(f.out.tx) != batchSize {
		f.Fatalf("%d of %d packets left; drops %v", len(f.out.tx), batchSize, f.drops())
	}
}

// BenchmarkForward is the whole path of a packet, with the test's own copying
// of the frame into its buffer, which BenchmarkRefill measures alone.
func BenchmarkForward(b *testing.B) {
	for _, c := range []struct{ flows, routes int }{{1, 1}, {4096, 1000}, {65536, 100000}} {
		b.Run(fmt.Sprintf("flows=%d/routes=%d", c.flows, c.routes), func(b *testing.B) {
			f := newForwarding(b, c.flows, c.routes)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += batchSize {
				f.round(n)
			}
		})
	}
}

func BenchmarkRefill(b *testing.B) {
	f := newForwarding(b, 4096, 1)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += batchSize {
		for i, buffer := range f.frames {
			s := f.sent[(n+i)%len(f.sent)]
			buffer.SetFrame(nic.Headroom, len(s))
			copy(buffer.Bytes(), s)
		}
	}
}

func BenchmarkFIBLookup(b *testing.B) {
	for _, routes := range []int{10, 1000, 100000} {
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			random := rand.New(rand.NewPCG(5, 6))
			table := new(bart.Table[nextHop])
			for i := range routes {
				table.Insert(netip.PrefixFrom(packet.Addr4(random.Uint32()).Netip(), 12+i%13).Masked(), nextHop{kind: RouteUnicast, link: 2})
			}
			f := &fib{table}
			addresses := make([]packet.Addr4, 4096)
			for i := range addresses {
				addresses[i] = packet.Addr4(random.Uint32())
			}
			b.ReportAllocs()
			i, found := 0, 0
			for b.Loop() {
				if f.lookup(addresses[i&4095]).kind != 0 {
					found++
				}
				i++
			}
		})
	}
}

func BenchmarkNeighbourLookup(b *testing.B) {
	l := newLab(b, labOptions{}).know()
	address := testnet.Addr(addrG)
	b.ReportAllocs()
	for b.Loop() {
		if l.r.worker.neighbours.lookup(linkR1, address) == nil {
			b.Fatal("not found")
		}
	}
}

// BenchmarkDrop is a flood of packets that nobody answers.
func BenchmarkDrop(b *testing.B) {
	f := newForwarding(b, 1, 1)
	expired := testnet.IPv4{From: addrH, To: addrS, TTL: 1}.UDP(5, 5, nil).Frame(macR0, macH)
	w := f.r.worker
	p := w.ports[linkR0]
	b.ReportAllocs()
	b.ResetTimer()
	batch := make([]*nic.Buffer, 1)
	for range b.N {
		batch[0] = w.pool.Get()
		batch[0].SetFrame(nic.Headroom, len(expired))
		copy(batch[0].Bytes(), expired)
		w.receive(p, batch)
	}
}

// silentHost takes everything and keeps nothing.
type silentHost struct{}

func (silentHost) Receive(int, []byte) {}

func TestNoAllocs(t *testing.T) {
	f := newForwarding(t, 64, 100)
	l := newLab(t, labOptions{}).know()
	w := l.r.worker
	p := w.ports[linkR0]
	batch := make([]*nic.Buffer, 1)
	receive := func(frame []byte) func() {
		return func() {
			batch[0] = w.pool.Get()
			batch[0].SetFrame(nic.Headroom, len(frame))
			copy(batch[0].Bytes(), frame)
			w.receive(p, batch)
			for _, b := range p.tx[:p.ntx] { // what it answered
				w.pool.Put(b)
			}
			p.ntx = 0
		}
	}
	l.r.AttachHost(silentHost{}) // the recorder copies
	l.poll()
	for name, do := range map[string]func(){
		"forward":       func() { f.round(0) },
		"idle":          func() { l.r.worker.poll() },
		"drop":          receive(testnet.IPv4{From: addrH, To: "224.0.0.1"}.Frame(macR0, macH)),
		"ICMP error":    receive(testnet.IPv4{From: addrH, To: addrS, TTL: 1}.UDP(5, 5, nil).Frame(macR0, macH)),
		"to us":         receive(testnet.IPv4{From: addrH, To: addrR0}.UDP(5, 5, nil).Frame(macR0, macH)),
		"ARP request":   receive(testnet.Request(macH, addrH, addrR0)),
		"waiting":       receive(testnet.IPv4{From: addrH, To: addrK}.UDP(5, 5, nil).Frame(macR0, macH)),
		"wake":          l.r.wake,
		"options":       receive(testnet.IPv4{From: addrH, To: addrS, TTL: 1, Options: []byte{148, 4, 0, 0}}.Frame(macR0, macH)),
		"source routed": receive(testnet.IPv4{From: addrH, To: addrS, Options: []byte{131, 3, 4, 0}}.Frame(macR0, macH)),
	} {
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// Sizes of what every packet touches. The table of routes holds the first a
// million times, the neighbour table the last, of which forwarding reads the
// first cache line.
func TestSizes(t *testing.T) {
	neighbour := reflect.TypeFor[neighbour]()
	cold, _ := neighbour.FieldByName("confirmed")
	for name, c := range map[string]struct{ got, most uintptr }{
		"nextHop":                   {reflect.TypeFor[nextHop]().Size(), 12},
		"packet.Meta":               {reflect.TypeFor[packet.Meta]().Size(), 12},
		"the hot part of neighbour": {cold.Offset, 64},
		"neighbour":                 {neighbour.Size(), 128},
	} {
		if c.got > c.most {
			t.Errorf("%s has %d bytes, want at most %d", name, c.got, c.most)
		}
	}
}
