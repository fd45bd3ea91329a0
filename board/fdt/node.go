package fdt

import "unsafe"

// Node is a place in a Tree: the offsets of the nodes from the root to here.
// A small value (72 bytes), comparable, good as long as its blob does not
// change. The zero value is no node: nothing is found in it.
type Node struct {
	depth int32 // index of the node's own offset in path
	path  [MaxDepth]uint32
}

// offset is where the node's token is.
func (n *Node) offset() uint32 {
	if n.depth < 0 || n.depth >= MaxDepth {
		return 0
	}
	return n.path[n.depth]
}

// Depth is 0 for the root.
func (n Node) Depth() int { return int(n.depth) }

// Valid reports whether n is a node at all.
func (n Node) Valid() bool { return n.path[0] != 0 }

// Root is the node that holds all others. Not valid in an empty tree.
func (t *Tree) Root() Node {
	var n Node
	n.path[0] = t.root
	return n
}

// Parent is the node that holds n; ok is false for the root.
func (t *Tree) Parent(n Node) (parent Node, ok bool) {
	if n.depth <= 0 || n.depth >= MaxDepth {
		return Node{}, false
	}
	n.path[n.depth] = 0
	n.depth--
	return n, true
}

// Name is the node's name with its unit address, without the NUL: empty for the
// root. It points into the blob.
func (t *Tree) Name(n Node) []byte {
	at := n.offset()
	if t.token(at) != tokenBeginNode {
		return nil
	}
	length, ok := t.terminated(at+4, t.structsEnd)
	if !ok {
		return nil
	}
	return t.blob[at+4 : at+4+length : at+4+length]
}

// NameIs reports whether the node is called name. A name without "@" fits any
// unit address: "memory" fits memory@40000000.
func (t *Tree) NameIs(n Node, name string) bool {
	return n.Valid() && sameName(t.Name(n), bytesOf(name))
}

// FirstChild is the first node inside n.
func (t *Tree) FirstChild(n Node) (child Node, ok bool) {
	at := t.skipProperties(t.body(n.offset()))
	if t.token(at) != tokenBeginNode {
		return Node{}, false
	}
	return n.inner(at)
}

// NextSibling is the next node behind n in the same parent.
func (t *Tree) NextSibling(n Node) (sibling Node, ok bool) {
	if n.depth <= 0 {
		return Node{}, false
	}
	at, levels := t.body(n.offset()), 1
	for levels > 0 {
		at = t.skipProperties(at)
		switch t.token(at) {
		case tokenBeginNode:
			at = t.body(at)
			levels++
		case tokenEndNode:
			at += 4
			levels--
		default:
			return Node{}, false
		}
	}
	at = t.skipProperties(at)
	if t.token(at) != tokenBeginNode {
		return Node{}, false
	}
	parent, ok := t.Parent(n)
	if !ok {
		return Node{}, false
	}
	return parent.inner(at)
}

// Next is the node behind n in the order of the blob: its first child, else the
// next sibling of it or of the nearest ancestor that has one. Beginning at Root
// it visits every node once.
func (t *Tree) Next(n Node) (next Node, ok bool) {
	at := t.body(n.offset())
	for {
		at = t.skipProperties(at)
		switch t.token(at) {
		case tokenBeginNode:
			return n.inner(at)
		case tokenEndNode:
			at += 4
			if n, ok = t.Parent(n); !ok {
				return Node{}, false
			}
		default:
			return Node{}, false
		}
	}
}

// inner is the child of n whose token is at offset at.
func (n Node) inner(at uint32) (Node, bool) {
	if n.depth < 0 || n.depth >= MaxDepth-1 {
		return Node{}, false
	}
	n.depth++
	n.path[n.depth] = at
	return n, true
}

// Find is the node at an absolute path, "/soc/serial@9000000", or at a path that
// begins with an alias, "serial0". A component without "@" fits any unit
// address; the first that fits is taken.
func (t *Tree) Find(path string) (Node, bool) { return t.find(bytesOf(path)) }

