package main

import (
	"encoding/binary"
	"fmt"
)

// The header of Linux's arm64 boot protocol (Documentation/arch/arm64/booting.rst),
// 64 bytes, little endian.
const (
	offCode0      = 0
	offTextOffset = 8
	offImageSize  = 16
	offFlags      = 24
	offMagic      = 56
	headerBytes   = 64

	imageMagic = 0x644d5241 // "ARM\x64"
	flag4K     = 1 << 1     // page size 4 KiB; bit 0 clear: little endian
)

// baseAlign is what the protocol promises of the load address: text_offset
// bytes above a multiple of 2 MiB.
const baseAlign = 2 << 20

// arm64Image puts the header over the first bytes of the image, where the ELF
// header was: nothing at run time reads that.
func arm64Image(l *linked) ([]byte, error) {
	if l.base%baseAlign != 0 || l.base < baseAlign {
		return nil, fmt.Errorf("linked at %#x: want a multiple of 2 MiB", l.base)
	}
	branch := int64(l.entry-l.base) / 4
	if l.entry%4 != 0 || branch <= headerBytes/4 || branch >= 1<<25 {
		return nil, fmt.Errorf("entry point %#x cannot be branched to from %#x", l.entry, l.base)
	}
	image := append([]byte(nil), l.content...)
	clear(image[:headerBytes])
	binary.LittleEndian.PutUint32(image[offCode0:], 0x14000000|uint32(branch)) // B entry
	// RAM begins at a multiple of 1 GiB on every machine that this runs on, and
	// the protocol puts the image as near to it as its offset allows.
	binary.LittleEndian.PutUint64(image[offTextOffset:], l.base%(1<<30))
	binary.LittleEndian.PutUint64(image[offImageSize:], l.end-l.base)
	binary.LittleEndian.PutUint64(image[offFlags:], flag4K)
	binary.LittleEndian.PutUint32(image[offMagic:], imageMagic)
	return image, nil
}
