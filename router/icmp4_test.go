package router

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"barewire/internal/testnet"
	"barewire/packet"
)

// Each error goes to the sender, from the address of the link towards it, and
// quotes the packet as Linux does: the TTL is the one before or after the
// router's turn, depending on where the error arose.
func TestErrors(t *testing.T) {
	prefix := netip.MustParsePrefix
	for _, c := range []struct {
		name       string
		packet     testnet.IPv4
		kind, code uint8
		rest       uint32
		ttl        uint8 // in the quote
		drop       string
	}{
		{"TTL 1", testnet.IPv4{From: addrH, To: addrS, TTL: 1}, 11, 0, 0, 1, "TTL"},
		{"unreachable", testnet.IPv4{From: addrH, To: "10.1.0.1"}, 3, 1, 0, 64, "Unreachable"},
		{"prohibit", testnet.IPv4{From: addrH, To: "10.2.0.1"}, 3, 13, 0, 64, "Prohibited"},
		{"no route before TTL", testnet.IPv4{From: addrH, To: "10.2.0.1", TTL: 1}, 3, 13, 0, 1, "Prohibited"},
		{"too big", testnet.IPv4{From: addrH, To: addrS, Flags: packet.DontFragment, TOS: 0xff}, 3, 4, 500, 64, "TooBig"},
		{"options", testnet.IPv4{From: addrH, To: addrS, Options: []byte{1, 7, 9, 4}}, 12, 0, 21 << 24, 64, "Options"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, labOptions{}).know()
			l.must(l.r.AddRoute(Route{Destination: prefix("10.1.0.0/16"), Type: RouteUnreachable}))
			l.must(l.r.AddRoute(Route{Destination: prefix("10.2.0.0/16"), Type: RouteProhibit}))
			l.must(l.r.SetMTU(linkR1, 500))
			d := c.packet.UDP(5, 5, make([]byte, 700))
			l.in(d.Frame(macR0, macH))
			l.none(l.r1)
			p := l.ipv4(l.one(l.r0))
			quote := l.wantError(p, c.kind, c.code, addrR0, addrH)
			if m := packet.ICMP4(p.Payload()); m.Rest() != c.rest {
				t.Errorf("second word %#x, want %#x", m.Rest(), c.rest)
			}
			if len(p) != errorMaxLen {
				t.Errorf("error of %d bytes, want %d", len(p), errorMaxLen)
			}
			if p.TTL() != 64 || p.TOS() != c.packet.TOS&0x1e|0xc0 {
				t.Errorf("TTL %d TOS %#x", p.TTL(), p.TOS())
			}
			if want := d.Bytes()[:len(quote)]; !bytes.Equal(quote, want) || quote.TTL() != c.ttl {
				t.Errorf("quote %x, want %x", []byte(quote[:40]), want[:40])
			}
			l.wantDrops(map[string]uint64{c.drop: 1})
		})
	}
}

func TestNetUnreachable(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	l.must(l.r.DeleteRoute(Route{Destination: netip.MustParsePrefix("0.0.0.0/0")}))
	l.in(udp(4).Frame(macR0, macH))
	l.wantError(l.ipv4(l.one(l.r0)), 3, 0, addrR0, addrH)
	l.wantDrops(map[string]uint64{"NoRoute": 1})
}

func TestBlackholeIsSilent(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	l.must(l.r.AddRoute(Route{Destination: netip.MustParsePrefix("198.51.100.0/24"), Type: RouteBlackhole}))
	l.in(udp(4).Frame(macR0, macH))
	l.none(l.r0)
	l.none(l.r1)
	l.wantDrops(map[string]uint64{"Blackhole": 1})
}

