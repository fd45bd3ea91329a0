//go:build arm64

package kernel

import "math/bits"

// Random bytes: ChaCha20 (RFC 8439 2.3) over a key that each request replaces
// with the generator's own next output, so that what was given out cannot be
// computed again from a later state. The key comes from the loader's seed (the
// tree's rng-seed), the processor's RNDR where it has one, and the counter.

var (
	randomKey    [8]uint32
	randomSeeded bool
)

// seedRandom mixes in firmware's seed, and clears it, so that nobody uses it again.
func seedRandom(seed []byte) {
	randomSeeded = len(seed) >= 16
	for i := range seed {
		randomKey[i/4%8] ^= uint32(seed[i]) << (i % 4 * 8)
		seed[i] = 0
		if i%32 == 31 {
			stirRandom()
		}
	}
	if instructionFeatures()>>60 != 0 { // RNDR
		for i := 0; i < len(randomKey); i += 2 {
			// It may have nothing for a while (Arm ARM K16.1): a few tries.
			for try := 0; try < 16; try++ {
				if v, ok := randomRegister(); ok {
					randomKey[i] ^= uint32(v)
					randomKey[i+1] ^= uint32(v >> 32)
					randomSeeded = true
					break
				}
			}
		}
	}
	randomKey[0] ^= uint32(counter())
	randomKey[1] ^= uint32(epoch)
	stirRandom()
	if !randomSeeded {
		say(str("kernel: no source of random numbers (rng-seed in the device tree, or RNDR): keys made here can be guessed\n"))
	}
}

func stirRandom() {
	var b [64]byte
	chachaBlock(&randomKey, 0, &b)
	for i := range randomKey {
		randomKey[i] = uint32(b[4*i]) | uint32(b[4*i+1])<<8 | uint32(b[4*i+2])<<16 | uint32(b[4*i+3])<<24
	}
}

// randomBytes fills b.
func randomBytes(b []byte) {
	var block [64]byte
	for n := uint32(1); len(b) > 0; n++ {
		chachaBlock(&randomKey, n, &block)
		b = b[copy(b, block[:]):]
	}
	stirRandom()
}

// chachaBlock is one block with a zero nonce.
func chachaBlock(key *[8]uint32, n uint32, out *[64]byte) {
	s := [16]uint32{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
		key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7], n}
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
