//go:build arm64

package kernel

import (
	"unsafe"

	"barewire/board/fdt"
	"barewire/kernel/mem"
)

// eagerBSS is how much of BSS is cleared and mapped from the start. The kernel's
// own variables must lie in it, because a fault on them could not be served;
// the linker sorts variables by size, and mkimage refuses an image in which
// they do not. What lies above (32 MiB of crypto/internal/fips140/drbg) costs
// memory only when touched.
var eagerBSS uint64 = 1 << 20

// bootArea holds the first page tables and the boot processor's stack, which
// stays its kernel stack: see entry_*.s. One page more, to align it.
var bootArea [0x5000 + kernelStackSize + mem.PageSize]byte

var (
	started   uint64 // counter at entry
	frequency uint64 // of the counter, Hz
	frames    mem.Frames
	regions   mem.Regions
)

// start brings up the machine and returns the frame of the first thread. It
// runs once, on the boot processor, on the coarse tables of entry_*.s; tree is
// the physical address of the device tree.
func start(tree uint64) uintptr {
	started, frequency = counter(), counterFrequency()
	earlyConsole()
	if frequency == 0 {
		stop("the counter's frequency is 0: firmware did not set CNTFRQ_EL0")
	}
	image := linked()
	blob := openTree(tree, &image)
	t, status := fdt.Open(blob)
	if status != fdt.OK {
		stop2("the device tree cannot be used: ", status.String())
	}
	findPower(&t)
	if !t.Compatible(t.Root(), machine().Compatible) {
		stop2("this image is for machines compatible with ", machine().Compatible)
	}
	treeLo, treeHi = tree, tree+uint64(len(blob))
	gib := image.text &^ (1<<30 - 1)
	findMemory(&t, &image, gib, gib+1<<30)
	buildTables(&image)
	releaseMemory(0, gib)
	releaseMemory(gib+1<<30, ramHi)
	findInterrupts(&t)
	findConsole(&t)
	findClock(&t)
	findTimer(&t)
	seedRandom(t.RandomSeed())
	initFiles()

	main := newThread()
	if main == 0 {
		stop("no memory for the first thread")
	}
	sp := mainStack(&t, &image)
	f := threads[main].regs()
	f.pc, f.sp, f.pstate = image.rt0, sp, pstateEL1t
	makeRunnable(main)
	return schedule(this())
}

// openTree is the device tree's blob, in memory that the first tables map.
func openTree(tree uint64, image *symbols) []byte {
	const gib = 30
	if tree == 0 || tree&7 != 0 || tree>>gib != image.text>>gib {
		say(str("kernel: device tree at "), hex(tree), str("\n"))
		stop("no device tree: the loader must pass its address in x0, aligned to 8, in the image's GiB")
	}
	size, status := fdt.Size(bytesAt(uint64(directMap)+tree, fdt.HeaderBytes))
	if status != fdt.OK {
		stop2("the device tree cannot be used: ", status.String())
	}
	if (tree+uint64(size)-1)>>gib != tree>>gib {
		stop("the device tree leaves the image's GiB")
	}
	return bytesAt(uint64(directMap)+tree, uint64(size))
}

// mainStack makes the stack that the runtime's entry expects (System V ABI,
// process initialisation): argc, argv, envp, auxv, with the kernel's command
// line as arguments. It returns the stack pointer.
func mainStack(t *fdt.Tree, image *symbols) uint64 {
	top, ok := mapAnonymous(mainStackSize)
	if !ok || !touch(top, mainStackSize, mem.ProtWrite) {
		stop("no memory for the first thread's stack")
	}
	top += mainStackSize
	b := stackBuilder{text: top, words: top - 8<<10, low: top - 8<<10}
	b.word(0) // argc, filled in by finish

	b.argument("barewire")
	arguments := t.BootArguments()
	for i := 0; i < len(arguments); {
		j := i
		for j < len(arguments) && arguments[j] != ' ' {
			j++
		}
		if j > i {
			b.argument(unsafe.String(&arguments[i], j-i))
		}
		i = j + 1
	}
	b.word(0)
	// Collect harder when the heap comes near the memory that there is, rather
	// than die of it.
	b.environment("GOMEMLIMIT=", frames.FreeFrames()*mem.PageSize/8*7)
	b.environment("GOTRACEBACK=system", 0)
	b.word(0)

	var seed [16]byte
	randomBytes(seed[:])
	b.auxiliary(atPageSize, mem.PageSize)
	b.auxiliary(atHWCap, processorFeatures())
	b.auxiliary(atRandom, b.bytes(seed[:]))
	b.auxiliary(atSecure, 0)
	b.auxiliary(atSysinfoEHDR, makeVDSO(image))
	b.auxiliary(atNull, 0)
	return b.finish()
}

// Auxiliary vector, System V ABI and Linux include/uapi/linux/auxvec.h.
const (
	atNull        = 0
	atPageSize    = 6
	atHWCap       = 16
	atSecure      = 23
	atRandom      = 25
	atSysinfoEHDR = 33
)

// stackBuilder writes strings downwards from the top of the stack, and words
// upwards from 8 KiB below it. What does not fit is left out and counted.
type stackBuilder struct {
	text  uint64 // lowest string byte so far
	words uint64 // next word
	low   uint64 // start of the words that finish returns
	count uint64 // arguments
	lost  uint64
}

// room keeps the strings above the words: half of the 8 KiB is for each.
func (b *stackBuilder) room(n int) bool {
	if b.text-uint64(n) < b.words+(b.count+64)*8 {
		b.lost++
		return false
	}
	return true
}

func (b *stackBuilder) bytes(s []byte) uint64 {
	b.text = (b.text - uint64(len(s))) &^ 15
	copyOut(b.text, s)
	return b.text
}

func (b *stackBuilder) word(v uint64) {
	store64(b.words, v)
	b.words += 8
}

// string writes s with room for n bytes and a NUL.
func (b *stackBuilder) string(s string, n int) {
	b.text -= uint64(n + 1)
	storeString(b.text, s)
}

func (b *stackBuilder) argument(s string) {
	if !b.room(len(s) + 1) {
		return
	}
	b.string(s, len(s))
	b.word(b.text)
	b.count++
}

// environment adds name with the decimal digits of value behind it, unless 0.
func (b *stackBuilder) environment(name string, value uint64) {
	var digits [20]byte
	n := 0
	if value != 0 {
		n = decimal(digits[:], value)
	}
	if !b.room(len(name) + n + 1) {
		return
	}
	b.string(name, len(name)+n)
	copyOut(b.text+uint64(len(name)), digits[:n])
	b.word(b.text)
}

func (b *stackBuilder) auxiliary(key, value uint64) { b.word(key); b.word(value) }

func (b *stackBuilder) finish() uint64 {
	if b.lost != 0 {
		say(str("kernel: command line too long: arguments left out: "), dec(b.lost), str("\n"))
	}
	store64(b.low, b.count)
	return b.low
}
