package testnet

import (
	"net/netip"

	"barewire/nic"
	"barewire/packet"
)

// BroadcastMAC is the Ethernet address of all.
var BroadcastMAC = nic.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// Addr is an IPv4 address from its dotted form. It panics on anything else.
func Addr(s string) packet.Addr4 { return packet.Addr4From(netip.MustParseAddr(s)) }

// Ethernet is a frame: header and payload.
func Ethernet(to, from nic.MAC, etherType uint16, payload []byte) []byte {
	f := make([]byte, packet.EthernetHeaderLen+len(payload))
	packet.Ethernet(f).Set(to, from, etherType)
	copy(f[packet.EthernetHeaderLen:], payload)
	return f
}

// ARP is a request or reply, in a frame to an Ethernet address.
func ARP(to, from nic.MAC, operation uint16, sender string, targetMAC nic.MAC, target string) []byte {
	a := make(packet.ARP, packet.ARPLen)
	a.Set(operation, from, Addr(sender), targetMAC, Addr(target))
	return Ethernet(to, from, packet.EtherTypeARP, a)
}

// Request is a broadcast ARP request.
func Request(from nic.MAC, sender, target string) []byte {
	return ARP(BroadcastMAC, from, packet.ARPRequest, sender, nic.MAC{}, target)
}

// Reply is an ARP reply to one machine.
func Reply(to, from nic.MAC, sender, target string) []byte {
	return ARP(to, from, packet.ARPReply, sender, to, target)
}

// IPv4 describes a packet. The zero value of a field is zero on the wire,
// except for TTL, where it is 64.
type IPv4 struct {
	From, To string
	TTL, TOS uint8
	Proto    uint8
	ID       uint16
	Flags    uint16 // packet.DontFragment, packet.MoreFragments
	Offset   int    // in bytes
	Options  []byte // a multiple of 4 bytes
	Payload  []byte
}

// Bytes is the packet.
func (d IPv4) Bytes() []byte {
	header := packet.IPv4HeaderLen + len(d.Options)
	p := make(packet.IPv4, header+len(d.Payload))
	if d.TTL == 0 {
		d.TTL = 64
	}
	p.Set(packet.Header4{
		TOS: d.TOS, TTL: d.TTL, Proto: d.Proto, ID: d.ID, Fragment: d.Flags | uint16(d.Offset/8),
		TotalLen: len(p), Source: Addr(d.From), Destination: Addr(d.To),
	})
	p[0] = 0x40 | byte(header/4)
	copy(p[packet.IPv4HeaderLen:], d.Options)
	copy(p[header:], d.Payload)
	p.UpdateChecksum()
	return p
}

// Frame is the packet in a frame.
func (d IPv4) Frame(to, from nic.MAC) []byte {
	return Ethernet(to, from, packet.EtherTypeIPv4, d.Bytes())
}

// UDP completes a packet with a datagram.
func (d IPv4) UDP(sourcePort, destinationPort uint16, data []byte) IPv4 {
	u := make(packet.UDP, packet.UDPHeaderLen+len(data))
	copy(u[packet.UDPHeaderLen:], data)
	u.Set(Addr(d.From), Addr(d.To), sourcePort, destinationPort)
	d.Proto, d.Payload = packet.ProtoUDP, u
	return d
}

// ICMP completes a packet with an ICMP message.
func (d IPv4) ICMP(kind, code uint8, rest uint32, data []byte) IPv4 {
	m := make(packet.ICMP4, packet.ICMP4HeaderLen+len(data))
	copy(m[packet.ICMP4HeaderLen:], data)
	m.Set(kind, code, rest)
	d.Proto, d.Payload = packet.ProtoICMP, m
	return d
}
