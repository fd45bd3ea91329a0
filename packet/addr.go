package packet

import (
	"encoding/binary"
	"net/netip"
)

// Addr4 is an IPv4 address as a number: 192.0.2.1 is 0xc0000201. 4 bytes,
// comparable; the zero value is 0.0.0.0. Outside hot paths use netip.Addr.
type Addr4 uint32

// Broadcast4 is the limited broadcast address, 255.255.255.255.
const Broadcast4 Addr4 = 0xffff_ffff

// Addr4From converts an IPv4 address. It panics on any other.
func Addr4From(a netip.Addr) Addr4 {
	b := a.As4()
	return Addr4(binary.BigEndian.Uint32(b[:]))
}

// Netip is the address as package netip has it.
func (a Addr4) Netip() netip.Addr {
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
}

// String is the dotted form.
func (a Addr4) String() string { return a.Netip().String() }

// Multicast tells whether a lies in 224.0.0.0/4 (RFC 5771).
func (a Addr4) Multicast() bool { return a>>28 == 0xe }

// Loopback tells whether a lies in 127.0.0.0/8 (RFC 1122 3.2.1.3).
func (a Addr4) Loopback() bool { return a>>24 == 127 }

// ThisNetwork tells whether a lies in 0.0.0.0/8 (RFC 6890 table 1).
func (a Addr4) ThisNetwork() bool { return a>>24 == 0 }

// LinkLocal tells whether a lies in 169.254.0.0/16 (RFC 3927).
func (a Addr4) LinkLocal() bool { return a>>16 == 0xa9fe }

func addr4(b []byte) Addr4 { return Addr4(binary.BigEndian.Uint32(b)) }

func putAddr4(b []byte, a Addr4) { binary.BigEndian.PutUint32(b, uint32(a)) }
