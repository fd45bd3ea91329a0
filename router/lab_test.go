package router

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"barewire/internal/clock"
	"barewire/internal/testnet"
	"barewire/nic"
	"barewire/packet"
)

// The lab of most tests: a host H on r0, a gateway G and a server S behind r1.
//
//	H 192.168.1.10 -- r0 192.168.1.1/24 [router] r1 203.0.113.1/24 -- G 203.0.113.254 -- S 198.51.100.7
var (
	macR0 = nic.MAC{2, 0, 0, 0, 0, 1}
	macR1 = nic.MAC{2, 0, 0, 0, 0, 2}
	macH  = nic.MAC{2, 0, 0, 0, 1, 1}
	macK  = nic.MAC{2, 0, 0, 0, 1, 2}
	macG  = nic.MAC{2, 0, 0, 0, 2, 1}
)

const (
	addrR0 = "192.168.1.1"
	addrR1 = "203.0.113.1"
	addrH  = "192.168.1.10"
	addrK  = "192.168.1.20"
	addrG  = "203.0.113.254"
	addrS  = "198.51.100.7"

	linkR0 = 2
	linkR1 = 3
)

type lab struct {
	testing.TB
	clock  *clock.Simulated
	pool   *nic.Pool
	r      *Router
	r0, r1 *testnet.Port
	host   *recorder
}

// recorder is a host that keeps what it was given.
type recorder struct {
	links   []int
	packets [][]byte
	reply   func(packet []byte) // called for each packet; may be nil
}

func (h *recorder) Receive(link int, p []byte) {
	h.links = append(h.links, link)
	h.packets = append(h.packets, slices.Clone(p))
	if h.reply != nil {
		h.reply(p)
	}
}

func (h *recorder) take() [][]byte {
	p := h.packets
	h.packets, h.links = nil, nil
	return p
}

type labOptions struct {
	options Options
	buffers int
	ring    int
	mtu     int
}

// newLab builds the lab, up and announced, with empty neighbour tables. At the
// end of the test every buffer must be back.
func newLab(t testing.TB, o labOptions) *lab {
	t.Helper()
	if o.buffers == 0 {
		o.buffers = 512
	}
	if o.ring == 0 {
		o.ring = 64
	}
	if o.mtu == 0 {
		o.mtu = 1500
	}
	pool, err := nic.NewPool(make([]byte, o.buffers*2048), 0, 2048)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{TB: t, clock: clock.NewSimulated(time.Unix(0, 0)), pool: pool, host: &recorder{}}
	o.options.Clock, o.options.Pool = l.clock, pool
	if o.options.Random == nil {
		o.options.Random = rand.NewPCG(1, 2)
	}
	l.r = New(o.options)
	l.r.AttachHost(l.host)
	l.r0 = testnet.NewPort(macR0, o.mtu, o.ring)
	l.r1 = testnet.NewPort(macR1, o.mtu, o.ring)
	l.addPort("r0", l.r0, linkR0)
	l.addPort("r1", l.r1, linkR1)
	l.must(l.r.AddAddress(linkR0, netip.MustParsePrefix(addrR0+"/24")))
	l.must(l.r.AddAddress(linkR1, netip.MustParsePrefix(addrR1+"/24")))
	l.must(l.r.SetUp(linkR0, true))
	l.must(l.r.SetUp(linkR1, true))
	l.must(l.r.AddRoute(Route{Destination: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr(addrG), Protocol: ProtocolStatic}))
	l.poll()
	l.r0.Sent()
	l.r1.Sent()
	t.Cleanup(l.checkWhole)
	return l
}

