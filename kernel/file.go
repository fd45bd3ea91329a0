//go:build arm64

package kernel

import (
	"barewire/kernel/mem"
)

// Files are how a program reaches the machine: the console, the runtime's epoll
// and eventfd, devices and what firmware left. There is no file system.
//
//	0, 1, 2                    the console
//	/dev/irq/N                 interrupt N, as Linux's UIO gives it: a read returns
//	                           how often it came since the last read, and EAGAIN
//	                           when it did not; it stays masked until 1 is written
//	/dev/mem                   device registers, by mmap at their physical address
//	/dev/dma                   memory for devices, contiguous, by mmap; ioctl tells
//	                           its physical address
//	/sys/firmware/fdt          the device tree's blob
//	/sys/firmware/initrd       the initial ramdisk
//	/proc/self/statm, /proc/meminfo   as on Linux, the fields that there are
type fileKind uint8

const (
	fileNone fileKind = iota
	fileConsole
	fileEpoll
	fileEvent
	fileInterrupt
	fileRegisters
	fileDMA
	fileBlob  // read-only physical memory: [base, base+size)
	fileStatm // text made at each read from offset 0
	fileMeminfo
)

// file is an open file. Its number is its index in the table.
type file struct {
	kind fileKind
	edge bool // an event that an edge-triggered watch has not reported

	count      uint64 // fileEvent: the counter; fileInterrupt: not yet read
	interrupt  uint32
	position   uint64
	base, size uint64

	epoll  uint64 // the epoll file that watches, 0 if none
	events uint32 // what it asked for
	data   uint64 // what it wants to be told
}

var (
	files          [maxFiles]file
	interruptFiles [maxInterrupts]uint8 // the file of an interrupt, 0 if none
)

// fcntl and open flags, Linux include/uapi/asm-generic/fcntl.h.
const (
	fcntlGetFD    = 1
	fcntlSetFD    = 2
	fcntlGetFlags = 3
	fcntlSetFlags = 4

	openReadWrite = 2
	openNonBlock  = 0x800
)

func initFiles() {
	for i := range files[:3] {
		files[i].kind = fileConsole
	}
}

func fileAt(fd uint64) *file {
	if fd >= maxFiles || files[fd].kind == fileNone {
		return nil
	}
	return &files[fd]
}

// newFile takes the lowest free number, but none of the console's, even when
// that was closed: they mean the console to everybody, and 0 means nobody in a
// file's epoll and in interruptFiles.
func newFile(kind fileKind) (fd int64) {
	for i := 3; i < maxFiles; i++ {
		if files[i].kind == fileNone {
			files[i] = file{kind: kind}
			return int64(i)
		}
	}
	return -emfile
}

// pathAt copies a file name. It is empty when the name is longer than any that
// there is.
func pathAt(addr uint64, b *[maxPath]byte) (path []byte, e int64) {
	for i := uint64(0); i < linuxPath; i++ {
		at := addr + i
		if (i == 0 || at%mem.PageSize == 0) && !touch(at, 1, mem.ProtRead) {
			return nil, -efault
		}
		c := load8(at)
		switch {
		case c == 0 && i < maxPath:
			return b[:i], 0
		case c == 0:
			return nil, 0
		case i < maxPath:
			b[i] = c
		}
	}
	return nil, -enametoolong
}

// after says whether path begins with prefix, and returns the rest.
func after(path []byte, prefix string) ([]byte, bool) {
	if len(path) < len(prefix) {
		return nil, false
	}
	for i := 0; i < len(prefix); i++ {
		if path[i] != prefix[i] {
			return nil, false
		}
	}
	return path[len(prefix):], true
}

func is(path []byte, name string) bool {
	rest, ok := after(path, name)
	return ok && len(rest) == 0
}

func sysOpen(addr, flags uint64) int64 {
	var buffer [maxPath]byte
	path, e := pathAt(addr, &buffer)
	if e != 0 {
		return e
	}
	switch {
	case is(path, "/dev/mem"):
		return newFile(fileRegisters)
	case is(path, "/dev/dma"):
		return newFile(fileDMA)
	case is(path, "/sys/firmware/fdt"):
		return openBlob(treeLo, treeHi)
	case is(path, "/sys/firmware/initrd"):
		return openBlob(initrdLo, initrdHi)
	case is(path, "/proc/self/statm"):
		return newFile(fileStatm)
	case is(path, "/proc/meminfo"):
		return newFile(fileMeminfo)
	}
	if number, ok := after(path, "/dev/irq/"); ok {
		return openInterrupt(number)
	}
	return -enoent
}

func openBlob(lo, hi uint64) int64 {
	if lo == hi {
		return -enoent
	}
	fd := newFile(fileBlob)
	if fd >= 0 {
		files[fd].base, files[fd].size = lo, hi-lo
	}
	return fd
}

