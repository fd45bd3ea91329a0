//go:build arm64

package kernel

// console is what was typed and not yet read. When it is full, bytes are lost
// and counted: the serial line knows no flow control.
var console struct {
	in, out uint64 // positions, ever growing; in-out bytes wait
	lost    uint64
	bytes   [consoleInput]byte
}

// readConsole takes all that the serial port has received.
func readConsole() {
	port := &machine().Consoles[consoleModel]
	came := false
	for n := 0; n < consoleInput; n++ {
		b, ok := port.Get()
		if !ok {
			break
		}
		if console.in-console.out == consoleInput {
			console.lost++
			continue
		}
		console.bytes[console.in%consoleInput] = b
		console.in++
		came = true
	}
	if came {
		notify(&files[0])
	}
}

func takeConsole(addr, n uint64) int64 {
	if console.in == console.out {
		return -eagain
	}
	n = min(n, console.in-console.out)
	for i := uint64(0); i < n; i++ {
		store8(addr+i, console.bytes[console.out%consoleInput])
		console.out++
	}
	return int64(n)
}
