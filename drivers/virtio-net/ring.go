package virtionet

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"barewire/nic"
)

// This file moves memory around and knows no register: a split virtqueue
// (section 2.7), the driver's side. Every buffer is one descriptor.
//
//	descriptors  [size]{address, length, flags, next}    written by the driver
//	driver area  flags, index, [size]id, used_event      written by the driver
//	device area  flags, index, [size]{id, length}, avail_event   by the device
//
// Indices run freely through 16 bits and wrap; id = entry[index mod size].

// From the specification.
const (
	descriptorBytes = 16
	descriptorWrite = 2 // the device writes to the buffer

	availNoInterrupt = 1 // section 2.7.7
	usedNoNotify     = 1 // section 2.7.10
)

// Ours.
const (
	// ringAlign keeps what the device writes and what the driver writes in
	// cache lines of their own; the specification asks for 16 at most.
	ringAlign = 64

	// minRing is the smallest ring: with it every word that is read or written
	// atomically is aligned.
	minRing = 4

	// maxRing keeps the free-running indices far from their half range.
	maxRing = 4096

	// farAway is an event index that is not reached for thousands of buffers.
	farAway = 1 << 15
)

type descriptor struct {
	address uint64
	length  uint32
	flags   uint16
	next    uint16
}

type usedElement struct{ id, length uint32 }

// ring belongs to one worker; the memory behind its pointers is shared with the
// device, which may write anything there at any time.
type ring struct {
	size, mask uint16
	eventIndex bool // VIRTIO_F_EVENT_IDX

	desc       []descriptor
	availWord  *uint32 // flags, and the index in the upper half
	avail      []uint16
	usedEvent  *uint32 // lower half; the upper is padding of ours
	usedWord   *uint32 // flags, and the index in the upper half
	used       []usedElement
	availEvent *uint32 // lower half; the upper is padding

	mem                              []byte // all of the above
	descAddr, driverAddr, deviceAddr uint64 // as the device sees them

	held  []*nic.Buffer // by id: what the device has; nil: the id is free
	free  []uint16      // ids, a stack
	nfree int

	next  uint16 // index of the next buffer to be made available
	shown uint16 // index that the device was shown
	seen  uint16 // index of the next used buffer
	flags uint32 // of the driver area
	far   uint16 // the index at which disarm was last written
}

// ringBytes is the memory that a ring of size descriptors needs.
func ringBytes(size int) int {
	desc, driver, device := ringParts(size)
	return desc + driver + device
}

func ringParts(size int) (desc, driver, device int) {
	up := func(n int) int { return (n + ringAlign - 1) &^ (ringAlign - 1) }
	// 4 bytes for each event index: it is accessed as a word.
	return up(size * descriptorBytes), up(4 + size*2 + 4), up(4 + size*8 + 4)
}

// newRing lays a ring of size descriptors into mem, which the device sees at
// addr. mem must have ringBytes(size) bytes.
func newRing(mem []byte, addr uint64, size int) (*ring, error) {
	if size < minRing || size > maxRing || size&(size-1) != 0 {
		return nil, fmt.Errorf("ring of %d descriptors: want a power of two, %d to %d", size, minRing, maxRing)
	}
	if len(mem) < ringBytes(size) || addr%ringAlign != 0 {
		return nil, fmt.Errorf("ring memory: %d bytes at %#x, want %d, aligned to %d", len(mem), addr, ringBytes(size), ringAlign)
	}
	// Safety (alignment): the structures hold 64-bit words.
	if uintptr(unsafe.Pointer(&mem[0]))%8 != 0 {
		return nil, fmt.Errorf("ring memory is not aligned to 8 bytes")
	}
	desc, driver, device := ringParts(size)
	mem = mem[:desc+driver+device]
	d, v := mem[desc:], mem[desc+driver:]
	// Safety of all casts below: the parts lie inside mem by ringParts, which
	// counts the event words too; each is aligned, as mem is and the parts are
	// multiples of ringAlign, and size is at least 4; every bit pattern is a
	// value of these types; mem is kept by the ring.
	r := &ring{
		size: uint16(size), mask: uint16(size - 1),
		desc:       unsafe.Slice((*descriptor)(unsafe.Pointer(&mem[0])), size),
		availWord:  (*uint32)(unsafe.Pointer(&d[0])),
		avail:      unsafe.Slice((*uint16)(unsafe.Pointer(&d[4])), size),
		usedEvent:  (*uint32)(unsafe.Pointer(&d[4+2*size])),
		usedWord:   (*uint32)(unsafe.Pointer(&v[0])),
		used:       unsafe.Slice((*usedElement)(unsafe.Pointer(&v[4])), size),
		availEvent: (*uint32)(unsafe.Pointer(&v[4+8*size])),
		mem:        mem,
		descAddr:   addr, driverAddr: addr + uint64(desc), deviceAddr: addr + uint64(desc+driver),
		held: make([]*nic.Buffer, size),
		free: make([]uint16, size),
	}
	r.reset(false)
	return r, nil
}

