package mem

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// newFrames gives an allocator over real memory of n frames, of which none is
// released. Frame addresses are offsets into that memory, plus base.
func newFrames(t *testing.T, n int, base uint64) (*Frames, []byte) {
	t.Helper()
	memory := make([]byte, (n+1)*PageSize)
	start := uintptr(unsafe.Pointer(&memory[0]))
	aligned := (start + PageSize - 1) &^ (PageSize - 1)
	state := make([]byte, n)
	t.Cleanup(func() { memory, state = nil, nil })
	f := new(Frames)
	f.Init(aligned-uintptr(base), uintptr(unsafe.Pointer(&state[0])), base, base+uint64(n)*PageSize)
	return f, state
}

func TestFramesGiveEverythingOnce(t *testing.T) {
	const n = 3000
	f, _ := newFrames(t, n, 0x40000000)
	f.Release(0x40000000+1, 0x40000000+n*PageSize-1)
	if got := f.FreeFrames(); got != n-2 {
		t.Fatalf("%d frames free, want %d: partial frames at both ends must be left out", got, n-2)
	}
	seen := make(map[uint64]bool)
	for {
		p, ok := f.Alloc(0)
		if !ok {
			break
		}
		if seen[p] {
			t.Fatalf("frame %#x given out twice", p)
		}
		seen[p] = true
	}
	if len(seen) != n-2 || f.FreeFrames() != 0 {
		t.Fatalf("%d frames given out, %d left, want %d and 0", len(seen), f.FreeFrames(), n-2)
	}
	for p := range seen {
		if !f.Free(p, 0) {
			t.Fatalf("frame %#x refused", p)
		}
	}
	if p, ok := f.Alloc(MaxOrder); !ok {
		t.Fatal("buddies did not join again: no block of the largest size")
	} else if p&(PageSize<<MaxOrder-1) != 0 {
		t.Fatalf("block %#x is not aligned to its size", p)
	}
}

func TestFramesRefuseWhatIsNotTaken(t *testing.T) {
	f, _ := newFrames(t, 64, 0x1000000)
	f.Release(0x1000000, 0x1000000+64*PageSize)
	p, _ := f.Alloc(2)
	for _, c := range []struct {
		name  string
		frame uint64
		order uint
	}{
		{"free already", p + 32*PageSize, 0},
		{"misaligned", p + 8, 0},
		{"misaligned for its order", p + PageSize, 1},
		{"below", 0x1000000 - PageSize, 0},
		{"above", 0x1000000 + 64*PageSize, 0},
		{"partly free", p, 3},
		{"too large", 0, MaxOrder + 1},
	} {
		before := f.FreeFrames()
		if f.Free(c.frame, c.order) {
			t.Errorf("%s: accepted", c.name)
		}
		if f.FreeFrames() != before {
			t.Errorf("%s: count changed", c.name)
		}
	}
	if !f.Free(p, 1) || !f.Free(p+2*PageSize, 0) || !f.Free(p+3*PageSize, 0) {
		t.Error("a block given back in pieces was refused")
	}
	if f.Free(p, 0) {
		t.Error("freed twice")
	}
	if f.FreeFrames() != 64 {
		t.Errorf("%d free, want 64", f.FreeFrames())
	}
}

// TestFramesRandom holds the allocator against a plain list of taken frames.
func TestFramesRandom(t *testing.T) {
	const n = 2048
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	f, _ := newFrames(t, n, 0x80000000)
	f.Release(0x80000000, 0x80000000+n*PageSize)
	owner := make([]int, n)
	type block struct {
		frame uint64
		order uint
	}
	var held []block
	taken := uint64(0)
	for step := 1; step < 20000; step++ {
		if rnd.IntN(2) == 0 || len(held) == 0 {
			order := uint(rnd.IntN(MaxOrder))
			p, ok := f.Alloc(order)
			if !ok {
				continue
			}
			for i := range 1 << order {
				slot := int(p-0x80000000)/PageSize + i
				if owner[slot] != 0 {
					t.Fatalf("step %d: frame %d given out twice", step, slot)
				}
				owner[slot] = step
			}
			taken += 1 << order
			held = append(held, block{p, order})
		} else {
			i := rnd.IntN(len(held))
			b := held[i]
			held[i] = held[len(held)-1]
			held = held[:len(held)-1]
			if !f.Free(b.frame, b.order) {
				t.Fatalf("step %d: block %#x order %d refused", step, b.frame, b.order)
			}
			for i := range 1 << b.order {
				owner[int(b.frame-0x80000000)/PageSize+i] = 0
			}
			taken -= 1 << b.order
		}
		if f.FreeFrames() != n-taken {
			t.Fatalf("step %d: %d free, want %d", step, f.FreeFrames(), n-taken)
		}
	}
}

func BenchmarkFrames(b *testing.B) {
	memory := make([]byte, 1025*PageSize)
	state := make([]byte, 1024)
	var f Frames
	aligned := (uintptr(unsafe.Pointer(&memory[0])) + PageSize - 1) &^ (PageSize - 1)
	f.Init(aligned, uintptr(unsafe.Pointer(&state[0])), 0, 1024*PageSize)
	f.Release(0, 1024*PageSize)
	b.ReportAllocs()
	for b.Loop() {
		p, _ := f.Alloc(0)
		f.Free(p, 0)
	}
}
