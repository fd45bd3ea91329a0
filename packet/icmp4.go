package packet

import "encoding/binary"

// From RFC 792, RFC 1191 and RFC 1812.
const (
	ICMP4HeaderLen = 8

	ICMP4EchoReply           = 0
	ICMP4Unreachable         = 3
	ICMP4SourceQuench        = 4
	ICMP4Redirect            = 5
	ICMP4EchoRequest         = 8
	ICMP4TimeExceeded        = 11
	ICMP4ParameterProblem    = 12
	ICMP4NetUnreachable      = 0  // codes of ICMP4Unreachable
	ICMP4HostUnreachable     = 1  //
	ICMP4ProtocolUnreachable = 2  //
	ICMP4PortUnreachable     = 3  //
	ICMP4FragmentationNeeded = 4  // Rest holds the next hop's MTU in its low half
	ICMP4AdminProhibited     = 13 //

	offICMP4Type     = 0
	offICMP4Code     = 1
	offICMP4Checksum = 2
	offICMP4Rest     = 4
)

// ICMP4 is a view on an ICMP message.
type ICMP4 []byte

// ValidICMP4 tells whether b holds a whole ICMP header.
func ValidICMP4(b []byte) bool { return len(b) >= ICMP4HeaderLen }

// Type is the kind of message.
func (i ICMP4) Type() uint8 { return i[offICMP4Type] }

// Code narrows the type.
func (i ICMP4) Code() uint8 { return i[offICMP4Code] }

// Checksum is the checksum as stored.
func (i ICMP4) Checksum() uint16 { return binary.BigEndian.Uint16(i[offICMP4Checksum:]) }

// Rest is the second word of the header: an MTU, a pointer, or identifier and
// sequence number, by type.
func (i ICMP4) Rest() uint32 { return binary.BigEndian.Uint32(i[offICMP4Rest:]) }

// Payload is what follows the header; in an error, the packet it speaks of.
func (i ICMP4) Payload() []byte { return i[ICMP4HeaderLen:] }

// Error tells whether a message of this type speaks of another packet; such
// messages are never answered by an error (RFC 1122 3.2.2).
func (i ICMP4) Error() bool {
	switch i.Type() {
	case ICMP4Unreachable, ICMP4SourceQuench, ICMP4Redirect, ICMP4TimeExceeded, ICMP4ParameterProblem:
		return true
	}
	return false
}

// Set writes the header and the checksum over all of i.
func (i ICMP4) Set(kind, code uint8, rest uint32) {
	_ = i[ICMP4HeaderLen-1]
	i[offICMP4Type], i[offICMP4Code] = kind, code
	binary.BigEndian.PutUint32(i[offICMP4Rest:], rest)
	binary.BigEndian.PutUint16(i[offICMP4Checksum:], 0)
	binary.BigEndian.PutUint16(i[offICMP4Checksum:], Checksum(i))
}
