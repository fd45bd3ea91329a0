package router

import (
	"bytes"
	"testing"

	"barewire/internal/testnet"
	"barewire/packet"
)

func TestForward(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	first := false
	l.r.OnFirstForward(func() {
		if first {
			t.Error("OnFirstForward was called twice")
		}
		first = true
	})
	before := l.r.Links()[linkR0-1].Counters
	sent := udp(100).Frame(macR0, macH)
	l.in(sent)
	got := l.one(l.r1)
	e := packet.Ethernet(got)
	if e.Destination() != macG || e.Source() != macR1 {
		t.Errorf("frame from %x to %x", e.Source(), e.Destination())
	}
	if !first {
		t.Error("OnFirstForward was not called")
	}
	p := l.ipv4(got)
	if p.TTL() != 63 {
		t.Errorf("TTL %d, want 63", p.TTL())
	}
	want := udp(100)
	want.TTL = 63
	if !bytes.Equal(p, want.Bytes()) {
		t.Errorf("packet changed:\n got %x\nwant %x", []byte(p), want.Bytes())
	}

	// And back, from the gateway to H.
	l.in1(testnet.IPv4{From: addrS, To: addrH}.UDP(5, 5, nil).Frame(macR1, macG))
	if e := packet.Ethernet(l.one(l.r0)); e.Destination() != macH || e.Source() != macR0 {
		t.Errorf("frame from %x to %x", e.Source(), e.Destination())
	}
	l.wantDrops(nil)
	c := l.r.Links()[linkR0-1].Counters
	if c.RxPackets-before.RxPackets != 1 || c.RxBytes-before.RxBytes != uint64(len(sent)) ||
		c.TxPackets-before.TxPackets != 1 || c.TxBytes-before.TxBytes != 14+28 {
		t.Errorf("counters of r0: %+v, before %+v", c, before)
	}
}

// Padding that Ethernet adds to short frames does not travel on.
func TestPaddingIsCut(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	f := append(udp(0).Frame(macR0, macH), make([]byte, 18)...)
	l.in(f)
	if got := l.one(l.r1); len(got) != 14+28 {
		t.Errorf("%d bytes left, want %d", len(got), 14+28)
	}
}

// A packet may leave by the link that it came in by.
func TestForwardToSameLink(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	l.in1(testnet.IPv4{From: "203.0.113.9", To: addrS}.UDP(1, 1, nil).Frame(macR1, macK))
	if p := l.ipv4(l.one(l.r1)); p.TTL() != 63 {
		t.Errorf("TTL %d", p.TTL())
	}
}

