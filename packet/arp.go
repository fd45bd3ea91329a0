package packet

import "encoding/binary"

// From RFC 826, for IPv4 over Ethernet.
const (
	ARPLen     = 28
	ARPRequest = 1
	ARPReply   = 2

	arpHardwareEthernet = 1

	offARPHardware        = 0
	offARPProtocol        = 2
	offARPHardwareLen     = 4
	offARPProtocolLen     = 5
	offARPOperation       = 6
	offARPSenderMAC       = 8
	offARPSenderAddress   = 14
	offARPTargetMAC       = 18
	offARPTargetAddress   = 24
	arpFixedEthernetIPv4  = arpHardwareEthernet<<48 | EtherTypeIPv4<<32 | 6<<24 | 4<<16
	arpFixedMask          = 0xffff_ffff_ffff_0000
	arpFixedMaskedOperand = 0x0000_0000_0000_ffff
)

// ARP is a view on an ARP packet for IPv4 over Ethernet.
type ARP []byte

// ValidARP tells whether b holds a whole packet that speaks of IPv4 addresses
// and Ethernet addresses.
func ValidARP(b []byte) bool {
	return len(b) >= ARPLen && binary.BigEndian.Uint64(b)&arpFixedMask == arpFixedEthernetIPv4
}

// Operation is ARPRequest, ARPReply or something else.
func (a ARP) Operation() uint16 { return binary.BigEndian.Uint16(a[offARPOperation:]) }

// SenderMAC is the sender's Ethernet address.
func (a ARP) SenderMAC() [6]byte { return [6]byte(a[offARPSenderMAC:]) }

// SenderAddress is the sender's IPv4 address; 0 in a probe (RFC 5227 2.1.1).
func (a ARP) SenderAddress() Addr4 { return addr4(a[offARPSenderAddress:]) }

// TargetMAC is the target's Ethernet address; it means nothing in a request.
func (a ARP) TargetMAC() [6]byte { return [6]byte(a[offARPTargetMAC:]) }

// TargetAddress is the IPv4 address that is asked for or told.
func (a ARP) TargetAddress() Addr4 { return addr4(a[offARPTargetAddress:]) }

// Set writes the whole packet.
func (a ARP) Set(operation uint16, senderMAC [6]byte, sender Addr4, targetMAC [6]byte, target Addr4) {
	_ = a[ARPLen-1]
	binary.BigEndian.PutUint64(a, arpFixedEthernetIPv4|uint64(operation)&arpFixedMaskedOperand)
	*(*[6]byte)(a[offARPSenderMAC:]) = senderMAC
	putAddr4(a[offARPSenderAddress:], sender)
	*(*[6]byte)(a[offARPTargetMAC:]) = targetMAC
	putAddr4(a[offARPTargetAddress:], target)
}
