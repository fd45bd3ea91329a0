package router

import (
	"net/netip"
	"testing"
	"time"

	"barewire/internal/testnet"
	"barewire/nic"
	"barewire/packet"
)

// arp is the ARP packet in a frame.
func (l *lab) arp(frame []byte) (packet.Ethernet, packet.ARP) {
	l.Helper()
	e := packet.Ethernet(frame)
	if len(frame) != 42 || e.EtherType() != packet.EtherTypeARP || !packet.ValidARP(frame[14:]) {
		l.Fatalf("not an ARP frame: %x", frame)
	}
	return e, packet.ARP(frame[14:])
}

// wantARP checks all fields of the only frame that a port sent.
func (l *lab) wantARP(p *testnet.Port, want []byte) {
	l.Helper()
	got := l.one(p)
	if string(got) != string(want) {
		l.Errorf("sent %x, want %x", got, want)
	}
}

func TestAnswerRequest(t *testing.T) {
	for _, c := range []struct {
		name, sender, target string
		answered             bool
		learned              bool
		drop                 string
	}{
		{"a host", addrH, addrR0, true, true, ""},
		{"a probe", "0.0.0.0", addrR0, true, false, ""},
		{"from outside the subnet", "10.9.9.9", addrR0, true, false, ""},
		{"another link's address", addrH, addrR1, false, false, "ARPNotOurs"},
		{"somebody else", addrH, addrK, false, false, "ARPNotOurs"},
		{"gratuitous", addrH, addrH, false, false, "ARPNotOurs"},
		{"loopback", addrH, "127.0.0.1", false, false, "ARPNotOurs"},
		{"our own address", addrR0, addrR0, false, false, "ARPConflict"},
		{"our own address, for another", addrR1, addrR0, false, false, "ARPConflict"},
		{"multicast sender", "224.0.0.1", addrR0, false, false, "ARPSender"},
		{"broadcast sender", "255.255.255.255", addrR0, false, false, "ARPSender"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, labOptions{})
			l.in(append(testnet.Request(macH, c.sender, c.target), make([]byte, 18)...))
			if c.answered {
				l.wantARP(l.r0, testnet.ARP(macH, macR0, packet.ARPReply, c.target, macH, c.sender))
			}
			l.none(l.r0)
			l.none(l.r1)
			if got := l.state(linkR0, c.sender) == NeighbourStale; got != c.learned {
				t.Errorf("learned %v, want %v", got, c.learned)
			}
			if c.drop == "" {
				l.wantDrops(nil)
			} else {
				l.wantDrops(map[string]uint64{c.drop: 1})
			}
		})
	}
}

func TestARPSenderMAC(t *testing.T) {
	for _, mac := range []nic.MAC{{}, testnet.BroadcastMAC, {1, 0, 0x5e, 0, 0, 1}, macR0} {
		l := newLab(t, labOptions{})
		f := testnet.Request(mac, addrH, addrR0)
		l.in(f)
		l.none(l.r0)
		l.wantDrops(map[string]uint64{"ARPSender": 1})
	}
}

// The packet waits, the neighbour is asked by broadcast with the link's own
// address, and with the answer all that waited leaves in order.
func TestQueueWhileResolving(t *testing.T) {
	l := newLab(t, labOptions{})
	for i := range 3 {
		l.in(udp(i).Frame(macR0, macH))
	}
	l.wantARP(l.r1, testnet.Request(macR1, addrR1, addrG))
	if s := l.state(linkR1, addrG); s != NeighbourIncomplete {
		t.Errorf("state %v", s)
	}
	l.in1(testnet.Reply(macR1, macG, addrG, addrR1))
	frames := l.r1.Sent()
	if len(frames) != 3 {
		t.Fatalf("%d packets left, want 3", len(frames))
	}
	for i, f := range frames {
		if p := l.ipv4(f); len(p) != 28+i || p.TTL() != 63 || packet.Ethernet(f).Destination() != macG {
			t.Errorf("frame %d: %x", i, f)
		}
	}
	if s := l.state(linkR1, addrG); s != NeighbourReachable {
		t.Errorf("state %v", s)
	}
	l.in(udp(9).Frame(macR0, macH))
	l.one(l.r1)
	l.wantDrops(nil)
}

