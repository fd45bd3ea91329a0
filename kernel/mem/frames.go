package mem

// MaxOrder is the largest block that Frames hands out: 2^10 frames, 4 MiB.
const MaxOrder = 10

// Frames hands out blocks of 2^order page frames, each aligned to its size: the
// binary buddy system (Knuth, TAOCP 1, 2.5). A block may be given back in any
// pieces that are aligned to their own size.
//
// For each frame one byte of state is kept: 0 while it is taken or does not
// exist, freeHead+order for the first frame of a free block. The links of the
// free lists lie in the free blocks themselves, so a machine of any size costs
// one byte in 4096. Memory that was released but never needed is not even
// touched: a virtual machine's host need not provide it, and does not spend the
// time to clear it.
//
// The zero value holds no memory. Not safe for concurrent use.
type Frames struct {
	direct uintptr // added to a frame's address it gives where the kernel sees it
	state  uintptr // address of the state bytes, one a frame
	lo, hi uint64  // the frames described are [lo, hi)
	heads  [MaxOrder + 1]uint64
	free   uint64 // frames
	total  uint64 // frames ever released

	untouched [maxUntouched]struct{ lo, hi uint64 } // released, not in any list yet
}

// maxUntouched is how many ranges are kept untouched: machines have memory in
// one to four pieces, less what the loader left there.
const maxUntouched = 16

const freeHead = 0x80

// none ends a free list. Physical address 0 may be a frame on some machines,
// an odd address never is.
const none = 1

// StateBytes is how much memory Init needs for the frames of [lo, hi).
func StateBytes(lo, hi uint64) uint64 { return (hi - lo) >> PageShift }

// Init describes the page frames of [lo, hi), all of them taken. Frame p is
// seen by the kernel at direct+p. state is the address of StateBytes(lo, hi)
// zero bytes.
func (f *Frames) Init(direct, state uintptr, lo, hi uint64) {
	f.direct, f.state = direct, state
	f.lo, f.hi = lo&^(PageSize-1), hi&^(PageSize-1)
	f.free, f.total = 0, 0
	for i := range f.heads {
		f.heads[i] = none
	}
	for i := range f.untouched {
		f.untouched[i].lo, f.untouched[i].hi = 0, 0
	}
}

// Release makes the whole frames inside [lo, hi) available for the first time.
func (f *Frames) Release(lo, hi uint64) {
	lo = (lo + PageSize - 1) &^ (PageSize - 1)
	hi &^= PageSize - 1
	if lo < f.lo {
		lo = f.lo
	}
	if hi > f.hi {
		hi = f.hi
	}
	if lo >= hi {
		return
	}
	for i := range f.untouched {
		u := &f.untouched[i]
		if u.lo == u.hi {
			u.lo, u.hi = lo, hi
			f.total += (hi - lo) >> PageShift
			f.free += (hi - lo) >> PageShift
			return
		}
	}
	for lo < hi {
		order := largest(lo, hi)
		if f.Free(lo, order) {
			f.total += 1 << order
		}
		lo += PageSize << order
	}
}

// largest is the order of the largest block that begins at lo and ends by hi.
func largest(lo, hi uint64) uint {
	order := uint(0)
	for order < MaxOrder && lo&(PageSize<<order) == 0 && lo+PageSize<<(order+1) <= hi {
		order++
	}
	return order
}

// touch puts untouched memory into the lists, block by block, until one has a
// block of the order or there is no more.
func (f *Frames) touch(order uint) {
	for i := range f.untouched {
		u := &f.untouched[i]
		for u.lo < u.hi {
			got := largest(u.lo, u.hi)
			f.link(u.lo, got)
			u.lo += PageSize << got
			if got >= order {
				return
			}
		}
	}
}

// Alloc takes a block of 2^order frames. Its content is what was left in it.
// ok is false when no block of that size is free.
func (f *Frames) Alloc(order uint) (frame uint64, ok bool) {
	have := f.smallest(order)
	if have > MaxOrder {
		f.touch(order)
		if have = f.smallest(order); have > MaxOrder {
			return 0, false
		}
	}
	frame = f.heads[have]
	f.unlink(frame, have)
	for have > order {
		have--
		f.link(frame+PageSize<<have, have)
	}
	f.free -= 1 << order
	return frame, true
}

// smallest is the least order from order on that has a free block.
func (f *Frames) smallest(order uint) uint {
	for order <= MaxOrder && f.heads[order] == none {
		order++
	}
	return order
}

// Free gives back the 2^order frames at frame. It returns false, and changes
// nothing, when they are not a block that Alloc gave out: misaligned, outside,
// or free already.
func (f *Frames) Free(frame uint64, order uint) bool {
	size := uint64(PageSize) << order
	if order > MaxOrder || frame&(size-1) != 0 || frame < f.lo || frame+size > f.hi || f.taken(frame, order) != 1<<order {
		return false
	}
	f.free += 1 << order
	for order < MaxOrder {
		buddy := frame ^ PageSize<<order
		if buddy < f.lo || buddy+PageSize<<order > f.hi || *f.at(buddy) != freeHead+byte(order) {
			break
		}
		f.unlink(buddy, order)
		frame &^= PageSize << order
		order++
	}
	f.link(frame, order)
	return true
}

// FreeFrames is the number of frames that Alloc could still give out one by one.
func (f *Frames) FreeFrames() uint64 { return f.free }

// TotalFrames is the number of frames that were ever released.
func (f *Frames) TotalFrames() uint64 { return f.total }

// taken counts the frames of an aligned block that no free block covers.
func (f *Frames) taken(frame uint64, order uint) uint64 {
	for i := range f.untouched {
		if u := &f.untouched[i]; frame < u.hi && frame+PageSize<<order > u.lo {
			return 0
		}
	}
	for up := order; up <= MaxOrder; up++ {
		head := frame &^ (PageSize<<up - 1)
		if head >= f.lo && *f.at(head) >= freeHead+byte(up) {
			return 0
		}
	}
	n := uint64(0)
	for i := uint64(0); i < 1<<order; i++ {
		if *f.at(frame + i<<PageShift) == 0 {
			n++
		}
	}
	return n
}

func (f *Frames) at(frame uint64) *byte {
	// The state bytes are memory that Init was given; frame is inside [lo, hi).
	return (*byte)(Pointer(f.state + uintptr((frame-f.lo)>>PageShift)))
}

// A free block begins with two words: the next and the previous block.
func (f *Frames) word(frame uint64, i uintptr) *uint64 {
	// The frame is free, so its memory is this allocator's.
	return (*uint64)(Pointer(f.direct + uintptr(frame) + 8*i))
}

func (f *Frames) link(frame uint64, order uint) {
	next := f.heads[order]
	*f.word(frame, 0), *f.word(frame, 1) = next, none
	if next != none {
		*f.word(next, 1) = frame
	}
	f.heads[order] = frame
	*f.at(frame) = freeHead + byte(order)
}

func (f *Frames) unlink(frame uint64, order uint) {
	next, prev := *f.word(frame, 0), *f.word(frame, 1)
	if next != none {
		*f.word(next, 1) = prev
	}
	if prev == none {
		f.heads[order] = next
	} else {
		*f.word(prev, 0) = next
	}
	*f.at(frame) = 0
}
