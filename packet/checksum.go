package packet

import (
	"encoding/binary"
	"math/bits"
)

// Sum adds b to initial as 16-bit words in one's complement, an odd last byte
// padded by zero, and folds the result to 16 bits (RFC 1071). To sum pieces,
// each but the last of even length, pass the result on as initial. Eight bytes
// are added at a time: the sum modulo 2^64-1 folds to the one modulo 2^16-1.
// Packet context.
func Sum(b []byte, initial uint16) uint16 {
	sum, carry := uint64(initial), uint64(0)
	for len(b) >= 32 {
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b), carry)
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b[8:]), carry)
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b[16:]), carry)
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b[24:]), carry)
		b = b[32:]
	}
	for len(b) >= 8 {
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b), carry)
		b = b[8:]
	}
	var last uint64
	if len(b) >= 4 {
		last = uint64(binary.BigEndian.Uint32(b))
		b = b[4:]
	}
	if len(b) >= 2 {
		last += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) > 0 {
		last += uint64(b[0]) << 8
	}
	sum, carry = bits.Add64(sum, last, carry)
	// The end-around carry may itself carry, but only into a sum of zero.
	sum, carry = bits.Add64(sum, 0, carry)
	return fold(sum + carry)
}

// fold brings a one's complement sum of 64 bits down to 16.
func fold(sum uint64) uint16 {
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return uint16(sum)
}

// Checksum is the Internet checksum of b, as it is stored in a header whose
// checksum field was zero. Over a header with its checksum it is 0 when the
// header is intact. Packet context.
func Checksum(b []byte) uint16 { return ^Sum(b, 0) }

// PseudoSum is the one's complement sum of the IPv4 pseudo header of a
// transport packet of length bytes (RFC 768, RFC 9293 3.1). Packet context.
func PseudoSum(source, destination Addr4, proto uint8, length int) uint16 {
	return fold(uint64(source) + uint64(destination) + uint64(proto) + uint64(uint16(length)))
}

// UpdateChecksum is the checksum after one 16-bit word of the covered bytes
// went from before to after (RFC 1624 equation 3). Of the two zeros it gives
// the one that Checksum gives, 0x0000, as covered bytes are never all zero;
// the equation of RFC 1141 would give 0xffff, which receivers that compare
// rather than sum refuse. Packet context.
func UpdateChecksum(sum, before, after uint16) uint16 {
	s := uint32(^sum) + uint32(^before) + uint32(after)
	s = s>>16 + s&0xffff
	return ^uint16(s>>16 + s)
}

// UpdateChecksum32 is UpdateChecksum for a word of 32 bits, such as an IPv4
// address, that starts at an even offset. Packet context.
func UpdateChecksum32(sum uint16, before, after uint32) uint16 {
	return UpdateChecksum(UpdateChecksum(sum, uint16(before>>16), uint16(after>>16)), uint16(before), uint16(after))
}
