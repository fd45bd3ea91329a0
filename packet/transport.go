package packet

import "encoding/binary"

// From RFC 768 and RFC 9293. UDP and TCP begin with the same two fields.
const (
	PortsLen     = 4
	UDPHeaderLen = 8
	TCPHeaderLen = 20 // without options

	offSourcePort      = 0
	offDestinationPort = 2
	offUDPLen          = 4
	offUDPChecksum     = 6
	offTCPDataOffset   = 12
	offTCPFlags        = 13
	offTCPChecksum     = 16
)

// TCP flags, RFC 9293 3.1.
const (
	TCPFin = 1 << iota
	TCPSyn
	TCPRst
	TCPPsh
	TCPAck
)

// Ports is a view on the first four bytes of a UDP or TCP header.
type Ports []byte

// ValidPorts tells whether b holds both ports.
func ValidPorts(b []byte) bool { return len(b) >= PortsLen }

// Source is the source port.
func (p Ports) Source() uint16 { return binary.BigEndian.Uint16(p[offSourcePort:]) }

// Destination is the destination port.
func (p Ports) Destination() uint16 { return binary.BigEndian.Uint16(p[offDestinationPort:]) }

// UDP is a view on a UDP header and what follows it.
type UDP []byte

// ValidUDP tells whether b holds a whole header and the datagram that its
// length claims.
func ValidUDP(b []byte) bool {
	return len(b) >= UDPHeaderLen && UDP(b).Len() >= UDPHeaderLen && UDP(b).Len() <= len(b)
}

// Ports is the view on the ports.
func (u UDP) Ports() Ports { return Ports(u) }

// Len is the length of the datagram in bytes, header included.
func (u UDP) Len() int { return int(binary.BigEndian.Uint16(u[offUDPLen:])) }

// Checksum is the checksum as stored; 0 when the sender computed none.
func (u UDP) Checksum() uint16 { return binary.BigEndian.Uint16(u[offUDPChecksum:]) }

// Payload is what follows the header, up to the length.
func (u UDP) Payload() []byte { return u[UDPHeaderLen:u.Len()] }

// Set writes the header of a datagram that is all of u, with its checksum.
func (u UDP) Set(source, destination Addr4, sourcePort, destinationPort uint16) {
	_ = u[UDPHeaderLen-1]
	binary.BigEndian.PutUint16(u[offSourcePort:], sourcePort)
	binary.BigEndian.PutUint16(u[offDestinationPort:], destinationPort)
	binary.BigEndian.PutUint16(u[offUDPLen:], uint16(len(u)))
	binary.BigEndian.PutUint16(u[offUDPChecksum:], 0)
	sum := ^Sum(u, PseudoSum(source, destination, ProtoUDP, len(u)))
	if sum == 0 {
		sum = 0xffff // 0 would say that there is none
	}
	binary.BigEndian.PutUint16(u[offUDPChecksum:], sum)
}

// TCP is a view on a TCP header and what follows it.
type TCP []byte

// ValidTCP tells whether b holds a whole header, options included.
func ValidTCP(b []byte) bool {
	return len(b) >= TCPHeaderLen && TCP(b).HeaderLen() >= TCPHeaderLen && TCP(b).HeaderLen() <= len(b)
}

// Ports is the view on the ports.
func (t TCP) Ports() Ports { return Ports(t) }

// HeaderLen is the length of the header in bytes, options included.
func (t TCP) HeaderLen() int { return int(t[offTCPDataOffset]>>4) * 4 }

// Flags are the control bits, FIN lowest.
func (t TCP) Flags() uint8 { return t[offTCPFlags] }

// Checksum is the checksum as stored.
func (t TCP) Checksum() uint16 { return binary.BigEndian.Uint16(t[offTCPChecksum:]) }

// Payload is what follows the header.
func (t TCP) Payload() []byte { return t[t.HeaderLen():] }