func TestAddressesOfCase43(t *testing.T) {
	lsrr := []byte{packet.OptionLooseSourceRoute, 7, 4, 198, 51, 100, 1, 0}
	ssrr := []byte{packet.OptionStrictSourceRoute, 7, 4, 198, 51, 100, 1, 0}
	for _, c := range []struct {
		name   string
		packet testnet.IPv4
		group  bool   // in a broadcast frame
		drop   string // "" means that it is forwarded
	}{
		{"source 127.0.0.1", testnet.IPv4{From: "127.0.0.1", To: addrS}, false, "MartianSource"},
		{"source 0.0.0.0", testnet.IPv4{From: "0.0.0.0", To: addrS}, false, "MartianSource"},
		{"source broadcast", testnet.IPv4{From: "255.255.255.255", To: addrS}, false, "MartianSource"},
		{"source multicast", testnet.IPv4{From: "224.0.0.5", To: addrS}, false, "MartianSource"},
		{"source ours", testnet.IPv4{From: addrR0, To: addrS}, false, "MartianSource"},
		{"source of our other link", testnet.IPv4{From: addrR1, To: addrS}, false, "MartianSource"},
		{"source our broadcast", testnet.IPv4{From: "192.168.1.255", To: addrS}, false, "MartianSource"},
		{"source class E", testnet.IPv4{From: "240.0.0.1", To: addrS}, false, ""},
		{"source link-local", testnet.IPv4{From: "169.254.9.9", To: addrS}, false, "NotForwarded"},
		{"source in 0/8", testnet.IPv4{From: "0.1.2.3", To: addrS}, false, "NotForwarded"},
		{"source of the WAN", testnet.IPv4{From: "203.0.113.7", To: addrS}, false, ""},
		{"to 127.0.0.1", testnet.IPv4{From: addrH, To: "127.0.0.1"}, false, "MartianDestination"},
		{"to 0.0.0.0", testnet.IPv4{From: addrH, To: "0.0.0.0"}, false, "MartianDestination"},
		{"to class E", testnet.IPv4{From: addrH, To: "240.0.0.1"}, false, ""},
		{"to link-local", testnet.IPv4{From: addrH, To: "169.254.1.1"}, false, "NotForwarded"},
		{"to a broadcast of another link", testnet.IPv4{From: addrH, To: "203.0.113.255"}, false, "DirectedBroadcast"},
		{"to multicast", testnet.IPv4{From: addrH, To: "239.1.1.1"}, false, "Multicast"},
		{"to all systems", testnet.IPv4{From: addrH, To: "224.0.0.1"}, false, "Multicast"},
		{"to 0/8", testnet.IPv4{From: addrH, To: "0.1.2.3"}, false, "NotForwarded"},
		{"unicast in a broadcast frame", testnet.IPv4{From: addrH, To: addrS}, true, "GroupFrame"},
		{"to us in a broadcast frame", testnet.IPv4{From: addrH, To: addrR0}, true, "GroupFrame"},
		{"loose source route", testnet.IPv4{From: addrH, To: addrS, Options: lsrr}, false, "SourceRoute"},
		{"strict source route", testnet.IPv4{From: addrH, To: addrS, Options: ssrr}, false, "SourceRoute"},
		{"record route", testnet.IPv4{From: addrH, To: addrS, Options: []byte{7, 7, 4, 0, 0, 0, 0, 0}}, false, ""},
		{"router alert", testnet.IPv4{From: addrH, To: addrS, Options: []byte{148, 4, 0, 0}}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, labOptions{}).know()
			to := macR0
			if c.group {
				to = testnet.BroadcastMAC
			}
			d := c.packet.UDP(5, 5, []byte("data"))
			l.in(d.Frame(to, macH))
			l.none(l.r0)
			if c.drop != "" {
				l.none(l.r1)
				l.wantDrops(map[string]uint64{c.drop: 1})
			} else {
				d.TTL = 63
				if p := l.ipv4(l.one(l.r1)); !bytes.Equal(p, d.Bytes()) {
					t.Errorf("forwarded %x, want %x", []byte(p), d.Bytes())
				}
				l.wantDrops(nil)
			}
			if got := l.host.take(); len(got) != 0 {
				t.Errorf("the host got %x", got)
			}
		})
	}
}

// What is for all on the link is the host's.
func TestBroadcastIsDelivered(t *testing.T) {
	for _, c := range []struct{ from, to string }{
		{addrH, "255.255.255.255"}, {"0.0.0.0", "255.255.255.255"}, {addrH, "192.168.1.255"},
	} {
		l := newLab(t, labOptions{})
		d := testnet.IPv4{From: c.from, To: c.to}.UDP(68, 67, nil)
		l.in(d.Frame(testnet.BroadcastMAC, macH))
		if got := l.host.take(); len(got) != 1 || !bytes.Equal(got[0], d.Bytes()) {
			t.Errorf("%s to %s: the host got %x", c.from, c.to, got)
		}
		l.wantDrops(nil)
	}
}

func TestForwardLinkLocalSwitch(t *testing.T) {
	l := newLab(t, labOptions{options: Options{ForwardLinkLocal: true}}).know()
	l.in(testnet.IPv4{From: addrH, To: "169.254.1.1"}.UDP(5, 5, nil).Frame(macR0, macH))
	l.one(l.r1)
}