// Three requests, a second apart; then the senders of what waited are told,
// with the TTL that the packet had when it waited.
func TestNoAnswer(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	l.in1(testnet.IPv4{From: addrS, To: addrK}.UDP(5, 5, nil).Frame(macR1, macG), testnet.IPv4{From: addrS, To: addrK}.UDP(6, 6, nil).Frame(macR1, macG))
	for i := range 3 {
		l.wantARP(l.r0, testnet.Request(macR0, addrR0, addrK))
		l.none(l.r1)
		if i < 2 {
			l.wait(900 * time.Millisecond)
			l.none(l.r0)
			l.wait(100 * time.Millisecond)
		}
	}
	l.wait(time.Second)
	l.none(l.r0)
	frames := l.r1.Sent()
	if len(frames) != 2 {
		t.Fatalf("%d errors, want 2", len(frames))
	}
	quote := l.wantError(l.ipv4(frames[0]), 3, 1, addrR1, addrS)
	if quote.TTL() != 63 || quote.Destination().String() != addrK || !quote.ChecksumOK() {
		t.Errorf("quote %x", []byte(quote))
	}
	if s := l.state(linkR0, addrK); s != NeighbourFailed {
		t.Errorf("state %v", s)
	}
	l.wantDrops(map[string]uint64{"NeighbourFailed": 2})

	// The next packet asks anew, and the failed entry goes in time.
	l.in1(testnet.IPv4{From: addrS, To: addrK}.UDP(5, 5, nil).Frame(macR1, macG))
	l.wantARP(l.r0, testnet.Request(macR0, addrR0, addrK))
	l.wait(3 * time.Second)
	l.wait(2 * idleTime)
	if s := l.state(linkR0, addrK); s != NeighbourNone {
		t.Errorf("state %v after %v", s, 2*idleTime)
	}
}

// REACHABLE, STALE, DELAY, PROBE, and back or to FAILED.
func TestReachability(t *testing.T) {
	l := newLab(t, labOptions{})
	send := func() { l.in(udp(0).Frame(macR0, macH)) }
	want := func(s NeighbourState) {
		t.Helper()
		if got := l.state(linkR1, addrG); got != s {
			t.Fatalf("state %v after %v, want %v", got, l.clock.Now(), s)
		}
	}
	send()
	l.in1(testnet.Reply(macR1, macG, addrG, addrR1))
	l.r1.Sent()
	want(NeighbourReachable)
	l.wait(15 * time.Second)
	want(NeighbourReachable)
	l.wait(31 * time.Second)
	want(NeighbourStale)
	l.none(l.r1)

	send() // is sent at once
	l.ipv4(l.one(l.r1))
	want(NeighbourDelay)
	l.wait(4900 * time.Millisecond)
	l.none(l.r1)
	l.wait(100 * time.Millisecond)
	want(NeighbourProbe)
	l.wantARP(l.r1, testnet.ARP(macG, macR1, packet.ARPRequest, addrR1, nic.MAC{}, addrG))
	l.in1(testnet.Reply(macR1, macG, addrG, addrR1))
	want(NeighbourReachable)

	// In use when the confirmation ends: checked without being stale first.
	for range 46 {
		l.wait(time.Second)
		if l.state(linkR1, addrG) == NeighbourDelay {
			break
		}
		send()
		l.ipv4(l.one(l.r1))
	}
	want(NeighbourDelay)
	l.wait(5 * time.Second)
	for range 3 {
		want(NeighbourProbe)
		l.wantARP(l.r1, testnet.ARP(macG, macR1, packet.ARPRequest, addrR1, nic.MAC{}, addrG))
		send() // goes on being sent
		l.ipv4(l.one(l.r1))
		l.wait(time.Second)
	}
	want(NeighbourFailed)
	l.none(l.r1)
	send()
	want(NeighbourIncomplete)
	l.wantARP(l.r1, testnet.Request(macR1, addrR1, addrG))
	l.wantDrops(nil)
}

// What may change a known Ethernet address, and what may not.
func TestBelief(t *testing.T) {
	reply := testnet.Reply(macR0, macK, addrH, addrR0) // K says that it is H
	gratuitous := testnet.Request(macK, addrH, addrH)
	for _, c := range []struct {
		name  string
		frame []byte
		after time.Duration // since the address was learned
		mac   nic.MAC
		state NeighbourState
	}{
		{"a second reply within a second", reply, 500 * time.Millisecond, macH, NeighbourReachable},
		{"a reply later", reply, 1500 * time.Millisecond, macK, NeighbourReachable},
		{"a gratuitous request later", gratuitous, 1500 * time.Millisecond, macK, NeighbourStale},
		{"a request for us at once", testnet.Request(macK, addrH, addrR0), 0, macK, NeighbourStale},
		{"a reply to all", testnet.ARP(testnet.BroadcastMAC, macK, packet.ARPReply, addrH, macR0, addrR0), 2 * time.Second, macK, NeighbourStale},
		{"no news", testnet.Request(macH, addrH, addrR0), 2 * time.Second, macH, NeighbourReachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, labOptions{})
			l.in1(testnet.IPv4{From: addrS, To: addrH}.UDP(5, 5, nil).Frame(macR1, macG))
			l.in(testnet.Reply(macR0, macH, addrH, addrR0))
			l.wait(c.after)
			l.in(c.frame)
			n := l.r.Neighbours()[0]
			if n.MAC != c.mac || n.State != c.state {
				t.Errorf("%x %v, want %x %v", n.MAC, n.State, c.mac, c.state)
			}
		})
	}
}

