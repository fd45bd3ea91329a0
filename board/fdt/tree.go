package fdt

// From the specification, sections 5.2 and 5.4.
const (
	magic           = 0xd00dfeed
	version         = 17 // the layout that this package reads
	oldestLayout    = 17 // version 16 and below lack the size of the structure block
	reservationSize = 16 // two 64-bit numbers

	tokenBeginNode = 1
	tokenEndNode   = 2
	tokenProperty  = 3
	tokenNop       = 4
	tokenEnd       = 9
)

// HeaderBytes is the size of the header, all that Size needs.
const HeaderBytes = 40

// Ours.
const (
	// MaxBytes is the largest blob that Open takes: Linux's arm64 boot protocol
	// sets the same limit, and QEMU's trees fill half of it.
	MaxBytes = 2 << 20

	// MaxDepth is how deep nodes may nest, the root included. Trees of real
	// boards reach eight or nine; the number is also the size of a Node.
	MaxDepth = 16

	// maxName bounds the search for a name's end. The specification allows 31
	// bytes for a name; trees in the field have a few more.
	maxName = 255
)

// Tree is a blob that Open found well formed. The zero value is an empty tree
// in which nothing is found.
type Tree struct {
	blob []byte // cut to the size that the header gives

	structs    uint32 // offset of the structure block
	structsEnd uint32
	names      uint32 // offset of the strings block
	namesEnd   uint32
	reserved   uint32 // offset of the memory reservation block
	root       uint32 // offset of the root node's token
}

// Size reads a header of HeaderBytes and returns the size of the whole blob in
// bytes: what a caller that knows only an address must map before Open.
func Size(header []byte) (int, Status) {
	if len(header) < HeaderBytes {
		return 0, Truncated
	}
	if word(header, 0) != magic {
		return 0, BadMagic
	}
	size := word(header, 4)
	if size < HeaderBytes {
		return 0, BadLayout
	}
	if size > MaxBytes {
		return 0, TooBig
	}
	return int(size), OK
}

// Open checks a blob, whose bytes past the size in its header are ignored, and
// returns the tree in it. The tree refers to the blob, which must not change.
func Open(blob []byte) (Tree, Status) {
	size, status := Size(blob)
	if status != OK {
		return Tree{}, status
	}
	if size > len(blob) {
		return Tree{}, Truncated
	}
	if word(blob, 20) < oldestLayout || word(blob, 24) > version {
		return Tree{}, BadVersion
	}
	t := Tree{
		blob:     blob[:size:size],
		structs:  word(blob, 8),
		names:    word(blob, 12),
		reserved: word(blob, 16),
	}
	total := uint32(size)
	namesSize, structsSize := word(blob, 32), word(blob, 36)
	if !inside(t.structs, structsSize, total) || !inside(t.names, namesSize, total) ||
		!inside(t.reserved, reservationSize, total) || t.structs%4 != 0 || t.reserved%8 != 0 {
		return Tree{}, BadLayout
	}
	t.structsEnd, t.namesEnd = t.structs+structsSize, t.names+namesSize
	if status := t.checkReservations(); status != OK {
		return Tree{}, status
	}
	if status := t.checkStructure(); status != OK {
		return Tree{}, status
	}
	return t, OK
}

// inside reports whether size bytes at offset are behind the header and inside
// a blob of total bytes.
func inside(offset, size, total uint32) bool {
	return offset >= HeaderBytes && offset <= total && size <= total-offset
}

// checkReservations looks for the pair of zeros that ends the block.
func (t *Tree) checkReservations() Status {
	for at := t.reserved; at+reservationSize <= uint32(len(t.blob)); at += reservationSize {
		if word(t.blob, at)|word(t.blob, at+4)|word(t.blob, at+8)|word(t.blob, at+12) == 0 {
			return OK
		}
	}
	return BadReservation
}

// checkStructure walks the structure block from its first to its last token,
// and finds the root.
func (t *Tree) checkStructure() Status {
	depth := 0
	properties := false // may a property follow: not behind a child
	for at := t.structs; ; {
		if t.structsEnd-at < 4 {
			return BadNesting
		}
		token := word(t.blob, at)
		switch token {
		case tokenBeginNode:
			if depth == 0 && t.root != 0 {
				return BadNesting
			}
			if depth == MaxDepth {
				return TooDeep
			}
			if depth == 0 {
				t.root = at
			}
			length, ok := t.terminated(at+4, t.structsEnd)
			if !ok || !t.fits(at+4, length+1) {
				return BadName
			}
			at += 4 + align4(length+1)
			depth++
			properties = true
		case tokenEndNode:
			if depth == 0 {
				return BadNesting
			}
			at += 4
			depth--
			properties = false
		case tokenProperty:
			if !properties || t.structsEnd-at < 12 {
				return BadProperty
			}
			length, name := word(t.blob, at+4), word(t.blob, at+8)
			if !t.fits(at+12, length) {
				return BadProperty
			}
			if name >= t.namesEnd-t.names {
				return BadName
			}
			if _, ok := t.terminated(t.names+name, t.namesEnd); !ok {
				return BadName
			}
			at += 12 + align4(length)
		case tokenNop:
			at += 4
		case tokenEnd:
			if depth != 0 || t.root == 0 {
				return BadNesting
			}
			return OK
		default:
			return BadToken
		}
	}
}

// fits reports whether size bytes at offset at, rounded up to a whole token,
// are inside the structure block.
func (t *Tree) fits(at, size uint32) bool {
	left := t.structsEnd - at
	return at <= t.structsEnd && size <= left && align4(size) <= left
}

// terminated returns the length of the name at offset at, which must end before
// end and after at most maxName bytes.
func (t *Tree) terminated(at, end uint32) (uint32, bool) {
	for n := uint32(0); n <= maxName && at+n < end; n++ {
		if t.blob[at+n] == 0 {
			return n, true
		}
	}
	return 0, false
}

// word is the big-endian number of 32 bits at offset at; the caller has checked
// that it is inside.
func word(b []byte, at uint32) uint32 {
	b = b[at : at+4]
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// align4 rounds a size up to whole tokens. Sizes are at most MaxBytes, or were
// compared with what is left before.
func align4(n uint32) uint32 { return (n + 3) &^ 3 }