func TestBadFrames(t *testing.T) {
	good := udp(40).Frame(macR0, macH)
	change := func(f func([]byte) []byte) []byte { return f(bytes.Clone(good)) }
	// sum corrects the header checksum, so that only the change is wrong.
	sum := func(b []byte) []byte {
		p := packet.IPv4(b[14:])
		b[24], b[25] = 0, 0
		s := packet.Checksum(p[:20])
		b[24], b[25] = byte(s>>8), byte(s)
		return b
	}
	for _, c := range []struct {
		name  string
		frame []byte
		drop  string
	}{
		{"empty", nil, "FrameShort"},
		{"no EtherType", good[:12], "FrameShort"},
		{"for another machine", udp(0).Frame(macK, macH), "OtherHost"},
		{"802.3 length", change(func(b []byte) []byte { b[12], b[13] = 0, 48; return b }), "FrameLength"},
		{"tagged", change(func(b []byte) []byte { b[12], b[13] = 0x81, 0; b[16], b[17] = 8, 0x06; return b }), "Tagged"},
		{"tag cut off", change(func(b []byte) []byte { b[12], b[13] = 0x81, 0; return b[:16] }), "FrameShort"},
		{"IPv6", change(func(b []byte) []byte { b[12], b[13] = 0x86, 0xdd; return b }), "EtherType"},
		{"no IPv4 header", good[:14], "HeaderShort"},
		{"short IPv4 header", good[:33], "HeaderShort"},
		{"version 6", change(func(b []byte) []byte { b[14] = 0x65; return sum(b) }), "Version"},
		{"IHL 4", change(func(b []byte) []byte { b[14] = 0x44; return sum(b) }), "HeaderLength"},
		{"total length below header", change(func(b []byte) []byte { b[16], b[17] = 0, 19; return sum(b) }), "TotalLength"},
		{"IHL beyond total length", change(func(b []byte) []byte { b[14] = 0x4f; b[16], b[17] = 0, 59; return sum(b) }), "TotalLength"},
		{"total length above the frame", change(func(b []byte) []byte { b[17]++; return sum(b) }), "Truncated"},
		{"frame cut", good[:len(good)-1], "Truncated"},
		{"header checksum", change(func(b []byte) []byte { b[24] ^= 1; return b }), "Checksum"},
		{"option length 0", testnet.IPv4{From: addrH, To: addrS, Options: []byte{7, 0, 0, 0}}.UDP(1, 1, nil).Frame(macR0, macH), "Options"},
		{"option beyond the header", testnet.IPv4{From: addrH, To: addrS, Options: []byte{1, 1, 68, 8}}.UDP(1, 1, nil).Frame(macR0, macH), "Options"},
		{"ARP cut", testnet.Request(macH, addrH, addrR0)[:41], "ARPMalformed"},
		{"ARP for IPX", change(func([]byte) []byte { f := testnet.Request(macH, addrH, addrR0); f[16] = 0x81; return f }), "ARPMalformed"},
		{"reverse ARP", testnet.ARP(testnet.BroadcastMAC, macH, 3, addrH, macH, addrR0), "ARPOperation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, labOptions{}).know()
			l.in(c.frame)
			l.none(l.r1)
			l.wantDrops(map[string]uint64{c.drop: 1})
			if got := l.host.take(); len(got) != 0 {
				t.Errorf("the host got %x", got)
			}
			l.r0.Sent()
			l.in(good)
			l.one(l.r1) // and life goes on
		})
	}
}

func TestDeliver(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	for _, to := range []string{addrR0, addrR1} { // weak host for IP, as on Linux
		d := testnet.IPv4{From: addrH, To: to}.ICMP(packet.ICMP4EchoRequest, 0, 1, []byte("ping"))
		l.in(append(d.Frame(macR0, macH), 0, 0, 0))
		if l.host.links[0] != linkR0 {
			t.Errorf("came in by link %d", l.host.links[0])
		}
		if got := l.host.take(); len(got) != 1 || !bytes.Equal(got[0], d.Bytes()) {
			t.Errorf("the host got %x, want %x", got, d.Bytes())
		}
	}
	fragment := testnet.IPv4{From: addrH, To: addrR0, Proto: packet.ProtoUDP, Offset: 1480, Payload: []byte("later")}
	l.in(fragment.Frame(macR0, macH))
	if got := l.host.take(); len(got) != 1 {
		t.Errorf("the host got %x, want the fragment", got)
	}
	l.wantDrops(nil)
}

func TestRingFull(t *testing.T) {
	l := newLab(t, labOptions{ring: 8}).know()
	l.r1.HoldTransmits(true)
	before := l.r.Links()[linkR1-1].Counters
	for range 10 {
		l.in(udp(10).Frame(macR0, macH))
	}
	if got := len(l.r1.Sent()); got != 8 {
		t.Errorf("%d frames fit into a ring of 8", got)
	}
	l.wantDrops(map[string]uint64{"RingFull": 2})
	if c := l.r.Links()[linkR1-1].Counters; c.TxPackets-before.TxPackets != 8 || c.TxDropped != 2 || c.TxBytes-before.TxBytes != 8*(14+38) {
		t.Errorf("counters of r1: %+v, before %+v", c, before)
	}
	l.r1.HoldTransmits(false)
	l.in(udp(10).Frame(macR0, macH))
	l.one(l.r1)
}
