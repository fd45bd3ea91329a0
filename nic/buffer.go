package nic

import "barewire/packet"

// Headroom is the space before a received frame, in bytes: a driver's own
// header (virtio-net: 12), and encapsulations that the router adds.
const Headroom = 128

// Buffer holds one Ethernet frame without its FCS, in memory that a device
// can read and write. Made by NewPool; not to be copied.
type Buffer struct {
	Meta packet.Meta // what packet.Parse found; stale once the bytes change

	mem        []byte // the whole slot
	addr       uint64 // device address of mem[0]
	begin, end int    // the frame is mem[begin:end]
	next       *Buffer
}

// Bytes is the frame. The slice is valid while the caller holds the buffer.
func (b *Buffer) Bytes() []byte { return b.mem[b.begin:b.end] }

// Len is the length of the frame in bytes.
func (b *Buffer) Len() int { return b.end - b.begin }

// Mem is the whole slot, headroom included: for drivers.
func (b *Buffer) Mem() []byte { return b.mem }

// Addr is the device address of Mem()[0]: for drivers.
func (b *Buffer) Addr() uint64 { return b.addr }

// Offset is where the frame begins in Mem.
func (b *Buffer) Offset() int { return b.begin }

// SetFrame says which bytes of Mem are the frame.
// It panics when they are not inside the slot.
func (b *Buffer) SetFrame(offset, length int) {
	if offset < 0 || length < 0 || offset+length > len(b.mem) {
		panic("nic: frame outside its buffer")
	}
	b.begin, b.end = offset, offset+length
}

// Prepend makes the frame n bytes longer at its front and returns it, or nil
// when there is no room.
func (b *Buffer) Prepend(n int) []byte {
	if n < 0 || n > b.begin {
		return nil
	}
	b.begin -= n
	return b.Bytes()
}

// TrimFront makes the frame n bytes shorter at its front.
// It panics when the frame has fewer.
func (b *Buffer) TrimFront(n int) { b.SetFrame(b.begin+n, b.Len()-n) }

// Truncate cuts the frame to n bytes. It panics when the frame is shorter.
func (b *Buffer) Truncate(n int) {
	if n > b.Len() {
		panic("nic: truncate beyond the frame")
	}
	b.end = b.begin + n
}