func (l *lab) addPort(name string, p *testnet.Port, want int) {
	l.Helper()
	index, err := l.r.AddPort(name, p)
	if err != nil || index != want {
		l.Fatalf("AddPort(%s) = %d, %v, want index %d", name, index, err, want)
	}
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// know makes H and G reachable neighbours.
func (l *lab) know() *lab {
	l.must(l.r.AddNeighbour(Neighbour{Address: netip.MustParseAddr(addrH), Link: linkR0, MAC: macH}))
	l.must(l.r.AddNeighbour(Neighbour{Address: netip.MustParseAddr(addrG), Link: linkR1, MAC: macG}))
	l.poll()
	return l
}

// poll has the worker do what there is to do.
func (l *lab) poll() {
	for l.r.worker.poll() {
	}
}

// wait lets time pass in steps that no timer of the router is finer than.
func (l *lab) wait(d time.Duration) {
	const step = 100 * time.Millisecond
	for ; d > 0; d -= step {
		l.clock.Advance(min(d, step))
		l.poll()
	}
}

// in sends frames to r0, in1 to r1.
func (l *lab) in(frames ...[]byte) {
	l.r0.Inject(frames...)
	l.poll()
}

func (l *lab) in1(frames ...[]byte) {
	l.r1.Inject(frames...)
	l.poll()
}

// drops are the reasons that have counted since the lab was made, by name.
func (l *lab) drops() map[string]uint64 {
	m := map[string]uint64{}
	for _, d := range l.r.Drops() {
		if d.Count > 0 {
			m[d.Name] = d.Count
		}
	}
	return m
}

// wantDrops checks all counted reasons.
func (l *lab) wantDrops(want map[string]uint64) {
	l.Helper()
	got := l.drops()
	for name := range got {
		if got[name] != want[name] {
			l.Errorf("%s counted %d, want %d", name, got[name], want[name])
		}
	}
	for name := range want {
		if got[name] == 0 {
			l.Errorf("%s counted 0, want %d", name, want[name])
		}
	}
}

// one takes the only frame that a port sent.
func (l *lab) one(p *testnet.Port) []byte {
	l.Helper()
	frames := p.Sent()
	if len(frames) != 1 {
		l.Fatalf("%d frames were sent, want 1: %x", len(frames), frames)
	}
	return frames[0]
}

// none checks that a port sent nothing.
func (l *lab) none(p *testnet.Port) {
	l.Helper()
	if frames := p.Sent(); len(frames) != 0 {
		l.Fatalf("%d frames were sent, want none: %x", len(frames), frames)
	}
}

// state is a neighbour's state.
func (l *lab) state(link int, address string) NeighbourState {
	for _, n := range l.r.Neighbours() {
		if n.Link == link && n.Address.String() == address {
			return n.State
		}
	}
	return NeighbourNone
}

// checkWhole stops everything; all buffers must be in the pool.
func (l *lab) checkWhole() {
	l.r.worker.stop()
	l.must(l.r0.Close())
	l.must(l.r1.Close())
	if l.pool.Free() != l.pool.Size() {
		l.Errorf("%d of %d buffers came back", l.pool.Free(), l.pool.Size())
	}
	if w := l.r.worker.neighbours.waiting; w != 0 {
		l.Errorf("%d packets are said to wait", w)
	}
}

// ipv4 is the packet in a frame; the header checksum must be right.
func (l *lab) ipv4(frame []byte) packet.IPv4 {
	l.Helper()
	var m packet.Meta
	if r := packet.Parse(frame, &m); r != packet.OK || m.EtherType != packet.EtherTypeIPv4 {
		l.Fatalf("not an IPv4 frame (%d): %x", r, frame)
	}
	p := packet.IPv4(frame[m.L3:m.End])
	if !p.ChecksumOK() {
		l.Fatalf("wrong header checksum: %x", frame)
	}
	return p
}

// wantError checks that an IPv4 packet is an ICMP error from and to these
// addresses, and returns the packet that it quotes.
func (l *lab) wantError(p packet.IPv4, kind, code uint8, from, to string) packet.IPv4 {
	l.Helper()
	m := packet.ICMP4(p.Payload())
	if p.Proto() != packet.ProtoICMP || !packet.ValidICMP4(m) || m.Type() != kind || m.Code() != code {
		l.Fatalf("want ICMP %d/%d, got %x", kind, code, []byte(p))
	}
	if p.Source().String() != from || p.Destination().String() != to {
		l.Errorf("error from %v to %v, want %s to %s", p.Source(), p.Destination(), from, to)
	}
	if packet.Checksum(m) != 0 {
		l.Errorf("wrong ICMP checksum: %x", []byte(p))
	}
	return packet.IPv4(m.Payload())
}

// udp is a packet from H to S.
func udp(data int) testnet.IPv4 {
	return testnet.IPv4{From: addrH, To: addrS}.UDP(5, 5, make([]byte, data))
}