// reset empties the ring. No buffer may be held and the device must be reset.
func (r *ring) reset(eventIndex bool) {
	clear(r.mem)
	for i := range r.free {
		r.free[i] = r.size - 1 - uint16(i)
	}
	r.nfree = int(r.size)
	r.next, r.shown, r.seen, r.flags, r.far = 0, 0, 0, 0, 0
	r.eventIndex = eventIndex
	r.disarm()
}

// outstanding is how many buffers the device has.
func (r *ring) outstanding() int { return int(r.size) - r.nfree }

// add fills a free descriptor; the caller has seen that nfree is not 0. The
// device does not look at it before publish. Packet context.
func (r *ring) add(b *nic.Buffer, address uint64, length uint32, flags uint16) {
	r.nfree--
	id := r.free[r.nfree]
	r.desc[id] = descriptor{address: address, length: length, flags: flags}
	r.held[id] = b
	r.avail[r.next&r.mask] = id
	r.next++
}

// publish shows the device all buffers that were added, and reports whether it
// wants to be told. Packet context.
func (r *ring) publish() (doorbell bool) {
	from, to := r.shown, r.next
	if from == to {
		return false
	}
	r.shown = to
	// The descriptors and ids above are in memory before the index. The other
	// side is the device's read of the index, before it reads them.
	showThenLook(r.availWord, uint32(to)<<16|r.flags)
	// And the store of the index comes before the load of the device's wish. The
	// other side is the device, which writes its wish before it looks at the
	// index for the last time: one of us sees the other's store.
	if r.eventIndex {
		return needEvent(uint16(atomic.LoadUint32(r.availEvent)), to, from)
	}
	return atomic.LoadUint32(r.usedWord)&usedNoNotify == 0
}

// showThenLook stores v for the device to see before anything that is loaded
// after the call. A sequentially consistent store and load would do by Go's
// memory model, and by Arm's (STLR and LDAR are kept in order); but QEMU's
// emulation on x86 lets the load overtake the store, and a doorbell is lost once
// in millions of packets. An exchange is a full barrier everywhere.
func showThenLook(word *uint32, v uint32) { atomic.SwapUint32(word, v) }

// needEvent reports whether the step from index from to index to passes event
// (section 2.7.7.2), in arithmetic modulo 65536.
func needEvent(event, to, from uint16) bool { return to-event-1 < to-from }

// waiting is how many used buffers wait; ok is false when the device claims more
// than it was given. Packet context.
func (r *ring) waiting() (n int, ok bool) {
	// Acquire: the elements and the buffers' bytes are read after the index.
	// The other side is the device's write of the index, after all of them.
	index := uint16(atomic.LoadUint32(r.usedWord) >> 16)
	n = int(index - r.seen)
	return n, n <= r.outstanding()
}

// peek is the next used buffer, with the length that the device says it wrote;
// ok is false when the device names a descriptor that it does not have. The
// caller has seen that one is waiting. Packet context.
func (r *ring) peek() (id uint16, b *nic.Buffer, length uint32, ok bool) {
	e := &r.used[r.seen&r.mask]
	// Atomic to be read exactly once: what is checked is what is used, though
	// the device may write again.
	i, n := atomic.LoadUint32(&e.id), atomic.LoadUint32(&e.length)
	if i >= uint32(r.size) || r.held[i] == nil {
		return 0, nil, 0, false
	}
	return uint16(i), r.held[i], n, true
}

// capacity is the length of the descriptor id, as the driver wrote it: taken
// from the buffer, because the device could have changed the descriptor.
func capacity(b *nic.Buffer) int { return len(b.Mem()) - rxOffset }

// take removes the buffer that peek showed from the ring. Packet context.
func (r *ring) take(id uint16) {
	r.held[id] = nil
	r.free[r.nfree] = id
	r.nfree++
	r.seen++
}

// arm asks for an interrupt when n buffers wait, n > 0. The caller must look
// with waiting afterwards: they may have come before. Packet context.
func (r *ring) arm(n int) {
	// In order with the load in waiting that must follow. The other side is the
	// device, which writes the used index before it reads our wish: one of us
	// sees the other's store, no wake-up is lost.
	if r.eventIndex {
		showThenLook(r.usedEvent, uint32(r.seen+uint16(n)-1))
		return
	}
	r.flags = 0
	showThenLook(r.availWord, uint32(r.shown)<<16)
}

// disarm asks for no interrupt. One may still come. Packet context.
func (r *ring) disarm() {
	if r.eventIndex {
		r.far = r.seen
		atomic.StoreUint32(r.usedEvent, uint32(r.seen+farAway))
		return
	}
	r.flags = availNoInterrupt
	atomic.StoreUint32(r.availWord, uint32(r.shown)<<16|availNoInterrupt)
}

// keepFar moves the event index on before the used index reaches it, for a ring
// that is not armed. Packet context.
func (r *ring) keepFar() {
	if r.eventIndex && r.seen-r.far > farAway/2 {
		r.disarm()
	}
}

// empty puts all buffers that the device had into c. The device must be reset.
func (r *ring) empty(c *nic.Chain) {
	for id, b := range r.held {
		if b != nil {
			r.held[id] = nil
			c.Push(b)
		}
	}
}
