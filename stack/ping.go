package stack

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"time"

	"barewire/packet"
	"barewire/router"
)

// PingOptions say how to ping. The zero value is ping(8)'s default, but for
// PayloadBytes, where 0 is no payload.
type PingOptions struct {
	Count        int           // requests to send; 0: until ctx ends
	Interval     time.Duration // between two requests; 0: a second
	Timeout      time.Duration // to wait for the first reply after the last request; 0: ten seconds
	Deadline     time.Duration // for all; 0: none
	PayloadBytes int           // in each request, at most MaxPingPayload
	TTL          uint8         // 0: 64
	Source       netip.Addr    // invalid: as the routes choose
	Started      func()        // called once before the first request; may be nil
}

// MaxPingPayload is what fits in an IPv4 packet with an ICMP header.
const MaxPingPayload = packet.IPv4MaxLen - packet.IPv4HeaderLen - packet.ICMP4HeaderLen

// Echo is what came back for a request: a reply, or an ICMP error.
type Echo struct {
	Sequence  int        // from 1; wraps after 65535
	From      netip.Addr // who answered
	Bytes     int        // of ICMP
	TTL       int        // of the answer, as it came in
	RTT       time.Duration
	Duplicate bool // the request was answered before

	Failed     bool   // an ICMP error
	Type, Code uint8  // of the error
	Rest       uint32 // second word of the error: an MTU, a pointer or a gateway

	at time.Duration // when it came in
}

// PingStatistics sum up a ping as ping(8) does.
type PingStatistics struct {
	Sent, Received, Duplicates, Errors int
	Elapsed                            time.Duration // from the first request to the last
	Min, Average, Max, Deviation       time.Duration // of the round trips; in whole microseconds
	Pipe                               int           // requests under way at the same time, at most
}

// pingWindow is how many requests are remembered for what comes back.
const pingWindow = 1024

// Defaults of ping(8).
const (
	pingInterval = time.Second
	pingTimeout  = 10 * time.Second
	pingTTL      = 64
)

// Ping sends echo requests and calls each for what comes back, in order, on
// the caller's goroutine. It returns when all is answered or overdue, or when
// ctx ends, which is no error. An error means that nothing was sent.
func (n *Namespace) Ping(ctx context.Context, to netip.Addr, o PingOptions, each func(Echo)) (PingStatistics, error) {
	source, err := n.pingSource(to, o)
	if err != nil {
		return PingStatistics{}, err
	}
	s, err := n.echo.open(to)
	if err != nil {
		return PingStatistics{}, err
	}
	defer n.echo.release(s)
	p := pinger{n: n, session: s, o: o.filled(), source: source, each: each, id: uint16(rand.Uint32())}
	p.run(ctx)
	return p.statistics(), nil
}

// pingSource finds the way, and refuses what ping(8) refuses.
func (n *Namespace) pingSource(to netip.Addr, o PingOptions) (netip.Addr, error) {
	if !to.Is4() {
		return netip.Addr{}, syscall.EAFNOSUPPORT
	}
	if o.PayloadBytes < 0 || o.PayloadBytes > MaxPingPayload {
		return netip.Addr{}, syscall.EMSGSIZE
	}
	route, source, err := n.router.Lookup(to)
	switch {
	case err != nil:
		return netip.Addr{}, err
	case route.Type == router.RouteBroadcast:
		return netip.Addr{}, syscall.EACCES
	}
	if o.Source.IsValid() {
		for _, a := range n.router.Addresses() {
			if a.Prefix.Addr() == o.Source {
				return o.Source, nil
			}
		}
		return netip.Addr{}, syscall.EADDRNOTAVAIL
	}
	if !source.IsValid() {
		return netip.Addr{}, syscall.EADDRNOTAVAIL
	}
	return source, nil
}

func (o PingOptions) filled() PingOptions {
	if o.Interval == 0 {
		o.Interval = pingInterval
	}
	if o.Timeout == 0 {
		o.Timeout = pingTimeout
	}
	if o.TTL == 0 {
		o.TTL = pingTTL
	}
	return o
}

// pinger is a running ping; it belongs to one goroutine.
type pinger struct {
	n       *Namespace
	session *echoSession
	o       PingOptions
	source  netip.Addr
	each    func(Echo)
	id      uint16 // IPv4 identification of the next request

	sent        [pingWindow]pingRequest // by sequence number modulo pingWindow
	total       PingStatistics
	first, last time.Duration // when requests were sent
	sum, square int64         // of round trips in microseconds, duplicates included
}

