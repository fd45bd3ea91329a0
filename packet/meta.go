// Package packet reads and rewrites network headers in place.
//
// It holds views on bytes that one length check made safe, the checksums that
// go with them and nothing of behaviour: what to do with a packet is decided
// in router, firewall and stack. It imports nothing of this module.
package packet

// Meta is what Parse learned of a frame. Offsets count from the first byte of
// the frame. The zero value says that nothing is known.
type Meta struct {
	L3        uint16 // offset of the network header; valid when EtherType is not 0
	L4        uint16 // offset of the transport header; valid when Proto is
	End       uint16 // offset one past the network packet: padding follows it
	EtherType uint16 // of the payload, behind any VLAN tag; 0 for an 802.3 length field
	Proto     uint8  // IPv4 protocol or the last IPv6 next header
	Flags     uint8
}
