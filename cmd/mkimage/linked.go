package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strings"
)

// linked is what a linked program says of itself.
type linked struct {
	entry   uint64
	base    uint64 // address of the first byte that is loaded
	content []byte // from base up to the end of initialised data
	end     uint64 // address behind the memory that is used from the start
}

// eager is the symbol of the kernel's own idea of how much of BSS it clears and
// maps before the first instruction of Go: a variable, so that there is one.
const eagerSymbol = "barewire/kernel.eagerBSS"

// trapPackages are the packages whose variables are read before memory can be
// mapped on demand.
var trapPackages = []string{"barewire/kernel.", "barewire/kernel/mem.", "barewire/kernel/chacha.", "barewire/board/", "barewire/board."}

func readLinked(name string) (*linked, error) {
	f, err := elf.Open(name)
	var malformed *elf.FormatError
	if errors.As(err, &malformed) {
		// Seen when -T is off: the linker then writes a negative file offset and
		// reports no error.
		return nil, fmt.Errorf("read the linked program: %w (-T must be 0x1000 above a multiple of 0x10000)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the linked program: %w", err)
	}
	defer f.Close()
	if f.Class != elf.ELFCLASS64 || f.Machine != elf.EM_AARCH64 || f.Type != elf.ET_EXEC {
		return nil, fmt.Errorf("%s: %v %v %v: want a static arm64 program", name, f.Class, f.Machine, f.Type)
	}
	l := &linked{entry: f.Entry}
	if err := l.load(f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := l.bound(f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

// load lays the segments out as they lie in memory.
func (l *linked) load(f *elf.File) error {
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		if p.Paddr != p.Vaddr || p.Filesz > p.Memsz || p.Memsz > 1<<30 {
			return fmt.Errorf("segment at %#x: loaded at %#x, %d bytes of %d in the file", p.Vaddr, p.Paddr, p.Filesz, p.Memsz)
		}
		if l.content == nil {
			l.base = p.Vaddr
		}
		at := p.Vaddr - l.base
		if at < uint64(len(l.content)) {
			return fmt.Errorf("segment at %#x: not in order", p.Vaddr)
		}
		content := make([]byte, at+p.Filesz)
		copy(content, l.content)
		if _, err := io.ReadFull(p.Open(), content[at:]); err != nil {
			return fmt.Errorf("segment at %#x: %w", p.Vaddr, err)
		}
		l.content = content
	}
	if l.content == nil {
		return errors.New("nothing to load")
	}
	if l.entry < l.base || l.entry >= l.base+uint64(len(l.content)) {
		return fmt.Errorf("entry point %#x lies outside the image", l.entry)
	}
	return nil
}

// bound finds where the memory ends that the loader must leave free, and
// refuses a program whose kernel keeps a variable beyond.
func (l *linked) bound(f *elf.File) error {
	symbols, err := f.Symbols()
	if err != nil {
		return fmt.Errorf("symbol table: %w (the image must not be stripped)", err)
	}
	address := make(map[string]uint64)
	for _, s := range symbols {
		address[s.Name] = s.Value
	}
	at, ok := address[eagerSymbol]
	if !ok || at < l.base || at+8 > l.base+uint64(len(l.content)) {
		return fmt.Errorf("no variable %s: not an image", eagerSymbol)
	}
	eager := uint64(0)
	for i := range 8 {
		eager |= uint64(l.content[at-l.base+uint64(i)]) << (8 * i)
	}
	l.end = min(address["runtime.bss"]+eager, address["runtime.end"])
	for _, s := range symbols {
		for _, p := range trapPackages {
			if strings.HasPrefix(s.Name, p) && s.Value >= l.base && s.Value+s.Size > l.end {
				return fmt.Errorf("variable %s ends at %#x, beyond what is mapped from the start (%#x): raise %s",
					s.Name, s.Value+s.Size, l.end, eagerSymbol)
			}
		}
	}
	return nil
}
