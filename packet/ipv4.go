package packet

import "encoding/binary"

// From RFC 791.
const (
	IPv4HeaderLen    = 20 // without options
	IPv4MaxHeaderLen = 60
	IPv4MaxLen       = 65535

	ProtoICMP = 1
	ProtoTCP  = 6
	ProtoUDP  = 17

	DontFragment  = 0x4000
	MoreFragments = 0x2000
	fragmentMask  = 0x1fff

	offIPv4VersionIHL = 0
	offIPv4TOS        = 1
	offIPv4TotalLen   = 2
	offIPv4ID         = 4
	offIPv4Fragment   = 6
	offIPv4TTL        = 8
	offIPv4Proto      = 9
	offIPv4Checksum   = 10
	offIPv4Source     = 12
	offIPv4Dest       = 16
)

// IPv4 is a view on an IPv4 header and what follows it.
type IPv4 []byte

// ValidIPv4 tells whether b starts with a whole IPv4 header, options included,
// and holds the whole packet that its total length claims.
func ValidIPv4(b []byte) bool { return checkIPv4(b) == OK }

// checkIPv4 names what is wrong with the lengths of an IPv4 packet.
func checkIPv4(b []byte) Result {
	if len(b) < IPv4HeaderLen {
		return IPv4Short
	}
	p := IPv4(b)
	header, total := p.HeaderLen(), p.TotalLen()
	switch {
	case p.Version() != 4:
		return IPv4Version
	case header < IPv4HeaderLen:
		return IPv4HeaderLength
	case total < header:
		return IPv4TotalLength
	case total > len(b):
		return IPv4Truncated
	}
	return OK
}

// Version is the IP version.
func (p IPv4) Version() int { return int(p[offIPv4VersionIHL] >> 4) }

// HeaderLen is the length of the header in bytes, as the IHL field has it.
func (p IPv4) HeaderLen() int { return int(p[offIPv4VersionIHL]&0xf) * 4 }

// TOS is the type of service, now DSCP and ECN.
func (p IPv4) TOS() uint8 { return p[offIPv4TOS] }

// TotalLen is the length of the packet in bytes, header included.
func (p IPv4) TotalLen() int { return int(binary.BigEndian.Uint16(p[offIPv4TotalLen:])) }

// ID is the identification that the fragments of a packet share.
func (p IPv4) ID() uint16 { return binary.BigEndian.Uint16(p[offIPv4ID:]) }

// DontFragment tells whether the DF bit is set.
func (p IPv4) DontFragment() bool { return p.fragment()&DontFragment != 0 }

// MoreFragments tells whether the MF bit is set.
func (p IPv4) MoreFragments() bool { return p.fragment()&MoreFragments != 0 }

// FragmentOffset is where the packet's payload belongs in the whole, in bytes.
func (p IPv4) FragmentOffset() int { return int(p.fragment()&fragmentMask) * 8 }

// Fragment tells whether the packet is a part of another.
func (p IPv4) Fragment() bool { return p.fragment()&(MoreFragments|fragmentMask) != 0 }

func (p IPv4) fragment() uint16 { return binary.BigEndian.Uint16(p[offIPv4Fragment:]) }

// TTL is the time to live in hops.
func (p IPv4) TTL() uint8 { return p[offIPv4TTL] }

// Proto is the protocol of the payload.
func (p IPv4) Proto() uint8 { return p[offIPv4Proto] }

// Checksum is the header checksum as stored.
func (p IPv4) Checksum() uint16 { return binary.BigEndian.Uint16(p[offIPv4Checksum:]) }

// Source is the source address.
func (p IPv4) Source() Addr4 { return addr4(p[offIPv4Source:]) }

// Destination is the destination address.
func (p IPv4) Destination() Addr4 { return addr4(p[offIPv4Dest:]) }

// Options are the bytes between the fixed header and the payload.
func (p IPv4) Options() []byte { return p[IPv4HeaderLen:p.HeaderLen()] }

// Payload is what follows the header, up to the total length.
func (p IPv4) Payload() []byte { return p[p.HeaderLen():p.TotalLen()] }

// ChecksumOK tells whether the header checksum is right.
func (p IPv4) ChecksumOK() bool {
	if p[offIPv4VersionIHL] == 0x45 { // nearly all: no loop
		h := p[:IPv4HeaderLen]
		return fold(binary.BigEndian.Uint64(h)>>32+binary.BigEndian.Uint64(h)&0xffffffff+
			binary.BigEndian.Uint64(h[8:])>>32+binary.BigEndian.Uint64(h[8:])&0xffffffff+
			uint64(binary.BigEndian.Uint32(h[16:]))) == 0xffff
	}
	return Sum(p[:p.HeaderLen()], 0) == 0xffff
}

// UpdateChecksum computes the header checksum anew.
func (p IPv4) UpdateChecksum() {
	binary.BigEndian.PutUint16(p[offIPv4Checksum:], 0)
	binary.BigEndian.PutUint16(p[offIPv4Checksum:], Checksum(p[:p.HeaderLen()]))
}

// DecrementTTL lowers the TTL by one and corrects the checksum by the
// difference (RFC 1624). The TTL must not be 0.
func (p IPv4) DecrementTTL() {
	before := binary.BigEndian.Uint16(p[offIPv4TTL:])
	after := before - 0x0100
	binary.BigEndian.PutUint16(p[offIPv4TTL:], after)
	binary.BigEndian.PutUint16(p[offIPv4Checksum:], UpdateChecksum(p.Checksum(), before, after))
}

// SetFragment writes the flags and the offset, a multiple of 8 bytes, and the
// total length. The checksum is not corrected.
func (p IPv4) SetFragment(flags uint16, offset, total int) {
	binary.BigEndian.PutUint16(p[offIPv4Fragment:], flags|uint16(offset/8))
	binary.BigEndian.PutUint16(p[offIPv4TotalLen:], uint16(total))
}

// Header4 holds the fields of an IPv4 header without options.
type Header4 struct {
	TOS, TTL, Proto     uint8
	ID                  uint16
	Fragment            uint16 // flags and offset in units of 8 bytes
	TotalLen            int
	Source, Destination Addr4
}

// Set writes a header without options, checksum included.
func (p IPv4) Set(h Header4) {
	_ = p[IPv4HeaderLen-1]
	p[offIPv4VersionIHL] = 0x45
	p[offIPv4TOS] = h.TOS
	binary.BigEndian.PutUint16(p[offIPv4TotalLen:], uint16(h.TotalLen))
	binary.BigEndian.PutUint16(p[offIPv4ID:], h.ID)
	binary.BigEndian.PutUint16(p[offIPv4Fragment:], h.Fragment)
	p[offIPv4TTL] = h.TTL
	p[offIPv4Proto] = h.Proto
	putAddr4(p[offIPv4Source:], h.Source)
	putAddr4(p[offIPv4Dest:], h.Destination)
	p.UpdateChecksum()
}
