package virtionet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
)

// The other side: a device written from the specification, which knows rings
// only by the addresses that the driver gave it. It can be told to misbehave.

// memory is what the device can reach.
type memory struct{ regions []region }

type region struct {
	addr uint64
	mem  []byte
}

// alloc makes memory at an address of its own, aligned like a page.
func (m *memory) alloc(size int) ([]byte, uint64) {
	addr := uint64(0x40000000 + 0x10000000*len(m.regions))
	// Aligned, and a guard that no address leads to.
	words := make([]uint64, (size+4096)/8)
	mem := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)
	m.regions = append(m.regions, region{addr, mem[:size:size]})
	return mem[:size:size], addr
}

// at is the memory at a device address. Reaching outside is the driver's error:
// a device would have written over somebody.
func (m *memory) at(addr uint64, n int) []byte {
	for _, r := range m.regions {
		if addr >= r.addr && addr-r.addr <= uint64(len(r.mem)) && uint64(n) <= uint64(len(r.mem))-(addr-r.addr) {
			off := int(addr - r.addr)
			return r.mem[off : off+n : off+n]
		}
	}
	panic(fmt.Sprintf("the device was sent to %#x, %d bytes: no memory there", addr, n))
}

func word(b []byte) *uint32 { return (*uint32)(unsafe.Pointer(&b[0])) }

// line is a level interrupt, masked when it fires.
type line struct {
	mu                    sync.Mutex
	cond                  sync.Cond
	level, masked, closed bool
	unmasked              int
}

var errClosed = errors.New("interrupt closed")

func newLine() *line {
	l := new(line)
	l.cond.L = &l.mu
	return l
}

func (l *line) set(level bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.level = level
	l.cond.Broadcast()
}

func (l *line) Wait() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.closed && (l.masked || !l.level) {
		l.cond.Wait()
	}
	if l.closed {
		return errClosed
	}
	l.masked = true
	return nil
}

func (l *line) Unmask() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.masked = false
	l.unmasked++
	l.cond.Broadcast()
	return nil
}

func (l *line) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.cond.Broadcast()
	return nil
}

// fakeQueue is a virtqueue from the device's side.
type fakeQueue struct {
	max, num, ready      uint32
	desc, driver, device uint64
	next                 uint16 // avail index seen
	used                 uint16 // used index written
	signalled            uint16 // used index at the last thought of an interrupt
	kicks                int
}

// fake is a network device on the MMIO transport.
type fake struct {
	mu  sync.Mutex // registers: the worker, watch and mend reach for them
	mem *memory
	irq *line

	magic, version, id uint32
	offered, accepted  uint64
	refused            uint64 // FEATURES_OK is taken back when one of these is accepted
	stuck              bool   // never resets
	status             uint32
	isr                uint32
	generation         uint32
	config             [12]byte
	onConfig           func(offset uint32) // before a byte of it is read

	deviceSel, driverSel, queueSel uint32
	q                              [2]fakeQueue

	statuses []uint32 // all that were written
	early    int      // doorbells before DRIVER_OK
	raised   int      // interrupts
	torn     []string // what a driver must not do
}

const everyFeature = wanted

func newFake() *fake {
	f := &fake{
		mem: new(memory), irq: newLine(),
		magic: magicValue, version: versionModern, id: deviceNetwork,
		offered: everyFeature,
	}
	for i := range f.q {
		f.q[i].max = 256
	}
	copy(f.config[:], []byte{0x52, 0x54, 0, 0x12, 0x34, 0x56, configLinkUp, 0, 1, 0, 0xdc, 0x05})
	return f
}

func (f *fake) Read8(offset uint32) uint8 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.configByte(offset)
}

func (f *fake) configByte(offset uint32) uint8 {
	if offset < regConfig || offset >= regConfig+uint32(len(f.config)) {
		f.torn = append(f.torn, fmt.Sprintf("byte read at %#x", offset))
		return 0xff
	}
	if f.onConfig != nil {
		f.onConfig(offset - regConfig)
	}
	return f.config[offset-regConfig]
}

