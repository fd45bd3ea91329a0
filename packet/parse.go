package packet

import "encoding/binary"

// Result is what Parse makes of a frame: OK, or what keeps it from being read.
type Result uint8

const (
	OK               Result = iota
	EthernetShort           // fewer than 14 bytes, or a VLAN tag cut off
	EthernetLength          // an 802.3 length field: no EtherType
	IPv4Short               // fewer than 20 bytes behind the Ethernet header
	IPv4Version             // the version is not 4
	IPv4HeaderLength        // an IHL below 5
	IPv4TotalLength         // the total length is below the header's length
	IPv4Truncated           // the total length is above the frame's
	Results                 // how many there are
)

// maxFrame is what Meta's offsets can tell.
const maxFrame = 65535

// Parse reads a frame's Ethernet header, one VLAN tag and, when there is one,
// the lengths of its IPv4 header, and notes in m what it found. With OK the
// views on what m names are safe to use: for IPv4, ValidIPv4 holds for
// frame[m.L3:m.End]. Other network protocols are left to their own checks.
// Checksums are not read. Packet context.
func Parse(frame []byte, m *Meta) Result {
	*m = Meta{}
	if len(frame) < EthernetHeaderLen || len(frame) > maxFrame {
		return EthernetShort
	}
	l3 := EthernetHeaderLen
	etherType := binary.BigEndian.Uint16(frame[offEtherType:])
	var flags Flags
	if frame[offEtherDst]&groupBit != 0 {
		flags = FlagGroup
	}
	if etherType == EtherTypeVLAN || etherType == EtherTypeQinQ {
		l3 += VLANTagLen
		if len(frame) < l3 {
			return EthernetShort
		}
		m.VLAN = binary.BigEndian.Uint16(frame[offEtherTagTCI:])
		etherType = binary.BigEndian.Uint16(frame[offTaggedType:])
		flags |= FlagTagged
	}
	m.Flags = flags
	m.L3, m.End = uint16(l3), uint16(len(frame))
	if etherType < minEtherType {
		return EthernetLength
	}
	m.EtherType = etherType
	if etherType != EtherTypeIPv4 {
		return OK
	}
	return parseIPv4(frame, l3, m)
}

func parseIPv4(frame []byte, l3 int, m *Meta) Result {
	p := IPv4(frame[l3:])
	if r := checkIPv4(p); r != OK {
		return r
	}
	header := p.HeaderLen()
	if header > IPv4HeaderLen {
		m.Flags |= FlagOptions
	}
	if f := p.fragment(); f&(MoreFragments|fragmentMask) != 0 {
		m.Flags |= FlagFragment
		if f&fragmentMask != 0 {
			m.Flags |= FlagLaterFragment
		}
	}
	m.L4 = uint16(l3 + header)
	m.End = uint16(l3 + p.TotalLen())
	m.Proto = p.Proto()
	return OK
}
