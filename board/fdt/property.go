package fdt

// Value is a property's value, pointing into the blob.
type Value []byte

// Property is the value of the node's property called name. A property without
// a value is found, with length 0.
func (t *Tree) Property(n Node, name string) (Value, bool) {
	return t.property(n, bytesOf(name))
}

func (t *Tree) property(n Node, name []byte) (Value, bool) {
	at := t.body(n.offset())
	for {
		switch t.token(at) {
		case tokenNop:
			at += 4
		case tokenProperty:
			v, next, ok := t.propertyAt(at)
			if !ok {
				return nil, false
			}
			if t.named(word(t.blob, at+8), name) {
				return v, true
			}
			at = next
		default:
			return nil, false
		}
	}
}

// propertyAt is the value of the property whose token is at offset at, and the
// offset behind it.
func (t *Tree) propertyAt(at uint32) (v Value, next uint32, ok bool) {
	if t.structsEnd-at < 12 {
		return nil, 0, false
	}
	length := word(t.blob, at+4)
	if !t.fits(at+12, length) {
		return nil, 0, false
	}
	begin := at + 12
	return Value(t.blob[begin : begin+length : begin+length]), begin + align4(length), true
}

// named compares the string at an offset of the strings block with name.
func (t *Tree) named(offset uint32, name []byte) bool {
	size := t.namesEnd - t.names
	if offset >= size || uint32(len(name)) >= size-offset {
		return false
	}
	at := t.names + offset
	end := at + uint32(len(name))
	return t.blob[end] == 0 && same(t.blob[at:end], name)
}

// Cells is how many 32-bit cells the value has; a rest of fewer bytes is not
// counted.
func (v Value) Cells() int { return len(v) / 4 }

// Cell is the i-th cell.
func (v Value) Cell(i int) (uint32, bool) {
	if i < 0 || i >= v.Cells() {
		return 0, false
	}
	return word(v, uint32(i)*4), true
}

// Number is the number made of count cells, 0 to 2, beginning with the i-th.
func (v Value) Number(i, count int) (uint64, bool) {
	if i < 0 || count < 0 || count > 2 || i > v.Cells() || count > v.Cells()-i {
		return 0, false
	}
	var n uint64
	for k := range count {
		n = n<<32 | uint64(word(v, uint32(i+k)*4))
	}
	return n, true
}

// Text is the first string of the value, without its NUL.
func (v Value) Text() []byte { return v[:indexOf(v, 0)] }

// Is reports whether the first string of the value is s.
func (v Value) Is(s string) bool { return same(v.Text(), bytesOf(s)) }

// Contains reports whether one of the strings of the value is s.
func (v Value) Contains(s string) bool {
	want := bytesOf(s)
	for len(v) > 0 {
		end := indexOf(v, 0)
		if same(v[:end], want) {
			return true
		}
		if end == len(v) {
			return false
		}
		v = v[end+1:]
	}
	return false
}

// Index is the i-th string of the value.
func (v Value) Index(i int) ([]byte, bool) {
	for ; len(v) > 0; i-- {
		end := indexOf(v, 0)
		if i == 0 {
			return v[:end], true
		}
		if end == len(v) {
			break
		}
		v = v[end+1:]
	}
	return nil, false
}
