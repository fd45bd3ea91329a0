//go:build arm64

package kernel

import "barewire/kernel/chacha"

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

// stirRandom replaces the key with block 0, which is never given out.
func stirRandom() {
	var b [chacha.BlockBytes]byte
	var nonce [3]uint32
	chacha.Block(&randomKey, 0, &nonce, &b)
	for i := range randomKey {
		randomKey[i] = uint32(b[4*i]) | uint32(b[4*i+1])<<8 | uint32(b[4*i+2])<<16 | uint32(b[4*i+3])<<24
	}
}

// randomBytes fills b.
func randomBytes(b []byte) {
	var block [chacha.BlockBytes]byte
	var nonce [3]uint32
	for n := uint32(1); len(b) > 0; n++ {
		chacha.Block(&randomKey, n, &nonce, &block)
		b = b[copy(b, block[:]):]
	}
	stirRandom()
}
