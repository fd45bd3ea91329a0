package stack

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"barewire/internal/clock"
	"barewire/packet"
)

// maxEchoSessions bounds the pings that run at the same time.
const maxEchoSessions = 64

// echoes finds the running ping that an inbound ICMP message belongs to.
// Replies come from gVisor, which has put fragments together; errors are taken
// from the line before gVisor sees them, as it knows of no such packet.
type echoes struct {
	clock clock.Clock

	mu       sync.Mutex // protects the fields below; a leaf
	sessions map[uint16]*echoSession
	closed   bool
}

// echoSession is one running ping. Its fields do not change.
type echoSession struct {
	identifier uint16
	to         netip.Addr
	arrived    chan Echo // what came back; what does not fit is lost, as in a socket's buffer
	ended      chan struct{}
}

// open begins a session with an identifier that no other has.
func (e *echoes) open(to netip.Addr) (*echoSession, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, syscall.ENETDOWN
	}
	if len(e.sessions) >= maxEchoSessions {
		return nil, syscall.EMFILE
	}
	for {
		id := uint16(rand.Uint32())
		if e.sessions[id] == nil {
			s := &echoSession{identifier: id, to: to, arrived: make(chan Echo, 128), ended: make(chan struct{})}
			e.sessions[id] = s
			return s, nil
		}
	}
}

func (e *echoes) release(s *echoSession) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sessions, s.identifier)
}

// close ends all sessions.
func (e *echoes) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for _, s := range e.sessions {
		close(s.ended)
	}
}

func (e *echoes) session(identifier uint16) *echoSession {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sessions[identifier]
}

// deliver gives a session what came back for it now.
func (e *echoes) deliver(s *echoSession, m Echo) {
	m.at = e.clock.Now()
	select {
	case s.arrived <- m:
	default:
	}
}

// reply takes an echo reply that gVisor has checked. It reports whether the
// reply was for a ping of ours.
func (e *echoes) reply(_ stack.TransportEndpointID, p *stack.PacketBuffer) bool {
	view := p.ToView()
	defer view.Release()
	b := view.AsSlice()
	if len(b) < packet.IPv4HeaderLen {
		return false
	}
	ip := packet.IPv4(b)
	// The length field is a fragment's: what gVisor put together is longer.
	if ip.HeaderLen() < packet.IPv4HeaderLen || ip.HeaderLen() > len(b) || !packet.ValidICMP4(b[ip.HeaderLen():]) {
		return false
	}
	icmp := packet.ICMP4(b[ip.HeaderLen():])
	if icmp.Type() != packet.ICMP4EchoReply {
		return false
	}
	s := e.session(uint16(icmp.Rest() >> 16))
	if s == nil {
		return false
	}
	e.deliver(s, Echo{Sequence: int(uint16(icmp.Rest())), From: ip.Source().Netip(), TTL: int(ip.TTL()), Bytes: len(icmp)})
	return true
}

// failed takes an ICMP error that speaks of an echo request of ours, and
// reports whether b was one.
func (e *echoes) failed(b []byte) bool {
	if !packet.ValidIPv4(b) {
		return false
	}
	ip := packet.IPv4(b)
	if ip.Proto() != packet.ProtoICMP || ip.Fragment() || !packet.ValidICMP4(ip.Payload()) {
		return false
	}
	icmp := packet.ICMP4(ip.Payload())
	if !icmp.Error() || packet.Checksum(icmp) != 0 {
		return false
	}
	// An error holds the start of the packet: too little for ValidIPv4.
	inner := icmp.Payload()
	if len(inner) < packet.IPv4HeaderLen {
		return false
	}
	sent := packet.IPv4(inner)
	if sent.Version() != 4 || sent.Proto() != packet.ProtoICMP || sent.FragmentOffset() != 0 ||
		sent.HeaderLen() < packet.IPv4HeaderLen || len(inner) < sent.HeaderLen()+packet.ICMP4HeaderLen {
		return false
	}
	request := packet.ICMP4(inner[sent.HeaderLen():])
	if request.Type() != packet.ICMP4EchoRequest {
		return false
	}
	s := e.session(uint16(request.Rest() >> 16))
	if s == nil || s.to != sent.Destination().Netip() {
		return false
	}
	e.deliver(s, Echo{
		Sequence: int(uint16(request.Rest())), From: ip.Source().Netip(), TTL: int(ip.TTL()), Bytes: len(icmp),
		Failed: true, Type: icmp.Type(), Code: icmp.Code(), Rest: icmp.Rest(),
	})
	return true
}
