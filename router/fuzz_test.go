package router

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"barewire/internal/testnet"
	"barewire/packet"
)

// FuzzInput sends any frames through the whole path, as the pieces of one input
// with two bytes of length and one of port and time before each. Nothing panics,
// every buffer comes back, what leaves is a frame that a host can read, and
// every packet is accounted for.
func FuzzInput(f *testing.F) {
	var all []byte
	for _, frame := range [][]byte{
		udp(40).Frame(macR0, macH),
		udp(0).Frame(macR0, macH)[:30],
		testnet.IPv4{From: addrH, To: addrS, TTL: 1}.UDP(5, 5, nil).Frame(macR0, macH),
		testnet.IPv4{From: addrH, To: addrS, Options: []byte{7, 7, 4, 0, 0, 0, 0, 0}}.UDP(5, 5, make([]byte, 900)).Frame(macR0, macH),
		testnet.IPv4{From: addrH, To: addrK, Flags: packet.DontFragment}.ICMP(3, 4, 0, make([]byte, 28)).Frame(macR0, macH),
		testnet.IPv4{From: addrH, To: addrR0}.ICMP(8, 0, 0, nil).Frame(macR0, macH),
		testnet.Request(macH, addrH, addrR0),
		testnet.Reply(macR0, macK, addrK, addrR0),
		testnet.Ethernet(macR0, macH, packet.EtherTypeVLAN, make([]byte, 30)),
	} {
		piece := binary.BigEndian.AppendUint16(nil, uint16(len(frame)))
		piece = append(append(piece, 0), frame...)
		f.Add(piece)
		all = append(all, piece...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLab(t, labOptions{buffers: 200, ring: 16, options: Options{NeighbourLimit: 32}})
		l.must(l.r.SetMTU(linkR1, 576))
		l.must(l.r.AddRoute(Route{Destination: netip.MustParsePrefix("10.0.0.0/8"), Type: RouteProhibit}))
		l.host.reply = func(p []byte) {
			if q := packet.IPv4(p); q.Proto() == packet.ProtoUDP {
				l.r.Output(testnet.IPv4{From: addrR0, To: q.Source().String()}.UDP(1, 1, nil).Bytes())
			}
		}
		for len(data) >= 3 {
			n := min(int(binary.BigEndian.Uint16(data)), len(data)-3, 1800)
			how, frame := data[2], data[3:3+n]
			data = data[3+n:]
			if how&1 == 0 {
				l.in(frame)
			} else {
				l.in1(frame)
			}
			l.clock.Advance(time.Duration(how>>1) * 50 * time.Millisecond)
		}
		l.poll()
		for _, p := range []*testnet.Port{l.r0, l.r1} {
			for _, frame := range p.Sent() {
				checkSent(t, frame)
			}
		}
	})
}

// checkSent holds what every frame that leaves must be.
func checkSent(t *testing.T, frame []byte) {
	var m packet.Meta
	if r := packet.Parse(frame, &m); r != packet.OK || m.Flags.Has(packet.FlagTagged) || int(m.End) != len(frame) {
		t.Fatalf("sent %x: result %d, %+v", frame, r, m)
	}
	switch m.EtherType {
	case packet.EtherTypeARP:
		if !packet.ValidARP(frame[14:]) || len(frame) != 42 {
			t.Fatalf("sent %x", frame)
		}
	case packet.EtherTypeIPv4:
		if p := packet.IPv4(frame[14:]); !p.ChecksumOK() || p.TTL() == 0 {
			t.Fatalf("sent %x", frame)
		}
	default:
		t.Fatalf("sent %x", frame)
	}
}