func (f *fake) Read16(offset uint32) uint16 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return uint16(f.configByte(offset)) | uint16(f.configByte(offset+1))<<8
}

func (f *fake) Read32(offset uint32) uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch offset {
	case regMagicValue:
		return f.magic
	case regVersion:
		return f.version
	case regDeviceID:
		return f.id
	case regDeviceFeatures:
		return uint32(f.offered >> (32 * (f.deviceSel & 1)))
	case regQueueNumMax:
		return f.q[f.queueSel&1].max
	case regQueueReady:
		return f.q[f.queueSel&1].ready
	case regInterruptStatus:
		return f.isr
	case regStatus:
		return f.status
	case regConfigGeneration:
		return f.generation
	}
	f.torn = append(f.torn, fmt.Sprintf("read at %#x", offset))
	return 0
}

func (f *fake) Write32(offset uint32, v uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := &f.q[f.queueSel&1]
	switch offset {
	case regDeviceFeaturesSel:
		f.deviceSel = v
	case regDriverFeaturesSel:
		f.driverSel = v
	case regDriverFeatures:
		shift := 32 * (f.driverSel & 1)
		f.accepted = f.accepted&^(0xffffffff<<shift) | uint64(v)<<shift
	case regQueueSel:
		f.queueSel = v
	case regQueueNum:
		q.num = v
	case regQueueReady:
		q.ready = v
		q.next, q.used, q.signalled = 0, 0, 0
	case regQueueDescLow:
		q.desc = q.desc&^0xffffffff | uint64(v)
	case regQueueDescHigh:
		q.desc = q.desc&0xffffffff | uint64(v)<<32
	case regQueueDriverLow:
		q.driver = q.driver&^0xffffffff | uint64(v)
	case regQueueDriverHigh:
		q.driver = q.driver&0xffffffff | uint64(v)<<32
	case regQueueDeviceLow:
		q.device = q.device&^0xffffffff | uint64(v)
	case regQueueDeviceHigh:
		q.device = q.device&0xffffffff | uint64(v)<<32
	case regQueueNotify:
		if f.status&statusDriverOK == 0 {
			f.early++
		}
		f.q[v&1].kicks++
	case regInterruptACK:
		f.isr &^= v
		f.irq.set(f.isr != 0)
	case regStatus:
		f.writeStatus(v)
	default:
		f.torn = append(f.torn, fmt.Sprintf("write of %#x at %#x", v, offset))
	}
}

func (f *fake) writeStatus(v uint32) {
	f.statuses = append(f.statuses, v)
	if v == 0 {
		if f.stuck {
			return
		}
		f.status, f.isr, f.accepted = 0, 0, 0
		for i := range f.q {
			f.q[i] = fakeQueue{max: f.q[i].max, kicks: f.q[i].kicks}
		}
		f.irq.set(false)
		return
	}
	if v&statusFeaturesOK != 0 && (f.accepted&f.refused != 0 || f.accepted&^f.offered != 0) {
		v &^= statusFeaturesOK
	}
	f.status = v
}

// interrupt raises the line for a cause.
func (f *fake) interrupt(cause uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.isr |= cause
	f.raised++
	f.irq.set(true)
}

func (f *fake) eventIndex() bool { return f.accepted&featureEventIdx != 0 }

// available is how many buffers the driver has made available.
func (f *fake) available(q *fakeQueue) uint16 {
	return uint16(atomic.LoadUint32(word(f.mem.at(q.driver, 4)))>>16) - q.next
}

// quiet tells the driver that no doorbell is wanted: flags, or an event index
// that was passed long ago.
func (f *fake) quiet(q *fakeQueue) {
	if f.eventIndex() {
		atomic.StoreUint32(word(f.mem.at(q.device+4+8*uint64(q.num), 4)), uint32(q.next-1-1<<14))
		return
	}
	atomic.StoreUint32(word(f.mem.at(q.device, 4)), uint32(q.used)<<16|usedNoNotify)
}

