package router

import (
	"bytes"
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"barewire/internal/testnet"
	"barewire/nic"
	"barewire/packet"
)

// send gives a packet to Output and has the worker send it.
func (l *lab) send(d testnet.IPv4) {
	l.Helper()
	l.must(l.r.Output(d.Bytes()))
	l.poll()
}

func TestOutput(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	d := testnet.IPv4{From: addrR1, To: addrS, TTL: 3}.UDP(5, 5, []byte("ours"))
	l.send(d)
	f := l.one(l.r1)
	if p := l.ipv4(f); !bytes.Equal(p, d.Bytes()) || packet.Ethernet(f).Destination() != macG {
		t.Errorf("sent %x, want %x", f, d.Bytes())
	}
	l.send(testnet.IPv4{From: addrR0, To: addrH}.UDP(5, 5, nil))
	if e := packet.Ethernet(l.one(l.r0)); e.Destination() != macH {
		t.Errorf("sent to %x", e.Destination())
	}
	l.wantDrops(nil)
}

func TestOutputToAll(t *testing.T) {
	for to, want := range map[string]nic.MAC{
		"255.255.255.255": testnet.BroadcastMAC,
		"203.0.113.255":   testnet.BroadcastMAC,
		"239.129.2.3":     {1, 0, 0x5e, 1, 2, 3},
	} {
		l := newLab(t, labOptions{})
		l.send(testnet.IPv4{From: addrR1, To: to}.UDP(68, 67, nil))
		if e := packet.Ethernet(l.one(l.r1)); e.Destination() != want || e.Source() != macR1 || e.EtherType() != packet.EtherTypeIPv4 {
			t.Errorf("%s: sent to %x from %x", to, e.Destination(), e.Source())
		}
	}
}

// Packets of the host to its own addresses come back by the loopback link; the
// host may answer at once.
func TestLoopback(t *testing.T) {
	l := newLab(t, labOptions{})
	replies := 0
	l.host.reply = func(p []byte) {
		if q := packet.IPv4(p); replies < 3 {
			replies++
			l.must(l.r.Output(testnet.IPv4{From: q.Destination().String(), To: q.Source().String()}.UDP(1, 1, nil).Bytes()))
		}
	}
	l.send(testnet.IPv4{From: addrR0, To: addrR1}.UDP(1, 1, nil))
	if len(l.host.packets) != 4 || l.host.links[0] != LoopbackLink {
		t.Errorf("the host got %d packets by links %v", len(l.host.packets), l.host.links)
	}
	l.host.take()
	large := testnet.IPv4{From: "127.0.0.1", To: "127.1.2.3"}.UDP(1, 1, make([]byte, 60000))
	l.send(large)
	if got := l.host.take(); len(got) != 1 || !bytes.Equal(got[0], large.Bytes()) {
		t.Error("a large packet did not come back")
	}
	if c := l.r.Links()[0].Counters; c.RxPackets != 5 || c.TxPackets != 5 || c.RxBytes != c.TxBytes || c.RxBytes < 60000 {
		t.Errorf("counters of lo: %+v", c)
	}
	l.none(l.r0)
	l.none(l.r1)
}

func TestOutputErrors(t *testing.T) {
	l := newLab(t, labOptions{options: Options{OutputQueueBytes: 100}})
	l.must(l.r.DeleteRoute(Route{Destination: netip.MustParsePrefix("0.0.0.0/0")}))
	good := testnet.IPv4{From: addrR0, To: addrH}.UDP(1, 1, make([]byte, 40)).Bytes()
	for name, c := range map[string]struct {
		packet []byte
		want   error
	}{
		"nothing":          {nil, syscall.EINVAL},
		"cut":              {good[:30], syscall.EINVAL},
		"bytes behind it":  {append(bytes.Clone(good), 0), syscall.EINVAL},
		"no route":         {testnet.IPv4{From: addrR0, To: addrS}.Bytes(), syscall.ENETUNREACH},
		"too many at once": {testnet.IPv4{From: addrR0, To: addrH}.UDP(1, 1, make([]byte, 80)).Bytes(), syscall.ENOBUFS},
	} {
		if err := l.r.Output(c.packet); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
	l.must(l.r.Output(good))
	if err := l.r.Output(good); !errors.Is(err, syscall.ENOBUFS) {
		t.Errorf("a full queue: error %v", err)
	}
	l.poll()
	l.must(l.r.Output(good))
	l.poll()
	l.wantDrops(map[string]uint64{"OutputFull": 2})
}

// A host that does not see links learns by ICMP what became of its packets.
func TestOutputGetsErrors(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	l.must(l.r.SetMTU(linkR1, 600))
	l.send(testnet.IPv4{From: addrR1, To: addrS, Flags: packet.DontFragment}.UDP(5, 5, make([]byte, 900)))
	got := l.host.take()
	if len(got) != 1 {
		t.Fatalf("the host got %d packets, want an error", len(got))
	}
	l.wantError(packet.IPv4(got[0]), 3, 4, addrR1, addrR1)
	if mtu := packet.ICMP4(packet.IPv4(got[0]).Payload()).Rest(); mtu != 600 {
		t.Errorf("MTU %d", mtu)
	}
	l.none(l.r1)

	l.send(testnet.IPv4{From: addrR0, To: addrK}.UDP(5, 5, nil)) // nobody is there
	l.wait(3 * retransmitTime)
	got = l.host.take()
	if len(got) != 1 {
		t.Fatalf("the host got %d packets, want an error", len(got))
	}
	l.wantError(packet.IPv4(got[0]), 3, 1, addrR0, addrR0)
	l.wantDrops(map[string]uint64{"TooBig": 1, "NeighbourFailed": 1})
}

// What is larger than a buffer is cut before it needs one.
func TestOutputFragments(t *testing.T) {
	l := newLab(t, labOptions{ring: 128}).know()
	d := testnet.IPv4{From: addrR1, To: addrS, ID: 5}.UDP(5, 5, bytes.Repeat([]byte("0123456789"), 6000))
	l.send(d)
	var whole []byte
	for _, f := range l.r1.Sent() {
		p := l.ipv4(f)
		if len(p) > 1500 || p.FragmentOffset() != len(whole) || p.ID() != 5 {
			t.Errorf("piece of %d bytes at %d, want at %d", len(p), p.FragmentOffset(), len(whole))
		}
		whole = append(whole, p.Payload()...)
	}
	if !bytes.Equal(whole, d.Payload) {
		t.Errorf("the pieces make %d bytes, not the packet's %d", len(whole), len(d.Payload))
	}
	l.wantDrops(nil)
}

// What the host must not send, and what it cannot.
func TestOutputRefused(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	l.send(testnet.IPv4{From: "127.0.0.1", To: addrS}.UDP(5, 5, nil))
	l.send(testnet.IPv4{From: addrR1, To: "127.255.255.255"}.UDP(5, 5, nil))
	l.none(l.r1)
	l.wantDrops(map[string]uint64{"MartianSource": 1, "MartianDestination": 1})

	// The route goes between Output and the worker's turn: the host is told.
	l.must(l.r.Output(testnet.IPv4{From: addrR1, To: addrS}.UDP(5, 5, nil).Bytes()))
	l.must(l.r.DeleteRoute(Route{Destination: netip.MustParsePrefix("0.0.0.0/0")}))
	l.poll()
	got := l.host.take()
	if len(got) != 1 {
		t.Fatalf("the host got %d packets, want an error", len(got))
	}
	l.wantError(packet.IPv4(got[0]), 3, 0, addrR1, addrR1)
}
