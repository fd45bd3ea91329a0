package fdt

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// blob builds trees that dtc would not.
type blob struct {
	structs, names []byte
}

func (b *blob) cells(v ...uint32) *blob {
	for _, x := range v {
		b.structs = binary.BigEndian.AppendUint32(b.structs, x)
	}
	return b
}

func (b *blob) begin(name string) *blob {
	b.cells(tokenBeginNode)
	b.structs = append(append(b.structs, name...), 0)
	for len(b.structs)%4 != 0 {
		b.structs = append(b.structs, 0)
	}
	return b
}

func (b *blob) property(name string, v ...uint32) *blob {
	offset := len(b.names)
	b.names = append(append(b.names, name...), 0)
	return b.cells(tokenProperty, uint32(4*len(v)), uint32(offset)).cells(v...)
}

func (b *blob) end() *blob { return b.cells(tokenEndNode) }

// pack adds the header and an empty reservation block.
func (b *blob) pack() []byte {
	const structs = HeaderBytes + reservationSize
	names := structs + len(b.structs)
	total := names + len(b.names)
	var p []byte
	for _, x := range []uint32{magic, uint32(total), structs, uint32(names), HeaderBytes, version, 16, 0, uint32(len(b.names)), uint32(len(b.structs))} {
		p = binary.BigEndian.AppendUint32(p, x)
	}
	p = append(p, make([]byte, reservationSize)...)
	return append(append(p, b.structs...), b.names...)
}

func TestOpenRefuses(t *testing.T) {
	good := func() *blob { return new(blob).begin("").property("a", 1).begin("b").end().end().cells(tokenEnd) }
	patch := func(at int, v uint32) []byte {
		p := good().pack()
		binary.BigEndian.PutUint32(p[at:], v)
		return p
	}
	if _, status := Open(good().pack()); status != OK {
		t.Fatalf("the tree that the others are made of: %v", status)
	}
	deep := new(blob)
	for range MaxDepth {
		deep.begin("")
	}
	long := make([]byte, maxName+1)
	for i := range long {
		long[i] = 'n'
	}
	for name, c := range map[string]struct {
		blob []byte
		want Status
	}{
		"nothing":                     {nil, Truncated},
		"half a header":               {good().pack()[:39], Truncated},
		"a byte short":                {good().pack()[:len(good().pack())-1], Truncated},
		"magic":                       {patch(0, 0xedfe0dd0), BadMagic},
		"size below the header":       {patch(4, 39), BadLayout},
		"size above the limit":        {patch(4, MaxBytes+1), TooBig},
		"structure before the header": {patch(8, 36), BadLayout},
		"structure behind the end":    {patch(8, 1<<20), BadLayout},
		"structure misaligned":        {patch(8, 57), BadLayout},
		"structure size wraps":        {patch(36, 1<<32-4), BadLayout},
		"structure size one cell":     {patch(36, 4), BadName},
		"structure size zero":         {patch(36, 0), BadNesting},
		"strings behind the end":      {patch(12, 1<<32-1), BadLayout},
		"strings size wraps":          {patch(32, 1<<32-1), BadLayout},
		"no strings":                  {patch(32, 0), BadName},
		"reservations behind the end": {patch(16, 1<<31), BadLayout},
		"reservations misaligned":     {patch(16, 44), BadLayout},
		"reservations without end":    {patch(HeaderBytes, 1)[:], BadReservation},
		"version 16":                  {patch(20, 16), BadVersion},
		"version 18 only":             {patch(24, 18), BadVersion},
		"no root":                     {new(blob).cells(tokenEnd).pack(), BadNesting},
		"two roots":                   {new(blob).begin("").end().begin("").end().cells(tokenEnd).pack(), BadNesting},
		"root not closed":             {new(blob).begin("").cells(tokenEnd).pack(), BadNesting},
		"closed twice":                {new(blob).begin("").end().end().cells(tokenEnd).pack(), BadNesting},
		"no end":                      {new(blob).begin("").end().pack(), BadNesting},
		"property outside":            {new(blob).property("a").begin("").end().cells(tokenEnd).pack(), BadProperty},
		"property behind a child":     {new(blob).begin("").begin("b").end().property("a").end().cells(tokenEnd).pack(), BadProperty},
		"property cut":                {new(blob).begin("").cells(tokenProperty, 0).pack(), BadProperty},
		"value leaves the block":      {new(blob).begin("").cells(tokenProperty, 1<<32-1, 0, 0).end().cells(tokenEnd).pack(), BadProperty},
		"value's padding leaves":      {new(blob).begin("").cells(tokenProperty, 1, 0).pack(), BadProperty},
		"name outside the strings":    {new(blob).begin("").cells(tokenProperty, 0, 9).end().cells(tokenEnd).pack(), BadName},
		"node's name too long":        {new(blob).begin("").begin(string(long)).end().end().cells(tokenEnd).pack(), BadName},
		"property's name too long":    {new(blob).begin("").property(string(long)).end().cells(tokenEnd).pack(), BadName},
		"unknown token":               {new(blob).begin("").cells(5).pack(), BadToken},
		"too deep":                    {deep.begin("x").pack(), TooDeep},
	} {
		if name == "reservations without end" {
			// Its zeros are found in no later pair either.
			for i := HeaderBytes; i < len(c.blob); i++ {
				c.blob[i] = 1
			}
		}
		tree, status := Open(c.blob)
		if status != c.want {
			t.Errorf("%s: %v, want %v", name, status, c.want)
		}
		if status != OK && tree.Root().Valid() {
			t.Errorf("%s: refused, and a tree all the same", name)
		}
	}
}

