//go:build arm64

package kernel

// Every table's size, with the bytes that it takes.
const (
	// maxThreads: the Go runtime makes one for each processor, for sysmon, and
	// for each goroutine that blocks in a system call, which here none does for
	// long. 256 records of 104 bytes, 26 KiB, and a page each when in use.
	maxThreads = 256

	// maxFiles: three for the console, the runtime's epoll and eventfd, two or
	// three for each device. 64 records of 72 bytes, 4608 bytes.
	maxFiles = 64

	// maxPath: longer than the longest name of a file that there is.
	maxPath = 64

	// linuxPath: above this Linux calls a file name too long.
	linuxPath = 4096

	// consoleInput: bytes typed or pasted before the program reads them.
	// A power of two.
	consoleInput = 4096

	// futexBuckets: queues of waiting threads, by address. A power of two.
	futexBuckets = 64

	// kernelStackSize: trap code was measured to use below 4 KiB; the rest is
	// for the report of a kernel fault. A guard page lies below.
	kernelStackSize = 64 << 10

	// mainStackSize: the runtime takes the lower 64 KiB below the first stack
	// pointer for its own first goroutine, and grows no further.
	mainStackSize = 256 << 10

	// maxInterrupts: one byte an interrupt, for which file wants it.
	maxInterrupts = 1020
)
