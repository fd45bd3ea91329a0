package router

import (
	"time"

	"barewire/packet"
)

const (
	// errorMaxLen is the size of an ICMP error at most (RFC 1812 4.3.2.3).
	errorMaxLen = 576
	errorTTL    = 64
	// errorPrecedence is the precedence "internetwork control" that errors have
	// (RFC 1812 4.3.2.5); the rest of the TOS is the packet's own.
	errorPrecedence = 0xc0
	tosMask         = 0x1e
	// knownTypes is the highest ICMP type that Linux knows. Of a higher one it
	// cannot tell whether it is an error, and takes it for one.
	knownTypes = 18
)

// sendError tells the sender of a packet what became of it, when RFC 1812 4.3.2
// lets us and the limits do. rest is the second word of the ICMP header. The
// packet stays with the caller. Packet context.
func (w *Worker) sendError(ip packet.IPv4, flags packet.Flags, kind, code uint8, rest uint32) {
	to := ip.Source()
	if !w.mayAnswer(ip, flags) {
		return
	}
	hop := w.t.lookupOutput(to)
	if hop.kind != RouteUnicast && hop.kind != RouteLocal {
		return
	}
	source := w.errorSource(ip, hop)
	if source == 0 {
		return
	}
	if hop.kind == RouteUnicast && !w.limiter.allow(w.now, to, kind, code) {
		w.drop(nil, dropErrorLimit)
		return
	}
	b := w.pool.Get()
	if b == nil {
		w.drop(nil, dropNoBuffer)
		return
	}
	const headers = packet.IPv4HeaderLen + packet.ICMP4HeaderLen
	p := w.newPacket(b, headers+min(len(ip), errorMaxLen-headers))
	copy(p[headers:], ip)
	packet.ICMP4(p[packet.IPv4HeaderLen:]).Set(kind, code, rest)
	w.fragmentID++
	p.Set(packet.Header4{
		TOS: ip.TOS()&tosMask | errorPrecedence, TTL: errorTTL, Proto: packet.ProtoICMP, ID: w.fragmentID,
		TotalLen: len(p), Source: source, Destination: to,
	})
	if hop.kind == RouteLocal {
		w.loop(p)
		w.finish(b, done)
		return
	}
	if v := w.send(w.ports[hop.link], b, p, hop); v != taken {
		w.finish(b, v)
	}
}

// mayAnswer tells whether a packet may be answered by an error: not one that
// is an error, a later fragment, for all or from nobody (RFC 1812 4.3.2.7).
func (w *Worker) mayAnswer(ip packet.IPv4, flags packet.Flags) bool {
	if ip.Source() == 0 || flags.Has(packet.FlagGroup) || ip.FragmentOffset() != 0 || w.t.toAll(ip.Destination()) {
		return false
	}
	if !flags.Has(packet.FlagLocal) && w.martian(ip.Source()) {
		return false
	}
	if ip.Proto() != packet.ProtoICMP {
		return true
	}
	m := packet.ICMP4(ip.Payload())
	return len(m) > 0 && m.Type() <= knownTypes && !m.Error()
}

// errorSource is the address that an error comes from: the one that the packet
// was for when it is ours, else that of the way back to the sender.
func (w *Worker) errorSource(ip packet.IPv4, hop nextHop) packet.Addr4 {
	if d := ip.Destination(); w.t.fib.lookup(d).kind == RouteLocal {
		return d
	}
	return w.t.sourceFor(hop, ip.Source())
}

// Linux's limits for ICMP errors.
const (
	errorsPerSecond   = 1000        // to all together (icmp_msgs_per_sec)
	errorsBurst       = 50          // (icmp_msgs_burst)
	errorInterval     = time.Second // to one destination (icmp_ratelimit)
	errorIntervalMax  = 6           // intervals that a destination can save up
	limitedTypes      = 1<<packet.ICMP4Unreachable | 1<<packet.ICMP4SourceQuench | 1<<packet.ICMP4TimeExceeded | 1<<packet.ICMP4ParameterProblem
	limiterSlots      = 1024 // ours: destinations that are remembered
	errorsGlobalEvery = time.Second / errorsPerSecond
)

// errorLimiter keeps ICMP errors rare: a bucket of tokens for all and one for
// each destination. Destinations that fall into one slot push each other out;
// then only the bucket for all holds, which is what it is for.
type errorLimiter struct {
	seed   uint32
	filled bool // the bucket for all was filled once
	all    tokens
	to     [limiterSlots]struct {
		address packet.Addr4
		tokens  tokens
	}
}

// tokens is a bucket that fills with the time that passes.
type tokens struct {
	saved time.Duration
	at    time.Duration
}

// refill adds the time since the last look.
func (t *tokens) refill(now, most time.Duration) {
	t.saved = min(t.saved+now-t.at, most)
	t.at = now
}

// allow tells whether an error may be sent, and takes the tokens if so. Path
// MTU discovery needs every "fragmentation needed": those are not limited. Packet context.
func (l *errorLimiter) allow(now time.Duration, to packet.Addr4, kind, code uint8) bool {
	if kind > knownTypes || limitedTypes>>kind&1 == 0 || kind == packet.ICMP4Unreachable && code == packet.ICMP4FragmentationNeeded {
		return true
	}
	if !l.filled {
		l.filled, l.all = true, tokens{errorsBurst * errorsGlobalEvery, now}
	}
	l.all.refill(now, errorsBurst*errorsGlobalEvery)
	slot := &l.to[(uint32(to)^l.seed)*0x9e3779b1>>22]
	if slot.address != to {
		slot.address, slot.tokens = to, tokens{errorIntervalMax * errorInterval, now}
	}
	slot.tokens.refill(now, errorIntervalMax*errorInterval)
	if l.all.saved < errorsGlobalEvery || slot.tokens.saved < errorInterval {
		return false
	}
	l.all.saved -= errorsGlobalEvery
	slot.tokens.saved -= errorInterval
	return true
}