func (t *Tree) find(path []byte) (Node, bool) {
	if len(path) > 0 && path[0] == '/' {
		return t.descend(t.Root(), path)
	}
	end := indexOf(path, '/')
	aliases, ok := t.descend(t.Root(), bytesOf("/aliases"))
	if !ok {
		return Node{}, false
	}
	target, ok := t.property(aliases, path[:end])
	// An alias of an alias is not a thing: the value must be absolute.
	if !ok || len(target) == 0 || target[0] != '/' {
		return Node{}, false
	}
	n, ok := t.descend(t.Root(), target.Text())
	if !ok {
		return Node{}, false
	}
	return t.descend(n, path[end:])
}

// descend follows path, whose components are separated by "/", from n.
func (t *Tree) descend(n Node, path []byte) (Node, bool) {
	if !n.Valid() {
		return Node{}, false
	}
	for len(path) > 0 {
		if path[0] == '/' {
			path = path[1:]
			continue
		}
		end := indexOf(path, '/')
		child, ok := t.FirstChild(n)
		for ok && !sameName(t.Name(child), path[:end]) {
			child, ok = t.NextSibling(child)
		}
		if !ok {
			return Node{}, false
		}
		n, path = child, path[end:]
	}
	return n, true
}

// FindPhandle is the node that other nodes refer to by the number handle.
func (t *Tree) FindPhandle(handle uint32) (Node, bool) {
	// 0 and all ones are no phandles (section 2.3.3 gives them no meaning, and
	// compilers use them for "none").
	if handle == 0 || handle == 1<<32-1 {
		return Node{}, false
	}
	for n, ok := t.Root(), t.root != 0; ok; n, ok = t.Next(n) {
		v, found := t.Property(n, "phandle")
		if !found {
			v, found = t.Property(n, "linux,phandle")
		}
		if found && len(v) == 4 && word(v, 0) == handle {
			return n, true
		}
	}
	return Node{}, false
}

// NextCompatible is the next node behind after, in the order of Next, that is
// compatible with name and enabled. Begin with Root.
func (t *Tree) NextCompatible(after Node, name string) (Node, bool) {
	for n, ok := t.Next(after); ok; n, ok = t.Next(n) {
		if t.Compatible(n, name) && t.Enabled(n) {
			return n, true
		}
	}
	return Node{}, false
}

// Compatible reports whether the node's compatible list holds name.
func (t *Tree) Compatible(n Node, name string) bool {
	v, ok := t.Property(n, "compatible")
	return ok && v.Contains(name)
}

// Enabled reports whether the device may be used: neither it nor a bus above it
// has a status other than "okay" (section 2.3.4).
func (t *Tree) Enabled(n Node) bool {
	for ok := n.Valid(); ok; n, ok = t.Parent(n) {
		v, found := t.Property(n, "status")
		// "ok" is what old firmware writes.
		if found && !v.Is("okay") && !v.Is("ok") {
			return false
		}
	}
	return true
}

// token is the token at offset at, tokenEnd when at is outside the structure
// block.
func (t *Tree) token(at uint32) uint32 {
	if at < t.structs || at > t.structsEnd || t.structsEnd-at < 4 {
		return tokenEnd
	}
	return word(t.blob, at)
}

// body is the offset behind the name of the node whose token is at offset at.
func (t *Tree) body(at uint32) uint32 {
	if t.token(at) != tokenBeginNode {
		return t.structsEnd
	}
	length, ok := t.terminated(at+4, t.structsEnd)
	if !ok {
		return t.structsEnd
	}
	return at + 4 + align4(length+1)
}

// skipProperties is the offset of the first token at or behind at that is
// neither a property nor filler.
func (t *Tree) skipProperties(at uint32) uint32 {
	for {
		switch t.token(at) {
		case tokenNop:
			at += 4
		case tokenProperty:
			var ok bool
			if _, at, ok = t.propertyAt(at); !ok {
				return t.structsEnd
			}
		default:
			return at
		}
	}
}

// sameName compares a node's name with a wanted one, which fits any unit
// address when it has none itself.
func sameName(name, want []byte) bool {
	if indexOf(want, '@') == len(want) {
		name = name[:indexOf(name, '@')]
	}
	return same(name, want)
}

// indexOf is the index of c in b, len(b) when it is not there.
func indexOf(b []byte, c byte) int {
	for i := range b {
		if b[i] == c {
			return i
		}
	}
	return len(b)
}

func same(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// bytesOf is s as bytes, not to be written to.
//
// Safety: a conversion would call the runtime for memory. The string's bytes
// live as long as the result, and nobody writes to them.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
