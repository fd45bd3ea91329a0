package console

import (
	"unicode"
	"unicode/utf8"
)

// Control characters as a serial line sends them.
const (
	ctrlC     = 0x03
	ctrlD     = 0x04
	backspace = 0x08
	tab       = 0x09
	lineFeed  = 0x0a
	enter     = 0x0d
	escape    = 0x1b
	del       = 0x7f
)

// keyKind is who a key press is for.
type keyKind uint8

const (
	keyText      keyKind = iota // bytes for the line editor
	keyInterrupt                // Ctrl-C
)

// key is one whole key press, in the form that the line editor takes.
type key struct {
	kind keyKind
	text string
}

// keys takes the bytes of a serial line apart into whole key presses and drops
// what is none: line noise, bytes that are no UTF-8, sequences that are cut
// short, longer than any key's, or mean nothing here. What comes out is safe
// for a line editor that trusts its terminal. The zero value is ready.
//
//	ground --ESC--> begun --[--> csi --final byte--> ground
//	   |              `----O--> ss3 --any byte----> ground
//	   `--lead byte--> rune --last byte--> ground
//
// A control character ends a sequence that was begun, and counts itself, so
// that Enter and Ctrl-C always work.
type keys struct {
	state   keyState
	pending []byte // of an escape sequence or a rune; at most maxSequence
	afterCR bool   // the last byte was a carriage return: a line feed belongs to it
}

type keyState uint8

const (
	stateGround keyState = iota
	stateBegun
	stateCSI
	stateSS3
	stateRune
)

// maxSequence is longer than the sequence of any key that is known here.
const maxSequence = 16

// feed takes the next byte and returns the key press that it completes.
func (k *keys) feed(b byte) (key, bool) {
	afterCR := k.afterCR
	k.afterCR = b == enter
	if b < ' ' || b == del {
		k.reset(stateGround)
		return k.control(b, afterCR)
	}
	switch k.state {
	case stateBegun:
		switch b {
		case '[':
			k.reset(stateCSI)
		case 'O':
			k.reset(stateSS3)
		default: // Alt and a letter
			k.reset(stateGround)
		}
		return key{}, false
	case stateCSI:
		return k.sequence(b)
	case stateSS3:
		k.reset(stateGround)
		return cursorKey("", b)
	case stateRune:
		if !utf8.RuneStart(b) {
			return k.runeByte(b)
		}
		k.reset(stateGround)
	}
	if b < utf8.RuneSelf {
		return key{text: string(rune(b))}, true
	}
	if utf8.RuneStart(b) {
		k.reset(stateRune)
		return k.runeByte(b)
	}
	return key{}, false
}

func (k *keys) reset(s keyState) {
	k.state = s
	k.pending = k.pending[:0]
}

// control is a key made with Ctrl, or one of the keys with such a code.
func (k *keys) control(b byte, afterCR bool) (key, bool) {
	switch b {
	case escape:
		k.state = stateBegun
		return key{}, false
	case ctrlC:
		return key{kind: keyInterrupt}, true
	case enter:
		return key{text: "\r"}, true
	case lineFeed:
		return key{text: "\r"}, !afterCR
	case ctrlD: // deletes under the cursor; there is no session to leave
		return key{text: "\x1b[3~"}, true
	case tab, backspace, del, 'A' - '@', 'B' - '@', 'E' - '@', 'F' - '@', 'K' - '@', 'L' - '@', 'N' - '@', 'P' - '@', 'T' - '@', 'U' - '@', 'W' - '@':
		return key{text: string(rune(b))}, true
	}
	return key{}, false
}

// sequence takes a byte of a sequence that began with ESC [
// (ECMA-48 5.4: parameters 0x30 to 0x3f, intermediates 0x20 to 0x2f, one final byte).
func (k *keys) sequence(b byte) (key, bool) {
	switch {
	case b >= 0x40 && b <= 0x7e:
		parameters := string(k.pending)
		k.reset(stateGround)
		return cursorKey(parameters, b)
	case b >= 0x80:
		k.reset(stateGround)
	case len(k.pending) < maxSequence: // a longer one is no key's, but has an end
		k.pending = append(k.pending, b)
	}
	return key{}, false
}

// cursorKey is the key whose sequence has these parameters and final byte.
// VT100, xterm, rxvt and the Linux console differ in Home, End and the
// arrows with Ctrl.
func cursorKey(parameters string, final byte) (key, bool) {
	switch final {
	case 'A', 'B', 'C', 'D', 'H', 'F':
		switch {
		case parameters == "" || parameters == "1":
			return key{text: "\x1b[" + string(rune(final))}, true
		case (parameters == "1;3" || parameters == "1;5") && (final == 'C' || final == 'D'): // Alt, Ctrl: by words
			return key{text: "\x1b[1;3" + string(rune(final))}, true
		}
	case '~':
		switch parameters {
		case "1", "7":
			return key{text: "\x1b[H"}, true
		case "4", "8":
			return key{text: "\x1b[F"}, true
		case "3":
			return key{text: "\x1b[3~"}, true
		}
	}
	return key{}, false
}

// runeByte collects the bytes of one character beyond ASCII.
func (k *keys) runeByte(b byte) (key, bool) {
	k.pending = append(k.pending, b)
	if !utf8.FullRune(k.pending) {
		return key{}, false
	}
	c, _ := utf8.DecodeRune(k.pending)
	k.reset(stateGround)
	if c == utf8.RuneError || !unicode.IsPrint(c) {
		return key{}, false
	}
	return key{text: string(c)}, true
}
