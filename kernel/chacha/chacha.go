// Package chacha is the block function of ChaCha20 (RFC 8439 2.3), from which the
// kernel makes random bytes.
//
// All code in this package runs in trap context: no heap, no write barrier, no
// map, channel, closure or interface; bounded loops. It knows no processor, so
// that any can test it.
package chacha

import "math/bits"

// BlockBytes is the size of a block.
const BlockBytes = 64

// Block writes the block with a number under a key and a nonce, whose bytes
// make little-endian words.
func Block(key *[8]uint32, number uint32, nonce *[3]uint32, out *[BlockBytes]byte) {
	s := [16]uint32{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
		key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7], number, nonce[0], nonce[1], nonce[2]}
	w := s
	for range 10 {
		quarter(&w[0], &w[4], &w[8], &w[12])
		quarter(&w[1], &w[5], &w[9], &w[13])
		quarter(&w[2], &w[6], &w[10], &w[14])
		quarter(&w[3], &w[7], &w[11], &w[15])
		quarter(&w[0], &w[5], &w[10], &w[15])
		quarter(&w[1], &w[6], &w[11], &w[12])
		quarter(&w[2], &w[7], &w[8], &w[13])
		quarter(&w[3], &w[4], &w[9], &w[14])
	}
	for i := range w {
		v := w[i] + s[i]
		out[4*i], out[4*i+1], out[4*i+2], out[4*i+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	}
}

// quarter is the quarter round, RFC 8439 2.1.
func quarter(a, b, c, d *uint32) {
	*a += *b
	*d = bits.RotateLeft32(*d^*a, 16)
	*c += *d
	*b = bits.RotateLeft32(*b^*c, 12)
	*a += *b
	*d = bits.RotateLeft32(*d^*a, 8)
	*c += *d
	*b = bits.RotateLeft32(*b^*c, 7)
}