func TestUnsolicitedReply(t *testing.T) {
	l := newLab(t, labOptions{})
	l.in(testnet.Reply(macR0, macH, addrH, addrR0))
	l.wantDrops(map[string]uint64{"ARPUnsolicited": 1})
	if len(l.r.Neighbours()) != 0 {
		t.Errorf("learned %v", l.r.Neighbours())
	}
}

// Addresses are announced when they come up: with the link, its carrier, or
// on a link that is up.
func TestGratuitous(t *testing.T) {
	l := newLab(t, labOptions{})
	announcement := testnet.Request(macR0, addrR0, addrR0)

	l.must(l.r.SetUp(linkR0, false))
	l.poll()
	l.none(l.r0)
	l.must(l.r.SetUp(linkR0, true))
	l.poll()
	l.wantARP(l.r0, announcement)

	l.r0.SetCarrier(nic.CarrierDown)
	l.poll()
	l.none(l.r0)
	l.r0.SetCarrier(nic.CarrierUp)
	l.poll()
	l.wantARP(l.r0, announcement)

	l.must(l.r.AddAddress(linkR0, netip.MustParsePrefix("192.168.1.2/24")))
	l.poll()
	l.wantARP(l.r0, testnet.Request(macR0, "192.168.1.2", "192.168.1.2"))
	l.none(l.r1)
}

// A carrier that comes back before the worker took up that it went is seen.
func TestCarrierBounce(t *testing.T) {
	l := newLab(t, labOptions{})
	l.r0.SetCarrier(nic.CarrierDown)
	l.r.readCarriers()
	l.r0.SetCarrier(nic.CarrierUp)
	l.poll()
	if c := l.r.Links()[linkR0-1].Carrier; c != nic.CarrierUp {
		t.Errorf("the link shows carrier %v, the port has it up", c)
	}
}

// The request comes from the address of the link that fits best, whatever the
// packet's source is (arp_announce 2).
func TestAnnounceBestSource(t *testing.T) {
	l := newLab(t, labOptions{})
	l.must(l.r.AddAddress(linkR0, netip.MustParsePrefix("10.5.0.1/16")))
	l.poll()
	l.r0.Sent()
	l.in1(testnet.IPv4{From: addrS, To: "10.5.0.9"}.UDP(5, 5, nil).Frame(macR1, macG))
	l.wantARP(l.r0, testnet.Request(macR0, "10.5.0.1", "10.5.0.9"))
}

func TestPermanent(t *testing.T) {
	l := newLab(t, labOptions{})
	k := Neighbour{Address: netip.MustParseAddr(addrK), Link: linkR0, MAC: macK}
	toK := testnet.IPv4{From: addrS, To: addrK}.UDP(5, 5, nil).Frame(macR1, macG)
	l.in1(toK) // waits
	l.one(l.r0)
	l.must(l.r.AddNeighbour(k))
	l.poll()
	if e := packet.Ethernet(l.one(l.r0)); e.Destination() != macK {
		t.Errorf("sent to %x", e.Destination())
	}
	l.wait(2 * time.Second)
	l.in(testnet.Request(macH, addrK, addrR0)) // ARP does not change it
	l.r0.Sent()
	l.in1(toK)
	if e := packet.Ethernet(l.one(l.r0)); e.Destination() != macK {
		t.Errorf("sent to %x", e.Destination())
	}
	l.wait(time.Hour / 60)
	if s := l.state(linkR0, addrK); s != NeighbourPermanent {
		t.Errorf("state %v", s)
	}
	if err := l.r.AddNeighbour(k); err == nil {
		t.Error("added twice")
	}
	l.must(l.r.DeleteNeighbour(linkR0, k.Address))
	l.poll()
	if s := l.state(linkR0, addrK); s != NeighbourNone {
		t.Errorf("state %v", s)
	}
	if err := l.r.DeleteNeighbour(linkR0, k.Address); err == nil {
		t.Error("deleted twice")
	}
}