func sysClose(fd uint64) int64 {
	f := fileAt(fd)
	if f == nil {
		return -ebadf
	}
	if f.kind == fileInterrupt {
		interrupts().Disable(f.interrupt)
		interruptFiles[f.interrupt] = 0
	}
	if f.kind == fileEpoll {
		for i := range files {
			if files[i].epoll == fd {
				files[i].epoll = 0
			}
		}
		// Who waits on it is told nothing more, least of all of the next file
		// with this number.
		for i := epollWaiters.head; i != 0; i = threads[i].next {
			if threads[i].epoll == fd {
				threads[i].epoll = 0
			}
		}
	}
	*f = file{}
	return 0
}

func sysRead(fd, addr, n uint64) int64 {
	f := fileAt(fd)
	if f == nil {
		return -ebadf
	}
	if n = min(n, 1<<20); !touch(addr, n, mem.ProtWrite) {
		return -efault
	}
	switch f.kind {
	case fileConsole:
		return takeConsole(addr, n)
	case fileEvent:
		return readEvent(f, addr, n)
	case fileInterrupt:
		return readInterrupt(f, addr, n)
	case fileBlob:
		n = min(n, f.size-f.position)
		copyOut(addr, bytesAt(uint64(directMap)+f.base+f.position, n))
		f.position += n
		return int64(n)
	case fileStatm, fileMeminfo:
		return readStatistics(f, addr, n)
	}
	return -einval
}

func sysWrite(fd, addr, n uint64) int64 {
	f := fileAt(fd)
	if f == nil {
		return -ebadf
	}
	if n = min(n, 1<<20); !touch(addr, n, mem.ProtRead) {
		return -efault
	}
	switch f.kind {
	case fileConsole:
		for i := uint64(0); i < n; i++ {
			put(load8(addr + i))
		}
		return int64(n)
	case fileEvent:
		return writeEvent(f, addr, n)
	case fileInterrupt:
		return writeInterrupt(f, addr, n)
	}
	return -einval
}

// sysLseek: a file is read from its start to its end, and no other way.
func sysLseek(fd uint64) int64 {
	if fileAt(fd) == nil {
		return -ebadf
	}
	return -espipe
}

func sysFcntl(fd, command, value uint64) int64 {
	f := fileAt(fd)
	if f == nil {
		return -ebadf
	}
	switch command {
	case fcntlGetFD, fcntlSetFD, fcntlSetFlags:
		return 0 // close-on-exec means nothing here, and the rest is fixed
	case fcntlGetFlags:
		// Whoever waits for a file waits in epoll: a read that has nothing
		// returns EAGAIN. Output never waits.
		if fd == 0 || f.kind == fileInterrupt || f.kind == fileEvent {
			return openReadWrite | openNonBlock
		}
		return openReadWrite
	}
	return -einval
}

// struct stat of linux/arm64 (include/uapi/asm-generic/stat.h) as far as it is
// filled in.
const (
	statSize       = 128
	statModeOffset = 16
	statSizeOffset = 48

	modeCharacter = 0020000 | 0600
	modeRegular   = 0100000 | 0400
)

func sysFstat(fd, addr uint64) int64 {
	f := fileAt(fd)
	if f == nil {
		return -ebadf
	}
	if !touch(addr, statSize, mem.ProtWrite) {
		return -efault
	}
	for i := uint64(0); i < statSize; i += 8 {
		store64(addr+i, 0)
	}
	mode := uint32(modeCharacter)
	if f.kind >= fileBlob {
		mode = modeRegular
	}
	store32(addr+statModeOffset, mode)
	store64(addr+statSizeOffset, f.size)
	return 0
}

// readStatistics gives the text of a file under /proc, whole, in one read.
func readStatistics(f *file, addr, n uint64) int64 {
	if f.position != 0 {
		return 0
	}
	var b [256]byte
	t := text{b: b[:]}
	total, free := frames.TotalFrames(), frames.FreeFrames()
	if f.kind == fileStatm {
		// size resident shared text lib data dt, in pages (proc(5)).
		t.add("", total, " ")
		t.add("", total-free, " 0 0 0 ")
		t.add("", total-free, " 0\n")
	} else {
		t.add("MemTotal: ", total*mem.PageSize>>10, " kB\n")
		t.add("MemFree: ", free*mem.PageSize>>10, " kB\n")
		t.add("MemAvailable: ", free*mem.PageSize>>10, " kB\n")
		t.add("Threads: ", liveThreads, "\n")
		t.add("Regions: ", uint64(regions.Len()), "\n")
		t.add("ConsoleLost: ", console.lost, "\n")
	}
	if uint64(t.n) > n {
		return -einval
	}
	copyOut(addr, b[:t.n])
	f.position = uint64(t.n)
	return int64(t.n)
}

// text is written into a buffer that its maker made large enough.
type text struct {
	b []byte
	n int
}

func (t *text) add(before string, v uint64, behind string) {
	t.n += copy(t.b[t.n:], before)
	t.n += decimal(t.b[t.n:], v)
	t.n += copy(t.b[t.n:], behind)
}