type pingRequest struct {
	sequence uint16
	used     bool
	answered bool
	at       time.Duration
}

func (p *pinger) run(ctx context.Context) {
	due := make(chan struct{}, 1)
	timer := p.n.clock.AfterFunc(0, func() { post(due) })
	defer timer.Stop()
	var overdue chan struct{}
	if p.o.Deadline > 0 {
		overdue = make(chan struct{}, 1)
		limit := p.n.clock.AfterFunc(p.o.Deadline, func() { post(overdue) })
		defer limit.Stop()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.session.ended:
			return
		case <-overdue:
			return
		case <-due:
			if p.o.Count > 0 && p.total.Sent == p.o.Count {
				return // nothing more came in time
			}
			p.request()
			timer.Reset(p.pause())
		case m := <-p.session.arrived:
			p.answer(m)
			if p.o.Count > 0 && p.total.Received+p.total.Errors >= p.o.Count {
				return
			}
		}
	}
}

func post(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pause is the time until the next request or, after the last one, for which
// answers are awaited: two round trips when there were any.
func (p *pinger) pause() time.Duration {
	switch {
	case p.o.Count == 0 || p.total.Sent < p.o.Count:
		return p.o.Interval
	case p.total.Received > 0:
		return max(2*p.total.Max, p.o.Interval)
	}
	return p.o.Timeout
}

// request sends the next request.
func (p *pinger) request() {
	if p.total.Sent == 0 && p.o.Started != nil {
		p.o.Started()
	}
	p.total.Sent++
	sequence := uint16(p.total.Sent)
	now := p.n.clock.Now() // after Started, which may print
	if p.total.Sent == 1 {
		p.first = now
	}
	p.last = now
	p.sent[sequence%pingWindow] = pingRequest{sequence: sequence, used: true, at: now}

	b := make([]byte, packet.IPv4HeaderLen+packet.ICMP4HeaderLen+p.o.PayloadBytes)
	payload := b[packet.IPv4HeaderLen+packet.ICMP4HeaderLen:]
	for i := range payload {
		payload[i] = byte(i)
	}
	packet.ICMP4(b[packet.IPv4HeaderLen:]).Set(packet.ICMP4EchoRequest, 0, uint32(p.session.identifier)<<16|uint32(sequence))
	packet.IPv4(b).Set(packet.Header4{
		TTL: p.o.TTL, Proto: packet.ProtoICMP, ID: p.id, TotalLen: len(b),
		Source: packet.Addr4From(p.source), Destination: packet.Addr4From(p.session.to),
	})
	p.id++
	if p.n.router.Output(b) != nil {
		p.n.line.refused.Add(1) // shows as a request without an answer
	}
}

// answer takes up what came back.
func (p *pinger) answer(m Echo) {
	if m.Failed && (m.Type == packet.ICMP4Redirect || m.Type == packet.ICMP4SourceQuench) {
		p.each(m) // advice, no answer
		return
	}
	request := &p.sent[uint16(m.Sequence)%pingWindow]
	if !request.used || request.sequence != uint16(m.Sequence) {
		return // of a request so long ago that it is forgotten, or of none
	}
	p.total.Pipe = max(p.total.Pipe, int(uint16(p.total.Sent)-request.sequence)+1)
	if m.Failed {
		p.total.Errors++
		p.each(m)
		return
	}
	m.RTT = m.at - request.at
	m.Duplicate = request.answered
	request.answered = true
	if m.Duplicate {
		p.total.Duplicates++
	} else {
		p.total.Received++
	}
	us := m.RTT.Microseconds()
	p.sum += us
	p.square += us * us
	if p.total.Received+p.total.Duplicates == 1 || m.RTT < p.total.Min {
		p.total.Min = m.RTT
	}
	p.total.Max = max(p.total.Max, m.RTT)
	p.each(m)
}

func (p *pinger) statistics() PingStatistics {
	t := p.total
	t.Elapsed = p.last - p.first
	if all := int64(t.Received + t.Duplicates); all > 0 {
		t.Average = time.Duration(p.sum/all) * time.Microsecond
		t.Deviation = time.Duration(root((p.square-p.sum*p.sum/all)/all)) * time.Microsecond
	}
	return t
}

// root is the integer square root.
func root(x int64) int64 {
	if x <= 0 {
		return 0
	}
	r := x
	for next := (r + 1) / 2; next < r; next = (r + x/r) / 2 {
		r = next
	}
	return r
}
