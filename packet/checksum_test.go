package packet

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestSumKnown(t *testing.T) {
	// RFC 1071 3: the example, and its byte-wise pieces.
	example := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}
	if got := Sum(example, 0); got != 0xddf2 {
		t.Errorf("sum %#x, want 0xddf2", got)
	}
	if got := Checksum(example); got != ^uint16(0xddf2) {
		t.Errorf("checksum %#x", got)
	}
	for _, c := range []struct {
		b       []byte
		initial uint16
		want    uint16
	}{
		{nil, 0, 0}, {nil, 0xffff, 0xffff}, {[]byte{0xab}, 0, 0xab00}, {[]byte{0xff, 0xff}, 0, 0xffff},
		{[]byte{0xff, 0xff, 0, 1}, 0, 1}, {[]byte{0, 1}, 0xffff, 1}, {make([]byte, 64), 0, 0},
	} {
		if got := Sum(c.b, c.initial); got != c.want {
			t.Errorf("Sum(%x, %#x) = %#x, want %#x", c.b, c.initial, got, c.want)
		}
	}
}

// All lengths, with carries everywhere, against the twin.
func TestSumAllLengths(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 300)
	for round := range 20 {
		for i := range b {
			b[i] = byte(random.Uint32())
			if round%2 == 0 {
				b[i] |= 0xfe // large words: carries
			}
			if round == 1 {
				b[i] = 0xff
			}
		}
		for n := range b {
			initial := uint16(random.Uint32())
			if got, want := Sum(b[:n], initial), slowSum(b[:n], initial); got != want {
				t.Fatalf("%d bytes from %#x: %#x, want %#x", n, initial, got, want)
			}
		}
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 1}, uint16(0xffff), uint(3))
	f.Fuzz(func(t *testing.T, b []byte, initial uint16, cut uint) {
		want := slowSum(b, initial)
		if got := Sum(b, initial); got != want {
			t.Fatalf("%#x, want %#x", got, want)
		}
		at := int(cut%uint(len(b)+1)) &^ 1
		if got := Sum(b[at:], Sum(b[:at], initial)); got != want {
			t.Fatalf("in two pieces at %d: %#x, want %#x", at, got, want)
		}
	})
}

// RFC 1624 4: the example that equation 2 gets wrong.
func TestUpdateChecksumCorner(t *testing.T) {
	if got := UpdateChecksum(0xdd2f, 0x5555, 0x3285); got != 0 {
		t.Errorf("%#x, want 0x0000", got)
	}
}

// Every change of every word gives what computing anew gives.
func TestUpdateChecksumProperty(t *testing.T) {
	word := rapid.OneOf(rapid.Uint16(), rapid.SampledFrom([]uint16{0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff}))
	rapid.Check(t, func(t *rapid.T) {
		b := binary.BigEndian.AppendUint16(nil, 0x4500) // covered bytes are never all zero
		for range 5 {
			b = binary.BigEndian.AppendUint16(b, word.Draw(t, "word"))
		}
		sum := Checksum(b)
		before, after := binary.BigEndian.Uint16(b[4:]), word.Draw(t, "after")
		binary.BigEndian.PutUint16(b[4:], after)
		if got, want := UpdateChecksum(sum, before, after), Checksum(b); got != want {
			t.Fatalf("%#x: %#x to %#x: %#x, want %#x", sum, before, after, got, want)
		}
		sum = Checksum(b)
		before32, after32 := binary.BigEndian.Uint32(b[6:]), rapid.Uint32().Draw(t, "after32")
		binary.BigEndian.PutUint32(b[6:], after32)
		if got, want := UpdateChecksum32(sum, before32, after32), Checksum(b); got != want {
			t.Fatalf("32 bits: %#x, want %#x", got, want)
		}
	})
}

func TestPseudoSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, d := rapid.Uint32().Draw(t, "source"), rapid.Uint32().Draw(t, "destination")
		proto, n := rapid.Uint8().Draw(t, "proto"), rapid.Uint16().Draw(t, "length")
		b := binary.BigEndian.AppendUint32(nil, s)
		b = binary.BigEndian.AppendUint32(b, d)
		b = append(b, 0, proto)
		b = binary.BigEndian.AppendUint16(b, n)
		if got, want := PseudoSum(Addr4(s), Addr4(d), proto, int(n)), slowSum(b, 0); got != want {
			t.Fatalf("%#x, want %#x", got, want)
		}
	})
}

func BenchmarkChecksum(b *testing.B) {
	for _, n := range []int{20, 64, 1500} {
		b.Run(sizeName(n), func(b *testing.B) {
			data := make([]byte, n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				Checksum(data)
			}
		})
	}
}

func sizeName(n int) string {
	return map[int]string{20: "bytes=20", 64: "bytes=64", 1500: "bytes=1500"}[n]
}
