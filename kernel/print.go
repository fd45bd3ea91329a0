//go:build arm64

package kernel

// The kernel's own words on the console: straight to the serial port, without
// allocation. Goroutines print through write.

// put sends one byte; a line feed gets the carriage return that a terminal wants.
func put(c byte) {
	if c == '\n' && lastPut != '\r' {
		machine().Consoles[consoleModel].Put('\r')
	}
	machine().Consoles[consoleModel].Put(c)
	lastPut = c
}

var lastPut byte

// word is something that say prints: a string or a number.
type word struct {
	text  string
	value uint64
	base  uint64
}

func str(s string) word { return word{text: s} }
func dec(v uint64) word { return word{value: v, base: 10} }
func hex(v uint64) word { return word{value: v, base: 16} }

func (w word) print() {
	for i := 0; i < len(w.text); i++ {
		put(w.text[i])
	}
	switch w.base {
	case 10:
		var b [20]byte
		n := decimal(b[:], w.value)
		for _, c := range b[:n] {
			put(c)
		}
	case 16:
		put('0')
		put('x')
		shift := 60
		for shift > 0 && w.value>>shift == 0 {
			shift -= 4
		}
		for ; shift >= 0; shift -= 4 {
			put("0123456789abcdef"[w.value>>shift&15])
		}
	}
}

// say prints words in order. Its arguments lie on the caller's stack.
func say(words ...word) {
	for i := range words {
		words[i].print()
	}
}

// decimal writes v into b, which must have room for 20 digits, and returns how
// many it wrote.
func decimal(b []byte, v uint64) int {
	n := 1
	for x := v; x >= 10; x /= 10 {
		n++
	}
	for i := n - 1; i >= 0; i-- {
		b[i] = '0' + byte(v%10)
		v /= 10
	}
	return n
}

// stop says why the machine cannot go on and powers it off.
func stop(why string) {
	say(str("kernel: "), str(why), str("\n"))
	powerOff()
}

func stop2(why, what string) {
	say(str("kernel: "), str(why), str(what), str("\n"))
	powerOff()
}
