package testnet

import (
	"slices"
	"testing"

	"barewire/nic"
	"barewire/packet"
)

var (
	macA = nic.MAC{2, 0, 0, 0, 0, 0xa}
	macB = nic.MAC{2, 0, 0, 0, 0, 0xb}
)

// What is built is what the views of package packet read.
func TestFrames(t *testing.T) {
	var m packet.Meta
	f := IPv4{From: "192.0.2.1", To: "192.0.2.2", Options: []byte{1, 1, 1, 1}}.UDP(5, 7, []byte("data")).Frame(macB, macA)
	if r := packet.Parse(f, &m); r != packet.OK || m.L4 != 14+24 || m.Proto != packet.ProtoUDP {
		t.Fatalf("result %d, %+v", r, m)
	}
	p := packet.IPv4(f[m.L3:m.End])
	u := packet.UDP(p.Payload())
	if !p.ChecksumOK() || p.TTL() != 64 || !packet.ValidUDP(u) || string(u.Payload()) != "data" ||
		packet.Sum(u, packet.PseudoSum(p.Source(), p.Destination(), packet.ProtoUDP, len(u))) != 0xffff {
		t.Errorf("packet %x", []byte(p))
	}
	f = IPv4{From: "192.0.2.1", To: "192.0.2.2"}.ICMP(8, 0, 1, []byte("ping")).Frame(macB, macA)
	if i := packet.ICMP4(f[34:]); packet.Checksum(i) != 0 || string(i.Payload()) != "ping" {
		t.Errorf("message %x", []byte(i))
	}
	f = Reply(macB, macA, "192.0.2.1", "192.0.2.2")
	if a := packet.ARP(f[14:]); !packet.ValidARP(a) || a.Operation() != packet.ARPReply || a.SenderMAC() != macA || a.TargetAddress() != Addr("192.0.2.2") {
		t.Errorf("ARP %x", []byte(a))
	}
}

// A port keeps nic's contract: order, ring sizes, Arm, and buffers that come
// back with Close.
func TestPort(t *testing.T) {
	pool, err := nic.NewPool(make([]byte, 8*2048), 0, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPort(macA, 1500, 3)
	q := p.Queues()[0]
	woken := 0
	if err := p.Start(func() { woken++ }); err != nil {
		t.Fatal(err)
	}
	q.Provide(pool)
	if pool.Free() != 5 {
		t.Errorf("%d buffers were taken, want 3", 8-pool.Free())
	}
	if !q.Arm() {
		t.Error("armed with nothing there, and was told otherwise")
	}
	p.Inject([]byte("one"), []byte("two"), make([]byte, 3000), []byte("three"), []byte("four"))
	p.Inject([]byte("five"))
	if woken != 1 || q.Arm() {
		t.Errorf("woken %d times; Arm must say that frames wait", woken)
	}
	batch := make([]*nic.Buffer, 8)
	n := q.Receive(batch)
	var got []string
	for _, b := range batch[:n] {
		got = append(got, string(b.Bytes()))
	}
	if want := []string{"one", "two", "three"}; !slices.Equal(got, want) || p.Waiting() != 2 {
		t.Errorf("received %q, want %q; %d wait", got, want, p.Waiting())
	}
	p.HoldTransmits(true)
	q.Provide(pool)
	if q.Transmit(batch[:n]) != 3 || q.Transmit(batch[:1]) != 0 || len(p.Sent()) != 3 || len(p.Sent()) != 0 {
		t.Error("a ring of three must take three, and show them once")
	}
	q.Reclaim(pool)
	if pool.Free() != 2 {
		t.Errorf("%d buffers are free while the ring holds them", pool.Free())
	}
	if err := p.Close(); err != nil || pool.Free() != pool.Size() {
		t.Errorf("%d of %d buffers came back, %v", pool.Free(), pool.Size(), err)
	}
}