// listen asks for a doorbell at the next buffer.
func (f *fake) listen(q *fakeQueue) {
	if f.eventIndex() {
		atomic.StoreUint32(word(f.mem.at(q.device+4+8*uint64(q.num), 4)), uint32(q.next))
		return
	}
	atomic.StoreUint32(word(f.mem.at(q.device, 4)), uint32(q.used)<<16)
}

// pop takes the next available buffer: its id and the memory it describes.
func (f *fake) pop(q *fakeQueue, write bool) (id uint16, buf []byte) {
	if f.available(q) == 0 {
		panic("the fake takes a buffer where none is")
	}
	id = binary.LittleEndian.Uint16(f.mem.at(q.driver+4+2*uint64(q.next%uint16(q.num)), 2))
	q.next++
	d := f.mem.at(q.desc+16*uint64(id), 16)
	if flags := binary.LittleEndian.Uint16(d[12:]); (flags == descriptorWrite) != write || flags&^descriptorWrite != 0 {
		panic(fmt.Sprintf("descriptor %d has flags %#x", id, flags))
	}
	return id, f.mem.at(binary.LittleEndian.Uint64(d), int(binary.LittleEndian.Uint32(d[8:])))
}

// element writes used entry k behind the index, without showing it.
func (f *fake) element(q *fakeQueue, k uint16, id, length uint32) {
	e := f.mem.at(q.device+4+8*uint64((q.used+k)%uint16(q.num)), 8)
	atomic.StoreUint32(word(e), id)
	atomic.StoreUint32(word(e[4:]), length)
}

// show publishes n used entries and interrupts if the driver wants it.
func (f *fake) show(q *fakeQueue, n uint16) {
	flags := atomic.LoadUint32(word(f.mem.at(q.device, 4))) & 0xffff
	q.used += n
	atomic.StoreUint32(word(f.mem.at(q.device, 4)), uint32(q.used)<<16|flags)
	old := q.signalled
	q.signalled = q.used
	if f.eventIndex() {
		event := uint16(atomic.LoadUint32(word(f.mem.at(q.driver+4+2*uint64(q.num), 4))))
		if int16(q.used-event-1) < 0 || q.used-event-1 >= q.used-old {
			return
		}
	} else if atomic.LoadUint32(word(f.mem.at(q.driver, 4)))&availNoInterrupt != 0 {
		return
	}
	f.interrupt(interruptQueue)
}

// deliver receives a frame for the driver in pieces that fill the buffers, or
// have at most limit bytes. It reports false when there are not enough buffers.
func (f *fake) deliver(frame []byte, limit int) bool {
	q := &f.q[queueReceive]
	have := f.available(q)
	packet := append(make([]byte, headerBytes), frame...)
	var first []byte
	n := uint16(0)
	for len(packet) > 0 {
		if n == have {
			q.next -= n // none of them was shown: they are still available
			return false
		}
		id, buf := f.pop(q, true)
		if limit > 0 && limit < len(buf) {
			buf = buf[:limit]
		}
		if n == 0 {
			first = buf
		}
		f.element(q, n, uint32(id), uint32(copy(buf, packet)))
		packet = packet[min(len(buf), len(packet)):]
		n++
	}
	binary.LittleEndian.PutUint16(first[headerNumBuffers:], n)
	f.show(q, n)
	return true
}

// sent takes all frames that the driver transmitted, and checks their headers.
func (f *fake) sent() (frames [][]byte) {
	q := &f.q[queueTransmit]
	for f.available(q) > 0 {
		id, buf := f.pop(q, false)
		for i, c := range buf[:headerBytes] {
			if c != 0 {
				panic(fmt.Sprintf("byte %d of the header is %#x", i, c))
			}
		}
		frames = append(frames, append([]byte(nil), buf[headerBytes:]...))
		f.element(q, 0, uint32(id), 0)
		f.show(q, 1)
	}
	f.listen(q)
	return frames
}