// What RFC 1812 4.3.2.7 says must not be answered.
func TestNoErrorFor(t *testing.T) {
	expired := testnet.IPv4{From: addrH, To: addrS, TTL: 1}
	icmp := func(kind uint8) testnet.IPv4 { return expired.ICMP(kind, 0, 0, make([]byte, 28)) }
	later := expired.UDP(5, 5, make([]byte, 100))
	later.Offset = 8
	empty := expired
	empty.Proto = packet.ProtoICMP
	for name, d := range map[string]testnet.IPv4{
		"unreachable":       icmp(packet.ICMP4Unreachable),
		"source quench":     icmp(packet.ICMP4SourceQuench),
		"redirect":          icmp(packet.ICMP4Redirect),
		"time exceeded":     icmp(packet.ICMP4TimeExceeded),
		"parameter problem": icmp(packet.ICMP4ParameterProblem),
		"unknown type":      icmp(200),
		"ICMP without type": empty,
		"later fragment":    later,
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, labOptions{}).know()
			l.in(d.Frame(macR0, macH))
			l.none(l.r0)
			l.wantDrops(map[string]uint64{"TTL": 1})
		})
	}
	t.Run("group frame", func(t *testing.T) {
		l := newLab(t, labOptions{}).know()
		bad := testnet.IPv4{From: addrH, To: addrS, Options: []byte{7, 0, 0, 0}}.UDP(1, 1, nil)
		l.in(bad.Frame(testnet.BroadcastMAC, macH))
		l.none(l.r0)
		l.wantDrops(map[string]uint64{"Options": 1})
	})
	// An echo request is no error, and a first fragment is answered.
	for name, d := range map[string]testnet.IPv4{"echo request": icmp(packet.ICMP4EchoRequest), "first fragment": func() testnet.IPv4 {
		d := expired.UDP(5, 5, make([]byte, 100))
		d.Flags = packet.MoreFragments
		return d
	}()} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, labOptions{}).know()
			l.in(d.Frame(macR0, macH))
			l.wantError(l.ipv4(l.one(l.r0)), 11, 0, addrR0, addrH)
		})
	}
}

// A burst of six to one destination, then one a second.
func TestErrorLimitPerDestination(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	expired := testnet.IPv4{From: addrH, To: addrS, TTL: 1}.UDP(5, 5, nil).Frame(macR0, macH)
	l.in(slices.Repeat([][]byte{expired}, 20)...)
	if got := len(l.r0.Sent()); got != 6 {
		t.Errorf("%d errors at once, want 6", got)
	}
	l.wantDrops(map[string]uint64{"TTL": 20, "ErrorLimit": 14})
	l.clock.Advance(time.Second)
	l.in(expired, expired)
	l.one(l.r0)
}

// Fifty at once to all destinations together, then a thousand a second; what
// one destination was refused costs the others nothing.
func TestErrorLimitForAll(t *testing.T) {
	var limiter errorLimiter
	now := time.Hour
	for range 100 {
		limiter.allow(now, 1, packet.ICMP4TimeExceeded, 0)
	}
	sent := 0
	for to := range packet.Addr4(100) {
		if limiter.allow(now, 2+to, packet.ICMP4TimeExceeded, 0) {
			sent++
		}
	}
	if sent != 50-6 {
		t.Errorf("%d errors to others, want 44", sent)
	}
	now += 10 * time.Millisecond
	for to := range packet.Addr4(100) {
		if limiter.allow(now, 1000+to, packet.ICMP4TimeExceeded, 0) {
			sent++
		}
	}
	if sent != 44+10 {
		t.Errorf("%d errors after 10 ms, want 54", sent)
	}
	if !limiter.allow(now, 1, packet.ICMP4Unreachable, packet.ICMP4FragmentationNeeded) || !limiter.allow(now, 1, packet.ICMP4EchoReply, 0) {
		t.Error("fragmentation needed and echo replies must not be limited")
	}
}

// Path MTU discovery is never starved.
func TestTooBigIsNotLimited(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	l.must(l.r.SetMTU(linkR1, 500))
	d := testnet.IPv4{From: addrH, To: addrS, Flags: packet.DontFragment}.UDP(5, 5, make([]byte, 700)).Frame(macR0, macH)
	l.in(slices.Repeat([][]byte{d}, 20)...)
	if got := len(l.r0.Sent()); got != 20 {
		t.Errorf("%d errors, want 20", got)
	}
}