func TestNopAnywhere(t *testing.T) {
	b := new(blob).cells(tokenNop).begin("").cells(tokenNop).property("a", 1).cells(tokenNop).property("b", 2).
		cells(tokenNop).begin("c").cells(tokenNop).end().cells(tokenNop).begin("d").end().cells(tokenNop).end().cells(tokenNop, tokenEnd)
	tree, status := Open(b.pack())
	if status != OK {
		t.Fatal(status)
	}
	if v, ok := tree.Property(tree.Root(), "b"); !ok || len(v) != 4 || v[3] != 2 {
		t.Errorf("b = %v, %v", v, ok)
	}
	if n, ok := tree.Find("/d"); !ok || string(tree.Name(n)) != "d" {
		t.Errorf("d = %v, %v", n, ok)
	}
	if got := len(outline(&tree)); got != 3 {
		t.Errorf("%d nodes", got)
	}
}

func TestBadCells(t *testing.T) {
	for name, c := range map[string]struct {
		address, size uint32
		reg           []uint32
		want          Status
	}{
		"no address":        {0, 1, []uint32{1}, BadValue},
		"neither":           {0, 0, []uint32{}, BadValue},
		"too many":          {4, 1, []uint32{0, 0, 0, 0, 1}, BadValue},
		"huge":              {1<<32 - 1, 1, []uint32{0}, BadValue},
		"three":             {3, 2, []uint32{0, 0, 0, 0, 0}, Unsupported},
		"a cell is missing": {2, 2, []uint32{0, 0, 0}, BadValue},
		"empty":             {2, 2, nil, NotFound},
	} {
		b := new(blob).begin("").property("#address-cells", c.address).property("#size-cells", c.size).
			begin("d").property("reg", c.reg...).end().end().cells(tokenEnd)
		tree, status := Open(b.pack())
		if status != OK {
			t.Fatal(name, status)
		}
		if _, status := tree.Reg(find(t, &tree, "/d"), 0); status != c.want {
			t.Errorf("%s: %v, want %v", name, status, c.want)
		}
	}
}

func TestTranslationWraps(t *testing.T) {
	b := new(blob).begin("").property("#address-cells", 2).property("#size-cells", 2).
		begin("bus").property("ranges", 0, 0, 1<<32-1, 1<<32-1, 0, 0x1000).
		begin("d").property("reg", 0, 0x10, 1).end().end().end().cells(tokenEnd)
	tree, status := Open(b.pack())
	if status != OK {
		t.Fatal(status)
	}
	if r, status := tree.Reg(find(t, &tree, "/bus/d"), 0); status != BadValue {
		t.Errorf("Reg = %#x, %v, want %v", r, status, BadValue)
	}
}

// ask puts every question of the package to a tree.
func ask(tree *Tree) (nodes int) {
	for n, ok := tree.Root(), tree.Root().Valid(); ok; n, ok = tree.Next(n) {
		nodes++
		tree.Name(n)
		tree.Enabled(n)
		tree.FirstChild(n)
		tree.NextSibling(n)
		tree.Compatible(n, "virtio,mmio")
		for i := range 3 {
			tree.Reg(n, i)
			tree.LocalReg(n, i)
			tree.Interrupt(n, i)
		}
		tree.RegNamed(n, "cpu")
	}
	for i := range 4 {
		tree.Memory(i)
		tree.ReservedMemory(i)
		tree.Reservation(i)
		tree.CPU(i)
	}
	tree.BootArguments()
	tree.RandomSeed()
	tree.Initrd()
	tree.Console()
	tree.PSCI()
	tree.Find("serial0")
	return nodes
}

func FuzzTree(f *testing.F) {
	for _, name := range []string{"virt-gicv2.dtb", "virt-gicv3.dtb", "board.dtb"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint32(0), uint32(0))
		for at := uint32(4); at < HeaderBytes; at += 4 {
			f.Add(data, at, uint32(0x38))
		}
		f.Add(data, uint32(0x50), uint32(1<<31))
	}
	f.Add(new(blob).begin("").property("#address-cells", 0).end().cells(tokenEnd).pack(), uint32(0), uint32(0))
	f.Fuzz(func(t *testing.T, data []byte, at, flip uint32) {
		data = append([]byte(nil), data...)
		if len(data) >= 4 {
			at %= uint32(len(data) - 3)
			binary.BigEndian.PutUint32(data[at:], binary.BigEndian.Uint32(data[at:])^flip)
		}
		tree, status := Open(data)
		if status.String() == "unknown status" {
			t.Errorf("status %d has no sentence", status)
		}
		nodes := ask(&tree)
		if (status == OK) != (nodes > 0) {
			t.Errorf("%v, and %d nodes", status, nodes)
		}
		if nodes > len(data)/8 {
			t.Errorf("%d nodes in %d bytes", nodes, len(data))
		}
	})
}

// Every byte of a real tree, changed: refused or answered, never a panic.
func TestMutations(t *testing.T) {
	good, err := os.ReadFile(filepath.Join("testdata", "board.dtb"))
	if err != nil {
		t.Fatal(err)
	}
	refused, questions := 0, 0
	bad := make([]byte, len(good))
	flips := [...]byte{0x01, 0x80, 0xff}
	for at := range good {
		copy(bad, good)
		bad[at] ^= flips[at%len(flips)]
		tree, status := Open(bad)
		if status != OK {
			refused++
			continue
		}
		questions += ask(&tree)
	}
	if refused == 0 || questions == 0 {
		t.Errorf("%d trees refused, %d nodes asked: one of the ways was never taken", refused, questions)
	}
}
