package main

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// link builds a program with the image's linker flags, and its own.
func link(t *testing.T, pkg string, flags string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "linked.elf")
	build := exec.Command("go", "build", "-ldflags", flags, "-o", out, pkg)
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, text)
	}
	return out
}

const imageFlags = "-T 0x40201000 -E barewire/kernel.entry"

// TestImage holds the header to Linux's Documentation/arch/arm64/booting.rst.
func TestImage(t *testing.T) {
	elf := link(t, "./cmd/image", imageFlags)
	out := filepath.Join(t.TempDir(), "image")
	if err := run(elf, out); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	l, err := readLinked(elf)
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	if got := le.Uint32(b[56:]); got != 0x644d5241 {
		t.Errorf("magic %#x", got)
	}
	code := le.Uint32(b)
	if code>>26 != 5 { // B
		t.Errorf("the first instruction is %#x, want a branch", code)
	}
	if at := l.base + uint64(code&(1<<26-1))*4; at != l.entry {
		t.Errorf("it branches to %#x, want the entry at %#x", at, l.entry)
	}
	if got := le.Uint64(b[8:]); got != 0x200000 {
		t.Errorf("text_offset %#x, want 0x200000: the image is linked 2 MiB into RAM", got)
	}
	if got := le.Uint64(b[16:]); got != l.end-l.base || got < uint64(len(b)) {
		t.Errorf("image_size %#x, file %#x, memory used from the start %#x", got, len(b), l.end-l.base)
	}
	if got := le.Uint64(b[24:]); got != 2 {
		t.Errorf("flags %#x, want little endian and pages of 4 KiB", got)
	}
	// Everything but the header is what was linked.
	for i := 64; i < len(b); i++ {
		if b[i] != l.content[i] {
			t.Fatalf("byte %#x differs from the linked program", i)
		}
	}
}

// TestRefused: what would boot into silence is refused with the reason.
func TestRefused(t *testing.T) {
	notELF := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(notELF, []byte(strings.Repeat("no program ", 10)), 0o644); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, want string }{
		{"no file", filepath.Join(t.TempDir(), "none"), "no such file"},
		{"not ELF", notELF, "bad magic number"},
		{"another processor's", self, "want a static arm64 program"},
		{"no kernel in it", link(t, "./cmd/mkimage", ""), "no variable barewire/kernel.eagerBSS"},
		{"stripped", link(t, "./cmd/image", imageFlags+" -s"), "must not be stripped"},
		{"text at an odd place", link(t, "./cmd/image", "-T 0x40280040 -E barewire/kernel.entry"), "-T must be 0x1000 above a multiple of 0x10000"},
		{"not 2 MiB aligned", link(t, "./cmd/image", "-T 0x40311000 -E barewire/kernel.entry"), "want a multiple of 2 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "image")
			err := run(c.file, out)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("an image was written all the same")
			}
		})
	}
}

// TestBound: a variable of the kernel beyond what is cleared at entry would be
// read before it can be mapped.
func TestBound(t *testing.T) {
	l, err := readLinked(link(t, "./cmd/image", imageFlags))
	if err != nil {
		t.Fatal(err)
	}
	if l.end <= l.base+uint64(len(l.content)) {
		t.Errorf("no BSS is cleared at entry: end %#x, content ends at %#x", l.end, l.base+uint64(len(l.content)))
	}
	if l.end > l.base+16<<20 {
		t.Errorf("%d bytes are cleared at entry: BSS is not lazy", l.end-l.base-uint64(len(l.content)))
	}
}
