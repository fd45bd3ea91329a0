package nic

import (
	"fmt"

	"barewire/packet"
)

// Pool is a worker's stock of free buffers. It is not safe for concurrent use.
type Pool struct {
	free  *Buffer
	nfree int
	size  int
	slot  int
	empty uint64
}

// NewPool cuts mem, which a device sees at addr, into buffers of slotBytes.
// The pool keeps mem. slotBytes must leave room for Headroom and a frame.
func NewPool(mem []byte, addr uint64, slotBytes int) (*Pool, error) {
	if slotBytes < Headroom+64 || slotBytes%64 != 0 {
		return nil, fmt.Errorf("buffer pool: slot of %d bytes: want a multiple of 64, at least %d", slotBytes, Headroom+64)
	}
	n := len(mem) / slotBytes
	if n == 0 {
		return nil, fmt.Errorf("buffer pool: %d bytes of memory hold no buffer of %d", len(mem), slotBytes)
	}
	p := &Pool{size: n, slot: slotBytes}
	buffers := make([]Buffer, n)
	for i := n - 1; i >= 0; i-- {
		b := &buffers[i]
		b.mem = mem[i*slotBytes : (i+1)*slotBytes : (i+1)*slotBytes]
		b.addr = addr + uint64(i*slotBytes)
		p.Put(b)
	}
	return p, nil
}

// Get takes a free buffer with an empty frame behind the headroom. It returns
// nil, and counts it, when there is none. Packet context.
func (p *Pool) Get() *Buffer {
	b := p.free
	if b == nil {
		p.empty++
		return nil
	}
	p.free, b.next = b.next, nil
	p.nfree--
	return b
}

// Put gives a buffer back. The caller must hold it. Packet context.
func (p *Pool) Put(b *Buffer) {
	b.begin, b.end = Headroom, Headroom
	b.Meta = packet.Meta{}
	b.next, p.free = p.free, b
	p.nfree++
}

// Free is how many buffers the pool holds now, of Size in all.
func (p *Pool) Free() int { return p.nfree }

// Size is how many buffers the pool was made with.
func (p *Pool) Size() int { return p.size }

// SlotBytes is the size of a buffer with its headroom.
func (p *Pool) SlotBytes() int { return p.slot }

// Empty counts the Get calls that found no buffer.
func (p *Pool) Empty() uint64 { return p.empty }
