package dev

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
)

// Interrupt is one interrupt of a device. The kernel masks it when it fires;
// its owner looks at the device and then unmasks it. One goroutine may use it.
type Interrupt struct{ f *os.File }

// OpenInterrupt takes an interrupt, by the interrupt controller's number, and
// unmasks it. An interrupt has one owner.
func OpenInterrupt(number uint32) (*Interrupt, error) {
	f, err := os.OpenFile("/dev/irq/"+strconv.FormatUint(uint64(number), 10), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("interrupt %d: %w", number, err)
	}
	return &Interrupt{f}, nil
}

// Wait blocks the goroutine, not a thread, until the interrupt has fired since
// the last Wait. After Close it returns os.ErrClosed.
func (i *Interrupt) Wait() error {
	var count [4]byte
	_, err := i.f.Read(count[:])
	return err
}

// Unmask lets the interrupt fire again. The device must no longer assert it for
// a cause that was dealt with.
func (i *Interrupt) Unmask() error {
	var on [4]byte
	binary.NativeEndian.PutUint32(on[:], 1)
	_, err := i.f.Write(on[:])
	return err
}

// Close masks the interrupt and gives it back; a Wait that is under way ends.
func (i *Interrupt) Close() error { return i.f.Close() }
