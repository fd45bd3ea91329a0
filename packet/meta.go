package packet

// Meta is what Parse learned of a frame. Offsets count from the first byte of
// the frame. The zero value says that nothing is known. 12 bytes.
type Meta struct {
	L3        uint16 // offset of the network header; valid when EtherType is not 0
	L4        uint16 // offset of what follows the network header; valid when Proto is
	End       uint16 // offset one past the network packet: padding follows it
	EtherType uint16 // of the payload, behind any VLAN tag; 0 for an 802.3 length field
	VLAN      uint16 // tag control information of the outer tag; valid with FlagTagged
	Proto     uint8  // IPv4 protocol or the last IPv6 next header
	Flags     Flags
}

// Flags are facts about a frame that more than one step asks for.
type Flags uint8

const (
	FlagTagged        Flags = 1 << iota // a VLAN tag stands before the EtherType
	FlagOptions                         // the IPv4 header is longer than 20 bytes
	FlagFragment                        // the packet is a fragment, the first included
	FlagLaterFragment                   // a fragment without the transport header
	FlagGroup                           // the frame's destination is a group address
	FlagLocal                           // made by this machine, not received
)

// Has tells whether any of the flags in g is set.
func (f Flags) Has(g Flags) bool { return f&g != 0 }
