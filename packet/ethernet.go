package packet

import "encoding/binary"

// From IEEE 802.3 and 802.1Q.
const (
	EthernetHeaderLen = 14
	VLANTagLen        = 4

	EtherTypeIPv4  = 0x0800
	EtherTypeARP   = 0x0806
	EtherTypeVLAN  = 0x8100 // 802.1Q
	EtherTypeIPv6  = 0x86dd
	EtherTypeQinQ  = 0x88a8 // 802.1ad
	minEtherType   = 0x0600 // below this the field is an 802.3 length
	vlanIDMask     = 0x0fff
	groupBit       = 0x01 // in the first byte of an address
	offEtherDst    = 0
	offEtherSrc    = 6
	offEtherType   = 12
	offTaggedType  = 16
	offEtherTagTCI = 14
)

// Ethernet is a view on an Ethernet II header and what follows it.
type Ethernet []byte

// ValidEthernet tells whether b holds a whole header.
func ValidEthernet(b []byte) bool { return len(b) >= EthernetHeaderLen }

// Destination is the destination address.
func (e Ethernet) Destination() [6]byte { return [6]byte(e[offEtherDst:]) }

// Source is the source address.
func (e Ethernet) Source() [6]byte { return [6]byte(e[offEtherSrc:]) }

// EtherType is the type or length field as it stands behind the addresses: a
// VLAN tag's type when there is one.
func (e Ethernet) EtherType() uint16 { return binary.BigEndian.Uint16(e[offEtherType:]) }

// Group tells whether the destination is broadcast or multicast.
func (e Ethernet) Group() bool { return e[offEtherDst]&groupBit != 0 }

// Set writes the whole header.
func (e Ethernet) Set(destination, source [6]byte, etherType uint16) {
	_ = e[EthernetHeaderLen-1]
	*(*[6]byte)(e[offEtherDst:]) = destination
	*(*[6]byte)(e[offEtherSrc:]) = source
	binary.BigEndian.PutUint16(e[offEtherType:], etherType)
}

// VLANID is the VLAN identifier in a tag control information field.
func VLANID(tci uint16) uint16 { return tci & vlanIDMask }

// IsGroup tells whether an Ethernet address is broadcast or multicast.
func IsGroup(mac [6]byte) bool { return mac[0]&groupBit != 0 }
